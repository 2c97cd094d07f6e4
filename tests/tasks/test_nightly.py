"""The nightly run: a safety net that reports when it catches something, and freezes the day."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from farmland.jobs.services import enqueue, run_pending
from tasks.models import Progress, Snapshot, TownYear
from tests.tasks.page_world import load_town

pytestmark = pytest.mark.django_db


@pytest.fixture
def erping():
    plan = load_town("erping-2023")
    run_pending()
    return plan


def run_nightly() -> Job:
    job = enqueue("nightly")
    run_pending()
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    return job


def faults(plan) -> int:
    return Event.objects.filter(town=plan.town, action="夜间重算发现差异").count()


def test_a_night_that_finds_nothing_to_change_reports_nothing(erping):
    assert run_nightly().result == {"changed": 0}
    assert faults(erping) == 0


def test_a_figure_that_drifted_is_put_right_and_reported_as_a_fault(erping):
    Progress.objects.filter(town=erping.town, kind="in_out", division=None, tranche="").update(counted=Decimal(99))
    assert run_nightly().result == {"changed": 1}
    assert Progress.objects.get(town=erping.town, kind="in_out", division=None, tranche="").counted == 32
    assert faults(erping) == 1


def test_a_day_is_frozen_once_and_stays_as_it_was(erping):
    run_nightly()
    frozen = Snapshot.objects.get(town=erping.town, kind="in_out", division=None, tranche="")
    assert (frozen.day, frozen.counted, frozen.amount) == (timezone.localdate(), 32, 101)
    Progress.objects.filter(pk__isnull=False).update(counted=Decimal(7))
    run_nightly()
    assert Snapshot.objects.get(pk=frozen.pk).counted == 32
    assert Snapshot.objects.filter(town=erping.town).count() == Progress.objects.filter(town=erping.town).count()


def test_a_closed_year_is_left_alone(erping):
    TownYear.objects.filter(town=erping.town).update(closed_on=date(2024, 2, 1))
    Progress.objects.filter(town=erping.town).update(counted=Decimal(7))
    assert run_nightly().result == {"changed": 0}
    assert set(Progress.objects.filter(town=erping.town).values_list("counted", flat=True)) == {Decimal(7)}
