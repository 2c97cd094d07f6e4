"""拨付批次: the list, a new one, the page of one, and the files of its notices and checklist."""

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.http import FileResponse, Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from farmland.jobs.models import Upload
from farmland.lib.fields import MoneyField
from farmland.lib.photos import picture_format
from farmland.lib.refused import Refused
from farmland.places.models import Division
from subsidies.models import Batch, BatchPaper, Entitlement, Publicity, Round
from subsidies.paying import batches
from subsidies.views.batch_page import BatchPage, batch_of, dressed
from subsidies.views.common import money_of_town, tabs
from tasks.models import TownYear
from tasks.views.common import where

PAGE = 50
PICTURES = {"PNG": "image/png", "JPEG": "image/jpeg"}


class CreateForm(django_forms.Form):
    round = django_forms.ModelChoiceField(
        Round.objects.none(), label="政策和轮次", empty_label="请选择",
        error_messages={"required": "请选择政策和轮次。", "invalid_choice": "没有这个轮次，请重新选择。"},
    )  # fmt: skip
    divisions = django_forms.ModelMultipleChoiceField(
        Division.objects.none(), label="只列这些村", required=False, widget=django_forms.CheckboxSelectMultiple
    )
    note = django_forms.CharField(label="说明", max_length=300, required=False)

    def __init__(self, *args, rounds, divisions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["round"].queryset, self.fields["divisions"].queryset = rounds, divisions


@money_of_town
@require_safe
def batch_list(request, town_year: TownYear):
    """``?state=`` filters the batches; the newest first, and what is due and in none yet."""
    state = request.GET.get("state", "")
    rows = Batch.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    notice = Publicity.objects.filter(batch=OuterRef("pk")).exclude(state="void")
    shown = rows.filter(state=state) if state in dict(Batch.STATES) else rows
    shown = shown.select_related("program", "round").annotate(
        line_count=Count("lines"), ends_on=Subquery(notice.values("ends_on")[:1])
    )
    page = Paginator(shown.order_by("-number"), PAGE).get_page(request.GET.get("page"))
    for one in page.object_list:
        dressed(one)
    context = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "page": page,
        "state": state,
        "states": Batch.STATES,
        "waiting": _waiting(town_year),
        "may_prepare": request.user.can("prepare_payment", town_year.town),
    }
    return render(request, "subsidies/batch_list.html", context)


def _waiting(town_year: TownYear) -> list[Round]:
    """Rounds in which something is due and in no batch, with count and sum."""
    due = Q(entitlements__state=Entitlement.DUE) & ~Q(entitlements__amount=0)
    rounds = Round.objects.filter(town=town_year.town, program__year=town_year.year).select_related("program")
    return list(
        rounds.annotate(
            count=Count("entitlements", filter=due),
            amount=Sum("entitlements__amount", filter=due, output_field=MoneyField()),
        )
        .filter(count__gt=0)
        .order_by("program__order", "year", "label")
    )


@money_of_town
@require_http_methods(["GET", "POST"])
def batch_create(request, town_year: TownYear):
    """``?round=`` chooses one; everything due in it becomes a draft."""
    if not request.user.can("prepare_payment", town_year.town):
        raise PermissionDenied
    rounds = Round.objects.filter(pk__in=[one.pk for one in _waiting(town_year)]).select_related("program")
    due = Entitlement.objects.filter(round__in=rounds, state=Entitlement.DUE).values("division")
    places = {"rounds": rounds, "divisions": Division.objects.filter(pk__in=due)}
    form = CreateForm(
        request.POST if request.method == "POST" else None, initial={"round": request.GET.get("round")}, **places
    )
    if request.method == "POST" and form.is_valid():
        chosen = list(form.cleaned_data["divisions"]) or None
        try:
            batch = batches.prepare(
                form.cleaned_data["round"], divisions=chosen, note=form.cleaned_data["note"], by=request.user
            )
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, f"批次 {batch.number} 已编制，共 {batch.lines.count()} 行。")
            return redirect("batch_detail", **where(town_year), pk=batch.pk)
    context = {"town_year": town_year, "tabs": tabs(request, town_year), "form": form, "waiting": rounds}
    return render(request, "subsidies/batch_create.html", context, status=400 if form.errors else 200)


@money_of_town
@require_safe
def batch_detail(request, town_year: TownYear, pk):
    return BatchPage(request, town_year, batch_of(request, town_year, pk)).answer()


@money_of_town
@never_cache
@require_safe
def batch_file(request, town_year: TownYear, pk):
    """A photograph of a notice or a paper of a checklist, by the id of its upload; pictures are shown, papers kept."""
    rows = Batch.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    named = Publicity.objects.filter(batch__in=rows).filter(Q(posted=pk) | Q(taken_down=pk)).exists()
    if not named and not BatchPaper.objects.filter(batch__in=rows, upload=pk).exists():
        raise Http404
    upload = Upload.objects.get(pk=pk)
    file = upload.open()
    kind = PICTURES.get(picture_format(file.read(12)), "application/octet-stream")
    file.seek(0)
    return FileResponse(
        file, filename=upload.name, content_type=kind, as_attachment=not named or kind.startswith("application")
    )


BATCHES = "<slug:town>/<int:year>/subsidies/batches/"
urls = [
    path(BATCHES, batch_list, name="batch_list"),
    path(f"{BATCHES}new/", batch_create, name="batch_create"),
    path(f"{BATCHES}files/<uuid:pk>/", batch_file, name="batch_file"),
    path(f"{BATCHES}<uuid:pk>/", batch_detail, name="batch_detail"),
]
