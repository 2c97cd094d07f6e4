"""A village's claims as a workbook: down, up, what it would change, written."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib.excel import FileRefused
from farmland.lib.refused import Refused
from farmland.places.models import Division
from subsidies.attempts import refuse
from subsidies.claiming import claim_form
from subsidies.claiming.claim_form import PURPOSE
from subsidies.claiming.claims import DECLARE
from subsidies.views.claims import SUBSIDIES, Window
from subsidies.views.common import money_page
from tasks.forms.api import xlsx_answer
from tasks.forms.views import sized
from tasks.models import TownYear
from tasks.views.common import where

SHOWN = 300


def division_asked(request, town_year: TownYear, code: str) -> Division:
    """A village of the town the user declares for; 403 where the user declares for none, else 404."""
    allowed = list(request.user.divisions_for("claim").filter(town=town_year.town).select_related("town"))
    if not allowed:
        raise PermissionDenied
    found = next((one for one in allowed if one.code == code), None)
    if found is None:
        raise Http404
    return found


@money_page
@require_safe
def claim_blank(request, town_year: TownYear):
    """``?division=CODE&for=2025``: the workbook to fill in."""
    division = division_asked(request, town_year, request.GET.get("division", ""))
    window = Window(town_year, request.GET.get("for", "").strip())
    try:
        data = claim_form.blank(division, window.year or town_year.year, request.user)
    except Refused as refusal:
        messages.info(request, refusal.message)
        return redirect("claim_list", **where(town_year))
    return xlsx_answer(data, f"{division}_{window.year}年_管护申报表.xlsx")


@sized
@money_page
@require_POST
def claim_upload(request, town_year: TownYear):
    """Keep the file and go to its preview."""
    code = request.POST.get("division", "")
    if not code and request.user.can("claim"):
        messages.error(request, "没有选择村，请从本村的申报页上传。")
        return redirect("claim_list", **where(town_year))
    division = division_asked(request, town_year, code)
    window = Window(town_year, request.POST.get("for", "").strip())
    file = request.FILES.get("file")
    back = redirect(f"{reverse('claim_list', kwargs=where(town_year))}?for={window.year or ''}")
    if file is None:
        messages.error(request, "没有选择文件，请先选择填好的申报表。")
        return back
    try:
        upload = Upload.objects.store(
            file, town=town_year.town, division=division, user=request.user, purpose=PURPOSE,
            limit=settings.FORM_MAX_BYTES,
        )  # fmt: skip
    except TooLarge as error:
        messages.error(request, str(error))
        return back
    _log_foreign(request, town_year, upload, window)
    return redirect(f"{reverse('claim_preview', kwargs=where(town_year) | {'pk': upload.pk})}?for={window.year or ''}")


def _log_foreign(request, town_year: TownYear, upload: Upload, window: Window) -> None:
    """Rows of another village in a file are an attempt, whatever the preview says of them."""
    try:
        found = claim_form.read(upload, upload.division, window.year or 0, request.user)
    except FileRefused:
        return
    if found.foreign:
        refuse(DECLARE, upload.name, "表里有别村的地块。", by=request.user, town=town_year.town)


def upload_asked(request, town_year: TownYear, pk) -> Upload:
    rows = Upload.objects.visible_to(request.user).filter(pk=pk, town=town_year.town, purpose=PURPOSE)
    found = rows.select_related("division__town").first()
    if found is None:
        raise Http404
    if not request.user.can("claim", found.division):
        raise PermissionDenied
    return found


@money_page
@require_safe
def claim_preview(request, town_year: TownYear, pk):
    """What the kept file would declare, read again each time."""
    upload = upload_asked(request, town_year, pk)
    return _show(request, town_year, upload, Window(town_year, request.GET.get("for", "").strip()))


@money_page
@require_POST
def claim_confirm(request, town_year: TownYear, pk):
    """Write what was seen; if it would now be something else, show it again."""
    upload = upload_asked(request, town_year, pk)
    window = Window(town_year, request.POST.get("for", "").strip())
    seen = request.POST.get("seen", "")
    try:
        done = claim_form.write(upload, upload.division, window.year or 0, by=request.user, seen=seen)
    except FileRefused:
        return _show(request, town_year, upload, window)
    except Refused as refusal:
        return _show(request, town_year, upload, window, said=refusal.message)
    messages.success(request, f"已申报 {len(done.wanted)} 项，等镇里核实。")
    return redirect(f"{reverse('claim_list', kwargs=where(town_year))}?for={window.year}")


def _show(request, town_year: TownYear, upload: Upload, window: Window, said: str = ""):
    page = {"town_year": town_year, "upload": upload, "window": window, "said": said}
    try:
        found = claim_form.read(upload, upload.division, window.year or 0, request.user)
    except FileRefused as refusal:
        return render(request, "subsidies/claim_preview.html", page | {"refusal": refusal}, status=400)
    page |= {
        "found": found,
        "errors": found.errors[:SHOWN],
        "wanted": found.wanted[:SHOWN],
        "shown": SHOWN,
        "seen": found.fingerprint(),
    }
    return render(request, "subsidies/claim_preview.html", page, status=400 if said or found.errors else 200)


urls = [
    path(f"{SUBSIDIES}claims/form.xlsx", claim_blank, name="claim_blank"),
    path(f"{SUBSIDIES}claims/upload/", claim_upload, name="claim_upload"),
    path(f"{SUBSIDIES}claims/upload/<uuid:pk>/", claim_preview, name="claim_preview"),
    path(f"{SUBSIDIES}claims/upload/<uuid:pk>/confirm/", claim_confirm, name="claim_confirm"),
]
