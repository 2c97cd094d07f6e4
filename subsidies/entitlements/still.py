"""Whether the amounts of a batch are still what the facts come to: asked at its review and again at its approval.

Between the computing and the signature a parcel may be found never abandoned, a list of earlier years imported, a
ruling given, a row written into the table by other means: the money waits until somebody has computed again.
"""

from decimal import Decimal

from farmland.lib.numbers import fixed
from subsidies.entitlements.computing import compute
from subsidies.models import Batch, Entitlement

ZERO = Decimal(0)
SHOWN = 3


def off(batch: Batch) -> list[str]:
    """At most one clause in Chinese. Adjustments are a person's word; of a rate the plan no longer has, all stays."""
    found = compute(batch.round, batch.round.today(), by_demo=batch.is_demo)
    now = {one.key: one.award.amount for one in found.paid}
    rows = Entitlement.objects.filter(lines__batch=batch, adjusts=None, rate_key__in=list(found.rates)).distinct()
    rows = rows.select_related("division").only("division", "rate_key", "subject", "amount").order_by("pk")
    moved = [(one, now.get((one.rate_key, one.subject), ZERO)) for one in rows]
    moved = [(one, amount) for one, amount in moved if amount != one.amount]
    if not moved:
        return []
    told = "、".join(
        f"{one.division}“{found.rates[one.rate_key]}”{fixed(one.amount)} 元现为 {fixed(amount)} 元"
        for one, amount in moved[:SHOWN]
    )
    more = f"等 {len(moved)} 条" if len(moved) > SHOWN else ""
    return [f"数据已变化：{told}{more}，请退回、重新核算后再编制"]
