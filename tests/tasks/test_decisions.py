"""Decision rows: the first that is known to hold suggests, all that hold warn, nothing unknown matches."""

from decimal import Decimal

import pytest

from tasks.decisions import FACTS, Suggestion, common_rules, day_of, facts_of, suggest, warned, warnings
from tasks.plan.document import LedgerRowDoc, RuleDoc
from tests.tasks.small_plans import dictionary


def measure(key: str, when: list, code: str, priority=None, **more) -> RuleDoc:
    return RuleDoc(
        key=key, purpose="measure", when=when, then={"measure": code, **more}, priority=priority, clause="二"
    )


# 北呈乡的处置规则: state × 永农 × 重点工程
TABLE = [
    measure("idle", [["state", "in", ["idle", "piled"]]], "restore", 1, due="6月9日前"),
    measure("farm-pbf", [["state", "in", ["forest", "orchard", "road"]], ["on_pbf", "=", "yes"]], "restore", 2),
    measure(
        "farm-lost",
        [["state", "in", ["forest", "orchard", "road"]], ["on_pbf", "=", "no"], ["restorable", "=", "no"]],
        "in_out_balance",
        3,
        needs=["先进后出"],
    ),
    measure("farm", [["state", "in", ["forest", "orchard", "road"]], ["on_pbf", "=", "no"]], "restore", 4),
    measure("built-pbf", [["structure", "=", "yes"], ["on_pbf", "=", "yes"]], "demolish_restore", 5),
    measure(
        "built-key", [["structure", "=", "yes"], ["on_pbf", "=", "no"], ["key_project", "=", "yes"]], "formalities", 6
    ),
    measure(
        "built", [["structure", "=", "yes"], ["on_pbf", "=", "no"], ["key_project", "=", "no"]], "demolish_restore", 7
    ),
]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"state": "idle"}, "idle"),
        ({"state": "road", "on_pbf": True}, "farm-pbf"),
        ({"state": "road", "on_pbf": False}, "farm"),
        ({"state": "road", "on_pbf": False, "restorable": False}, "farm-lost"),
        ({"state": "building", "structure": True, "on_pbf": True}, "built-pbf"),
        ({"state": "building", "structure": True, "on_pbf": False, "key_project": True}, "built-key"),
        ({"state": "building", "structure": True, "on_pbf": False, "key_project": False}, "built"),
        ({"state": "road"}, None),
        ({"structure": True, "on_pbf": False}, None),
        ({}, None),
    ],
)
def test_a_decision_table_answers_every_cell_and_only_what_it_knows(facts, expected):
    found = suggest(TABLE, facts)
    assert (found.rule_key if found else None) == expected


def test_priority_decides_before_order_and_no_priority_comes_last():
    rows = [measure("last", [], "other"), measure("b", [], "restore", 2), measure("a", [], "deferred", 1)]
    assert suggest(rows, {}).rule_key == "a"
    assert suggest(rows[:1], {}).rule_key == "last"


def test_a_suggestion_carries_its_reason_and_what_it_needs():
    row = RuleDoc(
        key="k", purpose="measure", when=[], then={"measure": "restore", "needs": "照片", "due": "6月9日前"},
        quote="恢复耕种", basis="通知", clause="二",
    )  # fmt: skip
    assert suggest([row], {}) == Suggestion("restore", "恢复耕种", "通知", "二", "6月9日前", ("照片",), "k")


def test_all_warnings_that_hold_are_given_and_measure_rows_are_none():
    rows = [
        RuleDoc(key="w1", purpose="warning", when=[["pbf_mu", ">=", "5"]], then={"warn": "疑似刑事"}),
        RuleDoc(key="w2", purpose="warning", when=[["on_pbf", "=", "yes"]], then={"warn": "占永农"}),
        RuleDoc(key="w3", purpose="warning", when=[["slope", ">", "25"]], then={"warn": "坡度"}),
        *TABLE,
    ]
    facts = {"pbf_mu": Decimal("5.0"), "on_pbf": True, "slope": None}
    assert [one.text for one in warnings(rows, facts)] == ["疑似刑事", "占永农"]


def test_the_rows_of_the_plan_come_before_the_common_ones_of_the_same_subject():
    common = common_rules(dictionary())
    facts = {"measure": "conversion", "on_pbf": True, "problem_kind": "non_grain"}
    assert {one.rule_key for one in warned([], common, facts)} == {"conversion.on_pbf", "conversion.problem_kind"}
    own = [RuleDoc(key="own", purpose="warning", when=[["on_pbf", "=", "yes"]], then={"warn": "x"})]
    assert {one.rule_key for one in warned(own, common, facts)} == {"own", "conversion.problem_kind"}


def row(**cells) -> LedgerRowDoc:
    return LedgerRowDoc(serial="1", **cells)


def test_a_printed_row_gives_exact_facts_and_codes_by_synonym():
    facts = facts_of(
        row(
            project="未硬化晾晒场", area="0.48", cultivated="0.48", pbf="０．２０", source="常规检测线索图斑",
            problem_kind="“非粮化”问题", measure="编制进出平横方案", use="yard",
        ),
        dictionary(),
        kind="illegal_use",
    )  # fmt: skip
    assert facts["kind"] == "illegal_use"
    assert facts["state"] == "yard"
    assert facts["on_pbf"] is True
    assert (facts["area_mu"], facts["pbf_mu"], facts["ordinary_mu"]) == (
        Decimal("0.48"),
        Decimal("0.2"),
        Decimal("0.28"),
    )
    assert facts["source"] == "routine_monitoring"
    assert facts["problem_kind"] == "non_grain"
    assert facts["measure"] == "in_out_balance"
    assert facts["hardened"] is False
    assert facts["homestead"] is False
    assert set(facts) == set(FACTS)


@pytest.mark.parametrize("cell", ["/", "", "—", "约1亩", "一亩多"])
def test_an_area_that_is_not_there_or_unreadable_is_unknown_and_not_nothing(cell):
    facts = facts_of(row(pbf=cell), dictionary())
    assert facts["pbf_mu"] is None
    assert facts["on_pbf"] is None
    assert facts_of(row(pbf="0"), dictionary())["on_pbf"] is False


def test_areas_are_read_in_the_unit_of_the_ledger():
    assert facts_of(row(area="1"), dictionary(), unit="hectare")["area_mu"] == Decimal(15)


def test_the_day_of_a_printed_deadline():
    assert day_of("2024.7.31").isoformat() == "2024-07-31"
    assert day_of("7月底", year=2024).isoformat() == "2024-07-31"
    assert day_of("/") is None
    assert day_of("7月底") is None
