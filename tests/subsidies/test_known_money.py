"""The known moneys of the seeds, computed by the product from accepted land: 18,872 and 79,800, 288,405.40."""

from decimal import Decimal as D

import pytest

from farmland.accounts.models import Grant, User
from farmland.lib.numbers import plain
from farmland.places.models import Division
from parcels.models import Kind, Step, Work
from parcels.progress import Ladders
from subsidies.entitlements import calculations
from subsidies.entitlements.supplying import blanks, supply
from subsidies.models import Entitlement, Round
from tasks.models import Share
from tests.subsidies.test_simulate import both

__all__ = ["both"]
pytestmark = pytest.mark.django_db
TREATMENT = {"abandonment": "shrub", "restructure": "intercrop", "reforestation": "immature"}


class Town:
    """A town of the seeds in which every village has exactly its share accepted, on land without a parcel."""

    def __init__(self, slug, rung):
        self.town = Division.objects.get(slug=slug)
        self.people = [User.objects.create(username=f"{slug}-{role}") for role in ("lead_office", "official")]
        for user, role in zip(self.people, ("lead_office", "official"), strict=True):
            Grant.objects.create(user=user, role=role, division=self.town)
        ladders = Ladders(self.town)
        for share in Share.objects.filter(target__plan__town=self.town, amount__gt=0).select_related("target__plan"):
            kind, plan = Kind.objects.get(pk=share.target.kind_id), share.target.plan
            step = ladders.rung(kind.pk, rung)
            if step is None or kind.unit != "mu":
                continue
            work = Work.objects.create(
                town=self.town, division_id=share.division_id, kind=kind, year=plan.year, area_mu=share.amount
            )
            Step.objects.create(
                town=self.town, work=work, rung=step, area_mu=share.amount, verdict="passed", on=plan.issued_on
            )

    def fill(self, round_, value):
        """What is asked of each work, by ``value(blank)``."""
        return supply(round_, {one.key: value(one) for one in blanks(round_)}, reason="核对", by=self.people[0])

    def compute(self, round_):
        calculations.apply(calculations.make(round_, by=self.people[0]), by=self.people[0])
        return Entitlement.objects.filter(round=round_, state__in=Entitlement.LIVE)

    def rule_out(self, round_):
        """No exclusion holds: said once for each rate."""
        told = set()
        for row in self.compute(round_).filter(state="held"):
            for test in row.explanation["tests"]:
                if test["asks"] and (row.rate_key, test["key"]) not in told:
                    told.add((row.rate_key, test["key"]))
                    words = {"holds": test["group"] == "where", "reason": "逐块核对", "everywhere": True}
                    calculations.rule(row, test["key"], by=self.people[1], **words)

    def once(self, program):
        return Round.objects.get(town=self.town, program__key=program, is_yearly=False)


def total(rows, **more):
    return sum(rows.filter(**more).values_list("amount", flat=True), D(0))


def test_xihe_owes_79800_in_rewards_and_xinsi_18872(both):
    town, rows = Town("xihe", "county_accepted"), {}
    for program in ("abandonment", "reforestation"):
        round_ = town.once(program)
        town.fill(round_, lambda one: TREATMENT[one.work.kind_id])
        town.rule_out(round_)
        rows[program] = town.compute(round_)
    assert total(rows["abandonment"], rate_key="reward") == 79_800
    xinsi = {
        row.rate_key: row.amount
        for program in rows.values() for row in program.filter(division__name="新四村", state="due")
    }  # fmt: skip
    assert xinsi == {"shrub": 5200, "intercrop": 1200, "immature": 9000, "reward": 3472}
    assert sum(xinsi.values()) == 18_872


def test_erong_owes_28840540_at_its_targets(both):
    town = Town("erong", "city_accepted")
    round_ = town.once("restoration")
    assert {row.state for row in town.compute(round_)} == {"held"}  # nobody knows the net area yet
    assert town.fill(round_, lambda one: plain(one.work.area_mu)) == 8
    rows = town.compute(round_)
    assert (total(rows, rate_key="net600"), total(rows, rate_key="funds")) == (D("279102"), D("9303.40"))
    assert total(rows) == D("288405.40")
