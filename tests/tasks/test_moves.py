"""Stages of many parcels at once, selection with reserve, and relapse: previewed, signed, and fair to who reported."""

from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from farmland.accounts.log import broken_links
from farmland.accounts.models import Event, Grant
from farmland.lib.refused import Refused
from parcels.models import Kind, Parcel, Step, Work
from parcels.progress import Ladders
from tasks import bulk, selection
from tasks.acceptance import Wish, accept
from tasks.bulk import Edits
from tasks.moves import Move, move_one, relapse
from tasks.services import recompute
from tests.tasks.edit_world import Field
from tests.tasks.land import TODAY, YEAR

pytestmark = pytest.mark.django_db


@pytest.fixture
def field():
    return Field()


def own(work, rung) -> D:
    return sum(Step.objects.filter(work=work, rung__code=rung).values_list("area_mu", flat=True), D(0))


def every():
    return Parcel.objects.all()


def confirm(field, wish, by=None, rows=None):
    rows = every() if rows is None else rows
    by = by or field.official
    seen = bulk.look(field.year, rows, wish, by=by).fingerprint()
    return bulk.confirm(field.year, rows, wish, seen=seen, by=by)


# Bulk stages


def test_every_row_says_before_and_after_or_why_it_stays(field):
    field.parcel("P1")
    field.step(field.work_of(field.parcel("P2")), "county_accepted", 10, by=field.second)
    field.parcel("P3", work=False)
    found = bulk.look(field.year, every(), Move("planted", TODAY), by=field.official)

    told = {str(row.parcel): (row.before, row.after, row.refused) for row in found.rows}
    assert told["P1"] == ("已下达", "已种植 10 亩", "")
    assert told["P2"] == ("区县级认定", "", "已区县级认定，请先冲销验收。")
    assert told["P3"] == ("", "", "没有在办的治理任务。")
    assert Step.objects.count() == 1


def test_a_confirmed_move_is_written_row_by_row_in_one_chain(field):
    for number in range(4):
        field.parcel(f"P{number}")
    assert confirm(field, Move("planted", TODAY)) == 4

    assert Step.objects.filter(rung__code="planted", area_mu=10, by=field.official).count() == 4
    events = Event.objects.filter(action="批量改环节")
    assert {one.about for one in events} == set(every().values_list("pk", flat=True))
    assert list(broken_links()) == []
    assert confirm(field, Move("planted", TODAY)) == 0


def test_what_moved_since_the_preview_is_not_written(field):
    parcel = field.parcel("P1")
    seen = bulk.look(field.year, every(), Move("planted", TODAY), by=field.official).fingerprint()
    field.step(field.work_of(parcel), "ploughed", 4, by=field.head)
    with pytest.raises(Refused, match="预览之后"):
        bulk.confirm(field.year, every(), Move("planted", TODAY), seen=seen, by=field.official)
    assert own(field.work_of(parcel), "planted") == 0


def test_back_needs_a_reason_and_stays_the_report_of_who_made_it(field):
    work = field.work_of(field.parcel("P1"))
    field.step(work, "planted", 9, by=field.head)
    with pytest.raises(Refused, match="须写原因"):
        move_one(field.year, work.parcel, Move("ploughed", TODAY), by=field.official)
    move_one(field.year, work.parcel, Move("ploughed", TODAY, "no_crop"), by=field.official)

    assert (own(work, "planted"), own(work, "ploughed")) == (0, 9)
    assert Step.objects.get(rung__code="ploughed").by == field.head
    assert Step.objects.get(verdict="returned").reason == "翻耕未种植"
    kind = Kind.objects.get(code="abandonment")
    wish = Wish(work.division, kind, "county", D(9), TODAY, "passed", parcel=work.parcel)
    assert accept(field.year, wish, by=field.official).step  # who returned it has not reported it


def test_one_of_several_works_moves_by_itself(field):
    parcel = field.parcel("P1")
    first = field.work_of(parcel)
    second = Work.objects.create(
        town=field.town, division=parcel.division, parcel=parcel, kind_id="restructure", year=YEAR, area_mu=D(4)
    )
    with pytest.raises(Refused, match="逐项改环节"):
        move_one(field.year, parcel, Move("planted", TODAY), by=field.official)
    move_one(field.year, parcel, Move("planted", TODAY), by=field.official, work=second)

    assert (own(first, "planted"), own(second, "planted")) == (0, 4)


def test_who_reports_in_bulk_may_not_accept(field):
    work = field.work_of(field.parcel("P1"))
    confirm(field, Move("planted", TODAY))
    kind = Kind.objects.get(code="abandonment")
    wish = Wish(work.division, kind, "county", D(9), TODAY, "passed", parcel=work.parcel)
    with pytest.raises(Refused, match="填报人不能验收"):
        accept(field.year, wish, by=field.official)


def test_rights_are_asked_for_every_row(field):
    field.parcel("P1")
    field.parcel("P2", village="西村")
    found = bulk.look(field.year, every(), Move("planted", TODAY), by=field.head)
    assert {str(row.parcel): bool(row.refused) for row in found.rows} == {"P1": False, "P2": True}
    found = bulk.look(field.year, every(), Edits({"group": "一组"}), by=field.head)
    assert all("没有修改" in row.refused for row in found.rows)


def test_bulk_edit_changes_only_what_differs(field):
    field.parcel("P1", group="一组")
    other = field.parcel("P2")
    assert confirm(field, Edits({"group": "一组"})) == 1
    event = Event.objects.get(about=other.pk)
    assert (event.action, event.before, event.after) == ("修改图斑", {"组": ""}, {"组": "一组"})
    assert Parcel.objects.get(pk=other.pk).version == 2


def test_none_and_too_many_are_refused(field, monkeypatch):
    monkeypatch.setattr(bulk, "LIMIT", 1)
    with pytest.raises(Refused, match="没有选中"):
        bulk.take(every())
    field.parcel("P1")
    field.parcel("P2")
    with pytest.raises(Refused, match="一次最多改 1 个"):
        bulk.take(every())


def test_the_number_of_queries_does_not_grow_with_the_rows(field):
    field.parcel("P0")
    counts = []
    for batch in (range(1, 3), range(3, 40)):
        for number in batch:
            field.parcel(f"P{number}")
        with CaptureQueriesContext(connection) as queries:
            confirm(field, Move("planted", TODAY) if not counts else Move("ploughed", TODAY, note="改正"))
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 2


# Selection


def lines(field):
    ladders = Ladders(field.town)
    (target,) = selection.targets_of(field.year, ladders)
    inside = list(field.villages.values())
    return {one.division.name: one for one in selection.lines_of(field.year, target, ladders, inside)}


def test_selecting_signs_the_stage_and_counts_the_reserve(field):
    works = [field.work_of(field.parcel(f"P{one}", "40")) for one in range(2)]
    keys = [work.pk for work in works]
    assert selection.choose(field.year, keys, TODAY, by=field.official, take=True) == 2
    assert selection.choose(field.year, keys, TODAY, by=field.official, take=True) == 0

    line = lines(field)["东村"]
    assert (line.selected, line.wanted, line.offered) == (80, 60, 0)
    assert round(line.reserve, 4) == D("1.3333")

    with pytest.raises(Refused, match="须写明原因"):
        selection.choose(field.year, keys[:1], TODAY, by=field.official, take=False)
    selection.choose(field.year, keys[:1], TODAY, by=field.official, take=False, reason="不连片")
    assert lines(field)["东村"].selected == 40
    assert own(works[0], "selected") == 0


def test_land_that_is_worked_is_not_unselected(field):
    work = field.work_of(field.parcel("P1"))
    selection.choose(field.year, [work.pk], TODAY, by=field.official, take=True)
    field.step(work, "ploughed", 3, by=field.head)
    with pytest.raises(Refused, match="不能取消选定"):
        selection.choose(field.year, [work.pk], TODAY, by=field.official, take=False, reason="不连片")


def test_who_selects_may_accept(field):
    work = field.work_of(field.parcel("P1"))
    selection.choose(field.year, [work.pk], TODAY, by=field.official, take=True)
    kind = Kind.objects.get(code="abandonment")
    wish = Wish(work.division, kind, "county", D(9), TODAY, "passed", parcel=work.parcel)
    assert accept(field.year, wish, by=field.official).step


# Relapse


def test_relapse_takes_the_reports_back_and_leaves_the_accepted_area_to_acceptors(field):
    work = field.work_of(field.parcel("P1"))
    field.step(work, "planted", 9, by=field.head)
    field.step(work, "county_accepted", 9, by=field.second)
    left = relapse(field.year, work, TODAY, "又长草", by=field.head)

    assert left == 9
    assert own(work, "planted") == 0
    assert field.figures()["abandonment", None].counted == 9
    with pytest.raises(Refused, match="没有冲销验收的权限"):
        relapse(field.year, work, TODAY, "又长草", by=field.head, reverse=True)


def test_an_acceptor_takes_the_acceptance_back_with_it(field):
    work = field.work_of(field.parcel("P1"))
    field.step(work, "planted", 9, by=field.head)
    field.step(work, "county_accepted", 9, by=field.second)
    assert relapse(field.year, work, TODAY, "又长草", by=field.official, reverse=True) == 0

    assert field.figures()["abandonment", None].counted == 0
    assert Step.objects.get(verdict="revoked").reason == "复耕后又撂荒，又长草"
    recompute(field.town, YEAR)
    assert Parcel.objects.get(pk=work.parcel_id).stage == "issued"
    with pytest.raises(Refused, match="没有进展"):
        relapse(field.year, work, TODAY, "", by=field.official)


def test_a_role_limited_to_other_kinds_moves_nothing(field):
    field.parcel("P1")
    user = field.person("lead_office", name="other")
    Grant.objects.filter(user=user).update(kinds=["pbf_fix"])
    found = bulk.look(field.year, every(), Move("planted", TODAY), by=user)
    assert found.ready == []
