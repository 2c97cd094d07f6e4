"""A real worker with handlers that leave traces: ``celery -A tests.jobs.worker_app worker``.

Each run writes a row into the table ``effect`` (no unique constraint: what is done twice is seen twice). A job with
``seconds`` sleeps in the middle, so that it can be killed there.
"""

import time

from django.db import connection, transaction

from farmland.celery import app  # noqa: F401  Celery looks for it here
from farmland.jobs.registry import handler


def effect(job):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO effect (job, attempt) VALUES (%s, %s)", [str(job.id), job.job.attempts])


@handler("proof.fenced", title="有栅栏的作业")
def fenced(job):
    time.sleep(job.args.get("seconds", 0) if job.job.attempts == 1 else 0)
    with transaction.atomic():
        job.fence()
        effect(job)
        time.sleep(job.args.get("inside", 0) if job.job.attempts == 1 else 0)


@handler("proof.unfenced", title="没有栅栏的作业")
def unfenced(job):
    """The negative control: writes in a transaction of its own, so a kill before the end does it twice."""
    effect(job)
    time.sleep(job.args.get("seconds", 0) if job.job.attempts == 1 else 0)
