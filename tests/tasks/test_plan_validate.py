"""A wrong plan file is answered with every mistake at once, each with its line and its path."""

import dataclasses
from pathlib import Path

import pytest

from farmland.lib.documents import DocumentError
from tasks.plan.dictionary import load_dictionary, read_dictionary
from tasks.plan.document import PlanDoc
from tasks.plan.facts import FORMULA_WORDS, RULE_FACTS
from tasks.plan.validate import read_plan

DICTIONARY = load_dictionary(Path(__file__).parents[2] / "plans" / "dictionary.yaml")
HEAD = """\
format: "1"
town:
  slug: liuhe
  name: 柳河镇
  kind: town
  above:
    - {name: 某市, kind: prefecture}
    - {name: 某县, kind: county}
year: 2025
title: 柳河镇2025年耕地保护方案
divisions:
  - name: 东片
    kind: area
    divisions:
      - {name: 甲村, kind: village}
      - {name: 乙村, kind: village, aliases: [老乙村]}
targets:
  - {key: retention, kind: retention, comparison: gte, amount: 900, unit: mu, clause: 一}
  - {key: non_grain, kind: non_grain, comparison: gte, amount: 10, unit: mu, clause: 一}
  - {key: abandonment, kind: abandonment, parent: non_grain, comparison: gte, amount: 10, unit: mu, clause: 一}
"""


def problems(tail: str = "", *, head: str = HEAD) -> list[str]:
    try:
        read_plan(head + tail, DICTIONARY)
    except DocumentError as error:
        return [str(one) for one in error.problems]
    return []


def test_a_plan_of_another_town_with_a_deeper_tree_is_accepted():
    assert problems() == []


def test_all_problems_come_at_once_in_the_order_of_their_lines():
    found = problems(
        """\
splits:
  - target: abandonment
    clause: 附件
    rows:
      - {division: 丙村, amount: 10}
      - {division: 甲村, amount: -1}
  - {target: harvest, clause: 附件, rows: [{division: 甲村}]}
"""
    )
    assert [one.split("：")[0] for one in found] == [
        "第 25 行 splits[0].rows[0].division",
        "第 26 行 splits[0].rows[1].amount",
        "第 27 行 splits[1].target",
    ]
    assert "“丙村”不在行政区划树里" in found[0]


def test_mistakes_of_shape_and_of_names_come_together():
    head = HEAD.replace("year: 2025\n", "year: 2025\nyaer: 2025\n").replace("amount: 900, unit: mu,", "amount: 900,")
    found = problems("splits: [{target: abandonment, clause: 附件, rows: [{division: 丙村}]}]\n", head=head)
    assert [one.split("：")[0] for one in found] == [
        "第 10 行 yaer",
        "第 19 行 targets[0].unit",
        "第 22 行 splits[0].rows[0].division",
    ]


def test_a_lost_list_makes_no_names_unknown():
    head = HEAD.replace("targets:\n", "targets: none\nduties:\n").split("  - {key: retention")[0]
    found = problems("  - {topic: 种, holder: 甲办, target: abandonment, clause: 一}\n", head=head)
    assert [one.split("：")[0] for one in found] == ["第 17 行 targets"]


@pytest.mark.parametrize("lost", range(len(HEAD.splitlines())))
def test_a_line_left_out_is_told_and_never_breaks_the_reader(lost):
    lines = HEAD.splitlines(keepends=True)
    tail = "splits: [{target: abandonment, clause: 附件, rows: [{division: 甲村, amount: 10}]}]\n"
    for one in problems(tail, head="".join(lines[:lost] + lines[lost + 1 :])):
        assert one.startswith("第 ")


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        ("statements: [{key: a, clause: 一, printed: 5亩, value: 5, unit: 亩, is: a + b}]", "没有名为“b”的表述或指标"),
        ("statements: [{key: a, clause: 一, printed: 5亩, value: 5, unit: 亩, is: retention +}]", "不完整"),
        ("statements: [{key: a, clause: 一, printed: 5斤, value: 5, unit: 斤}]", "没有名为“斤”的计量单位"),
        ("statements: [{key: a, clause: 一, printed: 5亩, value: 5, unit: 亩, is: a}]", "用到了它自己"),
        ("entries: [{target: retention, role: survey, amount: 5, clause: 一}]", "要写日期"),
        ("entries: [{target: pbf, role: carry, amount: 5, clause: 一}]", "没有名为“pbf”的指标"),
        ("red_lines: [{line: pbf, formula: 现状}]", "没有指标的红线要写明原因"),
        ("red_lines: [{line: pbf, formula: 现状 - 税, reason: 无}]", "没有名为“税”的算式用词"),
        ("red_lines: [{line: pbf, formula: 现状, feeds: [fish], reason: 无}]", "没有名为“fish”的任务类型"),
        ("milestones: [{key: m, name: 种, printed: 种, targets: [abandonment], rung: dried}]", "没有名为“dried”"),
        ("milestones: [{key: m, name: 种, printed: 种, from: 2025-05-01, on: 2025-04-01}]", "早于起日"),
        ("phases: [{key: p, name: 一, printed: 一}, {key: p, name: 二, printed: 二}]", "“p”写了 2 次"),
        ("duties: [{topic: 宣传, holder: 没有的办, clause: 一, target: x}]", "没有名为“x”的指标"),
        ("ledgers: [{key: l, title: 台账, clause: 附件, kind: illegal_use, unit: 只}]", "没有名为“只”的计量单位"),
        ("offices: [{name: 甲办}, {name: 乙办, aliases: [甲办]}]", "单位名称“甲办”写了 2 次"),
        ("offices: [{name: 甲办, hosted_by: 丙办}]", "没有名为“丙办”的单位"),
        ("town_ladders: {abandonment: rope}", "没有名为“rope”的阶梯"),
        ("rules: [{key: r, purpose: measure, when: [[mood, '=', x]], then: {measure: restore}}]", "“mood”的事实"),
        ("rules: [{key: r, purpose: measure, when: [[state, '=', moon]], then: {measure: restore}}]", "“moon”"),
        ("rules: [{key: r, purpose: measure, when: [], then: {measure: pray}}]", "没有名为“pray”的整改方式"),
        ("rules: [{key: r, purpose: measure, when: [], then: {cure: restore}}]", "没有名为“cure”的项"),
        ("kinds: [{code: terrace, name: 梯田, nature: flow, unit: acre, ladder: land}]", "没有名为“acre”的计量单位"),
        ("kinds: [{code: a, name: 甲, nature: flow, unit: mu, ladder: land, parent: a}]", "绕回了自己"),
    ],
)
def test_a_name_that_leads_nowhere_is_named_with_what_may_stand_there(tail, words):
    found = problems(f"{tail}\n")
    assert len(found) >= 1
    assert any(words in one for one in found), found
    assert all(one.startswith("第 ") for one in found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: non_grain, comparison", "kind: harvest, comparison", "没有名为“harvest”的任务类型"),
        ("amount: 900, unit: mu", "amount: 900, unit: count", "不能用“count”"),
        ("amount: 900, unit: mu", "amount: 900", "缺少“unit”"),
        ("amount: 900", "amount: 900亩", "不是数"),
        ("parent: non_grain", "parent: nothing", "没有名为“nothing”的指标"),
        ("key: retention, kind", "key: floor, kind", "请改为“retention”"),
        ("key: non_grain, kind", "key: non_grain, parent: abandonment, kind", "绕回了自己"),
        ("unit: mu, clause: 一}", "unit: mu, clause: 一, counted_level: moon}", "没有名为“moon”的认定层级"),
        ("  kind: town", "  kind: castle", "没有名为“castle”的行政区划类型"),
        ("name: 甲村", "name: 老乙村", "“老乙村”写了 2 次"),
        ("year: 2025", "year: 2025\nyaer: 2025", "没有名为“yaer”的项"),
    ],
)
def test_a_wrong_target_or_town_is_named(old, new, words):
    assert old in HEAD
    found = problems(head=HEAD.replace(old, new, 1))
    assert any(words in one for one in found), found


RATE = """\
programs:
  - key: p
    name: 补助
    rates:
      - {{key: r, name: 标准, clause: 一, {}}}
"""


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ("base: $county_mu", "请写 lines 或 readings"),
        ("open: 原文没有标准", ""),
        ("base: $county_mu, lines: [{price: '500'}]", ""),
        ("base: $moon_mu, lines: [{price: '500'}]", "“$moon_mu”"),
        ("lines: [{price: 五百}]", "“五百”不是金额"),
        ("lines: [{from: '1'}]", "写一个"),
        ("lines: [{price: '5', to: $moon}]", "“$moon”"),
        ("readings: {A: [{price: '5'}], B: [{price: '6'}]}", "写在 chosen"),
        ("readings: {A: [{price: '5'}]}, chosen: A", ""),
        ("lines: [{price: '5'}], open: 无", "只能写一种"),
        ("lines: [{price: {by: [land_class], table: {'0101': '3000'}}}]", ""),
        ("lines: [{price: {by: [weather], table: {sun: '3'}}}]", "“weather”的事实"),
        ("lines: [{price: {pool: $allotted, round: [down, '2']}}]", ""),
        ("lines: [{lump: '5000', from: '100', to: '300', edges: '[]'}]", ""),
        ("lines: [{price: '5'}], where: [[weather, '=', sun]]", "“weather”的事实"),
        ("lines: [{price: '5'}], where: [[treatment, '=', magic]]", "“magic”"),
        ("lines: [{price: '5'}], per: [planet]", "“planet”"),
        ("lines: [{price: '5'}], payees: {town: '0.4', village: '0.5'}", "合计为 1，现为 0.9"),
        ("lines: [{price: '5'}], years: ['2027', '2025']", "早于起年"),
        ("lines: [{price: '5'}], due: 10月31日", "应写成月-日"),
        ("lines: [{price: '5'}], less: [start]", "没有名为“start”的标准"),
        ("lines: [{price: '5'}], components: {耕: '3', 种: 二}", "“二”不是数"),
    ],
)
def test_a_rate_has_one_shape(rate, words):
    found = problems(RATE.format(rate))
    if words:
        assert any(words in one for one in found), found
    else:
        assert found == []


def test_a_responsible_unit_outside_the_tree_is_left_to_the_plan_check():
    ledger = """\
ledgers:
  - key: l
    title: 台账
    clause: 附件
    kind: illegal_use
    unit: mu
    rows: [{serial: "1", responsible: 丁村, measure: 念经, source: 传说}]
"""
    assert problems(ledger) == []


def test_a_plan_brings_its_own_kind_ladder_office_term_and_unit():
    own = """\
terms:
  - {dictionary: unit, code: fen, label: 分地, attrs: {base: mu, factor: "0.1", names: [分]}}
  - {dictionary: level, code: area, label: 片级, attrs: {order: "1.5"}}
  - {dictionary: measure, code: terrace_wall, label: 修筑梯坎}
ladders:
  - code: wall
    name: 梯坎
    rungs:
      - {code: issued, name: 已下达, tier: planned}
      - {code: built, name: 已砌, tier: ploughed, reported: yes}
      - {code: area_accepted, name: 片级验收, level: area, tier: accepted}
kinds:
  - {code: terrace, name: 梯田修复, nature: flow, unit: fen, ladder: wall, feeds: [retention], counted_level: area}
milestones:
  - {key: built, name: 砌完, printed: 五月底前, on: 2025-05-31, targets: [terrace], rung: built}
rules:
  - {key: wall, purpose: measure, when: [[kind, "=", terrace]], then: {measure: terrace_wall}}
"""
    target = (
        "  - {key: terrace, kind: terrace, comparison: gte, amount: 5, unit: fen, counted_level: area, clause: 二}\n"
    )
    assert problems(target + own) == []


def test_a_text_longer_than_its_column_is_refused_before_the_database_does():
    long = "很" * 61
    assert problems(f"offices: [{{name: {long}}}]\n") == ["第 21 行 offices[0].name：共 61 字，最多 60 字，请缩短。"]


def test_the_dictionary_tells_of_codes_written_twice_and_of_unknown_names():
    source = """\
format: "1"
terms:
  - {dictionary: unit, code: mu, label: 亩}
  - {dictionary: unit, code: mu, label: 亩}
ladders:
  - {code: land, name: 地, rungs: [{code: done, name: 完, level: moon, tier: accepted, reported: yes}]}
kinds:
  - {code: a, name: 甲, nature: flow, unit: mu, ladder: rope, parent: b}
  - {code: b, name: 乙, nature: flow, unit: mu, ladder: land, parent: a}
"""
    with pytest.raises(DocumentError) as caught:
        read_dictionary(source)
    found = [str(one) for one in caught.value.problems]
    expected = ["“unit.mu”写了 2 次", "“moon”的层级", "不能由村填报", "“rope”的阶梯", "绕回了自己", "绕回了自己"]
    assert len(found) == len(expected)
    for words in expected:
        assert any(words in one for one in found), (words, found)


def test_an_empty_value_is_absent_and_a_broken_file_has_a_line():
    assert problems("summary:\n") == []
    assert problems("divisions: [\n")[0].startswith("第 ")


def test_the_example_of_the_format_page_is_a_plan_that_loads():
    page = (Path(__file__).parents[2] / "docs" / "plan-format.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    plan = read_plan(example, DICTIONARY)
    assert (plan.town.slug, len(plan.red_lines), len(plan.statements)) == ("liuhe", 5, 4)


def test_the_format_page_names_every_part_of_a_plan():
    page = (Path(__file__).parents[2] / "docs" / "plan-format.md").read_text(encoding="utf-8")
    parts = [one.name for one in dataclasses.fields(PlanDoc) if "reader" in one.metadata]
    assert [name for name in parts if name not in page] == []
    assert [fact for fact in RULE_FACTS if fact not in page] == []
    assert [word for word in FORMULA_WORDS if word not in page] == []


def test_a_program_says_how_long_it_is_made_public_and_who_approves():
    program = "publicity_days: 7, publicity_counting: working, approvals: [村委会, 镇政府], documents: [申报表]"
    rates = "rates: [{key: r, name: 标准, clause: 一, base: $city_net_mu, lines: [{price: '5'}]}]"
    tail = f"programs: [{{key: p, name: 补助, {program}, {rates}}}]\n"
    assert problems(tail) == []
    (one,) = read_plan(HEAD + tail, DICTIONARY).programs
    assert (one.publicity_days, one.publicity_counting, one.approvals, one.documents) == (
        7,
        "working",
        ["村委会", "镇政府"],
        ["申报表"],
    )
    assert any("公示期应为 1 至 365 天" in told for told in problems(tail.replace("days: 7", "days: 0")))
    assert any("“monthly”不在可选值中" in told for told in problems(tail.replace(": working", ": monthly")))


def test_a_level_of_the_towns_own_has_its_areas_for_rates():
    tail = RATE.format("base: $province_net_mu, lines: [{price: '5'}]")
    assert any("“$province_net_mu”" in told for told in problems(tail))
    level = 'terms: [{dictionary: level, code: province, label: 省级, attrs: {order: "5"}}]\n'
    assert problems(level + tail) == []


@pytest.mark.parametrize("magnitude", ["千", "万", "百万", "亿"])
def test_a_figure_may_be_printed_in_any_magnitude(magnitude):
    figure = f"key: a, clause: 一, printed: 5{magnitude}亩, value: 5, magnitude: {magnitude}, unit: 亩"
    assert problems(f"statements: [{{{figure}}}]\n") == []


def test_only_a_tranche_is_carried_from_an_earlier_year():
    assert any("只写在结转批次" in told for told in problems(head=HEAD.replace("amount: 900", "carried_from: 2024")))
