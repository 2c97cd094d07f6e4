"""问题移交, below 整改: what was handed on to discipline or other bureaus, and what came back."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from tasks.acceptance import Refused
from tasks.models import Referral, TownYear
from tasks.pages import town_page
from tasks.referrals import Case, answer, refer
from tasks.views.acceptance_form import DayField
from tasks.views.common import Labels, where
from tasks.views.issue_detail import STATUSES

MOST = 200


class ReferralForm(forms.Form):
    """移交一件问题."""

    subject = forms.CharField(label="问题", max_length=300, error_messages={"required": "请写明问题。"})
    source = forms.ChoiceField(label="来源", required=False)
    found_on = DayField(label="发现日期")
    referred_to = forms.CharField(label="移交单位", max_length=60, error_messages={"required": "请写移交单位。"})
    referred_on = DayField(label="移交日期")
    number = forms.CharField(label="文号", required=False, max_length=60)

    def __init__(self, *args, labels: Labels, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [("", "没有写"), *labels.all("source").items()]


class AnswerForm(forms.Form):
    """What came back."""

    answer = forms.CharField(label="反馈", max_length=300, error_messages={"required": "请写反馈内容。"})
    answered_on = DayField(label="反馈日期")
    closed = forms.BooleanField(label="已办结", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)


@town_page(whole=True)
@require_safe
def referral_list(request, town_year: TownYear):
    return _page(request, town_year)


@town_page(whole=True)
@require_POST
def referral_create(request, town_year: TownYear):
    """Hand a problem on; never a parcel."""
    _allowed(request.user, town_year)
    form = ReferralForm(request.POST, labels=Labels(town_year.town))
    if form.is_valid():
        try:
            refer(town_year, Case(**form.cleaned_data), by=request.user)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, "移交已登记。")
            return redirect("referral_list", **where(town_year))
    return _page(request, town_year, form=form, status=400)


@town_page(whole=True)
@require_POST
def referral_answer(request, town_year: TownYear, pk):
    """Enter what came back."""
    rows = Referral.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year, pk=pk)
    one = rows.select_related("town").first()
    if one is None:
        raise Http404
    _allowed(request.user, town_year)
    form, status = AnswerForm(request.POST), 400
    if form.is_valid():
        values = form.cleaned_data
        try:
            answer(
                one, values["answer"], on=values["answered_on"], closed=values["closed"], by=request.user,
                version=values["version"],
            )  # fmt: skip
        except Refused as refusal:
            status = STATUSES.get(refusal.code, 400)
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, "反馈已登记。")
            return redirect("referral_list", **where(town_year))
    return _page(request, town_year, answers={one.pk: form}, status=status)


def _allowed(user, town_year: TownYear) -> None:
    if not user.can("plan", town_year.town):
        raise PermissionDenied


def _page(request, town_year: TownYear, *, form=None, answers=None, status: int = 200):
    labels, today = Labels(town_year.town), town_year.today()
    rows = Referral.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    rows = list(rows.select_related("by")[:MOST])
    may = request.user.can("plan", town_year.town) and not town_year.closed_on
    for one in rows:
        one.source_name = labels.of("source", one.source)
        first = {"answer": one.answer, "answered_on": one.answered_on or today, "version": one.version}
        one.form = (answers or {}).get(one.pk) or AnswerForm(initial=first, auto_id=f"a{one.pk.hex[:8]}_%s")
    first = {"found_on": today, "referred_on": today, "referred_to": "纪委"}
    page = {
        "town_year": town_year,
        "rows": rows,
        "may": may,
        "form": form or ReferralForm(initial=first, labels=labels),
    }
    return render(request, "tasks/referrals.html", page, status=status)
