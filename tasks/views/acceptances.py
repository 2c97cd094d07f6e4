"""验收: what waits, the form, the entries and their reversal. Nothing is edited; the service decides."""

from decimal import Decimal
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery, Sum
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse as address
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.jobs.models import Job
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from parcels.models import Step, Work
from parcels.progress import Ladders
from tasks.acceptance import Refused, Wish, accept, reverse
from tasks.former import Former, apart, formers, name_of
from tasks.models import Progress, TownYear
from tasks.pages import division_in, town_page
from tasks.views.acceptance_form import (
    VERDICTS,
    AcceptanceForm,
    ReversalForm,
    acceptable_divisions,
    divisions_inside,
    new_key,
)
from tasks.views.common import Labels, export_query, no_plan, plan_of, where
from tasks.waiting import Waiting, waiting

PAGE = 50
FILTERS = ("division", "kind", "level", "verdict")


@town_page
@require_safe
def acceptance_list(request, town_year: TownYear):
    """``?division=&kind=&level=&verdict=`` filter the entries, ``for_…`` fill the form, ``saved=&job=`` follow one."""
    form = _new_form(request, town_year)
    if not form.targets and plan_of(town_year) is None:
        return no_plan(request, town_year)
    return _page(request, town_year, form)


@town_page
@require_POST
def acceptance_create(request, town_year: TownYear):
    """Enter one; what the service refuses stands next to its field, and what was typed stays."""
    if plan_of(town_year) is None or not acceptable_divisions(request.user, town_year):
        raise Http404
    form = AcceptanceForm(request.POST, town_year=town_year, user=request.user)
    if not form.is_valid():
        return _page(request, town_year, form, status=400)
    try:
        done = accept(town_year, _wish(form.cleaned_data), by=request.user)
    except Refused as refusal:
        _explain(form, refusal)
        return _page(request, town_year, form, status=400)
    return _saved(request, town_year, done, "验收已登记。", "这条验收已经登记过，没有重复写入。")


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def acceptance_reverse(request, town_year: TownYear, pk):
    """Take an entry back, whole or in part, by a negative row that names it."""
    step = _entries(request.user, town_year).filter(pk=pk).first()
    if step is None or not request.user.can("accept", step.work.division, step.work.kind_id):
        raise Http404
    left = left_of(step)
    first = {"accepted_mu": plain(left), "accepted_on": town_year.today(), "key": new_key()}
    labels = Labels(town_year.town)
    form = ReversalForm(request.POST if request.method == "POST" else None, initial=first, labels=labels)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            done = reverse(
                step, by=request.user, reason=values["reason"], on=values["accepted_on"], area=values["accepted_mu"],
                key=values["key"],
            )  # fmt: skip
        except Refused as refusal:
            _explain(form, refusal)
        else:
            return _saved(request, town_year, done, "已冲销。", "这次冲销已经登记过，没有重复写入。")
    page = {"town_year": town_year, "step": step, "left": left, "form": form}
    return render(request, "acceptances/reverse.html", page, status=400 if form.errors else 200)


@town_page
@require_safe
@never_cache
def acceptance_figure(request, town_year: TownYear, pk):
    """The fragment after an entry: how far the recompute is, then the new counted figure.

    Once the recompute is over the queue and the bar's moment come with it, so that the page tells one story.
    """
    step = _entries(request.user, town_year).filter(pk=pk).first()
    if step is None:
        raise Http404
    page = _outcome(request, town_year, step)
    if page["job"] and page["job"].is_over:
        labels, ladders = Labels(town_year.town), Ladders(town_year.town)
        page |= {"also": True, "queue": _queue(request.user, town_year, labels, ladders)}
    return render(request, "acceptances/_figure.html", page)


def _saved(request, town_year, done, said: str, again: str):
    messages.success(request, said if done.job else again)
    shown = {"saved": str(done.step.pk)} | ({"job": str(done.job.pk)} if done.job else {})
    return redirect(f"{address('acceptance_list', kwargs=where(town_year))}?{urlencode(shown)}")


def _wish(values: dict) -> Wish:
    return Wish(
        division=values["place"],
        kind=values["kind_row"],
        level=values["level"],
        area=values["accepted_mu"],
        on=values["accepted_on"],
        verdict=values["verdict"],
        reason=values["reason"],
        parcel=values["parcel"],
        tranche=values.get("tranche", ""),
        declared=values["declared_mu"],
        key=values["key"],
    )


def _explain(form, refusal: Refused) -> None:
    """The service's sentence next to the field it is about."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)


def _new_form(request, town_year: TownYear) -> AcceptanceForm:
    asked = {name[4:]: value for name, value in request.GET.items() if name.startswith("for_")}
    first = {"accepted_on": town_year.today(), "key": new_key(), **asked}
    form = AcceptanceForm(initial=first, town_year=town_year, user=request.user)
    form.initial.setdefault("level", form.counted_level(form.initial.get("kind")))
    return form


def _page(request, town_year: TownYear, form: AcceptanceForm, status: int = 200):
    labels = form.labels
    chosen = {name: request.GET.get(name, "") for name in FILTERS}
    entries = Paginator(_filtered(request, town_year, chosen), PAGE).get_page(request.GET.get("page"))
    _mark(entries.object_list, request.user, labels)
    queue = _queue(request.user, town_year, form.labels, form.ladders, form.formers)
    page = {
        "town_year": town_year,
        "form": form if form.divisions else None,
        "queue": queue,
        "entries": entries,
        "chosen": chosen,
        "choices": _choices(form),
        "export": export_query(town_year, chosen),
        **_after(request, town_year),
    }
    return render(request, "acceptances/list.html", page, status=status)


def _entries(user, town_year: TownYear):
    """The entries in scope, each with ``taken``: what was taken back of it, as a negative area or null."""
    taken = Step.objects.filter(reverses=OuterRef("pk")).order_by().values("reverses")
    taken = taken.values(area=Sum("area_mu", output_field=QuantityField()))
    rows = Step.objects.visible_to(user).acceptances().filter(town=town_year.town, work__year=town_year.year)
    rows = rows.annotate(taken=Subquery(taken))
    return rows.select_related("work__division", "work__kind", "work__parcel", "rung", "by").order_by("-on", "-pk")


def _filtered(request, town_year: TownYear, chosen: dict):
    rows = _entries(request.user, town_year)
    if chosen["division"]:
        inside = division_in(request.user, town_year, chosen["division"])
        rows = rows.filter(work__division__path__startswith=inside.path)
    names = {"kind": "work__kind", "level": "rung__level", "verdict": "verdict"}
    return rows.filter(**{field: chosen[name] for name, field in names.items() if chosen[name]})


def _mark(entries: list[Step], user, labels: Labels) -> None:
    """What a row shows beyond its fields: the level's name, what is left, whether this user may take it back."""
    for one in entries:
        one.level_name = labels.of("level", one.rung.level)
        one.left = left_of(one)
        may = user.can("accept", one.work.division, one.work.kind_id)
        one.is_reversible = may and one.verdict in ("passed", "partial") and one.left > 0


def left_of(entry: Step) -> Decimal:
    """What has not been taken back yet."""
    return entry.area_mu + (entry.taken or Decimal(0))


def _queue(
    user, town_year: TownYear, labels: Labels, ladders: Ladders, found: list[Former] | None = None
) -> list[dict]:
    """``found``: what villages that ended have reported, where the form has asked already."""
    rows = (
        Progress.objects.visible_to(user)
        .filter(town=town_year.town, year=town_year.year, division__isnull=False)
        .select_related("target__kind", "division")
        .order_by("target__order", "division__path")
    )
    there = Work.objects.filter(town=town_year.town, year=town_year.year, parcel__isnull=False, exit="")
    pairs = there.order_by().values_list("division", "division__merged_into", "kind").distinct()
    on_parcels = {(place, kind) for *places, kind in pairs for place in places}
    if found is None:
        found = formers(town_year, divisions_inside(user, town_year, ended=True))
    today = town_year.today()
    return [
        {
            "row": one,
            "place": name_of(one.division, today),
            "on_parcels": (one.division.pk, one.target.kind_id) in on_parcels,
            "levels": [(labels.of("level", level), area, counted) for level, area, counted in one.levels],
            "may": user.can("accept", one.division, one.target.kind_id),
            "form": urlencode(_prefilled(one)),
        }
        for one in apart(waiting(rows, ladders), found, ladders)
    ]


def _prefilled(one: Waiting) -> dict[str, str]:
    """What the form says when it is opened from a line of the queue: all that waits, at the level that counts.

    Only where no parcel stands behind it: the area of parcels is accepted on them, else it would wait on, and count
    once more each time.
    """
    return {
        "for_kind": one.target.kind_id, "for_division": one.division.code, "for_level": one.target.level,
        "for_declared_mu": plain(one.area), "for_accepted_mu": plain(one.area),
    }  # fmt: skip


def _choices(form: AcceptanceForm) -> dict:
    """What the entries can be filtered by: what can be entered; looking which of it occurs would read every entry."""
    return {
        "division": [(one.code, one.name) for one in form.inside],
        "kind": form.fields["kind"].choices,
        "level": form.fields["level"].choices,
        "verdict": [*VERDICTS, ("revoked", "冲销")],
    }


def _after(request, town_year: TownYear) -> dict:
    """What the page shows after an entry: nothing unless the address names one in scope."""
    if not request.GET.get("saved"):
        return {"saved": None}
    try:
        step = _entries(request.user, town_year).filter(pk=request.GET["saved"]).first()
    except ValidationError:
        step = None
    return _outcome(request, town_year, step) if step else {"saved": None}


def _outcome(request, town_year: TownYear, step: Step) -> dict:
    try:
        job = Job.objects.visible_to(request.user).filter(pk=request.GET.get("job") or None).first()
    except ValidationError:
        job = None
    kind = step.work.kind_id
    rows = Progress.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year, kind=kind)
    rows = rows.filter(tranche="").select_related("target__kind", "division")
    figures = [one for one in rows if one.division_id in (None, step.work.division_id)]
    return {"town_year": town_year, "saved": step, "job": job, "figures": figures}
