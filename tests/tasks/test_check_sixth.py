"""A sixth, made-up plan with its own offices, kinds, ladder, unit and four levels: what was planted is found."""

import json
from collections import Counter

import pytest
from django.core.management import call_command

from farmland.places.models import Division
from tasks.check import RULES, register, run
from tasks.findings import check
from tasks.models import Finding
from tasks.plan.load import load_plan
from tasks.plan.validate import read_plan
from tests.tasks.small_plans import ROOT, dictionary

SIXTH = ROOT / "tests" / "tasks" / "data" / "sixth.yaml"
PLANTED = {
    ("error", "C01", "三（一）·确保30010亩耕地"),
    ("error", "C01", "附表1·违法违规占用耕地·梅村"),
    ("error", "C02", "一·坡改梯修复"),
    ("error", "C02", "四·两期共481亩"),
    ("error", "C03", "附表1·坡改梯修复（亩）·合计"),
    ("error", "C04", "附表2 第1行"),
    ("error", "C05", "四·占19.02%"),
    ("error", "C06", "三（一）·移栽树木12000"),
    ("error", "C07", "附表1·坡改梯修复·松村"),
    ("error", "C09", "附表2 第2行"),
    ("error", "C09", "附表2 第3行"),
    ("error", "C09", "一·自然撂荒·完成时限"),
    ("error", "C15", "五（二）·砌坎补助"),
    ("warning", "C04", "附表2 第2行"),
    ("warning", "C07", "附表1·坡改梯修复·石桥社区"),
    ("warning", "C07", "一·移栽树木·预计"),
    ("warning", "C08", "一·移栽树木"),
    ("warning", "C08", "一·自然撂荒"),
    ("warning", "C09", "附表2 第4行"),
    ("warning", "C09", "附表2 第5行"),
    ("warning", "C09", "三（三）·秋季扫尾"),
    ("warning", "C09", "三（二）·播种"),
    ("warning", "C09", "三（三）·春季攻坚与秋季扫尾"),
    ("warning", "C09", "五（三）·调度会"),
    ("warning", "C10", "附表2 第3行·530122A004"),
    ("warning", "C10", "附表2 第4行·530199A005"),
    ("warning", "C10", "附表2 第5行·530199A005"),
    ("warning", "C11", "附表2 第3行"),
    ("warning", "C12", "附表2 第1行"),
    ("warning", "C13", "附表2 第4行"),
    ("warning", "C14", "附表2 第3行"),
    ("warning", "C16", "三（一）2."),
    ("warning", "C16", "五（三）"),
    ("warning", "C16", "附件3"),
    ("warning", "C16", "附表4"),
    ("warning", "C17", "水务站"),
    ("warning", "C17", "财政分局"),
    ("warning", "C18", "三（一）·坡改梯修复"),
    ("warning", "C22", "一·自然撂荒"),
    ("note", "C10", "附表2 第2行"),
    ("note", "C19", "“坡改替”"),
    ("note", "C19", "“一本帐”"),
    ("note", "C19", "农业农村办"),
    ("note", "C21", "附表2 第4行"),
}


@pytest.fixture(scope="module")
def sixth():
    return read_plan(SIXTH.read_text(encoding="utf-8"), dictionary())


def test_the_findings_are_exactly_those_planted(sixth):
    found = {(one.severity, one.rule, one.place) for one in run(sixth, dictionary())}
    assert found - PLANTED == set()
    assert PLANTED - found == set()


def test_every_rule_that_a_plan_file_can_break_is_broken_once_at_least(sixth):
    assert {rule for _, rule, _ in PLANTED} == set(RULES) - {"C20"}


def test_a_place_is_one_place_and_texts_are_ready_to_show(sixth):
    found = run(sixth, dictionary())
    assert max(Counter((one.rule, one.place) for one in found).values()) == 1
    for one in found:
        assert one.clause
        assert one.stated
        assert one.computed
        assert one.message.endswith("。"), one.message
        assert "None" not in "".join((one.place, one.stated, one.computed, one.message))


def test_the_same_plan_gives_the_same_findings_in_the_same_order(sixth):
    first, again = run(sixth, dictionary()), run(sixth, dictionary())
    assert first == again
    assert [one.severity for one in first] == sorted(
        (one.severity for one in first), key=["error", "warning", "note"].index
    )


def test_other_ledgers_may_take_the_place_of_the_plans_own(sixth):
    rules = {one.rule for one in run(sixth, dictionary(), ledgers=[])}
    assert not rules & {"C04", "C10", "C11", "C12", "C13", "C14", "C21"}


@pytest.mark.django_db
def test_the_sixth_town_loads_and_keeps_its_findings():
    loaded = load_plan(SIXTH.read_text(encoding="utf-8"))
    check(loaded.plan)
    kept = {(one.severity, one.rule, one.place) for one in Finding.objects.filter(plan=loaded.plan)}
    assert kept == PLANTED
    groups = Division.objects.filter(town=loaded.plan.town, kind="group", name="一组")
    assert {group.parent.parent.name for group in groups} == {"东片区"}
    check(loaded.plan)
    assert Finding.objects.filter(plan=loaded.plan).count() == len(PLANTED)


def test_a_rule_is_registered_once():
    register("C01", "x", RULES["C01"].find, explanation=RULES["C01"].explanation)
    with pytest.raises(ValueError, match="已由"):
        register("C01", "x", lambda case: [], explanation="")
    register("C01", "同一目标写了不同的数", RULES["C01"].find, explanation=RULES["C01"].explanation)


def test_the_command_prints_findings_and_fails_on_an_error(capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("check_plan", str(SIXTH))
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert "错误，前后矛盾（13 条）" in shown
    assert "96 ÷ 500 = 19.20%" in shown
    with pytest.raises(SystemExit):
        call_command("check_plan", str(SIXTH), "--json")
    assert len(json.loads(capsys.readouterr().out)["findings"]) == len(PLANTED)


def test_the_command_names_every_mistake_of_a_file_with_its_line(tmp_path, capsys):
    wrong = (
        SIXTH.read_text(encoding="utf-8")
        .replace("year: 2025", "year: 二零二五")
        .replace("amount: 30000", "amout: 30000")
    )
    path = tmp_path / "wrong.yaml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        call_command("check_plan", str(path))
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "year：“二零二五”不是年份" in told
    assert "targets[0].amout" in told
    with pytest.raises(SystemExit) as ended:
        call_command("check_plan", str(tmp_path / "none.yaml"))
    assert ended.value.code == 2


def test_a_plan_without_errors_ends_well(tmp_path, capsys):
    path = tmp_path / "good.yaml"
    path.write_text(
        'format: "1"\ntown: {slug: qingxi, name: 清溪镇, kind: town, above: [{name: 临江县, kind: county}]}\n'
        "year: 2025\ntitle: 清溪镇2025年方案\nissued_on: 2025-03-10\n",
        encoding="utf-8",
    )
    call_command("check_plan", str(path))
    assert "发现 0 条" in capsys.readouterr().out
