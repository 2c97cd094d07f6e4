"""The plan check over a loaded plan: findings kept in step, waivers by named people that lapse when figures change."""

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import record
from tasks.check.registry import Remark, run
from tasks.models import Finding, Plan, Waiver
from tasks.plan.common import common_dictionary
from tasks.plan.sync import Differences, Wanted, sync

SEVERITY_NAMES = {"error": "错误", "warning": "警告", "note": "提示"}


@transaction.atomic
def check(plan: Plan) -> list[str]:
    """Run every rule on the plan as loaded and bring its findings in step; what changed, in Chinese."""
    remarks = run(plan.document, common_dictionary(), plan=plan)
    waivers = _in_force(plan, remarks)
    wanted = []
    for order, remark in enumerate(remarks):
        values = {
            "severity": remark.severity,
            "clause": remark.clause,
            "stated": remark.stated,
            "computed": remark.computed,
            "message": remark.message,
            "waived": (remark.rule, remark.place) in waivers,
            "order": order,
        }
        wanted.append(Wanted((remark.rule, remark.place), values))
    differences = Differences()
    fixed = {"plan": plan, **_where(plan)}
    sync(Finding.objects.filter(plan=plan), ("rule", "place"), wanted, fixed, differences)
    return differences.lines


def _in_force(plan: Plan, remarks: list[Remark]) -> set[tuple[str, str]]:
    """(rule, place) of the waivers that still answer what is found; those that no longer do are withdrawn for good."""
    found = {(one.rule, one.place): (one.stated, one.computed) for one in remarks}
    kept = set()
    for waiver in Waiver.objects.filter(**_where(plan), withdrawn_at=None):
        key = waiver.rule, waiver.place
        if found.get(key) == (waiver.stated, waiver.computed):
            kept.add(key)
            continue
        waiver.withdrawn_at = timezone.now()
        waiver.save()
        reason = "数值已变" if key in found else "方案里已没有这一处"
        record("撤销体检说明", f"{waiver.rule} {waiver.place}", town=plan.town, reason=reason)
    return kept


def _where(plan: Plan) -> dict:
    return {"town": plan.town, "year": plan.year}


@transaction.atomic
def waive(finding: Finding, *, by, reason: str, basis: str = "") -> Waiver:
    """Record why a finding stays as it is. ValueError without a reason."""
    if not reason.strip():
        raise ValueError("请写明不改的原因。")
    where = {"town": finding.town, "year": finding.year, "rule": finding.rule, "place": finding.place}
    withdraw(finding, by=by)
    waiver = Waiver.objects.create(
        **where, stated=finding.stated, computed=finding.computed, reason=reason.strip(), basis=basis.strip(), by=by
    )
    finding.waived = True
    finding.save(update_fields=["waived", "updated_at"])
    record(
        "说明体检发现",
        f"{finding.rule} {finding.place}",
        user=by,
        town=finding.town,
        after={"stated": finding.stated, "computed": finding.computed, "basis": basis},
        reason=reason,
    )
    return waiver


@transaction.atomic
def withdraw(finding: Finding, *, by) -> None:
    """Take a waiver back; it stays on record."""
    where = {"town": finding.town, "year": finding.year, "rule": finding.rule, "place": finding.place}
    withdrawn = Waiver.objects.filter(**where, withdrawn_at=None).update(
        withdrawn_at=timezone.now(), updated_at=timezone.now()
    )
    if withdrawn:
        record("撤销体检说明", f"{finding.rule} {finding.place}", user=by, town=finding.town)
        finding.waived = False
        finding.save(update_fields=["waived", "updated_at"])
