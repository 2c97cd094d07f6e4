"""What demo users did with the money goes with them, and the rates hold again as the plan says."""

from datetime import date

import pytest

from farmland.demo.services import remove_demo
from subsidies.entitlements import calculations
from subsidies.models import Calculation, Claim, Entitlement, Rate, RateVersion, Round, Ruling
from subsidies.rates import versions
from tests.subsidies.money_world import Money

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(settings, tmp_path):
    """The demo password goes with the demo: never the one of a running instance."""
    settings.VAR = tmp_path


def test_the_money_of_the_demo_leaves_no_trace():
    money = Money()
    agri, official = money.person("lead_office"), money.person("official")
    for user in (agri, official):
        user.is_demo = True
        user.save()
    before = list(RateVersion.objects.order_by("pk").values_list("pk", "state", "valid_to", "rule"))
    work = money.work(accepted="10", parcel=money.parcel(is_demo=True), is_demo=True)
    money.claim(work, "9", reason="水淹", is_demo=True)
    calculations.apply(calculations.make(money.round(), by=agri), by=agri)
    row = Entitlement.objects.get(rate_key="shrub")
    calculations.rule(row, "unless:on_list has rectified-2024", holds=False, reason="看过", by=official)
    rule = money.rate().versions.get().rule | {"components": [], "lines": [{"price": "1"}]}
    draft = versions.draft(money.rate(), rule, by=official, reason="试")
    versions.publish(draft, by=official, valid_from=date(2025, 1, 1), reason="试")
    versions.choose(money.rate("reward").versions.get(), "B", by=official, reason="试")
    rates, rounds = Rate.objects.count(), Round.objects.count()

    remove_demo()

    for model in (Entitlement, Calculation, Ruling, Claim):
        assert not model.objects.exists(), model
    assert list(RateVersion.objects.order_by("pk").values_list("pk", "state", "valid_to", "rule")) == before
    assert (Rate.objects.count(), Round.objects.count()) == (rates, rounds)


def test_money_of_real_people_about_real_land_stays():
    money = Money()
    money.listed()
    money.work(accepted="10")
    agri = money.person("lead_office")
    calculations.apply(calculations.make(money.round(), by=agri), by=agri)

    remove_demo()

    assert Entitlement.objects.filter(rate_key="shrub", amount=5000).count() == 1
    assert Calculation.objects.count() == 1
