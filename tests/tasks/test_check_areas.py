"""C04, C07, C08, C21, C22 on plans of a few lines."""

import pytest

from tests.tasks.small_plans import TREE, ledger, remarks


def areas(area: str, cultivated: str, pbf: str) -> str:
    return ledger(f"area: '{area}', cultivated: '{cultivated}', pbf: '{pbf}', location: 柳村一组")


@pytest.mark.parametrize(
    ("cells", "severity", "word"),
    [
        pytest.param(
            ("0.46", "0.38", "0.46"), "warning", "永久基本农田0.46大于耕地0.38，超出0.08亩", id="pbf > cultivated"
        ),
        pytest.param(("1", "1.2", "0"), "warning", "耕地1.2大于图斑面积1", id="cultivated > area"),
        pytest.param(("1", "1", "1.5"), "error", "永久基本农田1.5大于图斑面积1，超出0.5亩", id="pbf > area"),
    ],
)
def test_a_part_above_the_whole_is_one_remark_per_row(cells, severity, word):
    (found,) = remarks("C04", areas(*cells))
    assert (found.severity, found.place) == (severity, "附件2 第1行")
    assert word in found.computed


@pytest.mark.parametrize(
    "cells", [("1.0", "1.00", "1"), ("1", "0.5", "0"), ("1", "/", "2号"), ("", "", ""), ("1", "—", "0.4")]
)
def test_equal_empty_and_unreadable_areas_contradict_nothing(cells):
    assert not remarks("C04", areas(*cells))


def shares(*rows: str, target: str = "amount: 300", more: str = "") -> str:
    listed = "\n".join(f"      - {{{row}}}" for row in rows)
    return (
        f"{TREE}\ntargets:\n  - {{key: r, kind: restoration, comparison: gte, {target}, unit: mu, clause: 一}}\n"
        + (f"splits:\n  - target: r\n    clause: 附件1\n    rows:\n{listed}\n" if rows else "")
        + more
    )


def test_a_village_task_above_its_potential_is_an_error_and_a_thin_margin_a_warning():
    found = remarks(
        "C07",
        shares(
            "division: 柳村, amount: 30, potential: 12.06",
            "division: 松村, amount: 100, potential: 109.99",
            "division: 一组, amount: 100, potential: 110",
        ),
    )
    assert [(one.severity, one.place, one.computed) for one in found] == [
        ("error", "附件1·耕地恢复补足·柳村", "缺17.94亩"),
        ("warning", "附件1·耕地恢复补足·松村", "余量9.99%"),
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("amount: 446, expected: 446", [("warning", "余量0%")], id="no margin at all"),
        pytest.param("amount: 446, expected: 440", [("error", "缺6亩")], id="expected below"),
        pytest.param("amount: 446, selected: 400", [("error", "缺46亩")], id="chosen below"),
        pytest.param("amount: 333, expected: 400, selected: 453", [], id="enough"),
        pytest.param("amount: 349, selected: 349", [], id="chosen is a lower bound"),
    ],
)
def test_a_target_is_held_against_the_yield_the_plan_expects(target, expected):
    assert [(one.severity, one.computed) for one in remarks("C07", shares(target=target))] == expected


def test_a_target_that_no_village_owns_is_said_once_for_all_its_tranches():
    text = shares(
        more="""
  - {key: a, kind: restoration, parent: r, tranche: 结转, comparison: gte, amount: 100, unit: mu, clause: 一}
  - {key: b, kind: restoration, parent: r, tranche: 新增, comparison: gte, amount: 200, unit: mu, clause: 一}
"""
    )
    assert [one.place for one in remarks("C08", text)] == ["一·耕地恢复补足"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(shares("division: 柳村, amount: 300"), id="shared out"),
        pytest.param(shares(target="amount: 0"), id="nothing to share"),
        pytest.param(
            "targets: [{key: r, kind: retention, comparison: gte, amount: 9, unit: mu, clause: 一}]", id="a stock"
        ),
        pytest.param(
            ledger("responsible: 柳村")
            + "\ntargets: [{key: i, kind: illegal_use, comparison: gte, amount: 1, unit: count, clause: 三}]",
            id="the ledger names the village",
        ),
    ],
)
def test_a_target_with_owners_or_without_a_task_needs_no_split(text):
    assert not remarks("C08", text)


def test_a_parent_of_kinds_is_shared_out_through_its_children():
    text = shares("division: 柳村, amount: 300").replace("kind: restoration,", "kind: abandonment, parent: p,") + ""
    text = text.replace(
        "targets:\n",
        "targets:\n  - {key: p, kind: non_grain, comparison: gte, amount: 300, unit: mu, clause: 一}\n",
    )
    assert not remarks("C08", text)


def test_a_parcel_below_the_smallest_area_mapped_is_noted_by_what_stands_on_it():
    found = remarks("C21", ledger("area: '0.41', use: road", "area: '0.41', use: facility", "area: '0.41'"))
    assert [(one.severity, one.place) for one in found] == [("note", "附件2 第1行")]
    assert "0.6亩" in found[0].computed


def test_a_maximum_below_the_target_says_it_cannot_be_reached():
    (found,) = remarks("C22", shares(target="amount: 628, maximum: 315.1, maximum_reason: 坡度较大"))
    assert (found.severity, found.computed) == ("warning", "最多315.1亩，差312.9亩")
    assert "49.82%" in found.message


def test_potential_less_what_is_blocked_is_the_most_that_can_be_done():
    split = "division: 柳村, amount: 300, potential: 310"
    assert not remarks("C22", shares(split))
    blocked = "entries: [{target: r, role: blocked, amount: 20, clause: 一}]"
    (found,) = remarks("C22", shares(split, more=blocked))
    assert found.computed == "最多290亩，差10亩"
