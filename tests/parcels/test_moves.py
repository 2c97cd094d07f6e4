"""The table of moves: which stage may follow which, and what has to be written for it. No database."""

from collections import namedtuple
from decimal import Decimal as D

import pytest

from parcels.moves import Shift, furthest, refusal, shifts, table

Rung = namedtuple("Rung", "code name rank level is_reported")
LADDER = [
    Rung("issued", "已下达", 0, "", False), Rung("verified", "已核实", 1, "", True),
    Rung("selected", "已选定", 2, "", False), Rung("ploughed", "已翻耕", 3, "", True),
    Rung("planted", "已种植", 4, "", True), Rung("county", "区县级认定", 5, "county", False),
]  # fmt: skip
LEVELS = {rung.rank: rung.level for rung in LADDER}


def test_up_goes_to_any_higher_reported_stage_and_back_to_any_lower_one():
    assert table(LADDER)["verified"] == {"issued": "back", "ploughed": "up", "planted": "up"}
    assert table(LADDER)["planted"] == dict.fromkeys(["issued", "verified", "selected", "ploughed"], "back")


def test_no_way_leads_onto_a_rung_with_a_level_or_off_one():
    moves = table(LADDER)
    assert "county" not in moves
    assert all("county" not in ways for ways in moves.values())


@pytest.mark.parametrize(
    ("now", "to", "reason", "word"),
    [
        pytest.param(1, "planted", "", "", id="up"),
        pytest.param(4, "ploughed", "录入有误", "", id="back with a reason"),
        pytest.param(4, "ploughed", " ", "须写原因", id="back without one"),
        pytest.param(3, "county", "", "由验收登记", id="onto a level"),
        pytest.param(5, "planted", "错", "先冲销", id="off a level"),
        pytest.param(3, "ploughed", "", "已经是", id="where it is"),
        pytest.param(1, "selected", "", "不由填报", id="up to what nobody reports"),
        pytest.param(1, "flown", "", "没有这个环节", id="unknown"),
    ],
)
def test_what_may_not_be_says_why(now, to, reason, word):
    found = refusal(LADDER, LADDER[now], to, reason)
    assert word in found
    assert bool(word) == bool(found)


@pytest.mark.parametrize(
    ("own", "to", "area", "expected"),
    [
        pytest.param({}, 4, "10", [Shift(4, D(10))], id="up from nothing"),
        pytest.param({3: D(4)}, 4, "10", [Shift(4, D(10))], id="skipping leaves what is below"),
        pytest.param({4: D(4)}, 4, "10", [Shift(4, D(6))], id="the rest of a part"),
        pytest.param({4: D(9)}, 3, "10", [Shift(4, D(-9)), Shift(3, D(9), kept=True)], id="back keeps what was done"),
        pytest.param({3: D(9), 4: D(7)}, 3, "10", [Shift(4, D(-7))], id="back where it is entered already"),
        pytest.param({1: D(9), 4: D(7)}, 0, "10", [Shift(4, D(-7)), Shift(1, D(-9))], id="back to the start"),
        pytest.param({5: D(3), 4: D(3)}, 0, "0", [Shift(4, D(-3))], id="acceptances are not touched"),
    ],
)
def test_the_signed_areas_of_a_move(own, to, area, expected):
    assert shifts(own, LEVELS, to, D(area)) == expected


def test_the_furthest_rung_is_the_highest_with_area():
    assert furthest(LADDER, {1: D(2), 3: D(1), 4: D(0)}).code == "ploughed"
    assert furthest(LADDER, {}).code == "issued"
