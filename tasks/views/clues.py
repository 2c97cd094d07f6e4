"""巡查: the phone page on which a clue is reported, and the office's list of what came in."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.lib.photos import MAX_BYTES
from farmland.places.models import Division
from parcels.evidence_store import EvidenceRefused
from tasks.acceptance import Refused
from tasks.clues import (
    MAX_PHOTOS,
    NEAR_DAYS,
    NEAR_METRES,
    Report,
    dismiss,
    keep_photo,
    mark_duplicate,
    metres_between,
    report,
    similar,
)
from tasks.former import at_or_before
from tasks.models import Clue, TownYear
from tasks.pages import patrol_page, town_page
from tasks.views.acceptance_form import AreaField, new_key
from tasks.views.common import Labels, where
from tasks.views.issue_detail import STATUSES

OWN = 20  # of one's own reports, shown below the form
PER_PAGE = 50
TONES = {"new": "pending", "issue": "open", "dismissed": "none", "duplicate": "duplicate"}


class PatrolForm(forms.Form):
    """上报线索, in under a minute: where, what, perhaps a photo."""

    division = forms.ChoiceField(label="村")
    category = forms.ChoiceField(label="看到什么", error_messages={"required": "请选择看到什么。"})
    place = forms.CharField(
        label="在哪里", max_length=120, error_messages={"required": "请写地点，如“九组，水库边”。"}
    )
    note = forms.CharField(label="说明", required=False, max_length=300)
    longitude = forms.FloatField(widget=forms.HiddenInput, required=False)
    latitude = forms.FloatField(widget=forms.HiddenInput, required=False)
    accuracy_m = AreaField(required=False)
    key = forms.CharField(widget=forms.HiddenInput, max_length=90)

    def __init__(self, *args, divisions: list[Division], kinds: dict[str, str], **kwargs):
        super().__init__(*args, **kwargs)
        self.divisions = {one.code: one for one in divisions}
        self.fields["division"].choices = [(code, one.name) for code, one in self.divisions.items()]
        if len(self.divisions) == 1:  # nothing to choose: the page shows no field
            (self.fields["division"].initial,) = self.divisions
        self.fields["category"].choices = [("", "请选择"), *kinds.items()]
        self.fields["accuracy_m"].widget = forms.HiddenInput()

    def report(self) -> Report:
        values = self.cleaned_data
        return Report(**{**values, "division": self.divisions[values["division"]]})


@patrol_page
@require_http_methods(["GET", "HEAD", "POST"])
def patrol(request, town_year: TownYear):
    """Report a clue; below it one's own reports and what became of them."""
    labels, divisions = Labels(town_year.town), patrolled(request.user, town_year)
    given = {"divisions": divisions, "kinds": labels.all("clue_kind")}
    if request.method != "POST":
        return _phone(request, town_year, PatrolForm(initial={"key": new_key()}, **given), labels)
    form = PatrolForm(request.POST, **given)
    files = request.FILES.getlist("photo")
    if len(files) > MAX_PHOTOS:
        form.add_error(None, f"一次最多 {MAX_PHOTOS} 张照片，现有 {len(files)} 张。")
    if form.is_valid():
        try:
            clue, is_new = report(town_year, form.report(), by=request.user)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            kept, refused = keep_photos(clue, files, request.user)
            _tell(request, clue, is_new, kept, refused)
            return redirect("patrol", **where(town_year))
    return _phone(request, town_year, form, labels, 400)


def keep_photos(clue: Clue, files: list, by) -> tuple[int, list[str]]:
    """Photos of a clue as evidence without a parcel: how many were kept, and why the others were not."""
    kept, refused = 0, []
    for number, file in enumerate(files, start=1):
        try:
            keep_photo(clue, file, by=by, key=f"{clue.key}:{number}")
            kept += 1
        except EvidenceRefused as refusal:
            refused.append(f"第 {number} 张照片没有收：{refusal.message}")
    return kept, refused


def _tell(request, clue: Clue, is_new: bool, kept: int, refused: list[str]) -> None:
    photos = f"，照片 {kept} 张" if kept else ""
    messages.success(request, f"已收到：{clue.place}{photos}。" if is_new else "这条线索已经收到过，没有重复登记。")
    for line in refused:
        messages.warning(request, line)


def patrolled(user, town_year: TownYear) -> list[Division]:
    """Where a clue may be about: the villages the user patrols in this town; the town itself has none of its own."""
    rows = list(user.divisions_for("patrol").filter(town=town_year.town).alive(town_year.today()).order_by("path"))
    return [one for one in rows if one.pk != town_year.town_id] or rows


def _phone(request, town_year: TownYear, form: PatrolForm, labels: Labels, status: int = 200):
    own = Clue.objects.filter(by=request.user, town=town_year.town, year=town_year.year)
    own = own.select_related("division").annotate(photo_count=Count("photos")).order_by("-reported_at", "-pk")
    own = [_dress(one, labels) for one in own[:OWN]]
    page = {
        "town_year": town_year,
        "form": form,
        "own": own,
        "max_photos": MAX_PHOTOS,
        "max_bytes": MAX_BYTES,
        "sees_phone": request.user.can("report"),
    }
    return render(request, "tasks/patrol.html", page, status=status)


@town_page
@require_safe
def clue_list(request, town_year: TownYear):
    """``?state=&division=`` filter; what waits comes first."""
    labels = Labels(town_year.town)
    every = Clue.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    counts = dict(every.order_by().values_list("state").annotate(Count("pk")))
    chosen = {name: request.GET.get(name, "").replace("\0", "")[:40] for name in ("state", "division")}
    rows = every.filter(**{"state": chosen["state"]} if chosen["state"] else {})
    rows = rows.filter(at_or_before(chosen["division"])) if chosen["division"] else rows
    rows = rows.select_related("division", "issue", "by", "handled_by").annotate(photo_count=Count("photos"))
    page = Paginator(rows.order_by("-reported_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "town_year": town_year,
        "page": page,
        "rows": [_dress(one, labels) for one in page.object_list],
        "chosen": chosen,
        "states": [(code, word, counts.get(code, 0)) for code, word in Clue.STATES],
        "divisions": list(every.order_by("division__path").values_list("division__code", "division__name").distinct()),
        "may_report": request.user.can("patrol"),
    }
    return render(request, "tasks/clue_list.html", context)


@town_page
@require_safe
def clue_detail(request, town_year: TownYear, pk):
    return _show(request, town_year, _clue(request.user, town_year, pk))


@town_page
@require_POST
def clue_dismiss(request, town_year: TownYear, pk):
    """Set a clue aside, with the reason."""
    clue = _clue(request.user, town_year, pk, "decide")
    return _handle(
        request, town_year, clue, lambda: dismiss(clue, request.POST.get("reason", "")[:300], by=request.user)
    )


@town_page
@require_POST
def clue_duplicate(request, town_year: TownYear, pk):
    """Tie a clue to the earlier one it repeats."""
    clue = _clue(request.user, town_year, pk, "decide")
    of = next((one for one in similar(clue) if str(one.pk) == request.POST.get("of")), None)
    if of is None:
        return _show(request, town_year, clue, "请选择与之重复的线索。")
    return _handle(request, town_year, clue, lambda: mark_duplicate(clue, of, by=request.user))


def _handle(request, town_year: TownYear, clue: Clue, act):
    try:
        done = act()
    except Refused as refusal:
        return _show(request, town_year, clue, refusal.message, STATUSES.get(refusal.code, 400))
    messages.success(request, f"已处理：{done.get_state_display()}。")
    return redirect("clue_list", **where(town_year))


def _clue(user, town_year: TownYear, pk, right: str = "") -> Clue:
    rows = Clue.objects.visible_to(user).filter(town=town_year.town, year=town_year.year, pk=pk)
    one = rows.select_related("town", "division", "issue", "by", "handled_by", "duplicate_of").first()
    if one is None:
        raise Http404
    if right and not user.can(right, one.division):
        raise PermissionDenied
    return one


def _show(request, town_year: TownYear, clue: Clue, said: str = "", status: int = 400):
    labels, user = Labels(town_year.town), request.user
    near = similar(clue) if clue.state == "new" else []
    for one in near:
        apart = metres_between(clue, one)
        one.apart = None if apart is None else round(apart)
        _dress(one, labels)
    page = {
        "town_year": town_year,
        "one": _dress(clue, labels),
        "near": near,
        "days": NEAR_DAYS,
        "metres": NEAR_METRES,
        "photos": list(clue.photos.filter(withdrawn_at=None)),
        "may": clue.state == "new" and not town_year.closed_on and user.can("decide", clue.division),
        "sees_position": clue.by_id == user.pk or user.can("coordinates", clue.division),
        "said": said,
    }
    return render(request, "tasks/clue_detail.html", page, status=status if said else 200)


def _dress(one: Clue, labels: Labels) -> Clue:
    one.category_name = labels.of("clue_kind", one.category)
    one.tone = TONES[one.state]
    return one
