"""报环节: one stage of one parcel, by the service that the phone page and the API share."""

from datetime import date
from decimal import Decimal

import pytest

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from parcels.models import Step, Work
from tasks.models import TownYear
from tasks.stage import Report, StageRefused, report_stage
from tests.tasks.form_world import make_world

pytestmark = pytest.mark.django_db
ON = date(2024, 10, 6)


@pytest.fixture
def world():
    return make_world()


def say(world, area, stage="planted", *, by=None, parcel=0, **more):
    year = TownYear.objects.get(town=world.town, year=2024)
    report = Report(stage=stage, area=Decimal(area), **({"on": ON} | more))
    return report_stage(year, world.parcels[parcel], report, by=by or world.head)


def areas(world, stage="planted", parcel=0):
    return list(
        Step.objects.filter(work__parcel=world.parcels[parcel], rung__code=stage).values_list("area_mu", flat=True)
    )


def test_a_report_is_a_step_an_event_and_a_recompute(world):
    done = say(world, "2.5", crop="油菜")

    step = Step.objects.get(pk=done.step.pk)
    assert (step.area_mu, step.verdict, step.on, step.crop, step.by) == (
        Decimal("2.5"),
        "reached",
        ON,
        "油菜",
        world.head,
    )
    assert Job.objects.get(pk=done.job.pk).kind == "recompute"
    event = Event.objects.get(about=world.parcels[0].pk)
    assert (event.action, event.after["area_mu"], event.user) == ("填报环节", "2.5", world.head)


def test_areas_are_cumulative_and_the_difference_is_written(world):
    say(world, "1")
    say(world, "2.5")
    assert areas(world) == [Decimal(1), Decimal("1.5")]


def test_the_same_again_writes_nothing(world):
    say(world, "1")
    again = say(world, "1")
    assert (again.step, again.job, areas(world)) == (None, None, [Decimal(1)])


def test_less_than_before_needs_a_reason(world):
    say(world, "2")
    with pytest.raises(StageRefused, match="面积由 2 减为 1，请在备注写明原因") as refusal:
        say(world, "1")
    assert refusal.value.field == "reason"
    assert say(world, "1", reason="量错了").step.reason == "量错了"
    assert areas(world) == [Decimal(2), Decimal(-1)]


def test_another_day_takes_the_last_step_back_and_enters_it_again(world):
    say(world, "2")
    say(world, "2", on=date(2024, 10, 8))
    assert areas(world) == [Decimal(2), Decimal(-2), Decimal(2)]


def test_a_later_stage_holds_its_area(world):
    say(world, "2")
    with pytest.raises(StageRefused, match="后面的“已种植”已报 2 亩"):
        say(world, "1", "ploughed")
    assert say(world, "2.1", "ploughed").step.area_mu == Decimal("2.1")


@pytest.mark.parametrize(
    ("report", "field", "text"),
    [
        pytest.param({"area": "2.78"}, "area_mu", "应不大于图斑面积 2.77，现为 2.78", id="more than the parcel"),
        pytest.param({"area": "-1"}, "area_mu", "不能为负数", id="negative"),
        pytest.param({"area": "1", "stage": "county_accepted"}, "stage", "没有由村填报的环节", id="an acceptance"),
        pytest.param({"area": "1", "stage": "issued"}, "stage", "没有由村填报的环节", id="not reported"),
        pytest.param({"area": "1", "stage": "<b>"}, "stage", "没有由村填报的环节", id="no stage"),
        pytest.param({"area": "1", "on": date(2024, 10, 13)}, "on", "日期不能晚于今天 2024-10-12", id="tomorrow"),
        pytest.param({"area": "1", "on": date(2023, 12, 31)}, "on", "日期应在 2024 年内", id="last year"),
        pytest.param({"area": "1", "crop": "金子"}, "crop", "没有作物“金子”", id="no crop"),
        pytest.param({"area": "1", "reason": "字" * 301}, "reason", "最多 300 字", id="long"),
        pytest.param({"area": "1", "work": "x"}, "work", "已退出本年度治理", id="no such work"),
    ],
)
def test_a_wrong_report_is_refused_at_its_field_and_writes_nothing(world, report, field, text):
    with pytest.raises(StageRefused) as refusal:
        say(world, **report)
    assert refusal.value.field == field
    assert text in refusal.value.message
    assert not Step.objects.exists()


def test_what_someone_else_changed_meanwhile_is_shown(world):
    say(world, "2", by=world.official)
    with pytest.raises(StageRefused, match=r"您看到的是 0 亩，现在是 2 亩，您填的是 1\.5 亩") as refusal:
        say(world, "1.5", seen=Decimal(0), reason="改")
    assert refusal.value.code == "conflict"
    assert say(world, "2.5", seen=Decimal(2)).step.area_mu == Decimal("0.5")


def test_the_same_key_is_the_same_report(world):
    first = say(world, "1", key="k1")
    again = say(world, "1", key="k1")
    assert (again.step, again.job) == (first.step, None)
    for other in ({"area": "2"}, {"area": "1", "stage": "ploughed"}, {"area": "1", "parcel": 1}):
        with pytest.raises(StageRefused, match="Idempotency-Key") as refusal:
            say(world, key="k1", **other)
        assert refusal.value.code == "key_reused"


def test_a_closed_year_refuses(world):
    TownYear.objects.filter(town=world.town).update(closed_on=date(2024, 10, 12))
    with pytest.raises(StageRefused, match="已关账") as refusal:
        say(world, "1")
    assert refusal.value.code == "closed"


def test_a_work_that_left_is_not_reported(world):
    say(world, "1")
    Work.objects.update(exit="blocked", exit_reason="坡度大")
    with pytest.raises(StageRefused, match="已退出本年度治理"):
        say(world, "2")


def test_of_several_works_one_is_named(world):
    say(world, "1")
    work = Work.objects.get(parcel=world.parcels[0])
    other = Work.objects.create(
        town=world.town, division=world.xinsi, parcel=world.parcels[0], kind=world.restructure, year=2024
    )
    with pytest.raises(StageRefused, match="请选是哪一项"):
        say(world, "2")
    assert say(world, "2", work=str(other.pk)).work == other
    assert say(world, "2", work=str(work.pk)).step.area_mu == Decimal(1)
