"""Dates as the five plans print them."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmland.lib.dates import (
    chinese_to_number,
    group_name,
    number_to_chinese,
    parse_date,
    parse_day,
)

ISSUED = date(2024, 8, 27)


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("2024.7.31", (7, 31), (7, 31), "day"),
        ("2024-07-31", (7, 31), (7, 31), "day"),
        ("2024/7/31", (7, 31), (7, 31), "day"),
        ("2024年7月31日", (7, 31), (7, 31), "day"),
        ("２０２４年７月３１日", (7, 31), (7, 31), "day"),
        ("二〇二四年七月三十一日", (7, 31), (7, 31), "day"),
        ("20240731", (7, 31), (7, 31), "day"),
        ("45504", (7, 31), (7, 31), "day"),
        ("2024-07-31T08:30:00", (7, 31), (7, 31), "day"),
        ("7月4日", (7, 4), (7, 4), "day"),
        ("10月30日前", (10, 30), (10, 30), "day"),
        ("10月底", (10, 31), (10, 31), "month_part"),
        ("9月上旬", (9, 1), (9, 10), "month_part"),
        ("2024年9月", (9, 1), (9, 30), "month"),
        ("2024年", (1, 1), (12, 31), "year"),
        ("即日起", (8, 27), None, "open"),
        ("即日起至11月30日", (8, 27), (11, 30), "range"),
        ("2024年11月30日2024年12月31日", (11, 30), (12, 31), "range"),
        ("2024年7月4日至11月30日", (7, 4), (11, 30), "range"),
        ("7月4日—11月30日", (7, 4), (11, 30), "range"),
        ("10月20日至30日", (10, 20), (10, 30), "range"),
        ("4月13日-4月14日", (4, 13), (4, 14), "range"),
        ("2024.7.4-2024.11.30", (7, 4), (11, 30), "range"),
        ("2024-07-04至2024-11-30", (7, 4), (11, 30), "range"),
    ],
)
def test_printed_dates_are_read(text, first, last, precision):
    found = parse_date(text, issued_on=ISSUED)
    assert found.first == date(2024, *first)
    assert found.last == found.due_on == (date(2024, *last) if last else None)
    assert (found.precision, found.stated) == (precision, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2024.2.30", "没有“2024.2.30”这一天，请核对年月日。"),
        ("2024-13-01", "没有“2024-13-01”这一天，请核对年月日。"),
        ("12月31日至11月30日", "“12月31日至11月30日”的结束日期 2024-11-30 早于开始日期 2024-12-31，请核对。"),
        ("尽快", "应为日期，现为“尽快”，请写成 2024-07-31 或 2024年7月31日。"),
        ("24.7.31", "应为日期，现为“24.7.31”，请写成 2024-07-31 或 2024年7月31日。"),
        ("7.31", "应为日期，现为“7.31”，请写成 2024-07-31 或 2024年7月31日。"),
    ],
)
def test_what_is_no_date_is_refused_in_words(text, message):
    with pytest.raises(ValueError, match="。") as error:
        parse_date(text, year=2024)
    assert str(error.value) == message


def test_a_date_without_year_needs_one():
    with pytest.raises(ValueError, match="没有写年份"):
        parse_date("7月4日")
    assert parse_date("7月4日", year=2023).first == date(2023, 7, 4)


def test_from_now_on_needs_the_day_of_issue():
    with pytest.raises(ValueError, match="印发日期"):
        parse_date("即日起", year=2024)


@pytest.mark.parametrize("value", [None, "", "/", "—", "无"])
def test_a_stroke_is_no_date(value):
    assert parse_date(value) is None


def test_dates_moments_and_serials_from_cells_are_read():
    assert parse_date(date(2024, 7, 31)).first == date(2024, 7, 31)
    assert parse_date(datetime(2024, 7, 31, 9)).first == date(2024, 7, 31)  # noqa: DTZ001
    assert parse_date(45504).first == date(2024, 7, 31)
    with pytest.raises(ValueError, match=r"现为数字“2024\.1”"):
        parse_date(2024.1)  # 2024.10 or 2024.1: a number cannot say


def test_a_form_wants_one_day():
    assert parse_day("2024-10-12") == date(2024, 10, 12)
    assert parse_day("") is None
    with pytest.raises(ValueError, match="应为某一天的日期"):
        parse_day("10月底", year=2024)


@given(st.integers(min_value=0, max_value=999))
def test_chinese_numerals_go_there_and_back(number):
    assert chinese_to_number(number_to_chinese(number)) == number


def test_chinese_numerals_are_the_usual_ones():
    assert [number_to_chinese(number) for number in (0, 10, 14, 20, 103, 110)] == [
        "零",
        "十",
        "十四",
        "二十",
        "一百零三",
        "一百一十",
    ]
    with pytest.raises(ValueError, match="应为中文数字"):
        chinese_to_number("十十")


@pytest.mark.parametrize("text", ["十四组", "第十四组", "14组", "１４ 组", "第14村民小组", "十四"])
def test_one_group_has_one_name(text):
    assert group_name(text) == "14组"


def test_other_group_names_stay():
    assert group_name("七社") == "7社"
    assert group_name("河边院子") == "河边院子"
