"""Numbers as typed: what counts as one, and that nothing is lost on the way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmland.lib import numbers
from farmland.lib.numbers import parse_decimal, parse_quantity, parse_stated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("28.1", "28.1"),
        ("２８．１", "28.1"),
        (" 28.10\u3000", "28.10"),
        ("15,995.15", "15995.15"),
        ("１，２３４", "1234"),
        ("-61.9", "-61.9"),
        ("−61.9", "-61.9"),
        ("+7.1", "7.1"),
        ("\u200b12", "12"),
        (12.100000000000001, "12.1"),
        (0.1 + 0.2, "0.3"),
        (7, "7"),
        (Decimal("1E+2"), "100"),
    ],
)
def test_well_formed_numbers_are_read_exactly(text, expected):
    assert parse_decimal(text) == Decimal(expected)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "inf",
        "1_000",
        "1e5",
        "٣",
        "5²",
        "½",
        "1,00",
        ",100",
        "1.",
        ".5",
        "28. 1",
        "二十",
        "=1+1",
        "28.1亩",
        True,
    ],
)
def test_everything_else_is_refused_with_the_value_in_the_text(text):
    with pytest.raises(ValueError, match=r"^应为数字，现为“.+”。$"):
        parse_decimal(text)


def test_not_a_number_as_a_float_is_refused():
    for value in (float("nan"), float("inf"), 1e300):
        with pytest.raises(ValueError, match="应为数字"):
            parse_decimal(value)


@pytest.mark.parametrize("value", [None, "", "  ", "\u3000"])
def test_an_empty_cell_is_none_and_not_zero(value):
    assert parse_decimal(value) is None


def test_limits_are_named_in_the_refusal():
    assert parse_decimal("1.2345") == Decimal("1.2345")
    for text, keywords, message in [
        ("1.23456", {}, "小数最多 4 位，现为“1.23456”。"),
        ("1.5", {"places": 0}, "应为整数，现为“1.5”。"),
        ("-1", {"minimum": 0}, "应不小于 0，现为“-1”。"),
        ("58.31", {"maximum": Decimal("58.30")}, "应不大于 58.3，现为“58.31”。"),
        ("1234567890123", {}, "数字过大，整数部分最多 12 位，现为“1234567890123”。"),
    ]:
        with pytest.raises(ValueError, match="。") as error:
            parse_decimal(text, **keywords)
        assert str(error.value) == message


def test_trailing_zeros_do_not_count_as_decimals():
    assert parse_decimal("1.230000") == Decimal("1.23")


@pytest.mark.parametrize("text", ["/", "／", "—", "–", "无", "", "不涉及"])
def test_a_printed_stroke_means_no_number_and_is_kept(text):
    assert parse_stated(text) == (None, text)
    assert numbers.is_not_applicable(text)


def test_a_printed_number_is_kept_as_printed():
    assert parse_stated(" 28.10 ") == (Decimal("28.1"), "28.10")
    with pytest.raises(ValueError, match="见附件"):
        parse_stated("见附件")


@pytest.mark.parametrize(
    ("text", "value", "unit", "comparison", "approximate"),
    [
        ("333亩以上", "333", "mu", "gte", False),
        ("不低于20,647亩", "20647", "mu", "gte", False),
        ("≥19910亩", "19910", "mu", "gte", False),
        ("约453亩", "453", "mu", "eq", True),
        ("453余亩", "453", "mu", "eq", True),
        ("23个", "23", "count", "eq", False),
        ("18亿亩", "1800000000", "mu", "eq", False),
        ("1.2万亩", "12000", "mu", "eq", False),
        ("333万", "3330000", None, "eq", False),
        ("333", "333", None, "eq", False),
        ("2.5万元", "25000", "yuan", "eq", False),
        ("500元/亩", "500", "yuan_per_mu", "eq", False),
        ("300元/亩/年", "300", "yuan_per_mu_year", "eq", False),
        ("不超过50%", "50", "percent", "lte", False),
        ("２００㎡以内", "200", "m2", "lte", False),
        ("2公顷", "2", "hectare", "eq", False),
    ],
)
def test_quantities_are_read_as_plans_print_them(text, value, unit, comparison, approximate):
    found = parse_quantity(text)
    assert (found.value, found.unit, found.comparison, found.approximate) == (
        Decimal(value),
        unit,
        comparison,
        approximate,
    )
    assert found.stated == text


@pytest.mark.parametrize("text", ["", "亩", "1_000亩", "5²亩", "三百亩", "1,00亩", "不低于5亩以内"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match=r"。$"):
        parse_quantity(text)


def test_screens_show_separators_and_a_true_minus():
    assert numbers.fixed(Decimal("15995.145")) == "15,995.15"
    assert numbers.fixed(Decimal("283"), 0) == "283"
    assert numbers.signed(Decimal("7.1")) == "+7.10"
    assert numbers.signed(Decimal("-61.9")) == "\u221261.90"
    assert numbers.signed(Decimal("-0.001")) == "0.00"
    assert numbers.plain(Decimal("28.10")) == "28.1"
    assert numbers.plain(Decimal("1E+2")) == "100"
    assert numbers.plain(Decimal("-0.00")) == "0"


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=4))
def test_every_exact_area_survives_the_way_out_and_in(number):
    assert parse_decimal(numbers.plain(number)) == number
    assert parse_decimal(numbers.signed(number, 4)) == number


@given(st.integers(min_value=-(10**9), max_value=10**9))
def test_a_float_cell_gives_the_decimal_that_was_typed(units):
    typed = Decimal(units).scaleb(-4)
    assert parse_decimal(float(typed)) == typed
