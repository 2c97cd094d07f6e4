"""Closing a year freezes it; opening the next carries on what is unfinished, to the last ten-thousandth."""

import io
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet

from farmland.accounts.models import Event
from farmland.demo.services import remove_demo
from farmland.jobs.models import Job
from farmland.places.models import Division
from parcels.models import Parcel, Step, Work
from tasks.acceptance import Refused, Wish, accept, reverse
from tasks.forms.facts import division_facts
from tasks.models import Issue, Plan, Progress, Snapshot, Target, TownYear
from tasks.plan.load import PlanClosed, load_plan
from tasks.services import recompute
from tasks.years import YearRefused, close_year, open_year
from tests.tasks.form_world import TODAY, Paper, hand_in, make_parcel, make_world, own, person
from tests.tasks.small_plans import HEAD, ledger

pytestmark = pytest.mark.django_db
CLOSING = date(2025, 1, 5)
TOWN = HEAD.replace("kind: town,", "kind: town, above: [{name: 临江县, kind: county}],")


@pytest.fixture
def world():
    """2024 of Xihe. Of 新四村's abandoned parcels one (2.77) is ploughed and not accepted, one (6.35) has 4 accepted
    and 5.5 planted, one (1.2) is finished, one (0.9) nobody has touched. 双永村's 58 stand unplaced, 10 accepted."""
    world = make_world()
    world.ploughed, world.partly = world.parcels
    world.done = make_parcel(world, ["500151240722433"], "六组", "1.2")
    world.idle = Parcel.objects.create(
        town=world.town, division=world.xinsi, year=2024, kind=world.abandonment, codes=["500151240722499"],
        gross_mu=Decimal("0.9"),
    )  # fmt: skip
    step(world, world.ploughed, "ploughed", "2")
    step(world, world.partly, "ploughed", "6.35")
    step(world, world.partly, "planted", "5.5")
    step(world, world.partly, "county_accepted", "4")
    step(world, world.done, "county_accepted", "1.2")
    world.unplaced = Work.objects.create(
        town=world.town, division=world.shuangyong, kind=world.abandonment, year=2024, area_mu=Decimal(58)
    )
    climb(world, world.unplaced, "county_accepted", "10")
    TownYear.objects.filter(town=world.town).update(working_date=TODAY)
    recompute(world.town, 2024)
    return world


def step(world, parcel, rung, area):
    climb(world, Work.objects.get(parcel=parcel, year=2024), rung, area)


def climb(world, work, rung, area):
    level = world.rungs[rung].level
    Step.objects.create(
        town=work.town, work=work, rung=world.rungs[rung], area_mu=Decimal(area), on=date(2024, 9, 1), crop="玉米",
        verdict="passed" if level else "reached", by=world.official if level else world.head,
    )  # fmt: skip


def close(world, year=2024):
    return close_year(world.town, year, by=world.official, on=CLOSING, reason="年度考核完成")


def next_plan(world):
    """The plan of 2025: the same tasks."""
    plan = Plan.objects.create(town=world.town, year=2025, title="西河镇2025年方案", digest="1" * 64, source="")
    parents = {}
    for target in Target.objects.filter(plan=world.plan).order_by("order"):
        target.pk = Target._meta.pk.get_default()
        target._state.adding = True
        target.plan, target.from_year, target.to_year = plan, 2025, 2025
        target.parent = parents.get(target.parent and target.parent.key)
        target.save(force_insert=True)
        parents[target.key] = target
    return plan


def figure(world, year, division=None, key="abandonment"):
    return Progress.objects.get(town=world.town, year=year, target__key=key, division=division)


def kept(town, year):
    rows = Progress.objects.filter(town=town, year=year).order_by("pk")
    return list(rows.values("pk", "counted", "planned", "stages", "state", "updated_at"))


def wish(world, **changes):
    values = {
        "division": world.shuangyong, "kind": world.abandonment, "level": "county", "area": Decimal(1),
        "on": date(2024, 10, 1), "verdict": "passed",
    }  # fmt: skip
    return Wish(**{**values, **changes})


# Closing


def test_closing_keeps_the_last_figures_and_an_event(world):
    year = close(world)

    assert year.closed_on == CLOSING
    assert figure(world, 2024).counted == Decimal("15.2")
    frozen = Snapshot.objects.get(town=world.town, year=2024, target__key="abandonment", division=None)
    assert frozen.counted == Decimal("15.2")
    event = Event.objects.get(action="关账")
    assert (event.user, event.after, event.reason) == (world.official, {"closed_on": "2025-01-05"}, "年度考核完成")


def test_a_year_is_closed_once(world):
    close(world)

    with pytest.raises(YearRefused, match="已于 2025-01-05 关账"):
        close(world)


def test_a_year_that_is_not_there_cannot_be_closed(world):
    with pytest.raises(YearRefused, match="没有 1999 年"):
        close(world, 1999)


def test_a_closed_year_takes_no_acceptance_and_no_reversal(world):
    passed = Step.objects.get(work=world.unplaced)
    close(world)
    year, before = TownYear.objects.get(town=world.town, year=2024), Step.objects.count()

    with pytest.raises(Refused, match="已关账"):
        accept(year, wish(world), by=world.official)
    with pytest.raises(Refused, match="已关账"):
        reverse(passed, by=world.official, reason="登记错了", on=date(2024, 10, 2))

    assert Step.objects.count() == before


def test_a_closed_year_takes_no_form(world):
    paper = Paper.issue(world.xinsi, world.head)
    paper.fill(2, stage="已种植", area=1, on=date(2024, 10, 1))
    close(world)
    before = Step.objects.count()

    result = hand_in(paper, world.head, world.xinsi)

    assert "已于 2025-01-05 关账" in str([error.message for error in result.errors] or result)
    assert Step.objects.count() == before


def test_a_closed_year_takes_no_plan():
    load_plan(TOWN)
    town = Division.objects.get(slug="qingxi")
    close_year(town, 2025, by=None, on=date(2026, 1, 5))

    with pytest.raises(PlanClosed, match="方案不能再改"):
        load_plan(TOWN.replace("耕地保护方案", "耕地保护工作方案"))

    assert Plan.objects.get(town=town).title == "清溪镇2025年耕地保护方案"


def test_recomputing_a_closed_year_changes_nothing(world):
    close(world)
    before = kept(world.town, 2024)
    climb(world, world.unplaced, "county_accepted", "7")  # past the doors, straight into the table

    assert recompute(world.town, 2024) == 0
    call_command("recompute", "--town", "xihe", stdout=io.StringIO())

    assert kept(world.town, 2024) == before


def test_the_closed_figures_stand_when_the_next_year_takes_the_land_along(world):
    close(world)
    before = kept(world.town, 2024)
    open_year(world.town, 2025, by=world.official)

    recompute(world.town, 2024)

    assert kept(world.town, 2024) == before


# Opening


def test_opening_needs_the_year_before_closed(world):
    with pytest.raises(YearRefused, match="2024 年还没有关账"):
        open_year(world.town, 2025, by=world.official)
    with pytest.raises(YearRefused, match="没有 2019 年"):
        open_year(world.town, 2020, by=world.official)

    assert not TownYear.objects.filter(town=world.town, year__in=[2020, 2025]).exists()


def test_opening_a_closed_year_again_is_refused(world):
    close(world)
    TownYear.objects.create(town=world.town, year=2025, closed_on=date(2026, 1, 5))

    with pytest.raises(YearRefused, match="2025 年已于 2026-01-05 关账"):
        open_year(world.town, 2025, by=world.official)


def test_an_unfinished_work_goes_on_whole_with_its_steps(world):
    work = Work.objects.get(parcel=world.ploughed)
    close(world)

    carried = open_year(world.town, 2025, by=world.official)

    work.refresh_from_db()
    world.ploughed.refresh_from_db()
    assert (work.year, world.ploughed.year) == (2025, 2025)
    assert own(work, world.rungs["ploughed"]) == 2
    assert carried.moved == 1


def test_of_a_partly_counted_work_the_rest_goes_on_as_far_as_it_had_got(world):
    old = Work.objects.get(parcel=world.partly)
    close(world)

    carried = open_year(world.town, 2025, by=world.official)

    new = Work.objects.get(parcel=world.partly, year=2025)
    assert (new.replaces, new.area_mu) == (old, Decimal("2.35"))
    assert own(new, world.rungs["ploughed"]) == Decimal("2.35")
    assert own(new, world.rungs["planted"]) == Decimal("1.5")
    assert own(new, world.rungs["county_accepted"]) == 0
    planted = Step.objects.get(work=new, rung=world.rungs["planted"])
    assert (planted.by, planted.on, planted.crop, planted.note) == (
        world.head, date(2024, 9, 1), "玉米", "自 2024 年结转",
    )  # fmt: skip
    assert Work.objects.get(pk=old.pk).year == 2024
    assert own(old, world.rungs["county_accepted"]) == 4
    assert carried.split == 2


def test_what_is_finished_or_has_left_stays(world):
    left = make_parcel(world, ["500151240722434"], "六组", "3")
    Work.objects.filter(parcel=left).update(exit="disproved", exit_reason="核查无问题")
    close(world)

    open_year(world.town, 2025, by=world.official)

    for parcel in (world.done, left):
        parcel.refresh_from_db()
        assert parcel.year == 2024
        assert list(parcel.works.values_list("year", flat=True)) == [2024]


def test_a_parcel_nobody_began_with_goes_on(world):
    close(world)

    carried = open_year(world.town, 2025, by=world.official)

    world.idle.refresh_from_db()
    assert (world.idle.year, carried.parcels) == (2025, 1)
    assert Event.objects.get(action="结转图斑").after["parcels"] == ["500151240722499"]


def test_the_new_year_form_asks_for_what_was_carried(world):
    close(world)
    open_year(world.town, 2025, by=world.official)
    next_plan(world)

    codes = {code for item in division_facts(world.xinsi, 2025).items for code in item.codes}

    assert codes == {"500151240722440", "500151240722431", "500151240722432", "500151240722499"}


def test_the_rest_of_an_unplaced_work_goes_on(world):
    close(world)

    open_year(world.town, 2025, by=world.official)

    new = Work.objects.get(division=world.shuangyong, year=2025)
    assert (new.parcel, new.area_mu, new.replaces) == (None, 48, world.unplaced)


def test_an_unplaced_work_does_not_mix_with_one_already_there(world):
    Work.objects.create(town=world.town, division=world.shuangyong, kind=world.abandonment, year=2025, area_mu=3)
    close(world)

    with pytest.raises(YearRefused, match="双永村“自然撂荒”在 2025 年已有面积"):
        open_year(world.town, 2025, by=world.official)

    assert Work.objects.filter(year=2025).count() == 1
    assert not Event.objects.filter(action__startswith="结转").exists()


def test_nothing_is_lost_and_nothing_doubled(world):
    planned = {place: figure(world, 2024, place).planned for place in (None, world.xinsi, world.shuangyong)}
    close(world)
    carried = open_year(world.town, 2025, by=world.official)
    next_plan(world)
    recompute(world.town, 2025)

    for place, before in planned.items():
        assert figure(world, 2024, place).counted + figure(world, 2025, place).planned == before
        assert figure(world, 2025, place).counted == 0
    assert planned[None] == Decimal("68.32")
    assert carried.area == figure(world, 2025).planned == Decimal("53.12")
    assert figure(world, 2025, world.xinsi).stages == {"issued": "0.77", "ploughed": "2.85", "planted": "1.5"}


def test_a_kind_without_a_target_counts_at_the_level_of_the_kind_above(world):
    Target.objects.filter(kind=world.abandonment).delete()
    Target.objects.filter(kind=world.non_grain).update(counted_level="city")
    close(world)

    carried = open_year(world.town, 2025, by=world.official)

    assert (carried.moved, carried.split) == (4, 0)  # what the county accepted, the city has not


def test_opening_again_carries_nothing_twice(world):
    close(world)
    open_year(world.town, 2025, by=world.official)
    before = (Work.objects.count(), Step.objects.count(), Event.objects.count(), Issue.objects.count())

    again = open_year(world.town, 2025, by=world.official)

    assert (again.moved, again.split, again.parcels, again.issues, again.area) == (0, 0, 0, 0, 0)
    assert (Work.objects.count(), Step.objects.count(), Event.objects.count(), Issue.objects.count()) == before


def test_opening_is_on_record_and_asks_for_new_figures(world):
    next_plan(world)
    close(world)

    open_year(world.town, 2025, by=world.official)

    opened = Event.objects.get(action="开新年度")
    assert opened.after == {"moved": 1, "split": 2, "parcels": 1, "issues": 0, "area": "53.12"}
    assert Event.objects.get(action="结转").subject == "新四村 图斑 500151240722440 自然撂荒"
    assert Event.objects.filter(action="结转剩余").count() == 2
    assert Job.objects.filter(kind="recompute", args__year=2025).exists()


def test_another_town_is_left_alone(world):
    other = Work.objects.create(
        town=world.other_town, division=world.erlong, kind=world.abandonment, year=2024, area_mu=5
    )
    close(world)

    open_year(world.town, 2025, by=person("official", world.other_town))

    other.refresh_from_db()
    assert other.year == 2024


def test_demo_data_go_from_closed_and_opened_years_too(world):
    world.official.is_demo = world.head.is_demo = True
    for user in (world.official, world.head):
        user.save()
    Work.objects.update(is_demo=True)
    QuerySet(Step).update(is_demo=True)
    TownYear.objects.filter(town=world.other_town).delete()  # has no plan
    close(world)
    open_year(world.town, 2025, by=world.official)

    remove_demo()

    assert not Work.objects.exists()
    assert not Step.objects.exists()
    assert figure(world, 2024).counted == 0


# Issues


@pytest.fixture
def ledger_town():
    """A town of 2025 with a ledger of two rows, the first of them closed."""
    load_plan(TOWN + ledger("codes: '101', area: '1.5', location: 柳村", "codes: '102', area: '2', location: 松村"))
    town = Division.objects.get(slug="qingxi")
    Issue.objects.filter(serial="1").update(state="closed", closed_on=date(2025, 6, 1))
    close_year(town, 2025, by=None, on=date(2026, 1, 5))
    return SimpleNamespace(town=town, open=Issue.objects.get(serial="2"))


def test_open_issues_go_on_and_closed_ones_stay(ledger_town):
    carried = open_year(ledger_town.town, 2026, by=None)

    new = Issue.objects.get(town=ledger_town.town, year=2026)
    assert (new.serial, new.ledger, new.area_mu, new.codes) == ("2", "a@2025", 2, ["102"])
    assert new.ledger_title == "台账（2025 年结转）"
    assert new.cells["carried_from"] == str(ledger_town.open.pk)
    assert carried.issues == 1
    assert Issue.objects.filter(town=ledger_town.town, year=2025).count() == 2
    assert Event.objects.get(action="结转问题").after == {"issue": str(new.pk)}


def test_the_plan_of_the_new_year_keeps_carried_issues(ledger_town):
    open_year(ledger_town.town, 2026, by=None)

    load_plan((TOWN + ledger("codes: '201', area: '3', location: 柳村")).replace("2025", "2026"))

    found = Issue.objects.filter(town=ledger_town.town, year=2026).values_list("ledger", "serial")
    assert sorted(found) == [("a", "1"), ("a@2025", "2")]


# Commands


def test_the_commands_close_and_open(world):
    out = io.StringIO()

    call_command("close_year", "xihe", "2024", "--reason", "考核完成", stdout=out)
    call_command("open_year", "xihe", "2025", stdout=out)

    assert out.getvalue().splitlines() == [
        "西河镇 2024 年已关账。",
        "西河镇 2025 年已打开：整体结转 1 项，结转剩余 2 项，未治理图斑 1 个，问题 0 个，共 53.12 亩。",
    ]


def test_the_commands_say_what_is_wrong(world):
    with pytest.raises(CommandError, match="没有标识为“nowhere”的乡镇"):
        call_command("close_year", "nowhere", "2024")
    with pytest.raises(CommandError, match="没有标识为“nowhere”的乡镇"):
        call_command("open_year", "nowhere", "2025")
    with pytest.raises(CommandError, match="还没有关账"):
        call_command("open_year", "xihe", "2025")
