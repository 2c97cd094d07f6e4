"""Numbers as people type and print them in Chinese forms and plans: text to Decimal and back, never through a float.

Full-width digits are the same digits; NaN, 1e5, 1_000, ٣, ² and ½ are no numbers. Errors: ``ValueError`` in Chinese.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

MINUS = "\N{MINUS SIGN}"
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
UNSEEN = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
STATED_AS_NONE = {"", "/", "\\", "-", "--", "—", "——", "–", "无", "不涉及"}

PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
GROUPED_NUMBER = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
WHOLE_DIGITS = 12
FIFTEEN = Context(prec=15)

UNITS = {
    "亩": "mu", "㎡": "m2", "m²": "m2", "m2": "m2", "平方米": "m2",
    "公顷": "hectare", "hm²": "hectare", "hm2": "hectare",
    "个": "count", "宗": "count", "块": "count", "处": "count", "元": "yuan", "%": "percent",
    "元/亩": "yuan_per_mu", "元/亩/年": "yuan_per_mu_year",
}  # fmt: skip
TIMES = {"": Decimal(1), "万": Decimal(10_000), "亿": Decimal(100_000_000)}
AT_LEAST = r"不低于|不少于|不小于|至少|≥|>="
AT_MOST = r"不超过|不高于|不大于|不多于|至多|≤|<="
QUANTITY = re.compile(
    rf"(?P<about>约为?|大约|近)?(?P<sign>{AT_LEAST}|{AT_MOST})?(?P<about2>约)?\s*"
    rf"(?P<number>[+-]?[0-9][0-9,]*(?:\.[0-9]+)?)\s*(?P<more>余|多)?(?P<times>[万亿]?)(?P<more2>余|多)?"
    rf"(?P<unit>{'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})?"
    rf"(?P<tail>(?:及|\(含\))?以上|(?:及|\(含\))?以内|(?:及|\(含\))?以下|左右|上下)?"
)


@dataclass(frozen=True)
class Quantity:
    """An amount as a plan prints it: ``value`` with 万 and 亿 multiplied out; ``unit`` None where none is (C06).

    ``unit`` is one of ``UNITS``' values (mu, m2, hectare, count, yuan, percent, yuan_per_mu …), ``comparison`` is
    ``gte``, ``lte`` or ``eq``, ``approximate`` is true for 约, 近, 余 and 左右, ``stated`` is the text as printed.
    """

    value: Decimal
    unit: str | None
    comparison: str
    approximate: bool
    stated: str


def narrow(text: str) -> str:
    """Full-width letters, digits, signs and spaces as ASCII, invisible marks dropped, ends stripped; no more.

    Not NFKC: that turns 5² into 52 and ½ into 1⁄2.
    """
    return str(text).translate(FULL_WIDTH).translate(UNSEEN).strip()


def is_not_applicable(value: object) -> bool:
    """Whether a cell says that there is no number: "/", "—", "无", "不涉及", or is empty."""
    return narrow(text_of(value)) in STATED_AS_NONE


def text_of(value: object) -> str:
    """The text of a workbook Cell, a number or a text. A float gives its 15 significant digits."""
    value = getattr(value, "text", value)
    if value is None:
        return ""
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return str(value)


def float_text(value: float | str) -> str:
    """What a spreadsheet shows for a stored binary number: 15 significant digits, 12.100000000000001 → "12.1".

    Takes the float or its printed form; raises ``ValueError`` on NaN, infinity and magnitudes beyond 10^±20.
    """
    try:
        number = FIFTEEN.create_decimal(repr(value) if isinstance(value, float) else value)
    except ArithmeticError as error:
        raise ValueError(f"应为数字，现为“{value}”。") from error
    if not number.is_finite() or (number and not -20 <= number.adjusted() <= 20):
        raise ValueError(f"应为数字，现为“{value}”。")
    return plain(number)


def parse_decimal(
    value: object,
    *,
    places: int = 4,
    minimum: Decimal | int | None = None,
    maximum: Decimal | int | None = None,
) -> Decimal | None:
    """The exact number in a text, a workbook Cell or a cell value; None when it is empty.

    Thousands separators count only when well-formed. More than ``places`` decimals are refused, never rounded.
    """
    shown = text_of(value).strip()
    text = narrow(shown).replace(MINUS, "-")
    if not text:
        return None
    number = exact(text)
    if number is None or isinstance(value, bool):
        raise ValueError(f"应为数字，现为“{shown}”。")
    if number.adjusted() >= WHOLE_DIGITS:
        raise ValueError(f"数字过大，整数部分最多 {WHOLE_DIGITS} 位，现为“{shown}”。")
    if decimals(number) > places:
        raise ValueError(f"小数最多 {places} 位，现为“{shown}”。" if places else f"应为整数，现为“{shown}”。")
    if minimum is not None and number < minimum:
        raise ValueError(f"应不小于 {plain(Decimal(minimum))}，现为“{shown}”。")
    if maximum is not None and number > maximum:
        raise ValueError(f"应不大于 {plain(Decimal(maximum))}，现为“{shown}”。")
    return number


def parse_stated(value: object, *, places: int = 4) -> tuple[Decimal | None, str]:
    """A number beside the text as printed: "28.1" → (28.1, "28.1"), "/" → (None, "/"), empty → (None, "")."""
    stated = text_of(value).strip()
    return (None if is_not_applicable(stated) else parse_decimal(stated, places=places)), stated


def parse_quantity(value: object) -> Quantity:
    """Read an amount with unit and comparison: "333亩以上", "不低于20,647亩", "约453亩", "23个", "18亿亩"."""
    stated = text_of(value).strip()
    text = narrow(stated).replace(MINUS, "-")
    match = QUANTITY.fullmatch(text)
    number = exact(match["number"]) if match else None
    if number is None:
        raise ValueError(f"应为数量（如“333亩以上”“约453亩”“23个”），现为“{stated}”。")
    sign, tail = match["sign"] or "", match["tail"] or ""
    approximate = any(match[name] for name in ("about", "about2", "more", "more2")) or tail in {"左右", "上下"}
    comparison = "eq"
    if re.fullmatch(AT_LEAST, sign) or tail.endswith("以上"):
        comparison = "gte"
    if re.fullmatch(AT_MOST, sign) or tail.endswith(("以内", "以下")):
        if comparison == "gte":
            raise ValueError(f"“{stated}”既说不低于又说不高于，请只写一种。")
        comparison = "lte"
    return Quantity(number * TIMES[match["times"]], UNITS.get(match["unit"]), comparison, approximate, stated)


def exact(text: str) -> Decimal | None:
    """The Decimal of an ASCII number text, None when it is none."""
    if PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    if GROUPED_NUMBER.fullmatch(text):
        return Decimal(text.replace(",", ""))
    return None


def decimals(number: Decimal) -> int:
    """How many decimals a number needs: 28.10 → 1."""
    return len(plain(number).partition(".")[2])


def plain(number: Decimal) -> str:
    """As short as it can be, for files and REST: no exponent, no trailing zeros, no separators: "28.1", "-61.9"."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def fixed(number: Decimal, places: int = 2) -> str:
    """For screens: thousands separators, fixed decimals, half up, a true minus: "15,995.15", "−61.90"."""
    text = format(rounded(number, places), ",f")
    return text.replace("-", MINUS)


def signed(number: Decimal, places: int = 2) -> str:
    """For differences on screens: "+7.10", "−61.90", and "0.00" without a sign."""
    return ("+" if rounded(number, places) > 0 else "") + fixed(number, places)


def rounded(number: Decimal, places: int) -> Decimal:
    """Half up to ``places`` decimals; never a negative zero."""
    value = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, Context(prec=60))
    return abs(value) if value == 0 else value
