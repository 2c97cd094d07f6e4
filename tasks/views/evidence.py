"""举证: the photos and papers of a parcel, adding and withdrawing them, what the official app answered."""

from datetime import date
from functools import partial
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from farmland.lib.photos import MAX_BYTES
from parcels.evidence_files import WITH_POSITION, file_answer, may_have
from parcels.evidence_store import EvidenceRefused, add
from parcels.gallery import Gallery, gallery_of
from parcels.models import Evidence, EvidenceOutcome, Parcel
from parcels.outcomes import Answer, record_outcome, withdraw
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.common import where

AT_ONCE = 20  # files in one go


def found_parcel(user, town_year: TownYear, pk) -> Parcel:
    rows = Parcel.objects.visible_to(user).of_year(town_year.town, town_year.year)
    parcel = rows.select_related("division__town", "kind", "town").filter(pk=pk).first()
    if parcel is None:
        raise Http404
    return parcel


def found_evidence(user, town_year: TownYear, pk) -> Evidence:
    """Material about a parcel of this year, or of no parcel, in the town and in scope."""
    rows = Evidence.objects.visible_to(user).filter(town=town_year.town)
    one = rows.select_related("parcel", "division", "original", "shown", "thumbnail").filter(pk=pk).first()
    if one is None or (one.parcel_id and one.parcel.year != town_year.year):
        raise Http404
    return one


def may_add(user, town_year: TownYear, parcel: Parcel) -> bool:
    return town_year.closed_on is None and user.can("report", parcel.division, parcel.kind_id)


@town_page
@require_safe
def parcel_evidence(request, town_year: TownYear, pk):
    """The gallery; for htmx the part that the parcel's page shows."""
    parcel = found_parcel(request.user, town_year, pk)
    gallery = gallery_of(parcel, request.user)
    page = {
        "town_year": town_year,
        "parcel": parcel,
        "gallery": gallery,
        "levels": gallery.choices("level"),
        "reasons": gallery.choices("reason"),
        "may_add": may_add(request.user, town_year, parcel),
        "may_answer": request.user.can("accept", parcel.division, parcel.kind_id),
        "verdicts": EvidenceOutcome.VERDICTS,
        **upload_choices(gallery),
    }
    return render(request, "evidence/_gallery.html" if request.htmx else "evidence/parcel.html", page)


def upload_choices(gallery: Gallery) -> dict:
    """What a form for photos and papers needs."""
    views = gallery.choices("photo_view")
    return {"key": uuid4().hex, "max_bytes": MAX_BYTES, "phases": Evidence.PHASES, "views": views}


@town_page
@require_POST
def parcel_evidence_add(request, town_year: TownYear, pk):
    """Several files of one phase and view; each is taken or refused by itself."""
    parcel = found_parcel(request.user, town_year, pk)
    if not request.user.can("report", parcel.division, parcel.kind_id):
        raise PermissionDenied
    receive(request, town_year, partial(add, division=parcel.division, parcel=parcel), f"图斑 {parcel}")
    return redirect(back_to(request, town_year, parcel))


def receive(request, town_year: TownYear, keep, whose: str) -> None:
    """Hand each file with what the form says of it to ``keep``, which may raise EvidenceRefused; tell how it went."""
    files, taken = request.FILES.getlist("file"), 0
    if problem := problem_of(town_year, files):
        messages.error(request, problem)
        return
    for number, file in enumerate(files):
        try:
            keep(file, **said_of(request, number))
            taken += 1
        except EvidenceRefused as refusal:
            messages.error(request, refusal.message)
    if taken:
        messages.success(request, f"已收到 {taken} 份，记在{whose}名下。")


def problem_of(town_year: TownYear, files: list) -> str:
    if town_year.closed_on:
        return f"{town_year.town} {town_year.year} 年已关账，不再收举证材料。"
    if not files:
        return "没有选文件，请先拍照或选择照片。"
    return f"一次最多 {AT_ONCE} 个文件，现有 {len(files)} 个，请分次上传。" if len(files) > AT_ONCE else ""


def said_of(request, number: int) -> dict:
    posted = request.POST
    key = f"{posted['key'][:90]}:{number}" if posted.get("key") else ""
    said = {name: posted.get(name, "") for name in ("category", "phase", "view")}
    return said | {"note": posted.get("note", "").strip(), "by": request.user, "key": key}


def back_to(request, town_year: TownYear, parcel: Parcel) -> str:
    name = "phone_parcel" if request.POST.get("back") == "phone" else "parcel_evidence"
    return reverse(name, kwargs=where(town_year) | {"pk": parcel.pk})


@town_page
@require_POST
def parcel_outcome(request, town_year: TownYear, pk):
    """What the official app answered at one level."""
    parcel = found_parcel(request.user, town_year, pk)
    if not request.user.can("accept", parcel.division, parcel.kind_id):
        raise PermissionDenied
    posted = request.POST
    try:
        answer = Answer(
            level=posted.get("level", ""),
            verdict=posted.get("verdict", ""),
            on=day_of(posted.get("on", "")),
            today=town_year.today(),
            reason=posted.get("reason", ""),
            note=posted.get("note", "").strip(),
        )
        record_outcome(parcel, answer, by=request.user)
        messages.success(request, f"已登记图斑 {parcel} 的举证结果。")
    except EvidenceRefused as refusal:
        messages.error(request, refusal.message)
    return redirect("parcel_evidence", **where(town_year), pk=parcel.pk)


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        shown = f"“{text[:20]}”不是日期，请写成 2024-10-12 的样子。"
        raise EvidenceRefused(shown, field="on") from error


@town_page
@require_POST
def evidence_withdraw(request, town_year: TownYear, pk):
    one = found_evidence(request.user, town_year, pk)
    if one.by_id != request.user.pk and not request.user.can("report", one.division):
        raise PermissionDenied
    try:
        withdraw(one, by=request.user, reason=request.POST.get("reason", ""))
        messages.success(request, "已撤下，原件和原因留存备查。")
    except EvidenceRefused as refusal:
        messages.error(request, refusal.message)
    if one.parcel_id:
        return redirect("parcel_evidence", **where(town_year), pk=one.parcel_id)
    issue = one.issues.first()
    return (
        redirect("issue_detail", town=one.town.slug, year=issue.year, pk=issue.pk) if issue else redirect("dashboard")
    )


def served(which: str):
    """The view of one of the files of a piece of evidence."""

    @town_page
    @require_safe
    def evidence_file(request, town_year: TownYear, pk):
        one = found_evidence(request.user, town_year, pk)
        if not may_have(request.user, one, which):
            raise PermissionDenied(WITH_POSITION)
        answer = file_answer(request, one, which)
        if answer is None:
            raise Http404
        return answer

    return evidence_file


evidence_shown, evidence_thumbnail, evidence_original = (served(one) for one in ("shown", "thumbnail", "original"))
