"""调整: the only way an amount changes after it was paid — a signed row of its own that names the row it adjusts.

Entered by one person, it is owed like any other amount and goes through the next batch, approved by another.
"""

from decimal import Decimal

from farmland.accounts.models import User, record
from farmland.lib.numbers import fixed, plain
from farmland.lib.refused import Refused
from subsidies.invented import check_hand
from subsidies.models import Entitlement, Payment
from subsidies.paying.funds import CENT
from subsidies.refusals import lock_year, logged, may
from subsidies.rules.amounts import split

ZERO = Decimal(0)
COPIED = (
    "town_id", "division_id", "program_id", "rate_version_id", "rate_key", "round_id", "year", "work_id", "claim_id",
    "subject", "facts_digest",
)  # fmt: skip


@logged("登记调整")
def adjust(entitlement: Entitlement, *, amount: Decimal, reason: str, by: User) -> Entitlement:
    """``amount`` with its sign. Never more taken back than was paid of the row and its earlier adjustments."""
    may(by, "prepare_payment", entitlement.town, "登记调整")
    lock_year(entitlement.town_id, entitlement.program.year)
    now = Entitlement.objects.select_for_update(of=("self",)).select_related("town", "division").get(pk=entitlement.pk)
    check_hand(by, now.is_demo, "应补")
    _check(now, amount, reason)
    made = Entitlement.objects.create(
        **{name: getattr(now, name) for name in COPIED}, amount=amount, state=Entitlement.DUE, adjusts=now,
        parts=_parts(now.parts, "payee_kind", amount), sources=_parts(now.sources, "source", amount),
        reason=reason.strip()[:500], created_by=by, is_demo=by.is_demo or now.is_demo,
        explanation={
            "adjusts": str(now.pk), "lines": [{"text": f"调整：{reason.strip()}", "amount": plain(amount)}],
            "exact": plain(amount), "works": (now.explanation or {}).get("works", []),
        },
    )  # fmt: skip
    after = {"amount_yuan": plain(amount), "adjusts": str(now.pk)}
    record("登记调整", str(now), user=by, town=now.town, after=after, reason=reason, about=made.pk)
    return made


@logged("撤回调整")
def withdraw(adjustment: Entitlement, *, reason: str, by: User) -> Entitlement:
    """A wrong adjustment that is in no batch yet; it stays on record."""
    may(by, "prepare_payment", adjustment.town, "登记调整")
    lock_year(adjustment.town_id, adjustment.program.year)
    now = Entitlement.objects.select_for_update(of=("self",)).select_related("town").get(pk=adjustment.pk)
    check_hand(by, now.is_demo, "应补")
    if now.adjusts_id is None or now.state != Entitlement.DUE:
        raise Refused("只能撤回还没有列入批次的调整。", code="conflict")
    if not reason.strip():
        raise Refused("请写明撤回的原因。", field="reason")
    now.state = Entitlement.REPLACED
    now.save(update_fields=["state", "updated_at"])
    record("撤回调整", str(now), user=by, town=now.town, reason=reason, about=now.pk)
    return now


def paid_of(entitlement: Entitlement) -> Decimal:
    """What left for a row and its adjustments and was not sent back."""
    rows = Payment.objects.exclude(result="failed")
    own = rows.filter(line__entitlement=entitlement).values_list("amount", flat=True)
    more = rows.filter(line__entitlement__adjusts=entitlement).values_list("amount", flat=True)
    return sum([*own, *more], ZERO)


def _check(entitlement: Entitlement, amount: Decimal, reason: str) -> None:
    if entitlement.adjusts_id is not None:
        raise Refused("调整不能再调整，请对原来的应补登记。", code="conflict")
    if not reason.strip():
        raise Refused("调整须写原因。", field="reason")
    if not amount or amount != amount.quantize(CENT):
        raise Refused(f"调整金额不能为 0，到分为止，现为 {plain(amount)}。", field="amount")
    paid = paid_of(entitlement)
    live = entitlement.lines.filter(is_live=True, batch__state__in=("paid", "reconciled"))
    if entitlement.state != Entitlement.SETTLED or not live.exists():
        raise Refused("这笔应补还没有支付，不用调整：重新核算，或作废批次后重新编制。", code="conflict")
    waiting = entitlement.adjustments.filter(state__in=(Entitlement.DUE, Entitlement.BATCHED, Entitlement.SETTLED))
    waiting = waiting.exclude(lines__payments__isnull=False).values_list("amount", flat=True)
    left = paid + sum((one for one in waiting if one < 0), ZERO)
    if left + amount < 0:
        raise Refused(
            f"调减 {fixed(-amount)} 元超过已支付的 {fixed(left)} 元（已扣除未办完的调减），请核对。", field="amount"
        )


def _parts(parts: list, name: str, amount: Decimal) -> list[dict]:
    shares = split(amount, [(one[name], Decimal(one["amount"])) for one in parts or ()])
    return [{name: key, "amount": plain(share)} for key, share in shares]
