"""A rate in the one rate shape as values the engine computes with. Pure: JSON in, frozen values out.

``components`` and ``payees`` are written as pairs in a version: PostgreSQL forgets the order of a mapping's keys, and
the last of them takes the rest of a split.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from farmland.lib.conditions import Condition
from farmland.lib.numbers import exact

ROUNDING = ("half_up", "down", "up")
EDGES = ("[)", "[]", "(]", "()")
ONLY = ""  # the name of the lines of a rate that has no readings
VILLAGE = "village"  # paid where a plan names no payee
Bound = Fraction | str | None  # a number, "$fact", open


class RuleError(ValueError):
    """A shape that cannot be computed, with the Chinese reason."""


@dataclass(frozen=True)
class Price:
    """元: a plain number, or a table by facts, or the equal share of a pool by area."""

    amount: Fraction | None = None
    by: tuple[str, ...] = ()
    table: Mapping[tuple[str, ...], Fraction] = field(default_factory=dict)
    pool: str = ""  # the fact
    rounding: tuple[str, int] = ("down", 2)  # of the pool's price


@dataclass(frozen=True)
class Line:
    """元 per 亩 of a slice [start, end) of the base, or a lump when the base lies in the band."""

    price: Price
    is_lump: bool = False
    start: Bound = None
    end: Bound = None
    edges: str = "[)"

    @property
    def is_bounded(self) -> bool:
        return self.start is not None or self.end is not None

    def holds(self, base: Fraction, start: Fraction | None, end: Fraction | None) -> bool:
        """Whether the base lies in the band."""
        above = start is None or base > start or (base == start and self.edges[0] == "[")
        below = end is None or base < end or (base == end and self.edges[1] == "]")
        return above and below


@dataclass(frozen=True)
class Source:
    """Where money comes from: up to ``per_mu`` × ``of`` less what was ``used``; without ``per_mu`` all of it."""

    name: str
    per_mu: Fraction | None = None
    of: str = ""
    used: str = ""


@dataclass(frozen=True)
class Rule:
    key: str
    name: str
    clause: str
    readings: Mapping[str, tuple[Line, ...]]
    chosen: str = ONLY
    document: str = ""
    kinds: tuple[str, ...] = ()
    treatment: str = ""
    years: tuple[int, ...] = ()
    per: tuple[str, ...] = ("subject",)
    base: Bound = None
    base_cap: Bound = None
    where: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    when: tuple[Condition, ...] = ()
    less: tuple[str, ...] = ()
    at_most: Bound = None
    rounding: tuple[str, int] = ("half_up", 2)
    components: tuple[tuple[str, Any], ...] = ()
    payees: tuple[tuple[str, Fraction], ...] = ((VILLAGE, Fraction(1)),)
    sources: tuple[Source, ...] = ()
    guards: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.readings[self.chosen]

    @property
    def by_subject(self) -> bool:
        """Whether each work is paid for itself."""
        return "subject" in self.per

    @property
    def pool(self) -> str:
        return next((line.price.pool for line in self.lines if line.price.pool), "")

    @cached_property
    def facts(self) -> frozenset[str]:
        """Every fact the rule asks for, ``base`` of the group aside."""
        found = {one.fact for one in (*self.where, *self.unless, *self.when)}
        found |= {one.value[1:] for one in (*self.where, *self.unless, *self.when) if _is_fact(one.value)}
        bounds = [self.base, self.base_cap, self.at_most]
        for line in (line for lines in self.readings.values() for line in lines):
            bounds += [line.start, line.end, line.price.pool and f"${line.price.pool}"]
            found |= set(line.price.by)
        for source in self.sources:
            found |= {source.of, source.used}
        found |= {one[1:] for one in bounds if _is_fact(one)}
        found |= {grain for grain in self.per if grain not in ("subject", "division", "year")}
        return frozenset(found - {"", "base"})


def _is_fact(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("$")


def read(shape: Mapping[str, Any]) -> Rule:
    """``shape`` as a version keeps it (``rule`` with its ``chosen``) or as a plan's rate says it. Raises RuleError."""
    readings = _readings(shape)
    chosen = shape.get("chosen") or ONLY
    if chosen not in readings:
        raise RuleError(f"读法“{chosen}”不在 {'、'.join(readings)} 中。")
    rule = Rule(
        key=shape.get("key", ""),
        name=shape.get("name", ""),
        clause=shape.get("clause", ""),
        document=shape.get("document", ""),
        readings=readings,
        chosen=chosen,
        kinds=tuple(shape.get("kinds") or ()),
        treatment=shape.get("treatment") or "",
        years=every_year(shape.get("years") or ()),
        per=tuple(shape.get("per") or ("subject",)),
        base=_bound(shape.get("base")),
        base_cap=_bound(shape.get("base_cap")),
        where=_conditions(shape.get("where")),
        unless=_conditions(shape.get("unless")),
        when=_conditions(shape.get("when")),
        less=tuple(shape.get("less") or ()),
        at_most=_bound(shape.get("at_most")),
        rounding=_rounding(shape.get("round"), ("half_up", 2)),
        components=tuple(pairs(shape.get("components"))),
        payees=_payees(shape.get("payees")),
        sources=tuple(_source(one) for one in shape.get("sources") or ()),
        guards=dict(shape.get("guards") or {}),
    )
    _check(rule)
    return rule


def pairs(given: Any) -> list[tuple[str, Any]]:
    """A mapping, or the pairs it was written as, in its order."""
    rows = given.items() if isinstance(given, Mapping) else given or ()
    return [(name, value) for name, value in rows]


def _readings(shape: Mapping) -> dict[str, tuple[Line, ...]]:
    readings = shape.get("readings") or {}
    if readings:
        return {name: tuple(_line(one) for one in readings[name]) for name in sorted(readings)}
    if not shape.get("lines"):
        raise RuleError(shape.get("open") or "没有写金额。")
    return {ONLY: tuple(_line(one) for one in shape["lines"])}


def _line(raw: Mapping) -> Line:
    if ("price" in raw) == ("lump" in raw):
        raise RuleError("每一档写 price（每亩）或 lump（一次性），且只写一个。")
    edges = raw.get("edges") or "[)"
    if edges not in EDGES:
        raise RuleError(f"边界写法“{edges}”应为 {'、'.join(EDGES)} 之一。")
    price = _price(raw.get("price", raw.get("lump")))
    return Line(price, "lump" in raw, _bound(raw.get("from")), _bound(raw.get("to")), edges)


def _price(raw: Any) -> Price:
    if not isinstance(raw, Mapping):
        return Price(number(raw))
    if "pool" in raw:
        return Price(pool=str(raw["pool"]).removeprefix("$"), rounding=_rounding(raw.get("round"), ("down", 2)))
    by = tuple(raw.get("by") or ())
    return Price(by=by, table=dict(_rows(raw.get("table") or {}, len(by))))


def _rows(table: Mapping, depth: int, above: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Fraction]]:
    """The prices of a table; several facts nest, or stand in one key with commas."""
    for key, value in table.items():
        here = (*above, *(part.strip() for part in str(key).split(",")))
        if isinstance(value, Mapping):
            yield from _rows(value, depth, here)
        elif len(here) != depth:
            raise RuleError(f"标准表的“{'、'.join(here)}”应有 {depth} 级。")
        else:
            yield here, number(value)


def _source(raw: Mapping) -> Source:
    per_mu = raw.get("per_mu")
    fact = {name: str(raw.get(name) or "").removeprefix("$") for name in ("of", "used")}
    if per_mu is not None and not fact["of"]:
        raise RuleError(f"资金来源“{raw.get('from')}”写了每亩上限，要写按什么面积（of）。")
    return Source(str(raw.get("from") or ""), None if per_mu is None else number(per_mu), **fact)


def _payees(raw: Any) -> tuple[tuple[str, Fraction], ...]:
    shares = tuple((who, number(part)) for who, part in pairs(raw)) or ((VILLAGE, Fraction(1)),)
    if sum(part for _, part in shares) != 1:
        raise RuleError("各收款人的份额应合计为 1。")
    return shares


def _conditions(raw: Any) -> tuple[Condition, ...]:
    return tuple(Condition(*one) for one in raw or ())


def _bound(raw: Any) -> Bound:
    if raw is None or raw == "":
        return None
    return raw if _is_fact(raw) else number(raw)


def every_year(span: Iterable) -> tuple[int, ...]:
    """``["2025", "2027"]`` is from … to: 2025, 2026, 2027; one year stands for itself."""
    years = [int(year) for year in span]
    return tuple(range(years[0], years[-1] + 1)) if years else ()


def _rounding(raw: Any, default: tuple[str, int]) -> tuple[str, int]:
    if not raw:
        return default
    mode, places = raw[0], int(raw[1])
    if mode not in ROUNDING:
        raise RuleError(f"取整方式“{mode}”应为 {'、'.join(ROUNDING)} 之一。")
    return mode, places


def number(raw: Any) -> Fraction:
    """The exact number of a text or Decimal. RuleError for anything else, floats among them."""
    value = exact(raw.strip()) if isinstance(raw, str) else raw
    if isinstance(value, bool) or not isinstance(value, Decimal | int | Fraction):
        raise RuleError(f"“{raw}”不是数。")
    return Fraction(value)


def _check(rule: Rule) -> None:
    if rule.rounding[1] > 2:
        raise RuleError("金额最多两位小数，round 的小数位应为 0 至 2。")
    for lines in rule.readings.values():
        needs_base = any(not line.is_lump or line.is_bounded for line in lines)
        if needs_base and rule.base is None:
            raise RuleError("没有写计算基数（base），算不出金额。")
        if any(line.price.pool for line in lines) and (len(lines) > 1 or lines[0].is_bounded or lines[0].is_lump):
            raise RuleError("资金总额均分的标准只能有一档，不分段。")
