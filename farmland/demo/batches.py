"""Acceptance batches of the demo in every state. A done one wraps acceptances the story tells; none adds any area."""

from datetime import timedelta
from decimal import Decimal

from django.db.models import Count, Max

from farmland.accounts.models import User
from farmland.places.models import Division, Office
from parcels.models import Inspection, InspectionItem, Kind, Step, Work
from parcels.progress import Ladders
from tasks.inspections.queue import Wanted, ready
from tasks.inspections.results import Result, adopt_sample, fill, fingerprint, in_order
from tasks.inspections.services import Head, Order, Sample, cancel, create
from tasks.models import TownYear

POSTS = ("分管领导", "牵头中心负责人", "村级负责人")
MEASURED = "intercrop"  # the treatment that 西河's standard is about
MOST = 12  # rows that a done batch of the demo shows


def make_batches(town_year: TownYear, code: str, official: User) -> None:
    """Batches of one kind of task in the villages that have works waiting."""
    kind, ladders = Kind.objects.get(code=code), Ladders(town_year.town)
    team = Team(town_year, kind, official)
    for village in Division.objects.filter(town=town_year.town, kind="village").order_by("path"):
        team.wrap(village, "county")
    rest = []
    for village in Division.objects.filter(town=town_year.town, kind="village").order_by("path"):
        for level in ("county", "town"):
            wanted = Wanted(level, (kind.pk,), path=village.path)
            works = [one.work for one in ready(official, town_year, ladders, wanted)]
            if Work.objects.filter(pk__in=works, treatment=MEASURED).exists():
                team.measured(wanted)
            elif works:
                rest.append(wanted)
    for make, wanted in zip((team.sampled, team.abandoned), rest, strict=False):
        make(wanted)
    wanted = Wanted("county", (kind.pk,), is_recheck=True)
    if ready(official, town_year, ladders, wanted):
        team.recheck(wanted)


class Team:
    """What one official does with batches of one kind."""

    def __init__(self, town_year: TownYear, kind: Kind, official: User):
        self.town_year, self.kind, self.official = town_year, kind, official
        offices = Office.objects.filter(division=town_year.town).order_by("pk").values_list("name", flat=True)
        self.copies = tuple(one for one in offices if "专班" in one)[:2]
        self.members = tuple({"post": one, "user": None} for one in POSTS)

    def head(self, days: int) -> Head:
        on = self.town_year.today() - timedelta(days=days)
        return Head(on, self.members, self.copies, "演示批次")

    def order(self, wanted: Wanted, sample: Sample | None = None, days: int = 1) -> Inspection:
        order = Order(self.kind, wanted, None, self.head(days), sample)
        return create(self.town_year, order, by=self.official)

    def wrap(self, village: Division, level: str) -> None:
        """A done batch over acceptances that stand already: the busiest day of one village."""
        steps = Step.objects.filter(
            work__division=village, work__kind=self.kind, work__year=self.town_year.year, rung__level=level,
            verdict="passed", is_demo=True, inspected_in=None,
        ).exclude(work__parcel=None)  # fmt: skip
        days = steps.order_by().values("on").annotate(count=Count("pk")).order_by("-count", "-on")
        if not (day := days.values_list("on", flat=True).first()):
            return
        chosen = list(steps.filter(on=day).select_related("work").order_by("pk")[:MOST])
        numbers = Inspection.objects.filter(town=self.town_year.town, year=self.town_year.year)
        batch = Inspection.objects.create(
            town=self.town_year.town, division=village, year=self.town_year.year, kind=self.kind, level=level,
            number=(numbers.aggregate(last=Max("number"))["last"] or 0) + 1, on=day, members=list(self.members),
            copies_to=list(self.copies), state="done", note="演示批次", created_by=self.official, is_demo=True,
        )  # fmt: skip
        for step in chosen:
            InspectionItem.objects.create(
                town=batch.town, inspection=batch, work=step.work, declared_mu=step.area_mu, verdict="passed",
                accepted_mu=step.area_mu, step=step,
            )  # fmt: skip

    def sampled(self, wanted: Wanted) -> None:
        """Half drawn by risk, all of the drawn passed, the rest follows: one click from done."""
        batch = self.order(wanted, Sample(Decimal(50), "演示2024", by_risk=True))
        self._fill(batch, lambda number, item: Result("passed", note="实地查看") if item.is_drawn else None)
        batch.refresh_from_db()
        adopt_sample(batch, version=batch.version, by=self.official)

    def measured(self, wanted: Wanted) -> None:
        """Measured where crops stand between trees: one within the standard, one beyond it, the others still open."""
        batch = self.order(wanted)
        within = Result("passed", measured={"canopy_percent": "42", "density_percent": "66"})
        beyond = Result("returned", None, "林木过密", "疏株后再验", {"canopy_percent": "60", "density_percent": "85"})
        part = Result("partial", Decimal("0.5"), "只恢复一部分", "田坎外未种", {"canopy_percent": "48"})
        self._fill(batch, lambda number, item: {1: within, 2: beyond, 3: part}.get(number))

    def abandoned(self, wanted: Wanted) -> None:
        batch = self.order(wanted)
        cancel(batch, reason="连续下雨，改期验收", version=batch.version, by=self.official)

    def recheck(self, wanted: Wanted) -> None:
        self.order(wanted, Sample(Decimal(10), "演示复核"), days=0)

    def _fill(self, batch: Inspection, result_of) -> None:
        results = {}
        for number, item in enumerate(in_order(batch), 1):
            if result := result_of(number, item):
                facts = vars(result) | {"seen": fingerprint(item)}
                if result.area is not None and result.area >= item.declared_mu:
                    continue
                results[str(item.pk)] = Result(**facts)
        fill(batch, results, by=self.official)
