"""The works of a parcel (治理): added, re-planned, taken out with a reason, replaced by another, opened again.

The caller holds the transaction and has asked whether the user may. What has been accepted is never dropped on the
side: a work with accepted area leaves only after the acceptance has been reversed.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from farmland.accounts.models import User, record
from farmland.lib.area import LARGEST
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from farmland.places.models import Term
from parcels.changes import lock, touch
from parcels.models import Kind, Parcel, Step, Work

ZERO = Decimal(0)
EXITS = dict(Work.EXITS)


@dataclass(frozen=True)
class Plan:
    """What a work is to be: ``area`` in 亩, codes of the lists "measure" and "treatment"."""

    area: Decimal
    measure: str = ""
    treatment: str = ""


@dataclass(frozen=True)
class Reached:
    """What stands on a work's rungs: ``reported`` the greatest area without a level, ``accepted`` with one."""

    reported: Decimal = ZERO
    accepted: Decimal = ZERO

    @property
    def most(self) -> Decimal:
        return max(self.reported, self.accepted)


def own_areas(works: Iterable) -> dict[UUID, dict[int, Decimal]]:
    """Work → rung → Σ of its steps, by primary keys; one query."""
    found: dict = defaultdict(dict)
    sums = Step.objects.filter(work__in=works).order_by().values_list("work", "rung")
    for work, rung, area in sums.annotate(area=Sum("area_mu", output_field=QuantityField())):
        found[work][rung] = area
    return found


def reached(work: Work) -> Reached:
    sums = Step.objects.filter(work=work).order_by().values_list("rung", "rung__level")
    areas: dict[bool, list[Decimal]] = {False: [ZERO], True: [ZERO]}
    for _, level, area in sums.annotate(area=Sum("area_mu", output_field=QuantityField())):
        areas[bool(level)].append(area)
    return Reached(max(areas[False]), max(areas[True]))


def add_work(
    parcel: Parcel, kind: Kind, plan: Plan, *, by: User, key: str = "", replaces: Work | None = None
) -> tuple[Work, bool]:
    """One more line of a parcel, and whether it was made now; a repeated ``key`` finds the line it made."""
    parcel = lock(parcel)
    again = Work.objects.filter(parcel=parcel, attrs__key=key).first() if key else None
    if again is not None:
        if (again.kind_id, again.area_mu) != (kind.pk, plan.area):
            message = "这个 Idempotency-Key 已用于另一条内容不同的治理，请生成新的键。"
            raise Refused(message, field="non_field_errors", code="key_reused")
        return again, False
    _check(parcel, plan, ZERO)
    work = Work.objects.create(
        town=parcel.town, division=parcel.division, parcel=parcel, kind=kind, year=parcel.year, area_mu=plan.area,
        measure=plan.measure, treatment=plan.treatment, replaces=replaces, attrs={"key": key} if key else {},
        is_demo=by.is_demo or parcel.is_demo,
    )  # fmt: skip
    touch(parcel)
    _record("增加治理", work, by, after=_facts(work))
    return work, True


def change_work(work: Work, plan: Plan, *, by: User, reason: str = "") -> bool:
    """Another planned area, measure or treatment; False where they stand already."""
    parcel, work = _locked(work)
    if work.exit:
        raise Refused(f"这项治理已退出（{work.get_exit_display()}），请先重新纳入再改。", code="conflict")
    if (work.area_mu, work.measure, work.treatment) == (plan.area, plan.measure, plan.treatment):
        return False
    _check(parcel, plan, reached(work).most)
    before = _facts(work)
    work.area_mu, work.measure, work.treatment = plan.area, plan.measure, plan.treatment
    work.save(update_fields=["area_mu", "measure", "treatment", "updated_at"])
    touch(parcel)
    _record("修改治理", work, by, before=before, after=_facts(work), reason=reason)
    return True


def exit_work(work: Work, exit: str, reason: str, *, by: User, of_finding: bool = False) -> None:
    """Take a work out (退出). ``of_finding``: the finding did it, and another finding may undo it."""
    parcel, work = _locked(work)
    if exit not in EXITS:
        raise Refused(f"退出方式应为{'、'.join(EXITS.values())}之一，现为“{exit}”。", field="exit")
    if work.exit:
        raise Refused(f"这项治理已退出（{work.get_exit_display()}），不用再退。", code="conflict")
    if not reason.strip():
        raise Refused("退出须写明原因。", field="reason")
    if (accepted := reached(work).accepted) > 0:
        raise Refused(f"已认定 {plain(accepted)} 亩，请先冲销验收再退出。", field="exit", code="conflict")
    work.exit, work.exit_reason = exit, reason.strip()[:300]
    work.attrs = {**work.attrs, "of_finding": True} if of_finding else work.attrs
    work.save(update_fields=["exit", "exit_reason", "attrs", "updated_at"])
    touch(parcel)
    _record("退出治理", work, by, before={"状态": "在办"}, after={"状态": EXITS[exit]}, reason=reason.strip())


def reopen_work(work: Work, reason: str, *, by: User) -> None:
    """Take a work in again; not while another stands in its place."""
    parcel, work = _locked(work)
    if not work.exit:
        raise Refused("这项治理没有退出，不用重新纳入。", code="conflict")
    if not reason.strip():
        raise Refused("重新纳入须写明原因。", field="reason")
    other = Work.objects.filter(replaces=work, exit="").select_related("parcel").first()
    if other is not None:
        raise Refused(f"它已由图斑 {other.parcel or other.division} 替换，请先让替换的那项退出。", code="conflict")
    before = {"状态": work.get_exit_display(), "退出原因": work.exit_reason}
    work.exit = work.exit_reason = ""
    work.attrs = {name: value for name, value in work.attrs.items() if name != "of_finding"}
    work.save(update_fields=["exit", "exit_reason", "attrs", "updated_at"])
    touch(parcel)
    _record("重新纳入治理", work, by, before=before, after={"状态": "在办"}, reason=reason.strip())


def substitute(work: Work, other: Parcel, area: Decimal, reason: str, *, by: User) -> Work:
    """Take ``work`` out and let a work on ``other`` stand in its place (调换); the link is shown on both.

    An open work of the same kind that stands on ``other`` and replaces nothing takes the link; else one is made.
    """
    if other.pk == work.parcel_id:
        raise Refused("不能用图斑自己替换自己，请选另一个图斑。", field="other")
    exit_work(work, "substituted", reason, by=by)
    same = Work.objects.filter(parcel=other, kind=work.kind, year=work.year, exit="", replaces=None)
    found = same.order_by("pk").first()
    if found is None:
        found, _ = add_work(other, work.kind, Plan(area, work.measure), by=by, replaces=work)
        return found
    parcel, found = _locked(found)
    found.replaces = work
    found.save(update_fields=["replaces", "updated_at"])
    touch(parcel)
    _record("替换治理", found, by, after={"替换": _place(work)}, reason=reason.strip())
    return found


def planned_beyond(parcel: Parcel, works: Iterable[Work]) -> Decimal:
    """By how much the open works of one year plan more than the parcel has; 0 where that is unknown or fits."""
    planned = sum((work.area_mu or ZERO for work in works if not work.exit and work.year == parcel.year), ZERO)
    return ZERO if parcel.gross_mu is None else max(planned - parcel.gross_mu, ZERO)


def _check(parcel: Parcel, plan: Plan, least: Decimal) -> None:
    if plan.area <= 0 or plan.area > LARGEST:
        raise Refused(f"计划面积应大于 0、不大于 {LARGEST} 亩，现为 {plain(plan.area)}。", field="area_mu")
    if plan.area < least:
        raise Refused(
            f"已报或已认定 {plain(least)} 亩，计划面积不能少于它，现为 {plain(plan.area)}。请先更正进展。",
            field="area_mu",
        )
    for name in ("measure", "treatment"):
        code = getattr(plan, name)
        if code and not Term.objects.of(name, parcel.town).filter(code=code).exists():
            raise Refused(f"字典里没有“{code}”，请从列表中选择。", field=name)


def _locked(work: Work) -> tuple[Parcel, Work]:
    """Parcel first, then work, as every writer here."""
    if work.parcel_id is None:
        raise Refused("未落图的面积按村登记，不能在图斑上修改。", code="conflict")
    parcel = lock(work.parcel)
    rows = Work.objects.select_for_update(of=("self",)).select_related("parcel", "kind", "division", "town")
    return parcel, rows.get(pk=work.pk)


def _facts(work: Work) -> dict[str, str]:
    facts = {"任务": str(work.kind), "计划面积（亩）": "" if work.area_mu is None else plain(work.area_mu)}
    facts |= {"措施": work.measure, "处置类别": work.treatment}
    return facts | ({"替换": _place(work.replaces)} if work.replaces_id else {})


def _place(work: Work) -> str:
    return f"图斑 {work.parcel}" if work.parcel_id else str(work.division)


def _record(action: str, work: Work, by: User, *, before=None, after=None, reason: str = "") -> None:
    subject = f"{_place(work)} {work.kind}"
    record(action, subject, user=by, town=work.town, before=before, after=after, reason=reason, about=work.parcel_id)
