"""The recompute: idempotent, a fixed number of queries, 5,000 parcels in seconds."""

import time
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from farmland.accounts.models import Event
from parcels.models import Parcel, Step, Work
from parcels.progress import Ladders
from tasks.models import Progress, RedLineResult, Snapshot, TownYear
from tasks.services import nightly, recompute
from tests.tasks.land import TODAY, YEAR, Land

pytestmark = pytest.mark.django_db


def reported(land):
    land.target("abandonment", 20, level="county", shares=dict.fromkeys(land.villages, 10))
    for village in land.villages:
        work = land.work(village, "abandonment", 10, parcel=True)
        land.step(work, "planted", "7.5")
        land.step(work, "county_accepted", "2.5")
    return land


def moments() -> set:
    rows = [*Progress.objects.all(), *RedLineResult.objects.all(), *Parcel.objects.all()]
    return {(type(row).__name__, row.pk, row.updated_at) for row in rows}


def test_a_second_run_changes_no_row_and_moves_no_moment():
    land = reported(Land())
    assert recompute(land.town, YEAR) > 0
    before = moments()

    assert recompute(land.town, YEAR, now=timezone.now() + timedelta(hours=1)) == 0
    assert moments() == before
    assert TownYear.objects.get().as_of > timezone.now()


def test_it_repairs_rows_that_somebody_bent():
    land = reported(Land())
    recompute(land.town, YEAR)
    Progress.objects.filter(division=None).update(counted=D(99))

    assert recompute(land.town, YEAR) == 1
    assert Progress.objects.get(division=None).counted == 5


def test_a_share_that_is_gone_takes_its_row_along():
    land = reported(Land(villages=("东村", "西村", "南村")))
    empty = land.below(land.town, "北村")
    target = land.plan.targets.get()
    target.shares.create(town=land.town, division=empty, amount=D(1))
    recompute(land.town, YEAR)
    assert Progress.objects.filter(division=empty).exists()
    target.shares.filter(division=empty).delete()
    recompute(land.town, YEAR)

    assert not Progress.objects.filter(division=empty).exists()


def test_a_parcels_stage_is_that_of_its_least_advanced_work():
    land = Land()
    land.target("abandonment", 20, level="county")
    work = land.work("东村", "abandonment", 4, parcel=True)
    second = Work.objects.create(
        town=land.town, division=work.division, parcel=work.parcel, kind_id="abandonment", year=YEAR, area_mu=D(2),
        tranche="二",
    )  # fmt: skip
    land.step(work, "county_accepted", 4)
    land.step(second, "ploughed", 1)
    recompute(land.town, YEAR)

    assert Parcel.objects.get().stage == "ploughed"


def test_a_stage_is_a_rung_of_the_works_own_ladder():
    """A problem parcel (short ladder) that is restored as land (long ladder), accepted by the city."""
    land = Land()
    work = land.work("东村", "abandonment", 4, parcel=True)
    Parcel.objects.update(kind="illegal_use")
    land.step(work, "city_accepted", 4)
    recompute(land.town, YEAR)

    assert Parcel.objects.get().stage == "city_accepted"


def test_the_nightly_run_tells_of_a_change_nobody_asked_for():
    land = reported(Land())
    recompute(land.town, YEAR)
    nightly(land.town, YEAR)
    assert not Event.objects.filter(action="夜间重算发现差异").exists()
    Progress.objects.filter(division=None).update(counted=D(99))
    nightly(land.town, YEAR)

    assert Event.objects.filter(action="夜间重算发现差异").count() == 1
    assert Snapshot.objects.filter(town=land.town).exists()


def test_the_number_of_queries_does_not_grow_with_villages_and_parcels():
    counts = []
    for number in (2, 12):
        land = reported(Land(villages=[f"{one}村" for one in range(number)], slug=f"town{number}", name=f"{number}镇"))
        recompute(land.town, YEAR)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            recompute(land.town, YEAR)
        counts.append(len(captured))

    assert counts[0] == counts[1]
    assert counts[0] <= 30


@pytest.mark.slow
def test_five_thousand_parcels_are_recomputed_in_seconds():
    land = Land(villages=[f"{one}村" for one in range(12)])
    land.target("abandonment", 9000, level="county", shares=dict.fromkeys(land.villages, 750))
    rungs = Ladders(land.town)
    villages = list(land.villages.values())
    common = {"town": land.town, "year": YEAR, "kind_id": "abandonment"}
    parcels = [Parcel(division=villages[one % 12], codes=[str(one)], **common) for one in range(5000)]
    Parcel.objects.bulk_create(parcels, batch_size=500)
    works = [Work(division=one.division, parcel=one, area_mu=D("2.5"), **common) for one in parcels]
    Work.objects.bulk_create(works, batch_size=500)
    steps = []
    for number, work in enumerate(works):
        for rung, area in (("ploughed", "2.5"), ("planted", "2"), ("county_accepted", "1.25"))[: number % 4]:
            where = {"town": land.town, "work": work, "rung": rungs.rung("abandonment", rung)}
            steps.append(Step(area_mu=D(area), verdict="reached", on=TODAY, **where))
    Step.objects.bulk_create(steps, batch_size=500)

    started = time.process_time()
    recompute(land.town, YEAR)
    first = time.process_time() - started
    started = time.process_time()
    assert recompute(land.town, YEAR) == 0
    again = time.process_time() - started

    assert Progress.objects.get(division=None).counted == D("1562.5")
    assert first < 6
    assert again < 3, f"{first:.2f} s, then {again:.2f} s of processor time"
