"""What a rate pays, worked out a second time from its raw text with fractions, by other means than the engine's.

Knows nothing of the engine: it reads the plan's shape, walks the base in exact steps and shares by largest remainders
where the engine subtracts. Slow and plain on purpose.
"""

from fractions import Fraction
from itertools import groupby


def exact(value) -> Fraction:
    return Fraction(str(value))


def fact(row: dict, text):
    return exact(row[text[1:]]) if str(text).startswith("$") else exact(text)


def cents(amount: Fraction, mode: str, places: int) -> int:
    """Whole 分 of an amount rounded to ``places`` decimals."""
    step = 10 ** (2 - places)
    units = amount * 100 / step
    floor = units.numerator // units.denominator
    if mode == "up" and units != floor:
        floor += 1
    if mode == "half_up" and units - floor >= Fraction(1, 2):
        floor += 1
    return floor * step


def area_inside(base: Fraction, low, high) -> Fraction:
    """The length of [0, base) ∩ [low, high)."""
    top = base if high is None else min(base, high)
    bottom = Fraction(0) if low is None else low
    return max(top - bottom, Fraction(0))


def in_band(base: Fraction, low, high, edges: str) -> bool:
    over = low is None or low < base or (low == base and edges.startswith("["))
    under = high is None or base < high or (base == high and edges.endswith("]"))
    return over and under


def price_of(price, row: dict) -> Fraction:
    if isinstance(price, dict):
        (by,) = price["by"]
        return exact(price["table"][row[by]])
    return exact(price)


def base_of(rate: dict, row: dict) -> Fraction:
    base = fact(row, rate["base"])
    return min(base, fact(row, rate["base_cap"])) if rate.get("base_cap") else base


def one_group(rate: dict, rows: list[dict], price=None) -> Fraction:
    """The exact amount of rows paid together."""
    base = sum((base_of(rate, row) for row in rows), Fraction(0))
    total = Fraction(0)
    for line in rate["lines"]:
        low, high = (fact(rows[0], line[end]) if line.get(end) else None for end in ("from", "to"))
        if "lump" in line:
            total += exact(line["lump"]) if in_band(base, low, high, line.get("edges", "[)")) else 0
        elif price is not None:
            total += base * price
        elif isinstance(line["price"], dict):
            total += sum(base_of(rate, row) * price_of(line["price"], row) for row in rows)
        else:
            total += area_inside(base, low, high) * exact(line["price"])
    if rate.get("at_most"):
        total = min(total, fact(rows[0], rate["at_most"]))
    return total


def settle(rate: dict, rows: list[dict]) -> dict[str, int]:
    """Subject → 分. Every row is paid for itself, or per division."""
    name = "division" if rate.get("per") == ["division"] else "subject"
    groups = {key: list(found) for key, found in groupby(sorted(rows, key=lambda r: r[name]), key=lambda r: r[name])}
    groups = {key: found for key, found in groups.items() if sum(base_of(rate, row) for row in found) > 0}
    price, pool = None, pool_of(rate)
    if pool and groups:
        money, area = exact(rows[0][pool]), sum(base_of(rate, row) for found in groups.values() for row in found)
        price = Fraction(cents(money / area, "down", 2), 100)
    amounts = {key: one_group(rate, found, price) for key, found in groups.items()}
    mode, places = rate["round"][0], int(rate["round"][1])
    paid = {key: cents(amount, mode, places) for key, amount in amounts.items()}
    if pool and groups and sum(paid.values()) > exact(rows[0][pool]) * 100:
        paid = {key: cents(amount, "down", places) for key, amount in amounts.items()}
    return paid


def pool_of(rate: dict) -> str:
    price = rate["lines"][0].get("price")
    return price["pool"][1:] if isinstance(price, dict) and "pool" in price else ""


def shared(whole: int, parts: list[Fraction]) -> list[int]:
    """分 shared by parts: each down, what is left goes to the last one by one."""
    found = [int(whole * part) for part in parts]
    while sum(found) - found[-1] + found[-1] < whole:
        found[-1] += 1
    exactly = [*found[:-1], whole - sum(found[:-1])]
    assert found == exactly
    return found
