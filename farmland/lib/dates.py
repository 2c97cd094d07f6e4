"""Dates as plans and forms print them, with how precisely they are known; Chinese numerals beside.

No clock in here: a year that is not printed and the day of 即日起 are arguments. Errors are ``ValueError`` in Chinese.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from farmland.lib.numbers import narrow

DAY, MONTH_PART, MONTH, YEAR, RANGE, OPEN = "day", "month_part", "month", "year", "range", "open"
SERIALS = range(36526, 73051)  # 2000-01-01 to 2099-12-31 as spreadsheets count days
EXCEL_EPOCH = date(1899, 12, 30)
NOT_A_DATE = {"", "/", "-", "--", "—", "——", "–", "无"}
HINT = "请写成 2024-07-31 或 2024年7月31日"

WHOLE = r"(?:(?P<year>[0-9]{4})(?P<mark>[-/.]|年))?"
POINT = re.compile(
    rf"{WHOLE}(?P<month>[0-9]{{1,2}})(?:(?(year)(?:(?(mark)[-/.月])|月)|月)(?:(?P<day>[0-9]{{1,2}})[日号]?)?)?"
    r"(?P<part>初|上旬|中旬|下旬|底|末)?"
)
ONLY_DAY = re.compile(r"(?P<day>[0-9]{1,2})[日号]")
ONLY_YEAR = re.compile(r"(?P<year>[0-9]{4})年(?P<part>底|末)?")
EIGHT = re.compile(r"(20[0-9]{2})([01][0-9])([0-3][0-9])")
TAIL = re.compile(r"(?:之?前|以前|前完成|止)$")
JOIN = re.compile(r"\s*(?:至|到|—+|–+|~|～|-{2,})\s*|(?<=[日号])\s*-\s*(?=[0-9])|(?<=[0-9])-(?=20[0-9]{2})")
SAME_MONTH_END = re.compile(r"(?:至|到|—+|–+|~|～|-)([0-9]{1,2})[日号]")
MISSING_DASH = re.compile(r"(?<=[日号])(?=[0-9])")
DIGITS = "零一二三四五六七八九"
NUMERAL = re.compile(r"(?:([一-九])百零?)?(?:([一-九])?(十))?([一-九])?".replace("一-九", DIGITS[1:]))
CHINESE = re.compile(r"[〇零一二三四五六七八九十]+(?=[年月日号])")


@dataclass(frozen=True)
class PrintedDate:
    """A day or span of days, both ends inclusive, and the text it was printed as.

    ``precision``: day, month_part (10月底, 上旬), month, year, range, open (即日起 without an end: ``last`` is None).
    """

    first: date
    last: date | None
    precision: str
    stated: str

    @property
    def due_on(self) -> date | None:
        """The day by which something is due: the last day."""
        return self.last


def parse_date(value: object, *, year: int | None = None, issued_on: date | None = None) -> PrintedDate | None:
    """Read a date or a span from a text, a workbook Cell, a date or a spreadsheet serial; None for empty and "/".

    ``year`` completes 7月4日; ``issued_on`` is the day that 即日起 means, and gives the year when ``year`` is None.
    """
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return PrintedDate(value, value, DAY, value.isoformat())
    number = getattr(value, "kind", "") == "number" or isinstance(value, (int, float))
    stated = str(getattr(value, "text", value) if value is not None else "").strip()
    text = re.sub(r"[T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$", "", narrow(stated))
    if text in NOT_A_DATE:
        return None
    serial = from_serial(text, stated)
    if serial or number:
        if not serial:
            raise ValueError(f"应为日期，现为数字“{stated}”，{HINT}。")
        return serial
    return span(arabic(text), stated, year or (issued_on.year if issued_on else None), issued_on)


def parse_day(value: object, *, year: int | None = None) -> date | None:
    """One day and nothing vaguer, as a form's 完成日期 needs it; None when empty."""
    found = parse_date(value, year=year)
    if found is not None and found.precision != DAY:
        raise ValueError(f"应为某一天的日期，现为“{found.stated}”，{HINT}。")
    return found.first if found else None


def days_in(text: str, *, year: int | None = None) -> list[PrintedDate]:
    """Every point in time printed somewhere in a text, and the ends of spans (7月21日至31日).

    ValueError for a day that does not exist. Numbers that are no dates (附件2、7.5亩) are passed over.
    """
    words, found = re.sub(r"\s+", "", arabic(narrow(text))), []
    for match in POINT.finditer(words):
        number = int(match["year"]) if match["year"] else year
        if not (match["year"] or "月" in match[0]) or number is None or not 1990 <= number <= 2100:
            continue
        one = point(match[0], match[0], year)
        found.append(one)
        end = SAME_MONTH_END.match(words, match.end())
        if end:
            last = build(one.first.year, one.first.month, int(end[1]), f"{match[0]}{end[0]}")
            found.append(PrintedDate(last, last, DAY, f"{match[0]}{end[0]}"))
    return found


def from_serial(text: str, stated: str) -> PrintedDate | None:
    """A spreadsheet's day count (45504) or 20240731."""
    eight = EIGHT.fullmatch(text)
    if eight:
        day = build(*map(int, eight.groups()), stated)
        return PrintedDate(day, day, DAY, stated)
    if re.fullmatch(r"[0-9]{5}(\.0+)?", text) and int(text[:5]) in SERIALS:
        day = EXCEL_EPOCH + timedelta(days=int(text[:5]))
        return PrintedDate(day, day, DAY, stated)
    return None


def span(text: str, stated: str, year: int | None, issued_on: date | None) -> PrintedDate:
    """Read one point, or two joined by 至, a dash, or nothing at all (2024年11月30日2024年12月31日)."""
    text = re.sub(r"\s+", "", text)
    if text.startswith("即日起"):
        return from_issue(text.removeprefix("即日起"), stated, year, issued_on)
    parts = JOIN.split(text)
    if len(parts) == 1:
        parts = MISSING_DASH.split(text)
    if len(parts) > 2 or not all(parts):
        raise ValueError(unreadable(stated))
    first = point(TAIL.sub("", parts[0]), stated, year)
    if len(parts) == 1:
        return first
    if ONLY_DAY.fullmatch(TAIL.sub("", parts[1])):
        day = build(first.first.year, first.first.month, int(re.sub(r"\D", "", parts[1])), stated)
        return between(first.first, day, stated)
    return between(first.first, point(TAIL.sub("", parts[1]), stated, first.first.year).last, stated)


def from_issue(rest: str, stated: str, year: int | None, issued_on: date | None) -> PrintedDate:
    """即日起 and 即日起至11月30日: the first day is the day the plan was issued."""
    if issued_on is None:
        raise ValueError(f"“{stated}”从印发之日算起，但方案没有印发日期，请先填写印发日期。")
    rest = JOIN.sub("", rest, count=1)
    if not rest:
        return PrintedDate(issued_on, None, OPEN, stated)
    return between(issued_on, point(TAIL.sub("", rest), stated, year).last, stated)


def between(first: date, last: date, stated: str) -> PrintedDate:
    if last < first:
        raise ValueError(f"“{stated}”的结束日期 {last} 早于开始日期 {first}，请核对。")
    return PrintedDate(first, last, RANGE, stated)


def point(text: str, stated: str, year: int | None) -> PrintedDate:
    """One printed point in time: a day, part of a month, a month or a year."""
    whole = ONLY_YEAR.fullmatch(text)
    if whole:
        number = int(whole["year"])
        last = build(number, 12, 31, stated)
        return PrintedDate(last if whole["part"] else date(number, 1, 1), last, YEAR, stated)
    match = POINT.fullmatch(text)
    if not match or not (match["year"] or "月" in text):
        raise ValueError(unreadable(stated))
    number = int(match["year"]) if match["year"] else year
    if number is None:
        raise ValueError(f"“{stated}”没有写年份，{HINT}。")
    month = int(match["month"])
    if match["day"]:
        day = build(number, month, int(match["day"]), stated)
        return PrintedDate(day, day, DAY, stated)
    build(number, month, 1, stated)
    end = monthrange(number, month)[1]
    thirds = {None: (1, end), "初": (1, 10), "上旬": (1, 10), "中旬": (11, 20), "下旬": (21, end)}
    first, last = thirds.get(match["part"], (end, end))
    precision = MONTH_PART if match["part"] else MONTH
    return PrintedDate(date(number, month, first), date(number, month, last), precision, stated)


def build(year: int, month: int, day: int, stated: str) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValueError(f"没有“{stated}”这一天，请核对年月日。") from error


def unreadable(stated: str) -> str:
    return f"应为日期，现为“{stated}”，{HINT}。"


def arabic(text: str) -> str:
    """Chinese numerals before 年, 月, 日 as digits: 二〇二四年七月三十一日 → 2024年7月31日."""

    def digits(match: re.Match) -> str:
        word = match[0].replace("〇", "零")
        if "十" in word:
            return str(chinese_to_number(word))
        return "".join(str(DIGITS.index(letter)) for letter in word)

    return CHINESE.sub(digits, text)


def chinese_to_number(text: str) -> int:
    """十四 → 14, 二十 → 20, 一百零三 → 103 and also "14" → 14; up to 999."""
    word = narrow(text).replace("〇", "零").replace("两", "二")
    if re.fullmatch(r"[0-9]{1,3}", word):
        return int(word)
    match = NUMERAL.fullmatch(word)
    if word == "零":
        return 0
    if not word or not match:
        raise ValueError(f"应为中文数字（如“十四”），现为“{text}”。")
    hundreds, tens, ten, ones = match.groups()
    value = 100 * DIGITS.find(hundreds or "零") + DIGITS.find(ones or "零")
    return value + (10 * DIGITS.index(tens or "一") if ten else 0)


def number_to_chinese(number: int) -> str:
    """14 → 十四, 20 → 二十, 103 → 一百零三; 0 to 999."""
    if not 0 <= number <= 999:
        raise ValueError(f"只能把 0 到 999 写成中文数字，现为 {number}。")
    if number < 10:
        return DIGITS[number]
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    head = f"{DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        head += ("" if tens == 1 and not hundreds else DIGITS[tens]) + "十"
    elif hundreds and ones:
        head += "零"
    return head + (DIGITS[ones] if ones else "")


def group_name(text: str) -> str:
    """The one spelling of a villagers' group (组, 社): 十四组, 第14组, １４ 组 → 14组; a name without number stays."""
    word = re.sub(r"\s+", "", narrow(text))
    match = re.fullmatch(r"第?([0-9]{1,3}|[〇零一二三四五六七八九十百两]+)(村民小组|小组|组|社|队)?", word)
    if not match:
        return word
    unit = "组" if match[2] in (None, "小组", "村民小组") else match[2]
    try:
        return f"{chinese_to_number(match[1])}{unit}"
    except ValueError:
        return word
