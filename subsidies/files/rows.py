"""The rows of a batch in the order of its page, and their sums: page and papers take their figures from here."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch, QuerySet

from farmland.places.models import Division
from subsidies.models import Batch, BatchLine, Entitlement, Payee, Payment

ZERO = Decimal(0)
PAID = ("paid", "reconciled")


def lines_of(batch: Batch) -> QuerySet[BatchLine]:
    """With everything a row shows; ``attempts`` are its payments, the last one last."""
    rows = batch.lines.select_related(
        "division", "payee__division", "entitlement__rate_version__rate", "entitlement__work__parcel"
    )
    sent = Payment.objects if batch.state in PAID else Payment.objects.none()  # none is asked for before it can be
    payments = sent.order_by("attempt").select_related("payee__division")
    rows = rows.defer("entitlement__rate_version__rule").prefetch_related(
        Prefetch("payments", payments, to_attr="attempts")
    )
    return rows.order_by("division__order", "division", "entitlement", "payee_kind")


@dataclass(frozen=True)
class Owed:
    """An amount owed with the lines of the batch that pay it."""

    entitlement: Entitlement
    lines: list[BatchLine]

    @property
    def amount(self) -> Decimal:
        return total_of(self.lines)


@dataclass(frozen=True)
class Village:
    division: Division
    owed: list[Owed]

    @property
    def amount(self) -> Decimal:
        return sum((one.amount for one in self.owed), ZERO)

    @property
    def area(self) -> Decimal | None:
        return area_of(self.owed)


def total_of(lines: Iterable[BatchLine]) -> Decimal:
    return sum((one.amount for one in lines), ZERO)


def villages_of(lines: Iterable[BatchLine]) -> list[Village]:
    """The lines by village and amount owed, in their order."""
    found: dict = {}
    for line in lines:
        owed = found.setdefault(line.division_id, {})
        owed.setdefault(line.entitlement_id, []).append(line)
    return [
        Village(next(iter(owed.values()))[0].division, [Owed(lines[0].entitlement, lines) for lines in owed.values()])
        for owed in found.values()
    ]


def area_of(owed: Iterable[Owed]) -> Decimal | None:
    """The land together; None where some of it stands in two rows (two rates, or a whole village and its parcels)."""
    rows = [one.entitlement for one in owed if one.entitlement.base_mu is not None]
    land = [one.work_id or one.division_id for one in rows]
    is_mixed = any(one.work_id for one in rows) and not all(one.work_id for one in rows)
    if is_mixed or len(set(land)) < len(land):
        return None
    return sum((one.base_mu for one in rows), ZERO)


def payee_of(line: BatchLine) -> Payee | None:
    """Whom the line was last sent to, else whom it is for."""
    return line.attempts[-1].payee if line.attempts else line.payee
