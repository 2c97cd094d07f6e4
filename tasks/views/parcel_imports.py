"""Import of a parcel list: a file in, what it would do, and only then the job that does it."""

from io import BytesIO
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib.excel import Column, FileRefused, new_sheet, new_workbook
from parcels.imports.services import PURPOSE, ListFacts
from parcels.imports.templates import templates_of
from parcels.models import Kind
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.parcel_import import confirm, plan_kinds, preview, title_for
from tasks.views.acceptance_form import DayField
from tasks.views.common import Labels, where
from tasks.views.parcel_columns import ASKED

SHOWN = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ParcelFileForm(forms.Form):
    """选择清单文件."""

    file = forms.FileField(
        label="清单文件",
        help_text="表格（XLSX、XLS、CSV）或图形（打包的 Shapefile、GeoPackage、GeoJSON、KML、KMZ），"
        f"最大 {settings.BULK_MAX_BYTES // 1024 // 1024} MB。",
        error_messages={"required": "请选择文件。", "empty": "文件是空的（0 字节），请重新选择。"},
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.csv,.zip,.gpkg,.geojson,.json,.kml,.kmz"}),
    )


class ParcelConfirmForm(forms.Form):
    """What the list is called, and the fingerprint of what was seen."""

    title = forms.CharField(label="清单名称", max_length=120, error_messages={"required": "请写清单名称。"})
    received_on = DayField(label="收到日期", required=False)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    template = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)
    layer = forms.CharField(widget=forms.HiddenInput, max_length=120, required=False)


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def parcel_import(request, town_year: TownYear):
    """Choose the file; it is kept, then previewed. Nothing else is written."""
    allowed(request.user, town_year)
    is_sent = request.method == "POST"
    form = ParcelFileForm(request.POST, request.FILES) if is_sent else ParcelFileForm()
    if is_sent and form.is_valid():
        try:
            upload = Upload.objects.store(
                form.cleaned_data["file"],
                town=town_year.town,
                user=request.user,
                purpose=PURPOSE,
                limit=settings.BULK_MAX_BYTES,
            )
        except TooLarge as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect("parcel_import_preview", **where(town_year), pk=upload.pk)
    return _choose(request, town_year, form)


@town_page
@require_safe
def parcel_import_preview(request, town_year: TownYear, pk):
    """New, changed, same, wrong: by sheet and cell, with totals."""
    allowed(request.user, town_year)
    return _show(request, town_year, upload_of(request.user, town_year, pk), None)


@town_page
@require_POST
def parcel_import_confirm(request, town_year: TownYear, pk):
    """Queue the import of what was seen; the list page then shows how far it is."""
    allowed(request.user, town_year)
    upload = upload_of(request.user, town_year, pk)
    form = ParcelConfirmForm(request.POST)
    if not form.is_valid():
        return _show(request, town_year, upload, form)
    values = form.cleaned_data
    facts = ListFacts(title=values["title"], received_on=values["received_on"], upload=upload)
    how = {"template": values["template"], "layer": values["layer"]}
    job = confirm(town_year, facts, seen=values["seen"], user=request.user, **how)
    return redirect(f"{reverse('parcel_list', kwargs=where(town_year))}?job={job.pk}")


@town_page
@require_safe
def parcel_import_template(request, town_year: TownYear):
    """An empty list with the right headings and the town's words to choose from."""
    allowed(request.user, town_year)
    town = town_year.town
    villages = [one.name for one in request.user.divisions().filter(town=town).exclude(pk=town.pk).order_by("path")]
    codes = plan_kinds(town, town_year.year)
    kinds = [one.name for one in Kind.objects.filter(code__in=codes, children=None).order_by("order")]
    labels = Labels(town)
    choices = {name: list(labels.all(name).values()) for name in ("ground_state", "source")}
    classes = [f"{code} {name}" for code, name in labels.all("land_class").items()]
    columns = [
        Column("图斑编号", 26),
        Column("村", 14, "choice", choices=villages) if villages else Column("村", 14),
        Column("组", 10),
        Column("任务", 18, "choice", choices=kinds) if kinds else Column("任务", 18),
        *(Column(f"{name}（亩）", 14, "number") for name in ("图斑面积", "耕地面积", "永农面积", "净面积")),
        Column("地类", 16, "choice", choices=classes),
        Column("现状", 16, "choice", choices=choices["ground_state"]),
        Column("问题来源", 18, "choice", choices=choices["source"]),
        Column("备注", 24),
    ]
    book, data = new_workbook(), BytesIO()
    new_sheet(book, "图斑清单", columns, spare_rows=200, protect=False)
    book.save(data)
    data.seek(0)
    name = f"{town}{town_year.year}年图斑清单.xlsx"
    return FileResponse(data, as_attachment=True, filename=name, content_type=XLSX)


def allowed(user, town_year: TownYear) -> None:
    if not any(user.can("import", one) for one in user.divisions().filter(town=town_year.town)):
        raise PermissionDenied


def upload_of(user, town_year: TownYear, pk) -> Upload:
    found = Upload.objects.visible_to(user).filter(pk=pk, town=town_year.town, purpose=PURPOSE).first()
    if found is None:
        raise Http404
    return found


def _choose(request, town_year: TownYear, form: ParcelFileForm):
    page = {
        "town_year": town_year,
        "form": form,
        "max_bytes": settings.BULK_MAX_BYTES,
        "templates": templates_of(town_year.town),
    }
    return render(request, "parcels/import.html", page, status=400 if form.errors else 200)


def _show(request, town_year: TownYear, upload: Upload, form: ParcelConfirmForm | None):
    asked = form.data if form else request.GET
    how = {"template": asked.get("template", "")[:40], "layer": asked.get("layer", "")[:120]}
    try:
        looked = preview(town_year, upload, request.user, **how)
    except FileRefused as refusal:
        if refusal.code in ASKED:
            there = reverse("parcel_import_columns", kwargs=where(town_year) | {"pk": upload.pk})
            return redirect(f"{there}?{urlencode(how)}")
        chosen = ParcelFileForm({}, {})
        chosen.full_clean()
        chosen.errors.clear()
        chosen.add_error("file", f"{upload.name}：{refusal.message}")
        return _choose(request, town_year, chosen)
    found = looked.comparison
    first = {"title": title_for(town_year, upload), "seen": found.fingerprint(), **how}
    page = {
        "town_year": town_year,
        "upload": upload,
        "found": found,
        "notes": [*found.notes, *looked.whereabouts()],
        "totals": found.totals(),
        "form": form or ParcelConfirmForm(initial=first),
        "lying": None if found.errors or found.is_nothing else looked.lying(),
        "left_out": found.left_out[:SHOWN],
        "errors": found.errors[:SHOWN],
        "new": found.new[:SHOWN],
        "changed": found.changed[:SHOWN],
        "shown": SHOWN,
        "columns_query": urlencode(how),
    }
    return render(request, "parcels/preview.html", page, status=400 if form else 200)
