"""应补: the rows with their sum, and one row explained down to the parcels, acceptances, evidence and approvals."""

import re
from collections import defaultdict
from decimal import Decimal
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.http import Http404
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from farmland.accounts.models import Event
from farmland.lib.fields import MoneyField, QuantityField
from farmland.lib.numbers import fixed
from farmland.places.models import Division
from parcels.models import Step, Work
from subsidies.claiming.claims import name_of
from subsidies.entitlements import explaining
from subsidies.entitlements.calculations import OPEN
from subsidies.models import BatchLine, Entitlement, Payment, Publicity
from subsidies.paying.hands import HANDS
from subsidies.paying.overview import batch_numbers, rounds_of
from subsidies.views.common import money_page, page_address, sees_all_money, tabs, uuids
from tasks.models import TownYear
from tasks.views.common import Labels
from tasks.views.trail import line

PAGE = 50
FILTERS = ("division", "program", "round", "state")
STATES = [one for one in Entitlement.STATES if one[0] != Entitlement.REPLACED]
WORKS = 60  # shown of a row that sums many
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@money_page
@require_safe
def entitlement_list(request, town_year: TownYear):
    """``?division=&program=&round=&state=``: all in the address; the sum is of all rows that are left."""
    chosen = {name: request.GET.get(name, "").strip() for name in FILTERS}
    rounds = list(rounds_of(town_year))
    places = list(request.user.divisions_for("read_money").filter(town=town_year.town).order_by("path"))
    rows = chosen_rows(request.user, rounds, places, chosen)
    sums = rows.aggregate(
        amount=Sum("amount", output_field=MoneyField()), area=Sum("base_mu", output_field=QuantityField()),
        count=Count("pk"),
    )  # fmt: skip
    shown = rows.select_related("division", "program", "round", "rate_version__rate", "work__parcel", "work__kind",
                                "work__division")  # fmt: skip
    shown = shown.defer("explanation", "facts_digest", "rate_version__rule").order_by(
        "division__path", "program__order", "round__year", "rate_version__rate__order", "pk"
    )
    page = Paginator(shown, PAGE)
    page.count = sums["count"]  # Paginator would ask again
    found = page.get_page(request.GET.get("page"))
    lines = batch_numbers(request.user, found.object_list)
    return render(request, "subsidies/entitlement_list.html", {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "rows": found,
        "items": [(one, what_for(one), lines.get(one.pk)) for one in found],
        "sums": sums,
        "chosen": chosen,
        "choices": choices(rounds, places),
        "export": export_of(town_year, chosen),
    })  # fmt: skip


def export_of(town_year: TownYear, chosen: dict) -> str:
    """The same rows for REST: ``year`` is the one that is paid, ``about_year`` that of the plan or the payment."""
    return urlencode({"town": town_year.town.slug, "about_year": town_year.year} | {
        name: value for name, value in chosen.items() if value
    })  # fmt: skip


def chosen_rows(user, rounds: list, places: list[Division], chosen: dict):
    """The live rows the filters leave; a value nobody has leaves none, a division out of scope is 404."""
    rows = Entitlement.objects.visible_to(user).filter(round__in=[one.pk for one in rounds])
    if chosen["division"]:
        inside = next((one for one in places if one.code == chosen["division"]), None)
        if inside is None:
            raise Http404
        rows = rows.filter(division__path__startswith=inside.path)
    for name in ("program", "round"):
        if chosen[name]:
            known = UUID_TEXT.fullmatch(chosen[name])
            rows = rows.filter(**{name: chosen[name]}) if known else rows.none()
    return rows.filter(state=chosen["state"]) if chosen["state"] else rows.exclude(state=Entitlement.REPLACED)


def choices(rounds: list, places: list[Division]) -> dict:
    programs = {str(one.program_id): str(one.program) for one in rounds}
    return {
        "division": [(one.code, one.name) for one in places if not one.is_tenant],
        "program": list(programs.items()),
        "round": [(str(one.pk), f"{one.program} {one.label}") for one in rounds],
        "state": STATES,
    }


def what_for(one: Entitlement) -> str:
    """The parcel, the village where the row is of all its land, or what else its land is paid together by."""
    if one.adjusts_id:
        return "调整"
    if one.work_id:
        return name_of(one.work)
    kind, _, rest = one.subject.partition(":")
    return " ".join(["全村", *rest.split("/")[1:]]) if kind == "division" else one.subject


@money_page
@require_safe
def entitlement_detail(request, town_year: TownYear, pk):
    """The whole explanation, and from it to rule, parcels, acceptances, evidence, approvals."""
    rows = Entitlement.objects.visible_to(request.user).filter(town=town_year.town, pk=pk)
    names = ("division", "program", "round", "rate_version__rate", "calculation__made_by", "calculation__applied_by",
             "claim__submitted_by", "claim__verified_by", "created_by", "adjusts")  # fmt: skip
    one = rows.select_related(*names).first()
    if one is None or town_year.year not in (one.program.year, one.round.year):
        raise Http404
    ids = explaining.works_of(one)
    works = list(_with_photos(Work.objects.visible_to(request.user).filter(pk__in=uuids(ids))))
    steps = list(
        Step.objects.acceptances().filter(work__in=works).select_related("rung", "by", "work__parcel", "work__kind")
    )
    labels = Labels(town_year.town)
    history = _history(request.user, one)
    return render(request, "subsidies/entitlement_detail.html", {
        "town_year": town_year,
        "one": one,
        "told": one.explanation,
        "rule": one.rate_version.rule,
        "rate_url": _rate_address(town_year, one),
        "sentence": explaining.sentence(one),
        "base": explaining.base(one),
        "tests": explaining.gathered(explaining.tests(one), {f"work:{work.pk}": name_of(work) for work in works}),
        "missing": explaining.missing(one),
        "rounding": explaining.rounding(one),
        "parts": shares(one.parts, "payee_kind", "payee_kind", labels),
        "sources": shares(one.sources, "source", "fund_source", labels),
        "works": [_work(work, steps) for work in works[:WORKS]],
        "more_works": max(len(works) - WORKS, 0),
        "sees_all": sees_all_money(request.user, town_year),
        "may_rule": one.state in OPEN and request.user.can("review_payment", one.division),
        "steps": steps[:WORKS],
        **history,
    })  # fmt: skip


def shares(parts: list[dict], name: str, dictionary: str, labels: Labels) -> list[tuple[str, str]]:
    """(who or whose money, 1,170.00)."""
    return [(labels.of(dictionary, part[name]), fixed(Decimal(part["amount"]))) for part in parts]


def _rate_address(town_year: TownYear, one: Entitlement) -> str:
    """The page of the very version; else of the rate."""
    return page_address("rate_version", town_year, pk=one.rate_version_id) or page_address(
        "rate_detail", town_year, pk=one.rate_version.rate_id
    )


def _work(work: Work, steps: list[Step]) -> dict:
    levels: dict[str, Decimal] = defaultdict(Decimal)
    for step in sorted(steps, key=lambda one: one.rung.rank):
        if step.work_id == work.pk:
            levels[step.rung.name] += step.area_mu
    return {"work": work, "name": name_of(work), "levels": list(levels.items())}


def _with_photos(works):
    """Each with the number of photos of its parcel that stand."""
    standing = Q(parcel__evidence__withdrawn_at=None, parcel__evidence__category="photo")
    counted = works.annotate(photos=Count("parcel__evidence", filter=standing))
    return counted.select_related("parcel", "kind", "division").order_by("pk")


def _history(user, one: Entitlement) -> dict:
    """Batch with its hands, payments, adjustments, and all of it in order."""
    lines = BatchLine.objects.visible_to(user).filter(entitlement=one)
    notice = Publicity.objects.filter(batch=OuterRef("batch")).exclude(state="void").order_by("-number")
    lines = lines.annotate(
        starts_on=Subquery(notice.values("starts_on")[:1]), ends_on=Subquery(notice.values("ends_on")[:1])
    )
    lines = list(lines.select_related("batch", *(f"batch__{name}_by" for name, _ in HANDS)).order_by("pk"))
    payments = Payment.objects.visible_to(user).filter(line__in=lines).select_related("by").order_by("at")
    adjustments = Entitlement.objects.visible_to(user).filter(adjusts=one).order_by("created_at")
    about = Q(about=one.pk) | (Q(about=one.claim_id) if one.claim_id else Q())
    events = Event.objects.filter(about, town=one.town_id).select_related("user").order_by("-at")[:50]
    found = {"lines": lines, "payments": list(payments), "adjustments": list(adjustments)}
    return found | {"trail": trail(one, found, list(events))}


def trail(one: Entitlement, found: dict, events: list[Event]) -> list[dict]:
    """Every step from calculation to payment, the newest first."""
    words = [str(one.created_by or ""), f"核算 {one.calculation}" if one.calculation_id else ""]
    items = [line(one.created_at, "生成应补", words)]
    for its in found["lines"]:
        for name, word in HANDS:
            at, who = getattr(its.batch, f"{name}_at"), getattr(its.batch, f"{name}_by")
            if at:
                items.append(line(at, f"批次 {its.batch.number} {word}", [str(who or "")]))
        if its.batch.voided_at:
            items.append(
                line(its.batch.voided_at, f"批次 {its.batch.number} 作废", [its.batch.void_reason], back=True)
            )
    for its in found["payments"]:
        words = [f"{its.amount} 元", its.reference, its.reason]
        items.append(line(its.at, f"支付{its.get_result_display()}", words, on=its.on, back=its.result == "failed"))
    items += [line(its.created_at, f"调整 {its.amount} 元", [its.reason]) for its in found["adjustments"]]
    items += [line(its.at, its.action, [str(its.user or "系统"), its.reason]) for its in events]
    return sorted(items, key=lambda item: item["at"], reverse=True)


SUBSIDIES = "<slug:town>/<int:year>/subsidies/"
urls = [
    path(f"{SUBSIDIES}entitlements/", entitlement_list, name="entitlement_list"),
    path(f"{SUBSIDIES}entitlements/<uuid:pk>/", entitlement_detail, name="entitlement_detail"),
]
