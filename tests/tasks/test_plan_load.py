"""Loading a plan again: what changed is told, nothing is lost, nothing half done."""

import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from farmland.accounts.models import Event
from farmland.lib.documents import DocumentError
from farmland.places.models import Division
from parcels.models import Kind, Ladder, Rung, Step, Work
from tasks.models import Entry
from tasks.plan.load import load_plan
from tasks.years import close_year, open_year
from tests.tasks.small_plans import HEAD

pytestmark = pytest.mark.django_db
TOWN = HEAD.replace("kind: town,", "kind: town, above: [{name: 临江县, kind: county, code: '530199'}],")
TREE = "divisions: [{name: 柳村, kind: village}, {name: 松村, kind: village}]\n"
PLAN = TOWN + TREE
WALL = """
ladders:
  - code: wall
    name: 梯坎
    rungs:
      - {code: issued, name: 已下达, tier: planned}
      - {code: built, name: 已砌, tier: ploughed, reported: yes}
      - {code: town_accepted, name: 镇级验收, level: town, tier: accepted}
kinds: [{code: terrace, name: 梯田修复, nature: flow, unit: mu, ladder: wall}]
"""
BUILT = "      - {code: built, name: 已砌, tier: ploughed, reported: yes}\n"
SOWN = "      - {code: sown, name: 已播, tier: planted, reported: yes}\n"
TARGET = (
    "targets: [{key: retention, kind: retention, comparison: gte, amount: 900, unit: mu, clause: 一}]\n"
    "entries:\n"
    "  - {target: retention, role: survey, amount: 950, on: 2024-12-31, clause: 一}\n"
    "  - {target: retention, role: deduction, amount: -20, clause: 一}\n"
    "  - {target: retention, role: deduction, amount: -5, clause: 一}\n"
)


def again(before: str, after: str) -> list[str]:
    """What the second loading says."""
    load_plan(before)
    return load_plan(after).differences


def refused(source: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_plan(source)
    return [str(one) for one in caught.value.problems]


def rungs() -> list[str]:
    return list(Ladder.objects.get(code="wall").rungs.values_list("code", flat=True))


# Dictionary rows are common to all towns


@pytest.mark.parametrize(
    "own",
    [
        "kinds: [{code: abandonment, name: 撂荒, nature: flow, unit: mu, ladder: land}]\n",
        "ladders: [{code: land, name: 图斑, rungs: [{code: issued, name: 下达, tier: planned}]}]\n",
    ],
)
def test_a_plan_cannot_change_what_all_towns_share(own):
    load_plan(PLAN)
    (told,) = refused(PLAN + own)
    assert told.startswith("第 8 行 ")
    assert "各镇共用" in told
    assert Kind.objects.get(code="abandonment").name == "自然撂荒"


def test_a_plan_cannot_change_what_another_town_defined():
    load_plan(PLAN + WALL)
    other = (
        (TOWN + WALL).replace("qingxi", "shiqiao").replace("清溪镇", "石桥镇").replace("530199005000", "530199006000")
    )
    load_plan(other)
    (told,) = refused(other.replace("已砌", "砌好"))
    assert "代码“wall”已由清溪镇的方案定义" in told
    assert Rung.objects.get(code="built").name == "已砌"


def test_a_town_changes_its_own_kind_and_is_told():
    changes = again(PLAN + WALL, PLAN + WALL.replace("梯田修复", "梯田恢复"))
    assert changes == ["任务类型 梯田修复 的名称：梯田修复 → 梯田恢复"]


@pytest.mark.parametrize(
    ("after", "order"),
    [
        (WALL.replace(BUILT, BUILT + SOWN), ["issued", "built", "sown", "town_accepted"]),
        (WALL.replace(BUILT, SOWN + BUILT), ["issued", "sown", "built", "town_accepted"]),
        (WALL.replace(BUILT, ""), ["issued", "town_accepted"]),
        (WALL.replace(BUILT, SOWN), ["issued", "sown", "town_accepted"]),
    ],
    ids=["inserted", "inserted before", "dropped", "replaced"],
)
def test_rungs_are_put_in_moved_and_dropped(after, order):
    assert again(PLAN + WALL, PLAN + after)
    assert rungs() == order
    assert again(PLAN + after, PLAN + WALL)
    assert rungs() == ["issued", "built", "town_accepted"]


def test_two_rungs_change_places():
    load_plan(PLAN + WALL.replace(BUILT, BUILT + SOWN))
    load_plan(PLAN + WALL.replace(BUILT, SOWN + BUILT))
    assert rungs() == ["issued", "sown", "built", "town_accepted"]


def test_a_rung_with_land_on_it_stays():
    town = load_plan(PLAN + WALL).plan.town
    work = Work.objects.create(town=town, division=town, kind_id="terrace", year=2025, area_mu=Decimal(3))
    Step.objects.create(
        town=town, work=work, rung=Rung.objects.get(code="built"), area_mu=Decimal(3), on=date(2025, 4, 1),
        verdict="reached",
    )  # fmt: skip
    (told,) = refused(PLAN + WALL.replace(BUILT, ""))
    assert told.startswith("第 10 行 ladders[0].rungs：环节“built”（已砌）已有登记")
    assert rungs() == ["issued", "built", "town_accepted"]


# Divisions


def test_a_town_is_known_by_its_slug_and_keeps_its_old_name():
    changes = again(PLAN, PLAN.replace("name: 清溪镇", "name: 清溪街道"))
    town = Division.objects.get(slug="qingxi")
    assert (town.name, town.aliases) == ("清溪街道", ["清溪镇"])
    assert changes == ["行政区划 清溪镇 的名称：清溪镇 → 清溪街道", "行政区划 清溪镇 的别名：空 → 清溪镇"]
    assert load_plan(PLAN.replace("name: 清溪镇", "name: 清溪街道")).differences == []


def test_a_slug_under_another_superior_is_refused():
    load_plan(PLAN)
    other = PLAN.replace("临江县", "临海县").replace("'530199'", "'530188'").replace("530199005000", "530188005000")
    (told,) = refused(other)
    assert told.startswith("第 3 行 town.slug：标识“qingxi”已由临江县的清溪镇使用")


def test_a_slug_copied_into_the_plan_of_another_town_is_refused():
    load_plan(PLAN)
    (told,) = refused(PLAN.replace("清溪镇", "石桥镇").replace("530199005000", "530199006000"))
    assert "标识“qingxi”已由清溪镇（530199005000）使用" in told


def test_a_code_that_belongs_elsewhere_is_refused():
    coded = PLAN.replace("{name: 柳村,", "{name: 柳村, code: '530199005001',")
    load_plan(coded)
    other = coded.replace("qingxi", "shiqiao").replace("清溪镇", "石桥镇").replace("530199005000", "530199006000")
    (told,) = refused(other)
    assert told.startswith("第 7 行 divisions[0].code：代码“530199005001”已由清溪镇的柳村使用")


def test_a_village_with_its_old_name_among_the_aliases_is_renamed():
    load_plan(PLAN)
    row = Division.objects.get(name="柳村")
    changes = load_plan(PLAN.replace("{name: 柳村,", "{name: 柳林村, aliases: [柳村],")).differences
    row.refresh_from_db()
    assert (row.name, row.aliases) == ("柳林村", ["柳村"])
    assert changes[0] == "行政区划 柳村 的名称：柳村 → 柳林村"


def test_a_village_gone_from_the_plan_is_ended_and_comes_back():
    gone = PLAN.replace(", {name: 松村, kind: village}", "")
    assert again(PLAN, gone) == ["撤销行政区划：松村（方案里已没有，也没有登记）"]
    row = Division.objects.get(name="松村")
    assert row.valid_to
    load_plan(PLAN)
    row.refresh_from_db()
    assert row.valid_to is None


def test_a_village_with_land_stays_and_the_loading_says_so():
    town = load_plan(PLAN).plan.town
    row = Division.objects.get(name="松村")
    Work.objects.create(town=town, division=row, kind_id="abandonment", year=2025)
    changes = load_plan(PLAN.replace(", {name: 松村, kind: village}", "")).differences
    assert changes == ["方案里已没有松村，但那里已有登记，行政区划仍然保留。"]
    assert Division.objects.get(name="松村").valid_to is None


def test_a_village_of_another_year_stays():
    load_plan(PLAN.replace("2025", "2024"))
    load_plan(PLAN)
    load_plan(PLAN.replace(", {name: 松村, kind: village}", ""))
    assert Division.objects.get(name="松村").valid_to is None


def test_a_changed_kind_and_a_new_alias_are_told():
    changes = again(PLAN, PLAN.replace("{name: 柳村, kind: village}", "{name: 柳村, kind: community, aliases: [柳]}"))
    assert changes == ["行政区划 柳村 的类型：village → community", "行政区划 柳村 的别名：空 → 柳"]


# What a second loading says


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("offices: [{name: 甲办}]", "offices: [{name: 甲办, duties: 统筹}]", "单位 甲办 的 duties：空 → 统筹"),
        (
            "duties: [{topic: 种, holder: 甲办, clause: 一}]",
            "duties: [{topic: 种, role: lead, holder: 甲办, clause: 一}]",
            "职责 种·甲办·一 的 role：responsible → lead",
        ),
        ("", "duties: [{topic: 种, holder: 甲办, clause: 一}]", "新增职责：种·甲办·一"),
        ("questions: [{key: a, question: 何时？}]", "questions: []", "删去待明确事项：a"),
        (
            "rules: [{key: r, purpose: scope, when: []}]",
            "rules: [{key: r, purpose: scope, when: [], quote: 照此}]",
            "规则 r 的 quote：空 → 照此",
        ),
        (
            "outline: [{number: 一, title: 目标, items: [{number: （一）, title: 甲}]}]",
            "outline: [{number: 一, title: 目标, items: [{number: （一）, title: 乙}]}]",
            "提纲 一（一） 的 title：甲 → 乙",
        ),
        (
            "terms: [{dictionary: crop, code: tea, label: 茶}]",
            "terms: [{dictionary: crop, code: tea, label: 茶叶}]",
            "本镇用词 crop·tea 的 label：茶 → 茶叶",
        ),
        ("summary: 甲", "summary: 乙", "方案的摘要：甲 → 乙"),
        ("", "# 一句说明", "文字有改动（指标、分解等没有变化）"),
    ],
)
def test_every_part_tells_what_changed_in_it(before, after, told):
    changes = again(f"{PLAN}{before}\n", f"{PLAN}{after}\n")
    assert told in changes
    assert ("文字有改动" in "".join(changes)) == (len(changes) == 1 and told.startswith("文字有改动"))


def test_a_changed_target_is_told_without_the_remark_on_wording():
    changes = again(PLAN + TARGET, (PLAN + TARGET).replace("amount: 900", "amount: 905"))
    assert changes == ["指标 耕地保有量 的目标：900 → 905"]


def test_entries_are_known_by_what_they_are_not_by_their_place():
    more = "entries:\n  - {target: retention, role: at_risk, amount: 7, clause: 二}\n"
    load_plan(PLAN + TARGET)
    ids = dict(Entry.objects.values_list("amount", "pk"))
    changes = load_plan((PLAN + TARGET).replace("entries:\n", more)).differences
    assert len(changes) == 1
    assert changes[0].startswith("新增")
    assert ids.items() <= dict(Entry.objects.values_list("amount", "pk")).items()


def test_each_file_says_whether_it_was_loaded(tmp_path):
    good, bad = tmp_path / "a.yaml", tmp_path / "b.yaml"
    good.write_text(PLAN, encoding="utf-8")
    bad.write_text(PLAN.replace("title:", "titel:"), encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="1 个文件没有载入，其余的已载入"):
        call_command("load_plan", str(good), str(bad), stdout=out, stderr=err)
    assert f"{good}：清溪镇2025年耕地保护方案" in out.getvalue()
    assert f"{bad}：2 处错误，没有载入，数据没有改变。" in err.getvalue()
    with pytest.raises(CommandError, match="没有载入任何文件"):
        call_command("load_plan", str(bad), str(tmp_path / "none.yaml"), stdout=out, stderr=err)


# Land carried over


CARRIED = (
    "targets:\n"
    "  - {key: in_out, kind: in_out, comparison: gte, amount: 101, unit: mu, clause: 一}\n"
    "  - {key: carried, kind: in_out, parent: in_out, tranche: 上年结转, carried_from: 2024, comparison: gte,"
    " amount: 67, unit: mu, clause: 一}\n"
)


@pytest.fixture
def year_before():
    """2024 closed with 67 亩 nobody accepted and 5 of 8 accepted."""
    town = load_plan(PLAN.replace("2025", "2024")).plan.town
    villages = {one.name: one for one in Division.objects.filter(parent=town)}
    whole = Work.objects.create(
        town=town, division=villages["柳村"], kind_id="in_out", year=2024, area_mu=Decimal(67)
    )  # fmt: skip
    partly = Work.objects.create(
        town=town, division=villages["松村"], kind_id="in_out", year=2024, area_mu=Decimal(8)
    )  # fmt: skip
    Step.objects.create(
        town=town, work=partly, rung=Rung.objects.get(ladder__code="land", code="county_accepted"),
        area_mu=Decimal(5), on=date(2024, 9, 1), verdict="passed",
    )  # fmt: skip
    close_year(town, 2024, by=None, on=date(2025, 1, 5))
    return town, whole


def tranches(town) -> dict:
    works = Work.objects.filter(town=town, year=2025)
    return {work.division.name: (work.tranche, work.area_mu) for work in works}


LANDED = {"柳村": ("上年结转", 67), "松村": ("上年结转", 3)}


def test_what_is_carried_over_lands_in_the_tranche_of_a_plan_that_was_there_before(year_before):
    town, _ = year_before
    load_plan(PLAN + CARRIED)
    open_year(town, 2025, by=None)
    assert tranches(town) == LANDED


def test_what_is_carried_over_lands_in_the_tranche_of_a_plan_that_comes_later(year_before):
    town, whole = year_before
    open_year(town, 2025, by=None)
    assert tranches(town) == {"柳村": ("", 67), "松村": ("", 3)}
    changes = load_plan(PLAN + CARRIED).differences
    assert "柳村 进出平衡：从 2024 年结转的面积归入“上年结转”" in changes
    assert tranches(town) == LANDED
    assert Event.objects.get(action="结转批次", about=whole.pk).after == {"tranche": "上年结转"}
    assert load_plan(PLAN + CARRIED).differences == []


def test_land_of_the_year_itself_stays_out_of_the_carried_tranche(year_before):
    town, _ = year_before
    load_plan(PLAN + CARRIED)
    Work.objects.create(town=town, division=town, kind_id="in_out", year=2025, area_mu=Decimal(4))
    open_year(town, 2025, by=None)
    assert tranches(town) == LANDED | {"清溪镇": ("", 4)}
