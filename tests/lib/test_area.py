"""Areas convert exactly; rounding happens once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmland.lib import area


def test_the_legal_units_are_exact():
    assert area.convert(1, "mu", "m2") == Fraction(2000, 3)
    assert area.convert(1, "hectare", "mu") == 15
    assert area.convert(20000, "m2", "mu") == 30


def test_rounding_is_half_up_and_asked_for():
    assert area.to_m2(1) == Decimal("666.67")
    assert area.to_hectare(1) == Decimal("0.0667")
    assert area.to_mu(10000, "m2") == Decimal("15.0000")
    assert area.to_mu(Decimal("333.3"), "m2", 2) == Decimal("0.50")
    assert str(area.rounded(Fraction(-1, 2), 0)) == "-1"
    assert str(area.rounded(Fraction(-1, 1000), 2)) == "0.00"


def test_other_units_and_floats_are_refused():
    with pytest.raises(ValueError, match="不是面积单位"):
        area.convert(1, "acre", "mu")
    with pytest.raises(ValueError, match="浮点数"):
        area.convert(1.5, "m2", "mu")


@given(st.decimals(min_value=0, max_value=10**9, places=4), st.sampled_from(["m2", "hectare"]))
def test_there_and_back_again_changes_nothing(mu, unit):
    assert area.convert(area.convert(mu, "mu", unit), unit, "mu") == Fraction(mu)
    assert area.to_mu(area.convert(mu, "mu", unit), unit) == mu
