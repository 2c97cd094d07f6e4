"""补助标准: every rate in words, its versions side by side, drafts, publishing, readings."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.lib.refused import Refused
from subsidies.models import Program, Rate, RateVersion
from subsidies.rates import rate_words, versions
from subsidies.views.common import money_page, sees_all_money, tabs
from tasks.models import TownYear
from tasks.views.acceptance_form import DayField
from tasks.views.common import where

REASON = {"label": "理由", "max_length": 300, "error_messages": {"required": "请写明理由。"}}


class PublishForm(forms.Form):
    """发布一版草稿."""

    valid_from = DayField(
        label="生效日", required=False,
        help_text="验收日在这一天及以后的按这一版。前一版没有止日的，自动止于前一天。",
    )  # fmt: skip
    valid_to = DayField(label="止日", required=False)
    reason = forms.CharField(**REASON)


class ReasonForm(forms.Form):
    reason = forms.CharField(**REASON)


class ReadingForm(forms.Form):
    """选定一种读法."""

    reading = forms.ChoiceField(label="读法")
    reason = forms.CharField(**REASON)

    def __init__(self, *args, version: RateVersion, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reading"].choices = rate_words.readings_of(version)


class DraftForm(forms.Form):
    """另写一版."""

    text = forms.CharField(
        label="规则", max_length=20_000, widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false"}),
        help_text="写法与方案文件的 rates 相同，数字都加引号。", error_messages={"required": "请写规则。"},
    )  # fmt: skip
    reason = forms.CharField(**REASON)


def programs_of(town_year: TownYear) -> list[Program]:
    rows = Program.objects.filter(town=town_year.town, year=town_year.year).select_related("plan", "town")
    return list(rows.order_by("order").prefetch_related("rates__kinds", "rates__versions"))


def rate_in(user, town_year: TownYear, pk) -> Rate:
    rows = Rate.objects.visible_to(user)
    found = (
        rows.filter(town=town_year.town, year=town_year.year, pk=pk).select_related("program__plan", "town").first()
    )
    if found is None:
        raise Http404
    return found


def version_in(user, town_year: TownYear, pk) -> RateVersion:
    rows = RateVersion.objects.visible_to(user).filter(town=town_year.town, rate__year=town_year.year, pk=pk)
    found = rows.select_related("rate__program__plan", "rate__town", "town").first()
    if found is None:
        raise Http404
    return found


@money_page
@require_safe
def rate_list(request, town_year: TownYear):
    programs = programs_of(town_year)
    words = rate_words.words_of(programs[0]) if programs else None
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "programs": [{"row": one, "rates": [_line(rate, words) for rate in one.rates.all()]} for one in programs],
        "sees_all": sees_all_money(request.user, town_year),
    }
    return render(request, "subsidies/rate_list.html", page)


def _line(rate: Rate, words) -> dict:
    rows = sorted(rate.versions.all(), key=lambda one: one.number)
    published = [one for one in rows if one.state == versions.PUBLISHED]
    shown = published[-1] if published else next((one for one in reversed(rows) if one.state == versions.DRAFT), None)
    return {
        "row": rate,
        "version": shown,
        "span": rate_words.span(shown) if shown else "",
        "told": rate_words.told(shown, words) if shown else {},
        "count": len(published),
        "drafts": sum(one.state == versions.DRAFT for one in rows),
    }


@money_page
@require_safe
def rate_detail(request, town_year: TownYear, pk):
    """``?left=1&right=2`` compares two versions by their numbers; without them the newest two."""
    return show(request, town_year, rate_in(request.user, town_year, pk))


def show(request, town_year: TownYear, rate: Rate, bound: dict | None = None, status: int = 200):
    rows = list(rate.versions.select_related("published_by", "created_by").order_by("number"))
    left, right = _sides(rows, request.GET)
    words = rate_words.words_of(rate.program)
    may = rate_words.may_publish(request.user, rate.program)
    for one in rows:
        one.span = rate_words.span(one)
        if may:
            one.forms = _forms(one) | (bound or {}).get(str(one.pk), {})
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "rate": rate,
        "rows": rows,
        "left": left,
        "right": right,
        "lines": rate_words.compared(left, right, words) if right else [],
        "may": may,
        "sees_all": sees_all_money(request.user, town_year),
    }
    return render(request, "subsidies/rate_detail.html", page, status=status)


def _forms(version: RateVersion) -> dict:
    if version.state == versions.DRAFT:
        return {"publish": PublishForm(prefix=str(version.pk)), "withdraw": ReasonForm(prefix=f"w{version.pk}")}
    if version.state == versions.PUBLISHED and rate_words.readings_of(version):
        return {"choose": ReadingForm(prefix=str(version.pk), version=version)}
    return {}


def _sides(rows: list[RateVersion], asked) -> tuple[RateVersion | None, RateVersion | None]:
    by_number = {str(one.number): one for one in rows}
    right = by_number.get(asked.get("right", "")) or (rows[-1] if rows else None)
    left = by_number.get(asked.get("left", "")) or (rows[-2] if len(rows) > 1 else right)
    return left, right


def act(request, town_year: TownYear, version: RateVersion, name: str, form, do, done: str):
    """One step of a version: 403 without the right, the page again with what was refused, else back to the rate."""
    if not rate_words.may_publish(request.user, version.rate.program):
        raise PermissionDenied
    if form.is_valid():
        try:
            do(form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status = 409 if refusal.code == "conflict" else 400
            return show(request, town_year, version.rate, {str(version.pk): {name: form}}, status)
        messages.success(request, done)
        return redirect("rate_detail", **where(town_year), pk=version.rate_id)
    return show(request, town_year, version.rate, {str(version.pk): {name: form}}, 400)


@money_page
@require_POST
def rate_publish(request, town_year: TownYear, pk):
    version = version_in(request.user, town_year, pk)
    form = PublishForm(request.POST, prefix=str(version.pk))

    def do(values):
        versions.publish(version, by=request.user, **values)

    return act(request, town_year, version, "publish", form, do, "已发布。")


@money_page
@require_POST
def rate_withdraw(request, town_year: TownYear, pk):
    version = version_in(request.user, town_year, pk)
    form = ReasonForm(request.POST, prefix=f"w{version.pk}")

    def do(values):
        versions.withdraw(version, by=request.user, **values)

    return act(request, town_year, version, "withdraw", form, do, "已撤回。")


@money_page
@require_POST
def rate_choose(request, town_year: TownYear, pk):
    version = version_in(request.user, town_year, pk)
    form = ReadingForm(request.POST, prefix=str(version.pk), version=version)

    def do(values):
        versions.choose(version, values["reading"], by=request.user, reason=values["reason"])

    return act(request, town_year, version, "choose", form, do, "读法已选定，下次核算按它计算。")


@money_page
@require_http_methods(["GET", "HEAD", "POST"])
def rate_draft(request, town_year: TownYear, pk):
    """A new version as text, begun from the newest one."""
    rate = rate_in(request.user, town_year, pk)
    if not rate_words.may_publish(request.user, rate.program):
        raise PermissionDenied
    newest = rate.versions.order_by("-number").first()
    first = {"text": rate_words.text_of(newest) if newest else f"key: {rate.key}\nname: {rate.name}\n"}
    form = DraftForm(request.POST if request.method == "POST" else None, initial=first)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                rule, chosen = rate_words.read_text(form.cleaned_data["text"], rate)
                versions.draft(rate, rule, by=request.user, chosen=chosen, reason=form.cleaned_data["reason"])
            except Refused as refusal:
                field = "text" if refusal.field == "rule" else refusal.field
                form.add_error(field if field in form.fields else None, refusal.message)
                status = 409 if refusal.code == "conflict" else 400
            else:
                messages.success(request, "草稿已保存，发布以后才按它计算。")
                return redirect("rate_detail", **where(town_year), pk=rate.pk)
    page = {"town_year": town_year, "tabs": tabs(request, town_year), "rate": rate, "form": form}
    return render(request, "subsidies/rate_draft.html", page, status=status)


RATES = "<slug:town>/<int:year>/subsidies/rates/"
urls = [
    path(RATES, rate_list, name="rate_list"),
    path(f"{RATES}<uuid:pk>/", rate_detail, name="rate_detail"),
    path(f"{RATES}<uuid:pk>/draft/", rate_draft, name="rate_draft"),
    path(f"{RATES}versions/<uuid:pk>/publish/", rate_publish, name="rate_publish"),
    path(f"{RATES}versions/<uuid:pk>/withdraw/", rate_withdraw, name="rate_withdraw"),
    path(f"{RATES}versions/<uuid:pk>/choose/", rate_choose, name="rate_choose"),
]
