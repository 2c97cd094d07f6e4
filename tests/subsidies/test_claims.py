"""管护申报: opened from accepted works, declared within them and in time, verified by somebody else."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from farmland.accounts.models import Event
from farmland.lib.refused import Refused
from parcels.models import Step
from subsidies.claiming.claims import Said, declare, declare_many, open_claims, withdraw
from subsidies.claiming.verifying import Found, verify, verify_many
from subsidies.models import Claim
from tasks.acceptance import reverse
from tasks.models import TownYear
from tests.subsidies.claim_world import at, make_world, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def refused(call, *args, **more) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    return caught.value


def facts(claim) -> tuple:
    claim = Claim.objects.get(pk=claim.pk)
    return claim.state, claim.cap_mu, claim.declared_mu, claim.verified_mu, claim.version


def tried(action: str, about=None) -> list[str]:
    """The reasons of the refused attempts in the log."""
    rows = Event.objects.filter(action=f"{action}（未准）")
    return [one.reason for one in (rows.filter(about=about) if about else rows)]


# opening


def test_opening_makes_one_claim_for_each_accepted_work_also_without_a_parcel(world):
    done = open_claims(world.round, by=world.official)
    assert (done.new, done.changed, done.unplaced) == (4, 0, 0)
    claims = Claim.objects.order_by("cap_mu")
    assert [one.cap_mu for one in claims] == [Decimal(x) for x in ("2.77", "3", "4", "6.35")]
    assert {one.state for one in claims} == {"draft"}
    assert Claim.objects.get(work=world.works[2]).work.parcel is None


def test_opening_again_changes_nothing(world):
    opened(world)
    before = sorted(Claim.objects.values_list("pk", "version", "updated_at"))
    again = open_claims(world.round, by=world.official)
    assert (again.new, again.changed) == (0, 0)
    assert sorted(Claim.objects.values_list("pk", "version", "updated_at")) == before


def test_only_the_counted_level_makes_a_ceiling(world):
    work = world.land.work("西村", "abandonment", "5", parcel=True)
    world.land.step(work, "town_accepted", "5", by=world.official)
    open_claims(world.round, by=world.official)
    assert not Claim.objects.filter(work=work).exists()
    world.land.step(work, "county_accepted", "4.5", by=world.official)
    open_claims(world.round, by=world.official)
    assert Claim.objects.get(work=work).cap_mu == Decimal("4.5")


def test_a_ceiling_follows_the_acceptances_until_the_claim_is_declared(world):
    first, second, *_ = opened(world)
    declare(first, Said(Decimal("2.77")), by=world.head)
    for claim in (first, second):
        reverse(Step.objects.get(work=claim.work), by=world.official, reason="错了", on=date(2024, 10, 12),
                area=Decimal(1))  # fmt: skip
    assert open_claims(world.round, by=world.official).changed == 1
    assert facts(second)[:2] == ("draft", Decimal("5.35"))
    assert facts(first)[:2] == ("submitted", Decimal("2.77"))
    told = refused(verify, first, Found(Decimal("2.77")), by=world.official)
    assert "超过认定的 1.77 亩" in told.message


def test_a_work_taken_out_and_the_area_of_the_town_itself_are_not_claimed(world):
    world.works[3].exit, world.works[3].exit_reason = "blocked", "征占"
    world.works[3].save()
    town_work = world.land.work(world.town, "abandonment", "9")
    world.land.step(town_work, "county_accepted", "9")
    done = open_claims(world.round, by=world.official)
    assert (done.new, done.unplaced) == (3, Decimal(9))


def test_a_round_that_is_not_by_year_has_no_claims(world):
    world.round.is_yearly = False
    world.round.save()
    assert "不是逐年申报" in refused(open_claims, world.round, by=world.official).message


# declaring


def test_declaring_the_whole_area_and_less_with_a_reason(world):
    first, second, third, _ = opened(world)
    declare(first, Said(Decimal("2.77"), crop="rice"), by=world.head)
    declare(second, Said(Decimal("6"), reason="边上 0.35 亩撂荒"), by=world.head)
    declare(third, Said(Decimal(0), reason="全部撂荒"), by=world.head)
    assert facts(first)[:3] == ("submitted", Decimal("2.77"), Decimal("2.77"))
    assert facts(second)[:3] == ("submitted", Decimal("6.35"), Decimal("6"))
    assert facts(third)[:3] == ("submitted", Decimal("3"), Decimal(0))
    event = Event.objects.get(action="申报管护", about=second.pk)
    assert (event.user, event.after["申报（亩）"], event.reason) == (world.head, "6", "边上 0.35 亩撂荒")


@pytest.mark.parametrize(
    ("said", "field", "text"),
    [
        pytest.param(Said(Decimal("2.78")), "declared_mu", "超过认定的 2.77 亩", id="above the accepted area"),
        pytest.param(Said(Decimal("2.7701")), "declared_mu", "超过认定的 2.77 亩", id="a shade above"),
        pytest.param(Said(Decimal("-1")), "declared_mu", "不小于 0", id="negative"),
        pytest.param(Said(Decimal("1.00001"), reason="少了"), "declared_mu", "最多四位", id="too fine"),
        pytest.param(Said(Decimal("2.5")), "reason", "请写明减少的原因", id="less without a reason"),
        pytest.param(Said(Decimal("2.5"), reason="  "), "reason", "请写明减少的原因", id="a blank reason"),
        pytest.param(Said(Decimal("2.77"), crop="gold"), "crop", "没有作物“gold”", id="unknown crop"),
        pytest.param(Said(Decimal("2.77"), version=9), "", "已被别人改过", id="read before another's change"),
    ],
)
def test_what_may_not_be_declared_is_refused_with_the_reason_and_logged(world, said, field, text):
    claim, *_ = opened(world)
    before = facts(claim)
    told = refused(declare, claim, said, by=world.head)
    assert (told.field, facts(claim)) == (field, before)
    assert text in told.message
    assert told.message.endswith("。")
    assert tried("申报管护", claim.pk) == [told.message]


def test_twice_is_refused_and_a_repeated_key_finds_the_first(world):
    claim, other, *_ = opened(world)
    done, is_new = declare(claim, Said(Decimal("2.77")), by=world.head, key="k1")
    assert is_new
    again, is_new = declare(claim, Said(Decimal("2.77")), by=world.head, key="k1")
    assert (again.pk, is_new) == (done.pk, False)
    assert "已申报" in refused(declare, claim, Said(Decimal("2.77")), by=world.head).message
    assert refused(declare, other, Said(Decimal("6.35")), by=world.head, key="k1").code == "key_reused"
    assert facts(other)[0] == "draft"


@pytest.mark.parametrize(
    ("moment", "is_taken"),
    [
        ("2024-12-31 23:59:59", False),
        ("2025-01-01 00:00:00", True),
        ("2025-10-31 23:59:59", True),
        ("2025-11-01 00:00:00", False),
    ],
)
def test_declaring_ends_with_the_last_day_in_shanghai(world, moment, is_taken):
    claim, *_ = opened(world)
    TownYear.objects.filter(town=world.town).update(working_date=None)
    with time_machine.travel(at(moment), tick=False):
        if is_taken:
            assert declare(claim, Said(Decimal("2.77")), by=world.head)[1]
        else:
            assert refused(declare, claim, Said(Decimal("2.77")), by=world.head).code == "late"
            assert len(tried("申报管护")) == 1
    assert facts(claim)[0] == ("submitted" if is_taken else "draft")


def test_only_the_village_itself_declares(world):
    claim, *_ = opened(world)
    for user in (world.neighbour, world.official, world.agri):
        with pytest.raises(PermissionDenied):
            declare(claim, Said(Decimal("2.77")), by=user)
    assert facts(claim)[0] == "draft"


def test_many_are_declared_all_or_none(world):
    first, second, *_ = opened(world)
    pairs = [(first, Said(Decimal("2.77"))), (second, Said(Decimal("7")))]
    assert "超过认定的 6.35 亩" in refused(declare_many, world.town, pairs, by=world.head).message
    assert [facts(one)[0] for one in (first, second)] == ["draft", "draft"]
    pairs[1] = (second, Said(Decimal("6.35")))
    declare_many(world.town, pairs, by=world.head)
    assert [facts(one)[0] for one in (first, second)] == ["submitted", "submitted"]


def test_withdrawing_leaves_the_row_and_a_fresh_claim(world):
    claim, *_ = opened(world)
    declare(claim, Said(Decimal("2.77")), by=world.head)
    fresh = withdraw(claim, by=world.head)
    assert (facts(claim)[0], facts(fresh)[:3]) == ("withdrawn", ("draft", Decimal("2.77"), None))
    declare(fresh, Said(Decimal("2"), reason="边角未种"), by=world.head)
    assert "已撤回" in refused(withdraw, claim, by=world.head).message
    verify(fresh, Found(Decimal(2)), by=world.official)
    assert "已核实，不能撤回" in refused(withdraw, fresh, by=world.head).message


def test_after_the_deadline_nothing_is_withdrawn(world):
    claim, *_ = opened(world)
    declare(claim, Said(Decimal("2.77")), by=world.head)
    TownYear.objects.filter(pk=world.year.pk).update(working_date=date(2025, 11, 1))
    assert refused(withdraw, claim, by=world.head).code == "late"
    assert facts(claim)[0] == "submitted"


# verifying


def test_the_town_verifies_all_a_part_or_gives_back(world):
    first, second, third, _ = opened(world)
    for claim in (first, second, third):
        declare(claim, Said(claim.cap_mu), by=world.head)
    verify(first, Found(Decimal("2.77")), by=world.official)
    verify(second, Found(Decimal("6"), "0.35 亩长草"), by=world.agri)
    verify(third, Found(None, "缺照片"), by=world.official)
    assert [facts(one)[0] for one in (first, second, third)] == ["verified", "verified", "returned"]
    assert [facts(one)[3] for one in (first, second, third)] == [Decimal("2.77"), Decimal(6), None]
    declare(third, Said(Decimal(3)), by=world.head)
    assert facts(third)[0] == "submitted"
    assert Claim.objects.get(pk=third.pk).verdict_reason == ""


@pytest.mark.parametrize(
    ("found", "field", "text"),
    [
        pytest.param(Found(Decimal("2.78")), "accepted_mu", "超过申报的 2.77 亩", id="above the declared area"),
        pytest.param(Found(Decimal("-0.1")), "accepted_mu", "不小于 0", id="negative"),
        pytest.param(Found(Decimal(1)), "reason", "请写明原因", id="less without a reason"),
        pytest.param(Found(None), "reason", "退回须写明原因", id="back without a reason"),
        pytest.param(Found(Decimal("2.77"), version=1), "", "已被别人改过", id="read before another's change"),
    ],
)
def test_what_may_not_be_verified_is_refused_and_logged(world, found, field, text):
    claim, *_ = opened(world)
    declare(claim, Said(Decimal("2.77")), by=world.head)
    before = facts(claim)
    told = refused(verify, claim, found, by=world.official)
    assert (told.field, facts(claim)) == (field, before)
    assert text in told.message
    assert tried("退回管护申报" if found.area is None else "核实管护申报", claim.pk) == [told.message]


def test_who_declared_may_not_verify_whatever_roles_they_hold(world):
    claim, *_ = opened(world)
    both = world.land.person("village_head", world.east, "both")
    both.grants.create(role="official", division=world.town)
    declare(claim, Said(Decimal("2.77")), by=both)
    assert refused(verify, claim, Found(Decimal("2.77")), by=both).code == "same_person"
    assert refused(verify, claim, Found(None, "退回"), by=both).code == "same_person"
    assert facts(claim)[0] == "submitted"
    with pytest.raises(PermissionDenied):
        verify(claim, Found(Decimal("2.77")), by=world.head)


def test_nothing_declared_is_nothing_to_verify_and_verified_is_done(world):
    claim, *_ = opened(world)
    assert "没有可以核实" in refused(verify, claim, Found(Decimal(1)), by=world.official).message
    declare(claim, Said(Decimal("2.77")), by=world.head)
    verify(claim, Found(Decimal("2.77")), by=world.official)
    assert "不用再核实" in refused(verify, claim, Found(Decimal("2.77")), by=world.agri).message
    verify(claim, Found(None, "核实有误"), by=world.agri)
    assert facts(claim)[0] == "returned"


def test_many_are_verified_all_or_none(world):
    first, second, *_ = opened(world)
    declare(first, Said(Decimal("2.77")), by=world.head)
    pairs = [(one, Found(one.cap_mu)) for one in (first, second)]
    refused(verify_many, world.town, pairs, by=world.official)
    assert facts(first)[0] == "submitted"
    declare(second, Said(Decimal("6.35")), by=world.head)
    verify_many(world.town, pairs, by=world.official)
    assert [facts(one)[0] for one in (first, second)] == ["verified", "verified"]


def test_land_that_lies_idle_again_opens_its_work(world):
    claim, *_ = opened(world)
    world.land.step(claim.work, "planted", "2.77", by=world.head)
    declare(claim, Said(Decimal(0), reason="撂荒"), by=world.head)
    TownYear.objects.filter(town=world.town, year=2024).update(working_date=date(2025, 10, 12))
    verify(claim, Found(Decimal(0), "实地看过", relapsed_on=date(2025, 10, 10)), by=world.official)
    claim.work.parcel.refresh_from_db()
    assert claim.work.parcel.attrs["relapsed_on"] == "2025-10-10"
    assert sum(Step.objects.filter(work=claim.work, rung__code="planted").values_list("area_mu", flat=True)) == 0
    assert Event.objects.filter(action="登记复荒", about=claim.work.parcel_id).exists()


def test_a_relapse_that_is_refused_verifies_nothing(world):
    claim, _, unplaced, _ = opened(world)
    for one in (claim, unplaced):
        declare(one, Said(Decimal(0), reason="撂荒"), by=world.head)
    told = refused(verify, unplaced, Found(Decimal(0), "看过", date(2025, 10, 10)), by=world.official)
    assert "未落图" in told.message
    told = refused(verify, claim, Found(Decimal(0), "看过", date(2026, 1, 1)), by=world.official)
    assert "晚于工作日期" in told.message
    assert facts(claim)[0] == "submitted"
