"""What is done with a batch on its page. One table: address, right, form, service; the services decide and log."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST

from farmland.jobs.storage import TooLarge
from farmland.lib.refused import Refused
from subsidies.attempts import refuse
from subsidies.models import Batch, Entitlement
from subsidies.paying import adjustments, batches, papers, payments, publicity
from subsidies.views import batch_forms as forms
from subsidies.views.batch_page import BatchPage, batch_of
from subsidies.views.batches import BATCHES
from subsidies.views.common import money_of_town, tabs, uuids
from tasks.models import TownYear
from tasks.views.common import Labels, where

MOST = 500  # ids that one form names
STATUSES = {"conflict": 409, "permission_denied": 403}


@dataclass(frozen=True)
class Act:
    """``call(batch, values, by)``; ``rights``: any of them."""

    rights: tuple[str, ...]
    form: type[django_forms.Form]
    done: str
    call: Callable


def moved(service: Callable) -> Callable:
    return lambda batch, values, by: service(batch, by=by, **values)


ACTS = {
    "review": Act(("review_payment",), forms.VersionForm, "已审核，可以公示。", moved(batches.review)),
    "send_back": Act(("review_payment",), forms.ReasonForm, "已退回修改。", moved(batches.send_back)),
    "publish": Act(("prepare_payment",), forms.PublishForm, "公示已登记。", moved(publicity.publish)),
    "approve": Act(("approve_payment",), forms.VersionForm, "已批准，明细不能再改。", moved(payments.approve)),
    "pay": Act(("pay",), forms.PayForm, "支付已发出，请按银行回单登记结果。", moved(payments.pay)),
    "reconcile": Act(("pay",), forms.ReconcileForm, "已对账。", moved(payments.reconcile)),
    "void": Act(("prepare_payment", "approve_payment"), forms.ReasonForm, "已作废。", moved(batches.void)),
    "photo": Act(("prepare_payment",), forms.PhotoForm, "照片已上传。", moved(publicity.keep_photo)),
    "paper": Act(("prepare_payment",), forms.PaperForm, "材料已上传。", moved(papers.keep)),
    "object": Act(
        ("prepare_payment", "review_payment"), forms.ObjectionForm, "异议已登记。", moved(publicity.object_to)
    ),
    "answer": Act(("review_payment",), forms.AnswerForm, "已答复。", moved(publicity.answer)),
    "fail": Act(("pay",), forms.FailForm, "退回已登记，可以重新支付。", moved(payments.fail)),
    "reissue": Act(("pay",), forms.LineForm, "已重新发出。", moved(payments.reissue)),
}  # fmt: skip


def view_of(name: str) -> Callable:
    act = ACTS[name]

    @money_of_town
    @require_POST
    def view(request, town_year: TownYear, pk):
        batch = allowed(request, town_year, pk, act.rights, name)
        more = {"sources": Labels(town_year.town).all("fund_source").items()} if act.form is forms.PayForm else {}
        form = act.form(request.POST, request.FILES, auto_id=f"{name}_%s", **more)
        if not form.is_valid():
            return BatchPage(request, town_year, batch, {name: form}).answer(400, _first(form))
        return carried_out(
            request, town_year, batch, name, form, lambda: act.call(batch, form.cleaned_data, request.user)
        )  # fmt: skip

    return view


def carried_out(request, town_year: TownYear, batch: Batch, name: str, form, call: Callable, done: str = ""):
    """Back to the batch, or its page with what was typed and why it was refused."""
    try:
        call()
    except (Refused, TooLarge) as refusal:
        message, code = getattr(refusal, "message", str(refusal)), getattr(refusal, "code", "invalid")
        field = getattr(refusal, "field", "")
        if form is not None and field in form.fields:
            form.add_error(field, message)
        bound = {name: form} if form is not None else {}
        fresh = batch_of(request, town_year, batch.pk)
        return BatchPage(request, town_year, fresh, bound if code != "conflict" else {}).answer(
            STATUSES.get(code, 400), message
        )
    messages.success(request, done or ACTS[name].done)
    return redirect("batch_detail", **where(town_year), pk=batch.pk)


def allowed(request, town_year: TownYear, pk, rights: tuple[str, ...], name: str = "") -> Batch:
    """The batch, for one who has any of the rights; else 403, and the attempt is logged."""
    batch = batch_of(request, town_year, pk)
    if not any(request.user.can(one, town_year.town) for one in rights):
        action = f"{batches.MOVES[name].label}批次" if name in batches.MOVES else "办理批次"
        refuse(action, str(batch), "没有这一步的权限。", by=request.user, town=batch.town, about=batch.pk)
        raise PermissionDenied
    return batch


def _first(form) -> str:
    return next(iter(next(iter(form.errors.values()))))


@money_of_town
@require_POST
def batch_rows(request, town_year: TownYear, pk):
    """``entitlement=…`` taken out of a draft, or with ``add`` everything due in its round put in."""
    batch = allowed(request, town_year, pk, ("prepare_payment",))
    form = forms.VersionForm(request.POST)
    if not form.is_valid():
        return BatchPage(request, town_year, batch).answer(400, "请刷新后再办。")
    if request.POST.get("add"):
        due = batches.due_in(batch.round, batch.is_demo)
        service, chosen, done = batches.add, list(due.values_list("pk", flat=True)), "已列入"
    else:
        service, chosen, done = batches.remove, uuids(request.POST.getlist("entitlement")[:MOST]), "已移出"
    return carried_out(
        request, town_year, batch, "rows", None,
        lambda: service(batch, chosen, version=form.cleaned_data["version"], by=request.user),
        done=f"{done} {len(chosen)} 条应补，批次合计已重算。",
    )  # fmt: skip


@money_of_town
@require_POST
def batch_assign(request, town_year: TownYear, pk):
    """``p-<line>=<payee>`` for rows whose payee has several accounts."""
    batch = allowed(request, town_year, pk, ("prepare_payment",))
    form = forms.VersionForm(request.POST)
    typed = {name[2:]: text for name, text in request.POST.items() if name.startswith("p-") and text}
    keys = {str(one) for one in uuids([*typed, *typed.values()][:MOST])}
    chosen = {line: payee for line, payee in typed.items() if line in keys and payee in keys}
    if not form.is_valid() or not chosen:
        return BatchPage(request, town_year, batch).answer(400, "请先为行选好账户。")
    return carried_out(
        request, town_year, batch, "assign", None,
        lambda: batches.assign(batch, chosen, version=form.cleaned_data["version"], by=request.user),
        done=f"已为 {len(chosen)} 行指定账户。",
    )  # fmt: skip


@money_of_town
@require_POST
def batch_settle(request, town_year: TownYear, pk):
    """``v-<payment>=voucher``, and ``all`` for those of the page left empty."""
    batch = allowed(request, town_year, pk, ("pay",))
    every = request.POST.get("all", "").strip()
    typed = {name[2:]: text.strip() or every for name, text in request.POST.items() if name.startswith("v-")}
    keys = {str(key) for key in uuids(list(typed)[:MOST])}
    references = {key: text for key, text in typed.items() if key in keys and text}
    return carried_out(
        request, town_year, batch, "settle", None,
        lambda: payments.settle(batch, references, by=request.user), done=f"已登记 {len(references)} 笔到账。",
    )  # fmt: skip


@money_of_town
@require_http_methods(["GET", "POST"])
def batch_adjust(request, town_year: TownYear, pk):
    """A signed row of its own for an amount that was paid; ``pk`` is the entitlement's."""
    rows = Entitlement.objects.visible_to(request.user).filter(
        town=town_year.town, program__year=town_year.year, pk=pk
    )
    owed = rows.select_related("town", "division", "program", "rate_version__rate", "work__parcel").first()
    if owed is None:
        raise Http404
    if not request.user.can("prepare_payment", town_year.town):
        raise PermissionDenied
    form, status = forms.AdjustForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                adjustments.adjust(owed, by=request.user, **form.cleaned_data)
            except Refused as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
                status = STATUSES.get(refusal.code, 400)
            else:
                messages.success(request, "调整已登记，列入下一批次后由另一人批准。")
                return redirect("entitlement_detail", **where(town_year), pk=owed.pk)
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "owed": owed,
        "paid": adjustments.paid_of(owed),
        "adjusted": list(owed.adjustments.select_related("created_by")),
        "form": form,
    }
    return render(request, "subsidies/batch_adjust.html", page, status=status)


urls = [
    path(f"{BATCHES}<uuid:pk>/rows/", batch_rows, name="batch_rows"),
    path(f"{BATCHES}<uuid:pk>/assign/", batch_assign, name="batch_assign"),
    path(f"{BATCHES}<uuid:pk>/settle/", batch_settle, name="batch_settle"),
    *(path(f"{BATCHES}<uuid:pk>/{name.replace('_', '-')}/", view_of(name), name=f"batch_{name}") for name in ACTS),
    path("<slug:town>/<int:year>/subsidies/entitlements/<uuid:pk>/adjust/", batch_adjust, name="batch_adjust"),
]
