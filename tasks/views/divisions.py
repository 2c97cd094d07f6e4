"""行政区划, below 系统: the villages of a town, their names, and what went into what."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from farmland.lib.refused import Refused
from farmland.places.models import Division, Term
from tasks.divisions import merge, rename
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.acceptance_form import DayField
from tasks.views.common import where
from tasks.views.issue_detail import STATUSES

NEW = ""


class RenameForm(forms.Form):
    """更名."""

    name = forms.CharField(label="新名称", max_length=60, error_messages={"required": "请写新名称。"})
    reason = forms.CharField(label="依据", max_length=300, error_messages={"required": "请写更名的依据。"})


class MergeForm(forms.Form):
    """撤并: which divisions, into which one or a new one."""

    divisions = forms.MultipleChoiceField(
        label="撤并的单位", widget=forms.CheckboxSelectMultiple, error_messages={"required": "请选要撤并的单位。"}
    )
    into = forms.ChoiceField(label="并入", required=False)
    name = forms.CharField(label="合并后的名称", max_length=60, required=False, help_text="并入“新的单位”时填。")
    on = DayField(label="撤并日期")
    reason = forms.CharField(label="依据", max_length=300, error_messages={"required": "请写撤并的依据。"})

    def __init__(self, *args, living: list[Division], **kwargs):
        super().__init__(*args, **kwargs)
        self.living = {one.code: one for one in living}
        names = [(one.code, one.name) for one in living]
        self.fields["divisions"].choices = names
        self.fields["into"].choices = [(NEW, "新的单位"), *names]

    def act(self, user) -> Division:
        values = self.cleaned_data
        olds = [self.living[code] for code in values["divisions"]]
        into = self.living.get(values["into"])
        return merge(olds, into=into, name=values["name"], on=values["on"], by=user, reason=values["reason"])


@town_page(whole=True)
@require_safe
def division_list(request, town_year: TownYear):
    return _page(request, town_year)


@town_page(whole=True)
@require_POST
def division_rename(request, town_year: TownYear, code: str):
    _allowed(request.user, town_year)
    one = next((row for row in _rows(request.user, town_year) if row.code == code), None)
    if one is None:
        raise Http404
    form, status = RenameForm(request.POST), 400
    if form.is_valid():
        try:
            rename(one, form.cleaned_data["name"], by=request.user, reason=form.cleaned_data["reason"])
        except Refused as refusal:
            status = _told(form, refusal)
            messages.error(request, refusal.message)  # the row may show no form any more
        else:
            messages.success(request, f"已更名为{form.cleaned_data['name']}，原名留作别名。")
            return redirect("division_list", **where(town_year))
    return _page(request, town_year, renaming=(code, form), status=status)


@town_page(whole=True)
@require_POST
def division_merge(request, town_year: TownYear):
    _allowed(request.user, town_year)
    form, status = MergeForm(request.POST, living=_living(_rows(request.user, town_year))), 400
    if form.is_valid():
        try:
            successor = form.act(request.user)
        except Refused as refusal:
            status = _told(form, refusal)
        else:
            messages.success(request, f"已并入{successor}，原单位的任务、图斑和记录都保留。")
            return redirect("division_list", **where(town_year))
    return _page(request, town_year, merging=form, status=status)


def _told(form: forms.Form, refusal: Refused) -> int:
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    return STATUSES.get(refusal.code, 400)


def _allowed(user, town_year: TownYear) -> None:
    if not user.can("plan", town_year.town):
        raise PermissionDenied


def _rows(user, town_year: TownYear) -> list[Division]:
    inside = Division.objects.visible_to(user).filter(path__startswith=town_year.town.path)
    return list(inside.exclude(pk=town_year.town_id).select_related("merged_into", "parent").order_by("path"))


def _living(rows: list[Division]) -> list[Division]:
    return [one for one in rows if one.valid_to is None]


def _page(request, town_year: TownYear, *, renaming=("", None), merging=None, status: int = 200):
    rows = _rows(request.user, town_year)
    words = dict(Term.objects.filter(dictionary="division_kind", town=None).values_list("code", "label"))
    code, form = renaming
    for one in rows:
        one.kind_name = words.get(one.kind, one.kind)
        one.form = form if one.code == code else RenameForm()
        one.depth = one.path.count("/") - town_year.town.path.count("/")
    page = {
        "town_year": town_year,
        "rows": rows,
        "living": len(_living(rows)),
        "may": request.user.can("plan", town_year.town),
        "form": merging or MergeForm(living=_living(rows), initial={"on": town_year.today()}),
    }
    return render(request, "tasks/division_list.html", page, status=status)
