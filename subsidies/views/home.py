"""补助: what is owed, held, in batches and paid, by policy and by village, and what needs this person."""

from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from farmland.places.models import Division
from subsidies.paying.overview import added, computed_at, needs, rounds_of, sums, total
from subsidies.views.common import money_page, page_address, tabs
from tasks.models import TownYear


@money_page
@require_safe
def subsidy_list(request, town_year: TownYear):
    """Sums of the rows the user may read; a village sees its own."""
    rounds = list(rounds_of(town_year))
    found = sums(request.user, rounds)
    whole, by_round, by_village = total(found), added(found, 0), added(found, 1)
    divisions = Division.objects.filter(pk__in=list(by_village)).order_by("path")
    tasks = needs(request.user, town_year, rounds, whole)
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "sums": whole,
        "verdict": verdict(whole),
        "rounds": [(one, by_round[one.pk]) for one in rounds if one.pk in by_round or not one.is_yearly],
        "villages": [(one, by_village[one.pk]) for one in divisions],
        "tasks": [(one, page_address(one.page, town_year)) for one in tasks],
        "computed_at": computed_at(request.user, rounds, whole),
        "has_claims": any(one.is_yearly for one in rounds),
    }
    return render(request, "subsidies/home.html", page)


def verdict(whole) -> str:
    """The one sentence of the page."""
    if not whole.rows:
        return "还没有核算应补"
    if whole.held:
        return f"有 {whole.held} 笔暂缓，等资料或认定"
    if whole.waiting:
        return "有应补还没有列入批次"
    return "应补都已列入批次"


SUBSIDIES = "<slug:town>/<int:year>/subsidies/"
urls = [path(SUBSIDIES, subsidy_list, name="subsidy_list")]
