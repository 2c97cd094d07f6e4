"""Amounts in words, against the written rules and against a reader that turns them back."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmland.lib.amount_in_words import DIGITS, amount_in_words

KNOWN = {
    "125733": "壹拾贰万伍仟柒佰叁拾叁元整",
    "79800": "柒万玖仟捌佰元整",
    "18872": "壹万捌仟捌佰柒拾贰元整",
    "288405.40": "贰拾捌万捌仟肆佰零伍元肆角整",
    "16409.02": "壹万陆仟肆佰零玖元零贰分",
    "1680.32": "壹仟陆佰捌拾元叁角贰分",
    "107000.53": "壹拾万柒仟元伍角叁分",
    "1409.50": "壹仟肆佰零玖元伍角整",
    "6007.14": "陆仟零柒元壹角肆分",
    "0": "零元整",
    "-0.00": "零元整",
    "0.05": "伍分",
    "0.50": "伍角整",
    "0.55": "伍角伍分",
    "10": "壹拾元整",
    "10.01": "壹拾元零壹分",
    "1010": "壹仟零壹拾元整",
    "1001": "壹仟零壹元整",
    "10000": "壹万元整",
    "10001": "壹万零壹元整",
    "10100": "壹万零壹佰元整",
    "100100": "壹拾万零壹佰元整",
    "1010101": "壹佰零壹万零壹佰零壹元整",
    "100000000": "壹亿元整",
    "100000001": "壹亿零壹元整",
    "100010000": "壹亿零壹万元整",
    "100100000": "壹亿零壹拾万元整",
    "110000001": "壹亿壹仟万零壹元整",
    "103370000": "壹亿零叁佰叁拾柒万元整",
    "1000000000000": "壹万亿元整",
    "1000100000000": "壹万零壹亿元整",
    "-200.00": "负贰佰元整",
}


@pytest.mark.parametrize(("amount", "words"), KNOWN.items())
def test_an_amount_is_written_as_the_rules_say(amount, words):
    assert amount_in_words(D(amount)) == words


@pytest.mark.parametrize(("amount", "error"), [(1.5, TypeError), (D("0.001"), ValueError), (D("1E16"), ValueError)])
def test_what_is_no_amount_is_refused(amount, error):
    with pytest.raises(error):
        amount_in_words(amount)


def read_back(words: str) -> D:
    """The amount of a text, by another way than it was written: units multiply what stands before them."""
    sign, words = (-1, words[1:]) if words.startswith("负") else (1, words)
    yuan, _, rest = words.partition("元") if "元" in words else ("", "", words)
    total = group = digit = 0
    for letter in yuan:
        if letter in DIGITS:
            digit = DIGITS.index(letter)
        elif letter in "拾佰仟":
            group, digit = group + digit * 10 ** ("拾佰仟".index(letter) + 1), 0
        elif letter == "万":
            total, group, digit = total + (group + digit) * 10_000, 0, 0
        else:
            total, group, digit = (total + group + digit) * 10**8, 0, 0
    total, cents, digit = total + group + digit, 0, 0
    for letter in rest:
        if letter in DIGITS:
            digit = DIGITS.index(letter)
        else:
            cents += digit * {"角": 10, "分": 1, "整": 0}[letter]
    return sign * (D(total) + D(cents).scaleb(-2))


@given(st.integers(-(10**14) + 1, 10**14 - 1))
def test_words_read_back_as_the_amount(cents):
    amount = D(cents).scaleb(-2)
    words = amount_in_words(amount)
    assert read_back(words) == amount
    assert "零零" not in words
    assert "零元" not in words or amount == 0
