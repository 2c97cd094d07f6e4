"""Area that villages reported before they ended (撤并): without a parcel it is accepted where it was reported.

The successor's figures hold it, but an acceptance in the successor's own name would count beside it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import Q, Sum

from farmland.lib.fields import QuantityField
from farmland.places.models import Division
from parcels.models import Rung, Step
from parcels.progress import Ladders
from tasks.models import TownYear
from tasks.waiting import Waiting, first_of

ZERO = Decimal(0)


@dataclass(frozen=True)
class Former:
    """What a village that ended has reported of one kind and tranche without a parcel; areas by rank."""

    division: Division
    kind: str
    owns: dict[int, Decimal]

    def reached(self, rank: int) -> Decimal:
        return max([area for at, area in self.owns.items() if at >= rank] + [ZERO])


def name_of(one: Division, on: date) -> str:
    """The village as a form offers it: what ended says so. Asks for ``merged_into``."""
    if one.is_alive(on):
        return one.name
    return f"{one.name}（已并入{one.merged_into}）" if one.merged_into_id else f"{one.name}（已撤并）"


def at_or_before(code: str, field: str = "division") -> Q:
    """Rows of the division of this code, and of those that went into it."""
    return Q(**{f"{field}__code": code}) | Q(**{f"{field}__merged_into__code": code})


def formers(town_year: TownYear, inside: Iterable[Division]) -> list[Former]:
    """One for each unplaced work of the divisions of ``inside`` that have ended; one query where there are any."""
    ended = {one.pk: one for one in inside if not one.is_alive(town_year.today())}
    if not ended:
        return []
    steps = Step.objects.filter(
        town=town_year.town, work__year=town_year.year, work__parcel=None, work__exit="", work__division__in=ended
    )  # fmt: skip
    owns: dict[tuple, dict[int, Decimal]] = defaultdict(dict)
    rows = steps.order_by("work__division__path", "work").values_list(
        "work", "work__division", "work__kind", "rung__rank"
    )
    for *key, rank, area in rows.annotate(area=Sum("area_mu", output_field=QuantityField())):
        owns[tuple(key)][rank] = area
    return [Former(ended[division], kind, areas) for (_, division, kind), areas in owns.items()]


def unaccepted(rows: Iterable[Former], ladders: Ladders, levels: dict[str, str]) -> list[Former]:
    """Those with area the level that counts (``levels`` by kind) has not accepted."""
    return [one for one in rows if _left(one, ladders, levels.get(one.kind, "")) > 0]


def _left(one: Former, ladders: Ladders, level: str) -> Decimal:
    counted = ladders.of_level(one.kind, level)
    return _waits(one, ladders.rungs(one.kind), counted, "planted")


def _waits(one: Former, rungs: list[Rung], counted: Rung | None, tier: str) -> Decimal:
    rung = first_of(rungs, tier)
    accepted = one.reached(counted.rank) if counted else ZERO
    return max(one.reached(rung.rank) - accepted, ZERO) if rung else ZERO


def apart(rows: list[Waiting], found: list[Former], ladders: Ladders) -> list[Waiting]:
    """The queue with a line for each former village; its successor's line keeps the rest."""
    lines = []
    for row in rows:
        at = (row.division.pk, row.target.kind_id)
        parts = [_line(row, one, ladders) for one in found if (one.division.merged_into_id, one.kind) == at]
        parts = [one for one in parts if one.area > 0]
        rest = replace(
            row,
            planted=row.planted - sum((one.planted for one in parts), ZERO),
            evidenced=max(row.evidenced - sum((one.evidenced for one in parts), ZERO), ZERO),
            levels=tuple(
                (level, area - sum((dict(_pairs(one)).get(level, ZERO) for one in parts), ZERO), counted)
                for level, area, counted in row.levels
            ),
        )
        lines += [rest] * (rest.area > 0) + parts
    return lines


def _pairs(one: Waiting) -> list[tuple[str, Decimal]]:
    return [(level, area) for level, area, _ in one.levels]


def _line(row: Waiting, one: Former, ladders: Ladders) -> Waiting:
    counted = ladders.of_level(one.kind, row.target.level)
    rungs = [rung for rung in ladders.rungs(one.kind) if counted is None or rung.rank <= counted.rank]
    planted, evidenced = (_waits(one, rungs, counted, tier) for tier in ("planted", "evidenced"))
    reached = {rung.level: one.reached(rung.rank) for rung in rungs}
    levels = tuple((level, reached[level], is_it) for level, _, is_it in row.levels)
    return Waiting(row.target, one.division, planted, evidenced, reached.get(row.target.level, ZERO), levels)
