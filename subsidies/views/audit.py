"""审计: every amount of the year with its way to rule, land, acceptance, evidence and hands; read only.

For those who read both the money and the log of the whole town. Checking the chain is the one thing to be started.
"""

from functools import wraps

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Subquery, Sum, UUIDField
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from farmland.lib.api.files import csv_response, tables_response
from farmland.lib.fields import MoneyField
from subsidies.models import Batch, BatchLine, Entitlement, Publicity
from subsidies.paying.overview import batch_numbers, rounds_of
from subsidies.proof import audit_trail, auditing
from subsidies.views.batch_page import batch_of, dressed
from subsidies.views.common import money_of_town, tabs
from subsidies.views.entitlements import UUID_TEXT, choices, chosen_rows, what_for
from tasks.models import TownYear
from tasks.views.common import Labels

PAGE = 50
SHOWS = {"amounts": "金额", "batches": "批次", "adjustments": "调整", "refused": "未准的办理", "checks": "核对记录"}
FILTERS = ("division", "program", "round", "state")
REFUSED = "（未准）"
LATEST = 20


def for_auditors(view):
    """404 for a single village, as all money of the town; 403 for those who may not read the log."""

    @money_of_town
    @wraps(view)
    def page(request, town_year: TownYear, **kwargs):
        if not auditing.may(request.user, town_year.town):
            raise PermissionDenied
        return view(request, town_year, **kwargs)

    return page


@for_auditors
@require_safe
def audit_money(request, town_year: TownYear):
    """``?show=`` one of SHOWS; ``?batch=&round=&program=&division=&state=`` choose among the amounts."""
    show = request.GET.get("show", "")
    show = show if show in SHOWS else "amounts"
    checks = list(_events(request, town_year).filter(action=auditing.CHECKED).order_by("-at")[:LATEST])
    running = Job.objects.visible_to(request.user).filter(town=town_year.town, kind=auditing.KIND)
    context = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "show": show,
        "shows": list(SHOWS.items()),
        "checks": checks,
        "last": checks[0] if checks else None,
        "job": running.exclude(state__in=[Job.State.DONE, Job.State.FAILED]).order_by("created_at").first(),
        **PARTS[show](request, town_year),
    }
    return render(request, "subsidies/audit_money.html", context)


def amounts(request, town_year: TownYear) -> dict:
    """The amounts with their sum; those of a batch as it is now, also when it is voided."""
    chosen = {name: request.GET.get(name, "").replace("\0", "").strip() for name in (*FILTERS, "batch")}
    rounds = list(rounds_of(town_year))
    places = list(request.user.divisions_for("read_money").filter(town=town_year.town).order_by("path"))
    rows = chosen_rows(request.user, rounds, places, chosen)
    if chosen["batch"]:
        known = UUID_TEXT.fullmatch(chosen["batch"])
        held = BatchLine.objects.visible_to(request.user).filter(batch=chosen["batch"]) if known else ()
        rows = rows.filter(pk__in=held.values("entitlement")) if known else rows.none()
    sums = rows.aggregate(amount=Sum("amount", output_field=MoneyField()), count=Count("pk"))
    shown = rows.select_related(
        "division", "round", "rate_version__rate", "work__parcel", "work__kind", "work__division"
    )
    shown = shown.defer("explanation", "rate_version__rule").order_by(
        "division__path", "round__year", "rate_version__rate__order", "pk"
    )
    held = BatchLine.objects.visible_to(request.user).filter(entitlement=OuterRef("pk"), is_live=True)
    shown = shown.annotate(
        batch_id=Subquery(held.values("batch")[:1], output_field=UUIDField()),
        number=Subquery(held.values("batch__number")[:1]),
    )
    page = _page(request, shown, sums["count"])
    numbers = _batches(request, town_year).values_list("pk", "number")
    return {
        "page": page,
        "items": [(one, what_for(one)) for one in page.object_list],
        "sums": sums,
        "chosen": chosen,
        "choices": choices(rounds, places) | {"batch": [(str(pk), number) for pk, number in numbers]},
    }


def batches(request, town_year: TownYear) -> dict:
    """Each with its hands and its notice, and its trail as files."""
    notice = Publicity.objects.filter(batch=OuterRef("pk")).exclude(state="void").order_by("-number")
    hands = ("prepared_by", "reviewed_by", "approved_by", "paid_by", "reconciled_by")
    rows = (
        _batches(request, town_year)
        .select_related("program", "round", *hands)
        .annotate(starts_on=Subquery(notice.values("starts_on")[:1]), ends_on=Subquery(notice.values("ends_on")[:1]))
    )
    page = _page(request, rows.order_by("-number"))
    for one in page.object_list:
        dressed(one)
    return {"page": page}


def adjustments(request, town_year: TownYear) -> dict:
    rows = Entitlement.objects.visible_to(request.user).filter(
        adjusts__isnull=False, round__in=rounds_of(town_year).order_by().values("pk")
    )
    rows = rows.select_related("division", "round", "rate_version__rate", "created_by", "adjusts")
    rows = rows.defer("explanation", "rate_version__rule", "adjusts__explanation").order_by("-created_at", "-pk")
    page = _page(request, rows)
    lines = batch_numbers(request.user, page.object_list)
    return {"page": page, "items": [(one, lines.get(one.pk)) for one in page.object_list]}


def refused(request, town_year: TownYear) -> dict:
    """What was tried and not done, of all years: the log knows no year."""
    rows = _events(request, town_year).filter(action__endswith=REFUSED).order_by("-at", "-number")
    page = _page(request, rows)
    for one in page.object_list:
        one.tried = one.action.removesuffix(REFUSED)
    return {"page": page}


PARTS = {
    "amounts": amounts, "batches": batches, "adjustments": adjustments, "refused": refused,
    "checks": lambda request, town_year: {},
}  # fmt: skip


@for_auditors
@require_POST
def audit_money_check(request, town_year: TownYear):
    """Check the chain and the money; the job's page leads back here."""
    return redirect("job_detail", auditing.request(town_year, by=request.user).pk)


@for_auditors
@never_cache
@require_safe
def audit_money_trail(request, town_year: TownYear, pk, *, suffix: str):
    """Every line of a batch with all it rests on; in the workbook also what the log tells of it."""
    batch = batch_of(request, town_year, pk)
    title = f"{batch.town}{batch.year}年批次{batch.number}审计线索"
    rows = audit_trail.lines(batch, Labels(town_year.town))
    if suffix == "csv":
        return csv_response(title, audit_trail.LINES, rows)
    events = audit_trail.events(batch, request.user)
    return tables_response(title, {"明细": (audit_trail.LINES, rows), "经过": (audit_trail.EVENTS, events)})


def _batches(request, town_year: TownYear):
    return Batch.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)


def _events(request, town_year: TownYear):
    return Event.objects.visible_to(request.user).filter(town=town_year.town).select_related("user")


def _page(request, rows, count: int | None = None):
    paginator = Paginator(rows, PAGE)
    if count is not None:
        paginator.count = count  # it would ask again
    return paginator.get_page(request.GET.get("page"))


AUDIT = "<slug:town>/<int:year>/subsidies/audit/"
urls = [
    path(AUDIT, audit_money, name="audit_money"),
    path(f"{AUDIT}check/", audit_money_check, name="audit_money_check"),
    path(f"{AUDIT}<uuid:pk>.csv", audit_money_trail, {"suffix": "csv"}, name="audit_money_csv"),
    path(f"{AUDIT}<uuid:pk>.xlsx", audit_money_trail, {"suffix": "xlsx"}, name="audit_money_xlsx"),
]
