"""A made-up town with villages, targets, works and steps: what progress is computed from, in a few words each."""

from datetime import date
from decimal import Decimal
from itertools import count

from farmland.accounts.models import Grant, User
from farmland.places.models import Division
from parcels.models import Kind, Parcel, Step, Work
from parcels.progress import Ladders
from tasks.models import Plan, Share, Target, TownYear
from tasks.progress import TownFacts, figures

YEAR = 2024
TODAY = date(2024, 10, 12)
numbers = count(1)


class Land:
    """One town-year. Villages, kinds and rungs are named by their codes and names; areas are texts or numbers."""

    def __init__(self, villages=("东村", "西村"), slug="qingxi", name="清溪镇"):
        self.county = Division.objects.create(kind="county", code=f"53{next(numbers):04}", name=f"某县{slug}")
        self.town = Division.objects.create(
            parent=self.county, kind="town", code=f"{self.county.code}100", name=name, slug=slug, is_tenant=True
        )
        self.villages = {one: self.below(self.town, one) for one in villages}
        self.year = TownYear.objects.create(town=self.town, year=YEAR, working_date=TODAY)
        self.plan = Plan.objects.create(town=self.town, year=YEAR, title=f"{name}方案", digest=slug, source="")

    def below(self, parent, name, kind="village"):
        return Division.objects.create(parent=parent, kind=kind, code=f"{parent.code}{next(numbers):03}", name=name)

    def target(self, kind, amount, *, parent=None, tranche="", rule="sum", level="", shares=(), **more):
        kind = Kind.objects.get(code=kind)
        years = {"from_year": YEAR, "to_year": YEAR}
        target = Target.objects.create(
            plan=self.plan, town=self.town, key=kind.code + tranche, kind=kind, tranche=tranche, parent=parent,
            rule=rule, comparison="gte", amount=Decimal(amount), unit=kind.unit, counted_level=level, clause="一",
            order=next(numbers), **(years | more),
        )  # fmt: skip
        for name, share in dict(shares).items():
            Share.objects.create(
                town=self.town, target=target, division=self.villages[name], amount=share and Decimal(share)
            )
        return target

    def work(self, village, kind, area=None, *, parcel=None, tranche="", **more):
        """A work; with ``parcel=True`` on a parcel of its own, else the village's unplaced one."""
        division = village if isinstance(village, Division) else self.villages[village]
        area = None if area is None else Decimal(area)
        if parcel:
            parcel = Parcel.objects.create(
                town=self.town, division=division, year=YEAR, kind_id=kind, codes=[f"P{next(numbers)}"], gross_mu=area
            )
        return Work.objects.create(
            town=self.town, division=division, kind_id=kind, year=YEAR, tranche=tranche, area_mu=area,
            parcel=parcel or None, **more,
        )  # fmt: skip

    def step(self, work, rung, area, on=TODAY, *, by=None, **more):
        rung = Ladders(self.town).rung(work.kind_id, rung)
        verdict = more.pop("verdict", "passed" if rung.level else "reached")
        return Step.objects.create(
            town=self.town, work=work, rung=rung, area_mu=Decimal(area), on=on, by=by, verdict=verdict, **more
        )

    def figures(self, day=TODAY) -> dict:
        """(target key, division name or None) → Figure."""
        found = figures(TownFacts(self.plan, day))
        return {(one.target.key, one.division and one.division.name): one for one in found}

    def person(self, role="official", place=None, name=""):
        user = User.objects.create(username=name or f"{role}{next(numbers)}")
        Grant.objects.create(user=user, role=role, division=place or self.town)
        return user
