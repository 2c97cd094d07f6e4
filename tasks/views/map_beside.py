"""Whether the list of parcels has a map beside it, and what the page gives the map's script."""

from urllib.parse import quote

from django.conf import settings
from django.urls import reverse

from parcels.models import Shape
from tasks.models import TownYear
from tasks.views.common import where

LIST, MAP = "list", "map"
NONE = "00000000-0000-0000-0000-000000000000"


def tiles() -> str:
    """The address of 天地图's pictures, with LAYER for the name of the layer; empty without a key."""
    if not settings.TIANDITU_KEY:
        return ""
    facts = "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=LAYER&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    at = "TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
    return f"https://t{{s}}.tianditu.gov.cn/LAYER_w/wmts?{facts}&{at}&tk={quote(settings.TIANDITU_KEY)}"


def map_beside(request, town_year: TownYear) -> dict:
    """``shown``: asked for (?view=map), or not refused (?view=list) where there is something to draw."""
    view = request.GET.get("view", "")
    may = request.user.can("coordinates")  # somewhere; what is drawn is asked village by village
    there = may and Shape.objects.filter(town=town_year.town, parcel__year=town_year.year).exists()
    query = request.GET.copy()
    for name in ("view", "page", "parcel", "job"):
        query.pop(name, None)
    at = where(town_year)
    return {
        "may": may,
        "there": there,
        "view": view if view in (LIST, MAP) else "",
        "shown": view == MAP or (there and view != LIST),
        "shapes": f"{reverse('parcel_shapes', kwargs=at)}?{query.urlencode()}",
        "sheet": f"{reverse('parcel_sheet', kwargs=at)}?{query.urlencode()}",
        "glance": reverse("parcel_glance", kwargs=at | {"pk": NONE}),
        "query": query.urlencode(),
        "tiles": tiles(),
    }
