"""抽样: which pieces of a batch are looked at again. A draw that anyone can repeat from the seed and the ids.

The algorithm, so that it can be checked by hand: for each id, the first 16 hex digits of SHA-256("seed:id") are a
whole number h, and u = (h + 1) ÷ 2^64 lies in (0, 1]. The key of an id is −ln u ÷ weight; the ids with the smallest
keys are drawn, equal keys in the order of the ids. With equal weights every id is as likely as any other;
with weights the draw is the one of Efraimidis and Spirakis: at each place the chance is the weight's share of what is
left. Decimals, never floats, so that every machine draws the same. Pure: no clock, no database, no ``random``.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Context, Decimal
from hashlib import sha256
from statistics import median

DIGITS = Context(prec=28)
SPAN = Decimal(2**64)
RETURNED, FLAGGED, LARGE, NEW = 8, 4, 2, 1
RISKS = {  # points are powers of two, so that a sum says which facts it stands for
    RETURNED: "以前被退回过",
    FLAGGED: "举证材料有提示",
    LARGE: "面积在本批中偏大",
    NEW: "填报人以前没有验收通过的记录",
}
MANY_TIMES = 2  # 偏大: this many times the median of the batch


def draw(ids: Iterable[str], percent: Decimal, seed: str, risks: Mapping[str, int] | None = None) -> set[str]:
    """The drawn ids: ``percent`` of them rounded up, at least one; with ``risks`` by weight 1 + points."""
    ids = sorted(set(ids))
    risks = risks or {}
    keys = sorted((key_of(seed, one, 1 + risks.get(one, 0)), one) for one in ids)
    return {one for _, one in keys[: size_of(len(ids), percent)]}


def size_of(count: int, percent: Decimal) -> int:
    """How many of ``count`` are drawn: rounded up, at least one where there is any."""
    if not Decimal(0) < percent <= 100:
        raise ValueError(f"抽样比例应大于 0、不大于 100，现为 {percent}。")
    return int((count * percent / 100).to_integral_value(ROUND_CEILING))


def key_of(seed: str, one: str, weight: int) -> Decimal:
    share = int(sha256(f"{seed}:{one}".encode()).hexdigest()[:16], 16) + 1
    return DIGITS.divide(-DIGITS.ln(DIGITS.divide(Decimal(share), SPAN)), Decimal(weight))


def risk_of(*, returned: bool, flagged: bool, large: bool, new: bool) -> int:
    return RETURNED * returned + FLAGGED * flagged + LARGE * large + NEW * new


def reasons_of(risk: int) -> list[str]:
    """What a sum of points stands for, the heaviest first."""
    return [text for points, text in RISKS.items() if risk & points]


def large_from(areas: Sequence[Decimal]) -> Decimal:
    """The area from which a piece of these is called large; of one or two pieces none is."""
    return median(areas) * MANY_TIMES if len(areas) > 2 else Decimal("Infinity")
