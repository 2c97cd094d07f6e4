"""重叠 on the pages: the mark in the list, the filter, the rows on a parcel's page."""

from django.db.models import Exists, F, OuterRef, Subquery, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.places.models import Term
from parcels.layers import ALLOW, FORBID, WARN
from parcels.models import Overlap, Parcel
from tasks.models import TownYear
from tasks.overlaps import overlaps_of
from tasks.pages import town_page
from tasks.views.common import Labels

CHOICES = [("any", "有重叠"), (FORBID, "落在不得恢复的图层上"), ("parcel", "与其他图斑重叠")]


def with_overlaps(rows, town_year: TownYear):
    """Parcels with ``shares`` (land or a code with another parcel), and the worst layer below: ``on`` and ``says``."""
    kinds = Term.objects.of("layer_kind", town_year.town).filter(code=OuterRef("layer__source"))
    said = kinds.order_by(F("town").desc(nulls_last=True)).values(says=KT("attrs__on_restore"))[:1]
    says = Coalesce(Subquery(said), Value(WARN), output_field=TextField())
    mine = Overlap.objects.filter(parcel=OuterRef("pk"))
    layers = mine.filter(layer__isnull=False).annotate(says=says)
    worst = layers.exclude(says=ALLOW).order_by("says")  # forbid before warn
    return rows.annotate(
        shares=Exists(mine.filter(other__isnull=False)),
        on=Subquery(worst.values("layer__source")[:1]),
        says=Subquery(worst.values("says")[:1]),
    )


def mark_of(parcel: Parcel, labels: Labels) -> tuple[str, str] | None:
    """State and word for a parcel of ``with_overlaps``; what is only noted gets no mark."""
    if parcel.says == FORBID:
        return "forbidden", labels.of("layer_kind", parcel.on)
    if parcel.shares:
        return "to_check", "重叠"
    return ("to_check", labels.of("layer_kind", parcel.on)) if parcel.on else None


@town_page
@require_safe
def parcel_overlaps(request, town_year: TownYear, pk):
    """The piece of a parcel's page that says what else lies there; empty where nothing does."""
    mine = Parcel.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    parcel = mine.filter(pk=pk).first()
    if parcel is None:
        raise Http404
    page = {"town_year": town_year, "overlaps": overlaps_of(parcel, request.user)}
    return render(request, "parcels/_overlaps.html", page)
