"""The list of parcels added up once: totals, the choices of the filters, and where each page begins.

One statement groups the parcels of a user's scope by village, kind, stage and source. Everything the head of the list
says follows from it, and so does the village a page lies in: no page sorts or skips more than one village's parcels.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Count, Sum

from farmland.lib.fields import QuantityField
from farmland.places.models import Division
from parcels.models import Kind
from tasks.models import TownYear

AREAS = ("gross_mu", "cultivated_mu", "pbf_mu", "net_mu")
BY = ("division", "division__path", "division__name", "kind", "kind__name", "stage", "source")
LARGE = 50_000  # parcels from which the sums are kept for KEPT seconds; fewer are added up each time
KEPT = 60


class Group(NamedTuple):
    """Parcels of one village, kind, stage and source."""

    division: int
    path: str
    name: str
    kind: str
    kind_name: str
    stage: str
    source: str
    count: int
    areas: tuple[Decimal | None, ...]


def groups(rows) -> list[Group]:
    sums = {name: Sum(name, output_field=QuantityField()) for name in AREAS}
    found = rows.order_by().values_list(*BY).annotate(Count("pk"), **sums).order_by("division__path", *BY[3:])
    return [Group(*one[: len(BY) + 1], tuple(one[len(BY) + 1 :])) for one in found]


def kept_groups(user, town_year: TownYear, rows) -> list[Group]:
    """Of all a user sees in a town-year. The figures' moment is part of the key: an import ends with new figures."""
    scope = ",".join(user.scope_paths())
    key = f"parcel-groups-{town_year.pk}-{town_year.as_of and town_year.as_of.timestamp()}-{scope}"
    found = cache.get(key)
    if found is None:
        found = groups(rows)
        if sum(one.count for one in found) > LARGE:
            cache.set(key, found, KEPT)
    return found


def chosen_groups(found: Iterable[Group], chosen: dict, below: str, no_stage: str) -> list[Group]:
    """Those the filters leave; ``below``: the path of the chosen division."""
    stage = "" if chosen["stage"] == no_stage else chosen["stage"]
    return [
        one
        for one in found
        if one.path.startswith(below)
        and (not chosen["kind"] or one.kind == chosen["kind"])
        and (not chosen["source"] or one.source == chosen["source"])
        and (not chosen["stage"] or one.stage == stage)
    ]


def totals_of(found: list[Group]) -> dict:
    """The count of all, and one line for each kind: ledgers of different kinds are never added together.

    Exact; an area no parcel states is None, not 0.
    """
    kinds: dict[str, list[Group]] = {}
    for one in sorted(found, key=lambda one: one.kind):
        kinds.setdefault(one.kind, []).append(one)
    return {"count": sum(one.count for one in found), "kinds": [_of_kind(one) for one in kinds.values()]}


def _of_kind(found: list[Group]) -> dict:
    areas = [_added(one.areas[at] for one in found) for at in range(len(AREAS))]
    count = sum(one.count for one in found)
    return {"name": found[0].kind_name, "count": count, **dict(zip(AREAS, areas, strict=True))}


def _added(areas: Iterable[Decimal | None]) -> Decimal | None:
    known = [one for one in areas if one is not None]
    return sum(known, Decimal(0)) if known else None


@dataclass
class ByVillage:
    """The rows in the order of their villages, for a Paginator: it knows how many lie in each."""

    rows: object
    found: list[Group]

    def count(self) -> int:
        return sum(one.count for one in self.found)

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, part: slice) -> list:
        """The rows of one page, with their villages and kinds, by one statement."""
        villages: Counter = Counter()
        for one in self.found:
            villages[one.division] += one.count
        before, inside, first = 0, [], 0
        for division, count in villages.items():
            if before < part.stop and before + count > part.start:
                first = first if inside else part.start - before
                inside.append(division)
            before += count
        return self._named(self._between(inside, first, part.stop - part.start))

    def _between(self, inside: list[int], first: int, count: int) -> list:
        if len(inside) == 1:  # read in the order of an index; nothing is sorted
            return list(self.rows.filter(division=inside[0]).order_by("pk")[first : first + count])
        return list(self.rows.filter(division__in=inside).order_by("division__path", "pk")[first : first + count])

    def _named(self, page: list) -> list:
        places = {one.division: Division(pk=one.division, path=one.path, name=one.name) for one in self.found}
        kinds = {one.kind: Kind(code=one.kind, name=one.kind_name) for one in self.found}
        for one in page:
            one.division, one.kind = places[one.division_id], kinds[one.kind_id]
        return page
