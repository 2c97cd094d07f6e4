"""资金: signed rows by source; no source ever pays more than it was given.

Money of a round pays that round only; money of the policy as a whole pays what its rounds are short of. Invented money
pays invented batches, real money real ones.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from farmland.accounts.models import User, record
from farmland.lib.numbers import fixed, plain
from farmland.lib.refused import Refused
from farmland.places.models import Term
from subsidies.models import Batch, Entitlement, Fund, Program, Round
from subsidies.refusals import lock_year, logged, may

ZERO = Decimal(0)
CENT = Decimal("0.01")
GIVEN = ("allotted", "carried_in", "moved_out")


@dataclass(frozen=True)
class Balance:
    """One source of a policy: what came, what went out of it, what is left."""

    source: str
    given: Decimal
    paid: Decimal
    left: Decimal


@logged("登记资金")
def enter(
    program: Program, *, source: str, role: str, amount: Decimal, on: date, by: User, round_: Round | None = None,
    document: str = "", reason: str = "",
) -> Fund:  # fmt: skip
    """Money that came (下达、结转入) or left again (调出); ``amount`` as a positive figure."""
    may(by, "pay", program.town, "登记资金")
    year = lock_year(program.town_id, program.year)
    check_source(program, source)
    if role not in GIVEN:
        raise Refused("资金性质应为下达、结转入或调出。", field="role")
    _check_amount(amount)
    if on > year.today():
        raise Refused(f"日期 {on:%Y-%m-%d} 晚于工作日期 {year.today():%Y-%m-%d}，请核对。", field="on")
    signed = -amount if role == "moved_out" else amount
    made = _write(program, source, role, signed, on, by, round_=round_, document=document, reason=reason)
    check_left(program, [source], made.is_demo)
    _log("登记资金", made, by)
    return made


@logged("资金调账")
def rebook(
    program: Program, *, source: str, to: str, amount: Decimal, reason: str, by: User, round_: Round | None = None
) -> list[Fund]:
    """Move money from one source to another: two rows that stay visible, with the reason."""
    may(by, "pay", program.town, "登记资金")
    year = lock_year(program.town_id, program.year)
    check_source(program, source)
    check_source(program, to)
    _check_amount(amount)
    if source == to:
        raise Refused("调出和调入的来源相同，请核对。", field="to")
    if not reason.strip():
        raise Refused("调账须写原因。", field="reason")
    pairs = ((source, -amount), (to, amount))
    rows = [
        _write(program, one, "rebooked", signed, year.today(), by, round_=round_, reason=reason)
        for one, signed in pairs
    ]  # fmt: skip
    check_left(program, [source], rows[0].is_demo)
    for one in rows:
        _log("资金调账", one, by)
    return rows


def draw(batch: Batch, chosen: str, on: date, by: User) -> list[Fund]:
    """The rows a payment takes out of its sources, one a source; ``chosen`` pays what names none. Batch is locked."""
    shares = shares_of(batch)
    if shares.get(""):
        source = chosen or _only_source(batch)
        check_source(batch.program, source)
        shares[source] = shares.get(source, ZERO) + shares.pop("")
    rows = [
        _write(
            batch.program, source, "paid" if amount > 0 else "rebooked", -amount, on, by, round_=batch.round,
            reason="" if amount > 0 else "批次冲减，退回来源", batch=batch,
        )
        for source, amount in sorted(shares.items())
        if amount
    ]  # fmt: skip
    check_left(batch.program, list(shares), batch.is_demo)
    return rows


def shares_of(batch: Batch) -> dict[str, Decimal]:
    """What a batch takes from each source; "" for what the rates name no source for. Σ is the batch's total."""
    shares: dict[str, Decimal] = defaultdict(lambda: ZERO)
    rows = Entitlement.objects.filter(lines__batch=batch).distinct().values_list("pk", "amount", "sources")
    for _, amount, sources in rows:
        left = amount
        for one in sources or ():
            shares[one["source"]] += Decimal(one["amount"])
            left -= Decimal(one["amount"])
        shares[""] += left
    return {source: amount for source, amount in shares.items() if amount}


def balances(program: Program) -> list[Balance]:
    return balances_of(Fund.objects.filter(program=program).values_list("source", "amount", "batch"))


def balances_of(rows: Iterable[tuple]) -> list[Balance]:
    """Of (source, amount, batch or None); what a batch took or gave back is paid, all else was given."""
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for source, amount, batch in rows:
        sums[source][batch is not None] += amount
    return [Balance(one, given, -out, given + out) for one, (given, out) in sorted(sums.items())]


def check_left(program: Program, sources: list[str], is_demo: bool) -> None:
    """No source below nothing: what its rounds are short of comes out of the policy's own money."""
    left: dict = defaultdict(lambda: ZERO)
    rows = Fund.objects.filter(program=program, is_demo=is_demo)
    for source, round_, amount in rows.values_list("source", "round", "amount"):
        left[source, round_] += amount
    for source in sources:
        short = sum(
            (amount for (one, round_), amount in left.items() if one == source and round_ and amount < 0), ZERO
        )
        rest = left[source, None] + short
        if rest < 0:
            label = label_of(program, source)
            raise Refused(
                f"“{label}”资金不足，差 {fixed(-rest)} 元：请先登记下达的资金，或从别的来源调账。", code="funds"
            )


def check_source(program: Program, source: str) -> None:
    if not Term.objects.of("fund_source", program.town).filter(code=source).exists():
        raise Refused("请选择资金来源。", field="source")


def label_of(program: Program, source: str) -> str:
    found = Term.objects.of("fund_source", program.town).filter(code=source).first()
    return found.label if found else source


def _only_source(batch: Batch) -> str:
    rows = Fund.objects.filter(program=batch.program, is_demo=batch.is_demo)
    found = list(rows.order_by().values_list("source", flat=True).distinct())
    if not found:
        raise Refused("还没有登记这项政策的资金，请先登记下达的资金再支付。", field="source", code="funds")
    if len(found) > 1:
        raise Refused("这项政策有多个资金来源，请选择从哪个来源支付。", field="source")
    return found[0]


def _check_amount(amount: Decimal) -> None:
    if amount <= 0 or amount != amount.quantize(CENT):
        raise Refused(f"金额应大于 0，到分为止，现为 {plain(amount)}。", field="amount")


def _write(program: Program, source: str, role: str, amount: Decimal, on: date, by: User, **more) -> Fund:
    more = {name: value.strip() if isinstance(value, str) else value for name, value in more.items()}
    more["round"] = more.pop("round_", None)
    rests_on = [one for one in (more["round"], more.get("batch")) if one is not None]
    return Fund.objects.create(
        town_id=program.town_id, program=program, source=source, role=role, amount=amount, on=on, by=by,
        is_demo=by.is_demo or any(one.is_demo for one in rests_on), **more,
    )  # fmt: skip


def _log(action: str, fund: Fund, by: User) -> None:
    after = {"source": fund.source, "amount_yuan": plain(fund.amount), "document": fund.document}
    subject = f"{fund.program} {fund.get_role_display()}"
    record(action, subject, user=by, town=fund.town, after=after, reason=fund.reason, about=fund.pk)
