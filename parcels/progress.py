"""How far the land is: one SQL statement over works and steps per town (own, reached, at of docs/architecture.md)."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import connection

from farmland.places.models import Division
from parcels.models import Kind, LadderChoice, Rung

# Areas are whole ten-thousandths. `rungs` holds, per work and rung, the Σ of its steps up to a day, and at rank 0 the
# planned area; walking down from the highest rung, what a rung adds to the greatest own so far is the area whose
# furthest rung it is. A work that left (exit) reaches nothing.
AT = """
WITH rungs AS (
    SELECT work_id, rank, MAX(own) AS own FROM (
        SELECT s.work_id, r.rank, SUM(s.area_mu) AS own
        FROM parcels_step s
        JOIN parcels_rung r ON r.id = s.rung_id
        JOIN parcels_work w ON w.id = s.work_id
        WHERE w.town_id = %(town)s AND w.exit = '' AND s."on" <= %(day)s
        GROUP BY s.work_id, r.rank
        UNION ALL
        SELECT w.id, 0, COALESCE(w.area_mu, 0) FROM parcels_work w WHERE w.town_id = %(town)s AND w.exit = ''
    ) facts GROUP BY work_id, rank
), walked AS (
    SELECT work_id, rank, own,
        MAX(own) OVER (PARTITION BY work_id ORDER BY rank DESC) AS most,
        COALESCE(MAX(own) OVER (
            PARTITION BY work_id ORDER BY rank DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS above
    FROM rungs
)
"""
AREAS = (
    AT
    + """
SELECT w.division_id, w.kind_id, w.year, w.tranche, k.rank, SUM(k.most - k.above)
FROM walked k JOIN parcels_work w ON w.id = k.work_id
GROUP BY w.division_id, w.kind_id, w.year, w.tranche, k.rank
"""
)
PARCELS = (
    AT
    + """
SELECT division_id, kind_id, year, tranche, lowest, COUNT(*) FROM (
    SELECT w.parcel_id, w.division_id, w.kind_id, w.year, w.tranche,
        COALESCE(MIN(CASE WHEN k.most > k.above THEN k.rank END), 0) AS lowest
    FROM walked k JOIN parcels_work w ON w.id = k.work_id
    WHERE w.parcel_id IS NOT NULL
    GROUP BY w.parcel_id, w.division_id, w.kind_id, w.year, w.tranche
) parcels GROUP BY division_id, kind_id, year, tranche, lowest
"""
)
STAGES = (
    AT
    + """
SELECT parcel_id, kind_id, MIN(furthest) FROM (
    SELECT w.parcel_id, w.kind_id, k.work_id, MAX(CASE WHEN k.own > 0 THEN k.rank ELSE 0 END) AS furthest
    FROM walked k JOIN parcels_work w ON w.id = k.work_id
    WHERE w.parcel_id IS NOT NULL GROUP BY w.parcel_id, w.kind_id, k.work_id
) works GROUP BY parcel_id, kind_id
"""
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


def groups(town: Division, day: date) -> dict[Key, Group]:
    """All sums of a town as of the end of ``day``."""
    found: dict[Key, Group] = defaultdict(Group)
    with connection.cursor() as cursor:
        for *key, rank, area in _rows(cursor, AREAS, town, day):
            found[tuple(key)].at[rank] += Decimal(int(area)).scaleb(-4)
        for *key, lowest, count in _rows(cursor, PARCELS, town, day):
            found[tuple(key)].parcels[lowest] += count
        cursor.execute(
            "SELECT division_id, kind_id, year, tranche, SUM(CASE WHEN exit = 'blocked' THEN COALESCE(area_mu, 0)"
            " ELSE 0 END), COUNT(*) FROM parcels_work WHERE town_id = %s AND exit <> ''"
            " GROUP BY division_id, kind_id, year, tranche",
            [town.pk],
        )
        for *key, blocked, count in cursor.fetchall():
            found[tuple(key)].blocked = Decimal(int(blocked)).scaleb(-4)
            found[tuple(key)].exits = count
    return found


def parcel_ranks(town: Division, day: date) -> dict[str, tuple[int, str]]:
    """For each parcel with open works the rank of the least advanced of them, and its kind: the rank is of its ladder.

    Keys are ids as hex texts.
    """
    found: dict[str, tuple[int, str]] = {}
    with connection.cursor() as cursor:
        for parcel, kind, rank in _rows(cursor, STAGES, town, day):
            key = str(parcel).replace("-", "")
            found[key] = min((rank, kind), found.get(key, (rank, kind)))
    return found


def _rows(cursor, statement: str, town: Division, day: date):
    cursor.execute(statement, {"town": town.pk, "day": day.isoformat()})
    return cursor.fetchall()


class Ladders:
    """The rungs each kind climbs in a town, loaded once."""

    def __init__(self, town: Division):
        self._rungs: dict[int, list[Rung]] = defaultdict(list)
        for rung in Rung.objects.order_by("ladder", "rank"):
            self._rungs[rung.ladder_id].append(rung)
        self._ladder: dict[str, int] = dict(Kind.objects.values_list("code", "ladder"))
        self._ladder.update(LadderChoice.objects.filter(town=town).values_list("kind", "ladder"))

    def rungs(self, kind: str) -> list[Rung]:
        return self._rungs[self._ladder[kind]]

    def rung(self, kind: str, code: str) -> Rung | None:
        return next((rung for rung in self.rungs(kind) if rung.code == code), None)

    def of_level(self, kind: str, level: str) -> Rung | None:
        """The rung an acceptance of ``level`` steps on."""
        return next((rung for rung in self.rungs(kind) if rung.level == level), None)

    def of_tier(self, kind: str, tier: str) -> int:
        """The lowest rank of a what-if tier; a rank above the ladder when it has no such tier."""
        ranks = [rung.rank for rung in self.rungs(kind) if rung.tier == tier]
        return min(ranks, default=len(self.rungs(kind)))
