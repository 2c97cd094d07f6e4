"""The one transaction that makes a batch count: every row through the acceptance door, or none."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import OuterRef, Subquery, Sum

from farmland.accounts.models import User
from farmland.jobs.models import Job
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from parcels.models import Inspection, InspectionItem, Step
from tasks.acceptance import Refused, Wish, accept, reverse
from tasks.inspections.results import NotAll, in_order
from tasks.inspections.services import check_draft, exclusive, locked, log, save, year_of
from tasks.services import request_recompute

ZERO = Decimal(0)
REVOKED = {"returned": "复核退回", "partial": "复核核减"}


@dataclass(frozen=True)
class Done:
    """``job`` recomputes the figures; None when the batch was done already, which changes nothing."""

    batch: Inspection
    job: Job | None


def confirm(batch: Inspection, *, on: date | None = None, version: int, by: User) -> Done:
    """Enter every row. NotAll lists every refusal by row and nothing is written; a second click finds it done."""
    with exclusive(year_of(batch)) as year:
        now = locked(batch)
        if now.state == "done":
            return Done(now, None)
        check_draft(now, version)
        now.on = on or now.on
        items = list(in_order(now).select_related("work__parcel", "work__division", "work__kind"))
        problems = _unready(now, items) + _members(now, items)
        if not problems:
            problems = _enter(year, now, items, by)
        if problems:
            raise NotAll(problems)
        save(now, state="done", on=now.on)
        log("完成验收批次", now, by, _outcome(now, items))
        job = request_recompute(year.town, year.year, by)
    return Done(now, job)


def _unready(batch: Inspection, items: list[InspectionItem]) -> list[tuple]:
    found = [] if batch.on else [(None, "on", "请填验收日期。")]
    for one in items:
        if one.verdict or (batch.is_recheck and not one.is_drawn):
            continue
        message = "还没有结论。"
        if not one.is_drawn:
            message = "没有抽中，也没有结论：请逐项验收，或选“不抽中的按抽样结果认定”。"
        found.append((one, "verdict", message))
    return found


def _members(batch: Inspection, items: list[InspectionItem]) -> list[tuple]:
    """Who reported a piece does not sit on the team that accepts it."""
    posts = {one["user"]: one["post"] for one in batch.members if one.get("user")}
    told = Step.objects.filter(work__inspected__inspection=batch, rung__level="", area_mu__gt=0, by__in=posts)
    reported = set(told.order_by().values_list("work", "by").distinct())
    return [
        (one, "members", f"验收人员“{post}”填报了本项进度，填报人不能参加验收，请换人。")
        for one in items
        for user, post in posts.items()
        if (one.work_id, user) in reported
    ]


def _enter(year, batch: Inspection, items: list[InspectionItem], by: User) -> list[tuple]:
    problems, entered = [], []
    for one in items:
        try:
            one.step = _recheck(batch, one, by) if batch.is_recheck else _accept(year, batch, one, by)
        except Refused as refusal:
            problems.append((one, refusal.field, refusal.message))
            continue
        if one.step is not None:
            entered.append(one)
    if not problems:
        InspectionItem.objects.bulk_update(entered, ["step"], batch_size=200)
    return problems


def _accept(year, batch: Inspection, item: InspectionItem, by: User) -> Step:
    work = item.work
    wish = Wish(
        division=work.division, kind=work.kind, level=batch.level, area=item.accepted_mu, on=batch.on,
        verdict=item.verdict, reason=item.reason, parcel=work.parcel, tranche=work.tranche,
        declared=item.declared_mu, key=f"inspection:{item.pk}", work=work,
    )  # fmt: skip
    return accept(year, wish, by=by).step


def _recheck(batch: Inspection, item: InspectionItem, by: User) -> Step | None:
    """A re-check adds no area: what no longer holds is taken back from the newest acceptance on.

    A piece that was not drawn but looked at all the same has a result like any other.
    """
    if item.verdict in ("", "passed"):
        return None
    left = item.declared_mu - (item.accepted_mu or ZERO)
    reason = f"{REVOKED[item.verdict]}：{item.reason}"[:300]
    undone = None
    for number, (step, standing) in enumerate(_standing(batch, item)):
        area = min(left, standing)
        if area <= 0:
            break
        key = f"inspection:{item.pk}:{number}"
        undone = reverse(step, by=by, reason=reason, on=batch.on, area=area, key=key).step
        left -= area
    if left > 0:
        raise Refused(
            f"应核减的面积比现有认定的多 {plain(left)} 亩，认定记录已变化，请取消本批重新建批。", code="conflict"
        )
    return undone


def _standing(batch: Inspection, item: InspectionItem) -> list[tuple[Step, Decimal]]:
    """The acceptances of this level with what is left of each, the newest first."""
    taken = Step.objects.filter(reverses=OuterRef("pk")).order_by().values("reverses")
    taken = taken.values(area=Sum("area_mu", output_field=QuantityField()))
    rows = Step.objects.filter(work=item.work_id, rung__level=batch.level, verdict__in=("passed", "partial"))
    rows = rows.annotate(taken=Subquery(taken)).select_related("work", "rung").order_by("-on", "-recorded_at", "-pk")
    found = [(one, one.area_mu + (one.taken or ZERO)) for one in rows]
    return [(one, area) for one, area in found if area > 0]


def _outcome(batch: Inspection, items: list[InspectionItem]) -> dict:
    areas = [one.step.area_mu for one in items if one.step_id]
    return {
        "on": batch.on.isoformat(),
        "items": len(items),
        "area_mu": plain(sum(areas, ZERO)),
        "members": [one["post"] for one in batch.members],
        "copies_to": batch.copies_to,
    }
