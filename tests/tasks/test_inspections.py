"""Batches as a service: what waits, what a batch holds, and that all of it enters through the door or nothing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from farmland.accounts.models import Event
from farmland.jobs.models import Job, Upload
from parcels.models import Evidence, Inspection, InspectionItem, Step
from tasks.acceptance import Refused, Wish, accept, reverse
from tasks.inspections.confirm import confirm
from tasks.inspections.results import NotAll, Result, adopt_sample, in_order
from tasks.inspections.risk import risks
from tasks.inspections.services import Head, Sample, Stale, cancel, edit, redraw
from tests.tasks.batch_world import World
from tests.tasks.land import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def done(world, batch, by=None):
    batch.refresh_from_db()
    return confirm(batch, version=batch.version, by=by or world.officer)


def refusals(caught) -> list[str]:
    return [message for _, _, message in caught.value.rows]


def areas(rows) -> list[D]:
    return [one.area for one in rows]


# The queue


def test_evidenced_works_wait_for_village_and_town(world):
    assert areas(world.ready("village")) == [1, 2, 3, 4, 5, 6]  # what the town accepted needs no village any more
    assert areas(world.ready("town")) == [1, 2, 3, 4, 5, 6]


def test_above_the_town_the_level_below_comes_first(world):
    assert areas(world.ready("county")) == [8, 9]
    assert areas(world.ready("city")) == []


def test_the_user_may_ask_from_another_stage_on(world):
    assert areas(world.ready("county", start="evidenced")) == [1, 2, 3, 4, 5, 6, 8, 9]


def test_what_is_accepted_in_part_waits_with_the_rest(world):
    world.land.step(world.east[5], "town_accepted", "2.5", by=world.officer)

    assert areas(world.ready("town")) == [1, 2, 3, 4, 5, D("3.5")]


def test_what_left_the_year_does_not_wait(world):
    type(world.east[0]).objects.filter(pk=world.east[0].pk).update(exit="blocked", exit_reason="坟山")

    assert areas(world.ready()) == [2, 3, 4, 5, 6]


def test_a_work_in_an_open_batch_waits_no_more_and_comes_back_when_it_is_cancelled(world):
    batch = world.batch(world.east[:2])
    assert areas(world.ready()) == [3, 4, 5, 6]
    cancel(batch, reason="改期", version=batch.version, by=world.officer)

    assert areas(world.ready()) == [1, 2, 3, 4, 5, 6]


def test_a_village_head_sees_the_own_village_only(world):
    assert areas(world.ready("county", user=world.head)) == []
    assert areas(world.ready("town", user=world.head)) == [1, 2, 3, 4, 5, 6]


def test_the_queue_asks_the_database_as_often_for_many_works(world):
    world.ready()  # the officer's grants are read once
    with CaptureQueriesContext(connection) as few:
        world.ready()
    for _ in range(20):
        world.work("东村", 1, "evidenced")
    with CaptureQueriesContext(connection) as many:
        assert len(world.ready()) == 26

    assert len(few) == len(many)


# Putting together


def test_a_batch_stands_over_the_smallest_place_that_holds_its_works(world):
    assert world.batch(world.east).division == world.land.villages["东村"]
    assert world.batch(world.west, "county").division == world.land.villages["西村"]
    both = world.work("西村", 1, "evidenced"), world.work("东村", 1, "evidenced")
    assert world.batch(both).division == world.land.town


def test_batches_are_numbered_in_the_year(world):
    assert [world.batch([one]).number for one in world.east[:3]] == [1, 2, 3]


def test_all_that_waits_can_be_taken_at_once(world):
    batch = world.batch()

    assert [one.declared_mu for one in in_order(batch)] == [1, 2, 3, 4, 5, 6]
    assert Event.objects.filter(about=batch.pk, action="建立验收批次").count() == 1


def test_a_work_that_waits_no_more_is_refused_and_nothing_is_made(world):
    world.batch(world.east[:1])
    with pytest.raises(Refused, match="有 1 项已不在待验收之列"):
        world.batch(world.east[:2])

    assert Inspection.objects.count() == 1


def test_who_may_not_accept_there_makes_no_batch(world):
    with pytest.raises(Refused, match="您没有在“东村”验收“自然撂荒”的权限"):
        world.batch(world.east[:1], by=world.head)


def test_a_batch_of_tomorrow_is_refused(world):
    with pytest.raises(Refused, match="晚于工作日期 2024-10-12"):
        world.batch(world.east[:1], on=date(2024, 10, 13))


def test_a_closed_year_takes_no_batch(world):
    type(world.year).objects.update(closed_on=TODAY)
    with pytest.raises(Refused, match="已关账"):
        world.batch()


# Editing


def test_the_second_of_two_editors_is_told(world):
    batch = world.batch(world.east[:2])
    edit(batch, Head(on=TODAY, note="一"), version=1, by=world.officer)
    with pytest.raises(Stale):
        edit(batch, Head(on=TODAY, note="二"), version=1, by=world.other)
    batch.refresh_from_db()

    assert (batch.note, batch.version) == ("一", 2)


def test_two_people_fill_different_rows_without_a_conflict_and_the_same_row_with_one(world):
    batch = world.batch(world.east[:2])
    world.fill(batch, r1=Result("passed"))
    assert world.fill(batch, by=world.other, r2=Result("passed")) == 1
    with pytest.raises(Stale) as caught:
        world.fill(batch, by=world.other, r1=Result("returned", reason="只见杂草", seen="of-before"))

    ((item, mine),) = caught.value.rows
    assert (item.verdict, mine.verdict) == ("passed", "returned")
    assert in_order(batch).first().verdict == "passed"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (Result("passed", D("0.5")), "通过的面积应等于送验的 1 亩，现为 0.5"),
        (Result("partial", D(1), "只恢复一部分"), "部分通过的面积应大于 0、小于送验的 1 亩"),
        (Result("partial", D("0.5")), "部分通过须写明原因"),
        (Result("returned", D("0.5"), "只见杂草"), "退回不计面积"),
        (Result("returned", note="不行"), "退回须从列表选原因"),
        (Result("", D(1)), "填了面积，还没有选结论"),
        (Result("maybe"), "没有名为“maybe”的结论"),
    ],
)
def test_a_row_that_cannot_stand_is_named_and_nothing_is_kept(world, result, message):
    batch = world.batch(world.east[:2])
    with pytest.raises(NotAll) as caught:
        world.fill(batch, r1=result, r2=Result("passed"))

    assert any(message in one for one in refusals(caught))
    assert not InspectionItem.objects.exclude(verdict="").exists()


# Confirming


def test_a_confirmed_batch_is_as_many_acceptances_and_their_sum_is_what_counts_more(world):
    batch = world.batch(world.west, "county", members=({"post": "中心负责人", "user": world.other.pk},))
    world.fill(batch, r1=Result("passed"), r2=Result("partial", D("4.5"), "只恢复一部分", "田坎外未种"))
    before = world.counted()
    result = done(world, batch)

    items = list(in_order(batch).select_related("step__rung"))
    assert [one.step.area_mu for one in items] == [8, D("4.5")]
    assert world.counted() - before == sum(one.accepted_mu for one in items) == D("12.5")
    assert {one.step.rung.code for one in items} == {"county_accepted"}
    assert items[1].step.reason == "只恢复一部分：田坎外未种"
    assert (result.batch.pk, result.job.kind) == (batch.pk, "recompute")
    batch.refresh_from_db()
    assert (batch.state, batch.on) == ("done", TODAY)
    assert Event.objects.filter(action="登记区县级认定").count() == 2


def test_returned_rows_are_steps_without_area(world):
    batch = world.batch(world.east[:2])
    world.fill(batch, r1=Result("returned", None, "只见杂草"), r2=Result("passed"))
    done(world, batch)

    first = in_order(batch).first()
    assert (first.step.verdict, first.step.area_mu, first.step.reason) == ("returned", 0, "只见杂草")
    assert areas(world.ready()) == [1, 3, 4, 5, 6]  # it waits again


def test_every_refusal_is_listed_by_row_and_nothing_is_written(world):
    batch = world.batch(world.east[:4])
    world.fill(batch, r1=Result("passed"), r2=Result("passed"), r3=Result("passed"), r4=Result("passed"))
    world.land.step(world.east[1], "planted", 1, by=world.officer)  # the officer reported this one meanwhile
    type(world.east[2].parcel).objects.filter(pk=world.east[2].parcel_id).update(gross_mu=D(1))
    before = Step.objects.count()
    with pytest.raises(NotAll) as caught:
        done(world, batch)

    assert [item.work_id for item, _, _ in caught.value.rows] == [world.east[1].pk, world.east[2].pk]
    assert "您本人填报" in refusals(caught)[0]
    assert "就超出了" in refusals(caught)[1]
    assert Step.objects.count() == before
    assert not Job.objects.exists()
    assert Inspection.objects.get().state == "draft"


def test_rows_without_a_result_are_listed(world):
    batch = world.batch(world.east[:3], on=None)
    world.fill(batch, r2=Result("passed"))
    with pytest.raises(NotAll) as caught:
        done(world, batch)

    assert refusals(caught) == ["请填验收日期。", "还没有结论。", "还没有结论。"]


def test_who_reported_does_not_sit_on_the_team(world):
    batch = world.batch(world.east[:2], members=({"post": "东村村主任", "user": world.head.pk},))
    world.fill(batch, all="passed")
    with pytest.raises(NotAll) as caught:
        done(world, batch)

    assert refusals(caught) == ["验收人员“东村村主任”填报了本项进度，填报人不能参加验收，请换人。"] * 2


def test_a_second_click_changes_nothing(world):
    batch = world.batch(world.west, "county")
    world.fill(batch, all="passed")
    batch.refresh_from_db()
    first = confirm(batch, version=batch.version, by=world.officer)
    again = confirm(batch, version=batch.version, by=world.officer)
    other = confirm(batch, version=batch.version, by=world.other)

    assert first.job is not None
    assert (again.job, other.job) == (None, None)
    assert world.counted() == 17


def test_a_batch_that_changed_since_it_was_shown_is_not_confirmed(world):
    batch = world.batch(world.west, "county")
    world.fill(batch, all="passed")
    with pytest.raises(Stale):
        confirm(batch, version=1, by=world.officer)
    assert world.counted() == 0


def test_a_done_batch_is_immutable_and_reversed_step_by_step(world):
    batch = world.batch(world.west, "county")
    world.fill(batch, all="passed")
    done(world, batch)
    for change in (
        lambda: world.fill(batch, r1=Result("returned", None, "只见杂草")),
        lambda: edit(batch, Head(), version=batch.version, by=world.officer),
        lambda: cancel(batch, reason="不要了", version=batch.version, by=world.officer),
        lambda: redraw(batch, Sample(D(10), "s"), version=batch.version, by=world.officer),
    ):
        with pytest.raises(Refused, match="第 1 批已完成，不能再改"):
            change()
    reverse(in_order(batch).first().step, by=world.officer, reason="登错", on=TODAY)

    assert world.counted() == 9


def test_a_work_is_accepted_as_itself_where_a_parcel_has_several(world):
    twin = type(world.east[0]).objects.create(
        town=world.land.town, division=world.east[0].division, parcel=world.east[0].parcel, kind=world.kind,
        year=world.year.year, area_mu=D(3),
    )  # fmt: skip
    world.land.step(twin, "evidenced", 3, by=world.head)
    batch = world.batch([twin])
    world.fill(batch, all="passed")
    done(world, batch)

    assert in_order(batch).get().step.work == twin


def test_a_cancelled_batch_needs_a_reason_and_stays(world):
    batch = world.batch(world.east[:1])
    with pytest.raises(Refused, match="请写明取消的原因"):
        cancel(batch, reason=" ", version=1, by=world.officer)
    cancel(batch, reason="下雨改期", version=1, by=world.officer)

    assert Inspection.objects.get().state == "cancelled"
    assert Event.objects.get(action="取消验收批次").reason == "下雨改期"


# Sample and re-check


def test_the_rest_follows_the_sample_only_by_choice_and_only_when_all_of_it_passed(world):
    batch = world.batch(sample="30")
    drawn = [one.is_drawn for one in in_order(batch)]
    assert sum(drawn) == 2
    rows = {f"r{number}": Result("passed") for number, one in enumerate(drawn, 1) if one}
    with pytest.raises(Refused, match="还有 2 项没有结论"):
        adopt_sample(batch, version=1, by=world.officer)
    world.fill(batch, **rows)
    with pytest.raises(NotAll) as caught:
        done(world, batch)
    assert refusals(caught) == ["没有抽中，也没有结论：请逐项验收，或选“不抽中的按抽样结果认定”。"] * 4
    batch.refresh_from_db()
    assert adopt_sample(batch, version=batch.version, by=world.officer) == 4
    done(world, batch)

    rest = [one for one in in_order(batch) if not one.is_drawn]
    assert {one.step.reason for one in rest} == {
        "按抽样结果认定：抽 2 项，全部通过：其余按送验面积认定通过。（种子 种子）"
    }
    assert sum(one.step.area_mu for one in in_order(batch).select_related("step")) == 21


def test_one_failure_in_the_sample_sends_people_to_the_rest(world):
    batch = world.batch(sample="30")
    rows = [number for number, one in enumerate(in_order(batch), 1) if one.is_drawn]
    world.fill(batch, **{f"r{rows[0]}": Result("passed"), f"r{rows[1]}": Result("returned", None, "只见杂草")})
    batch.refresh_from_db()
    with pytest.raises(Refused, match="1 项没有全部通过：其余不能按抽样认定"):
        adopt_sample(batch, version=batch.version, by=world.officer)


def test_a_new_draw_takes_back_what_followed_the_old_one_and_stays_on_record(world):
    batch = world.batch(sample="30")
    world.fill(batch, **{f"r{n}": Result("passed") for n, one in enumerate(in_order(batch), 1) if one.is_drawn})
    batch.refresh_from_db()
    adopt_sample(batch, version=batch.version, by=world.officer)
    batch.refresh_from_db()
    redraw(batch, Sample(D(50), "另一种子", by_risk=True), version=batch.version, by=world.officer)

    assert sum(one.is_drawn for one in in_order(batch)) == 3
    assert [one.verdict for one in in_order(batch)].count("passed") == 2
    assert [one.after["seed"] for one in Event.objects.filter(action="抽样").order_by("number")] == [
        "种子",
        "另一种子",
    ]


def test_risk_comes_from_facts(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    returned, flagged, large, plain, *_ = world.east
    wish = Wish(world.land.villages["东村"], world.kind, "town", D(0), TODAY, "returned", "只见杂草", work=returned)
    accept(world.year, replace(wish, parcel=returned.parcel), by=world.officer)
    world.land.step(large, "evidenced", 40, by=world.head)
    photo = {"town": world.land.town, "user": world.head, "purpose": "photo", "limit": 10}
    upload = Upload.objects.store(ContentFile(b"x", name="a.jpg"), **photo)
    Evidence.objects.create(
        town=world.land.town, division=flagged.division, parcel=flagged.parcel, category="photo", original=upload,
        sha256="a" * 64, flags=["outside"], by=world.head,
    )  # fmt: skip
    points = risks(world.batch())

    assert points[str(returned.pk)] == 8  # the reporter has accepted works in 西村
    assert points[str(flagged.pk)] == 4
    assert points[str(large.pk)] == 2
    assert points[str(plain.pk)] == 0


def test_a_reporter_without_an_accepted_work_is_a_risk(world):
    newcomer = world.land.person("village_head", world.land.villages["东村"])
    work = world.land.work("东村", "abandonment", 10, parcel=True)
    world.land.step(work, "evidenced", 2, by=newcomer)

    assert risks(world.batch())[str(work.pk)] == 1


def test_a_recheck_that_passes_adds_nothing(world):
    batch = world.batch(world.west, "town", recheck=True)
    world.fill(batch, all="passed")
    before = Step.objects.count()
    done(world, batch)

    assert Step.objects.count() == before
    assert [one.declared_mu for one in in_order(batch)] == [8, 9]


def test_a_recheck_takes_back_what_no_longer_holds(world):
    world.land.step(world.west[0], "county_accepted", 5, by=world.officer)
    world.land.step(world.west[0], "county_accepted", 3, by=world.officer)
    world.land.step(world.west[1], "county_accepted", 9, by=world.officer)
    batch = world.batch(world.west, "county", recheck=True)
    world.fill(batch, r1=Result("partial", D(2), "复耕后又撂荒"), r2=Result("returned", None, "复耕后又撂荒"))
    before = world.counted()
    done(world, batch)

    assert before - world.counted() == 6 + 9
    revoked = Step.objects.filter(verdict="revoked").order_by("pk")
    assert [one.area_mu for one in revoked] == [-3, -3, -9]
    assert {one.step.verdict for one in in_order(batch).select_related("step")} == {"revoked"}
    assert revoked[0].reason == "复核核减：复耕后又撂荒"


def test_a_recheck_below_a_higher_level_is_refused_by_row(world):
    world.land.step(world.west[0], "county_accepted", 8, by=world.officer)
    batch = world.batch(world.west, "town", recheck=True)
    world.fill(batch, all="passed")
    world.fill(batch, r1=Result("returned", None, "复耕后又撂荒"))
    with pytest.raises(NotAll) as caught:
        done(world, batch)

    assert "请先冲销更高层级的记录" in refusals(caught)[0]


def test_a_drawn_recheck_needs_only_the_drawn_rows(world):
    batch = world.batch(world.west, "town", recheck=True, sample="50")
    drawn = next(number for number, one in enumerate(in_order(batch), 1) if one.is_drawn)
    world.fill(batch, **{f"r{drawn}": Result("passed")})

    assert done(world, batch).batch.pk == batch.pk


def test_a_piece_of_a_recheck_that_was_looked_at_without_being_drawn_counts_too(world):
    batch = world.batch(world.west, "town", recheck=True, sample="50")
    rows = {one.is_drawn: f"r{number}" for number, one in enumerate(in_order(batch), 1)}
    rest = next(one for one in in_order(batch) if not one.is_drawn)
    world.fill(batch, **{rows[True]: Result("passed"), rows[False]: Result("returned", None, "复耕后又撂荒")})
    done(world, batch)

    (taken,) = Step.objects.filter(verdict="revoked")
    assert (taken.work_id, taken.area_mu) == (rest.work_id, -rest.declared_mu)
