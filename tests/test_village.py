"""A village's page: one sentence, bars of stages, no state without a share, issues with their state."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from farmland.village import segments, verdict
from parcels.models import Rung
from tests.tasks import page_world

RUNGS = {
    code: Rung(code=code, rank=rank, level=level, tier=tier)
    for rank, (code, level, tier) in enumerate(
        [
            ("issued", "", "planned"), ("planted", "", "planted"), ("evidenced", "", "evidenced"),
            ("town_accepted", "town", "accepted"), ("county_accepted", "county", "accepted"),
        ]
    )
}  # fmt: skip


def row(stages, counted, level="county"):
    return SimpleNamespace(stages=stages, counted=Decimal(counted), target=SimpleNamespace(level=level))


def card(name, gap, state="on_track", has_share=True):
    return {
        "name": name, "has_share": has_share, "is_count": False,
        "row": SimpleNamespace(gap=None if gap is None else Decimal(gap), state=state),
    }  # fmt: skip


def issue(state="open", late=False):
    return SimpleNamespace(is_excluded=False, state=state, is_late=late)


def test_what_a_lower_level_accepted_is_drawn_as_evidenced():
    stages = {"issued": "3", "planted": "2", "evidenced": "1", "town_accepted": "4", "county_accepted": "5"}
    assert segments(row(stages, 5), RUNGS) == [
        ("accepted", 5), ("evidenced", 5), ("planted", 2), ("planned", 3),
    ]  # fmt: skip


def test_a_carry_is_drawn_as_accepted_although_no_step_stands_for_it():
    assert segments(row({"planted": "2"}, "67"), RUNGS) == [("accepted", 67), ("planted", 2)]


@pytest.mark.parametrize(
    ("cards", "issues", "returned", "tone", "text", "why"),
    [
        ([], [], 0, "", "没有分村任务", ""),
        ([card("自然撂荒", "0", "met")], [], 0, "", "任务都已完成", ""),
        ([card("自然撂荒", "38.5")], [], 0, "", "还有 1 项没有完成", "自然撂荒还差 38.50 亩"),
        ([card("自然撂荒", "1", "overdue")], [], 0, "broken", "还有 1 项没有完成", "自然撂荒还差 1.00 亩"),
        ([card("恢复补足", None, has_share=False)], [], 0, "", "没有分村任务", ""),
        (
            [],
            [issue(), issue(late=True), issue("closed")],
            0,
            "risk",
            "还有 1 项没有完成",
            "2 个问题没有销号，其中 1 个逾期",
        ),
        ([card("自然撂荒", "0", "met")], [], 2, "risk", "2 项要补报", "2 项被退回"),
    ],
)
def test_the_sentence_says_what_is_left_in_figures(cards, issues, returned, tone, text, why):
    assert verdict(cards, issues, returned) == {"tone": tone, "text": text, "why": why}


@pytest.fixture(scope="module")
def towns(django_db_setup, django_db_blocker):
    with page_world.towns(django_db_blocker, "xihe-2024") as found:
        yield found


@pytest.fixture
def page(db, towns, client):
    town = towns["xihe"]
    village = page_world.village(town, "双永村")
    page_world.sign_in(client, page_world.person("village_head", village, "head-of-shuangyong"))
    return page_world.shown(client, f"/xihe/2024/villages/{village.code}/")


def test_a_village_of_the_plan_shows_its_share_and_no_state_without_one(page):
    assert "58.30" in page
    assert "自然撂荒还差 58.30 亩" in page
    assert page.count('class="chip') == page.count("<dt>目标</dt>")


def test_headings_come_in_order_and_the_provisional_code_is_none(page):
    assert page.index("<h2") < page.index("<h3")
    head = page[page.index('<div class="page-head">') : page.index('<div class="verdict')]
    assert "500151-xihe" not in head.split("</h1>")[0]
    assert "临时代码" not in head


def test_the_issues_of_the_ledger_lead_to_their_pages_and_show_a_state(page):
    issues = page[page.index('id="h-issues"') :]
    assert issues.count('data-label="状态"') == 7
    assert "/xihe/2024/issues/" in issues
    assert date(2024, 7, 31).isoformat() in issues
