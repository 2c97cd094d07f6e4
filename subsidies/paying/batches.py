"""拨付批次: the one table of its moves, and the services up to the publicity; what follows is in ``payments``.

draft → reviewed → published → approved → paid → reconciled; back to draft from reviewed and published, voided until it
is paid. Locks in this order: the town's year, batches, lines, entitlements, payees, and last the town (``record``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused, Stale
from farmland.places.models import Division
from subsidies.invented import check_hand
from subsidies.models import Batch, BatchLine, Entitlement, Payee, Publicity, Round
from subsidies.paying import checks, hands, seal
from subsidies.refusals import lock_year, logged, may
from tasks.models import TownYear

MOST = 5000  # entitlements in one batch
ZERO = Decimal(0)


@dataclass(frozen=True)
class Move:
    """``right`` is the word of the role that may do it."""

    label: str
    before: tuple[str, ...]
    after: str
    right: str
    needs_reason: bool = False


MOVES = {
    "review": Move("审核", ("draft",), "reviewed", "review_payment"),
    "send_back": Move("退回修改", ("reviewed", "published"), "draft", "review_payment", needs_reason=True),
    "publish": Move("公示", ("reviewed",), "published", "prepare_payment"),
    "approve": Move("批准", ("published",), "approved", "approve_payment"),
    "pay": Move("支付", ("approved",), "paid", "pay"),
    "reconcile": Move("对账", ("paid",), "reconciled", "pay"),
    "void": Move(
        "作废", ("draft", "reviewed", "published", "approved"), "voided", "prepare_payment", needs_reason=True
    ),
}
OPEN = ("draft", "reviewed", "published", "approved")  # an account may still change under them


def moves_open(batch: Batch) -> list[str]:
    return [name for name, one in MOVES.items() if batch.state in one.before]


@logged("编制拨付批次")
def prepare(round_: Round, *, by: User, divisions: Iterable[Division] | None = None, note: str = "") -> Batch:
    """A draft of everything due in a round (in ``divisions`` only, where given) that no other batch holds."""
    may(by, "prepare_payment", round_.town, "编制批次")
    year = lock_year(round_.town_id, round_.program.year)
    rows = _due(round_, divisions, by.is_demo)
    batch = Batch.objects.create(
        town=year.town, program=round_.program, round=round_, year=year.year, number=_next_number(year),
        note=note.strip()[:300], prepared_by=by, prepared_at=timezone.now(), is_demo=by.is_demo,
    )  # fmt: skip
    _put_in(batch, rows)
    log("编制拨付批次", batch, by, {"rows": len(rows), "total_yuan": plain(batch.total)})
    return batch


@logged("修改批次明细")
def add(batch: Batch, entitlements: Iterable, *, version: int, by: User) -> Batch:
    """Put more due rows of the round into a draft."""
    now = opened(batch, by, "prepare_payment")
    check_draft(now, version)
    wanted = {str(getattr(one, "pk", one)) for one in entitlements}
    rows = _locked_rows(due_in(now.round, now.is_demo).filter(pk__in=wanted))
    if not wanted or len(rows) != len(wanted):
        raise Refused("所选的应补有的已不能列入（可能刚列入另一批次或已重新核算），请刷新后重选。", code="conflict")
    _put_in(now, rows)
    log("修改批次明细", now, by, {"added": len(rows), "total_yuan": plain(now.total)})
    return now


@logged("修改批次明细")
def remove(batch: Batch, entitlements: Iterable, *, version: int, by: User) -> Batch:
    """Take rows out of a draft, whole entitlements with every payee's part; they are due again."""
    now = opened(batch, by, "prepare_payment")
    check_draft(now, version)
    wanted = {str(getattr(one, "pk", one)) for one in entitlements}
    lines = BatchLine.objects.select_for_update(of=("self",)).filter(batch=now, entitlement__in=wanted)
    gone = {str(one.entitlement_id) for one in lines.order_by("pk")}
    if not wanted or gone != wanted:
        raise Refused("所选的行已不在本批次中，请刷新后重选。", code="conflict")
    rows = _locked_rows(Entitlement.objects.filter(pk__in=wanted))
    BatchLine.objects.filter(batch=now, entitlement__in=wanted).delete()
    _set_state(rows, Entitlement.DUE)
    save(now, total=_sum(now))
    log("修改批次明细", now, by, {"removed": len(rows), "total_yuan": plain(now.total)})
    return now


@logged("指定收款账户")
def assign(batch: Batch, payees: dict, *, version: int, by: User) -> Batch:
    """``payees``: line id → payee id, for lines whose village has several accounts of the kind, or none then."""
    now = opened(batch, by, "prepare_payment")
    check_draft(now, version)
    lines = {str(one.pk): one for one in BatchLine.objects.filter(batch=now, pk__in=list(payees)).order_by("pk")}
    accounts = {str(one.pk): one for one in Payee.objects.filter(pk__in=list(payees.values()), state="active")}
    for key, chosen in payees.items():
        line, payee = lines.get(str(key)), accounts.get(str(chosen))
        if line is None or payee is None or not checks.fits(line, payee):
            raise Refused("所选账户不是这一行收款人的使用中账户，请刷新后重选。", field="payee", code="conflict")
        line.payee = payee
    BatchLine.objects.bulk_update(lines.values(), ["payee"], batch_size=500)
    save(now)
    log("指定收款账户", now, by, {"rows": len(lines)})
    return now


@logged("审核批次")
def review(batch: Batch, *, version: int, by: User) -> Batch:
    """Everything complete, and from here on sealed."""
    now = opened(batch, by, "review_payment")
    if now.state == "reviewed" and now.reviewed_by_id == by.pk:
        return now
    check_move(now, "review", version)
    hands.check(now, by, "reviewed_by")
    if found := checks.incomplete(now):
        raise Refused("还不能审核：" + "；".join(found) + "。", code="incomplete")
    save(now, state="reviewed", reviewed_by=by, reviewed_at=timezone.now(), digest=seal.seal(now))
    log("审核批次", now, by, {"state": "reviewed", "digest": now.digest, "total_yuan": plain(now.total)})
    return now


@logged("退回批次")
def send_back(batch: Batch, *, reason: str, version: int, by: User) -> Batch:
    """To draft again; what hung on the wall is void, the next posting has the next number."""
    now = opened(batch, by, "review_payment")
    check_move(now, "send_back", version, reason)
    to_draft(now, reason.strip(), by)
    return now


@logged("作废批次")
def void(batch: Batch, *, reason: str, version: int, by: User) -> Batch:
    """Nothing of it is paid; its rows are due again. An approved one is voided by who may approve."""
    right = "approve_payment" if batch.state == "approved" else "prepare_payment"
    now = opened(batch, by, right)
    if now.state == "voided" and now.voided_by_id == by.pk:
        return now
    check_move(now, "void", version, reason)
    if now.state == "approved":
        may(by, "approve_payment", now.town, "作废已批准批次")
    before = now.state
    end_publicity(now, reason.strip())
    save(now, state="voided", voided_by=by, voided_at=timezone.now(), void_reason=reason.strip()[:300])
    lines = BatchLine.objects.filter(batch=now)
    rows = _locked_rows(Entitlement.objects.filter(lines__in=lines).distinct())
    lines.update(is_live=False, updated_at=timezone.now())
    _set_state(rows, Entitlement.DUE)
    log("作废批次", now, by, {"state": "voided"}, {"state": before}, reason)
    return now


def account_changed(held: list[Batch], retired: list[Payee], active: Payee | None, *, by: User) -> None:
    """Batches not yet approved that paid a retired account pay the new one, from draft on. ``held`` are locked.

    A batch already approved is frozen: it cannot be paid any more, only voided and made again.
    """
    gone = {one.pk for one in retired}
    for batch in held:
        lines = BatchLine.objects.filter(batch=batch, payee__in=gone)
        if batch.state == "approved" or not lines.exists():
            continue
        if batch.state != "draft":
            to_draft(batch, "收款账户已变更", by)
        lines.update(payee=active, updated_at=timezone.now())
        save(batch)
        after = {"payee": str(active) if active else "", "state": "draft"}
        log("批次收款账户变更", batch, by, after, {"payee": "、".join(map(str, retired))})


def lock_open(town: Division) -> list[Batch]:
    """The batches of a town that are not paid, locked in their order."""
    rows = Batch.objects.select_for_update(of=("self",)).filter(town=town, state__in=OPEN)
    return list(rows.select_related("town", "program", "round").order_by("pk"))


def opened(batch: Batch, by: User, right: str) -> Batch:
    """The batch as it stands now, under its locks, for one who has the right."""
    may(by, right, batch.town, "办理批次")
    lock_year(batch.town_id, batch.year)
    rows = Batch.objects.select_for_update(of=("self",)).select_related("town", "program", "round__program")
    now = rows.get(pk=batch.pk)
    check_hand(by, now.is_demo, "批次")
    return now


def check_draft(batch: Batch, version: int) -> None:
    if batch.state != "draft":
        raise Refused(f"批次{batch.get_state_display()}，明细不能再改；须先退回修改或作废。", code="conflict")
    _check_version(batch, version)


def check_move(batch: Batch, name: str, version: int, reason: str | None = None) -> None:
    move = MOVES[name]
    if batch.state not in move.before:
        raise Refused(f"批次{batch.get_state_display()}，不能{move.label}。", code="conflict")
    _check_version(batch, version)
    if move.needs_reason and not (reason or "").strip():
        raise Refused(f"请写明{move.label}的原因。", field="reason")


def _check_version(batch: Batch, version: int) -> None:
    if batch.version != version:
        pairs = [("版本", str(batch.version), str(version))]
        raise Stale("打开以后别人已改过这个批次，请看现在的样子再办。", pairs)


def to_draft(batch: Batch, reason: str, by: User) -> None:
    before = batch.state
    end_publicity(batch, reason)
    save(batch, state="draft", reviewed_by=None, reviewed_at=None, digest="")
    log("退回批次", batch, by, {"state": "draft"}, {"state": before}, reason)


def end_publicity(batch: Batch, reason: str) -> None:
    rows = Publicity.objects.filter(batch=batch).exclude(state="void")
    rows.update(state="void", void_reason=reason[:300], updated_at=timezone.now())


def save(batch: Batch, **values) -> None:
    """Write some columns and count the version up; the batch is locked."""
    for name, value in values.items():
        setattr(batch, name, value)
    batch.updated_at = timezone.now()
    Batch.objects.filter(pk=batch.pk).update(version=F("version") + 1, updated_at=batch.updated_at, **values)
    batch.version += 1


def log(action: str, batch: Batch, by: User, after: dict, before: dict | None = None, reason: str = "") -> None:
    record(action, str(batch), user=by, town=batch.town, before=before, after=after, reason=reason, about=batch.pk)


def due_in(round_: Round, is_demo: bool):
    """What may go into a batch of the round: due, in none yet, not nothing; invented money only into invented ones."""
    return Entitlement.objects.filter(round=round_, state=Entitlement.DUE, is_demo=is_demo).exclude(amount=0)


def _due(round_: Round, divisions: Iterable[Division] | None, is_demo: bool) -> list[Entitlement]:
    asked = due_in(round_, is_demo)
    if divisions is not None:
        asked = asked.filter(division__in=list(divisions))
    rows = _locked_rows(asked)
    if not rows:
        raise Refused("没有可列入的应补：都已在批次中、暂缓或还没有核算，请先核算。", code="nothing_due")
    if len(rows) > MOST:
        raise Refused(f"一批最多 {MOST} 条应补，现有 {len(rows)} 条，请按村分批。", code="too_many")
    return rows


def _locked_rows(asked) -> list[Entitlement]:
    """Locked first and read after: a row another batch took meanwhile is no longer due."""
    keys = list(asked.order_by("pk").values_list("pk", flat=True))
    rows = Entitlement.objects.select_for_update(of=("self",)).filter(pk__in=keys)
    found = list(rows.select_related("claim__payee", "division").order_by("pk"))
    still = set(asked.filter(pk__in=keys).values_list("pk", flat=True))
    return [one for one in found if one.pk in still]


def _put_in(batch: Batch, rows: list[Entitlement]) -> None:
    accounts = checks.Accounts(batch.town_id, {one.division_id for one in rows}, batch.is_demo)
    lines = [
        BatchLine(
            town_id=batch.town_id, division_id=one.division_id, batch=batch, entitlement=one, payee_kind=kind,
            payee=accounts.of(one, kind), amount=amount, is_demo=batch.is_demo,
        )
        for one in rows
        for kind, amount in checks.parts_of(one)
    ]  # fmt: skip
    BatchLine.objects.bulk_create(lines, batch_size=500)
    _set_state(rows, Entitlement.BATCHED)
    save(batch, total=_sum(batch))


def _set_state(rows: list[Entitlement], state: str) -> None:
    keys = [one.pk for one in rows]
    for start in range(0, len(keys), 500):
        Entitlement.objects.filter(pk__in=keys[start : start + 500]).update(state=state, updated_at=timezone.now())


def _sum(batch: Batch) -> Decimal:
    return sum(BatchLine.objects.filter(batch=batch).values_list("amount", flat=True), ZERO)


def _next_number(year: TownYear) -> str:
    numbers = Batch.objects.filter(town=year.town, year=year.year).values_list("number", flat=True)
    last = max((int(one.rpartition("-")[2]) for one in numbers if one.rpartition("-")[2].isdigit()), default=0)
    return f"{year.year}-{last + 1:03}"
