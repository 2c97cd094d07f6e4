"""What is done with claims on the pages: opened, declared, taken back, verified. The services decide."""

from datetime import date
from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from farmland.lib.numbers import parse_decimal, plain
from farmland.lib.refused import Refused
from farmland.places.models import Division
from subsidies.attempts import refuse
from subsidies.claiming.claims import (
    DECLARE,
    OPEN_STATES,
    Said,
    declare,
    declare_many,
    open_claims,
    subject,
    withdraw,
)
from subsidies.claiming.verifying import VERIFY, Found, verify, verify_many
from subsidies.models import Claim
from subsidies.views.claims import SUBSIDIES, Window, claim_in, claims_of, show
from subsidies.views.common import money_page, uuids
from tasks.models import TownYear
from tasks.views.common import where

FIELDS = ("declared_mu", "crop", "reason", "accepted_mu", "verdict_reason", "relapsed_on")
MOST = 200


def claim_asked(request, town_year: TownYear, pk, action: str, right: str) -> Claim:
    """The claim to act on. One out of scope is the 404 of a missing one, and the attempt is logged."""
    try:
        claim = claim_in(request.user, town_year, pk)
    except Http404:
        refuse(action, f"申报 {pk}", "不是本单位范围内的申报。", by=request.user, town=town_year.town)
        raise
    if not request.user.can(right, claim.division, claim.work.kind_id):
        refuse(action, subject(claim), "没有这一步的权限。", by=request.user, town=claim.town, about=claim.pk)
        raise PermissionDenied
    return claim


def typed_in(request) -> dict:
    return {name: request.POST.get(name, "").strip() for name in FIELDS}


def area_of(text: str, field: str) -> Decimal:
    try:
        area = parse_decimal(text)
    except ValueError as error:
        raise Refused(f"面积{error}", field=field) from error
    if area is None:
        raise Refused("请填写面积；一亩也没有的，填 0。", field=field)
    return area


def version_of(request) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def back_to(town_year: TownYear, claim: Claim):
    return redirect("claim_detail", **where(town_year), pk=claim.pk)


def list_of(town_year: TownYear, year: int | None):
    address = reverse("claim_list", kwargs=where(town_year))
    return redirect(f"{address}?for={year}" if year else address)


@money_page
@require_POST
def claim_open(request, town_year: TownYear):
    """Pre-fill the claims of a year (``for``) from what is accepted by now, where the user may declare or verify."""
    window = Window(town_year, request.POST.get("for", "").strip())
    inside = request.user.divisions_for("claim") | request.user.divisions_for("verify_claim")
    divisions = list(inside.filter(town=town_year.town))
    if not divisions:
        raise PermissionDenied
    done = [open_claims(one, by=request.user, divisions=divisions) for one in window.taking]
    new, changed = sum(one.new for one in done), sum(one.changed for one in done)
    unplaced = sum((one.unplaced for one in done), Decimal(0))
    messages.success(request, f"新增 {new} 项，{changed} 项的认定面积有更新。" if new or changed else "没有新的地块。")
    if unplaced:
        messages.warning(request, f"另有 {plain(unplaced)} 亩认定在全镇名下，没有落到村，不能申报。")
    return list_of(town_year, window.year)


@money_page
@require_POST
def claim_declare(request, town_year: TownYear, pk):
    claim = claim_asked(request, town_year, pk, DECLARE, "claim")
    typed = typed_in(request)
    try:
        area = area_of(typed["declared_mu"], "declared_mu")
        declare(claim, Said(area, typed["crop"], typed["reason"], version_of(request)), by=request.user)
    except Refused as refusal:
        claim.refresh_from_db()
        return show(request, town_year, claim, typed=typed, refusal=refusal)
    messages.success(request, f"已申报 {plain(area)} 亩，等镇里核实。")
    return list_of(town_year, claim.year)


@money_page
@require_POST
def claim_declare_rest(request, town_year: TownYear):
    """Everything of a village (``division``, ``for``) that is still open, with its whole accepted area."""
    window = Window(town_year, request.POST.get("for", "").strip())
    allowed = request.user.divisions_for("claim").filter(town=town_year.town)
    division = allowed.filter(code=request.POST.get("division", "")).first()
    if division is None:
        if not allowed.exists():
            raise PermissionDenied
        if request.POST.get("division"):
            raise Http404
        messages.error(request, "没有选择村，请从本村的申报页办理。")
        return redirect("claim_list", **where(town_year))
    rows = claims_of(request.user, town_year, window).filter(division=division, state__in=OPEN_STATES, cap_mu__gt=0)
    pairs = [(one, Said(one.cap_mu, one.crop, "", one.version)) for one in rows]
    try:
        done = declare_many(town_year.town, pairs, by=request.user) if pairs else []
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"已按认定面积申报 {len(done)} 项。")
    return list_of(town_year, window.year)


@money_page
@require_POST
def claim_withdraw(request, town_year: TownYear, pk):
    claim = claim_asked(request, town_year, pk, "撤回管护申报", "claim")
    try:
        fresh = withdraw(claim, by=request.user)
    except Refused as refusal:
        claim.refresh_from_db()
        return show(request, town_year, claim, refusal=refusal)
    messages.success(request, "已撤回，可以改好再报。")
    return back_to(town_year, fresh)


@money_page
@require_POST
def claim_verify(request, town_year: TownYear, pk):
    """``verdict`` passed or returned; an area below the declared one is a part."""
    claim = claim_asked(request, town_year, pk, VERIFY, "verify_claim")
    typed = typed_in(request)
    try:
        found = _found(request, typed)
        verify(claim, found, by=request.user)
    except Refused as refusal:
        claim.refresh_from_db()
        field = "verdict_reason" if refusal.field == "reason" else refusal.field
        return show(request, town_year, claim, typed=typed, refusal=Refused(refusal.message, field=field,
                                                                            code=refusal.code))  # fmt: skip
    messages.success(request, "已退回村里。" if found.area is None else f"已核实 {plain(found.area)} 亩。")
    return list_of(town_year, claim.year)


def _found(request, typed: dict) -> Found:
    if request.POST.get("verdict") == "returned":
        return Found(None, typed["verdict_reason"], version=version_of(request))
    area = area_of(typed["accepted_mu"], "accepted_mu")
    day = None
    if typed["relapsed_on"]:
        try:
            day = date.fromisoformat(typed["relapsed_on"])
        except ValueError as error:
            raise Refused(
                f"复荒日期“{typed['relapsed_on'][:20]}”不是日期，请重新选择。", field="relapsed_on"
            ) from error
    return Found(area, typed["verdict_reason"], day, version_of(request))


@money_page
@require_POST
def claim_verify_many(request, town_year: TownYear):
    """The ticked claims (``claim``), each as it was declared; all or none."""
    window = Window(town_year, request.POST.get("for", "").strip())
    if not request.user.can("verify_claim"):
        raise PermissionDenied
    rows = claims_of(request.user, town_year, window).filter(pk__in=uuids(request.POST.getlist("claim")[:MOST]))
    inside = rows.filter(division__in=Division.objects.under(*request.user.paths_for("verify_claim")))
    pairs = [(one, Found(one.declared_mu, version=one.version)) for one in inside if one.declared_mu is not None]
    if not pairs:
        messages.warning(request, "没有勾选可以核实的申报。")
    else:
        try:
            done = verify_many(town_year.town, pairs, by=request.user)
        except Refused as refusal:
            messages.error(request, f"{refusal.message}一项也没有核实。")
        else:
            messages.success(request, f"已按申报面积核实 {len(done)} 项。")
    return list_of(town_year, window.year)


urls = [
    path(f"{SUBSIDIES}claims/open/", claim_open, name="claim_open"),
    path(f"{SUBSIDIES}claims/declare-rest/", claim_declare_rest, name="claim_declare_rest"),
    path(f"{SUBSIDIES}claims/verify/", claim_verify_many, name="claim_verify_many"),
    path(f"{SUBSIDIES}claims/<uuid:pk>/declare/", claim_declare, name="claim_declare"),
    path(f"{SUBSIDIES}claims/<uuid:pk>/withdraw/", claim_withdraw, name="claim_withdraw"),
    path(f"{SUBSIDIES}claims/<uuid:pk>/verify/", claim_verify, name="claim_verify"),
]
