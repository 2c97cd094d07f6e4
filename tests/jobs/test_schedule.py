import pytest
from celery.schedules import crontab

from farmland.celery import app
from farmland.jobs import jobs, schedule
from farmland.jobs.models import Job


@pytest.fixture(autouse=True)
def beat(settings):
    settings.CELERY_BEAT_SCHEDULE = dict(settings.CELERY_BEAT_SCHEDULE)
    return settings.CELERY_BEAT_SCHEDULE


def test_beat_sweeps_at_the_set_pace(settings):
    assert app.conf.beat_schedule["sweep"]["task"] == "farmland.jobs.sweep"
    assert app.conf.beat_schedule["sweep"]["schedule"] == settings.JOB_SWEEP_SECONDS


def test_every_task_beat_and_wake_name_exists():
    app.finalize()
    assert {"farmland.jobs.sweep", "farmland.jobs.run_job", "farmland.jobs.enqueue_periodic"} <= set(app.tasks)


def test_a_periodic_job_is_registered_once_per_name(beat):
    schedule.register_periodic("proof", crontab(hour=2, minute=15), "test.note")
    schedule.register_periodic("proof", crontab(hour=2, minute=15), "test.note")
    assert beat["proof"]["args"] == ["test.note", {}]
    with pytest.raises(ValueError, match="registered twice"):
        schedule.register_periodic("proof", crontab(hour=3), "test.note")


def test_a_periodic_job_still_waiting_is_not_doubled(db, monkeypatch):
    monkeypatch.setattr("farmland.jobs.wake.send", lambda ids: True)
    jobs.enqueue_periodic("test.note", {})
    jobs.enqueue_periodic("test.note", {})
    assert Job.objects.count() == 1
