"""How far the land is: one SQL statement over works and steps per town (own, reached, at of docs/architecture.md)."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from django.db import connection

from farmland.places.models import Division
from parcels.models import Rung

# Areas are whole ten-thousandths. `works` has a row for each work that did not leave (exit): own0 … ownN, the Σ of its
# steps up to a day on each rank of its ladder, and reached0 … reachedN, the greatest own of that rank and every higher
# one (at rank 0 also the planned area). One pass over the steps; sums per rank are columns, so nothing is sorted.
WORKS = """
WITH facts AS ({facts}), works AS (
    SELECT parcel_id, division_id, kind_id, year, tranche, {reached}, CASE {furthest} ELSE 0 END AS furthest FROM facts
)
"""
FACTS = """
    SELECT w.id, w.parcel_id, w.division_id, w.kind_id, w.year, w.tranche, COALESCE(w.area_mu, 0) AS planned, {sums}
    FROM parcels_work w
    LEFT JOIN parcels_step s ON s.town_id = w.town_id AND s.work_id = w.id AND {on} <= %(day)s
    LEFT JOIN parcels_rung r ON r.id = s.rung_id
    WHERE w.town_id = %(town)s AND w.exit = ''
    GROUP BY w.id
"""
# The same said for SQLite, which otherwise walks the works of all towns in the order of their keys so as not to sort.
FACTS_OF_SQLITE = """
    SELECT w.parcel_id, w.division_id, w.kind_id, w.year, w.tranche, COALESCE(w.area_mu, 0) AS planned, {owns}
    FROM parcels_work w
    LEFT JOIN (
        SELECT s.work_id, {sums} FROM parcels_step s JOIN parcels_rung r ON r.id = s.rung_id
        WHERE s.town_id = %(town)s AND {on} <= %(day)s
        GROUP BY s.work_id
    ) own ON own.work_id = w.id
    WHERE w.town_id = %(town)s AND w.exit = ''
"""
# First the areas reached, then (1) the number of parcels whose least advanced area stands on each rank.
PARCELS = """, parcels AS (
    SELECT division_id, kind_id, year, tranche, COALESCE(MIN(CASE {lowest} END), 0) AS lowest
    FROM works WHERE parcel_id IS NOT NULL
    GROUP BY parcel_id, division_id, kind_id, year, tranche
)
"""
GROUPS = """
SELECT 0, division_id, kind_id, year, tranche, {areas} FROM works GROUP BY division_id, kind_id, year, tranche
UNION ALL
SELECT 1, division_id, kind_id, year, tranche, {counts} FROM parcels GROUP BY division_id, kind_id, year, tranche
"""
UNDONE = (
    """COALESCE((SELECT o."on" FROM parcels_step o WHERE o.id = s.reverses_id), s."on")"""  # day of what is undone
)
# Then the parcels whose stored stage is not the furthest rung of the least advanced of their open works (of two
# equally far the one whose kind comes first), with what it should be. The rungs are values, not a join of the ladders:
# their number is known to the planner, which else walks all of them for every parcel.
TURN = """, turn AS (
    SELECT parcel_id, kind_id, furthest,
        ROW_NUMBER() OVER (PARTITION BY parcel_id ORDER BY furthest, kind_id) AS place
    FROM works WHERE parcel_id IS NOT NULL
), ladder(kind, rank, code) AS (VALUES {rungs})
"""
STAGES = """
UNION ALL
SELECT 2, NULL, r.code, NULL, CAST(p.id AS VARCHAR), {nothing}
FROM turn t
JOIN parcels_parcel p ON p.id = t.parcel_id
JOIN ladder r ON r.kind = t.kind_id AND r.rank = t.furthest
WHERE t.place = 1 AND p.year = %(year)s AND p.stage <> r.code
UNION ALL
SELECT 2, NULL, '', NULL, CAST(p.id AS VARCHAR), {nothing} FROM parcels_parcel p
WHERE p.town_id = %(town)s AND p.year = %(year)s AND p.stage <> ''
    AND NOT EXISTS (SELECT 1 FROM parcels_work w WHERE w.parcel_id = p.id AND w.exit = '')
"""
NAMES = ("kind", "rank", "code")
EXITS = """
SELECT division_id, kind_id, year, tranche,
    SUM(CASE WHEN exit = 'blocked' THEN COALESCE(area_mu, 0) ELSE 0 END), COUNT(*)
FROM parcels_work WHERE town_id = %(town)s AND exit <> '' GROUP BY division_id, kind_id, year, tranche
"""


@lru_cache
def statement(text: str, top: int, rungs: int, vendor: str) -> str:
    """``text`` with its columns for ladders whose highest rank is ``top``, and room for that many ``rungs``."""
    ranks = range(top + 1)
    greatest = "GREATEST" if vendor == "postgresql" else "MAX"
    owns = {rank: ", ".join(f"own{one}" for one in ranks[rank:]) for rank in ranks}
    planned = {0: "planned"}
    return text.format(
        on='s."on"',
        sums=", ".join(
            f"CAST(COALESCE(SUM(s.area_mu) FILTER (WHERE r.rank = {rank}), 0) AS BIGINT) AS own{rank}"
            for rank in ranks
        ),
        owns=", ".join(f"COALESCE(own{rank}, 0) AS own{rank}" for rank in ranks),
        reached=", ".join(f"{greatest}({planned.get(rank, 0)}, {owns[rank]}) AS reached{rank}" for rank in ranks),
        furthest=" ".join(f"WHEN own{rank} > 0 THEN {rank}" for rank in reversed(ranks)),
        lowest=" ".join(
            f"WHEN reached{rank} > {f'reached{rank + 1}' if rank < top else 0} THEN {rank}" for rank in ranks
        ),
        areas=", ".join(f"SUM(reached{rank})" for rank in ranks),
        rungs=", ".join(f"(%(kind{one})s, %(rank{one})s, %(code{one})s)" for one in range(rungs)),
        nothing=", ".join("NULL" for _ in ranks),
        counts=", ".join(f"COUNT(*) FILTER (WHERE lowest = {rank})" for rank in ranks),
    )


@dataclass
class Group:
    """Sums of one (division, kind, year, tranche): area by furthest rank in 亩, parcels by least advanced rank."""

    at: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    parcels: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    blocked: Decimal = Decimal(0)
    exits: int = 0

    def reached(self, rank: int) -> Decimal:
        return sum((area for at_rank, area in self.at.items() if at_rank >= rank), Decimal(0))

    def add(self, other: "Group") -> None:
        for rank, area in other.at.items():
            self.at[rank] += area
        for rank, count in other.parcels.items():
            self.parcels[rank] += count
        self.blocked += other.blocked
        self.exits += other.exits

    @property
    def is_empty(self) -> bool:
        return not self.at and not self.exits


Key = tuple[int, str, int, str]  # division, kind, year, tranche


def groups(
    town: Division, day: date, ladders: "Ladders | None" = None, *, as_known_now: bool = False
) -> dict[Key, Group]:
    """All sums of a town as of the end of ``day``; ``as_known_now`` leaves out what has been taken back since."""
    return _read(_works(as_known_now) + PARCELS + GROUPS, ladders or Ladders(town), day)[0]


def groups_and_stages(ladders: "Ladders", day: date, year: int) -> tuple[dict[Key, Group], dict[str, list[str]]]:
    """The sums, and the parcels of the year whose stored stage is another than their works give at the end of ``day``:
    by that stage ("" for parcels without open work), their ids."""
    every = [(kind, rung.rank, rung.code) for kind in ladders.kinds for rung in ladders.rungs(kind)]
    facts = {f"{name}{at}": value for at, one in enumerate(every) for name, value in zip(NAMES, one, strict=True)}
    return _read(_works() + PARCELS + TURN + GROUPS + STAGES, ladders, day, len(every), facts | {"year": year})


def _works(as_known_now: bool = False) -> str:
    facts = FACTS if connection.vendor == "postgresql" else FACTS_OF_SQLITE
    return WORKS.replace("{facts}", facts.replace("{on}", UNDONE) if as_known_now else facts)


def _read(text: str, ladders: "Ladders", day: date, rungs: int = 0, more: dict | None = None) -> tuple[dict, dict]:
    facts = {"town": ladders.town.pk, "day": day.isoformat(), **(more or {})}
    found: dict[Key, Group] = defaultdict(Group)
    stale: dict[str, list] = defaultdict(list)
    for part, *row in _rows(statement(text, ladders.top, rungs, connection.vendor), facts):
        if part == 2:
            _, stage, _, parcel, *_ = row
            stale[stage].append(parcel)
            continue
        group, columns = found[tuple(row[:4])], [int(one) for one in row[4:]]
        if part:
            group.parcels.update({rank: count for rank, count in enumerate(columns) if count})
        else:
            areas = [reached - higher for reached, higher in zip(columns, [*columns[1:], 0], strict=True)]
            group.at.update({rank: Decimal(area).scaleb(-4) for rank, area in enumerate(areas) if area or not rank})
    for *key, blocked, count in _rows(EXITS, facts):
        found[tuple(key)].blocked = Decimal(int(blocked)).scaleb(-4)
        found[tuple(key)].exits = count
    return found, stale


def _rows(text: str, facts: dict) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(text, facts)
        return cursor.fetchall()


RUNGS = """
SELECT r.*, k.code AS kind, k.parent_id AS parent, k.counted_level AS counted_level, t.label AS level_name
FROM parcels_kind k
LEFT JOIN parcels_ladderchoice c ON c.kind_id = k.code AND c.town_id = %s
JOIN parcels_rung r ON r.ladder_id = COALESCE(c.ladder_id, k.ladder_id)
LEFT JOIN places_term t ON t.dictionary = 'level' AND t.code = r.level AND t.town_id IS NULL
ORDER BY k."order", k.code, r.rank
"""


class Ladders:
    """The kinds, in their order, and the rungs each climbs in a town; loaded with one query."""

    def __init__(self, town: Division):
        self.town = town
        self._rungs: dict[str, list[Rung]] = defaultdict(list)
        self._parents: dict[str, str | None] = {}
        self.counted_levels: dict[str, str] = {}  # of each kind where the plan is silent
        self.level_names: dict[str, str] = {}
        for rung in Rung.objects.raw(RUNGS, [town.pk]):
            self._rungs[rung.kind].append(rung)
            self._parents[rung.kind] = rung.parent
            self.counted_levels[rung.kind] = rung.counted_level
            if rung.level:
                self.level_names[rung.level] = rung.level_name or rung.level

    @property
    def top(self) -> int:
        """The highest rank of any ladder."""
        return max((rung.rank for rungs in self._rungs.values() for rung in rungs), default=0)

    @property
    def kinds(self) -> list[str]:
        return list(self._parents)

    def leaves(self, kind: str) -> list[str]:
        """The kinds without children at or below this one."""
        children = [code for code, parent in self._parents.items() if parent == kind]
        return [leaf for child in children for leaf in self.leaves(child)] if children else [kind]

    def rungs(self, kind: str) -> list[Rung]:
        return self._rungs[kind]

    def rung(self, kind: str, code: str) -> Rung | None:
        return next((rung for rung in self.rungs(kind) if rung.code == code), None)

    def of_level(self, kind: str, level: str) -> Rung | None:
        """The rung an acceptance of ``level`` steps on."""
        return next((rung for rung in self.rungs(kind) if rung.level == level), None)

    def of_tier(self, kind: str, tier: str) -> int:
        """The lowest rank of a what-if tier; a rank above the ladder when it has no such tier."""
        ranks = [rung.rank for rung in self.rungs(kind) if rung.tier == tier]
        return min(ranks, default=len(self.rungs(kind)))
