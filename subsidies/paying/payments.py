"""Approval and what follows: the freeze, the payments, what the bank sent back, the reconciliation.

From approval on the database itself refuses every change of the rows (``subsidies.proof.freeze``).
"""

from datetime import date
from decimal import Decimal

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from farmland.accounts.models import User
from farmland.lib.numbers import fixed, plain
from farmland.lib.refused import Refused
from subsidies.models import Batch, BatchLine, Entitlement, Payee, Payment, Publicity
from subsidies.paying import checks, funds, hands, publicity, seal
from subsidies.paying.batches import check_move, log, opened, save
from subsidies.refusals import logged

ZERO = Decimal(0)


@logged("批准批次")
def approve(batch: Batch, *, version: int, by: User) -> Batch:
    """After the publicity, by a third person; the same person's second click finds it done."""
    now = opened(batch, by, "approve_payment")
    if now.state == "approved" and now.approved_by_id == by.pk:
        return now
    check_move(now, "approve", version)
    hands.check(now, by, "approved_by")
    if found := [*publicity.over(now), *_unsound(now), *checks.changed(now)]:
        raise Refused("还不能批准：" + "；".join(found) + "。", code="incomplete")
    Publicity.objects.filter(batch=now, state="running").update(state="passed", updated_at=timezone.now())
    rows = Entitlement.objects.filter(lines__batch=now, lines__is_live=True)
    keys = list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), 500):
        some = Entitlement.objects.filter(pk__in=keys[start : start + 500])
        some.update(state=Entitlement.SETTLED, updated_at=timezone.now())
    save(now, state="approved", approved_by=by, approved_at=timezone.now())
    log("批准批次", now, by, {"state": "approved", "digest": now.digest, "total_yuan": plain(now.total)})
    return now


def _unsound(batch: Batch) -> list[str]:
    found = [one.rstrip("。") for one in [seal.complaint(batch)] if one]
    return found + checks.sums(batch) + checks.blocked_accounts(batch)


@logged("支付批次")
def pay(batch: Batch, *, version: int, by: User, source: str = "") -> Batch:
    """Send every line once, by a fourth person, out of sources that have the money."""
    now = opened(batch, by, "pay")
    if now.state == "paid" and now.paid_by_id == by.pk:
        return now
    check_move(now, "pay", version)
    hands.check(now, by, "paid_by")
    if found := _unsound(now):
        raise Refused("不能支付：" + "；".join(found) + "；请作废后重新编制。", code="incomplete")
    today = publicity.today_of(now)
    funds.draw(now, source, today, by)
    save(now, state="paid", paid_by=by, paid_at=timezone.now())
    lines = BatchLine.objects.filter(batch=now).select_related("payee").order_by("pk")
    Payment.objects.bulk_create((_attempt(one, one.payee, 1, today, by) for one in lines), batch_size=500)
    log("支付批次", now, by, {"state": "paid", "total_yuan": plain(now.total)})
    return now


@logged("登记到账")
def settle(batch: Batch, references: dict, *, by: User, on: date | None = None) -> int:
    """``references``: payment id → the bank's voucher; those payments arrived. The number settled."""
    now = opened(batch, by, "pay")
    _check_paid(now)
    wanted = {str(key): " ".join(str(text).split())[:80] for key, text in references.items()}
    wanted = {key: text for key, text in wanted.items() if text}
    rows = Payment.objects.select_for_update(of=("self",)).filter(line__batch=now, pk__in=list(wanted))
    rows = list(rows.order_by("pk"))
    settled = [one for one in rows if one.result == "paid" and one.reference == wanted[str(one.pk)]]
    sent = [one for one in rows if one.result == "sent"]
    if not wanted or len(settled) + len(sent) != len(wanted):
        raise Refused("有的支付已登记过结果，或不在本批次中，请刷新后再填凭证号。", code="conflict")
    for one in sent:
        one.result, one.reference, one.updated_at = "paid", wanted[str(one.pk)], timezone.now()
        one.on = on or one.on
    Payment.objects.bulk_update(sent, ["result", "reference", "on", "updated_at"], batch_size=200)
    if sent:
        save(now)
        log("登记到账", now, by, {"rows": len(sent), "total_yuan": plain(sum((one.amount for one in sent), ZERO))})
    return len(sent)


@logged("登记退回")
def fail(batch: Batch, *, payment, reason: str, by: User) -> Payment:
    """The bank sent it back; it stays on record, and the line may be issued again."""
    now = opened(batch, by, "pay")
    _check_paid(now)
    found = _payment(now, payment)
    if found.result != "sent":
        raise Refused(f"这笔支付{found.get_result_display()}，不能登记退回。", code="conflict")
    if not reason.strip():
        raise Refused("请写退回的原因。", field="reason")
    found.result, found.reason = "failed", reason.strip()[:300]
    found.save(update_fields=["result", "reason", "updated_at"])
    save(now)
    log("登记退回", now, by, {"row": str(found.line.division), "amount_yuan": plain(found.amount)}, reason=reason)
    return found


@logged("重新支付")
def reissue(batch: Batch, *, line, by: User, payee=None) -> Payment:
    """Send a line the bank sent back once more, to the account in use now or one that is named; never twice."""
    now = opened(batch, by, "pay")
    _check_paid(now)
    hands.check(now, by, "paid_by")
    found = BatchLine.objects.filter(batch=now, pk=line).select_related("payee", "entitlement__claim__payee").first()
    attempts = list(found.payments.order_by("attempt")) if found else []
    if not attempts or attempts[-1].result != "failed":
        raise Refused("这一笔没有被退回，不能重新支付。", code="conflict")
    account = _account(found, payee)
    made = _attempt(found, account, attempts[-1].attempt + 1, publicity.today_of(now), by)
    made.save(force_insert=True)
    save(now)
    log("重新支付", now, by, {"row": str(found.division), "payee": str(account), "attempt": made.attempt})
    return made


@logged("批次对账")
def reconcile(batch: Batch, *, total: Decimal, version: int, by: User) -> Batch:
    """The bank's total against ours: every line arrived with its voucher, and the sums are one."""
    now = opened(batch, by, "pay")
    if now.state == "reconciled" and now.reconciled_by_id == by.pk:
        return now
    check_move(now, "reconcile", version)
    if waiting := unsettled(now):
        raise Refused(f"还有 {waiting} 笔没有到账凭证（已发出或退回），请先登记结果。", code="incomplete")
    arrived = sum(Payment.objects.filter(line__batch=now, result="paid").values_list("amount", flat=True), ZERO)
    if arrived != now.total or total != now.total:
        raise Refused(
            f"银行合计 {fixed(total)} 元，到账合计 {fixed(arrived)} 元，批次合计 {fixed(now.total)} 元，不一致。",
            field="total",
        )
    save(now, state="reconciled", reconciled_by=by, reconciled_at=timezone.now())
    log("批次对账", now, by, {"state": "reconciled", "total_yuan": plain(total)})
    return now


def unsettled(batch: Batch) -> int:
    """Lines whose last payment has not arrived."""
    last = Payment.objects.filter(line=OuterRef("pk")).order_by("-attempt")
    lines = batch.lines.annotate(last=Subquery(last.values("result")[:1]))
    return sum(one != "paid" for one in lines.values_list("last", flat=True))


def _check_paid(batch: Batch) -> None:
    if batch.state != "paid":
        raise Refused(f"批次{batch.get_state_display()}，不能登记支付结果。", code="conflict")


def _payment(batch: Batch, key) -> Payment:
    rows = Payment.objects.select_for_update(of=("self",)).filter(line__batch=batch, pk=key)
    found = rows.select_related("line__division").first()
    if found is None:
        raise Refused("没有这笔支付，请刷新后再办。", code="conflict")
    return found


def _account(line: BatchLine, chosen) -> Payee:
    if chosen:
        payee = Payee.objects.filter(pk=chosen).first()
    elif line.payee.state == "active":
        payee = line.payee
    else:
        payee = checks.Accounts(line.town_id, {line.division_id}, line.is_demo).of(line.entitlement, line.payee_kind)
    if payee is None or not checks.fits(line, payee):
        raise Refused("没有可用的收款账户：请登记新账户并由另一人复核，或指定一个使用中的账户。", field="payee")
    if Payee.objects.filter(checks.waiting_changes([payee])).exists():
        raise Refused(f"{payee.name}的账户变更待复核，复核后再支付。", field="payee", code="conflict")
    return payee


def _attempt(line: BatchLine, payee: Payee, number: int, on: date, by: User) -> Payment:
    return Payment(
        town_id=line.town_id, division_id=line.division_id, line=line, attempt=number, payee=payee,
        amount=line.amount, on=on, by=by, is_demo=line.is_demo,
    )  # fmt: skip
