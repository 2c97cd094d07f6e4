"""管护预测: accepted area × rate by year and village, less what villages gave up."""

from decimal import Decimal

import pytest

from subsidies.claiming.claims import Said, declare
from subsidies.claiming.forecast import forecast
from subsidies.claiming.verifying import Found, verify
from tests.subsidies.claim_world import make_world, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def seen(world, user):
    return forecast(world.town, 2024, user.divisions_for("read_money"))


def by_name(found) -> dict:
    return {str(division): [one.amount for one in years.values()] for division, years in found.rows.items()}


def test_every_accepted_work_pays_in_every_year(world):
    found = seen(world, world.official)
    assert found.years == [2025, 2026, 2027]
    assert by_name(found) == {"东村": [Decimal("3636.00")] * 3, "西村": [Decimal("1200.00")] * 3}  # 12.12 and 4 × 300
    assert found.total == Decimal("14508.00")


def test_what_a_village_gave_up_is_given_up_in_the_years_after_too(world):
    first, second, *_ = opened(world)
    declare(first, Said(Decimal("2"), reason="撂荒"), by=world.head)
    declare(second, Said(Decimal("6.35")), by=world.head)
    verify(second, Found(Decimal("6"), "核减"), by=world.official)
    found = seen(world, world.official)
    assert by_name(found)["东村"] == [Decimal("3300.00")] * 3  # 2 + 6 + 3
    assert found.totals[2026].less == Decimal("1.12")


def test_a_village_sees_its_own(world):
    assert list(by_name(seen(world, world.head))) == ["东村"]


def test_a_rate_that_is_no_price_is_left_out_and_named(world):
    world.rate.yuan_per_mu = None
    world.rate.save()
    found = seen(world, world.official)
    assert (found.rows, found.left_out) == ({}, [world.rate])


def test_rows_are_rounded_one_by_one(world):
    world.rate.yuan_per_mu = Decimal("0.0037")
    world.rate.save()
    assert by_name(seen(world, world.official))["东村"][0] == Decimal("0.04")  # 0.01 + 0.02 + 0.01
