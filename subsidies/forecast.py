"""What the yearly aftercare will cost (管护预测): the accepted areas × the rate, less what villages gave up already."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from farmland.places.models import Division
from subsidies.caps import ZERO, Accepted
from subsidies.models import Claim, Program, Rate

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


def forecast(town: Division, plan_year: int, user) -> Forecast:
    """Of the villages whose money the user may read. A smaller area of one year is kept in the years after it."""
    found = Forecast()
    inside = {one.pk for one in user.divisions_for("read_money").filter(town=town)}
    years: set[int] = set()
    given_up = _given_up(town, plan_year)
    cells: dict[Division, dict[int, Year]] = defaultdict(lambda: defaultdict(Year))
    for program in Program.objects.filter(town=town, year=plan_year).select_related("town"):
        accepted = Accepted(program)
        found.left_out += [one for one in accepted.rates if one.yuan_per_mu is None]
        works = [one for one in accepted.works() if one.division_id in inside] if accepted.rates else []
        areas = accepted.areas(works)
        for work in works:
            rate = accepted.by_kind[work.kind_id]
            if rate.yuan_per_mu is None or not areas[work.pk]:
                continue
            years |= set(rate.years)
            for year in rate.years:
                area = _still(areas[work.pk], given_up.get(work.pk, {}), year)
                cell = cells[work.division][year]
                cell.accepted += areas[work.pk]
                cell.area += area
                cell.amount += (area * rate.yuan_per_mu).quantize(CENT, ROUND_HALF_UP)
    found.years = sorted(years)
    ordered = sorted(cells.items(), key=lambda pair: pair[0].path)
    found.rows = {division: {year: by_year[year] for year in found.years} for division, by_year in ordered}
    return found


def _given_up(town: Division, plan_year: int) -> dict:
    """Work → year → the area it was declared or verified with."""
    known = defaultdict(dict)
    rows = Claim.objects.filter(town=town, round__program__year=plan_year, state__in=["submitted", "verified"])
    for work, year, declared, verified in rows.values_list("work", "year", "declared_mu", "verified_mu"):
        known[work][year] = declared if verified is None else verified
    return known


def _still(accepted: Decimal, known: dict[int, Decimal], year: int) -> Decimal:
    return min([accepted, *(area for when, area in known.items() if when <= year)])
