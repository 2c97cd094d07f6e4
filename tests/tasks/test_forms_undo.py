"""Taking a form back: reversing steps, until somebody has built on it."""

from datetime import date
from decimal import Decimal

import pytest

from farmland.accounts.models import Event
from parcels.models import Step
from tasks.forms.undo import TakeBackRefused, take_back
from tests.tasks.form_world import Paper, hand_in, make_world, own, person, steps_of

pytestmark = pytest.mark.django_db
GOOD = {"stage": "已种植", "area": 2, "on": "2024-10-06"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def world(db):
    return make_world()


def report(world, number=2, user=None, **cells):
    user = user or world.head
    result = hand_in(Paper.issue(world.xinsi, user).fill(number, **cells), user, world.xinsi)
    assert result.state == "applied", result.errors
    return result.submission


def test_taking_back_reverses_every_step_and_keeps_the_record(world):
    submission = report(world, **GOOD)
    taken = take_back(submission, world.head)
    assert (taken.state, taken.receipt) == ("taken_back", submission.receipt)
    first, second = steps_of(world)
    assert (second.area_mu, second.reverses, second.verdict) == (-first.area_mu, first, "revoked")
    assert submission.receipt in second.reason
    assert [event.action for event in Event.objects.order_by("number")] == ["填报写入", "填报撤回"]


def test_taking_back_a_decrease_a_new_day_and_a_lower_stage_restores_what_stood_before(world):
    report(world, **GOOD)
    for cells in ({"area": 1.5, "note": "坟地"}, {"on": "2024-10-08"}, {"stage": "已翻耕", "note": "没有出苗"}):
        before = Paper.issue(world.xinsi, world.head)
        take_back(report(world, **cells), world.head)
        after = Paper.issue(world.xinsi, world.head)
        shown = [[paper[2, name] for name in ("环节", "面积（亩）", "完成日期", "作物")] for paper in (before, after)]
        assert shown[0] == shown[1]
    day = date(2024, 10, 7)
    assert sum(step.area_mu for step in steps_of(world).filter(on__lte=day)) == 2


def test_after_taking_back_the_same_form_may_be_handed_in_again(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    first = hand_in(paper, world.head, world.xinsi).submission
    take_back(first, world.head)
    again = hand_in(paper, world.head, world.xinsi)
    assert (again.state, again.is_repeat) == ("applied", False)
    assert again.submission.receipt != first.receipt
    assert own(steps_of(world).first().work, world.rungs["planted"]) == 2


def test_it_is_refused_once_an_official_has_accepted_anything_on_the_works(world):
    submission = report(world, **GOOD)
    step = Step.objects.get()
    Step.objects.create(
        town=world.town, work=step.work, rung=world.rungs["county_accepted"], area_mu=Decimal(1), verdict="passed",
        on=date(2024, 10, 11), by=world.official,
    )  # fmt: skip
    with pytest.raises(TakeBackRefused, match=r"已于 .* 登记“区县级认定”，不能撤回"):
        take_back(submission, world.head)
    assert Step.objects.count() == 2


def test_it_is_refused_while_a_later_form_stands_on_the_same_rows(world):
    first = report(world, **GOOD)
    report(world, number=3, **GOOD)  # another parcel does not matter
    later = report(world, area=2.5)
    with pytest.raises(TakeBackRefused, match=f"又有登记（回执 {later.receipt}"):
        take_back(first, world.head)
    take_back(later, world.head)
    assert take_back(first, world.head).state == "taken_back"
    work = steps_of(world).first().work
    assert own(work, world.rungs["planted"]) == 0


def test_only_the_one_who_reported_or_an_official_takes_back_and_only_once(world):
    submission = report(world, **GOOD)
    with pytest.raises(TakeBackRefused, match="填报人本人或镇里经办人"):
        take_back(submission, person("leader", world.town))
    take_back(submission, world.official)
    with pytest.raises(TakeBackRefused, match="没有可以撤回的内容"):
        take_back(submission, world.official)
    assert Step.objects.count() == 2
