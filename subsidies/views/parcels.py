"""The money of one parcel, for the parcel's own page: amounts by policy and year with state, and its claims."""

from decimal import Decimal

from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from subsidies.models import Claim, Entitlement
from subsidies.views.common import money_page
from tasks.models import TownYear
from tasks.views.evidence import found_parcel


@money_page
@require_safe
def parcel_money(request, town_year: TownYear, pk):
    """For htmx the section alone. What is paid for a village as a whole (奖励) is not split over its parcels."""
    parcel = found_parcel(request.user, town_year, pk)
    rows = Entitlement.objects.visible_to(request.user).filter(work__parcel=parcel, state__in=Entitlement.LIVE)
    rows = rows.select_related("program", "round", "rate_version__rate").defer("explanation")
    rows = list(rows.order_by("round__year", "program__order", "created_at"))
    claims = Claim.objects.visible_to(request.user).filter(work__parcel=parcel).exclude(state="withdrawn")
    page = {
        "town_year": town_year,
        "parcel": parcel,
        "rows": rows,
        "total": sum((one.amount for one in rows), Decimal(0)),
        "claims": list(claims.order_by("year")),
    }
    return render(request, "subsidies/_parcel.html" if request.htmx else "subsidies/parcel.html", page)


urls = [path("<slug:town>/<int:year>/subsidies/parcels/<uuid:pk>/", parcel_money, name="parcel_money")]
