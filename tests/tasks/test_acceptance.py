"""The acceptance door as a service: what it writes, what it refuses and why, and how a mistake is taken back."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from parcels.models import Kind, Ladder, LadderChoice, Rung, Step, Work
from tasks.acceptance import Refused, Wish, accept, reverse
from tests.tasks.land import TODAY, YEAR, Land

pytestmark = pytest.mark.django_db


class Case:
    """A town with a plan, a village head who reported 9 亩 on a parcel of 10, and an official who accepts."""

    def __init__(self):
        self.land = Land()
        non_grain = self.land.target("non_grain", 285, rule="every")
        self.land.target("abandonment", 283, parent=non_grain, level="county")
        self.land.target("retention", 20_000)
        self.land.target("illegal_use", 3)
        self.officer = self.land.person()
        self.head = self.land.person("village_head", self.land.villages["东村"])
        self.work = self.land.work("东村", "abandonment", 10, parcel=True)
        self.land.step(self.work, "planted", 9, by=self.head)
        self.kind = Kind.objects.get(code="abandonment")

    def wish(self, **changes) -> Wish:
        values = {
            "division": self.land.villages["东村"], "kind": self.kind, "level": "county", "area": D(4),
            "on": date(2024, 10, 10), "verdict": "passed", "parcel": self.work.parcel,
        }  # fmt: skip
        return Wish(**(values | changes))

    def accept(self, **changes):
        return accept(self.land.year, self.wish(**changes), by=changes.pop("by", None) or self.officer)

    def counted(self) -> D:
        return self.land.figures()["abandonment", None].counted


@pytest.fixture
def case():
    return Case()


# What it writes


def test_an_acceptance_is_a_signed_step_with_its_event_and_a_recompute(case):
    done = case.accept(declared=D(9), reason="只恢复一部分")

    assert (done.step.area_mu, done.step.declared_mu, done.step.verdict) == (4, 9, "partial")
    assert done.step.by == case.officer
    assert case.counted() == 4
    assert done.job.kind == "recompute"
    event = Event.objects.get()
    assert (event.user, event.action) == (case.officer, "登记区县级认定")


def test_batches_add_up(case):
    case.accept(area=D("2.5"))
    case.accept(area=D("1.75"))

    assert case.counted() == D("4.25")


def test_without_a_parcel_it_stands_on_the_villages_unplaced_work(case):
    done = case.accept(parcel=None, area=D("50"))

    assert done.step.work.parcel is None
    assert done.step.work.division == case.land.villages["东村"]
    assert case.counted() == 50


def test_a_result_for_the_whole_town_stands_on_the_town(case):
    done = case.accept(parcel=None, division=case.land.town, area=D(32))

    assert done.step.work.division == case.land.town
    assert case.counted() == 32


def test_a_return_adds_no_area_and_keeps_its_reason(case):
    done = case.accept(area=D(0), verdict="returned", reason="残留硬化或建渣")

    assert (done.step.area_mu, done.step.verdict) == (0, "returned")
    assert case.counted() == 0


def test_a_lower_level_does_not_count_and_a_higher_one_counts_for_it(case):
    case.accept(level="town", area=D(6))
    assert case.counted() == 0
    case.accept(level="city", area=D(5))
    assert case.counted() == 5


def test_the_same_key_is_the_same_acceptance(case):
    first = case.accept(key="k1")
    again = case.accept(key="k1")

    assert again.step == first.step
    assert again.job is None
    assert case.counted() == 4


def test_the_same_key_with_other_words_is_refused(case):
    case.accept(key="k1")
    with pytest.raises(Refused) as refusal:
        case.accept(key="k1", area=D(9))

    assert refusal.value.code == "key_reused"
    assert case.counted() == 4


def test_the_same_key_of_another_person_is_another_acceptance(case):
    case.accept(key="k1")
    accept(case.land.year, case.wish(key="k1"), by=case.land.person())

    assert case.counted() == 8


def test_the_database_itself_keeps_a_key_from_standing_twice(case):
    case.land.step(case.work, "county_accepted", 1, by=case.officer, key="k2")
    with pytest.raises(IntegrityError), transaction.atomic():
        case.land.step(case.work, "county_accepted", 1, by=case.officer, key="k2")


# What it refuses


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        pytest.param({"level": "prefecture"}, "level", "没有层级“prefecture”", id="level of no rung"),
        pytest.param({"area": D(0)}, "accepted_mu", "应大于 0，现为 0", id="nothing"),
        pytest.param({"area": D("-1")}, "accepted_mu", "应大于 0，现为 -1", id="negative"),
        pytest.param({"area": D("10000000")}, "accepted_mu", "现为 10000000", id="far too much"),
        pytest.param({"area": D("10.0001")}, "accepted_mu", "图斑面积 10 亩", id="over the parcel"),
        pytest.param({"on": date(2024, 10, 13)}, "accepted_on", "晚于工作日期 2024-10-12", id="tomorrow"),
        pytest.param({"on": date(2014, 10, 10)}, "accepted_on", "请核对年份", id="ten years ago"),
        pytest.param(
            {"verdict": "returned", "area": D(1), "reason": "x"}, "accepted_mu", "退回不计面积", id="return 1"
        ),
        pytest.param({"verdict": "returned", "area": D(0)}, "reason", "退回须写明原因", id="return without reason"),
        pytest.param({"verdict": "partial"}, "reason", "部分通过须写明原因", id="partial without reason"),
        pytest.param({"declared": D(3)}, "accepted_mu", "大于送验面积 3", id="more than presented"),
        pytest.param({"tranche": "第九批"}, "tranche", "没有名为“第九批”的批次", id="unknown tranche"),
        pytest.param({"kind": "retention"}, "kind", "不能直接登记", id="a stock"),
        pytest.param({"kind": "illegal_use"}, "kind", "按台账逐条销号", id="counted things"),
        pytest.param({"kind": "non_grain"}, "kind", "请按下级任务登记：自然撂荒", id="a parent"),
        pytest.param({"kind": "pbf_fix"}, "kind", "方案中没有“永农整改”任务", id="not in the plan"),
    ],
)
def test_a_refusal_names_field_value_and_remedy_and_writes_nothing(case, changes, field, said):
    if "kind" in changes:
        changes = changes | {"kind": Kind.objects.get(code=changes["kind"]), "parcel": None}
    before = Step.objects.count()

    with pytest.raises(Refused) as refusal:
        case.accept(**changes)

    assert refusal.value.field == field
    assert said in refusal.value.message
    assert refusal.value.message.endswith("。")
    assert (Step.objects.count(), Event.objects.count(), Job.objects.count()) == (before, 0, 0)


def test_who_reported_may_not_accept(case):
    with pytest.raises(Refused) as refusal:
        accept(case.land.year, case.wish(), by=case.head)

    assert refusal.value.code == "same_person"
    assert "填报人不能验收" in refusal.value.message
    assert case.counted() == 0


def test_who_reported_another_work_may_accept_this_one(case):
    other = case.land.work("西村", "abandonment", 5, parcel=True)
    case.land.step(other, "planted", 5, by=case.officer)

    assert case.accept().step.by == case.officer


def test_a_closed_year_takes_no_acceptance(case):
    case.land.year.closed_on = TODAY
    case.land.year.save()

    with pytest.raises(Refused) as refusal:
        case.accept()
    assert refusal.value.code == "closed"


def test_two_batches_together_may_not_exceed_the_parcel(case):
    case.accept(area=D(7))
    with pytest.raises(Refused, match=r"已登记 7 亩，再加 3\.5 亩就超出了"):
        case.accept(area=D("3.5"))
    assert case.accept(area=D(3)).job


def test_a_parcel_without_such_a_work_is_refused(case):
    Work.objects.filter(pk=case.work.pk).update(exit="blocked", exit_reason="坟山")
    with pytest.raises(Refused, match="没有“自然撂荒”的治理任务，或已退出"):
        case.accept()


def test_a_town_with_another_ladder_has_its_own_levels(case):
    ladder = Ladder.objects.create(code="short", name="两步")
    for rank, (code, level) in enumerate([("issued", ""), ("signed", "village"), ("sealed", "prefecture")]):
        Rung.objects.create(ladder=ladder, rank=rank, code=code, name=code, level=level, tier="accepted")
    LadderChoice.objects.create(town=case.land.town, kind=case.kind, ladder=ladder)

    with pytest.raises(Refused, match="没有层级“county”，可用的有：village、prefecture"):
        case.accept(parcel=None)
    assert case.accept(parcel=None, level="prefecture").step.rung.code == "sealed"


# How a mistake is taken back


def test_a_reversal_is_a_negative_row_that_names_the_row_it_takes_back(case):
    step = case.accept().step
    undone = reverse(step, by=case.officer, reason="录入有误", on=TODAY).step

    assert (undone.area_mu, undone.verdict, undone.reverses) == (-4, "revoked", step)
    assert Step.objects.get(pk=step.pk).area_mu == 4
    assert case.counted() == 0


def test_part_of_it_can_be_taken_back_and_then_the_rest_but_no_more(case):
    step = case.accept().step
    reverse(step, by=case.officer, reason="边界不符", on=TODAY, area=D("1.5"))
    assert case.counted() == D("2.5")
    with pytest.raises(Refused, match=r"不大于尚未冲销的 2\.5，现为 3"):
        reverse(step, by=case.officer, reason="边界不符", on=TODAY, area=D(3))
    reverse(step, by=case.officer, reason="边界不符", on=TODAY)

    assert case.counted() == 0
    with pytest.raises(Refused, match="已经全部冲销"):
        reverse(step, by=case.officer, reason="再来一次", on=TODAY)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"reason": "  "}, "reason", id="no reason"),
        pytest.param({"on": date(2024, 12, 31)}, "accepted_on", id="a day to come"),
        pytest.param({"on": date(2024, 10, 9)}, "accepted_on", id="before the row itself"),
        pytest.param({"area": D(0)}, "accepted_mu", id="nothing"),
        pytest.param({"area": D(-1)}, "accepted_mu", id="negative"),
    ],
)
def test_a_reversal_is_refused_field_by_field(case, changes, field):
    step = case.accept().step
    values = {"by": case.officer, "reason": "录入有误", "on": TODAY} | changes

    with pytest.raises(Refused) as refusal:
        reverse(step, **values)
    assert refusal.value.field == field
    assert case.counted() == 4


def test_a_reversal_and_a_return_cannot_be_reversed(case):
    step = case.accept().step
    undone = reverse(step, by=case.officer, reason="录入有误", on=TODAY).step
    returned = case.accept(area=D(0), verdict="returned", reason="图斑对错").step

    for one in (undone, returned):
        with pytest.raises(Refused):
            reverse(one, by=case.officer, reason="x", on=TODAY)


def test_what_a_higher_level_stands_on_stays_until_that_is_taken_back(case):
    town = case.accept(level="town").step
    county = case.accept(level="county").step
    with pytest.raises(Refused) as refusal:
        reverse(town, by=case.officer, reason="录入有误", on=TODAY)
    assert refusal.value.code == "conflict"

    reverse(county, by=case.officer, reason="录入有误", on=TODAY)
    assert reverse(town, by=case.officer, reason="录入有误", on=TODAY).job


def test_a_reversal_with_the_same_key_happens_once(case):
    step = case.accept().step
    for _ in range(2):
        reverse(step, by=case.officer, reason="录入有误", on=TODAY, area=D(1), key="r1")
    with pytest.raises(Refused, match="Idempotency-Key"):
        reverse(step, by=case.officer, reason="另一个原因", on=TODAY, area=D(1), key="r1")

    assert case.counted() == 3


def test_steps_are_never_changed_nor_deleted(case):
    step = case.accept().step
    step.area_mu = D(9)
    with pytest.raises(TypeError, match="append-only"):
        step.save()
    for write in (lambda: Step.objects.update(area_mu=0), lambda: Step.objects.all().delete()):
        with pytest.raises(TypeError, match="append-only"):
            write()
    assert Work.objects.filter(year=YEAR).count() == 1
