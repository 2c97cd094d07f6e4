"""收款账户: entered by one person, confirmed by another, never edited.

A change is a new row. From the moment it is entered, batches that pay the old account can neither be approved nor
paid; when it is confirmed the old row is retired, and batches not yet approved go back to draft with a new publicity.
"""

from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from farmland.accounts.models import Line, User, record, record_all
from farmland.lib.refused import Refused
from farmland.places.models import Division, Term
from subsidies.invented import check_hand
from subsidies.models import Batch, Payee
from subsidies.paying import accounts
from subsidies.refusals import logged, may


@dataclass(frozen=True)
class Wanted:
    """An account as typed."""

    kind: str
    name: str
    account: str
    bank: str = ""
    reason: str = ""  # why it changes; needed where one is in use


@logged("登记收款账户")
def enter(division: Division, wanted: Wanted, *, by: User) -> Payee:
    """A pending row of a village (or the town itself). Refused when the same waits or is in use already."""
    may(by, "edit_payee", division, "登记账户")
    town = _locked_town(division)
    kind, name = wanted.kind.strip(), " ".join(wanted.name.split())
    if not Term.objects.of("payee_kind", town).filter(code=kind).exists():
        raise Refused(f"没有“{kind}”这种收款人类型，请从列表中选择。", field="kind")
    if not name:
        raise Refused("请填户名，须与银行户名完全一致。", field="name")
    account = accounts.clean(wanted.account)
    print_ = accounts.fingerprint(account, town.pk)
    mine = Payee.objects.filter(town=town, division=division, kind=kind, name=name, state__in=("pending", "active"))
    standing = {one.state: one for one in mine}
    _check_standing(standing, print_, wanted)
    payee = Payee(
        town=town, division=division, kind=kind, name=name, bank=wanted.bank.strip(), tail=accounts.tail(account),
        fingerprint=print_, reason=wanted.reason.strip(), entered_by=by, is_demo=by.is_demo,
    )  # fmt: skip
    payee.account = accounts.encrypt(account, payee.pk)
    payee.save(force_insert=True)
    before = _facts(standing["active"]) if "active" in standing else None
    _log("登记收款账户", payee, by, _facts(payee), before, payee.reason)
    return payee


def _check_standing(standing: dict[str, Payee], fingerprint: str, wanted: Wanted) -> None:
    if "pending" in standing:
        raise Refused("该收款人已有一个账户待复核，请先复核或退回。", field="name", code="conflict")
    active = standing.get("active")
    if active and active.fingerprint == fingerprint and active.bank == wanted.bank.strip():
        raise Refused("这个账户已在使用，没有变化。", field="account", code="conflict")
    if active and not wanted.reason.strip():
        raise Refused("该收款人已有使用中的账户，变更须写原因。", field="reason")


@logged("复核收款账户")
def confirm(payee: Payee, *, by: User, shared: str = "") -> Payee:
    """By another person than entered it. ``shared``: why one account may stand under several names."""
    from subsidies.paying import batches  # batches know payees, and hear of a changed account here

    may(by, "edit_payee", payee.division, "复核账户")
    held = batches.lock_open(payee.town)  # batches before payees, as everywhere
    now = _locked(payee, by)
    _check_pending(now)
    if now.entered_by_id == by.pk:
        raise Refused("账户须由登记人以外的人复核。", code="same_person")
    others = same_account(now)
    if others and not shared.strip():
        names = "、".join(f"{one.division} {one.name}" for one in others)
        raise Refused(f"同一账号已登记在{names}名下，请核实；确属同一账户的，写明原因再复核。", field="shared")
    old = Payee.objects.select_for_update(of=("self",)).filter(
        town=now.town, division=now.division, kind=now.kind, name=now.name, state="active"
    )
    retired = list(old.order_by("pk"))
    for one in retired:
        check_hand(by, one.is_demo, "账户")
    for one in retired:
        _save(one, state="retired")
        _log("停用收款账户", one, by, {"state": "retired"}, {"state": "active"}, "账户变更")
    _save(now, state="active", confirmed_by=by, confirmed_at=timezone.now())
    _log("复核收款账户", now, by, _facts(now), None, shared.strip())
    batches.account_changed(held, retired, now, by=by)
    return now


@logged("退回收款账户")
def refuse(payee: Payee, *, reason: str, by: User) -> Payee:
    may(by, "edit_payee", payee.division, "复核账户")
    now = _locked(payee, by)
    _check_pending(now)
    if not reason.strip():
        raise Refused("请写明退回的原因。", field="reason")
    _save(now, state="refused", reason=reason.strip()[:300])
    _log("退回收款账户", now, by, {"state": "refused"}, {"state": "pending"}, reason)
    return now


@logged("停用收款账户")
def retire(payee: Payee, *, reason: str, by: User) -> Payee:
    """Out of use without a successor; batches not yet approved lose it and go back to draft."""
    from subsidies.paying import batches

    may(by, "edit_payee", payee.division, "停用账户")
    held = batches.lock_open(payee.town)
    now = _locked(payee, by)
    if now.state != "active":
        raise Refused(f"账户{now.get_state_display()}，不能停用。", code="conflict")
    if not reason.strip():
        raise Refused("请写明停用的原因。", field="reason")
    _save(now, state="retired")
    _log("停用收款账户", now, by, {"state": "retired"}, {"state": "active"}, reason)
    batches.account_changed(held, [now], None, by=by)
    return now


@logged("查看完整账号")
def reveal(payee: Payee, *, by: User) -> str:
    """The whole account, to one who may enter or pay it; every look is an event."""
    if not (by.can("edit_payee", payee.division) or by.can("pay", payee.division)):
        raise Refused("您没有查看完整账号的权限。", code="permission_denied")
    check_hand(by, payee.is_demo, "账号")
    account = accounts.decrypt(payee)
    _log("查看完整账号", payee, by, {"tail": payee.tail})
    return account


@logged("查看完整账号")
def reveal_for(batch: Batch, payees, *, by: User) -> dict:
    """payee id → the whole account, of those a batch pays, to one who pays it; an event for each."""
    may(by, "pay", batch.town, "查看完整账号")
    rows = {one.pk: one for one in payees}
    check_hand(by, batch.is_demo and all(one.is_demo for one in rows.values()), "账号")
    found = {key: accounts.decrypt(one) for key, one in rows.items()}
    reason = f"支付明细表 {batch}"
    lines = [
        Line(f"{one.division} {one}", None, {"tail": one.tail}, reason, one.pk) for one in rows.values()
    ]  # fmt: skip
    record_all("查看完整账号", lines, user=by, town=batch.town)
    return found


def same_account(payee: Payee) -> list[Payee]:
    """Other rows in use or waiting, of another name or place, with this account (一卡多名)."""
    rows = Payee.objects.filter(town=payee.town_id, fingerprint=payee.fingerprint, state__in=("pending", "active"))
    rows = rows.exclude(division=payee.division_id, kind=payee.kind, name=payee.name).exclude(pk=payee.pk)
    return list(rows.select_related("division").order_by("pk"))


def shared_accounts(rows) -> dict:
    """payee id → the other names on its account, for a list, in one query."""
    rows = [one for one in rows if one.state in ("pending", "active")]
    prints = {one.fingerprint for one in rows}
    every = Payee.objects.filter(fingerprint__in=prints, state__in=("pending", "active")).select_related("division")
    by_print: dict[str, list[Payee]] = {}
    for one in every:
        by_print.setdefault(f"{one.town_id}{one.fingerprint}", []).append(one)
    found = {}
    for one in rows:
        me = (one.division_id, one.kind, one.name)
        others = by_print.get(f"{one.town_id}{one.fingerprint}", [])
        if names := [str(each.name) for each in others if (each.division_id, each.kind, each.name) != me]:
            found[one.pk] = list(dict.fromkeys(names))
    return found


def waiting_changes(payees) -> Q:
    """Pending rows that would replace one of these payees."""
    asked = Q(pk__in=[])
    for one in payees:
        asked |= Q(town=one.town_id, division=one.division_id, kind=one.kind, name=one.name)
    return asked & Q(state="pending")


def _check_pending(payee: Payee) -> None:
    if payee.state != "pending":
        raise Refused(f"账户{payee.get_state_display()}，不能再复核。", code="conflict")


def _locked_town(division: Division) -> Division:
    """Serialises what is entered for a town, so that one account under two names is seen."""
    return Division.objects.select_for_update(of=("self",)).get(pk=division.town_id or division.pk)


def _locked(payee: Payee, by: User) -> Payee:
    rows = Payee.objects.select_for_update(of=("self",)).select_related("town", "division", "entered_by")
    now = rows.get(pk=payee.pk)
    check_hand(by, now.is_demo, "账户")
    return now


def _save(payee: Payee, **values) -> None:
    for name, value in values.items():
        setattr(payee, name, value)
    payee.save(update_fields=[*values, "updated_at"])


def _facts(payee: Payee) -> dict:
    """What an event tells of an account: never the figures."""
    return {"name": payee.name, "tail": payee.tail, "state": payee.state, "bank": payee.bank}


def _log(action: str, payee: Payee, by: User, after: dict, before: dict | None = None, reason: str = "") -> None:
    subject = f"{payee.division} {payee}"
    record(action, subject, user=by, town=payee.town, before=before, after=after, reason=reason, about=payee.pk)
