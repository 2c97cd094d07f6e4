"""补充资料: what a round asks people for, filled in a page at a time."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods

from farmland.lib.refused import Refused
from subsidies.claiming.claims import name_of
from subsidies.entitlements.supplying import last_blanks, supply
from subsidies.views.calculations import round_in
from subsidies.views.common import money_of_town, tabs
from tasks.models import TownYear
from tasks.views.common import where

PER_PAGE = 50
PREFIX = "v."  # v.<work or claim>.<fact>


@money_of_town
@require_http_methods(["GET", "HEAD", "POST"])
def calculation_facts(request, town_year: TownYear, pk):
    """POST ``v.<key>`` for every field of the page, and ``reason``; all of it is kept, or nothing."""
    round_ = round_in(town_year, pk)
    may = request.user.can("prepare_payment", town_year.town)
    refused, status, given = "", 200, {}
    if request.method == "POST":
        if not may:
            raise PermissionDenied
        given = {name[len(PREFIX) :]: text for name, text in request.POST.items() if name.startswith(PREFIX)}
        try:
            count = supply(round_, given, reason=request.POST.get("reason", ""), by=request.user)
        except Refused as refusal:
            refused, status = refusal.message, 409 if refusal.code == "conflict" else 400
        else:
            messages.success(request, f"已保存 {count} 项资料，重新核算后生效。" if count else "没有改动。")
            return redirect("calculation_facts", **where(town_year), pk=pk)
    asked = last_blanks(round_)
    page = Paginator(asked or [], PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "subsidies/calculation_facts.html", {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "round": round_,
        "page": page,
        "lines": [(one, name_of(one.work), PREFIX + one.key, given.get(one.key, one.value)) for one in page],
        "empty": sum(not one.value for one in asked or []),
        "is_computed": asked is not None,
        "may": may,
        "refused": refused,
        "reason": request.POST.get("reason", ""),
    }, status=status)  # fmt: skip


urls = [
    path(
        "<slug:town>/<int:year>/subsidies/calculations/rounds/<uuid:pk>/facts/", calculation_facts,
        name="calculation_facts",
    ),
]  # fmt: skip
