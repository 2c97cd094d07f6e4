"""A small town whose plan pays: villages, targets, works, acceptances, and the people with their roles.

The plan is text, loaded by the loader, so that programs, rates, versions and rounds are those of the product.
"""

from datetime import date
from decimal import Decimal
from itertools import count

from farmland.accounts.models import Grant, User
from farmland.places.models import Division
from parcels.models import Listing, Overlap, Parcel, ParcelList, Step, Work
from parcels.progress import Ladders
from subsidies.models import Claim, Program, Rate, Round
from tasks.models import Plan, TownYear
from tasks.plan.load import load_plan

YEAR, TODAY = 2025, date(2025, 11, 20)
ACCEPTED = date(2025, 9, 1)
numbers = count(1)
HEAD = """
format: "1"
town: {slug: qingxi, name: 清溪镇, kind: town, code: "530199005000", above: [{name: 某县, kind: county, code: "530199"}]}
year: 2025
title: 清溪镇2025年耕地保护方案
issued_on: 2025-03-10
divisions:
  - {name: 柳村, kind: village}
  - {name: 松村, kind: village}
targets:
  - {key: abandonment, kind: abandonment, comparison: gte, amount: "30", unit: mu, due_on: 2025-10-31, counted_level: county, clause: 一}
splits:
  - target: abandonment
    clause: 附表
    rows: [{division: 柳村, amount: "10"}, {division: 松村, amount: "20"}]
"""  # noqa: E501
SHRUB = """
      - key: shrub
        name: 灌木复耕
        clause: 三
        kinds: [abandonment]
        treatment: shrub
        basis: per_area
        where: [[treatment, "=", shrub], [finding, "!=", not_abandoned]]
        unless: [[on_list, has, rectified-2024]]
        base: $county_mu
        lines: [{price: "500"}]
        components: {复耕: "300", 复种: "200"}
        payees: {village: "1"}
"""
REWARD = """
      - key: reward
        name: 完成奖励
        clause: 三
        kinds: [abandonment]
        per: [division]
        when: [[met, "=", "yes"]]
        base: $county_mu
        readings: {A: [{price: "280"}], B: [{price: "280", to: $share}]}
        chosen: A
"""
CARE = """
      - key: care
        name: 管护
        clause: 四
        kinds: [abandonment]
        basis: yearly
        per: [subject, year]
        years: ["2026", "2027"]
        due: 10-31
        base: $still_planted_mu
        base_cap: $county_mu
        lines: [{price: "300"}]
"""
POLICY = "\nprograms:\n  - key: idle\n    name: 撂荒地补助\n    document: 清府〔2025〕1号\n    rates:"
PLAN = HEAD + POLICY + SHRUB + REWARD + CARE


class Money:
    """清溪镇 2025 with its plan loaded. Areas are texts."""

    def __init__(self, plan: str = PLAN):
        self.load(plan)
        self.plan = Plan.objects.get(town__slug="qingxi", year=YEAR)
        self.town = self.plan.town
        TownYear.objects.filter(town=self.town, year=YEAR).update(working_date=TODAY)
        self.year = TownYear.objects.select_related("town").get(town=self.town, year=YEAR)
        self.villages = {one.name: one for one in Division.objects.filter(parent=self.town)}
        self._ladders = None

    def load(self, plan: str) -> list[str]:
        return load_plan(plan).differences

    def program(self, key: str = "idle") -> Program:
        return Program.objects.get(town=self.town, year=YEAR, key=key)

    def rate(self, key: str = "shrub") -> Rate:
        return Rate.objects.get(town=self.town, year=YEAR, key=key)

    def round(self, label: str = "2025", program: str = "idle") -> Round:
        return Round.objects.get(program=self.program(program), label=label)

    def person(self, role: str, place=None, name: str = "") -> User:
        user = User.objects.create(username=name or f"{role}-{next(numbers)}")
        Grant.objects.create(user=user, role=role, division=place or self.town)
        return user

    def parcel(self, village="柳村", gross="10", **more) -> Parcel:
        facts = {"codes": [f"Q{next(numbers):05}"], "finding": "restored", "kind_id": "abandonment", "year": YEAR}
        area = None if gross is None else Decimal(gross)
        return Parcel.objects.create(
            town=self.town, division=self.villages[village], gross_mu=area, **facts | more
        )  # fmt: skip

    def work(self, village="柳村", accepted="10", *, treatment="shrub", parcel=True, on=ACCEPTED, **more) -> Work:
        """A work, on a parcel of its own unless given one or None, accepted by the county on a day."""
        area = None if accepted is None else Decimal(accepted)
        if parcel is True:
            parcel = self.parcel(village, str(area or 10))
        facts = {"kind_id": "abandonment", "year": YEAR, "treatment": treatment, "area_mu": area} | more
        work = Work.objects.create(town=self.town, division=self.villages[village], parcel=parcel, **facts)
        if area:
            self.accept(work, area, on)
        return work

    def accept(self, work: Work, area, on=ACCEPTED, rung="county_accepted") -> Step:
        self._ladders = self._ladders or Ladders(self.town)
        rung = self._ladders.rung(work.kind_id, rung)
        facts = {"town": self.town, "work": work, "rung": rung, "on": on}
        return Step.objects.create(area_mu=Decimal(area), verdict="passed", **facts)

    def listed(self, *parcels: Parcel, role="done_earlier", year=YEAR - 1, title="rectified-2024") -> ParcelList:
        """A list as imported; with no parcels it is known to be empty of this town's land."""
        found, _ = ParcelList.objects.get_or_create(town=self.town, role=role, year=year, title=title)
        for parcel in parcels:
            facts = {"town": self.town, "serial": str(next(numbers)), "parcel": parcel}
            Listing.objects.create(list=found, code=parcel.codes[0], **facts)
        return found

    def overlap(self, one: Parcel, other: Parcel, area="1") -> Overlap:
        facts = {"town": self.town, "division": one.division, "by": "area", "area_mu": Decimal(area)}
        return Overlap.objects.create(parcel=one, other=other, **facts)

    def claim(self, work: Work, verified=None, *, round=None, cap="10", **more) -> Claim:
        """A claim the village declared; verified by the town where an area is given."""
        round = round or self.round("2026 年管护")
        facts = {"town": self.town, "division": work.division, "round": round, "year": round.year, "work": work}
        facts |= {
            "cap_mu": Decimal(cap),
            "declared_mu": Decimal(cap),
            "submitted_by": self.person("village_head", work.division),
        }
        facts["state"] = "submitted"
        if verified is not None:
            facts |= {"verified_mu": Decimal(verified), "verified_by": self.person("official"), "state": "verified"}
        return Claim.objects.create(**facts | more)
