"""The accepted area of every work a yearly rate pays for: the ceiling of its claims (认定面积)."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from farmland.places.models import Division
from parcels.models import Work
from parcels.progress import Ladders
from parcels.works import own_areas
from subsidies.models import Rate, Round
from tasks.models import Target

ZERO = Decimal(0)
SUFFIXES = ("_net_mu", "_mu")


class Accepted:
    """What has been accepted for the yearly rates of a plan, by the level each of them names as its ceiling.

    A rate that names none counts what the target counts (认定层级); an acceptance of a higher level includes it.
    ``rates``: program → kind → rate.
    """

    def __init__(self, town: Division, plan_year: int, **chosen):
        self.town, self.plan_year = town, plan_year
        self.ladders = Ladders(town)
        self.rates: dict[UUID, dict[str, Rate]] = defaultdict(dict)
        rows = Rate.objects.filter(town=town, program__year=plan_year, **chosen).select_related("program")
        self.every = [one for one in rows.prefetch_related("kinds").order_by("program", "-order") if one.years]
        for rate in self.every:
            for kind in rate.kinds.all():
                self.rates[rate.program_id] |= dict.fromkeys(self.ladders.leaves(kind.pk), rate)
        targets = Target.objects.filter(town=town, plan__year=plan_year, tranche="").select_related("kind")
        self.levels = self.ladders.counted_levels | {one.kind_id: one.level for one in targets}

    def level(self, rate: Rate, kind: str) -> str:
        """The level whose acceptance makes area of this kind count for this rate."""
        name = str(rate.shape.get("base_cap", "")).removeprefix("$")
        for suffix in SUFFIXES:
            stem = name.removesuffix(suffix)
            if stem != name and self.ladders.of_level(kind, stem):
                return stem
        return self.levels[kind]

    def works(self):
        """The works that may be claimed for: those of the plan's year that were not taken out."""
        kinds = {kind for rates in self.rates.values() for kind in rates}
        rows = Work.objects.filter(town=self.town, year=self.plan_year, kind__in=kinds, exit="")
        return rows.select_related("division", "parcel", "kind").order_by("division__path", "pk")

    def areas(self, works: Iterable[Work], program) -> dict[UUID, Decimal]:
        """Work → area accepted in 亩 for a program's yearly rates, of the works they pay for; one query."""
        rates = self.rates[getattr(program, "pk", program)]
        works = [one for one in works if one.kind_id in rates and not one.exit]
        own = own_areas([one.pk for one in works])
        return {one.pk: self.area(one, rates[one.kind_id], own.get(one.pk, {})) for one in works}

    def area(self, work: Work, rate: Rate, own: dict[int, Decimal]) -> Decimal:
        rung = self.ladders.of_level(work.kind_id, self.level(rate, work.kind_id))
        if rung is None:
            return ZERO
        higher = [one.pk for one in self.ladders.rungs(work.kind_id) if one.rank >= rung.rank and one.level]
        return max((own.get(one, ZERO) for one in higher), default=ZERO)


def accepted_of(round: Round) -> Accepted:
    """Of one round: the yearly rates of its program that pay in its year."""
    found = Accepted(round.program.town, round.program.year, program=round.program)
    kinds = {kind: rate for kind, rate in found.rates[round.program_id].items() if round.year in rate.years}
    found.rates = defaultdict(dict, {round.program_id: kinds})
    return found


def areas_of(round: Round, works: Iterable[Work]) -> dict[UUID, Decimal]:
    return accepted_of(round).areas(works, round.program)
