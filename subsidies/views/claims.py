"""管护申报: the claims of a year, one claim with its photos and history, and what three years will cost."""

from datetime import date

from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import Http404
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from farmland.accounts.models import Event
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from parcels.models import Evidence
from subsidies.claiming.caps import ZERO
from subsidies.claiming.claims import OPEN_STATES, closed_text, name_of, opens_on, taking
from subsidies.claiming.forecast import forecast
from subsidies.models import Claim, Round
from subsidies.paying.overview import rounds_of
from subsidies.views.common import money_page, tabs
from tasks.models import TownYear
from tasks.views.common import Labels
from tasks.views.trail import line

PAGE = 50
AREA = QuantityField()
STATES = [one for one in Claim.STATES if one[0] != "withdrawn"]
SUBSIDIES = "<slug:town>/<int:year>/subsidies/"


class Window:
    """The claim year on the page (``?for=2025``), its rounds, and whether it can be declared today."""

    def __init__(self, town_year: TownYear, asked: str):
        self.every = [one for one in rounds_of(town_year) if one.is_yearly]
        self.years = sorted({one.year for one in self.every})
        self.year = self._year(asked)
        self.rounds = [one for one in self.every if one.year == self.year]
        self.today = self.rounds[0].today() if self.rounds else town_year.today()
        self.taking = taking(self.rounds, self.today)
        self.closed = closed_text(self.taking[0], self.today) if self.rounds else "方案里没有逐年申报的管护补助。"

    def _year(self, asked: str) -> int | None:
        """The year asked for; else the first whose last day has not passed, as far as the rounds say."""
        if asked.isascii() and asked.isdigit() and int(asked[:9]) in self.years:
            return int(asked)
        if asked:
            raise Http404
        this = self._today()
        return next((one.year for one in self._in_turn() if not one.closes_on or one.closes_on >= this), None) or (
            self.years[-1] if self.years else None
        )

    def _in_turn(self) -> list[Round]:
        return sorted(self.every, key=lambda one: one.year)

    def _today(self) -> date:
        return self._in_turn()[0].today() if self.every else date.min

    @property
    def opens_on(self) -> date | None:
        return opens_on(self.taking[0]) if self.rounds else None

    @property
    def closes_on(self) -> date | None:
        return self.taking[0].closes_on if self.rounds else None


def claims_of(user, town_year: TownYear, window: Window):
    return Claim.objects.visible_to(user).filter(town=town_year.town, round__in=[one.pk for one in window.rounds])


@money_page
@require_safe
def claim_list(request, town_year: TownYear):
    """``?for=2025&division=&state=``: for a village its own land, for the town what is to verify, by village."""
    window = Window(town_year, request.GET.get("for", "").strip())
    chosen = {name: request.GET.get(name, "").strip() for name in ("division", "state")}
    mine = claims_of(request.user, town_year, window).exclude(state="withdrawn")
    villages = by_village(mine)
    rows = mine.filter(division__code=chosen["division"]) if chosen["division"] else mine
    rows = rows.filter(state=chosen["state"]) if chosen["state"] else rows
    shown = rows.select_related("division", "work__kind", "work__parcel", "work__division").order_by(
        "division__path", "work__kind__order", "pk"
    )
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    user, town = request.user, town_year.town
    places = list(user.divisions_for("claim").filter(town=town, is_tenant=False)[:2]) if user.can("claim") else []
    return render(request, "subsidies/claim_list.html", {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "window": window,
        "claims": page,
        "items": [(one, name_of(one.work)) for one in page],
        "villages": villages,
        "totals": {name: sum((one[name] or ZERO for one in villages), ZERO) for name in ("cap", "declared", "done")},
        "open_count": sum(one["open"] for one in villages),
        "open_area": sum((one["open_area"] or ZERO for one in villages), ZERO),
        "chosen": chosen,
        "states": STATES,
        "home": places[0] if len(places) == 1 else None,
        "may_claim": bool(places) and not window.closed,
        "may_open": bool(window.rounds) and (bool(places) or user.can("verify_claim", town)),
        "may_verify": user.can("verify_claim"),
        "has_submitted": any(one.state == "submitted" for one in page),
    })  # fmt: skip


def by_village(claims) -> list[dict]:
    """Counts and sums by village; one query."""
    is_open, is_done = Q(state__in=OPEN_STATES, cap_mu__gt=0), Q(state="verified")
    rows = claims.order_by("division__path").values("division__code", "division__name")
    return list(rows.annotate(
        count=Count("pk"), cap=Sum("cap_mu", output_field=AREA), declared=Sum("declared_mu", output_field=AREA),
        done=Sum("verified_mu", output_field=AREA), open=Count("pk", filter=is_open),
        open_area=Sum("cap_mu", filter=is_open, output_field=AREA),
        waiting=Count("pk", filter=Q(state="submitted")), finished=Count("pk", filter=is_done),
    ))  # fmt: skip


def claim_in(user, town_year: TownYear, pk) -> Claim:
    """A claim of this page's rounds in the user's scope, or 404."""
    rows = Claim.objects.visible_to(user).filter(town=town_year.town, pk=pk)
    rows = rows.filter(Q(year=town_year.year) | Q(round__program__year=town_year.year))
    names = ("town", "division", "round__program__town", "work__parcel", "work__kind", "work__division",
             "submitted_by", "verified_by")  # fmt: skip
    found = rows.select_related(*names).first()
    if found is None:
        raise Http404
    return found


@money_page
@require_safe
def claim_detail(request, town_year: TownYear, pk):
    """One claim: what it is for, the year's photos, the form of whoever's turn it is, and its history."""
    return show(request, town_year, claim_in(request.user, town_year, pk))


def show(request, town_year: TownYear, claim: Claim, *, typed=None, refusal=None):
    """The page of one claim; after a refusal with what was typed and the reason next to its field."""
    user, labels = request.user, Labels(town_year.town)
    today = claim.round.today()
    closed = closed_text(claim.round, today)
    cap = claim.cap_mu  # as last opened; what is declared is checked against what is accepted at that moment
    events = Event.objects.filter(about=claim.pk, town=claim.town_id).select_related("user").order_by("-at")[:60]
    may_claim = user.can("claim", claim.division, claim.work.kind_id)
    may_verify = user.can("verify_claim", claim.division, claim.work.kind_id) and claim.submitted_by_id != user.pk
    return render(request, "subsidies/claim_detail.html", {
        "town_year": town_year,
        "claim": claim,
        "name": name_of(claim.work),
        "parcel": claim.work.parcel,
        "cap": cap,
        "crop": labels.of("crop", claim.crop) if claim.crop else "",
        "crops": list(labels.all("crop").items()),
        "typed": typed if typed is not None else first_values(claim, cap),
        "refusal": refusal,
        "today": today,
        "closed": closed,
        "photos": photos_of(claim),
        "may_declare": may_claim and claim.state in OPEN_STATES and not closed and cap > 0,
        "may_withdraw": may_claim and claim.state == "submitted" and not closed,
        "may_verify": may_verify and claim.state == "submitted",
        "may_return": may_verify and claim.state in ("submitted", "verified"),
        "trail": [line(one.at, one.action, [str(one.user or "系统"), one.reason], back="未准" in one.action)
                  for one in events],
    }, status=(409 if refusal.code == "conflict" else 400) if refusal else 200)  # fmt: skip


def first_values(claim: Claim, cap) -> dict:
    """What stands in the form before anybody has typed: all of it, or what was declared before."""
    declared = cap if claim.declared_mu is None else min(claim.declared_mu, cap)
    return {
        "declared_mu": plain(declared), "crop": claim.crop, "reason": claim.reason,
        "accepted_mu": plain(claim.declared_mu) if claim.declared_mu is not None else "", "verdict_reason": "",
        "relapsed_on": "",
    }  # fmt: skip


def photos_of(claim: Claim) -> list[Evidence]:
    """Photos of the claim's parcel that were taken (or, where nobody knows, received) in the claim's year."""
    if claim.work.parcel_id is None:
        return []
    rows = Evidence.objects.filter(parcel=claim.work.parcel_id, category="photo", withdrawn_at=None)
    known = Q(taken_at__year=claim.year) | Q(taken_at=None, received_at__year=claim.year)
    return list(rows.filter(known).order_by("taken_at", "received_at", "pk")[:24])


@money_page
@require_safe
def claim_forecast(request, town_year: TownYear):
    """The aftercare of the years to come, by village, less what is known to be given up."""
    found = forecast(town_year.town, town_year.year, request.user.divisions_for("read_money"))
    return render(request, "subsidies/claim_forecast.html", {
        "town_year": town_year, "tabs": tabs(request, town_year), "found": found,
        "rows": [(division, list(by_year.items()), sum((one.amount for one in by_year.values()), ZERO))
                 for division, by_year in found.rows.items()],
        "totals": list(found.totals.items()),
    })  # fmt: skip


urls = [
    path(f"{SUBSIDIES}claims/", claim_list, name="claim_list"),
    path(f"{SUBSIDIES}claims/forecast/", claim_forecast, name="claim_forecast"),
    path(f"{SUBSIDIES}claims/<uuid:pk>/", claim_detail, name="claim_detail"),
]
