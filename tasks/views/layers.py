"""约束图层: which are in force, a file in, what it would change, and only then the job that does it."""

from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Sum
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib.excel import FileRefused
from farmland.lib.fields import QuantityField
from farmland.lib.geo.crs import zones
from farmland.lib.geo.files import LayerWanted
from farmland.lib.refused import Refused
from parcels.imports.choices import Choices
from parcels.imports.layers import PURPOSE
from parcels.layers import ROLES, UNKNOWN, layer_kinds, layers_in_force, names_of_lists
from parcels.models import Listing, Overlap, ParcelList, Shape
from tasks.layer_import import LayerFacts, confirm, preview, remove
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.acceptance_form import DayField
from tasks.views.common import where
from tasks.views.parcels import job_of

SHOWN, YEARS_BACK = 100, 20
ACCEPT = ".zip,.gpkg,.geojson,.json,.kml,.kmz,.xlsx,.xls,.csv"


class LayerFileForm(forms.Form):
    """选择图层文件."""

    file = forms.FileField(
        label="图层文件",
        help_text="打包的 Shapefile、GeoPackage、GeoJSON、KML、KMZ；只有编号的也可用表格。"
        f"最大 {settings.BULK_MAX_BYTES // 1024 // 1024} MB。",
        error_messages={"required": "请选择文件。", "empty": "文件是空的（0 字节），请重新选择。"},
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
    )
    kind = forms.ChoiceField(label="类别", error_messages={"required": "请选类别。"})

    def __init__(self, *args, kinds: dict, **kwargs):
        super().__init__(*args, **kwargs)
        choices = [(one.code, f"{one.label}（{one.says}）") for one in kinds.values()]
        self.fields["kind"].choices = [("", "请选择"), *choices]


class LayerConfirmForm(forms.Form):
    """What the layer is called, the year it shows, and the fingerprint of what was seen."""

    title = forms.CharField(
        label="图层名称", max_length=120, error_messages={"required": "请写图层名称。"},
        widget=forms.TextInput(attrs={"list": "names"}),
    )  # fmt: skip
    year = forms.TypedChoiceField(label="哪一年的", coerce=int)
    received_on = DayField(label="收到日期", required=False)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args, year: int, names: list[str], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["year"].choices = [(one, f"{one} 年") for one in range(year, year - YEARS_BACK, -1)]
        self.names = names
        if names:
            told = "、".join(f"“{one}”" for one in names)
            self.fields["title"].help_text = f"方案里写到的有{told}；用这个名称，核补助时才对得上。"


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def layer_list(request, town_year: TownYear):
    """The layers of the town; a file sent here is kept, then previewed."""
    allowed(request.user, town_year)
    kinds = layer_kinds(town_year.town)
    is_sent = request.method == "POST"
    form = LayerFileForm(*((request.POST, request.FILES) if is_sent else ()), kinds=kinds)
    if is_sent and form.is_valid():
        file = form.cleaned_data["file"]
        limits = {"purpose": PURPOSE, "limit": settings.BULK_MAX_BYTES}
        try:
            upload = Upload.objects.store(file, town=town_year.town, user=request.user, **limits)
        except TooLarge as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect(_preview_at(town_year, upload, {"kind": form.cleaned_data["kind"]}))
    return _show_list(request, town_year, kinds, form, 400 if form.errors else 200)


def _show_list(request, town_year: TownYear, kinds: dict, form, status: int):
    page = {
        "town_year": town_year, "form": form, "max_bytes": settings.BULK_MAX_BYTES, "job": job_of(request),
        "rows": _rows(town_year, kinds), "open": not town_year.closed_on,
    }  # fmt: skip
    return render(request, "layers/list.html", page, status=status)


def _rows(town_year: TownYear, kinds: dict) -> list[ParcelList]:
    """Every layer up to this year with its counts; an older one of the same kind and title is not in force."""
    kept = ParcelList.objects.filter(town=town_year.town, role__in=ROLES, year__lte=town_year.year)
    rows = list(kept.select_related("upload").order_by("-year", "source", "title"))
    force = {one.pk for one in layers_in_force(town_year.town, town_year.year)}
    area = Sum("computed_mu", output_field=QuantityField())
    shapes = {pk: more for pk, *more in Shape.objects.filter(layer__in=rows).values_list("layer")
              .annotate(Count("pk"), area, Max("issued_crs")).order_by()}  # fmt: skip
    codes = dict(Listing.objects.filter(list__in=rows).values_list("list").annotate(Count("pk")).order_by())
    mine = Overlap.objects.filter(layer__in=rows, parcel__year=town_year.year)
    on = dict(mine.values_list("layer").annotate(Count("parcel", distinct=True)).order_by())
    for one in rows:
        one.layer_kind = kinds.get(one.source, UNKNOWN)
        one.pieces, one.area_mu, one.crs = shapes.get(one.pk, (0, None, ""))
        one.codes, one.on, one.in_force = codes.get(one.pk, 0), on.get(one.pk, 0), one.pk in force
    return rows


@town_page
@require_safe
def layer_preview(request, town_year: TownYear, pk):
    """What the file holds, which parcels lie on it, and what it would change."""
    allowed(request.user, town_year)
    return _show(request, town_year, upload_of(request.user, town_year, pk), None)


@town_page
@require_POST
def layer_confirm(request, town_year: TownYear, pk):
    """Queue the import of what was seen."""
    allowed(request.user, town_year)
    upload = upload_of(request.user, town_year, pk)
    wish = Asked(request.POST, town_year)
    form = LayerConfirmForm(request.POST, **_offered(town_year, wish.kind or UNKNOWN))
    if not form.is_valid() or wish.kind is None:
        return _show(request, town_year, upload, form)
    values = form.cleaned_data
    facts = LayerFacts(wish.kind, values["title"], values["received_on"], upload, values["year"])
    job = confirm(town_year, facts, wish.choices, seen=values["seen"], user=request.user)
    return redirect(f"{reverse('layer_list', kwargs=where(town_year))}?job={job.pk}")


@town_page
@require_POST
def layer_remove(request, town_year: TownYear, pk):
    """Take a layer out of force; the reason is recorded, the file stays."""
    allowed(request.user, town_year)
    kept = ParcelList.objects.visible_to(request.user).filter(pk=pk, town=town_year.town, role__in=ROLES).first()
    if kept is None:
        raise Http404
    try:
        remove(town_year, kept, request.POST.get("reason", ""), by=request.user)
    except Refused as refusal:
        messages.error(request, refusal.message)
        kinds = layer_kinds(town_year.town)
        return _show_list(
            request, town_year, kinds, LayerFileForm(kinds=kinds), 409 if refusal.code == "closed" else 400
        )
    messages.success(request, f"图层“{kept.title}”已移除，原件留存。")
    return redirect("layer_list", **where(town_year))


def allowed(user, town_year: TownYear) -> None:
    if not user.can("import", town_year.town):
        raise PermissionDenied


def upload_of(user, town_year: TownYear, pk) -> Upload:
    found = Upload.objects.visible_to(user).filter(pk=pk, town=town_year.town, purpose=PURPOSE).first()
    if found is None:
        raise Http404
    return found


class Asked:
    """What the address or the form says about how the file is read."""

    def __init__(self, values, town_year: TownYear):
        zone = values.get("zone", "")
        known = {str(number) for number, _ in zones()}
        self.kinds = layer_kinds(town_year.town)
        self.kind = self.kinds.get(values.get("kind", ""))
        self.choices = Choices(layer=values.get("layer", "")[:120], zone=int(zone) if zone in known else None)

    @property
    def query(self) -> dict[str, str]:
        zone = str(self.choices.zone) if self.choices.zone else ""
        return {"kind": self.kind.code if self.kind else "", "layer": self.choices.layer, "zone": zone}


def _offered(town_year: TownYear, kind) -> dict:
    return {"year": town_year.year, "names": names_of_lists(kind, town_year.town)}


def _preview_at(town_year: TownYear, upload: Upload, query: dict) -> str:
    return f"{reverse('layer_preview', kwargs=where(town_year) | {'pk': upload.pk})}?{urlencode(query)}"


def _show(request, town_year: TownYear, upload: Upload, form: LayerConfirmForm | None):
    wish = Asked(form.data if form else request.GET, town_year)
    kind = wish.kind or next(iter(wish.kinds.values()), UNKNOWN)
    title = (form.data.get("title", "") if form else "") or upload.name.rpartition(".")[0][:120] or upload.name[:120]
    shows = town_year.year - (kind.role == "done_earlier")  # what was done is done before
    facts = LayerFacts(kind, title, None, upload, shows)
    page = {"town_year": town_year, "upload": upload, "wish": wish, "kind": kind}
    try:
        looked = preview(town_year, facts, wish.choices)
    except LayerWanted as wanted:
        return render(request, "layers/which.html", page | {"layers": wanted.choices, "message": wanted.message})
    except FileRefused as refusal:
        if refusal.code == "zone":
            return render(request, "layers/which.html", page | {"zones": zones(), "message": refusal.message})
        chosen = LayerFileForm({"kind": kind.code}, {}, kinds=wish.kinds)
        chosen.full_clean()
        chosen.errors.clear()
        chosen.add_error("file", f"{upload.name}：{refusal.message}")
        return _show_list(request, town_year, wish.kinds, chosen, 400)
    first = {"title": title, "seen": looked.found.fingerprint(), "year": shows}
    page |= {
        "found": looked.found, "notes": [*looked.found.notes, *looked.whereabouts],
        "change": looked.difference, "on": looked.on,
        "on_count": sum(one[1] for one in looked.on),
        "form": form or LayerConfirmForm(initial=first, **_offered(town_year, kind)),
        "errors": looked.found.errors[:SHOWN], "shown": SHOWN,
        "rows": looked.found.rows[:SHOWN],
    }  # fmt: skip
    return render(request, "layers/preview.html", page, status=400 if form else 200)
