"""对照列名: a list with headings of its own is explained once; its source is read that way from then on."""

from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from farmland.jobs.models import Upload
from farmland.lib.excel import FileRefused
from farmland.lib.excel.header import tidy
from farmland.lib.geo.crs import zones
from farmland.lib.geo.files import LayerWanted
from parcels.imports.choices import Choices, Reading, mapped
from parcels.imports.columns import AREA, AREA_UNITS, BY_FIELD, COLUMNS, REQUIRED, STAND_INS
from parcels.imports.reading import best_head, read_source, trouble
from parcels.imports.templates import choices_for, save_template
from parcels.models import Kind
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.parcel_import import plan_kinds
from tasks.views.common import Labels, where

SAMPLES = 3
UNIT_CHOICES = [("", "单位"), ("亩", "亩"), ("m2", "平方米"), ("公顷", "公顷")]
ASKED = ("header-missing", "header-repeated", "unit-unknown", "several-layers", "zone")  # this page helps with these


class ColumnsForm(forms.Form):
    """One choice per column of the file, and what all rows have in common."""

    def __init__(self, *args, town_year: TownYear, user, columns: list[dict], needs_zone: bool, **kwargs):
        super().__init__(*args, **kwargs)
        self.columns = columns
        fields = [("", "不导入")] + [(one.field, one.heading) for one in COLUMNS]
        for at, one in enumerate(columns):
            label = f"“{one['heading']}”"
            self.fields[f"field_{at}"] = forms.ChoiceField(label=label, choices=fields, required=False)
            self.fields[f"unit_{at}"] = forms.ChoiceField(label=f"{label}的单位", choices=UNIT_CHOICES, required=False)
        town = town_year.town
        kinds = Kind.objects.filter(code__in=plan_kinds(town, town_year.year), children=None).order_by("order")
        villages = user.divisions().filter(town=town).alive(town_year.today()).exclude(pk=town.pk).order_by("path")
        self.fields["kind"] = self._choice("任务", [(one.name, one.name) for one in kinds])
        sources = Labels(town).all("source").items()
        self.fields["source"] = self._choice("问题来源", [(label, label) for _, label in sources])
        self.fields["division"] = self._choice("村", [(one.name, one.name) for one in villages])
        if needs_zone:
            choices = [("", "请选择"), *((str(number), name) for number, name in zones())]
            unknown = {"required": "请选中央经线；不清楚的问发图的单位。"}
            self.fields["zone"] = forms.ChoiceField(label="中央经线", choices=choices, error_messages=unknown)
        required = {"required": "请给这种清单起个名称，下次同样的表头自动按它读。"}
        self.fields["name"] = forms.CharField(label="模板名称", max_length=60, error_messages=required)

    def _choice(self, label: str, choices: list):
        return forms.ChoiceField(label=label, choices=[("", "表里有，或不填"), *choices], required=False)

    @property
    def lines(self):
        """Each column with its two controls."""
        return [(one, self[f"field_{at}"], self[f"unit_{at}"]) for at, one in enumerate(self.columns)]

    @property
    def commons(self):
        return [self[name] for name in ("kind", "source", "division", "zone") if name in self.fields]

    def clean(self):
        values = super().clean()
        self.mapping, taken = {}, {}
        for at, one in enumerate(self.columns):
            field = values.get(f"field_{at}", "")
            try:
                self.mapping[tidy(one["heading"])] = mapped(field, values.get(f"unit_{at}", ""))
            except ValueError as error:
                self.add_error(f"unit_{at}", str(error))
            if field and field in taken:
                self.add_error(f"field_{at}", f"“{BY_FIELD[field].heading}”已对照到“{taken[field]}”，只能选一列。")
            taken.setdefault(field, one["heading"])
        self.defaults = {name: values[name] for name in ("kind", "source", "division", "zone") if values.get(name)}
        for column in REQUIRED if self.columns else ():
            others = STAND_INS.get(column.field, ())
            if not any(name in taken for name in (column.field, *others)) and column.field not in self.defaults:
                remedy = "或在下面选一个所有行都用的。" if column.field != "codes" else "没有编号的清单不能导入。"
                self.add_error(None, f"还没有对照“{column.heading}”，请选出是哪一列，{remedy}")
        return values


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def parcel_import_columns(request, town_year: TownYear, pk):
    """Say which column is which; saved as a template, then previewed."""
    from tasks.views.parcel_imports import allowed, upload_of

    allowed(request.user, town_year)
    upload = upload_of(request.user, town_year, pk)
    layer, template = request.GET.get("layer", "")[:120], request.GET.get("template", "")[:40]
    choices = choices_for(town_year.town, template, layer)
    page = {"town_year": town_year, "upload": upload, "layer": layer}
    try:
        columns, page["message"] = _columns(upload, choices)
    except LayerWanted as wanted:
        return render(request, "parcels/layers.html", page | {"layers": wanted.choices, "message": wanted.message})
    except FileRefused as refusal:
        if refusal.code != "zone":
            return redirect("parcel_import_preview", **where(town_year), pk=upload.pk)
        columns, page["message"] = [], refusal.message
    needs = {"town_year": town_year, "user": request.user, "columns": columns, "needs_zone": not columns}
    if request.method == "POST":
        form = ColumnsForm(request.POST, **needs)
        if form.is_valid():
            before = choices.reading.defaults if choices.reading else {}
            kept = {"zone": before["zone"]} if before.get("zone") else {}
            saved = save_template(
                town_year.town, form.cleaned_data["name"], mapping=form.mapping, defaults=kept | form.defaults,
                by=request.user,
            )  # fmt: skip
            there = reverse("parcel_import_preview", kwargs=where(town_year) | {"pk": upload.pk})
            return redirect(f"{there}?{urlencode({'template': saved.pk, 'layer': layer})}")
    else:
        form = ColumnsForm(initial=_first(columns, choices, upload), **needs)
    return render(request, "parcels/columns.html", page | {"form": form}, status=400 if form.errors else 200)


def _columns(upload: Upload, choices: Choices) -> tuple[list[dict], str]:
    """Heading, first values and suggestion of every column of the row nearest to a heading row; what is in the way."""
    limits = {"max_bytes": settings.BULK_MAX_BYTES, "max_inflated": settings.BULK_MAX_INFLATED}
    source = read_source(upload.full_path, upload.name, choices, **limits)
    sheets = [one for one in source.sheets if one.state == "visible"]
    nearest = best_head(sheets, choices)
    if nearest is None:
        raise FileRefused("empty", "文件里没有内容。")
    sheet, head, _ = nearest
    below = [row for row in sheet.rows if row.number > head.number][:50]
    reading = choices.reading or Reading()
    found = []
    for index, cell in enumerate(head.cells):
        if cell.kind == "text":
            values = [row[index].text for row in below if row[index]][:SAMPLES]
            found.append({"heading": cell.text, "samples": values, "hit": reading.hit(cell.text)})
    return found, trouble(sheets, choices)


def _first(columns: list[dict], choices: Choices, upload: Upload) -> dict:
    """What the form starts with: the chosen template, else the suggestion; a field is suggested once."""
    values = {"name": choices.reading.name if choices.reading else upload.name.rpartition(".")[0][:60]}
    values |= choices.reading.defaults if choices.reading else {}
    best = {}
    for at, one in enumerate(columns):
        hit = one["hit"]
        if hit and (hit.column.field not in best or hit.rank < best[hit.column.field][0]):
            best[hit.column.field] = (hit.rank, at)
    for field, (_, at) in best.items():
        values[f"field_{at}"] = field
        unit = columns[at]["hit"].unit
        if BY_FIELD[field].kind == AREA and unit in AREA_UNITS:
            values[f"unit_{at}"] = {"平方米": "m2", "hm2": "公顷"}.get(unit, unit)
    return values
