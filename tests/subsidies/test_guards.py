"""What is looked at before money goes out, each guard on land where it finds something and where it does not."""

from decimal import Decimal

import pytest

from subsidies.entitlements import calculations
from subsidies.models import Entitlement
from tests.subsidies.money_world import CARE, HEAD, POLICY, REWARD, SHRUB, YEAR, Money

pytestmark = pytest.mark.django_db
GROUP = "\n    exclusive_group: 一次性补助"
GROUPED = POLICY.replace("\n    rates:", f"{GROUP}\n    rates:")
OTHER = f"\n  - key: other\n    name: 另一项补助{GROUP}\n    rates:" + SHRUB.replace("key: shrub", "key: bush")


def world(plan=HEAD + GROUPED + SHRUB + CARE + OTHER) -> Money:
    money = Money(plan)
    money.listed()
    money.agri = money.person("lead_office")
    return money


def apply(money, program="idle", label="2025"):
    calculations.apply(calculations.make(money.round(label, program), by=money.agri), by=money.agri)


def only(work, key="shrub") -> Entitlement:
    return Entitlement.objects.exclude(state="replaced").get(rate_key=key, subject=f"work:{work.pk}")


def looked(one: Entitlement, name: str) -> dict:
    return next(test for test in one.explanation["tests"] if test["key"] == f"guard:{name}")


def test_one_plot_has_one_subsidy_across_policies_of_a_group():
    money = world()
    work = money.work()
    apply(money)
    apply(money, "other")
    second = only(work, "bush")
    assert (second.state, second.amount) == ("ineligible", 0)
    assert "“撂荒地补助 2025 年”已补" in second.reason
    assert only(work).state == "due"


def test_two_policies_of_a_group_may_name_their_rate_alike_and_still_pay_once():
    money = world(HEAD + GROUPED + SHRUB + OTHER.replace("key: bush", "key: shrub"))
    work = money.work()
    apply(money)
    apply(money, "other")
    second = Entitlement.objects.get(program__key="other", subject=f"work:{work.pk}")
    assert (second.state, second.amount) == ("ineligible", 0)


def test_policies_that_are_not_of_one_group_both_pay():
    money = world((HEAD + GROUPED + SHRUB + OTHER).replace(GROUP, ""))
    work = money.work()
    apply(money)
    apply(money, "other")
    assert only(work, "bush").amount == 5000


def paid_earlier(money, parcel, *, key="shrub", program="idle", year=YEAR - 1):
    """An amount of another year on a parcel."""
    work = money.work(parcel=parcel, year=year)
    old = money.program(program)
    version = money.rate("shrub" if program == "idle" else "bush").versions.get()
    round_ = type(money.round()).objects.create(town=money.town, program=old, year=year, label=f"{year} 补")
    return Entitlement.objects.create(
        town=money.town, division=work.division, program=old, rate_version=version, rate_key=key, round=round_,
        year=year, work=work, subject=f"work:{work.pk}", amount=100, state="settled", facts_digest="x",
    )  # fmt: skip


@pytest.mark.parametrize("how", ["same parcel", "same code", "overlap"])
def test_land_that_was_paid_in_another_year_is_found_by_parcel_code_and_area(how):
    money = world()
    old = money.parcel(year=YEAR - 1)
    new = {"same parcel": lambda: old, "same code": lambda: money.parcel(codes=[f" {old.codes[0].lower()}"]),
           "overlap": money.parcel}[how]()  # fmt: skip
    if how == "overlap":
        money.overlap(old, new, "2.5")
    paid_earlier(money, old)
    work = money.work(parcel=new, accepted="5")
    apply(money)
    one = only(work)
    assert one.amount == 0
    assert (one.state, one.reason.count("已享受过")) == ("held" if how == "overlap" else "ineligible", 1)
    if how == "overlap":
        assert "图形重叠 2.5 亩" in one.reason


def test_a_short_code_of_another_village_is_other_land():
    money = world()
    paid_earlier(money, money.parcel(year=YEAR - 1, codes=["0012"]))
    here = money.work(parcel=money.parcel(codes=["0012"]), accepted="5")
    there = money.work("松村", parcel=money.parcel("松村", codes=["0012"]), accepted="5")
    apply(money)
    assert (only(here).state, only(there).state) == ("ineligible", "due")


def test_a_warning_waits_for_a_named_person():
    money = world()
    old, new = money.parcel(year=YEAR - 1), money.parcel()
    money.overlap(new, old, "0.01")
    paid_earlier(money, old)
    work = money.work(parcel=new)
    apply(money)
    official = money.person("official")
    for test in ("guard:once", "guard:last_year"):
        calculations.rule(only(work), test, holds=False, reason="边界误差，现场核过", by=official)
    apply(money)
    assert only(work).amount == 5000
    assert looked(only(work), "once")["ruled"]["reason"] == "边界误差，现场核过"


def test_land_that_was_done_last_year_asks():
    money = world()
    parcel = money.parcel()
    money.work(parcel=parcel, year=YEAR - 1, accepted="4")
    work = money.work(parcel=parcel)
    apply(money)
    assert (only(work).state, "上年已整治" in only(work).reason) == ("held", True)


def test_a_work_that_goes_on_from_last_year_is_not_last_years_land():
    money = world()
    parcel = money.parcel()
    old = money.work(parcel=parcel, year=YEAR - 1, accepted="4")
    work = money.work(parcel=parcel, accepted="6", replaces=old)
    apply(money)
    assert only(work).amount == 3000


def test_more_accepted_than_the_parcel_has_is_blocked():
    money = world()
    parcel = money.parcel(gross="9")
    works = [money.work(parcel=parcel, accepted="5"), money.work(parcel=parcel, accepted="4.0001")]
    apply(money)
    assert {only(work).state for work in works} == {"ineligible"}
    assert "认定 9.0001 亩，图斑 9 亩" in only(works[0]).reason


def test_two_works_that_fit_on_their_parcel_are_both_paid():
    money = world()
    parcel = money.parcel(gross="9")
    works = [money.work(parcel=parcel, accepted="5"), money.work(parcel=parcel, accepted="4")]
    apply(money)
    assert sum(only(work).amount for work in works) == 4500


def test_parcels_of_one_year_that_lie_on_each_other_ask():
    money = world()
    one, two, bare = money.parcel(), money.parcel(), money.parcel()
    money.overlap(one, two, "3")
    money.overlap(one, bare, "3")  # nothing is accepted there
    works = [money.work(parcel=one), money.work(parcel=two)]
    apply(money)
    assert {only(work).state for work in works} == {"held"}
    assert only(works[1]).reason.count("重叠") >= 1


def test_a_parcel_found_not_abandoned_is_blocked_whatever_the_rate_says():
    money = world((HEAD + GROUPED + SHRUB).replace(', [finding, "!=", not_abandoned]', ""))
    work = money.work(parcel=money.parcel(finding="not_abandoned"))
    apply(money)
    assert (only(work).state, "未撂荒" in only(work).reason) == ("ineligible", True)


def test_nothing_is_paid_before_it_is_accepted_whatever_the_base():
    money = world((HEAD + GROUPED + SHRUB).replace("base: $county_mu", "base: $gross_mu"))
    work = money.work(accepted=None, parcel=money.parcel())
    money.accept(work, "5", rung="planted")
    apply(money)
    assert (only(work).state, "没有认定面积" in only(work).reason) == ("ineligible", True)


@pytest.mark.parametrize(("severity", "state"), [("block", "ineligible"), ("warn", "held"), ("off", "due")])
def test_the_rate_says_whether_a_guard_blocks(severity, state):
    plan = HEAD + GROUPED + SHRUB + f"        guards: {{last_year: {severity}}}\n"
    money = world(plan)
    parcel = money.parcel()
    money.work(parcel=parcel, year=YEAR - 1, accepted="4")
    work = money.work(parcel=parcel)
    apply(money)
    assert only(work).state == state


def test_a_list_of_payments_elsewhere_is_asked_by_its_name():
    plan = (HEAD + GROUPED + SHRUB).replace("[[on_list, has, rectified-2024]]", "[[paid_by, has, idle-land-revival]]")
    title = "某农委〔2022〕105号"
    term = f"\nterms:\n  - {{dictionary: policy, code: idle-land-revival, label: {title}}}"
    money = world(plan.replace("\nprograms:", f"{term}\nprograms:"))
    listed, free = money.parcel(), money.parcel()
    works = [money.work(parcel=listed), money.work(parcel=free)]
    apply(money)
    assert {only(work).state for work in works} == {"held"}
    money.listed(listed, role="paid_elsewhere", title=title)
    apply(money)
    assert [only(work).state for work in works] == ["ineligible", "due"]
    assert f"已享受“{title}”" in only(works[0]).reason


def test_a_reward_counts_each_guarded_row_of_its_village():
    money = world(HEAD + GROUPED + REWARD)
    money.work(accepted="10")
    money.work(accepted="4", parcel=money.parcel(finding="not_abandoned"))
    apply(money)
    one = Entitlement.objects.get(rate_key="reward")
    assert (one.amount, one.base_mu) == (2800, Decimal(10))
