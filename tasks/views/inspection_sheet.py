"""回填: the filled-in sheet of a draft comes back, is shown as what it would fill, and fills the draft when asked."""

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib.excel import FileRefused
from farmland.lib.refused import Refused
from farmland.places.models import Term
from parcels.models import Inspection, InspectionItem
from tasks.inspections.guide import Guide
from tasks.inspections.results import NotAll, fill
from tasks.inspections.services import Stale
from tasks.inspections.sheet_read import MAX_BYTES, Filled, read_sheet, told
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.common import Labels, where
from tasks.views.inspection_page import batch_of

PURPOSE, SHOWN = "inspection_sheet", 200
MOVED_ON = "预览之后这一批又有改动，没有写入。请看新的预览再确认。"


class SheetForm(forms.Form):
    """选择填好的签字表."""

    file = forms.FileField(
        label="填好的签字表",
        help_text=f"从这一批下载的 Excel，最大 {MAX_BYTES // 1024 // 1024} MB。",
        error_messages={"required": "请选择文件。", "empty": "文件是空的（0 字节），请重新选择。"},
        widget=forms.FileInput(attrs={"accept": ".xlsx"}),
    )


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def inspection_sheet(request, town_year: TownYear, pk):
    """A file sent here is kept; ``?file=`` shows what it would fill."""
    batch = draft_of(request, town_year, pk)
    if request.method != "POST" and "file" in request.GET:
        return _preview(request, town_year, batch, upload_of(request, batch, request.GET["file"]))
    form = SheetForm(request.POST, request.FILES) if request.method == "POST" else SheetForm()
    if form.is_bound and form.is_valid():
        place = {"town": batch.town, "division": batch.division, "user": request.user}
        try:
            upload = Upload.objects.store(form.cleaned_data["file"], **place, purpose=PURPOSE, limit=MAX_BYTES)
        except TooLarge as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect(f"{_here(town_year, batch)}?file={upload.pk}")
    return _choose(request, town_year, batch, form, 400 if form.errors else 200)


@town_page
@require_POST
def sheet_confirm(request, town_year: TownYear, pk):
    """Fill the draft as shown, all rows or none; confirming the batch stays a step of its own."""
    batch = draft_of(request, town_year, pk)
    upload = upload_of(request, batch, request.POST.get("file", ""))
    try:
        found = _read(batch, upload)
        if found.errors or found.fingerprint() != request.POST.get("seen"):
            return _preview(request, town_year, batch, upload, MOVED_ON)
        count = fill(batch, found.results, by=request.user)
    except (FileRefused, NotAll, Stale):
        return _preview(request, town_year, batch, upload, MOVED_ON)
    except Refused as refusal:
        return _preview(request, town_year, batch, upload, refusal.message)
    messages.success(request, f"已按签字表填写 {count} 行，核对后再确认完成。")
    return redirect("inspection_detail", **where(town_year), pk=batch.pk)


def draft_of(request, town_year: TownYear, pk) -> Inspection:
    batch = batch_of(request, town_year, pk, to_accept=True)
    if batch.state != "draft":
        raise Http404
    return batch


def upload_of(request, batch: Inspection, key: str) -> Upload:
    """The user's own file for a batch of this place, or 404."""
    mine = Upload.objects.visible_to(request.user).filter(purpose=PURPOSE, division=batch.division, user=request.user)
    try:
        found = mine.filter(pk=forms.UUIDField().clean(key)).first()
    except forms.ValidationError:
        found = None
    if found is None:
        raise Http404
    return found


def _here(town_year: TownYear, batch: Inspection) -> str:
    return reverse("inspection_sheet", kwargs=where(town_year) | {"pk": batch.pk})


def _guide(batch: Inspection) -> Guide:
    return Guide(batch, Term.objects.of("attribute", batch.town))


def _read(batch: Inspection, upload: Upload, guide: Guide | None = None) -> Filled:
    guide = guide or _guide(batch)
    return read_sheet(upload.full_path, batch, guide, list(Labels(batch.town).all("reason").values()))


def _choose(request, town_year: TownYear, batch: Inspection, form: SheetForm, status: int):
    page = {"town_year": town_year, "batch": batch, "form": form, "max_bytes": MAX_BYTES}
    return render(request, "inspections/sheet.html", page, status=status)


def _preview(request, town_year: TownYear, batch: Inspection, upload: Upload, message: str = ""):
    guide = _guide(batch)
    try:
        found = _read(batch, upload, guide)
    except FileRefused as refusal:
        form = SheetForm({}, {})
        form.full_clean()
        form.errors.clear()
        form.add_error("file", f"{upload.name}：{refusal.message}")
        return _choose(request, town_year, batch, form, 400)
    if message:
        messages.error(request, message)
    verdicts = dict(InspectionItem.VERDICTS)
    rows = [
        (number, one.item, told(vars(one.item), verdicts, guide), told(one.values, verdicts, guide))
        for number, one in sorted(found.changes.items())[:SHOWN]
    ]
    page = {
        "town_year": town_year, "batch": batch, "upload": upload, "found": found, "rows": rows,
        "errors": found.errors[:SHOWN], "seen": found.fingerprint(), "form": SheetForm(), "max_bytes": MAX_BYTES,
    }  # fmt: skip
    return render(request, "inspections/sheet.html", page, status=409 if message else 200)
