"""重叠 on the pages: the mark in the list, the filter, the rows on a parcel's page."""

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.accounts.models import User
from parcels.layers import FORBID, UNKNOWN, WARN, layer_kinds
from parcels.models import Overlap, Parcel
from tasks.models import TownYear
from tasks.pages import town_page

CHOICES = [("any", "有重叠"), (FORBID, "落在不得恢复的图层上"), ("parcel", "与其他图斑重叠")]


def marks(parcels: list[Parcel], town_year: TownYear) -> dict:
    """Parcel id → (state, word) for those that overlap. One query, two where a layer is among them."""
    rows = Overlap.objects.filter(parcel__in=[one.pk for one in parcels]).values_list("parcel", "layer__source")
    found: dict = {}
    for parcel, kind in rows:
        found.setdefault(parcel, set()).add(kind)
    kinds = layer_kinds(town_year.town) if any(kind for one in found.values() for kind in one) else {}
    return {parcel: mark for parcel, one in found.items() if (mark := _mark(one, kinds))}


def _mark(layers: set, kinds: dict) -> tuple[str, str] | None:
    """The worst of them; what is only noted gets no mark."""
    on = [kinds.get(one, UNKNOWN) for one in layers if one]
    if worst := next((one for one in on if one.on_restore == FORBID), None):
        return "forbidden", worst.label
    if None in layers:
        return "to_check", "重叠"
    return next((("to_check", one.label) for one in on if one.on_restore == WARN), None)


@town_page
@require_safe
def parcel_overlaps(request, town_year: TownYear, pk):
    """The piece of a parcel's page that says what else lies there; empty where nothing does."""
    mine = Parcel.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    parcel = mine.filter(pk=pk).first()
    if parcel is None:
        raise Http404
    page = {"town_year": town_year, "overlaps": overlaps_of(parcel, request.user, town_year)}
    return render(request, "parcels/_overlaps.html", page)


def overlaps_of(parcel: Parcel, user: User, town_year: TownYear) -> list[dict]:
    """What the parcel shares with which other; a parcel outside the user's scope is not named."""
    rows = Overlap.objects.visible_to(user).filter(parcel=parcel)
    found = list(rows.select_related("layer", "other__division", "other__kind"))
    if not found:
        return []
    kinds = layer_kinds(town_year.town)
    mine = {one.pk for one in user.divisions()}
    shown = [_row(one, kinds, mine) for one in found]
    return sorted(shown, key=lambda one: (one["kind"] is None or one["kind"].on_restore != FORBID, one["order"]))


def _row(one: Overlap, kinds: dict, mine: set) -> dict:
    named = one.other if one.other and one.other.division_id in mine else None
    return {
        "by": one.get_by_display(),
        "layer": one.layer,
        "kind": kinds.get(one.layer.source, UNKNOWN) if one.layer else None,
        "other": named,
        "hidden": one.other is not None and named is None,
        "year": one.other.year if one.other else one.layer.year,
        "area_mu": one.area_mu,
        "percent": None if one.share is None else one.share * 100,
        "order": -(one.share or 0),
    }
