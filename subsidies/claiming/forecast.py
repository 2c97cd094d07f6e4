"""What yearly aftercare will cost (管护预测): the accepted areas × the rate, less what villages gave up already."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from farmland.places.models import Division
from parcels.works import own_areas
from subsidies.claiming.caps import ZERO, Accepted
from subsidies.models import Claim, Rate

CENT = Decimal("0.01")


@dataclass
class Year:
    """A village's year: areas in 亩, the sum in 元 of the rows, each rounded to the 分."""

    accepted: Decimal = ZERO
    area: Decimal = ZERO
    amount: Decimal = ZERO

    @property
    def less(self) -> Decimal:
        """What was declared or verified less than accepted, in this or an earlier year."""
        return self.accepted - self.area


@dataclass
class Forecast:
    """By village and year. ``left_out``: rates that are not one price a 亩; nobody can forecast them."""

    years: list[int] = field(default_factory=list)
    rows: dict[Division, dict[int, Year]] = field(default_factory=dict)
    left_out: list[Rate] = field(default_factory=list)

    @property
    def totals(self) -> dict[int, Year]:
        found = {year: Year() for year in self.years}
        for by_year in self.rows.values():
            for year, one in by_year.items():
                for name in ("accepted", "area", "amount"):
                    setattr(found[year], name, getattr(found[year], name) + getattr(one, name))
        return found

    @property
    def total(self) -> Decimal:
        return sum((one.amount for one in self.totals.values()), ZERO)


def forecast(town: Division, plan_year: int, divisions) -> Forecast:
    """Of these divisions (a queryset). A smaller area of one year is kept in the years after it."""
    accepted = Accepted(town, plan_year)
    found = Forecast(left_out=[one for one in accepted.every if one.yuan_per_mu is None])
    works = list(accepted.works().filter(division__in=divisions)) if accepted.every else []
    own, given_up = own_areas([one.pk for one in works]), _given_up(town, plan_year)
    cells: dict[Division, dict[int, Year]] = defaultdict(lambda: defaultdict(Year))
    for program, rates in accepted.rates.items():
        for work in works:
            rate = rates.get(work.kind_id)
            if rate is None or rate.yuan_per_mu is None:
                continue
            if area := accepted.area(work, rate, own.get(work.pk, {})):
                _add(cells[work.division], area, rate, given_up[program, work.pk])
    found.years = sorted({year for by_year in cells.values() for year in by_year})
    ordered = sorted(cells.items(), key=lambda pair: pair[0].path)
    found.rows = {division: {year: by_year[year] for year in found.years} for division, by_year in ordered}
    return found


def _add(cells: dict[int, Year], accepted: Decimal, rate: Rate, known: dict[int, Decimal]) -> None:
    for year in rate.years:
        area = min([accepted, *(said for when, said in known.items() if when <= year)])
        cells[year].accepted += accepted
        cells[year].area += area
        cells[year].amount += (area * rate.yuan_per_mu).quantize(CENT, ROUND_HALF_UP)


def _given_up(town: Division, plan_year: int) -> dict:
    """(program, work) → year → the area it was declared or verified with."""
    known = defaultdict(dict)
    rows = Claim.objects.filter(town=town, round__program__year=plan_year, state__in=["submitted", "verified"])
    rows = rows.values_list("round__program", "work", "year", "declared_mu", "verified_mu")
    for program, work, year, declared, verified in rows:
        known[program, work][year] = declared if verified is None else verified
    return known
