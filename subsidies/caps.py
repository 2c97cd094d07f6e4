"""The accepted area of every work a yearly rate pays for: the ceiling of its claims (认定面积)."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from uuid import UUID

from parcels.models import Work
from parcels.progress import Ladders
from parcels.works import own_areas
from subsidies.models import Program, Rate, Round
from tasks.models import Target

ZERO = Decimal(0)
SUFFIXES = ("_net_mu", "_mu")


def yearly_rates(program: Program, year: int | None = None) -> list[Rate]:
    """The rates of a program that pay by year (逐年), of one year or of any."""
    rows = [one for one in Rate.objects.filter(program=program).prefetch_related("kinds") if one.years]
    return [one for one in rows if year is None or year in one.years]


class Accepted:
    """What has been accepted of a program's works, by the level each yearly rate names as its ceiling.

    A rate that names none counts what the target counts (认定层级); an acceptance of a higher level includes it.
    """

    def __init__(self, program: Program, year: int | None = None):
        self.program = program
        self.ladders = Ladders(program.town)
        self.rates = yearly_rates(program, year)
        targets = Target.objects.filter(town=program.town_id, plan=program.plan_id, tranche="").select_related("kind")
        self.levels = self.ladders.counted_levels | {one.kind_id: one.level for one in targets}
        self.by_kind = {kind: rate for rate in reversed(self.rates) for kind in self.kinds_of(rate)}

    def kinds_of(self, rate: Rate) -> Iterator[str]:
        for kind in rate.kinds.all():
            yield from self.ladders.leaves(kind.pk)

    def level(self, kind: str) -> str:
        """The level whose acceptance makes area of this kind count here."""
        name = str(self.by_kind[kind].shape.get("base_cap", "")).removeprefix("$")
        for suffix in SUFFIXES:
            stem = name.removesuffix(suffix)
            if stem != name and self.ladders.of_level(kind, stem):
                return stem
        return self.levels[kind]

    def works(self):
        """The works that may be claimed for: those of the plan's year, in a village, not taken out."""
        rows = Work.objects.filter(
            town=self.program.town_id, year=self.program.year, kind__in=list(self.by_kind), exit=""
        )
        return rows.select_related("division", "parcel", "kind").order_by("division__path", "pk")

    def areas(self, works: Iterable[Work]) -> dict[UUID, Decimal]:
        """Work → accepted area in 亩; one query."""
        works = [one for one in works if one.kind_id in self.by_kind and not one.exit]
        own = own_areas([one.pk for one in works])
        return {one.pk: self._area(one, own.get(one.pk, {})) for one in works}

    def _area(self, work: Work, own: dict[int, Decimal]) -> Decimal:
        rung = self.ladders.of_level(work.kind_id, self.level(work.kind_id))
        if rung is None:
            return ZERO
        higher = [one.pk for one in self.ladders.rungs(work.kind_id) if one.rank >= rung.rank and one.level]
        return max((own.get(one, ZERO) for one in higher), default=ZERO)


def accepted_of(round: Round) -> Accepted:
    return Accepted(round.program, round.year)
