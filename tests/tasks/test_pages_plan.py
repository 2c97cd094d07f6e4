"""方案 and 整改 on real plans: every number where a clerk looks for it, villages see their own rows only."""

import re

import pytest

from farmland.places.models import Division
from tasks.check.case import Case
from tasks.models import Issue, Plan
from tasks.plan.common import common_dictionary
from tasks.plan.document import RateDoc
from tasks.plan.validate import read_plan
from tasks.views.wording import Words
from tests.tasks.page_world import load_town, person, shown, sign_in, towns, village
from tests.tasks.small_plans import plan

pytestmark = pytest.mark.django_db
PLAN, ISSUES = "/xihe/2024/plan/", "/xihe/2024/issues/"


@pytest.fixture(scope="module")
def places(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, "erping-2023", "xihe-2024") as found:
        yield found


@pytest.fixture
def official(client, places):
    return sign_in(client, person("official", places["xihe"]))


@pytest.fixture
def head(client, places):
    return sign_in(client, person("village_head", village(places["xihe"], "新四村")))


def part(page: str, anchor: str) -> str:
    return page.split(f'id="{anchor}"')[1].split("</section>")[0]


# What an audit missed


def test_the_verdict_names_the_errors_by_the_titles_of_their_rules(official):
    verdict = shown(official, PLAN).split('class="verdict__answer"')[1].split("</p>")[0]
    assert "8 处错误待更正，单位或数量级有误 1 处、时间安排有误 7 处" in verdict


def test_an_annex_that_is_a_ledger_stands_once(official):
    annexes = part(shown(official, PLAN), "annexes")
    assert annexes.count("西河镇违法占地专项整治行动任务明细表") == 1
    assert "台账 23 行" in annexes
    assert annexes.count("附件2") == 1


@pytest.mark.parametrize("address", [PLAN, "/erping/2023/plan/"])
def test_no_band_of_a_phase_is_empty(client, places, address):
    town = places[address.split("/")[1]]
    phases = part(shown(sign_in(client, person("official", town)), address), "phases")
    for band in phases.split("<tbody>")[1:]:
        name = re.search(r'<th scope="rowgroup"[^>]*>([^<]*)', band)
        assert name is None or name[1].strip() not in ("", "节点")
        assert re.search(r"<tr><td", band)


def test_a_rate_names_lists_and_policies(official):
    programs = part(shown(official, PLAN), "programs")
    assert "2023年整治图斑" in programs
    assert "盘活撂荒地补助" in programs
    assert "rectified-2023" not in programs
    assert "idle-land-revival" not in programs


def test_a_policy_of_the_plan_itself_is_named_by_its_program(places):
    case = Case(Plan.objects.get(town__slug="xihe").document, common_dictionary())
    own = case.doc.programs[0]
    assert own.name in Words(case).condition("paid_by", "has", own.key)


@pytest.mark.parametrize("name", ["beicheng-2023", "erong-2023", "erping-2023", "shiyu-2024", "xihe-2024"])
def test_no_plan_shows_a_code_in_the_words_of_its_rates(name, settings):
    doc = read_plan((settings.BASE_DIR / "plans" / f"{name}.yaml").read_text(encoding="utf-8"), common_dictionary())
    words = Words(Case(doc, common_dictionary()))
    for program in doc.programs:
        for rate in program.rates:
            told = words.rate(rate)
            sentences = [*told["where"], *told["unless"], *told["when"]]
            assert [one for one in sentences if re.search(r"[a-z]{3,}", one)] == []


def test_the_rail_says_how_much_waits(official):
    page = shown(official, "/xihe/2024/")
    rail = page.split('class="rail"')[1].split("</nav>")[0]
    late = Issue.objects.filter(town__slug="xihe", due_on__lt="2024-10-12", is_excluded=False)
    late = late.exclude(state__in=Issue.CLOSED).count()
    assert late
    assert f"待办 </span>{late}</span>" in rail


# 方案


def test_the_targets_stand_with_due_as_printed_level_and_clause(official):
    targets = part(shown(official, PLAN), "targets")

    assert "<b>17,225.00</b>" in targets
    assert "<b>23</b>" in targets
    assert "453.00" in targets
    assert "任务占 73.51%" in targets
    assert "原文“到2024年底”" in targets
    assert "方案未写，按区县级计" in targets
    assert "镇产业发展服务中心" in targets
    assert "三、工作目标" in targets


def test_children_stand_below_their_parent(official):
    targets = part(shown(official, PLAN), "targets")
    names = re.findall(r'<th scope="row">(.*?)</th>', targets, re.S)
    deep = [bool("└" in name) for name in names]

    assert targets.index("存量非粮化整治") < targets.index("自然撂荒")
    assert deep == [False, False, False, False, True, True, True, False, False]


def test_the_split_is_as_printed_with_both_totals(official):
    split = part(shown(official, PLAN), "split")

    assert "46.0" in split
    assert re.search(r">\s*/\s*<", split)
    assert split.count("283.00") == 2
    assert "相符" in split
    assert "与原文不符" not in split


def test_a_split_that_does_not_add_up_is_shown_as_printed_and_flagged(official, places):
    share = places["xihe"].shares.model.objects.get(
        target__key="abandonment", target__town=places["xihe"], division__name="龙岭村"
    )
    share.amount += 1
    share.save()
    split = part(shown(official, PLAN), "split")

    assert "283.00" in split
    assert "284.00" in split
    assert "与原文不符" in split


def test_rules_and_rates_read_as_sentences(official):
    page = shown(official, PLAN)
    rules, rates = part(page, "rules"), part(page, "programs")

    assert "地面现状是低矮灌木或杂草、撂荒、堆放物品" in rules
    assert "不能间作套作" in rules
    assert "不占永久基本农田" in rules
    assert "果树覆盖度 ≤ 50%" in rules
    assert "一事一议后编制进出平衡方案" in rules
    assert "<b>500 元/亩</b>" in rates
    assert "复耕 300 + 复种 200" in rates
    assert "读法 A：280 元/亩" in rates
    assert "2025—2027 年逐年" in rates


def test_a_rate_the_plan_leaves_open_says_so(client, places):
    sign_in(client, person("official", places["erping"]))
    page = shown(client, "/erping/2023/plan/")

    assert "未定：原文只写“根据完成市级验收面积给予经费补助" in part(page, "programs")
    assert "2022年结转" in part(page, "targets")
    assert "最多可完成 315.1" in part(page, "targets")
    assert "−121.95" in part(page, "entries")
    assert "不可整改" in part(page, "entries")


def test_offices_workgroups_dates_and_numbers_are_there(official):
    page = shown(official, PLAN)

    assert "又写作" in part(page, "offices")
    assert "分管镇村镇建设服务中心领导" in part(page, "offices")
    assert "2024年7月底前完成规划设计初步成果" in part(page, "phases")
    assert "应到“已种植”" in part(page, "phases")
    assert "333" in part(page, "statements")
    assert "附件2" in part(page, "annexes")
    assert "台账 23 行" in part(page, "annexes")
    assert "第 1 版" in part(page, "revisions")
    assert page.count('<a href="#') >= 12


def test_a_village_reads_the_plan_its_own_share_and_no_accounts(head):
    page = shown(head, PLAN)

    assert "龙岭村" not in part(page, "split")
    assert "新四村" in part(page, "split")
    assert "各村相加" not in page
    assert 'id="entries"' not in page
    assert 'id="red-lines"' not in page
    assert "plan/check/" not in page


@pytest.mark.parametrize("name", ["beicheng-2023", "erong-2023", "shiyu-2024"])
def test_every_plan_has_its_page(client, places, name):
    town = load_town(name).town
    sign_in(client, person("official", town))
    slug, year = name.split("-")

    for page in ("plan/", "plan/check/", "what-if/", "issues/"):
        shown(client, f"/{slug}/{year}/{page}")


def test_a_table_of_prices_and_a_pool_read_as_sentences():
    words = Words(Case(plan(""), common_dictionary()))
    rate = {"key": "a", "name": "甲", "clause": "一", "treatment": "", "base": "$net_mu", "payees": {"village": "1"}}
    table = {"price": {"by": ["land_class"], "table": {"0101": "3000", "0103": "2000"}}}
    pool = {"price": {"pool": "$allotted", "round": ["down", "2"]}}
    band = {"lump": "5000", "from": "100", "to": "300"}
    drawn = [words.rate(RateDoc(**rate, lines=[line]))["price"] for line in (table, pool, band)]

    assert drawn[0] == "按地类：水田 3000、旱地 2000 元/亩"
    assert drawn[1] == "下达资金按面积均分，只舍不入"
    assert drawn[2] == "达到 100 亩、不足 300 亩的，一次性 5000 元"


# 整改


def test_the_ledger_counts_23_rows_26_codes_and_its_areas(official):
    page = shown(official, ISSUES)
    total = page.split("<tfoot>")[1].split("</tfoot>")[0]

    for figure in ("23 个问题", "26 个编号", "70.75", "61.92", "48.71"):
        assert figure in total
    villages = dict(re.findall(r'division=[^"]*">([^<]+)</a></th><td class="num">(\d+)</td>', page))
    assert villages == {
        "双永村": "7", "兴建村": "4", "大珑村": "3", "新四村": "3", "龙岭村": "3", "三善村": "2", "西河村": "1",
    }  # fmt: skip


def test_what_is_late_comes_first_and_the_ledger_order_can_be_chosen(official):
    def serials(query):
        return re.findall(r'/issues/[0-9a-f-]{36}/">(\d+)</a>', shown(official, f"{ISSUES}{query}"))

    assert serials("")[:7] == ["2", "4", "5", "6", "7", "9", "13"]
    assert serials("?order=ledger") == [str(number) for number in range(1, 24)]
    assert serials("?order=area")[0] == "15"
    assert len(serials("?order=nonsense")) == 23


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=overdue", 9),
        ("state=open", 23),
        ("state=closed", 0),
        ("measure=deliberate_then_balance", 13),
        ("measure=nonsense", 0),
        ("source=national_audit", 2),
        ("kind=illegal_use", 23),
        ("warning=1", 17),
        ("division=nowhere", 0),
        ("state=overdue&warning=1", 4),
        ("page=99", 23),
        ("page=x&division=%27", 0),
    ],
)
def test_each_filter_shows_its_rows(official, query, count):
    assert len(re.findall(r'/issues/[0-9a-f-]{36}/"', shown(official, f"{ISSUES}?{query}"))) == count


def test_a_village_filter_keeps_the_others_in_the_export(official, places):
    code = village(places["xihe"], "双永村").code
    page = shown(official, f"{ISSUES}?division={code}&measure=deliberate_then_balance&state=overdue")

    assert f"division={code}&amp;measure=deliberate_then_balance" in page
    assert "state=overdue" not in page.split("format=xlsx")[0].rsplit("/api/v1/issues/", 1)[1]


def test_the_printed_measure_stands_beside_the_suggested_one_with_its_reason(official):
    page = shown(official, ISSUES)
    row = next(row for row in page.split("<tr>") if "牛肝菌种植基地" in row)

    assert "办理农转用手续" in row
    assert "建议：办理设施农用地手续" in row
    assert "附件2第13行的整改方式" in row
    assert "用于非农化问题，与所填问题类型不符" in row
    assert '<span class="code code--line">26966</span><span class="code code--line">26947</span>' in row


def test_the_detail_tells_what_is_needed_and_why(official):
    one = Issue.objects.get(town__slug="xihe", serial="2")
    page = shown(official, f"{ISSUES}{one.pk}/")

    assert "设施农用地备案材料" in page
    assert "已过 73 天" in page
    assert "国家审计" in page


def test_a_village_sees_its_own_issues_only(head, places):
    page = shown(head, ISSUES)
    own, foreign = Issue.objects.get(town__slug="xihe", serial="8"), Issue.objects.get(town__slug="xihe", serial="2")

    assert len(re.findall(r'/issues/[0-9a-f-]{36}/"', page)) == 3
    assert "西河村" not in page.split('id="main"')[1]
    assert head.get(f"{ISSUES}{own.pk}/").status_code == 200
    assert head.get(f"{ISSUES}{foreign.pk}/").status_code == 404


def test_another_town_finds_neither_plan_nor_ledger(client, places):
    issue = Issue.objects.filter(town__slug="xihe").first()
    sign_in(client, person("village_head", village(places["erping"], "狮子村")))
    for address in (PLAN, ISSUES, f"{ISSUES}{issue.pk}/", "/xihe/1999/plan/", "/nowhere/2024/issues/"):
        assert client.get(address).status_code == 404
    assert client.get(f"/erping/2023/issues/{issue.pk}/").status_code == 404


@pytest.mark.parametrize("address", [PLAN, ISSUES])
def test_queries_are_few_and_do_not_grow_with_rows(official, django_assert_max_num_queries, address):
    official.get(address)
    with django_assert_max_num_queries(12) as first:
        official.get(address)
    one = Issue.objects.filter(town__slug="xihe").first()
    for number in range(120):
        one.pk, one.serial = None, f"x{number}"
        one._state.adding = True
        one.save()
    with django_assert_max_num_queries(len(first)):
        official.get(address)


def test_a_year_without_a_plan_says_so(client, places):
    town = Division.objects.get(slug="xihe")
    town.years.create(year=2030)
    sign_in(client, person("official", town))
    for page in ("plan/", "plan/check/", "what-if/"):
        assert "还没有方案" in shown(client, f"/xihe/2030/{page}")
    assert "没有整改问题" in shown(client, "/xihe/2030/issues/")
