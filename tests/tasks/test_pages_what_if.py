"""推演 on real plans: the known answer of 二坪, hidden risks only when asked, whose page it is."""

import pytest

from tests.tasks.page_world import person, shown, sign_in, towns, village

pytestmark = pytest.mark.django_db
PAGE = "/erping/2023/what-if/"


@pytest.fixture(scope="module")
def places(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, "erping-2023", "xihe-2024") as found:
        yield found


@pytest.fixture
def official(client, places):
    return sign_in(client, person("official", places["erping"]))


def test_retention_is_short_61_90_now_and_7_10_above_when_the_plan_is_done(official):
    page = shown(official, PAGE)

    assert "现在 <b>−61.90</b>" in page
    assert ">+7.10<" in page
    assert "15,995.15 + 待认定 69.00 − 目标 16,057.05 = +7.10" in page
    assert "1 条守不住，3 条守得住" in page
    assert "违法占用耕地还有 2 个未销号，须逐个销号，不随档位变化" in page
    assert "“计划”起守得住" in page


def test_a_surer_tier_does_not_count_what_is_only_planned(official):
    page = shown(official, f"{PAGE}?tier=planted")

    assert "4 条守不住，0 条守得住" in page
    assert "待认定 69.00" not in page


def test_a_hidden_risk_stands_beside_and_is_taken_off_only_when_asked(official):
    unasked = shown(official, PAGE)
    asked = shown(official, f"{PAGE}?at_risk=1")

    assert "1,210.37" in unasked
    assert "−1,203.27" not in unasked
    assert "− 隐患 1,210.37" in asked
    assert "−1,203.27" in asked


def test_what_cannot_be_done_and_what_is_assumed_are_told(official):
    page = shown(official, PAGE)

    assert "坡度较大、坟山等多种原因不可整改" in page
    assert "已通过市级验收的32亩视为已含在2023年3月31日的现状内" in page
    assert "现状永久基本农田15192.56亩是哪一天的数？" in page


def test_each_kind_stands_by_tier_with_what_is_dead(official):
    page = shown(official, PAGE)
    kinds = page[page.index("各类任务在哪一档") :]

    assert "312.90" in kinds
    assert "<b>101.00</b> / 101.00" in kinds
    assert "<b>315.10</b> / 628.00" in kinds


def test_a_plan_without_surveys_says_why_nothing_comes_out(client, places):
    sign_in(client, person("official", places["xihe"]))
    page = shown(client, "/xihe/2024/what-if/")

    assert "方案只写了底线17225亩，没有写现状耕地面积" in page
    assert page.count("无数据") == 4


@pytest.mark.parametrize("query", ["?tier=", "?tier=nonsense", "?tier=dead&at_risk=x", "?tier=%25&at_risk=2"])
def test_an_odd_parameter_is_ignored(official, query):
    assert "做到“计划”的全部认定后" in shown(official, f"{PAGE}{query}")


def test_picking_a_tier_swaps_the_answer_only(official):
    part = shown(official, f"{PAGE}?tier=planted", **{"HX-Request": "true"})

    assert "<html" not in part
    assert part.lstrip().startswith('<div id="what-if">')


@pytest.mark.parametrize("address", [PAGE, "/xihe/2024/what-if/"])
def test_the_page_takes_few_queries(client, places, django_assert_max_num_queries, address):
    sign_in(client, person("official", places[address.split("/")[1]]))
    client.get(address)
    with django_assert_max_num_queries(12):
        client.get(address)


def test_only_who_sees_the_whole_town_sees_the_page(client, places):
    for role, place, status in (
        ("village_head", village(places["erping"], "狮子村"), 404),
        ("official", places["xihe"], 404),
        ("finance", places["erping"], 200),
        ("district", places["erping"].parent, 200),
    ):
        assert sign_in(client, person(role, place)).get(PAGE).status_code == status
    client.logout()
    assert client.get(PAGE).status_code == 302
