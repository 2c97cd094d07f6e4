"""What the town finds of a claim (核实): all of it, a part, back to the village with a reason, or idle again (复荒).

Locks: claims by their ids, then what the relapse of a work locks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone

from farmland.accounts.models import User
from farmland.lib.numbers import decimals, plain
from farmland.lib.refused import Refused
from subsidies.attempts import attempted
from subsidies.claiming.claims import PLACES, Checker, facts, locked, log, may, save, stale, subject
from subsidies.invented import check_hand
from subsidies.models import Claim, Entitlement
from tasks.models import TownYear
from tasks.moves import relapse

VERIFY, RETURN = "核实管护申报", "退回管护申报"
FIXED = (Entitlement.BATCHED, Entitlement.SETTLED)


@dataclass(frozen=True)
class Found:
    """What the town found; ``area`` None gives the claim back. ``relapsed_on``: the land lies idle again since."""

    area: Decimal | None
    reason: str = ""
    relapsed_on: date | None = None
    version: int | None = None


def verify(claim: Claim, found: Found, *, by: User) -> Claim:
    """The town's word on one claim: verified, partly, or given back."""
    action = RETURN if found.area is None else VERIFY
    with attempted(action, subject(claim), by=by, town=claim.town, about=claim.pk):
        (done,) = _verify([(claim, found)], by=by)
        return done


def verify_many(town, pairs: Sequence[tuple[Claim, Found]], *, by: User) -> list[Claim]:
    """All of them or none."""
    with attempted(VERIFY, f"{len(pairs)} 项管护", by=by, town=town):
        return _verify(pairs, by=by)


def _verify(pairs: Sequence[tuple[Claim, Found]], *, by: User) -> list[Claim]:
    found = {claim.pk: one for claim, one in pairs}
    claims = locked(found)
    checker = Checker(claims)
    before = {claim.pk: facts(claim) for claim in claims}
    for claim in claims:
        may(by, "verify_claim", claim)
        check_hand(by, claim.is_demo, "申报")
        one = found[claim.pk]
        _check_verdict(claim, one, checker.cap(claim), by)
        returned = one.area is None
        claim.state, claim.verified_mu = ("returned", None) if returned else ("verified", one.area)
        claim.verified_by, claim.verified_at = (None, None) if returned else (by, timezone.now())
        claim.verdict_reason = one.reason.strip()[:300]
        claim.is_demo = claim.is_demo or by.is_demo
    save(claims, ["state", "verified_mu", "verified_by", "verified_at", "verdict_reason", "is_demo"])
    returned = [one for one in claims if one.state == "returned"]
    verified = [one for one in claims if one.state != "returned"]
    log(RETURN, returned, before, by, lambda claim: claim.verdict_reason)
    log(VERIFY, verified, before, by, lambda claim: claim.verdict_reason)
    for claim in verified:
        _relapse(claim, found[claim.pk], by)
    return claims


def _check_verdict(claim: Claim, found: Found, cap: Decimal, by: User) -> None:
    if claim.submitted_by_id == by.pk:
        text = "这项申报是您本人报的，申报人不能核实自己的申报，请由另一位同事核实。"
        raise Refused(text, field="non_field_errors", code="same_person")
    if found.version is not None and found.version != claim.version:
        raise stale(claim, found.area)
    allowed = ("submitted",) if found.area is not None else ("submitted", "verified")
    if claim.state not in allowed:
        how = "不用再核实" if claim.state == "verified" else "没有可以核实的申报"
        raise Refused(f"{subject(claim)}{claim.get_state_display()}，{how}。", code="conflict")
    if found.area is None:
        _check_return(claim, found)
    else:
        _check_area(claim, found, cap)


def _check_area(claim: Claim, found: Found, cap: Decimal) -> None:
    if found.area < 0 or decimals(found.area) > PLACES:
        raise Refused(f"面积应不小于 0，小数最多四位，现为 {plain(found.area)}。", field="accepted_mu")
    if found.area > min(claim.declared_mu, cap):
        text = f"核实 {plain(found.area)} 亩，超过申报的 {plain(claim.declared_mu)} 亩"
        if cap < claim.declared_mu:
            text = f"核实 {plain(found.area)} 亩，超过认定的 {plain(cap)} 亩（申报以后认定面积有冲销）"
        raise Refused(f"{text}，请改小，或退回村里。", field="accepted_mu")
    if found.area < claim.declared_mu and not found.reason.strip():
        text = f"核实 {plain(found.area)} 亩，比申报的 {plain(claim.declared_mu)} 亩少，请写明原因。"
        raise Refused(text, field="reason")


def _check_return(claim: Claim, found: Found) -> None:
    if not found.reason.strip():
        raise Refused("退回须写明原因。", field="reason")
    if claim.state == "verified" and Entitlement.objects.filter(claim=claim, state__in=FIXED).exists():
        raise Refused(f"{subject(claim)}已列入拨付批次，不能退回；有错的，在批次里更正。", code="conflict")


def _relapse(claim: Claim, found: Found, by: User) -> None:
    """Land that lies idle again: its work is open from the start (复荒), by the service the parcels have."""
    if found.relapsed_on is None:
        return
    if claim.work.parcel_id is None:
        raise Refused("未落图的面积不能登记复荒，请先落实到图斑。", field="relapsed_on")
    if found.area >= claim.cap_mu:
        raise Refused(f"按认定面积 {plain(claim.cap_mu)} 亩全部核实的，没有复荒。", field="relapsed_on")
    year = TownYear.objects.get(town=claim.town_id, year=claim.work.year)
    relapse(year, claim.work, found.relapsed_on, found.reason, by=by)
