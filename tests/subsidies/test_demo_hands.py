"""Demo users and real ones in one town: nothing a demo user rules, computes or publishes moves real money."""

from datetime import date

import pytest

from farmland.lib.refused import Refused
from subsidies.entitlements import calculations
from subsidies.models import Entitlement
from subsidies.rates import versions
from tests.subsidies.money_world import Money

pytestmark = pytest.mark.django_db
LISTED = "unless:on_list has rectified-2024"


@pytest.fixture
def money():
    return Money()


def people(money, *, demo=False):
    """(who computes, who reviews)."""
    found = money.person("lead_office"), money.person("official")
    for one in found if demo else ():
        one.is_demo = True
        one.save()
    return found


def applied(money, by):
    return calculations.apply(calculations.make(money.round(), by=by), by=by)


def row(work) -> Entitlement:
    return Entitlement.objects.exclude(state="replaced").get(subject=f"work:{work.pk}")


def test_a_demo_ruling_for_the_whole_round_answers_for_invented_land_only(money):
    real = money.work(accepted="10")
    made_up = money.work(accepted="4", parcel=money.parcel(is_demo=True), is_demo=True)
    (agri, official), (_, player) = people(money), people(money, demo=True)
    applied(money, agri)
    calculations.rule(row(made_up), LISTED, holds=False, reason="试一试", by=player, everywhere=True)
    applied(money, agri)
    assert (row(real).state, row(real).is_demo) == ("held", False)
    assert (row(made_up).state, row(made_up).amount, row(made_up).is_demo) == ("due", 2000, True)
    assert row(real).explanation["tests"][2]["ruled"] is None

    calculations.rule(row(real), LISTED, holds=True, reason="清单上有", by=official, everywhere=True)
    calculations.rule(row(made_up), LISTED, holds=False, reason="再试", by=player, everywhere=True)
    applied(money, agri)
    assert (row(real).state, row(made_up).state) == ("ineligible", "due")


def test_an_acceptance_by_a_demo_user_owes_invented_money(money):
    work = money.work(accepted=None, parcel=money.parcel())
    step = money.accept(work, "3")
    type(step)._base_manager.filter(pk=step.pk).update(is_demo=True)
    applied(money, people(money)[0])
    assert row(work).is_demo


def test_real_money_takes_the_place_of_what_a_demo_user_computed(money):
    money.listed()
    work, (agri, _), (player, _) = money.work(accepted="10"), people(money), people(money, demo=True)
    applied(money, player)
    assert (row(work).state, row(work).is_demo) == ("due", True)
    found = calculations.make(money.round(), by=agri)
    assert {one["change"] for one in found.differences} == {"changed"}
    calculations.apply(found, by=agri)
    assert (row(work).state, row(work).is_demo) == ("due", False)


def test_a_demo_user_does_not_replace_real_money(money):
    money.listed()
    work, (agri, _), (player, _) = money.work(accepted="6", parcel=money.parcel()), people(money), people(money, demo=True)  # fmt: skip  # noqa: E501
    applied(money, agri)
    before = row(work)
    assert applied(money, player)["same"] == 2
    money.accept(work, "1")
    with pytest.raises(Refused, match="演示用户不能办理正式的应补"):
        applied(money, player)
    assert row(work) == before
    applied(money, agri)
    assert (row(work).amount, row(work).is_demo) == (3500, False)


def test_a_demo_user_does_not_move_a_rate_real_money_is_owed_by(money):
    money.listed()
    money.work(accepted="10")
    (agri, _), (_, player) = people(money), people(money, demo=True)
    applied(money, agri)
    version = money.rate().versions.get()
    draft = versions.draft(money.rate(), version.rule | {"components": [], "lines": [{"price": "1"}]}, by=player, reason="试")  # fmt: skip  # noqa: E501
    for act in (
        lambda: versions.publish(draft, by=player, valid_from=date(2025, 1, 1), reason="试"),
        lambda: versions.withdraw(version, by=player, reason="试"),
        lambda: versions.choose(money.rate("reward").versions.get(), "B", by=player, reason="试"),
    ):
        with pytest.raises(Refused, match="演示用户不能办理正式的标准"):
            act()
    version.refresh_from_db()
    assert (version.state, version.valid_to) == ("published", None)
