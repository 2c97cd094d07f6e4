"""Whether the money is as it was approved: seals, sums of rows and payments, live rows, and the freeze itself.

Run by ``verify_audit``, every night, and for one town when an auditor asks (``subsidies.proof.auditing``). What is
wrong is told with its place; nothing is repaired.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from farmland.accounts.models import record
from farmland.jobs.registry import handler
from farmland.lib.numbers import fixed
from farmland.places.models import Division
from subsidies.models import Batch, BatchLine, Entitlement, Fund, Payment
from subsidies.paying import seal
from subsidies.proof import freeze

KIND = "money_audit"
SEALED = ("reviewed", "published", "approved", "paid", "reconciled")
PAID = ("paid", "reconciled")
ZERO = Decimal(0)


@handler(KIND, title="夜间核对资金")
def nightly(job) -> dict:
    """A batch that does not hold is an event of its town, so that those who read the log learn of it."""
    summary, _ = money()
    wrong = 0
    for batch in Batch.objects.select_related("town").order_by("pk"):
        if found := list(of_batch(batch)):
            wrong += 1
            with transaction.atomic():
                reason = "；".join(found)[:500]
                record("资金核对不符", str(batch), town=batch.town, reason=reason, about=batch.pk)
    return {"text": summary if not wrong else f"{wrong} 个批次核对不符，见操作记录。", "wrong": wrong}


def money(town: Division | None = None) -> tuple[str, list[str]]:
    """(what was checked, what is wrong); of one town where given."""
    mine = {"town": town} if town else {}
    wrong = [f"数据库的冻结规则不齐：{name}。" for name in freeze.missing()]
    count = sealed = 0
    for batch in Batch.objects.filter(**mine).select_related("town").order_by("pk").iterator(chunk_size=100):
        count, sealed = count + 1, sealed + (batch.state in SEALED)
        wrong += [f"{batch.town} {batch.number}：{text}" for text in of_batch(batch)]
    wrong += [*_rows_out_of_place(mine), *_overdrawn(mine)]
    lines, payments = BatchLine.objects.filter(**mine).count(), Payment.objects.filter(**mine).count()
    told = f"{count} 个拨付批次，{sealed} 个校验值，{lines} 行明细，{payments} 笔支付"
    return f"{told}，全部相符。" if not wrong else f"{told}，有不符。", wrong


def of_batch(batch: Batch) -> Iterator[str]:
    if batch.state in SEALED and (complaint := seal.complaint(batch)):
        yield complaint
    lines = dict(batch.lines.values_list("pk", "amount"))
    total = sum(lines.values(), ZERO)
    if total != batch.total:
        yield f"明细合计 {fixed(total)} 元，批次合计 {fixed(batch.total)} 元，不一致。"
    if batch.state in PAID:
        yield from _payments(batch, lines)


def _payments(batch: Batch, lines: dict) -> Iterator[str]:
    rows = list(Payment.objects.filter(line__batch=batch).values_list("line", "amount", "result"))
    sent = [(line, amount) for line, amount, result in rows if result != "failed"]
    paid = {line for line, _ in sent}
    for line, amount in sent:
        if amount != lines[line]:
            yield f"一笔支付 {fixed(amount)} 元与明细 {fixed(lines[line])} 元不一致。"
    if len(sent) != len(paid):
        yield "有的明细支付了不止一次。"
    if unpaid := set(lines) - {line for line, _, _ in rows}:
        yield f"{len(unpaid)} 行明细没有支付记录。"
    if batch.state == "reconciled" and set(lines) - paid:
        yield "已对账，但有的明细没有到账。"
    yield from _sums(batch, lines, sum((amount for _, amount in sent), ZERO), paid)


def _sums(batch: Batch, lines: dict, arrived: Decimal, paid: set) -> Iterator[str]:
    waiting = sum((lines[one] for one in set(lines) - paid), ZERO)
    if arrived + waiting != batch.total:
        yield f"支付合计 {fixed(arrived)} 元，待重付 {fixed(waiting)} 元，与批次合计 {fixed(batch.total)} 元不一致。"
    drawn = -sum(Fund.objects.filter(batch=batch).values_list("amount", flat=True), ZERO)
    if drawn != batch.total:
        yield f"资金支出 {fixed(drawn)} 元与批次合计 {fixed(batch.total)} 元不一致。"


def _rows_out_of_place(mine: dict) -> Iterator[str]:
    """Live rows of a voided batch, dead rows of another, amounts that say they are in a batch and are not."""
    voided = Q(batch__state="voided")
    odd = BatchLine.objects.filter(**mine).filter(Q(is_live=True) & voided | Q(is_live=False) & ~voided)
    for one in odd.select_related("batch", "division"):
        yield f"{one.batch.number} {one.division}：明细的有效状态与批次不符。"
    rows = Entitlement.objects.filter(**mine, state__in=("batched", "settled")).exclude(lines__is_live=True)
    for one in rows.select_related("division", "rate_version__rate"):
        yield f"{one}：状态为{one.get_state_display()}，但不在任何批次中。"
    per: dict = defaultdict(Decimal)
    for key, amount in BatchLine.objects.filter(**mine, is_live=True).values_list("entitlement", "amount"):
        per[key] += amount
    live = Entitlement.objects.filter(**mine, lines__is_live=True).distinct()
    for one in live.select_related("division", "rate_version__rate"):
        if one.amount != per[one.pk]:
            yield f"{one}：批次中的金额为 {fixed(per[one.pk])} 元，不一致。"


def _overdrawn(mine: dict) -> Iterator[str]:
    left: dict = defaultdict(Decimal)
    names: dict = {}
    for one in Fund.objects.filter(**mine).select_related("program__town"):
        left[one.program_id, one.source, one.is_demo] += one.amount
        names[one.program_id] = f"{one.program.town} {one.program}"
    for (program, source, _), amount in left.items():
        if amount < 0:
            yield f"{names[program]}：资金来源 {source} 超支 {fixed(-amount)} 元。"
