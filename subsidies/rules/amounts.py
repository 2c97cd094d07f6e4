"""Sums of a rate: slices, lumps, pools, ceilings, earlier payments, splits; exact until the one rounding. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from farmland.lib.numbers import exact as exact_number
from subsidies.rules.rule import Bound, Line, Price, Rule
from subsidies.rules.words import number_text

CENT = 2
ZERO = Fraction(0)
OF_GROUP = {"contiguous_mu"}  # an area of the whole block that each of its rows carries


class Held(Exception):
    """Why an amount cannot be told: an unknown ``fact``, or ``text``; ``is_final`` where nothing is owed at all."""

    def __init__(self, fact: str = "", text: str = "", *, is_final: bool = False):
        super().__init__(fact or text)
        self.fact, self.text, self.is_final = fact, text, is_final


@dataclass(frozen=True)
class Pool:
    fact: str
    whole: Decimal
    area: Fraction
    price: Fraction


@dataclass
class Priced:
    """One reading's sum of one group. ``exact`` is after ceiling and what was given before."""

    lines: list[dict]
    exact: Fraction
    mode: str
    places: int
    ceiling: dict | None = None
    less: list[dict] = field(default_factory=list)
    pool: Pool | None = None
    is_down: bool = False  # rounded down because the pool would have been exceeded

    @property
    def rounded(self) -> Decimal:
        return rounded(self.exact, "down" if self.is_down else self.mode, self.places)

    @property
    def is_overpaid(self) -> bool:
        return self.exact < 0

    @property
    def overpaid_text(self) -> str:
        given = sum((Fraction(one["amount"]) for one in self.less), ZERO)
        owed = self.exact + given
        return (
            f"此前已补 {number_text(given)} 元，多于现应补的 {number_text(owed)} 元，"
            f"多出的 {number_text(-self.exact)} 元须作调整"
        )

    def round_down(self) -> None:
        self.is_down = True

    def shares(self, rule: Rule, group, amount: Decimal) -> "Shares":
        shares = Shares([{"payee_kind": who, "amount": money(part)} for who, part in split(amount, rule.payees)])
        shares.draw(rule, group.facts, amount)
        return shares


@dataclass
class Sum:
    readings: dict[str, Priced] = field(default_factory=dict)


@dataclass
class Shares:
    """Who gets how much, and out of whose money; each Σ is the amount."""

    parts: list[dict]
    sources: list[dict] = field(default_factory=list)
    short: str = ""

    def draw(self, rule: Rule, facts: Mapping, amount: Decimal) -> None:
        if not rule.sources:
            self.sources = [{"source": "", "amount": money(amount)}]
            return
        rest = amount
        for source in rule.sources:
            most = rest
            if source.per_mu is not None:
                try:
                    used = value_of(facts, f"${source.used}") if source.used else ZERO
                    most = rounded(max(source.per_mu * value_of(facts, f"${source.of}") - used, ZERO), "down", CENT)
                except Held as held:
                    self.short = f"资金来源“{source.name}”的上限算不出：{held.fact} 不知道"
                    return
            taken = min(rest, most)
            rest -= taken
            self.sources.append({"source": source.name, "amount": money(taken)})
        if rest:
            self.short = f"各资金来源的上限合计不够，还差 {money(rest)} 元"


def rounded(value: Fraction, mode: str, places: int) -> Decimal:
    """Once, by whole numbers only; half up and up go away from zero."""
    scaled = abs(value) * 10**places
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    if (mode == "up" and rest) or (mode == "half_up" and 2 * rest >= scaled.denominator):
        whole += 1
    sign = 1 if value < 0 and whole else 0
    return Decimal((sign, tuple(map(int, str(whole))), -places))


def money(amount: Decimal) -> str:
    return format(amount.quantize(Decimal("0.01")), "f")


def split(amount: Decimal, parts: Sequence[tuple[str, Fraction | Decimal]]) -> list[tuple[str, Decimal]]:
    """``amount`` in the proportion of ``parts``, each rounded down to the 分 towards nothing, the rest to the last."""
    whole = sum((Fraction(weight) for _, weight in parts), ZERO)
    if not whole:
        return []
    shares = [
        (name, rounded(Fraction(amount) * Fraction(weight) / whole, "down", CENT)) for name, weight in parts[:-1]
    ]
    return [*shares, (parts[-1][0], amount - sum(share for _, share in shares))]


def as_number(value: Any) -> Fraction | None:
    """An attribute is a text; what is no number is unknown."""
    if isinstance(value, str):
        value = exact_number(value.strip())
    return None if value is None or isinstance(value, bool) else Fraction(value)


def value_of(facts: Mapping, bound: Bound) -> Fraction:
    """A number, or the fact ``$name``. Held when that is unknown."""
    if not isinstance(bound, str):
        return Fraction(bound)
    number = as_number(facts.get(bound[1:]))
    if number is None:
        raise Held(bound[1:])
    return number


def add_up(rule: Rule, rows: Iterable) -> Fraction | None:
    """The base of a group: the sum over its rows, each under its own cap; None for a rate that is not by area."""
    if rule.base is None:
        return None
    if isinstance(rule.base, str) and rule.base[1:] in OF_GROUP:
        return value_of({rule.base[1:]: _common(rows, rule.base[1:])}, rule.base)
    return sum((base_of(rule, row.facts) for row in rows), ZERO)


def base_of(rule: Rule, facts: Mapping) -> Fraction:
    base = value_of(facts, rule.base)
    return base if rule.base_cap is None else min(base, value_of(facts, rule.base_cap))


def group_facts(rows: Sequence, base: Fraction | None) -> dict[str, Any]:
    """What is true of the rows together: areas and moneys add up, the rest is what all agree on."""
    names = {name for row in rows for name in row.facts}
    found = {}
    for name in names:
        adds = (name.endswith(("_mu", "_used")) or name == "invoiced") and name not in OF_GROUP
        found[name] = _total(rows, name) if adds and len(rows) > 1 else _common(rows, name)
    return found | ({} if base is None else {"base": as_decimal(base)})


def as_decimal(number: Fraction) -> Decimal:
    """Areas and moneys, and their sums, always have an end."""
    return Decimal(number_text(number))


def _total(rows: Sequence, name: str) -> Decimal | None:
    numbers = [as_number(row.facts.get(name)) for row in rows]
    return None if None in numbers else as_decimal(sum(numbers, ZERO))


def _common(rows: Iterable, name: str) -> Any:
    values = [row.facts.get(name) for row in rows]
    return values[0] if values and all(value == values[0] for value in values) else None


def pool_price(lines: Sequence[Line], groups: Sequence) -> Pool | None:
    """元 per 亩 of a pool: shared by every group that may still be paid, so that what is held finds its money."""
    price = lines[0].price
    if not price.pool or not groups:
        return None
    if unknown := [group for group in groups if group.base is None]:
        raise Held(text=f"还有 {len(unknown)} 笔面积不知道，均分的单价算不出")
    known = [group.facts.get(price.pool) for group in groups]
    whole = as_number(known[0])
    if whole is None or any(as_number(one) != whole for one in known):
        raise Held(price.pool)
    area = sum((group.base for group in groups), ZERO)
    return Pool(price.pool, rounded(whole, "down", CENT), area, Fraction(rounded(whole / area, *price.rounding)))


def settle(rule: Rule, lines: Sequence[Line], group, pool: Pool | None, earlier: Mapping) -> Priced:
    """The amount of one group under one reading. Held where something it needs is unknown."""
    if rule.base is not None and group.base is None:
        raise Held(text="计算面积不知道")
    total, shown = ZERO, []
    for line in lines:
        entries = _lump(line, group) if line.is_lump else _slices(rule, line, group, pool)
        shown += entries
        total += sum((Fraction(entry["exact"]) for entry in entries), ZERO)
    ceiling = None
    if rule.at_most is not None:
        most = value_of(group.facts, rule.at_most)
        ceiling = {"fact": str(rule.at_most).removeprefix("$"), "value": number_text(most), "hit": total > most}
        total = min(total, most)
    less = []
    for key in rule.less:
        given = earlier.get(key, {}).get(group.subject, Decimal(0))
        if given is None:
            raise Held(text=f"前一笔“{key}”还没有算清")
        less.append({"rate": key, "amount": money(given)})
        total -= Fraction(given)
    return Priced(shown, total, *rule.rounding, ceiling, less, pool)


def _lump(line: Line, group) -> list[dict]:
    start, end = _bounds(line, group.facts)
    if line.is_bounded and not line.holds(group.base, start, end):
        return []
    amount = price_for(line.price, group.facts)
    text = f"一次性 {number_text(amount)} 元"
    if line.is_bounded:
        text = f"{number_text(group.base)} 亩在{_band(line, start, end)}：{text}"
    return [{"text": text, "lump": number_text(amount), "amount": number_text(amount), "exact": str(amount)}]


def _band(line: Line, start: Fraction | None, end: Fraction | None) -> str:
    low = "" if start is None else f"{number_text(start)} 亩{'及以上' if line.edges[0] == '[' else '以上（不含）'}"
    high = "" if end is None else f"{number_text(end)} 亩{'及以内' if line.edges[1] == ']' else '以内（不含）'}"
    return "、".join(part for part in (low, high) if part)


def _slices(rule: Rule, line: Line, group, pool: Pool | None) -> list[dict]:
    """Price × the slice of the base; a table's prices each on the area of their own rows."""
    if pool is not None:
        return [_slice(group.base, pool.price, line, None, None)]
    start, end = _bounds(line, group.facts)
    pieces = _pieces(rule, line.price, group)
    if len(pieces) > 1 and line.is_bounded:
        raise Held(text="同一笔里有几种单价，分段的面积分不清")
    found = []
    for price, area in pieces:
        part = max(ZERO, (area if end is None else min(area, end)) - (start or ZERO))
        if part or (len(pieces) == 1 and not line.is_bounded):
            found.append(_slice(part, price, line, start, end))
    return found


def _slice(area: Fraction, price: Fraction, line: Line, start: Fraction | None, end: Fraction | None) -> dict:
    amount = area * price
    head = ""
    if start is not None and end is not None:
        head = f"{number_text(start)} 至 {number_text(end)} 亩的部分："
    elif start is not None:
        head = f"超过 {number_text(start)} 亩的部分："
    elif end is not None:
        head = f"{number_text(end)} 亩以内："
    return {
        "text": f"{head}{number_text(area)} 亩 × {number_text(price)} 元/亩",
        "price": number_text(price),
        "from": None if start is None else number_text(start),
        "to": None if end is None else number_text(end),
        "area": number_text(area),
        "amount": number_text(amount),
        "exact": str(amount),
    }


def _pieces(rule: Rule, price: Price, group) -> list[tuple[Fraction, Fraction]]:
    """(price, area), the areas of one price together."""
    if not price.by:
        return [(price.amount, group.base)]
    areas: dict[Fraction, Fraction] = {}
    if len(group.kept) == 1:
        return [(price_for(price, group.kept[0].facts), group.base)]
    for row in group.kept:
        found = price_for(price, row.facts)
        areas[found] = areas.get(found, ZERO) + base_of(rule, row.facts)
    return sorted(areas.items())


def price_for(price: Price, facts: Mapping) -> Fraction:
    """The number, or what the table says for these facts."""
    if not price.by:
        return price.amount
    key = []
    for fact in price.by:
        if facts.get(fact) is None:
            raise Held(fact)
        key.append(number_text(facts[fact]) if isinstance(facts[fact], Decimal) else str(facts[fact]))
    if tuple(key) not in price.table:
        raise Held(text=f"标准表里没有“{'、'.join(key)}”", is_final=True)
    return price.table[tuple(key)]


def _bounds(line: Line, facts: Mapping) -> tuple[Fraction | None, Fraction | None]:
    start = None if line.start is None else value_of(facts, line.start)
    return start, None if line.end is None else value_of(facts, line.end)
