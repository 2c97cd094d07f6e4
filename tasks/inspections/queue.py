"""What may go into a batch (待验收队列): works far enough for a level, and accepted works for a re-check.

Which stage is far enough comes from the ladder: for levels up to the town's own the last stage before any level
(已举证), above it the next lower level. The user may ask for an earlier or later stage.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from farmland.lib.fields import QuantityField
from farmland.places.models import Division, Term
from parcels.models import InspectionItem, Rung, Step
from parcels.progress import Ladders
from tasks.models import TownYear

ZERO = Decimal(0)


@dataclass(frozen=True)
class Wanted:
    """What is looked for: a level, from which stage on ("" as the ladder says), or what the level has accepted."""

    level: str
    kinds: tuple[str, ...]
    start: str = ""
    is_recheck: bool = False
    path: str = ""  # of a division: only below it


@dataclass(frozen=True)
class Ready:
    """A work by its keys, and the area that can be presented (or re-checked)."""

    work: object
    division: int
    kind: str
    area: Decimal


def own_level(town: Division) -> str:
    """The level a town itself accepts at: a word of its kind's Term."""
    attrs = Term.objects.filter(dictionary="division_kind", code=town.kind, town=None).values_list("attrs", flat=True)
    return (attrs.first() or {}).get("level", "")


def start_of(ladders: Ladders, kind: str, level: str, own: str) -> Rung | None:
    """The stage from which works of ``kind`` can be put to ``level``; None where the ladder has no such level."""
    wanted, owned = ladders.of_level(kind, level), ladders.of_level(kind, own)
    if wanted is None:
        return None
    rungs = ladders.rungs(kind)
    first = next(rung for rung in rungs if rung.level)
    is_own = owned is not None and wanted.rank <= owned.rank
    below = first.rank if is_own else wanted.rank
    return max((one for one in rungs if one.rank < below), key=lambda one: one.rank, default=None)


def ready(user, town_year: TownYear, ladders: Ladders, wanted: Wanted) -> list[Ready]:
    """All works in the user's scope that answer ``wanted``, by place, kind and age; three queries."""
    bounds = _bounds(town_year, ladders, wanted)
    if not bounds:
        return []
    steps = Step.objects.visible_to(user).filter(
        town=town_year.town_id, work__year=town_year.year, work__exit="", work__kind__in=bounds,
        rung__rank__gte=min(low for low, _ in bounds.values()),
    )  # fmt: skip
    if wanted.path:
        steps = steps.filter(work__division__path__startswith=wanted.path)
    steps = steps.order_by().values_list("work", "work__division__path", "work__division", "work__kind", "rung__rank")
    sums: dict[tuple, dict[int, Decimal]] = defaultdict(dict)
    for *key, rank, area in steps.annotate(area=Sum("area_mu", output_field=QuantityField())):
        sums[tuple(key)][rank] = area
    busy = set(waiting_elsewhere(town_year, wanted))
    found = []
    for (work, path, division, kind), owns in sums.items():
        area = _area(owns, *bounds[kind], wanted.is_recheck)
        if area > 0 and work not in busy:
            found.append((path, kind, work, Ready(work, division, kind, area)))
    return [one for *_, one in sorted(found, key=lambda row: row[:3])]


def _bounds(town_year: TownYear, ladders: Ladders, wanted: Wanted) -> dict[str, tuple[int, int]]:
    """For each kind the rank from which works qualify and the rank of the level."""
    own, found = own_level(town_year.town), {}
    for kind in wanted.kinds:
        level = ladders.of_level(kind, wanted.level)
        start = ladders.rung(kind, wanted.start) if wanted.start else start_of(ladders, kind, wanted.level, own)
        if level is not None and start is not None and start.rank < level.rank:
            found[kind] = (start.rank, level.rank)
    return found


def _area(owns: dict[int, Decimal], start: int, level: int, is_recheck: bool) -> Decimal:
    if is_recheck:
        return owns.get(level, ZERO)
    return _reached(owns, start) - _reached(owns, level)


def _reached(owns: dict[int, Decimal], rank: int) -> Decimal:
    return max([area for at, area in owns.items() if at >= rank] + [ZERO])


def waiting_elsewhere(town_year: TownYear, wanted: Wanted):
    """The works that are in an open batch of the same level already."""
    items = InspectionItem.objects.filter(
        town=town_year.town_id, inspection__year=town_year.year, inspection__state="draft",
        inspection__level=wanted.level, inspection__is_recheck=wanted.is_recheck,
    )  # fmt: skip
    return items.values_list("work", flat=True)


def groups(rows: Iterable[Ready]) -> dict[tuple[int, str], tuple[int, Decimal]]:
    """(division, kind) → how many works and how much area, in the order of the rows."""
    found: dict[tuple[int, str], tuple[int, Decimal]] = {}
    for one in rows:
        count, area = found.get((one.division, one.kind), (0, ZERO))
        found[one.division, one.kind] = (count + 1, area + one.area)
    return found
