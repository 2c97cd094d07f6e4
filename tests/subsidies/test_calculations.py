"""A round computed from accepted facts, laid beside what stands, applied by a person; what is settled stays."""

from datetime import date
from decimal import Decimal

import pytest

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from farmland.jobs.running import run
from farmland.lib.refused import Refused
from parcels.models import Step
from subsidies.entitlements import calculations
from subsidies.models import Calculation, Entitlement, Fund, RateVersion, Ruling
from subsidies.rates import versions
from tests.subsidies.money_world import ACCEPTED, CARE, HEAD, PLAN, POLICY, REWARD, SHRUB, Money

pytestmark = pytest.mark.django_db


@pytest.fixture
def money():
    money = Money()
    money.listed()  # the list of 2024 is known, and empty
    return money


@pytest.fixture
def agri(money):
    return money.person("lead_office")


def computed(money, agri, label="2025"):
    return calculations.make(money.round(label), by=agri)


def applied(money, agri, label="2025"):
    return calculations.apply(computed(money, agri, label), by=agri)


def row(key="shrub", **more) -> Entitlement:
    return Entitlement.objects.exclude(state="replaced").get(rate_key=key, adjusts=None, **more)


def told(calculation, **more) -> list[dict]:
    return [one for one in calculation.differences if all(one[name] == value for name, value in more.items())]


def test_computing_changes_nothing_and_applying_makes_the_rows(money, agri):
    work = money.work(accepted="10")
    found = computed(money, agri)
    assert (found.total, Entitlement.objects.count()) == (Decimal("7800.00"), 0)
    assert [(one["rate"], one["change"], one["after"]) for one in found.differences] == [
        ("shrub", "new", "5000.00"), ("reward", "new", "2800.00"),
    ]  # fmt: skip
    calculations.apply(found, by=agri)
    one = row()
    assert (one.amount, one.base_mu, one.work, one.state, one.created_by) == (5000, 10, work, "due", agri)
    assert one.explanation["lines"][0]["text"] == "10 亩 × 500 元/亩"
    assert one.explanation["rate"]["version"] == 1
    assert one.explanation["rate"]["document"] == "清府〔2025〕1号"
    assert [part["amount"] for part in one.explanation["components"]] == ["3000.00", "2000.00"]
    assert one.parts == [{"payee_kind": "village", "amount": "5000.00"}]
    texts = {test["text"]: test["result"] for test in one.explanation["tests"]}
    assert texts["列入“rectified-2024”"] == "no"
    assert texts["同一地块已享受过这项一次性补助"] == "no"
    assert row("reward").subject == f"division:{work.division_id}"


def test_applying_again_changes_nothing(money, agri):
    money.work(accepted="10")
    applied(money, agri)
    before = list(Entitlement.objects.order_by("pk").values_list("pk", "updated_at"))
    again = computed(money, agri)
    assert {one["change"] for one in again.differences} == {"same"}
    assert calculations.apply(again, by=agri) == {"new": 0, "changed": 0, "gone": 0, "same": 2, "settled": 0}
    assert list(Entitlement.objects.order_by("pk").values_list("pk", "updated_at")) == before


def test_a_changed_fact_replaces_the_row_and_the_old_one_stays_readable(money, agri):
    work = money.work(accepted="6", parcel=money.parcel(gross="10"))
    applied(money, agri)
    old = row()
    money.accept(work, "4")
    found = computed(money, agri)
    (line,) = told(found, rate="shrub")
    assert (line["change"], line["before"], line["after"]) == ("changed", "3000.00", "5000.00")
    calculations.apply(found, by=agri)
    old.refresh_from_db()
    assert (old.state, old.amount, row().amount) == ("replaced", 3000, 5000)


def test_facts_that_moved_since_refuse_the_calculation(money, agri):
    work = money.work(accepted="6", parcel=money.parcel(gross="10"))
    found = computed(money, agri)
    money.accept(work, "1")
    with pytest.raises(Refused, match="请重新核算"):
        calculations.apply(found, by=agri)
    assert Entitlement.objects.count() == 0
    assert Event.objects.filter(action="采用核算（未准）", user=agri).exists()


def test_a_calculation_is_applied_once_and_by_somebody_with_the_right(money, agri):
    money.work()
    found = computed(money, agri)
    with pytest.raises(Refused, match="权限"):
        calculations.apply(found, by=money.person("finance"))
    calculations.apply(found, by=agri)
    with pytest.raises(Refused, match="已采用"):
        calculations.apply(found, by=agri)


def test_a_newer_calculation_lets_the_older_one_go(money, agri):
    money.work()
    first, second = computed(money, agri), computed(money, agri)
    first.refresh_from_db()
    assert first.state == "discarded"
    calculations.discard(second, by=agri)
    second.refresh_from_db()
    assert second.state == "discarded"


@pytest.mark.parametrize("state", ["batched", "settled"])
def test_a_settled_row_never_changes_and_its_difference_is_signed(money, agri, state):
    work = money.work(accepted="10")
    applied(money, agri)
    Entitlement.objects.filter(rate_key="shrub").update(state=state)
    before = Entitlement.objects.filter(rate_key="shrub").values().get()
    step = Step.objects.get(work=work)
    Step.objects.create(town=money.town, work=work, rung=step.rung, area_mu=-3, verdict="revoked", on=ACCEPTED,
                        reverses=step, reason="错验")  # fmt: skip
    found = computed(money, agri)
    (line,) = told(found, rate="shrub")
    assert (line["settled"], line["change"], line["adjust"]) == (True, "changed", "-1500.00")
    assert calculations.apply(found, by=agri)["settled"] == 1
    assert Entitlement.objects.filter(rate_key="shrub").values().get() == before


def test_what_an_adjustment_has_set_right_is_no_difference_any_more(money, agri):
    work = money.work(accepted="10")
    applied(money, agri)
    Entitlement.objects.filter(rate_key="shrub").update(state="settled")
    one = row()
    copied = (
        "town_id",
        "division_id",
        "program_id",
        "rate_version_id",
        "rate_key",
        "round_id",
        "year",
        "work_id",
        "subject",
    )
    facts = {name: getattr(one, name) for name in copied}
    Entitlement.objects.create(**facts, amount=-1500, adjusts=one, state="due", reason="错验", facts_digest="x")
    step = Step.objects.get(work=work)
    Step.objects.create(town=money.town, work=work, rung=step.rung, area_mu=-3, verdict="revoked", on=ACCEPTED,
                        reverses=step, reason="错验")  # fmt: skip
    (line,) = told(computed(money, agri), rate="shrub")
    assert (line["change"], line["adjust"]) == ("same", None)


def test_what_lost_its_ground_goes_unless_it_is_settled(money, agri):
    one, two = money.work(accepted="5"), money.work(accepted="5")
    applied(money, agri)
    Entitlement.objects.filter(subject=f"work:{two.pk}").update(state="settled")
    for work in (one, two):
        work.exit, work.exit_reason = "disproved", "未撂荒"
        work.save()
    found = computed(money, agri)
    lines = {line["subject"]: line for line in told(found, rate="shrub")}
    assert (lines[f"work:{one.pk}"]["change"], lines[f"work:{one.pk}"]["adjust"]) == ("gone", None)
    assert lines[f"work:{two.pk}"]["adjust"] == "-2500.00"
    calculations.apply(found, by=agri)
    assert list(
        Entitlement.objects.filter(rate_key="shrub").exclude(state="replaced").values_list("subject", flat=True)
    ) == [f"work:{two.pk}"]


def test_rows_that_do_not_qualify_stay_with_the_reason(money, agri):
    listed, blank = money.parcel(), money.work(treatment="")
    money.listed(listed)
    work = money.work(parcel=listed)
    applied(money, agri)
    one, two = row(subject=f"work:{work.pk}"), row(subject=f"work:{blank.pk}")
    assert (one.state, one.amount) == ("ineligible", 0)
    assert "列入“rectified-2024”" in one.reason
    assert one.exclusions[0]["result"] == "yes"
    assert (two.state, "请在图斑的治理中填写处置类别" in two.reason) == ("held", True)


def test_works_nobody_accepted_and_later_acceptances_are_no_rows(money, agri):
    money.work(accepted=None)
    money.work(accepted="5", on=date(2025, 11, 21))  # the day after the working date
    assert computed(money, agri).differences == []


def test_what_is_accepted_on_the_working_date_counts(money, agri):
    money.listed()
    money.work(accepted="5", on=date(2025, 11, 20))
    applied(money, agri)
    assert (row().state, row().amount) == ("due", 2500)


def test_a_village_that_has_not_finished_gets_no_reward(money, agri):
    money.work(accepted="9.9999", parcel=money.parcel(gross="10"))
    applied(money, agri)
    assert (row("reward").state, row("reward").amount) == ("ineligible", 0)
    assert "是否完成任务" in row("reward").reason


# a rate that changes in mid-season


def raised(money, day):
    rule = versions.paying([money.rate()])[money.rate().pk][0].rule
    rule = {name: value for name, value in rule.items() if name != "components"} | {"lines": [{"price": "600"}]}
    official = money.person("official")
    made = versions.draft(money.rate(), rule, by=official, reason="调标")
    return versions.publish(made, by=official, valid_from=day, reason="县里调标")


def test_each_row_is_paid_by_the_version_of_its_day_of_acceptance(money, agri):
    raised(money, date(2025, 9, 15))
    for on, expected in ((date(2025, 9, 14), "5000.00"), (date(2025, 9, 15), "6000.00")):
        work = money.work(accepted="10", on=on)
        found = computed(money, agri)
        (line,) = told(found, subject=f"work:{work.pk}")
        assert line["after"] == expected
    calculations.apply(found, by=agri)
    assert {one.rate_version.number: one.amount for one in Entitlement.objects.filter(rate_key="shrub")} == {
        1: 5000, 2: 6000,
    }  # fmt: skip


def test_a_row_accepted_under_two_versions_asks_a_named_person(money, agri):
    raised(money, date(2025, 9, 15))
    work = money.work(accepted="6", on=date(2025, 9, 1), parcel=money.parcel(gross="10"))
    money.accept(work, "4", date(2025, 9, 20))
    applied(money, agri)
    one = row()
    assert (one.state, one.rate_version.number) == ("held", 2)
    assert "2025-09-01、2025-09-20" in one.reason
    official = money.person("official")
    calculations.rule(one, "guard:two_versions", holds=False, reason="主体在调标后完成", by=official)
    applied(money, agri)
    assert (row().state, row().amount) == ("due", 6000)


def test_an_acceptance_outside_every_version_gets_nothing():
    money = Money(PLAN.replace("key: shrub", "key: shrub\n        valid_from: 2025-09-15"))
    agri = money.person("lead_office")
    money.listed()
    money.work(on=date(2025, 9, 14))
    applied(money, agri)
    assert row().state == "ineligible"
    assert "验收日没有有效的标准" in row().reason


def test_a_rate_without_a_published_version_is_named_and_pays_nothing(money, agri):
    RateVersion.objects.filter(rate=money.rate()).update(state="withdrawn")
    money.work()
    found = computed(money, agri)
    assert told(found, rate="shrub") == []
    assert {"note": "“灌木复耕”没有已发布的版本，没有核算。"} in found.awards


# what a named person must answer


def test_a_list_that_was_never_imported_holds_until_somebody_rules():
    money = Money()
    agri, official = money.person("lead_office"), money.person("official")
    money.work(accepted="10")
    applied(money, agri)
    one = row()
    assert (one.state, one.amount) == ("held", 0)
    assert "这份清单还没有导入" in one.reason
    test = "unless:on_list has rectified-2024"
    with pytest.raises(Refused, match="依据"):
        calculations.rule(one, test, holds=False, reason=" ", by=official)
    with pytest.raises(Refused, match="不需要认定"):
        calculations.rule(one, "where:treatment = shrub", holds=True, reason="看过", by=official)
    with pytest.raises(Refused, match="权限"):
        calculations.rule(one, test, holds=False, reason="看过", by=money.person("village_head", one.division))
    calculations.rule(one, test, holds=False, reason="与2024年纸质清单逐块比对", by=official, everywhere=True)
    assert Ruling.objects.get().subject == "*"
    applied(money, agri)
    assert row().amount == 5000
    (test,) = [one for one in row().explanation["tests"] if one["key"] == test]
    assert (test["result"], test["ruled"]["by"]) == ("no", str(official))
    money.work(accepted="3")  # another row of the same round is answered too
    applied(money, agri)
    assert sorted(Entitlement.objects.filter(rate_key="shrub", state="due").values_list("amount", flat=True)) == [
        1500,
        5000,
    ]


def test_land_that_is_nowhere_on_the_map_is_unknown_to_lists(money, agri):
    money.work(parcel=None)
    applied(money, agri)
    assert row().state == "held"


# aftercare


def test_aftercare_pays_what_was_verified_up_to_what_was_accepted(money, agri):
    work, unclaimed, waiting = (money.work(accepted="10") for _ in range(3))
    money.claim(work, "8", reason="水淹")
    money.claim(waiting)
    applied(money, agri, "2026 年管护")
    assert unclaimed.pk
    one = row("care", subject=f"work:{work.pk}")
    assert (one.amount, one.year, one.claim.work) == (2400, 2026, work)
    held = row("care", subject=f"work:{waiting.pk}")
    assert (held.state, "镇里核实" in held.reason) == ("held", True)
    assert Entitlement.objects.count() == 2


def test_aftercare_above_a_reversed_acceptance_is_capped_and_blocked(money, agri):
    work = money.work(accepted="10")
    money.claim(work, "10")
    step = Step.objects.get(work=work)
    Step.objects.create(town=money.town, work=work, rung=step.rung, area_mu=-4, verdict="revoked", on=ACCEPTED,
                        reverses=step, reason="错验")  # fmt: skip
    applied(money, agri, "2026 年管护")
    assert (row("care").state, row("care").amount) == ("ineligible", 0)
    assert "申报 10 亩，认定 6 亩" in row("care").reason


def test_a_yearly_rate_does_not_pay_in_the_round_of_the_plan(money, agri):
    money.work()
    assert told(computed(money, agri), rate="care") == []


# pools and stages from the database


POOL = """
      - key: pool
        name: 均分
        clause: 三
        kinds: [abandonment]
        base: $county_mu
        lines: [{price: {pool: $allotted, round: [down, "2"]}}]
        round: [half_up, "2"]
"""


def test_a_pool_waits_for_its_money_and_then_never_pays_more():
    money = Money(HEAD + POLICY + POOL)
    agri = money.person("lead_office")
    for _ in range(20):
        money.work(accepted="0.5")
    applied(money, agri)
    assert set(Entitlement.objects.values_list("state", flat=True)) == {"held"}
    facts = {"town": money.town, "program": money.program(), "round": money.round(), "on": ACCEPTED, "by": agri}
    Fund.objects.create(**facts, source="county", role="allotted", amount=Decimal("10.10"))
    found = computed(money, agri)
    assert found.total == 10
    calculations.apply(found, by=agri)
    assert set(Entitlement.objects.filter(state="due").values_list("amount", flat=True)) == {Decimal("0.50")}


STAGES = """
      - {key: start, name: 开工, clause: 三, kinds: [abandonment], base: $planted_mu, lines: [{price: "100"}]}
      - key: tail
        name: 尾款
        clause: 三
        kinds: [abandonment]
        base: $county_mu
        lines: [{price: "500"}]
        less: [start]
        at_most: $invoiced
        sources: [{from: province, per_mu: "300", of: $county_mu, used: $province_used}, {from: county}]
"""


def test_a_tail_is_less_what_was_given_at_the_start_and_at_most_what_was_invoiced():
    money = Money(HEAD + "\nterms:\n  - {dictionary: attribute, code: invoiced_note, label: 说明}" + POLICY + STAGES)
    agri = money.person("lead_office")
    work = money.work(accepted="10", attrs={"invoiced": "4600"})
    applied(money, agri)
    assert (row("start").amount, row("tail").amount) == (1000, 3600)
    assert row("tail").sources == [
        {"source": "province", "amount": "3000.00"},
        {"source": "county", "amount": "600.00"},
    ]
    work.attrs = {}
    work.save()
    applied(money, agri)
    assert (row("tail").state, "发票金额不知道" in row("tail").reason) == ("held", True)


# the job


def test_the_job_computes_a_round_and_leaves_applying_to_a_person(money, agri):
    money.work(accepted="10")
    job = calculations.request(money.round(), by=agri)
    assert calculations.request(money.round(), by=agri) == job
    with pytest.raises(Refused, match="正在排队"):
        calculations.request(money.round("2026 年管护"), by=agri)
    assert run(job.pk)
    job.refresh_from_db()
    assert (job.state, "应补合计 7,800.00 元" in job.result["text"]) == (Job.State.DONE, True)
    assert (Calculation.objects.get().made_by, Entitlement.objects.count()) == (agri, 0)
    with pytest.raises(Refused, match="权限"):
        calculations.request(money.round(), by=money.person("discipline"))


def test_what_a_rate_paid_that_the_plan_no_longer_has_is_left_alone(money, agri):
    money.work(accepted="10")
    applied(money, agri)
    Entitlement.objects.filter(rate_key="shrub").update(state="settled")
    money.load(HEAD + POLICY + REWARD + CARE)
    money.work(accepted="3")
    found = computed(money, agri)
    assert told(found, rate="shrub") == []
    calculations.apply(found, by=agri)
    assert row().state == "settled"


def test_a_rate_that_names_no_kind_pays_for_what_its_conditions_let_through():
    money = Money(HEAD + POLICY + SHRUB.replace("        kinds: [abandonment]\n", ""))
    money.listed()
    money.work(accepted="10")
    assert computed(money, money.person("lead_office")).total == 5000
