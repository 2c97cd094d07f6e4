"""Stages of many parcels moved at once (批量改环节), each row by the one table of moves; relapse (复荒).

A row that may not move is shown with the reason and stays. All others are written in one transaction, an event each.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import transaction

from farmland.accounts.models import Line, User, record, record_all
from farmland.lib.api.lists import batches
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from farmland.places.models import Term
from parcels.changes import lock, touch
from parcels.models import Parcel, Rung, Step, Work
from parcels.moves import ZERO, Shift, furthest, refusal, shifts
from parcels.progress import Ladders
from parcels.works import own_areas
from tasks.acceptance import reverse as reverse_step
from tasks.land import Changing, changing, check_day, recompute_after
from tasks.models import TownYear

CHUNK = 500


@dataclass(frozen=True)
class Move:
    """``reason``: code of the list "reason"; ``note`` in words. One of them where stages go back."""

    stage: str
    on: date
    reason: str = ""
    note: str = ""


@dataclass
class Row:
    """One parcel of a bulk change: as it stands, as it would, or why it stays."""

    parcel: Parcel
    before: str = ""
    after: str = ""
    refused: str = ""
    work: Work | None = None
    shifts: list[Shift] = field(default_factory=list)
    rungs: list[Rung] = field(default_factory=list)


def why(town, move: Move) -> str:
    """Reason and note in words."""
    if not move.reason:
        return move.note.strip()
    term = Term.objects.of("reason", town).filter(code=move.reason).first()
    if term is None:
        raise Refused(f"字典里没有原因“{move.reason}”，请从列表中选择。", field="reason")
    return "，".join(word for word in (term.label, move.note.strip()) if word)[:300]


def plan_moves(
    town_year: TownYear, parcels: list[Parcel], move: Move, user: User, *, only: Work | None = None
) -> list[Row]:
    """What the move would do to each parcel. A fixed number of queries per 500 parcels.

    ``only``: the work that is meant, where a parcel has several.
    """
    check_day(town_year, move.on)
    ladders, reason = Ladders(town_year.town), why(town_year.town, move)
    works, own = _standing(town_year, parcels)
    if only:
        works = {only.parcel_id: [one for one in works[only.parcel_id] if one.pk == only.pk]}
    return [_row(parcel, works[parcel.pk], own, ladders, move, reason, user) for parcel in parcels]


def _standing(town_year: TownYear, parcels: list[Parcel]) -> tuple[dict, dict]:
    """Open works of the year by parcel, and what stands on their rungs (by rung id)."""
    works: dict = defaultdict(list)
    own: dict = {}
    for chunk in batches(parcels, CHUNK):
        rows = Work.objects.filter(parcel__in=[one.pk for one in chunk], year=town_year.year, exit="")
        found = list(rows.select_related("kind").order_by("pk"))
        for work in found:
            works[work.parcel_id].append(work)
        own |= own_areas([work.pk for work in found])
    return works, own


def _row(parcel, works, own, ladders: Ladders, move: Move, reason: str, user: User) -> Row:
    row = Row(parcel)
    if len(works) != 1:
        row.refused = "有几项治理任务，请在图斑页逐项改环节。" if works else "没有在办的治理任务。"
        return row
    (row.work,) = works
    row.rungs = ladders.rungs(row.work.kind_id)
    areas = {rung.rank: own.get(row.work.pk, {}).get(rung.pk, ZERO) for rung in row.rungs}
    now = furthest(row.rungs, areas)
    row.before = now.name
    row.refused = refusal(row.rungs, now, move.stage, reason)
    area = row.work.area_mu or parcel.gross_mu
    if not row.refused and not user.can("report", parcel.division, row.work.kind_id):
        row.refused = "您没有在这个村填报的权限。"
    if not row.refused and not area:
        row.refused = "没有计划面积，请先在图斑页填写。"
    if row.refused:
        return row
    aim = next(rung for rung in row.rungs if rung.code == move.stage)
    row.shifts = shifts(areas, {rung.rank: rung.level for rung in row.rungs}, aim.rank, area)
    row.after = f"{aim.name} {plain(area)} 亩" if aim.rank else aim.name
    return row


def carry_out(now: Changing, rows: list[Row], move: Move, *, by: User) -> int:
    """Write the rows that may move, in the caller's transaction; how many."""
    moved = [row for row in rows if not row.refused]
    reason = why(now.year.town, move)
    steps, lines = [], []
    reporters = _reporters([row for row in moved if any(one.kept for one in row.shifts)])
    for row in moved:
        steps += _steps(row, move, reason, by, reporters)
        lines.append(Line(f"图斑 {row.parcel}", {"环节": row.before}, {"环节": row.after}, reason, row.parcel.pk))
    Step.objects.bulk_create(steps, batch_size=CHUNK)
    if moved:
        record_all("批量改环节" if len(moved) > 1 else "改环节", lines, user=by, town=now.year.town)
        recompute_after(now, by)
    return len(moved)


def _steps(row: Row, move: Move, reason: str, by: User, reporters: dict) -> list[Step]:
    """A step for each shift. What is kept of a report stays the report of whoever made it."""
    ranks = {rung.rank: rung for rung in row.rungs}
    common = {"town_id": row.parcel.town_id, "work": row.work, "on": move.on, "is_demo": by.is_demo}
    steps = []
    for one in row.shifts:
        who = reporters.get(row.work.pk, by.pk) if one.kept else by.pk
        why_not = reason if one.area < 0 else ""
        facts = {"rung": ranks[one.rank], "area_mu": one.area, "verdict": "reached", "by_id": who}
        steps.append(Step(**common, **facts, reason=why_not, note=move.note if one.area > 0 else ""))
    goes_back = any(one.area < 0 for one in row.shifts)
    if goes_back and by.can("accept", row.parcel.division, row.work.kind_id):
        rung = ranks[max(one.rank for one in row.shifts)]
        steps.append(Step(**common, rung=rung, area_mu=ZERO, verdict="returned", by=by, reason=reason))
    return steps


def _reporters(rows: list[Row]) -> dict:
    """Work → who reported it last."""
    works = [row.work.pk for row in rows]
    steps = Step.objects.filter(work__in=works, area_mu__gt=0, rung__level="").order_by("recorded_at", "pk")
    return dict(steps.values_list("work", "by"))


@transaction.atomic
def move_one(town_year: TownYear, parcel: Parcel, move: Move, *, by: User, work: Work | None = None) -> None:
    """One parcel, or one of its works, by the same table; Refused says why it stays."""
    with changing(town_year) as now:
        (row,) = plan_moves(now.year, [lock(parcel)], move, by, only=work)
        if row.refused:
            raise Refused(row.refused, field="stage", code="conflict")
        carry_out(now, [row], move, by=by)


@transaction.atomic
def relapse(town_year: TownYear, work: Work, on: date, note: str, *, by: User, reverse: bool = False) -> Decimal:
    """Land lies idle again (复荒): the work is open again from the start; what of it is accepted still, in 亩.

    Accepted area falls only by reversing, with ``reverse`` and by somebody who may accept.
    """
    with changing(town_year) as now:
        check_day(now.year, on)
        parcel = lock(work.parcel)
        work = Work.objects.select_for_update(of=("self",)).select_related("kind", "division").get(pk=work.pk)
        if work.exit:
            raise Refused("这项治理已退出，请先重新纳入。", code="conflict")
        reason = why(now.year.town, Move("", on, "relapse", note))
        if reverse:
            _reverse_accepted(work, on, reason, by)
        rungs = Ladders(now.year.town).rungs(work.kind_id)
        own = own_areas([work.pk])[work.pk]
        areas = {rung.rank: own.get(rung.pk, ZERO) for rung in rungs}
        row = Row(parcel, furthest(rungs, areas).name, rungs[0].name, work=work, rungs=rungs)
        row.shifts = shifts(areas, {rung.rank: rung.level for rung in rungs}, 0, ZERO)
        if not row.shifts and not reverse:
            raise Refused("这项治理还没有进展，不用登记复荒。", code="conflict")
        Step.objects.bulk_create(_steps(row, Move("issued", on, "relapse", note), reason, by, {}))
        left = max((areas[rung.rank] for rung in rungs if rung.level), default=ZERO)
        parcel.attrs = {**parcel.attrs, "relapsed_on": on.isoformat()}
        touch(parcel)
        after = {"环节": row.after} | ({"仍计验收（亩）": plain(left)} if left > 0 else {})
        record("登记复荒", f"图斑 {parcel}", user=by, town=now.year.town, before={"环节": row.before}, after=after,
               reason=reason, about=parcel.pk)  # fmt: skip
        recompute_after(now, by)
        return left


def _reverse_accepted(work: Work, on: date, reason: str, by: User) -> None:
    """Take every acceptance of a work back, the highest level first."""
    if not by.can("accept", work.division, work.kind_id):
        raise Refused("您没有冲销验收的权限，请由验收人冲销。", field="reverse", code="conflict")
    steps = Step.objects.filter(work=work, verdict__in=["passed", "partial"]).exclude(rung__level="")
    for step in steps.select_related("work", "rung").order_by("-rung__rank", "-recorded_at", "-pk"):
        taken = sum(Step.objects.filter(reverses=step).values_list("area_mu", flat=True), ZERO)
        if step.area_mu + taken > 0:
            reverse_step(step, by=by, reason=reason, on=on)
