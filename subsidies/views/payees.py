"""收款账户: the list with four figures each, entering, confirming by another, the whole account to who asks."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.lib.refused import Refused
from farmland.places.models import Division
from subsidies.models import BatchLine, Payee
from subsidies.paying import payees
from subsidies.views.batch_acts import STATUSES
from subsidies.views.common import money_page, tabs
from tasks.models import TownYear
from tasks.views.common import Labels, where

PAGE = 100
LOOKS = {"pending": "queued", "active": "met", "retired": "revoked", "refused": "returned"}


class PayeeForm(forms.Form):
    """One account as typed; never shown again whole."""

    division = forms.ModelChoiceField(
        Division.objects.none(), label="村", empty_label="请选择", error_messages={"required": "请选择村。"}
    )
    kind = forms.ChoiceField(label="收款人类型")
    name = forms.CharField(label="户名", max_length=120, help_text="与银行户名完全一致")
    bank = forms.CharField(label="开户行", max_length=120, required=False)
    account = forms.CharField(
        label="账号", max_length=60, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    )
    again = forms.CharField(
        label="再输一次账号",
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    reason = forms.CharField(label="变更原因", max_length=300, required=False, help_text="已有使用中的账户时须写")

    def __init__(self, *args, divisions, kinds, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["division"].queryset = divisions
        self.fields["kind"].choices = kinds

    def clean(self):
        found = super().clean()
        if found.get("account") and found.get("again") and found["account"].strip() != found["again"].strip():
            self.add_error("again", "两次输入的账号不同，请核对。")
        return found

    def wanted(self) -> payees.Wanted:
        return payees.Wanted(
            **{name: self.cleaned_data[name] for name in ("kind", "name", "account", "bank", "reason")}
        )


class ConfirmForm(forms.Form):
    shared = forms.CharField(label="同一账号的原因", max_length=300, required=False)


class ReasonForm(forms.Form):
    reason = forms.CharField(label="原因", max_length=300, error_messages={"required": "请写明原因。"})


def payee_of(request, town_year: TownYear, pk) -> Payee:
    rows = Payee.objects.visible_to(request.user).filter(town=town_year.town, pk=pk)
    found = rows.select_related("town", "division", "entered_by", "confirmed_by").first()
    if found is None:
        raise Http404
    return found


def may_edit(user, town_year: TownYear) -> bool:
    return user.can("edit_payee", town_year.town)


@money_page
@require_safe
def payee_list(request, town_year: TownYear):
    """``?state=`` filters; those that wait for a second person come first."""
    state = request.GET.get("state", "")
    rows = Payee.objects.visible_to(request.user).filter(town=town_year.town)
    rows = rows.filter(state=state) if state in dict(Payee.STATES) else rows.exclude(state="refused")
    rows = rows.select_related("division", "entered_by").order_by("division__order", "division", "kind", "entered_at")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "page": page,
        "state": state,
        "states": Payee.STATES,
        "may": may_edit(request.user, town_year),
    }
    _dress(page.object_list, Labels(town_year.town))
    return render(request, "subsidies/payee_list.html", context)


def _dress(rows, labels: Labels) -> None:
    rows = list(rows)
    shared = payees.shared_accounts(rows)
    for one in rows:
        one.kind_name, one.look = labels.of("payee_kind", one.kind), LOOKS[one.state]
        one.shared = shared.get(one.pk, [])


@money_page
@sensitive_post_parameters("account", "again")
@require_http_methods(["GET", "POST"])
def payee_create(request, town_year: TownYear):
    """``?division=<code>&kind=`` fill in the first fields."""
    if not may_edit(request.user, town_year):
        raise PermissionDenied
    divisions = request.user.divisions_for("edit_payee").filter(town=town_year.town)
    kinds = list(Labels(town_year.town).all("payee_kind").items())
    first = {
        "division": divisions.filter(code=request.GET.get("division", "")).first(),
        "kind": request.GET.get("kind", "village"),
    }
    form = PayeeForm(
        request.POST if request.method == "POST" else None, initial=first, divisions=divisions, kinds=kinds
    )
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                payees.enter(form.cleaned_data["division"], form.wanted(), by=request.user)
            except Refused as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            else:
                messages.success(request, "账户已登记，由另一人复核后使用。")
                return redirect("payee_list", **where(town_year))
    context = {"town_year": town_year, "tabs": tabs(request, town_year), "form": form}
    return render(request, "subsidies/payee_create.html", context, status=status)


@money_page
@require_safe
def payee_detail(request, town_year: TownYear, pk):
    return _page(request, town_year, payee_of(request, town_year, pk))


@money_page
@require_POST
def payee_confirm(request, town_year: TownYear, pk):
    form = ConfirmForm(request.POST)
    return _done(request, town_year, pk, form, payees.confirm, "账户已复核，开始使用。")


@money_page
@require_POST
def payee_refuse(request, town_year: TownYear, pk):
    return _done(request, town_year, pk, ReasonForm(request.POST), payees.refuse, "账户已退回。")


@money_page
@require_POST
def payee_retire(request, town_year: TownYear, pk):
    return _done(request, town_year, pk, ReasonForm(request.POST), payees.retire, "账户已停用。")


@money_page
@never_cache
@require_POST
def payee_reveal(request, town_year: TownYear, pk):
    """The whole account, on this answer only; the look is on record."""
    payee = payee_of(request, town_year, pk)
    try:
        account = payees.reveal(payee, by=request.user)
    except Refused as refusal:
        if refusal.code == "permission_denied":
            raise PermissionDenied from refusal
        return _page(request, town_year, payee, 409, refusal.message)
    return _page(request, town_year, payee, account=account)


def _done(request, town_year: TownYear, pk, form, service, told: str):
    payee = payee_of(request, town_year, pk)
    if not request.user.can("edit_payee", payee.division):
        raise PermissionDenied
    if not form.is_valid():
        return _page(request, town_year, payee, 400, next(iter(form.errors.values()))[0])
    try:
        service(payee, by=request.user, **form.cleaned_data)
    except Refused as refusal:
        return _page(
            request, town_year, payee_of(request, town_year, pk), STATUSES.get(refusal.code, 400), refusal.message
        )
    messages.success(request, told)
    return redirect("payee_detail", **where(town_year), pk=payee.pk)


def _page(request, town_year: TownYear, payee: Payee, status: int = 200, message: str = "", account: str = ""):
    if message:
        messages.error(request, message)
    _dress([payee], Labels(town_year.town))
    can = request.user.can
    editor = can("edit_payee", payee.division)
    others = Payee.objects.filter(town=payee.town_id, division=payee.division_id, kind=payee.kind, name=payee.name)
    context = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "payee": payee,
        "account": " ".join(account[at : at + 4] for at in range(0, len(account), 4)),
        "may_reveal": editor or can("pay", payee.division),
        "may_confirm": editor and payee.state == "pending" and payee.entered_by_id != request.user.pk,
        "waits_for_another": editor and payee.state == "pending" and payee.entered_by_id == request.user.pk,
        "may_retire": editor and payee.state == "active",
        "history": others.exclude(pk=payee.pk).select_related("entered_by", "confirmed_by"),
        "lines": BatchLine.objects.visible_to(request.user).filter(payee=payee).select_related("batch")[:20],
    }
    return render(request, "subsidies/payee_detail.html", context, status=status)


PAYEES = "<slug:town>/<int:year>/subsidies/payees/"
urls = [
    path(PAYEES, payee_list, name="payee_list"),
    path(f"{PAYEES}new/", payee_create, name="payee_create"),
    path(f"{PAYEES}<uuid:pk>/", payee_detail, name="payee_detail"),
    path(f"{PAYEES}<uuid:pk>/confirm/", payee_confirm, name="payee_confirm"),
    path(f"{PAYEES}<uuid:pk>/refuse/", payee_refuse, name="payee_refuse"),
    path(f"{PAYEES}<uuid:pk>/retire/", payee_retire, name="payee_retire"),
    path(f"{PAYEES}<uuid:pk>/reveal/", payee_reveal, name="payee_reveal"),
]
