"""The algebra of progress, held against an independent oracle on random histories and on the cases that went wrong."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farmland.places.models import Term
from parcels.models import Kind, Ladder, LadderChoice, Parcel, Rung, Step, Work
from parcels.progress import Ladders, groups
from tasks.acceptance import Wish, accept, reverse
from tasks.models import Progress
from tasks.services import recompute
from tests.tasks.land import TODAY, YEAR, Land

pytestmark = pytest.mark.django_db
EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
KINDS = ("abandonment", "restructure")
TOP = 10  # rank of city_accepted on the land ladder
FIRST = date(2024, 3, 1)


@pytest.fixture
def land():
    return Land()


# Random histories: works with a planned area and an exit or none, and steps whose sums per rung never fall below 0


@st.composite
def histories(draw):
    """[(village number, kind, planned, exit, [(rank, area, day)])], areas in ten-thousandths."""
    works = []
    for _ in range(draw(st.integers(1, 5))):
        planned = draw(st.integers(0, 90_000))
        steps, left = [], dict.fromkeys(range(1, TOP + 1), 0)
        for _ in range(draw(st.integers(0, 8))):
            rank = draw(st.integers(1, TOP))
            area = draw(st.integers(-left[rank], planned - left[rank]))
            left[rank] += area
            steps.append((rank, area, 0))
        days = sorted(draw(st.lists(st.integers(0, 200), min_size=len(steps), max_size=len(steps))))
        dated = [(rank, area, day) for (rank, area, _), day in zip(steps, days, strict=True)]
        gone = draw(st.sampled_from(["", "", "", "blocked"]))
        works.append((draw(st.integers(0, 1)), draw(st.sampled_from(KINDS)), planned, gone, dated))
    return works


def scaled(area: int) -> D:
    return D(area).scaleb(-4)


def lay_down(land, history, order=None) -> None:
    """The history as rows; ``order`` is the order in which the steps are entered."""
    rungs = {rung.rank: rung for rung in Ladders(land.town).rungs("abandonment")}
    villages = list(land.villages.values())
    entered = []
    for village, kind, planned, gone, steps in history:
        parcel = Parcel.objects.create(town=land.town, division=villages[village], year=YEAR, kind_id=kind)
        work = Work.objects.create(
            town=land.town, division=villages[village], kind_id=kind, year=YEAR, area_mu=scaled(planned),
            parcel=parcel, exit=gone, exit_reason=gone,
        )  # fmt: skip
        entered += [
            Step(town=land.town, work=work, rung=rungs[rank], area_mu=scaled(area), verdict="reached",
                 on=FIRST + timedelta(days=day))
            for rank, area, day in steps
        ]  # fmt: skip
    if order is not None:
        entered = [entered[place] for place in order if place < len(entered)]
    Step.objects.bulk_create(entered)


def oracle(history, day: int) -> dict:
    """(village number, kind) → {rank: area whose furthest rung this is}, worked out step by step, no SQL."""
    found: dict = {}
    for village, kind, planned, gone, steps in history:
        if gone:
            continue
        own = dict.fromkeys(range(TOP + 1), 0)
        own[0] = planned
        for rank, area, on in steps:
            if on <= day:
                own[rank] += area
        reached = [max(own[above] for above in range(rank, TOP + 1)) for rank in range(TOP + 1)] + [0]
        at = found.setdefault((village, kind), dict.fromkeys(range(TOP + 1), 0))
        for rank in range(TOP + 1):
            at[rank] += reached[rank] - reached[rank + 1]
    return found


def measured(land, day: int) -> dict:
    places = {division.pk: number for number, division in enumerate(land.villages.values())}
    found = groups(land.town, FIRST + timedelta(days=day))
    return {
        (places[division], kind): {rank: int(area.scaleb(4)) for rank, area in group.at.items() if area}
        for (division, kind, _, _), group in found.items()
        if not group.is_empty and group.at
    }


def without_zeros(at: dict) -> dict:
    return {key: {rank: area for rank, area in parts.items() if area} for key, parts in at.items()}


@EXAMPLES
@given(history=histories(), day=st.integers(0, 200))
def test_every_part_is_what_the_oracle_says_on_any_day(land, history, day):
    with transaction.atomic():
        lay_down(land, history)
        assert without_zeros(measured(land, day)) == without_zeros(oracle(history, day))
        transaction.set_rollback(True)


@EXAMPLES
@given(history=histories())
def test_parts_by_stage_add_up_to_the_planned_area(land, history):
    with transaction.atomic():
        lay_down(land, history)
        total = sum((sum(group.at.values(), D(0)) for group in groups(land.town, TODAY).values()), D(0))
        assert total == sum((scaled(planned) for _, _, planned, gone, _ in history if not gone), D(0))
        transaction.set_rollback(True)


@EXAMPLES
@given(history=histories())
def test_a_further_rung_is_never_reached_by_more_area_than_a_nearer_one(land, history):
    with transaction.atomic():
        lay_down(land, history)
        for group in groups(land.town, TODAY).values():
            areas = [group.reached(rank) for rank in range(TOP + 1)]
            assert areas == sorted(areas, reverse=True)
            assert areas[-1] >= 0
        transaction.set_rollback(True)


@EXAMPLES
@given(history=histories(), order=st.permutations(range(40)))
def test_the_order_of_entry_changes_nothing(land, history, order):
    with transaction.atomic():
        lay_down(land, history, order)
        assert without_zeros(measured(land, 200)) == without_zeros(oracle(history, 200))
        transaction.set_rollback(True)


# The cases of the plans


def test_revoking_and_accepting_again_restores_the_figure_and_both_days_keep_theirs(land):
    land.target("abandonment", 20, level="county")
    work = land.work("东村", "abandonment", 12)
    officer = land.person()
    kind = Kind.objects.get(code="abandonment")
    wish = {"division": work.division, "kind": kind, "level": "county", "area": D("8.5"), "verdict": "passed"}
    first = accept(land.year, Wish(on=date(2024, 9, 1), **wish), by=officer).step
    reverse(first, by=officer, reason="图斑对错", on=date(2024, 9, 10))
    accept(land.year, Wish(on=date(2024, 9, 20), **wish), by=officer)

    counted = {day: land.figures(date(2024, 9, day))["abandonment", None].counted for day in (5, 15, 25)}

    assert counted == {5: D("8.5"), 15: D(0), 25: D("8.5")}


def test_four_hundred_of_283_never_cover_none_of_2(land):
    parent = land.target("non_grain", 285, rule="every")
    land.target("abandonment", 283, parent=parent, level="county")
    land.target("reforestation", 2, parent=parent, level="county")
    land.step(land.work("东村", "abandonment", 400), "county_accepted", 400)

    rows = land.figures()

    assert rows["non_grain", None].counted == 400
    assert rows["abandonment", None].state == "met"
    assert rows["reforestation", None].state != "met"
    assert rows["non_grain", None].state != "met"
    assert "不符合政策退耕还林" in rows["non_grain", None].reason

    land.step(land.work("西村", "reforestation", 2), "county_accepted", 2)
    assert land.figures()["non_grain", None].state == "met"


def test_a_parent_by_sum_is_met_by_its_sum(land):
    parent = land.target("non_grain", 285, rule="sum")
    land.target("abandonment", 283, parent=parent, level="county")
    land.target("reforestation", 2, parent=parent, level="county")
    land.step(land.work("东村", "abandonment", 400), "county_accepted", 400)

    assert land.figures()["non_grain", None].state == "met"


def test_laying_unplaced_area_on_parcels_leaves_the_totals(land):
    land.target("abandonment", 20, level="county", shares={"东村": 20})
    work = land.work("东村", "abandonment")
    for rung, area in (("ploughed", "9"), ("planted", "6.5"), ("county_accepted", "2.25")):
        land.step(work, rung, area)
    before = land.figures()

    for part in ("2.25", "4.25"):  # what was accepted, and the rest of what was planted
        placed = land.work("东村", "abandonment", part, parcel=True)
        for rung in ("ploughed", "planted"):
            land.step(work, rung, -D(part))
            land.step(placed, rung, part)
        if part == "2.25":
            first = work.steps.get(verdict="passed")
            land.step(work, "county_accepted", "-2.25", reverses=first, verdict="revoked", reason="落图")
            land.step(placed, "county_accepted", "2.25")
    after = land.figures()

    for place in (None, "东村"):
        assert after["abandonment", place].counted == before["abandonment", place].counted == D("2.25")
        assert after["abandonment", place].reached["planted"] == before["abandonment", place].reached["planted"]
        assert after["abandonment", place].reached["ploughed"] == before["abandonment", place].reached["ploughed"]
    assert after["abandonment", None].parcel_total == 2
    assert after["abandonment", None].parcel_counted == 1


def test_a_fourth_level_a_new_kind_and_a_new_ladder_are_rows(land):
    ladder = Ladder.objects.create(code="terrace", name="坡改梯")
    for rank, (code, level, tier) in enumerate(
        [("issued", "", "planned"), ("walled", "", "ploughed"), ("prefecture_accepted", "prefecture", "accepted")]
    ):
        Rung.objects.create(ladder=ladder, rank=rank, code=code, name=code, level=level, tier=tier)
    Kind.objects.create(code="terracing", name="坡改梯", nature="flow", unit="mu", ladder=ladder)
    Term.objects.create(dictionary="level", code="prefecture", label="州级")
    area = land.below(land.villages["东村"], "一片", "area")
    group = land.below(area, "三组", "group")
    land.target("terracing", 10, level="prefecture")
    work = land.work(group, "terracing", 6)
    land.step(work, "walled", 5)
    land.step(work, "prefecture_accepted", "1.5")

    rows = land.figures()

    for place in (None, "东村", "一片", "三组"):
        assert rows["terracing", place].counted == D("1.5")
        assert rows["terracing", place].stages == {"issued": "1", "walled": "3.5", "prefecture_accepted": "1.5"}
    assert ("terracing", "西村") not in rows


def test_a_town_with_a_ladder_of_its_own_counts_on_its_own_rung(land):
    ladder = Ladder.objects.create(code="short", name="两步")
    for rank, (code, level) in enumerate([("issued", ""), ("done", ""), ("town_signed", "town")]):
        Rung.objects.create(ladder=ladder, rank=rank, code=code, name=code, level=level, tier="planned")
    LadderChoice.objects.create(town=land.town, kind_id="abandonment", ladder=ladder)
    land.target("abandonment", 10, level="town")
    land.step(land.work("东村", "abandonment", 4), "town_signed", 4)

    assert land.figures()["abandonment", None].counted == 4


def test_two_targets_of_one_kind_and_year_keep_their_own_progress(land):
    root = land.target("in_out", 101, level="city")
    land.target("in_out", 67, parent=root, tranche="2022年结转", level="city")
    land.target("in_out", 34, parent=root, tranche="2023年新下达", level="city")
    land.step(land.work("东村", "in_out", 67, tranche="2022年结转"), "city_accepted", 30)
    land.step(land.work("东村", "in_out", 34, tranche="2023年新下达"), "city_accepted", "2.5")

    rows = land.figures()

    assert rows["in_out2022年结转", None].counted == 30
    assert rows["in_out2023年新下达", None].counted == D("2.5")
    assert rows["in_out", None].counted == D("32.5")


def test_a_rate_is_sum_over_sum_never_a_mean_of_rates(land):
    land.target("abandonment", 110, level="county", shares={"东村": 10, "西村": 100})
    land.step(land.work("东村", "abandonment", 10), "county_accepted", 10)
    land.step(land.work("西村", "abandonment", 100), "county_accepted", 1)

    recompute(land.town, YEAR)

    rates = dict(Progress.objects.values_list("division__name", "pk"))
    rates = {place: Progress.objects.get(pk=pk).rate for place, pk in rates.items()}
    assert rates == {None: D("0.1"), "东村": D(1), "西村": D("0.01")}


def test_a_work_that_left_reaches_nothing_and_is_said_to_be_blocked(land):
    land.target("abandonment", 20, level="county")
    land.step(
        land.work("东村", "abandonment", 8, parcel=True, exit="blocked", exit_reason="坟山"), "county_accepted", 8
    )

    assert land.figures()["abandonment", None].counted == 0
    (group,) = groups(land.town, TODAY).values()
    assert group.blocked == 8


def test_more_than_the_target_counts_in_full(land):
    land.target("abandonment", 10, level="county")
    land.step(land.work("东村", "abandonment", 12), "county_accepted", "12.5")

    row = land.figures()["abandonment", None]
    assert (row.counted, row.state) == (D("12.5"), "met")
