"""How values read on screen: two decimals and a thousands comma, a true minus, — for nothing. No floats."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django.utils import timezone

NOTHING = "—"
UNITS = {"mu": "亩", "count": "个", "yuan": "元", "yuan_per_mu": "元/亩"}


def decimal(value) -> Decimal | None:
    """``value`` as Decimal; None and "" are nothing. A float is refused: it has already lost what it says."""
    if value is None or value == "":
        return None
    if isinstance(value, float):
        raise TypeError(f"numbers on screen are Decimal, not float: {value!r}")
    try:
        return Decimal(value)
    except (InvalidOperation, ValueError) as error:
        raise ValueError(f"not a number: {value!r}") from error


def places(value: Decimal, count: int) -> str:
    """Rounded half up, with comma and U+2212; what rounds to nothing has no sign."""
    rounded = value.quantize(Decimal(1).scaleb(-count), ROUND_HALF_UP)
    text = f"{abs(rounded):,.{count}f}"
    return f"−{text}" if rounded < 0 else text


def mu(value) -> str:
    """1210.37 → 1,210.37; 0 → 0.00; None → —."""
    number = decimal(value)
    return NOTHING if number is None else places(number, 2)


def quantity(value, unit: str = "mu") -> str:
    """A value in its unit's own style: areas with two decimals, counts as whole as they are."""
    number = decimal(value)
    if number is None:
        return NOTHING
    if unit != "count":
        return places(number, 2)
    return places(number, 0 if number == number.to_integral_value() else 2)


def signed(value, unit: str = "mu") -> str:
    """+7.10, −61.90, 0.00."""
    text = quantity(value, unit)
    number = decimal(value)
    return f"+{text}" if number is not None and number > 0 and text.strip("0.,") else text


def percent(value, count: int = 2) -> str:
    """0.3168 → 31.68%; above 1 is allowed; None → —."""
    number = decimal(value)
    return NOTHING if number is None else f"{places(number * 100, int(count))}%"


def unit(code) -> str:
    """mu → 亩, count → 个; a unit of a dictionary that we do not know is shown as it is."""
    return UNITS.get(code, code or "")


def local_date(value, style: str = "") -> str:
    """A date as 2023-09-12, a moment as 2023-09-12 17:00 local time; style "short" leaves the year out."""
    if not value:
        return NOTHING
    if isinstance(value, datetime):
        value = timezone.localtime(value) if timezone.is_aware(value) else value
        return value.strftime("%m-%d %H:%M" if style == "short" else "%Y-%m-%d %H:%M")
    if not isinstance(value, date):
        raise TypeError(f"not a date: {value!r}")
    return value.strftime("%m-%d" if style == "short" else "%Y-%m-%d")
