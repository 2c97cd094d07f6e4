"""One run of one job: claim, heartbeat beside it, the handler, and how it ended."""

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from farmland.jobs import registry, services
from farmland.jobs.models import Job
from farmland.jobs.registry import JobRefused
from farmland.jobs.services import Fenced

logger = logging.getLogger(__name__)
PROGRESS_EVERY = 0.5  # seconds between two writes of progress


class RunningJob:
    """What a handler gets: the job's arguments, its progress, and the fence that makes its writes happen once."""

    def __init__(self, job: Job, lease):
        self.job = job
        self.id = job.pk
        self.lease = lease
        self.args: dict = job.args
        self.town = job.town
        self.user = job.created_by
        self.lost = threading.Event()
        self._shown = float("-inf")

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Show how far the job is; at most two writes a second, the last (done == total) always.

        Call it outside the final transaction. Raises Fenced when the lease is lost.
        """
        if self.lost.is_set():
            raise Fenced(f"job {self.id}: lease {self.lease} is lost")
        if done < total and time.monotonic() - self._shown < PROGRESS_EVERY:
            return
        self._shown = time.monotonic()
        mine = Job.objects.filter(pk=self.id, lease=self.lease)
        shown = {"progress_done": done, "progress_total": total, "progress_text": text[:200]}
        if not mine.update(**shown, updated_at=timezone.now()):
            raise Fenced(f"job {self.id}: lease {self.lease} is lost")

    def fence(self, result: dict | None = None) -> None:
        """First statement of the handler's one writing transaction: job done and its writes become true together.

        Raises Fenced when another worker has taken over. A later error rolls both back. Pass ``result`` here, or
        return it from the handler.
        """
        self._in_transaction()
        services.finish(self.id, self.lease, result)

    def hold(self) -> None:
        """First statement of an earlier transaction of a handler with several: locks the job, does not end it.

        What it writes must be safe to write again: a crash before ``fence`` runs the whole handler once more.
        """
        self._in_transaction()
        if not services.renew(self.id, self.lease):
            raise Fenced(f"job {self.id}: lease {self.lease} is lost")

    def _in_transaction(self) -> None:
        if not connection.in_atomic_block:
            raise transaction.TransactionManagementError("the fence belongs into the transaction it guards")


class Heartbeat:
    """Renews the lease every JOB_HEARTBEAT_SECONDS from a thread while the handler works."""

    def __init__(self, running: RunningJob):
        self.running = running
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._beat, name=f"lease {running.id}", daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _beat(self) -> None:
        try:
            while not self.over.wait(settings.JOB_HEARTBEAT_SECONDS):
                try:
                    if not services.renew(self.running.id, self.running.lease):
                        self.running.lost.set()
                        return
                except DatabaseError as error:  # locked or restarting: the next beat tries again
                    logger.info("lease not renewed job=%s reason=%s", self.running.id, type(error).__name__)
                    connection.close()
        finally:
            connection.close()


def run(job_id) -> bool:
    """Claim the job and run it to its end; False when it was not ours to run. Never raises what a handler raised."""
    lease = services.claim(job_id)
    if lease is None:
        return False
    job = Job.objects.select_related("town", "created_by").get(pk=job_id)
    running = RunningJob(job, lease)
    try:
        result = _handle(running)
        services.finish(job.pk, lease, result)
    except Fenced:
        logger.warning("job fenced job=%s kind=%s: another worker has it", job.pk, job.kind)
    except JobRefused as refusal:
        services.fail(job.pk, lease, str(refusal))
        logger.info("job refused job=%s kind=%s", job.pk, job.kind)
    except Exception:  # the one place: whatever a handler raises is logged, and the job tried again or failed
        logger.exception("job broke job=%s kind=%s attempt=%d", job.pk, job.kind, job.attempts)
        services.retry(job, lease)
    else:
        logger.info("job done job=%s kind=%s attempt=%d", job.pk, job.kind, job.attempts)
    services.wake_next(job.dedupe_key)
    return True


def _handle(running: RunningJob) -> dict | None:
    try:
        handler = registry.find(running.job.kind)
    except LookupError as error:
        raise JobRefused(f"没有名为“{running.job.kind}”的后台作业，请联系管理员检查程序版本。") from error
    with Heartbeat(running):
        return handler.run(running)
