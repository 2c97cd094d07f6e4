"""Many parcels at once from the list: chosen by hand or all of a filter, shown row by row, then written."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from farmland.lib.refused import Refused
from parcels.models import Parcel
from parcels.progress import Ladders
from tasks import bulk
from tasks.bulk import Edits
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.acceptance_form import AreaField
from tasks.views.common import Labels, where
from tasks.views.parcel_forms import StageForm, choices
from tasks.views.parcels import FILTERS, filtered

SHOWN = 200
RIGHTS = {"stage": "report", "edit": "decide"}
TITLES = {"stage": "批量改环节", "edit": "批量修改"}


class BulkEditForm(forms.Form):
    """批量修改: what is left empty stays."""

    group = forms.CharField(label="组", required=False, max_length=40)
    ground_state = forms.ChoiceField(label="现状", required=False)
    land_class = forms.ChoiceField(label="地类", required=False)
    slope = AreaField(label="坡度（度）", required=False)
    in_redline = forms.ChoiceField(
        label="在生态红线内",
        required=False,
        choices=[("", "不改"), ("yes", "在"), ("no", "不在"), ("unknown", "不明")],
    )
    note = forms.CharField(label="备注", required=False, max_length=300)
    reason = forms.CharField(label="原因", required=False, max_length=300)

    def __init__(self, *args, labels: Labels, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["ground_state"].choices = choices(labels, "ground_state", empty="不改")
        land = [(code, f"{code} {label}") for code, label in labels.all("land_class").items()]
        self.fields["land_class"].choices = [("", "不改"), *land]

    def clean(self):
        values = super().clean()
        named = {name: value for name, value in values.items() if name != "reason" and value not in ("", None)}
        if not named and not self.errors:
            raise forms.ValidationError("没有要改的内容，请至少填一项。", code="empty")
        if "in_redline" in named:
            named["in_redline"] = {"yes": True, "no": False, "unknown": None}[named["in_redline"]]
        return {"values": named, "reason": values.get("reason", "")}

    def wish(self) -> Edits:
        return Edits(self.cleaned_data["values"], self.cleaned_data["reason"])


@town_page
@require_POST
def parcel_bulk(request, town_year: TownYear):
    """Ask what is to be done with the chosen parcels, and show what it would do. Nothing is written."""
    what = _what(request, town_year)
    is_asked = request.POST.get("preview") == "1"
    form = _form(request, town_year, what, is_asked)
    page = {"town_year": town_year, "form": form, "what": what, "title": TITLES[what], "carried": _carried(request)}
    try:
        chosen = _chosen(request, town_year)
        page["count"] = len(bulk.take(chosen))
        if not is_asked or not form.is_valid():
            return render(request, "parcels/bulk.html", page, status=400 if is_asked else 200)
        found = bulk.look(town_year, chosen, form.wish() if what == "edit" else form.move(), by=request.user)
    except Refused as refusal:
        return _refuse(request, page, form if is_asked else None, refusal)
    page |= {"found": found, "rows": found.rows[:SHOWN], "shown": SHOWN, "seen": found.fingerprint()}
    return render(request, "parcels/bulk.html", page)


@town_page
@require_POST
def parcel_bulk_confirm(request, town_year: TownYear):
    """Do what the preview showed, all of it or nothing."""
    what = _what(request, town_year)
    form = _form(request, town_year, what, True)
    page = {"town_year": town_year, "form": form, "what": what, "title": TITLES[what], "carried": _carried(request)}
    if not form.is_valid():
        return render(request, "parcels/bulk.html", page, status=400)
    wish = form.wish() if what == "edit" else form.move()
    try:
        count = bulk.confirm(
            town_year, _chosen(request, town_year), wish, seen=request.POST.get("seen", ""), by=request.user
        )
    except Refused as refusal:
        return _refuse(request, page, form, refusal)
    messages.success(request, f"{TITLES[what]}完成，共 {count} 个图斑，每个都有记录。")
    return redirect("parcel_list", **where(town_year))


def _what(request, town_year: TownYear) -> str:
    """The act that is asked for; 403 where the user may do it nowhere in the town."""
    what = request.POST.get("what", "")
    what = what if what in RIGHTS else "stage"
    inside = [one.division for one in request.user.current_grants]
    town = town_year.town
    reach = [one if town.contains(one) else town for one in inside if town.contains(one) or one.contains(town)]
    if not request.user.is_superuser and not any(request.user.can(RIGHTS[what], one) for one in reach):
        raise PermissionDenied
    return what


def _form(request, town_year: TownYear, what: str, is_asked: bool):
    labels, data = Labels(town_year.town), request.POST if is_asked else None
    if what == "edit":
        return BulkEditForm(data, labels=labels)
    return StageForm(data, labels=labels, ladders=Ladders(town_year.town), initial={"on": town_year.today()})


def _chosen(request, town_year: TownYear):
    """The parcels meant, in scope: those ticked, or all that the list's filters leave."""
    mine = Parcel.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    if request.POST.get("all") == "1":
        wanted = {
            name: request.POST.get(f"only_{name}", "").replace("\0", "").strip()[:80] for name in (*FILTERS, "q")
        }
        return filtered(mine, request.user, town_year, wanted)
    try:
        return mine.filter(pk__in=request.POST.getlist("chosen"))
    except ValidationError:
        return mine.none()


def _carried(request) -> list[tuple[str, str]]:
    """What names the chosen parcels, to be sent again with the next step."""
    names = ("chosen", "all", *(f"only_{name}" for name in (*FILTERS, "q")))
    return [(name, value) for name in names for value in request.POST.getlist(name) if value]


def _refuse(request, page: dict, form, refusal: Refused):
    if form is not None and form.is_bound:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    else:
        page["refusal"] = refusal.message
    return render(request, "parcels/bulk.html", page, status=409 if refusal.code in ("conflict", "closed") else 400)
