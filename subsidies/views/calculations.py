"""核算: rounds and what was computed of them, the differences, applying or letting go, and what waits for a ruling."""

import uuid
from collections import Counter
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from farmland.lib.numbers import fixed
from farmland.lib.refused import Refused
from farmland.places.models import Division
from parcels.models import Work
from subsidies.entitlements import calculations
from subsidies.models import Calculation, Entitlement, Round, Ruling
from subsidies.views.common import money_of_town, tabs, uuids
from tasks.models import TownYear
from tasks.views.common import where

PER_PAGE = 50
MOST_TOLD = 500  # rows looked at for the words of a ruling
CHANGES = {"new": "新增", "changed": "有变化", "gone": "不再有", "adjust": "须作调整", "same": "不变"}
STATES = dict(Entitlement.STATES)


class RulingForm(forms.Form):
    """认定一个条件."""

    entitlement = forms.UUIDField(label="对象")
    test = forms.CharField(max_length=200)
    holds = forms.ChoiceField(label="认定", choices=[("no", "不成立"), ("yes", "成立")])
    scope = forms.ChoiceField(choices=[("one", "只这一笔"), ("all", "本轮全部")], required=False)
    reason = forms.CharField(label="依据", max_length=300, error_messages={"required": "请写明认定的依据。"})


def rounds_of(town_year: TownYear):
    rows = Round.objects.filter(Q(program__year=town_year.year) | Q(year=town_year.year), town=town_year.town)
    return rows.select_related("program__plan", "town").order_by("program__order", "year", "label", "version")


def round_in(town_year: TownYear, pk) -> Round:
    found = rounds_of(town_year).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def calculation_in(user, town_year: TownYear, pk) -> Calculation:
    rows = Calculation.objects.visible_to(user).filter(round__in=rounds_of(town_year).values("pk"), pk=pk)
    found = rows.select_related("round__program", "town", "made_by", "applied_by").first()
    if found is None:
        raise Http404
    return found


@money_of_town
@require_safe
def calculation_list(request, town_year: TownYear):
    rounds = list(rounds_of(town_year))
    made = Calculation.objects.filter(round__in=rounds).defer("awards", "differences").select_related("made_by")
    newest: dict = {}
    for one in made.order_by("-made_at"):
        newest.setdefault(one.round_id, one)
    held = Counter(
        Entitlement.objects.filter(round__in=rounds, state=Entitlement.HELD).values_list("round", flat=True)
    )  # fmt: skip
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "rows": [(one, newest.get(one.pk), held[one.pk]) for one in rounds],
        "may": request.user.can("prepare_payment", town_year.town),
    }
    return render(request, "subsidies/calculation_list.html", page)


@money_of_town
@require_POST
def calculation_create(request, town_year: TownYear):
    """Queue the computing of ``round``; the job's page leads to what came of it."""
    if not request.user.can("prepare_payment", town_year.town):
        raise PermissionDenied
    round_ = round_in(town_year, _uuid(request.POST.get("round", "")))
    try:
        job = calculations.request(round_, by=request.user)
    except Refused as refusal:
        messages.error(request, refusal.message)
        return redirect("calculation_list", **where(town_year))
    return redirect("job_detail", job.pk)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None


@money_of_town
@require_safe
def calculation_detail(request, town_year: TownYear, pk):
    """``?change=new`` shows one kind of difference."""
    one = calculation_in(request.user, town_year, pk)
    return show(request, town_year, one)


def show(request, town_year: TownYear, one: Calculation, refused: str = "", status: int = 200):
    counts = Counter(_change(line) for line in one.differences)
    asked = request.GET.get("change", "")
    lines = [line for line in one.differences if _change(line) == asked] if asked in CHANGES else [
        line for line in one.differences if _change(line) != "same"
    ]  # fmt: skip
    page_of = Paginator(lines, PER_PAGE).get_page(request.GET.get("page"))
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "one": one,
        "page": page_of,
        "lines": named(page_of.object_list, town_year),
        "tally": [(CHANGES[name], counts[name], "笔") for name in CHANGES if counts[name]],
        "changes": [(name, CHANGES[name], counts[name]) for name in CHANGES if counts[name]],
        "asked": asked,
        "notes": [award["note"] for award in one.awards if "note" in award],
        "held": sum(award.get("state") == "held" for award in one.awards),
        "may": one.state == "ready" and request.user.can("prepare_payment", town_year.town),
        "refused": refused,
    }
    return render(request, "subsidies/calculation_detail.html", page, status=status)


def _change(line: dict) -> str:
    return "adjust" if line["adjust"] else line["change"]


def named(lines, town_year: TownYear) -> list[dict]:
    """Lines with the words of their subjects: a parcel's codes, a village's name; two queries."""
    places = dict(Division.objects.filter(pk__in={one["division"] for one in lines}).values_list("pk", "name"))
    keys = {one["subject"].partition(":")[2].partition("/")[0] for one in lines if one["subject"].startswith("work:")}
    works = Work.objects.filter(pk__in=keys).select_related("parcel")
    parcels = {str(one.pk): one.parcel for one in works}
    found = []
    for one in lines:
        kind, _, rest = one["subject"].partition(":")
        rest = rest if kind in ("work", "division") else f"/{one['subject']}"
        parcel = parcels.get(rest.partition("/")[0]) if kind == "work" else None
        found.append(one | {
            "place": places.get(one["division"], str(town_year.town)), "parcel": parcel, "kind": kind,
            "tail": rest.partition("/")[2], "word": CHANGES[_change(one)], "state_word": STATES.get(one["state"], ""),
            "state_before_word": STATES.get(one["state_before"], ""), "before": _yuan(one["before"]),
            "after": _yuan(one["after"]),
        })  # fmt: skip
    return found


def _yuan(text: str | None) -> str | None:
    return None if text is None else fixed(Decimal(text))


def act(request, town_year: TownYear, pk, do, done: str):
    one = calculation_in(request.user, town_year, pk)
    if not request.user.can("prepare_payment", town_year.town):
        raise PermissionDenied
    try:
        do(one)
    except Refused as refusal:
        one.refresh_from_db()
        return show(request, town_year, one, refusal.message, 409)
    messages.success(request, done)
    return redirect("calculation_detail", **where(town_year), pk=one.pk)


@money_of_town
@require_POST
def calculation_apply(request, town_year: TownYear, pk):
    return act(
        request, town_year, pk, lambda one: calculations.apply(one, by=request.user), "已采用，应补已更新。"
    )  # fmt: skip


@money_of_town
@require_POST
def calculation_discard(request, town_year: TownYear, pk):
    return act(
        request, town_year, pk, lambda one: calculations.discard(one, by=request.user), "已放弃，应补没有改变。"
    )  # fmt: skip


# what waits for a named person


@money_of_town
@require_safe
def calculation_rulings(request, town_year: TownYear, pk):
    """What waits; ``?row=`` shows one entitlement alone, with what was ruled of it already, to rule it anew."""
    return show_rulings(request, town_year, round_in(town_year, pk))


def show_rulings(request, town_year: TownYear, round_: Round, refused: str = "", status: int = 200):
    """What holds money in a round, one entry a condition, with the rows that wait for it."""
    rows = Entitlement.objects.visible_to(request.user).filter(round=round_)
    anew = uuids([request.GET.get("row", "")])
    rows = rows.filter(pk__in=anew, state__in=calculations.OPEN) if anew else rows.filter(state=Entitlement.HELD)
    groups: dict[tuple, dict] = {}
    for row in rows.select_related("division", "work__parcel", "rate_version__rate").order_by("division__path", "pk"):
        for test in row.explanation.get("tests", []):
            if test.get("asks") and (anew or test["ruled"] is None):
                head = {"rate": row.rate_version.rate.name, "test": test, "rows": []}
                group = groups.setdefault((row.rate_key, test["key"]), head)
                if row not in group["rows"]:
                    group["rows"].append(row)
    past = ruled_in_words(round_)
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "round": round_,
        "groups": list(groups.values()),
        "past": past,
        "may": request.user.can("review_payment", town_year.town),
        "refused": refused,
        "most": PER_PAGE,
    }
    return render(request, "subsidies/calculation_rulings.html", page, status=status)


def ruled_in_words(round_: Round) -> list[Ruling]:
    """The newest rulings, each with its condition in the words the rows of its rate told it with."""
    past = list(round_.rulings.select_related("by", "division").order_by("-at")[:PER_PAGE])
    told = {}
    asked = Entitlement.objects.filter(round=round_, rate_key__in={one.rate_key for one in past}).order_by(
        "-created_at"
    )
    for key, explanation in asked.values_list("rate_key", "explanation")[:MOST_TOLD]:
        told |= {(key, test["key"]): test["text"] for test in explanation.get("tests", [])}
    for one in past:
        one.words = told.get((one.rate_key, one.test), one.test)
    return past


@money_of_town
@require_POST
def calculation_rule(request, town_year: TownYear, pk):
    """Answer one condition of one entitlement of the round, or of every row of its rate."""
    round_ = round_in(town_year, pk)
    if not request.user.can("review_payment", town_year.town):
        raise PermissionDenied
    form = RulingForm(request.POST)
    if not form.is_valid():
        first = next(iter(form.errors.values()))[0]
        return show_rulings(request, town_year, round_, first, 400)
    asked = form.cleaned_data
    rows = Entitlement.objects.visible_to(request.user).filter(round=round_, pk=asked["entitlement"])
    row = rows.select_related("town", "division", "round", "rate_version__rate").first()
    if row is None:
        raise Http404
    words = {"holds": asked["holds"] == "yes", "reason": asked["reason"], "everywhere": asked["scope"] == "all"}
    try:
        calculations.rule(row, asked["test"], by=request.user, **words)
    except Refused as refusal:
        return show_rulings(request, town_year, round_, refusal.message, 409 if refusal.code == "conflict" else 400)
    messages.success(request, "认定已登记，重新核算后生效。")
    return redirect("calculation_rulings", **where(town_year), pk=round_.pk)


BASE = "<slug:town>/<int:year>/subsidies/calculations/"
urls = [
    path(BASE, calculation_list, name="calculation_list"),
    path(f"{BASE}new/", calculation_create, name="calculation_create"),
    path(f"{BASE}<uuid:pk>/", calculation_detail, name="calculation_detail"),
    path(f"{BASE}<uuid:pk>/apply/", calculation_apply, name="calculation_apply"),
    path(f"{BASE}<uuid:pk>/discard/", calculation_discard, name="calculation_discard"),
    path(f"{BASE}rounds/<uuid:pk>/", calculation_rulings, name="calculation_rulings"),
    path(f"{BASE}rounds/<uuid:pk>/rule/", calculation_rule, name="calculation_rule"),
]
