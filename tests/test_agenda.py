"""今天要我办 and the year's line: every figure agrees with the red lines beside it, and nothing is guessed."""

from datetime import date
from decimal import Decimal as D
from types import SimpleNamespace

import pytest

from farmland.agenda import standing, todo
from farmland.dashboard import matrix, red_line_rows, silent_villages
from parcels.models import EvidenceOutcome, Parcel
from parcels.progress import Ladders
from tasks.models import Issue, Progress
from tasks.services import recompute
from tests.tasks.land import TODAY, YEAR, Land

TARGET = "t"


def row(amount, counted=0, unit="mu", **reached):
    amount = None if amount is None else D(amount)
    return SimpleNamespace(
        amount=amount, counted=D(counted), unit=unit, reached={k: str(v) for k, v in reached.items()}
    )


@pytest.mark.parametrize(
    ("on", "rung", "one", "state", "note"),
    [
        pytest.param(date(2024, 12, 31), "", row(None), "", "", id="no figure is not a figure reached"),
        pytest.param(date(2024, 7, 31), "", row(333), "", "已过日期，完成情况未登记", id="a tender has no area"),
        pytest.param(date(2024, 7, 31), "planted", row(333, planted=300), "at_risk", "逾期 33.00 亩", id="late"),
        pytest.param(date(2024, 10, 31), "planted", row(10, planted=4), "at_risk", "还差 6.00 亩", id="soon"),
        pytest.param(date(2024, 12, 31), "planted", row(10, planted=10), "met", "已完成", id="reached"),
        pytest.param(date(2024, 8, 30), "", row(3, 1, "count"), "at_risk", "逾期 2 个", id="problems are counted"),
    ],
)
def test_a_step_stands_by_what_reached_its_stage(on, rung, one, state, note):
    assert standing(on, rung, [TARGET], {TARGET: one}, TODAY) == {"state": state, "note": note}


@pytest.fixture
def land(db):
    land = Land()
    land.target("abandonment", 20, level="county", shares={"东村": "8", "西村": "7"})
    work = land.work("东村", "abandonment", 8)
    land.step(work, "evidenced", 6)
    land.step(land.work(land.town, "abandonment"), "county_accepted", 3)
    recompute(land.town, YEAR)
    return land


def test_the_legend_explains_every_shape_that_occurs_and_no_other(land):
    table = matrix(land.year, rows_of(land))
    there = {cell["state"] for line in table["rows"] for cell in line["cells"] if cell}
    assert set(table["states"]) == there
    assert there


def rows_of(land):
    return list(Progress.objects.filter(town=land.town).select_related("target__kind", "division"))


def listed(land) -> list[dict]:
    rows = rows_of(land)
    silent = silent_villages(matrix(land.year, rows))
    return todo(land.year, [], rows, {"error": 0, "warning": 0}, ladders=Ladders(land.town), silent=silent)


def test_what_no_village_has_stands_in_a_row_of_its_own(land):
    table = matrix(land.year, rows_of(land))
    assert table["rest"] == [{"counted": D(3), "amount": D(5), "unit": "mu"}]
    shown = sum((cell["row"].counted for line in table["rows"] for cell in line["cells"] if cell), D(0))
    assert shown + table["rest"][0]["counted"] == table["totals"][0]["row"].counted


def test_the_day_s_list_names_what_waits_and_who_is_silent(land):
    found = listed(land)
    assert [(one["title"], one["text"]) for one in found] == [
        ("1 项已举证，待验收", "6.00 亩"),
        ("2 个村还没有填报", "东村、西村"),
    ]


def test_a_village_without_a_share_is_not_said_to_be_on_track(land):
    land.step(land.work("西村", "restoration", 4), "planted", 4)
    land.target("restoration", 30, level="county")
    recompute(land.town, YEAR)
    table = matrix(land.year, rows_of(land))
    cells = {cell["row"].target.kind_id: cell for line in table["rows"] for cell in line["cells"] if cell and line}
    assert (cells["restoration"]["amount"], cells["restoration"]["state"]) == (None, "")


def test_problems_late_are_no_more_than_the_line_has_open(land):
    """The plan says one of three is closed and does not say which."""
    target = land.target("illegal_use", 3, level="county")
    for serial in "123":
        Issue.objects.create(
            town=land.town, year=YEAR, kind_id="illegal_use", ledger="a", serial=serial,
            division=land.villages["东村"], due_on=date(2024, 9, 12),
        )  # fmt: skip
    target.entries.create(town=land.town, role="correction", amount=D(-1), clause="一", order=1)
    target.red_lines.create(town=land.town, plan=land.plan, line="illegal_use", formula="台账 − 已销号", clause="一")
    recompute(land.town, YEAR)
    lines, counts = red_line_rows(land.year), {"error": 0, "warning": 0}
    first, *_ = todo(land.year, lines, rows_of(land), counts, ladders=Ladders(land.town), silent=[])
    assert first["title"] == "2 个问题过了整改时限"
    assert first["text"] == "台账有 3 行未销号，方案说已销 1 个而未指明；最早的已过 30 天"
    village = Progress.objects.get(town=land.town, kind="illegal_use", division=land.villages["东村"])
    assert village.reason == "3 个问题已过整改时限。"


def test_evidence_given_back_waits_until_it_is_answered_anew(land):
    place = {"town": land.town, "division": land.villages["东村"], "year": YEAR, "kind_id": "abandonment"}
    official = land.person()

    def answer(parcel, verdict, day, level="county"):
        EvidenceOutcome.objects.create(
            town=land.town, division=parcel.division, parcel=parcel, level=level, verdict=verdict, by=official,
            on=date(2024, 10, day), reason="no_crop" if verdict == "returned" else "",
        )  # fmt: skip

    first, second, third = (Parcel.objects.create(**place, codes=[code]) for code in "ABC")
    answer(first, "returned", 3)
    answer(second, "returned", 1)
    answer(second, "passed", 5)  # presented again and passed
    answer(third, "passed", 2, level="town")
    answer(third, "returned", 4)
    items = {one["title"]: one["text"] for one in listed(land)}
    assert items["2 个图斑的举证被退回"].startswith("最早的退回于 2024-10-03")
