"""The five lines of 二坪 2023: known answers from the plan file, through the loader and the recompute."""

from datetime import date
from decimal import Decimal as D

import pytest

from parcels.models import Kind
from parcels.progress import Ladders
from tasks.acceptance import Wish, accept, reverse
from tasks.models import Progress, RedLineResult
from tasks.services import recompute
from tests.tasks.land import Land
from tests.tasks.plan_fixture import loaded

pytestmark = pytest.mark.django_db
erping = loaded("erping-2023", date(2023, 9, 12))


@pytest.fixture
def lines(erping, db):
    recompute(erping.town, 2023)
    return {one.line: one for one in RedLineResult.objects.filter(town=erping.town)}


def whole(erping, key: str) -> Progress:
    return Progress.objects.get(town=erping.town, division=None, target__key=key)


def test_all_five_lines_exist(lines):
    assert set(lines) == {"retention", "pbf", "offset", "in_out", "illegal_use"}


def test_retention_is_the_survey_less_its_deduction(lines):
    line = lines["retention"]

    assert line.actual == D("15995.15")
    assert line.margin == D("-61.90")
    assert "16,117.10" in line.shown
    assert "121.95" in line.shown


def test_if_the_remaining_69_are_accepted_7_10_are_left(lines):
    tiers = lines["retention"].tiers

    assert D(tiers["planned"]["margin"]) == D("7.10")
    assert D(tiers["accepted"]["margin"]) == D("-61.90")


def test_in_out_stands_at_32_of_101(lines, erping):
    row = whole(erping, "in_out")

    assert (row.counted, row.amount, row.gap) == (32, 101, 69)
    assert round(row.rate, 4) == D("0.3168")
    assert lines["in_out"].margin == -69


def test_pbf_lacks_172_39(lines):
    assert lines["pbf"].margin == D("-172.39")


def test_offset_is_out_of_reach_by_312_90(lines, erping):
    line = lines["offset"]

    assert line.state == "infeasible"
    assert "312.9" in line.reason
    assert whole(erping, "offset").state == "infeasible"
    assert D(line.tiers["planned"]["margin"]) == D("-312.9")


def test_two_problems_of_three_are_open(lines):
    line = lines["illegal_use"]

    assert (line.unit, line.actual, line.margin) == ("count", 2, -2)


def test_the_32_are_inside_the_survey_and_count_once(erping, db):
    """32 亩 accepted before the survey day raise in_out, not retention; one more 亩 accepted later raises both."""
    recompute(erping.town, 2023)
    before = RedLineResult.objects.get(town=erping.town, line="retention").margin
    other = Land(slug="elsewhere", name="别镇").person(place=erping.town)
    kind = Kind.objects.get(code="in_out")
    wish = Wish(erping.town, kind, "city", D(1), date(2023, 9, 1), "passed", tranche="2022年结转")
    accept(erping, wish, by=other)
    recompute(erping.town, 2023)

    assert whole(erping, "in_out").counted == 33
    assert RedLineResult.objects.get(town=erping.town, line="retention").margin == before + 1


def test_what_is_taken_back_leaves_the_stock_as_it_was(erping, db):
    """Accepted after the survey and taken back, or before it and taken back later: the survey's area stands."""
    recompute(erping.town, 2023)
    before = RedLineResult.objects.get(town=erping.town, line="retention").margin
    other = Land(slug="elsewhere", name="别镇").person(place=erping.town)
    kind = Kind.objects.get(code="in_out")
    for day in (date(2023, 9, 1), date(2023, 2, 1)):
        step = accept(
            erping, Wish(erping.town, kind, "city", D(10), day, "passed", tranche="2022年结转"), by=other
        ).step
        reverse(step, by=other, reason="录入有误", on=date(2023, 9, 2))
        recompute(erping.town, 2023)

        assert whole(erping, "in_out").counted == 32
        assert RedLineResult.objects.get(town=erping.town, line="retention").margin == before


def test_accepting_all_69_gives_what_the_what_if_promised(erping, db):
    other = Land(slug="elsewhere", name="别镇").person(place=erping.town)
    kind = Kind.objects.get(code="in_out")
    wish = Wish(erping.town, kind, "city", D(69), date(2023, 9, 1), "passed", tranche="2022年结转")
    accept(erping, wish, by=other)
    recompute(erping.town, 2023)

    line = RedLineResult.objects.get(town=erping.town, line="retention")
    assert (line.margin, line.state) == (D("7.10"), "met")


def test_reported_area_moves_the_tiers_and_never_the_margin(erping, db):
    land = Ladders(erping.town)
    recompute(erping.town, 2023)
    before = RedLineResult.objects.get(town=erping.town, line="retention")
    from parcels.models import Step, Work

    work = Work.objects.create(
        town=erping.town, division=erping.town, kind_id="in_out", year=2023, tranche="2023年新下达"
    )
    Step.objects.create(
        town=erping.town, work=work, rung=land.rung("in_out", "planted"), area_mu=D("20.5"), verdict="reached",
        on=date(2023, 9, 1),
    )  # fmt: skip
    recompute(erping.town, 2023)

    after = RedLineResult.objects.get(town=erping.town, line="retention")
    assert after.margin == before.margin
    assert D(after.tiers["planted"]["margin"]) == before.margin + D("20.5")
    assert D(after.tiers["planned"]["margin"]) == D(before.tiers["planned"]["margin"])
