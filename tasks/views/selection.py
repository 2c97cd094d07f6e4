"""选定图斑: selected against wanted per village, and the candidates to pick from."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from farmland.lib.refused import Refused
from parcels.moves import ZERO
from parcels.progress import Ladders
from tasks import selection
from tasks.models import Target, TownYear
from tasks.pages import town_page
from tasks.views.acceptance_form import DayField, divisions_inside
from tasks.views.common import where

PAGE = 100


class SelectionForm(forms.Form):
    """选定或取消选定."""

    act = forms.ChoiceField(choices=[("take", "选定"), ("leave", "取消选定")])
    on = DayField(label="日期")
    reason = forms.CharField(label="原因", required=False, max_length=300, help_text="取消选定须写。")


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def parcel_selection(request, town_year: TownYear):
    """``?target=&division=&show=``: the lines of a target, its candidates below; POST signs the ticked ones."""
    ladders = Ladders(town_year.town)
    targets = selection.targets_of(town_year, ladders)
    target = next(
        (one for one in targets if str(one.pk) == request.GET.get("target")), targets[0] if targets else None
    )
    inside = divisions_inside(request.user, town_year)
    mine = [one for one in inside if request.user.can("decide", one)]
    form = SelectionForm(request.POST or None, initial={"on": town_year.today()})
    status = 200
    if request.method == "POST":
        if not mine:
            raise PermissionDenied
        status = 400
        if target and form.is_valid():
            try:
                return _sign(request, town_year, target, form.cleaned_data)
            except Refused as refusal:
                status = 409 if refusal.code in ("conflict", "closed") else 400
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    page = {"town_year": town_year, "form": form, "targets": targets, "target": target, "may": bool(mine)}
    page |= _lines(request, town_year, target, ladders, inside) if target else {}
    return render(request, "parcels/selection.html", page, status=status)


def _sign(request, town_year: TownYear, target: Target, values: dict):
    works = selection.works_of(town_year, target, request.user)
    try:
        works = list(works.filter(pk__in=request.POST.getlist("works")[: selection.LIMIT + 1]))
    except ValidationError:
        works = []
    for work in works:
        if not request.user.can("decide", work.division, work.kind_id):
            raise Refused(f"您没有在{work.division}选定图斑的权限。")
    take = values["act"] == "take"
    keys = [work.pk for work in works]
    count = selection.choose(town_year, keys, values["on"], by=request.user, take=take, reason=values["reason"])
    messages.success(request, f"{'选定' if take else '取消选定'} {count} 个图斑。" if count else "没有变化。")
    return redirect(f"{reverse('parcel_selection', kwargs=where(town_year))}?{request.GET.urlencode()}")


def _lines(request, town_year: TownYear, target: Target, ladders: Ladders, inside) -> dict:
    lines = selection.lines_of(town_year, target, ladders, inside)
    selected, offered = (sum((getattr(one, name) for one in lines), ZERO) for name in ("selected", "offered"))
    works = selection.works_of(town_year, target, request.user)
    chosen = {name: request.GET.get(name, "") for name in ("division", "show")}
    if chosen["division"]:
        works = works.filter(division__code=chosen["division"])
    if chosen["show"] == "open":
        works = works.filter(chosen=0, further=0)
    elif chosen["show"] == "taken":
        works = works.filter(chosen__gt=0)
    return {
        "lines": lines,
        "selected": selected,
        "offered": offered,
        "wanted": target.amount,
        "reserve": selected / target.amount if target.amount else None,
        "works": Paginator(works, PAGE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "villages": [(one.division.code, one.division.name) for one in lines],
    }
