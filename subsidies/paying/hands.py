"""Whose hands are on a batch: who may not do the next step because of what they did themselves.

claimant ≠ acceptor ≠ approver ≠ payer: whoever reported, claimed or accepted anything a batch pays neither approves
nor pays it, and each of its four steps is another person's.
"""

from django.db.models import Q

from farmland.accounts.models import User
from farmland.lib.refused import Refused
from parcels.models import Step
from subsidies.models import Batch, Claim, Entitlement

STEPS = {"prepared_by": "编制", "reviewed_by": "审核", "approved_by": "批准", "paid_by": "支付"}
HANDS = (("prepared", "编制"), ("reviewed", "审核"), ("approved", "批准"), ("paid", "支付"), ("reconciled", "对账"))
WORDS = {
    "reported": "填报过其中图斑的进度", "claimed": "申报过其中的管护", "accepted": "验收过其中的图斑",
    "verified": "核实过其中的申报", "adjusted": "登记过其中的调整",
}  # fmt: skip


def check(batch: Batch, by: User, step: str) -> None:
    """Refused when ``by`` may not put their hand to ``step`` (a key of STEPS). Call it under the batch's lock."""
    others = [name for name in STEPS if name != step]
    taken = [STEPS[name] for name in others if getattr(batch, f"{name}_id") == by.pk]
    if taken:
        raise Refused(f"您已办理本批次的{'、'.join(taken)}，{STEPS[step]}须由另一人办理。", code="same_person")
    if step in ("approved_by", "paid_by") and (done := deeds(batch, by)):
        told = "，又".join(WORDS[one] for one in done)
        raise Refused(f"您{told}，不能{STEPS[step]}本批次，请由另一人办理。", code="same_person")


def deeds(batch: Batch, by: User) -> list[str]:
    """What ``by`` did about anything the batch pays (keys of WORDS)."""
    rows = Entitlement.objects.filter(lines__batch=batch)
    works = Q(work__entitlements__lines__batch=batch) | Q(work__in=works_of(batch))
    steps = Step.objects.filter(works, by=by)
    claims = Claim.objects.filter(entitlements__lines__batch=batch)
    found = {
        "reported": steps.filter(rung__level="", area_mu__gt=0),
        "claimed": claims.filter(submitted_by=by),
        "accepted": steps.exclude(rung__level=""),
        "verified": claims.filter(verified_by=by),
        "adjusted": rows.filter(adjusts__isnull=False, created_by=by),
    }
    return [name for name, asked in found.items() if asked.exists()]


def works_of(batch: Batch) -> list[str]:
    """The works behind rows that are for a whole village."""
    told = Entitlement.objects.filter(lines__batch=batch, work=None).values_list("explanation", flat=True)
    return list({work for one in told if isinstance(one, dict) for work in one.get("works") or []})
