"""Areas: 1 亩 = 2000/3 ㎡ and 1 公顷 = 15 亩 exactly; conversion is exact, rounding happens once, where asked for."""

from decimal import Decimal
from fractions import Fraction

M2_PER_MU = Fraction(2000, 3)
IN_MU = {"mu": Fraction(1), "m2": 1 / M2_PER_MU, "hectare": Fraction(15)}
LARGEST = Decimal("9999999.9999")  # 亩; more is a slip of unit or point
NAMES = {"mu": "亩", "m2": "平方米", "hectare": "公顷"}


def convert(value: Decimal | Fraction | int, unit: str, to: str) -> Fraction:
    """The exact area in another unit (``mu``, ``m2``, ``hectare``). ``ValueError`` on another unit or a float."""
    if isinstance(value, float):
        raise ValueError(f"面积不能用浮点数 {value!r}，请给出精确的小数。")
    for name in (unit, to):
        if name not in IN_MU:
            raise ValueError(f"“{name}”不是面积单位，应为 {'、'.join(IN_MU)} 之一。")
    return Fraction(value) * IN_MU[unit] / IN_MU[to]


def to_mu(value: Decimal | Fraction | int, unit: str, places: int = 4) -> Decimal:
    """In 亩, half up to ``places`` decimals: 10,000 ㎡ → 15.0000."""
    if isinstance(value, float) or unit not in IN_MU:
        convert(value, unit, "mu")  # says why not
    number, times = value if isinstance(value, Fraction) else Fraction(value), IN_MU[unit]
    return _half_up(number.numerator * times.numerator, number.denominator * times.denominator, places)


def to_m2(mu: Decimal | Fraction | int, places: int = 2) -> Decimal:
    """亩 in square metres (平方米), half up: 1 亩 → 666.67."""
    return rounded(convert(mu, "mu", "m2"), places)


def to_hectare(mu: Decimal | Fraction | int, places: int = 4) -> Decimal:
    """亩 in hectares (公顷), half up: 1 亩 → 0.0667."""
    return rounded(convert(mu, "mu", "hectare"), places)


def rounded(value: Fraction, places: int) -> Decimal:
    """A fraction as Decimal, half up (away from zero), by whole numbers only: no context precision interferes."""
    return _half_up(value.numerator, value.denominator, places)


def _half_up(above: int, below: int, places: int) -> Decimal:
    """above ÷ below; a fraction that is not reduced gives the same, without the time it takes to reduce it."""
    whole = (2 * abs(above) * 10**places + below) // (2 * below)
    return Decimal(f"{'-' if above < 0 and whole else ''}{whole}E-{places}")
