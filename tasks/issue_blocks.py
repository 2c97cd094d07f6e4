"""What must be there before an issue may be reported done: the other land first, a meeting, a permit. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, Sum

from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from parcels.models import Kind
from parcels.progress import Ladders, groups
from tasks.models import Deliberation, Entry, Issue, PermitCase, Target
from tasks.rulebook import Rulebook

ZERO = Decimal(0)
BALANCE = "in_out"
LEFT = ("done", "accepted", "closed")  # states in which the land of an issue has left


@dataclass(frozen=True)
class Balance:
    """先进后出 in 亩: land that has come in and is accepted, land of issues that has left, land of this issue."""

    inflow: Decimal
    left: Decimal
    own: Decimal

    @property
    def short(self) -> Decimal:
        return max(self.left + self.own - self.inflow, ZERO)


def blocks(issue: Issue, book: Rulebook, today: date) -> list[str]:
    """Why the issue cannot be done yet, each with what to do; empty when nothing stands in the way."""
    attrs, found = book.attrs(issue.measure), []
    name = book.label("measure", issue.measure)
    lineage = list(lineage_of(issue))
    if attrs.get("deliberation") == "yes" and (said := _no_meeting(lineage)):
        found.append(f"“{name}”{said}")
    if (permit := attrs.get("permit")) and (said := _no_permit(lineage, permit, book)):
        found.append(f"“{name}”{said}")
    if attrs.get("inflow_first") == "yes" and (said := _no_inflow(issue, book, today)):
        found.append(said)
    return found


def lineage_of(issue: Issue) -> Iterator[UUID]:
    """The issue and the rows of earlier years it was carried over from: their meetings and permits still hold."""
    seen: set[str] = set()
    key, cells = str(issue.pk), issue.cells
    while key and key not in seen:
        seen.add(key)
        yield UUID(key)
        key = cells.get("carried_from", "")
        cells = (Issue.objects.filter(pk=key).values_list("cells", flat=True).first() or {}) if key else {}


def _no_meeting(lineage: list[UUID]) -> str:
    last = Deliberation.objects.filter(issue__in=lineage).order_by("held_on", "recorded_at").last()
    if last is None:
        return "须先一事一议，请登记会议时间、到会和同意人数、结论。"
    if last.agreed * 2 <= last.present:
        return (
            f"须先一事一议通过：{last.held_on:%Y-%m-%d} 到会 {last.present} 人，同意 {last.agreed} 人，没有过半数。"
            "请重新议定，或改用别的整改方式。"
        )
    return ""


def _no_permit(lineage: list[UUID], permit: str, book: Rulebook) -> str:
    cases = list(PermitCase.objects.filter(issue__in=lineage, permit=permit).order_by("applied_on"))
    if any(one.outcome == "approved" for one in cases):
        return ""
    name = book.label("permit", permit)
    if not cases:
        return f"须先有“{name}”的批准，还没有登记申请。请登记申请，批准后填文号和日期。"
    last = cases[-1]
    return f"须先有“{name}”的批准，{last.applied_on:%Y-%m-%d} 的申请{last.get_outcome_display()}。请填批准文号和日期。"


def _no_inflow(issue: Issue, book: Rulebook, today: date) -> str:
    if outflow_of(issue) is None:
        return "先进后出：这个问题没有写耕地面积，无法核对流出多少。请先补填耕地面积。"
    found = balance(issue, book, today)
    if not found.short:
        return ""
    return (
        f"先进后出：本年度进出平衡流入已认定 {plain(found.inflow)} 亩，要先抵已完成问题的流出 {plain(found.left)} 亩，"
        f"再抵本问题的 {plain(found.own)} 亩，还差 {plain(found.short)} 亩。请先完成补充耕地并登记验收。"
    )


def outflow_of(issue: Issue) -> Decimal | None:
    """The cultivated land that leaves with an issue; the whole area where no cultivated one is known."""
    return issue.area_mu if issue.cultivated_mu is None else issue.cultivated_mu


def balance(issue: Issue, book: Rulebook, today: date) -> Balance:
    """balance(t) = Σ inflow accepted ± entries − Σ outflow of issues whose measure lets land leave."""
    others = Issue.objects.of_year(issue.town, issue.year).filter(
        measure__in=book.inflow_first(), state__in=LEFT, is_excluded=False
    )
    left = sum((outflow_of(one) or ZERO for one in others.exclude(pk=issue.pk)), ZERO)
    return Balance(inflow(issue.town, issue.year, today), left, outflow_of(issue) or ZERO)


def inflow(town, year: int, today: date) -> Decimal:
    """Area of the year's works of 进出平衡 and of every kind that feeds it, accepted at the level that counts."""
    kinds = {one.code: one for one in Kind.objects.filter(Q(code=BALANCE) | Q(feeds=BALANCE))}
    targets = Target.objects.filter(plan__town=town, plan__year=year, kind__in=kinds).select_related("kind")
    levels = {one.kind_id: one.level for one in targets}
    ladders, total = Ladders(town), ZERO
    for (_, kind, of_year, _), group in groups(town, today, ladders).items():
        if kind in kinds and of_year == year:
            rung = ladders.of_level(kind, levels.get(kind) or kinds[kind].counted_level)
            total += group.reached(rung.rank) if rung else ZERO
    entries = Entry.objects.filter(target__in=targets, target__kind=BALANCE, role__in=("inflow", "outflow"))
    dated = entries.filter(Q(on=None) | Q(on__lte=today))
    return total + (dated.aggregate(area=Sum("amount", output_field=QuantityField()))["area"] or ZERO)
