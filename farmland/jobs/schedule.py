"""What beat starts. Apps add theirs in ``AppConfig.ready``; nothing about times lives in the database."""

from celery.schedules import crontab
from django.conf import settings


def register_sweep() -> None:
    settings.CELERY_BEAT_SCHEDULE["sweep"] = {
        "task": "farmland.jobs.sweep",
        "schedule": float(settings.JOB_SWEEP_SECONDS),
        "options": {"expires": max(10, 2 * settings.JOB_SWEEP_SECONDS)},  # sweeps do not pile up behind a long job
    }


def register_periodic(name: str, at: crontab, kind: str, args: dict | None = None) -> None:
    """Queue a job of ``kind`` at each moment of ``at`` (Asia/Shanghai), e.g. ``crontab(hour=2, minute=15)``.

    ValueError when ``name`` is taken by something else.
    """
    entry = {"task": "farmland.jobs.enqueue_periodic", "schedule": at, "args": [kind, args or {}]}
    if settings.CELERY_BEAT_SCHEDULE.get(name, entry) != entry:
        raise ValueError(f"periodic job {name!r} is registered twice")
    settings.CELERY_BEAT_SCHEDULE[name] = entry
