"""Celery tasks of the queue itself; both only look into the Job table, so a lost or doubled message does no harm."""

from celery import shared_task
from django.db import close_old_connections

from farmland.jobs import running, services


@shared_task(name="farmland.jobs.run_job")
def run_job(job_id: str) -> None:
    close_old_connections()
    running.run(job_id)


@shared_task(name="farmland.jobs.sweep")
def sweep() -> None:
    close_old_connections()
    services.sweep()


@shared_task(name="farmland.jobs.enqueue_periodic")
def enqueue_periodic(kind: str, args: dict) -> None:
    """Queue a nightly job; one that is still waiting from last time is not doubled."""
    close_old_connections()
    services.enqueue(kind, args=args, dedupe_key=f"periodic:{kind}")
