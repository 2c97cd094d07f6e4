"""What the official app answered (举证审核结果), and the taking away of material that was added by mistake."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.places.models import Division, Term
from parcels.evidence_store import EvidenceRefused
from parcels.models import Evidence, EvidenceOutcome, Parcel

VERDICTS = dict(EvidenceOutcome.VERDICTS)


@dataclass(frozen=True)
class Answer:
    """One answer as entered. ``today`` is the town-year's working date."""

    level: str
    verdict: str
    on: date
    today: date
    reason: str = ""
    note: str = ""


@transaction.atomic
def record_outcome(parcel: Parcel, answer: Answer, *, by: User) -> EvidenceOutcome:
    """Append an answer; the newest of a level holds. Raises EvidenceRefused."""
    town = parcel.town
    levels = labels("level", town)
    reasons = labels("reason", town)
    check(answer, levels, reasons)
    reason = answer.reason if answer.verdict == "returned" else ""
    outcome = EvidenceOutcome.objects.create(
        town=town, division=parcel.division, parcel=parcel, level=answer.level, verdict=answer.verdict, reason=reason,
        note=answer.note, on=answer.on, by=by, is_demo=by.is_demo,
    )  # fmt: skip
    after = {"level": levels[answer.level], "verdict": VERDICTS[answer.verdict], "on": answer.on.isoformat()}
    why = "：".join(filter(None, [reasons.get(reason, ""), answer.note]))
    record("登记举证结果", f"图斑 {parcel}", user=by, town=town, after=after, reason=why, about=parcel.pk)
    return outcome


def labels(dictionary: str, town: Division) -> dict[str, str]:
    return dict(Term.objects.of(dictionary, town).values_list("code", "label"))


def check(answer: Answer, levels: dict, reasons: dict) -> None:
    if answer.level not in levels:
        raise EvidenceRefused(f"没有层级“{answer.level[:20]}”，可选：{'、'.join(levels.values())}。", field="level")
    if answer.verdict not in VERDICTS:
        raise EvidenceRefused(f"结果应为通过或退回，现为“{answer.verdict[:20]}”。", field="verdict")
    if answer.verdict == "returned" and answer.reason not in reasons:
        raise EvidenceRefused("退回须从列表中选原因。", field="reason")
    if answer.on > answer.today:
        text = f"日期 {answer.on:%Y-%m-%d} 晚于工作日期 {answer.today:%Y-%m-%d}，请改为当日或以前。"
        raise EvidenceRefused(text, field="on")
    if len(answer.note) > 300:
        raise EvidenceRefused(f"说明最多 300 字，现有 {len(answer.note)} 字。", field="note")


def standing(outcomes) -> dict[str, EvidenceOutcome]:
    """The newest answer of each level; ``outcomes`` in order of day and entry."""
    return {one.level: one for one in outcomes}


def returned(outcomes) -> EvidenceOutcome | None:
    """The answer by which a parcel is sent back: the last one, when it is a return."""
    last = max(outcomes, key=lambda one: (one.on, one.recorded_at), default=None)
    return last if last and last.verdict == "returned" else None


@transaction.atomic
def withdraw(evidence: Evidence, *, by: User, reason: str) -> Evidence:
    """Take material away from view; row and files stay on record."""
    reason = reason.strip()
    if not reason:
        raise EvidenceRefused("请写明撤下的原因。", field="reason")
    if len(reason) > 300:
        raise EvidenceRefused(f"原因最多 300 字，现有 {len(reason)} 字。", field="reason")
    row = Evidence.objects.select_for_update(of=("self",)).select_related("parcel", "division").get(pk=evidence.pk)
    if row.withdrawn_at:
        raise EvidenceRefused("这份材料已经撤下。", code="conflict")
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = timezone.now(), by, reason
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason", "updated_at"])
    record(
        f"撤下{row.get_category_display()}", f"图斑 {row.parcel}" if row.parcel_id else str(row.division), user=by,
        town=row.town, before={"sha256": row.sha256[:16]}, reason=reason, about=row.parcel_id or row.pk,
    )  # fmt: skip
    return row
