"""选定图斑: which candidates a town takes up for a target, with reserve: selected against wanted (453 of 333).

Selecting is a decision, not a report: it is signed on the rung "selected", and whoever selects may still accept.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from farmland.accounts.models import Line, User, record_all
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from farmland.places.models import Division
from parcels.models import Kind, Step, Work
from parcels.moves import ZERO
from parcels.progress import Group, Ladders, groups
from parcels.works import own_areas
from tasks.land import changing, check_day, recompute_after
from tasks.models import Share, Target, TownYear

SELECTED = "selected"
LIMIT = 500


@dataclass
class Village:
    """A village of a target: ``wanted`` its share (None: none), ``selected`` what got there, ``offered`` not yet."""

    division: Division
    wanted: Decimal | None
    selected: Decimal = ZERO
    offered: Decimal = ZERO

    @property
    def reserve(self) -> Decimal | None:
        return self.selected / self.wanted if self.wanted else None


def targets_of(town_year: TownYear, ladders: Ladders) -> list[Target]:
    """The year's targets whose parcels are selected: flows on a ladder that has the stage."""
    rows = Target.objects.filter(plan__town=town_year.town, plan__year=town_year.year, kind__nature=Kind.FLOW)
    rows = rows.select_related("kind").order_by("order")
    return [
        one for one in rows
        if ladders.leaves(one.kind_id) == [one.kind_id] and ladders.rung(one.kind_id, SELECTED)
    ]  # fmt: skip


def lines_of(town_year: TownYear, target: Target, ladders: Ladders, inside: list[Division]) -> list[Village]:
    """Selected and wanted by village, of the divisions ``inside``; villages without either are left out."""
    shares = {one.division_id: one.amount for one in Share.objects.filter(target=target)}
    rank = ladders.rung(target.kind_id, SELECTED).rank
    found: dict[int, Group] = {}
    years = range(target.from_year, target.to_year + 1)
    for (division, kind, year, tranche), group in groups(town_year.town, town_year.today(), ladders).items():
        if kind == target.kind_id and year in years and (not target.tranche or tranche == target.tranche):
            found.setdefault(division, Group()).add(group)
    lines = []
    for one in inside:
        group = found.get(one.pk)
        if group is None and shares.get(one.pk) is None:
            continue
        group = group or Group()
        lines.append(Village(one, shares.get(one.pk), group.reached(rank), group.reached(0) - group.reached(rank)))
    return lines


def works_of(town_year: TownYear, target: Target, user: User):
    """The open works on parcels that the target may take, each with ``chosen``: its own area on the rung."""
    rows = Work.objects.visible_to(user).filter(
        town=town_year.town, kind=target.kind_id, year=town_year.year, exit="", parcel__isnull=False
    )
    rows = rows.filter(tranche=target.tranche) if target.tranche else rows
    steps = Step.objects.filter(work=OuterRef("pk")).order_by().values("work")
    on_rung = steps.filter(rung__code=SELECTED).values(area=Sum("area_mu", output_field=QuantityField()))
    beyond = Q(rung__is_reported=True) & ~Q(rung__code="verified") | ~Q(rung__level="")
    further = steps.filter(beyond).values(area=Sum("area_mu", output_field=QuantityField()))
    rows = rows.annotate(
        chosen=Coalesce(Subquery(on_rung), ZERO, output_field=QuantityField()),
        further=Coalesce(Subquery(further), ZERO, output_field=QuantityField()),
        planned=Coalesce(F("area_mu"), F("parcel__gross_mu"), output_field=QuantityField()),
    )
    return rows.select_related("parcel", "division", "kind").order_by("division__path", "pk")


def choose(town_year: TownYear, works: list[Any], on: date, *, by: User, take: bool, reason: str = "") -> int:
    """Select works, or take them out of the selection with a reason; how many changed. Works that stay so stay."""
    if not works or len(works) > LIMIT:
        raise Refused(f"请勾选 1 到 {LIMIT} 个图斑。", field="works", code="empty")
    if not take and not reason.strip():
        raise Refused("取消选定须写明原因。", field="reason")
    with changing(town_year) as now:
        check_day(now.year, on)
        rows = Work.objects.select_for_update(of=("self",)).filter(pk__in=works, year=now.year.year, exit="")
        rows = list(rows.select_related("parcel", "kind", "division").order_by("pk"))
        ladders, own, steps, lines = Ladders(now.year.town), own_areas([one.pk for one in rows]), [], []
        for work in rows:
            rung = ladders.rung(work.kind_id, SELECTED)
            areas = own.get(work.pk, {})
            if rung is None or not (area := _difference(work, rung, areas, ladders, take)):
                continue
            facts = {"verdict": "reached", "on": on, "by": by, "is_demo": by.is_demo, "reason": reason.strip()}
            steps.append(Step(town=now.year.town, work=work, rung=rung, area_mu=area, **facts))
            own_before = areas.get(rung.pk, ZERO)
            words = ({"选定（亩）": plain(one)} for one in (own_before, own_before + area))
            lines.append(Line(f"图斑 {work.parcel}", *words, reason.strip(), work.parcel_id))
        Step.objects.bulk_create(steps, batch_size=500)
        if steps:
            record_all("选定图斑" if take else "取消选定", lines, user=by, town=now.year.town)
            recompute_after(now, by)
        return len(steps)


def _difference(work: Work, rung, areas: dict, ladders: Ladders, take: bool) -> Decimal:
    """What to sign on the rung; Refused where land that is being worked would be unselected."""
    own = areas.get(rung.pk, ZERO)
    if take:
        return max((work.area_mu or work.parcel.gross_mu or ZERO) - own, ZERO)
    ahead = [one for one in ladders.rungs(work.kind_id) if one.rank > rung.rank and areas.get(one.pk, ZERO) > 0]
    if ahead and own > 0:
        raise Refused(f"图斑 {work.parcel} 已到“{ahead[-1].name}”，不能取消选定。", field="works", code="conflict")
    return -own
