"""Changes of one parcel: facts with a version, findings, works, substitutes; who may, what is kept and refused."""

from decimal import Decimal as D

import pytest

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from farmland.lib.refused import Refused, Stale
from parcels.changes import Edit
from parcels.models import Listing, Parcel, Step, Work
from parcels.verification import Said
from parcels.works import Plan, planned_beyond
from tasks import land
from tasks.acceptance import reverse
from tests.tasks.edit_world import Field
from tests.tasks.land import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def field():
    return Field()


def edit(field, parcel, *, by=None, version=None, reason="", **values):
    return land.edit(field.year, parcel, Edit(values, version, reason), by=by or field.official)


# Facts


def test_an_edit_leaves_an_event_about_the_parcel_and_the_next_version(field):
    parcel = field.parcel("P1")

    assert edit(field, parcel, group="三组", note="临路", in_redline=False)

    now, event = Parcel.objects.get(pk=parcel.pk), Event.objects.get(about=parcel.pk)
    assert (now.group, now.attrs["note"], now.in_redline, now.version) == ("三组", "临路", False, 2)
    assert (event.user, event.after) == (field.official, {"组": "三组", "备注": "临路", "生态红线": "不在"})
    assert Job.objects.filter(kind="recompute").exists()


def test_the_same_values_again_write_nothing(field):
    parcel = field.parcel("P1")
    edit(field, parcel, group="三组")

    assert not edit(field, parcel, group="三组", version=1)
    assert Event.objects.count() == 1


def test_the_second_of_two_editors_is_shown_both_values(field):
    parcel = field.parcel("P1")
    edit(field, parcel, group="三组", version=1)

    with pytest.raises(Stale) as found:
        edit(field, parcel, by=field.second, group="五组", version=1)

    assert found.value.pairs == [("组", "三组", "五组")]
    assert Parcel.objects.get(pk=parcel.pk).group == "三组"
    assert edit(field, parcel, by=field.second, group="五组", version=2)


def test_an_area_needs_a_reason_and_the_list_keeps_what_it_stated(field):
    parcel = field.parcel("P1")
    with pytest.raises(Refused, match="须写明原因"):
        edit(field, parcel, gross_mu=D("9.5"))

    edit(field, parcel, gross_mu=D("9.5"), reason="实测")
    edit(field, parcel, gross_mu=D("9.4"), reason="再测")

    assert Listing.objects.get(parcel=parcel).cells == {"下发图斑面积（亩）": "10"}


def test_a_word_no_dictionary_has_and_a_slope_no_hill_has_are_refused(field):
    parcel = field.parcel("P1")
    with pytest.raises(Refused, match="字典里没有"):
        edit(field, parcel, ground_state="月球")
    with pytest.raises(Refused, match="0 到 90"):
        edit(field, parcel, slope=D(95))


def test_a_begun_parcel_does_not_change_its_village(field):
    parcel, other = field.parcel("P1"), field.parcel("P2")
    field.step(field.work_of(parcel), "planted", 3, by=field.head)
    with pytest.raises(Refused, match="已有进展"):
        edit(field, parcel, division=field.villages["西村"], reason="划错")

    edit(field, other, division=field.villages["西村"], reason="划错")
    assert field.work_of(other).division == field.villages["西村"]


def test_a_closed_year_refuses(field):
    parcel = field.parcel("P1")
    field.year.closed_on = TODAY
    field.year.save()
    with pytest.raises(Refused, match="已关账"):
        edit(field, parcel, group="三组")


# Findings


def verify(field, parcel, finding, *, by=None, **more):
    return land.verify(field.year, parcel, Said(finding, TODAY, **more), by=by or field.head)


def test_a_village_reports_real_and_stands_on_verified(field):
    parcel = field.parcel("P1")
    assert verify(field, parcel, "real")
    assert not verify(field, parcel, "real")

    step = Step.objects.get(work__parcel=parcel)
    assert (step.rung.code, step.area_mu, step.by) == ("verified", 10, field.head)
    assert Parcel.objects.get(pk=parcel.pk).finding == "real"


def test_what_a_village_finds_waits_for_the_town_and_another_person(field):
    parcel = field.parcel("P1")
    field.proof(parcel)
    verify(field, parcel, "blocked", reason="steep_slope", note="北坡")
    assert field.work_of(parcel).exit == ""

    with pytest.raises(Refused, match="您本人"):
        land.settle(field.year, parcel, by=field.head)
    land.settle(field.year, parcel, by=field.official)

    work = field.work_of(parcel)
    assert (work.exit, work.exit_reason) == ("blocked", "不可整改，坡度较大不可整改，北坡")
    with pytest.raises(Refused, match="没有待确认"):
        land.settle(field.year, parcel, by=field.official)
    with pytest.raises(Refused, match="镇里已确认"):
        verify(field, parcel, "real")


@pytest.mark.parametrize(("finding", "exit"), [("no_problem", "disproved"), ("not_abandoned", "disproved")])
def test_no_problem_leaves_the_year_and_another_finding_brings_it_back(field, finding, exit):
    parcel = field.parcel("P1")
    field.proof(parcel)
    verify(field, parcel, finding, by=field.official, note="已种玉米")
    assert field.work_of(parcel).exit == exit

    verify(field, parcel, "real", by=field.official)
    assert field.work_of(parcel).exit == ""


def test_partly_plans_the_real_part(field):
    parcel = field.parcel("P1")
    verify(field, parcel, "partly", by=field.official, area=D("6.2"), note="余下已种")
    assert field.work_of(parcel).area_mu == D("6.2")


@pytest.mark.parametrize(
    ("finding", "more", "word"),
    [
        pytest.param("blocked", {"note": "陡"}, "须选原因", id="reason"),
        pytest.param("blocked", {"reason": "steep_slope"}, "证明材料", id="proof"),
        pytest.param("no_problem", {}, "须写明情况", id="note"),
        pytest.param("partly", {"note": "半"}, "应大于 0", id="area"),
        pytest.param("partly", {"note": "半", "area": D(11)}, "不大于图斑面积 10", id="more than there is"),
        pytest.param("lost", {}, "核查结论应为", id="unknown"),
        pytest.param("blocked", {"reason": "bored"}, "字典里没有原因", id="unknown reason"),
    ],
)
def test_a_finding_without_what_it_needs_is_refused(field, finding, more, word):
    parcel = field.parcel("P1")
    with pytest.raises(Refused, match=word):
        verify(field, parcel, finding, by=field.official, **more)
    assert Parcel.objects.get(pk=parcel.pk).finding == ""


# Works


def test_several_works_stand_on_a_parcel_and_too_much_is_a_warning(field):
    parcel = field.parcel("P1")
    made, is_new = land.add_work(field.year, parcel, "abandonment", Plan(D(3), "restore"), by=field.official, key="k1")
    again, is_again_new = land.add_work(
        field.year, parcel, "abandonment", Plan(D(3), "restore"), by=field.official, key="k1"
    )
    assert (again, is_new, is_again_new) == (made, True, False)
    assert planned_beyond(parcel, Work.objects.filter(parcel=parcel)) == 3
    with pytest.raises(Refused, match="另一条内容不同"):
        land.add_work(field.year, parcel, "abandonment", Plan(D(4)), by=field.official, key="k1")
    with pytest.raises(Refused, match="末级任务"):
        land.add_work(field.year, parcel, "retention", Plan(D(3)), by=field.official)


def test_the_plan_does_not_fall_below_what_is_reported(field):
    parcel = field.parcel("P1")
    work = field.work_of(parcel)
    field.step(work, "planted", 6, by=field.head)
    with pytest.raises(Refused, match="不能少于它"):
        land.change_work(field.year, work, Plan(D(5)), by=field.official)
    assert land.change_work(field.year, work, Plan(D(6), "restore"), by=field.official, reason="实测")
    assert Event.objects.get(about=parcel.pk).before["计划面积（亩）"] == "10"


def test_accepted_area_keeps_a_work_in_until_it_is_reversed(field):
    work = field.work_of(field.parcel("P1"))
    step = field.step(work, "county_accepted", 4, by=field.official)
    with pytest.raises(Refused, match="请先冲销"):
        land.exit_work(field.year, work, "deferred", "缓一缓", by=field.official)
    reverse(step, by=field.second, reason="误登", on=TODAY)

    land.exit_work(field.year, work, "deferred", "缓一缓", by=field.official)
    assert Work.objects.get(pk=work.pk).exit == "deferred"
    land.reopen_work(field.year, work, "可以做了", by=field.official)
    assert Work.objects.get(pk=work.pk).exit == ""


def test_a_substitute_is_linked_on_both_sides_and_blocks_the_way_back(field):
    old, new = field.parcel("P1"), field.parcel("P2", village="西村", work=False)
    work = field.work_of(old)
    found = land.substitute(field.year, work, new, D(9), "坟地", by=field.official)

    assert (found.parcel, found.replaces, found.area_mu) == (new, work, 9)
    assert Work.objects.get(pk=work.pk).exit == "substituted"
    with pytest.raises(Refused, match="已由图斑 P2 替换"):
        land.reopen_work(field.year, work, "改主意", by=field.official)


def test_an_open_work_on_the_other_parcel_takes_the_link(field):
    old, new = field.parcel("P1"), field.parcel("P2")
    found = land.substitute(field.year, field.work_of(old), new, D(9), "坟地", by=field.official)
    assert Work.objects.filter(parcel=new).get() == found
    assert found.area_mu == 10
    with pytest.raises(Refused, match="自己替换自己"):
        land.substitute(field.year, found, new, D(9), "坟地", by=field.official)
