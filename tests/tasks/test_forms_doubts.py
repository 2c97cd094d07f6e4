"""What looks wrong and is not refused: told beside the row, written after a tick; over REST a note."""

from datetime import date
from decimal import Decimal

import pytest

from parcels.models import Step
from tasks.forms.doubts import Doubt, Goal, doubts
from tests.tasks.form_world import Paper, hand_in, make_world, show, steps_of
from tests.tasks.test_forms_pages import GOOD, confirm, send, sign_in

pytestmark = pytest.mark.django_db
DAY = "2024-10-06"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def world(db):
    """Shuangyong has a share of 58 亩 and no parcels: its form asks for areas by stage."""
    return make_world()


def paper(world, **cells):
    sheet = Paper.issue(world.shuangyong, world.neighbour)
    return sheet.fill(sheet.find("已种植"), **cells)


def told(result):
    return [one.text.split("，", 1)[1] for one in result.doubts]


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (58, []),
        (173.99, []),
        (174, ["是任务 58.00 亩的 3 倍，请核对。"]),
        (580, ["是任务 58.00 亩的 10 倍，多半是小数点错位。"]),
        (5800, ["是任务 58.00 亩的 100 倍，多半是小数点错位。"]),
        (1160, ["是任务 58.00 亩的 20 倍，请核对。"]),
    ],
)
def test_an_area_far_beyond_the_task_is_doubted(world, area, expected):
    assert told(show(paper(world, area=area, on=DAY), world.neighbour, world.shuangyong)) == expected


def test_an_area_beyond_the_potential_is_doubted(world):
    world.plan.targets.get(key="abandonment").shares.filter(division=world.shuangyong).update(potential=60)
    result = show(paper(world, area=61, on=DAY), world.neighbour, world.shuangyong)
    assert told(result) == ["超过潜力 60.00 亩，请核对。"]


def test_a_later_stage_larger_than_the_one_before_it_is_doubted(world):
    sheet = paper(world, area=20, on=DAY)
    sheet.fill(sheet.find("已清理"), area=5, on=DAY)
    number = sheet.find("已种植")
    result = show(sheet, world.neighbour, world.shuangyong)
    text = "比前一环节“已清理”的 5 亩还多。填的是累计数，请核对这两行。"
    assert result.doubts == [Doubt(number, f"第 {number} 行 已种植 20 亩，{text}")]


def test_a_stage_whose_earlier_ones_are_blank_is_not_doubted(world):
    assert told(show(paper(world, area=20, on=DAY), world.neighbour, world.shuangyong)) == []


def test_a_parcel_that_moves_on_to_a_later_stage_is_not_doubted(world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, stage="已清理", area=1, on=DAY), world.head, world.xinsi)
    sheet = Paper.issue(world.xinsi, world.head).fill(2, stage="已种植", area=2, on=DAY)
    assert told(show(sheet, world.head, world.xinsi)) == []


def test_an_area_without_a_day_is_doubted(world):
    result = show(paper(world, area=2), world.neighbour, world.shuangyong)
    assert told(result) == ["没有填完成日期，写入后按今天 2024-10-12 计。"]


def test_what_was_left_as_issued_is_never_doubted(world):
    hand_in(paper(world, area=580, on=DAY), world.neighbour, world.shuangyong)
    again = paper(world)
    again.fill(again.find("已举证"), area=3, on=DAY)
    assert told(show(again, world.neighbour, world.shuangyong)) == []


def test_an_area_that_goes_down_is_not_measured_by_the_task(world):
    hand_in(paper(world, area=580, on=DAY), world.neighbour, world.shuangyong)
    assert told(show(paper(world, area=400, on=DAY, note="多填"), world.neighbour, world.shuangyong)) == []


def test_without_a_share_nothing_is_measured(world):
    result = show(paper(world, area=580, on=DAY), world.neighbour, world.shuangyong)
    assert doubts(result.outcome, result.look.facts, {}, date(2024, 10, 12)) == []
    goals = {("abandonment", ""): Goal(Decimal(0))}
    assert doubts(result.outcome, result.look.facts, goals, date(2024, 10, 12)) == []


def test_a_doubt_stands_beside_its_row_and_asks_for_a_tick(client, world):
    sign_in(client, world.neighbour)
    page = send(client, paper(world, area=580, on=DAY), world.shuangyong)
    text = page.content.decode()
    assert "已种植 580 亩，是任务 58.00 亩的 10 倍，多半是小数点错位。" in text
    assert 'name="sure"' in text
    again = confirm(client, page)
    assert again.status_code == 409
    assert "请核对后打勾再写入" in again.content.decode()
    assert not Step.objects.exists()
    done = confirm(client, again, sure="1")
    assert done.status_code == 200
    assert [step.area_mu for step in steps_of(world, world.shuangyong)] == [580]
    assert "多半是小数点错位" in done.content.decode()


def test_a_form_without_doubts_asks_for_no_tick(client, world):
    page = send(sign_in(client, world.head), Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.xinsi)
    assert 'name="sure"' not in page.content.decode()
    assert confirm(client, page).status_code == 200
    assert Step.objects.exists()
