"""What waits for acceptance (待验): area that villages report and the counted level has not accepted yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from farmland.places.models import Division
from parcels.models import Kind, Rung
from parcels.progress import Ladders
from tasks.models import Progress, Target

ZERO = Decimal(0)


@dataclass(frozen=True)
class Waiting:
    """One target in one division (None: the whole town); areas in 亩, cumulative, from the last recompute.

    ``planted`` and ``evidenced`` are what is reported that far and not counted; ``levels`` holds (level, accepted,
    whether it is the counted one) for every level of the kind's ladder up to the counted one.
    """

    target: Target
    division: Division | None
    planted: Decimal
    evidenced: Decimal
    counted: Decimal
    levels: tuple[tuple[str, Decimal, bool], ...]

    @property
    def area(self) -> Decimal:
        return self.planted


def waiting(rows: Iterable[Progress], ladders: Ladders) -> list[Waiting]:
    """The rows with something to accept: leaf targets measured in 亩, without their tranches (which add up in them).

    ``rows`` come with ``target__kind``; no query is made.
    """
    rows = list(rows)
    parents = {row.target.parent_id for row in rows if not row.target.tranche}
    found = []
    for row in rows:
        target = row.target
        if target.kind.nature != Kind.FLOW or row.unit != "mu" or target.tranche or target.pk in parents:
            continue
        one = _waiting(row, ladders.rungs(target.kind_id))
        if one.area > 0:
            found.append(one)
    return found


def to_accept(rows: Iterable[Progress], ladders: Ladders) -> list[Waiting]:
    """What of the villages is evidenced and not counted."""
    return [one for one in waiting((row for row in rows if row.division_id), ladders) if one.evidenced]


def _waiting(row: Progress, rungs: list[Rung]) -> Waiting:
    counted = next((rung for rung in rungs if rung.level == row.target.level), None)
    accepted = _reached(row, counted)
    below = [rung for rung in rungs if counted is None or rung.rank <= counted.rank]
    levels = tuple((rung.level, _reached(row, rung), rung is counted) for rung in below if rung.level)
    return Waiting(
        target=row.target,
        division=row.division,
        planted=max(_reached(row, first_of(below, "planted")) - accepted, ZERO),
        evidenced=max(_reached(row, first_of(below, "evidenced")) - accepted, ZERO),
        counted=row.counted or ZERO,
        levels=levels,
    )


def first_of(rungs: list[Rung], tier: str) -> Rung | None:
    """The lowest rung of a what-if tier, or of the nearest surer one where the ladder has no such tier."""
    wanted = {"planted": ("planted", "evidenced", "accepted"), "evidenced": ("evidenced", "accepted")}[tier]
    return next((rung for name in wanted for rung in rungs if rung.tier == name), None)


def _reached(row: Progress, rung: Rung | None) -> Decimal:
    return Decimal(row.reached.get(rung.code, "0")) if rung else ZERO
