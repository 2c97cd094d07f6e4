"""Celery tasks of the queue itself; both only look into the Job table, so a lost or doubled message does no harm.

Celery's Django fixup closes database connections before and after each task, so none is stale after a restart of the
database and none is shared with a forked process.
"""

from celery import shared_task

from farmland.jobs import running, services


@shared_task(name="farmland.jobs.run_job")
def run_job(job_id: str) -> None:
    running.run(job_id)


@shared_task(name="farmland.jobs.sweep")
def sweep() -> None:
    services.sweep()


@shared_task(name="farmland.jobs.enqueue_periodic")
def enqueue_periodic(kind: str, args: dict) -> None:
    """Queue a nightly job; one that is still waiting from last time is not doubled."""
    services.enqueue(kind, args=args, dedupe_key=f"periodic:{kind}")
