"""Queueing, claiming and ending jobs. Every step is one conditional UPDATE, so a second worker changes nothing."""

import logging
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from farmland.jobs import storage, wake
from farmland.jobs.models import Job, WorkerBeat, lease_end, one_more

logger = logging.getLogger(__name__)
RESEND_AFTER = timedelta(seconds=3)
RESEND_AT_ONCE = 50
RETRY_SECONDS = (2, 10)  # wait after the first, the second failure
INTERRUPTED = "后台作业“{title}”{count} 次都没有做完（程序中断或超时），已停止重试。请稍后重新发起或联系管理员。"
BROKEN = "后台作业“{title}”{count} 次都出错，已停止重试，数据没有改变。请联系管理员，作业编号 {id}。"


class Fenced(Exception):
    """The lease is no longer ours: another worker has the job, so nothing of this run may be written."""


def enqueue(
    kind: str,
    *,
    town=None,
    args: dict | None = None,
    user=None,
    dedupe_key: str = "",
    priority: int = 0,
    not_before: datetime | None = None,
) -> Job:
    """Put a job into the queue in the caller's transaction and wake a worker when it commits.

    With a ``dedupe_key`` a queued job of that key is returned instead of a second one (its first arguments stay); it
    is locked until the caller commits, so its run sees the caller's writes, and the ``user`` who joins may follow it
    like the one who began it. A running one does not count: the new job runs after it. Broker trouble is logged, never
    raised; the sweeper sends again.
    """
    with transaction.atomic():
        job = _queued(dedupe_key) or _insert(
            kind=kind,
            town=town,
            args=args or {},
            created_by=user,
            dedupe_key=dedupe_key or "",
            priority=priority,
            not_before=not_before,
        )
        if user is not None and user.pk != job.created_by_id:
            job.joined_by.add(user)
        transaction.on_commit(lambda: wake.send([job.pk]), robust=True)
    return job


def _queued(key: str | None) -> Job | None:
    if not key:
        return None
    return Job.objects.select_for_update(of=("self",)).filter(dedupe_key=key, state=Job.State.QUEUED).first()


def _insert(**fields) -> Job:
    try:
        with transaction.atomic():
            return Job.objects.create(**fields)
    except IntegrityError:  # another request queued the same key between our look and our insert
        if job := _queued(fields["dedupe_key"]):
            return job
        raise


def claim(job_id) -> uuid.UUID | None:
    """Take the job for JOB_LEASE_SECONDS; the lease, or None when it is taken, over, exhausted or not yet due."""
    lease = uuid.uuid4()
    try:
        with transaction.atomic():
            claimed = (
                Job.objects.runnable()
                .filter(pk=job_id)
                .update(
                    state=Job.State.RUNNING,
                    lease=lease,
                    lease_until=lease_end(),
                    heartbeat_at=Now(),
                    started_at=Coalesce("started_at", Now()),
                    attempts=one_more(),
                    updated_at=timezone.now(),
                )
            )
    except DatabaseError as error:  # another of the key was claimed in the same moment, or the row is locked
        logger.info("job not claimed job=%s reason=%s", job_id, type(error).__name__)
        return None
    return lease if claimed else None


def renew(job_id, lease) -> bool:
    """Heartbeat: push the lease's end; False when the lease is lost or the job is over."""
    mine = Job.objects.filter(pk=job_id, lease=lease, state=Job.State.RUNNING)
    return bool(mine.update(lease_until=lease_end(), heartbeat_at=Now()))


def finish(job_id, lease, result: dict | None = None) -> None:
    """Mark the job done if the lease still holds, else raise Fenced. In the handler's transaction it is the fence.

    A job already marked done under the same lease only gets its result.
    """
    ended = {"state": Job.State.DONE, "finished_at": Coalesce("finished_at", Now()), "lease_until": None}
    if result is not None:
        ended["result"] = result
    mine = Job.objects.filter(pk=job_id, lease=lease, state__in=[Job.State.RUNNING, Job.State.DONE])
    if not mine.update(**ended, error="", updated_at=timezone.now()):
        raise Fenced(f"job {job_id}: lease {lease} is lost")


def fail(job_id, lease, message: str) -> bool:
    """End the job with the Chinese ``message`` if the lease still holds."""
    mine = Job.objects.filter(pk=job_id, lease=lease, state=Job.State.RUNNING)
    return bool(mine.update(**_failed(message)))


def _failed(message: str) -> dict:
    return {
        "state": Job.State.FAILED,
        "error": message,
        "finished_at": Now(),
        "lease": None,
        "lease_until": None,
        "updated_at": timezone.now(),
    }


def retry(job: Job, lease) -> None:
    """After an unexpected error: wait and let it be claimed again, or fail when the attempts are used up.

    The job stays running without an owner, so that no other of its key overtakes it.
    """
    if job.attempts >= settings.JOB_MAX_ATTEMPTS:
        fail(job.pk, lease, BROKEN.format(title=job.title, count=job.attempts, id=job.pk))
        return
    wait = RETRY_SECONDS[min(job.attempts, len(RETRY_SECONDS)) - 1]
    mine = Job.objects.filter(pk=job.pk, lease=lease, state=Job.State.RUNNING)
    mine.update(
        lease=None,
        lease_until=Now() + timedelta(seconds=wait),
        progress_text=f"第 {job.attempts} 次没有做完，稍后自动重试。",
        updated_at=timezone.now(),
    )


def sweep() -> list:
    """Fail exhausted jobs, forget dead workers, remove old temporary files, send again what nobody is doing.

    Returns the ids that were sent. Safe to run in any number of workers at once.
    """
    for job_id in list(_exhausted().values_list("pk", flat=True)):
        _fail_exhausted(job_id)
    dead = WorkerBeat.objects.filter(beat_at__lt=Now() - timedelta(days=1))
    if dead.exists():
        dead.delete()
    if removed := storage.remove_stale():
        logger.info("stale temporary files removed count=%d", removed)
    stale = Job.objects.runnable().exclude(state=Job.State.QUEUED, created_at__gt=Now() - RESEND_AFTER)
    ids = list(stale.in_turn().values_list("pk", flat=True)[:RESEND_AT_ONCE])
    if ids:
        wake.send(ids)
        logger.info("jobs sent again count=%d", len(ids))
    return ids


def _exhausted():
    return Job.objects.expired().filter(attempts__gte=settings.JOB_MAX_ATTEMPTS)


def _fail_exhausted(job_id) -> None:
    """A worker that still holds the row (its last transaction is open) is left alone until the next sweep."""
    with transaction.atomic():
        job = _exhausted().select_for_update(skip_locked=True, of=("self",)).filter(pk=job_id).first()
        if job is None:
            return
        message = INTERRUPTED.format(title=job.title, count=job.attempts)
        Job.objects.filter(pk=job_id).update(**_failed(message))
    logger.error("job failed job=%s kind=%s attempts=%d", job.pk, job.kind, job.attempts)
    wake_next(job.dedupe_key)


def wake_next(key: str) -> None:
    """Wake a worker for the job that waited for the one of its key which has just ended."""
    if key and (waiting := Job.objects.runnable().filter(dedupe_key=key).values_list("pk", flat=True).first()):
        wake.send([waiting])


def run_pending(limit: int | None = None) -> int:
    """Run what is due, one after another in this process, until nothing is left or ``limit`` jobs ran; their number.

    For tests, start-up and ``manage.py work``. Jobs waiting for a retry or a later moment are left alone.
    """
    from farmland.jobs import running  # above this module: it runs what is queued here

    ran = 0
    passed = set()
    while limit is None or ran < limit:
        job_id = Job.objects.runnable().exclude(pk__in=passed).in_turn().values_list("pk", flat=True).first()
        if job_id is None:
            break
        if running.run(job_id):
            ran += 1
        else:
            passed.add(job_id)  # another worker was faster
    return ran


def worker_alive() -> bool:
    """Whether some worker has shown a pulse within the last half minute (by the database's clock)."""
    return WorkerBeat.objects.alive().exists()
