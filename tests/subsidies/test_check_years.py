"""C20: land that another year has counted or paid is named, land that goes on and invented land are not."""

import pytest

from subsidies.models import Entitlement
from tasks.findings import check
from tasks.models import Finding
from tests.subsidies.money_world import HEAD, PLAN, YEAR, Money

pytestmark = pytest.mark.django_db


@pytest.fixture
def money():
    return Money()


def found(money) -> list[Finding]:
    check(money.plan)
    return list(Finding.objects.filter(plan=money.plan, rule="C20"))


def test_nothing_is_said_of_land_that_is_new(money):
    money.work()
    money.work(year=YEAR - 1)
    assert found(money) == []


@pytest.mark.parametrize("same", ["parcel", "code"])
def test_land_another_year_counted_is_a_warning_by_parcel_and_by_code(money, same):
    old = money.parcel(year=YEAR - 1)
    money.work(parcel=old, year=YEAR - 1)
    new = old if same == "parcel" else money.parcel(codes=[old.codes[0].lower()])
    money.work(parcel=new, accepted=None)
    (one,) = found(money)
    assert (one.severity, one.computed) == ("warning", "2024 年已认定")
    assert new.codes[0] in one.message


def test_land_that_was_paid_elsewhere_says_how_much(money):
    parcel = money.parcel()
    old = money.work(parcel=parcel, year=YEAR - 1, accepted=None)
    program = money.program()
    before = type(program).objects.create(plan=program.plan, town=money.town, year=YEAR - 1, key="old", name="旧")
    round_ = type(money.round()).objects.create(town=money.town, program=before, year=YEAR - 1, label="2024")
    Entitlement.objects.create(
        town=money.town, division=old.division, program=before, rate_version=money.rate().versions.get(),
        rate_key="x", round=round_, year=YEAR - 1, work=old, subject=f"work:{old.pk}", amount=700, state="settled",
        facts_digest="x",
    )  # fmt: skip
    money.work(parcel=parcel)
    (one,) = found(money)
    assert one.computed == "2024 年已补助 700 元"


def test_work_that_goes_on_is_not_counted_twice(money):
    parcel = money.parcel()
    old = money.work(parcel=parcel, year=YEAR - 1, accepted="4")
    money.work(parcel=parcel, accepted="6", replaces=old)
    assert found(money) == []


def test_what_was_taken_back_and_what_is_invented_does_not_count(money):
    taken = money.parcel()
    old = money.work(parcel=taken, year=YEAR - 1, accepted="4")
    step = old.steps.get()
    type(step).objects.create(town=money.town, work=old, rung=step.rung, area_mu=-4, verdict="revoked", on=step.on,
                              reverses=step, reason="错验")  # fmt: skip
    invented = money.parcel(is_demo=True)
    money.work(parcel=invented, year=YEAR - 1)
    for parcel in (taken, invented):
        money.work(parcel=parcel, accepted=None)
    assert found(money) == []


def test_the_plans_own_ledger_is_looked_at():
    money = Money(PLAN)
    old = money.parcel(year=YEAR - 1)
    money.work(parcel=old, year=YEAR - 1)
    row = f"{{serial: '1', codes: '{old.codes[0]}', location: 柳村, responsible: 柳村, area: '1'}}"
    money.load(
        HEAD + f"\nledgers: [{{key: a, title: 台账, clause: 附件2, kind: illegal_use, unit: mu, rows: [{row}]}}]"
    )
    money.plan.refresh_from_db()
    assert any("附件2" in one.place and one.computed == "2024 年已认定" for one in found(money))
