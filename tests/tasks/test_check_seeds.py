"""The five real plans: the known contradictions come out by the rules, and what agrees is left alone."""

from decimal import Decimal
from functools import cache

import pytest

from farmland.lib.formula import Formula
from farmland.lib.numbers import parse_stated
from tasks.check import run
from tasks.check.case import Case
from tasks.check.ledgers import codes_of
from tasks.plan.validate import read_plan
from tests.tasks.small_plans import ROOT, dictionary

PLANS = ["shiyu-2024", "beicheng-2023", "xihe-2024", "erong-2023", "erping-2023"]


@cache
def plan(name: str):
    return read_plan((ROOT / "plans" / f"{name}.yaml").read_text(encoding="utf-8"), dictionary())


@cache
def findings(name: str) -> list:
    return run(plan(name), dictionary())


def found(name: str, rule: str, severity: str = "") -> list:
    return [one for one in findings(name) if one.rule == rule and severity in ("", one.severity)]


def rows(remarks: list) -> list[str]:
    return [one.place.split("第")[-1].removesuffix("行") for one in remarks if "第" in one.place]


def test_xihe_has_seven_deadlines_before_its_issue_and_fourteen_rows_without():
    past = found("xihe-2024", "C09", "error")
    assert rows(past) == ["2", "4", "5", "6", "7", "9", "13"]
    assert {one.stated for one in past} == {"2024.7.31"}
    missing = [one for one in found("xihe-2024", "C09", "warning") if one.stated == "/"]
    assert rows(missing) == ["1", "10", "11", "12", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23"]


def test_xihe_lost_a_unit_and_nothing_else_is_wrong_with_its_figures():
    (lost,) = found("xihe-2024", "C06")
    assert (lost.clause, lost.stated, lost.computed) == ("三", "333万", "应为333亩")
    assert not [one for rule in ("C01", "C02", "C03", "C05", "C15") for one in found("xihe-2024", rule)]


def test_xihe_ledger_rows_stand_out_one_by_one():
    assert rows(found("xihe-2024", "C04")) == ["5"]
    assert found("xihe-2024", "C04")[0].severity == "warning"
    assert rows(found("xihe-2024", "C10", "note")) == ["2", "14", "15"]
    assert rows(found("xihe-2024", "C13")) == ["6", "9"]
    assert rows(found("xihe-2024", "C14")) == ["2", "6"]
    on_pbf_not_restored = ["3", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23"]
    assert rows(found("xihe-2024", "C12")) == on_pbf_not_restored
    assert not found("xihe-2024", "C11")


def test_xihe_ledger_adds_up_to_the_known_totals():
    (ledger,) = plan("xihe-2024").ledgers
    assert len(ledger.rows) == 23
    assert sum(len(codes_of(row.codes)) for row in ledger.rows) == 26
    for column, total in {"area": "70.75", "cultivated": "61.92", "pbf": "48.71"}.items():
        assert sum(parse_stated(getattr(row, column))[0] for row in ledger.rows) == Decimal(total)


def test_shiyu_states_two_figures_for_one_target_and_skips_an_item():
    (two,) = found("shiyu-2024", "C01")
    assert two.stated == "466亩"
    assert "446亩" in two.computed
    assert [one.computed for one in found("shiyu-2024", "C16") if one.computed.startswith("缺")] == ["缺 （四）"]
    assert len([one for one in found("shiyu-2024", "C16") if one.place.startswith("附件")]) == 3
    assert "余量0%" in {one.computed for one in found("shiyu-2024", "C07", "warning")}
    assert not found("shiyu-2024", "C02")


def test_erong_tasks_exceed_the_potential_of_three_villages():
    over = found("erong-2023", "C07", "error")
    assert [one.place.split("·")[-1] for one in over] == ["黄瓜村", "三溪村", "新场村"]
    assert sum(Decimal(one.computed.strip("缺亩")) for one in over) == Decimal("42.80")
    assert "重叠 11 天" in {one.computed for one in found("erong-2023", "C09", "warning")}
    assert "“重庆调查云”" in {one.place for one in found("erong-2023", "C19")}
    assert not found("erong-2023", "C03")
    assert not found("erong-2023", "C22")


def test_erping_gap_and_share_are_recomputed_and_its_task_is_out_of_reach():
    computed = {one.stated: one.computed for one in found("erping-2023", "C05")}
    assert computed == {"62.35亩": "16,057.05 − 15,995.15 = 61.90亩", "31.76%": "32 ÷ 101 = 31.68%"}
    (two,) = found("erping-2023", "C01")
    assert (two.stated, two.computed) == ("3个", "一写的是2个")
    (reach,) = found("erping-2023", "C22")
    assert "最多315.1亩，差312.9亩" in reach.computed
    assert not found("erping-2023", "C02")
    assert not found("erping-2023", "C03")
    assert "“耕地留出”" in {one.place for one in found("erping-2023", "C19")}
    assert "两种频次" in {one.computed for one in found("erping-2023", "C09")}


def test_beicheng_has_no_figures_to_contradict_and_a_date_without_a_year():
    assert not [one for one in findings("beicheng-2023") if one.severity == "error"]
    assert any("没有年份" in one.computed or "缺年份" in one.computed for one in found("beicheng-2023", "C09"))


@pytest.mark.parametrize("name", PLANS)
def test_no_sum_that_agrees_is_reported(name):
    """Every sum of the file computed here by plain addition: C02 and C03 speak exactly where it differs."""
    doc, case = plan(name), Case(plan(name), dictionary())
    reported = {one.place for rule in ("C02", "C03") for one in found(name, rule)}
    for target in doc.targets:
        parts = [child.amount for child in doc.targets if child.parent == target.key]
        if parts and target.amount is not None and None not in parts and sum(parts) == target.amount:
            assert case.target_place(target) not in reported
    for split in doc.splits:
        total = sum(row.amount for row in split.rows if row.amount is not None)
        if split.printed_total == total:
            assert not [place for place in reported if place == f"{split.clause}·{split.title}·合计"]
    for one in doc.statements:
        names = Formula(one.is_).names if one.is_ else []
        figures = [next((s.value for s in doc.statements if s.key == name), None) for name in names]
        if one.is_ and Formula(one.is_).is_sum and None not in figures and sum(figures) == one.value:
            assert case.statement_place(one) not in reported


@pytest.mark.parametrize("name", PLANS)
def test_every_remark_can_be_shown_and_kept(name):
    places = [(one.rule, one.place) for one in findings(name)]
    assert len(places) == len(set(places))
    for one in findings(name):
        assert one.clause, one
        assert one.stated, one
        assert one.computed, one
        assert one.message.endswith("。"), one
