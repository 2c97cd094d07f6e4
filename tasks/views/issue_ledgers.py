"""整改台账 as a file: in with a preview, out in its own twelve columns."""

import hashlib

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib.excel import FileRefused
from tasks.acceptance import Refused
from tasks.ledger_columns import COLUMNS
from tasks.ledger_export import workbook
from tasks.ledger_import import PURPOSE, Target, preview, write
from tasks.models import Issue, TownYear
from tasks.pages import town_page
from tasks.rulebook import rulebook
from tasks.views.common import where
from tasks.views.issue_entry import kinds_of_issues
from tasks.views.parcel_imports import XLSX

SHOWN = 100


class LedgerForm(forms.Form):
    """Which ledger a file goes into: one that is there, or a new one with its title."""

    ledger = forms.ChoiceField(label="导入到", required=False)
    title = forms.CharField(label="新台账名称", required=False, max_length=120)
    kind = forms.ChoiceField(label="新行的任务类型")

    def __init__(self, *args, ledgers: dict[str, str], **kwargs):
        super().__init__(*args, **kwargs)
        self.ledgers = ledgers
        self.fields["ledger"].choices = [("", "新台账"), *ledgers.items()]
        self.fields["kind"].choices = kinds_of_issues()

    def clean(self):
        values = super().clean()
        if not values.get("ledger") and not values.get("title", "").strip() and not self.errors:
            self.add_error("title", "请写新台账的名称，或选择已有的台账。")
        return values

    def target(self) -> Target:
        values = self.cleaned_data
        if values["ledger"]:
            return Target(values["ledger"], self.ledgers[values["ledger"]], values["kind"])
        title = values["title"].strip()
        known = next((key for key, name in self.ledgers.items() if name == title), "")
        return Target(known or f"list-{hashlib.sha256(title.encode()).hexdigest()[:12]}", title, values["kind"])


class LedgerFileForm(LedgerForm):
    file = forms.FileField(
        label="台账文件",
        help_text=f"XLSX 或 CSV，最大 {settings.FORM_MAX_BYTES // 1024 // 1024} MB。",
        error_messages={"required": "请选择文件。", "empty": "文件是空的（0 字节），请重新选择。"},
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )
    field_order = ("file", "ledger", "title", "kind")


def ledgers_of(town_year: TownYear) -> dict[str, str]:
    """The ledgers of a town's year: key → title."""
    rows = Issue.objects.filter(town=town_year.town, year=town_year.year).order_by("ledger").distinct()
    return {key: title or key for key, title in rows.values_list("ledger", "ledger_title")}


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def ledger_import(request, town_year: TownYear):
    """Choose the file; it is kept, then previewed. Nothing else is written."""
    _allowed(request.user, town_year)
    ledgers = ledgers_of(town_year)
    if request.method != "POST":
        first = {"kind": "illegal_use", "ledger": next(iter(ledgers), "")}
        return _choose(request, town_year, LedgerFileForm(initial=first, ledgers=ledgers))
    form = LedgerFileForm(request.POST, request.FILES, ledgers=ledgers)
    if not form.is_valid():
        return _choose(request, town_year, form)
    try:
        upload = Upload.objects.store(
            form.cleaned_data["file"], town=town_year.town, user=request.user, purpose=PURPOSE,
            limit=settings.FORM_MAX_BYTES,
        )  # fmt: skip
    except TooLarge as refusal:
        form.add_error("file", str(refusal))
        return _choose(request, town_year, form)
    asked = {name: form.cleaned_data[name] for name in ("ledger", "title", "kind")}
    address = reverse("ledger_import_preview", kwargs={**where(town_year), "pk": upload.pk})
    return redirect(f"{address}?{urlencode(asked)}")


@town_page
@require_safe
def ledger_import_preview(request, town_year: TownYear, pk):
    """New, changed, same, wrong: by cell, with totals."""
    _allowed(request.user, town_year)
    return _show(request, town_year, _upload(request.user, town_year, pk), request.GET)


@town_page
@require_POST
def ledger_import_confirm(request, town_year: TownYear, pk):
    """Write what was seen."""
    _allowed(request.user, town_year)
    upload = _upload(request.user, town_year, pk)
    form = LedgerForm(request.POST, ledgers=ledgers_of(town_year))
    if not form.is_valid():
        return _show(request, town_year, upload, request.POST)
    try:
        done = write(town_year, upload, form.target(), by=request.user, seen=request.POST.get("seen", ""))
    except FileRefused as refusal:
        return _refused(request, town_year, upload, refusal)
    except Refused as refusal:
        return _show(request, town_year, upload, request.POST, refusal.message)
    said = f"新增 {len(done.new)} 行，变化 {len(done.changed)} 行，相同 {len(done.same)} 行。"
    messages.success(request, f"已导入：{said}")
    return redirect("issue_list", **where(town_year))


@town_page
@require_safe
def ledger_export(request, town_year: TownYear):
    """``?ledger=`` in its own columns (the first one where none is named), ``&paper=a3`` for the larger sheet."""
    mine = Issue.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    key = request.GET.get("ledger") or mine.order_by("ledger").values_list("ledger", flat=True).first()
    rows = list(mine.filter(ledger=key).select_related("town", "division").order_by("order", "pk"))
    if not rows:
        raise Http404
    title = rows[0].ledger_title or rows[0].ledger
    data = workbook(
        title, rows, rulebook(town_year.town, town_year.year), town_year.year, a3=request.GET.get("paper") == "a3"
    )
    answer = HttpResponse(data, content_type=XLSX)
    answer["Content-Disposition"] = content_disposition_header(True, f"{title}.xlsx")
    answer["Cache-Control"] = "private, no-cache"
    return answer


def _allowed(user, town_year: TownYear) -> None:
    if not any(user.can("import", one) for one in user.divisions().filter(town=town_year.town)):
        raise PermissionDenied


def _upload(user, town_year: TownYear, pk) -> Upload:
    found = Upload.objects.visible_to(user).filter(pk=pk, town=town_year.town, purpose=PURPOSE).first()
    if found is None:
        raise Http404
    return found


def _choose(request, town_year: TownYear, form: LedgerFileForm):
    page = {
        "town_year": town_year,
        "form": form,
        "max_bytes": settings.FORM_MAX_BYTES,
        "columns": list(COLUMNS.values()),
    }
    return render(request, "tasks/ledger_import.html", page, status=400 if form.errors else 200)


def _refused(request, town_year: TownYear, upload: Upload, refusal: FileRefused):
    form = LedgerFileForm({}, {}, ledgers=ledgers_of(town_year))
    form.full_clean()
    form.errors.clear()
    form.add_error("file", f"{upload.name}：{refusal.message}")
    return _choose(request, town_year, form)


def _show(request, town_year: TownYear, upload: Upload, asked, said: str = ""):
    form = LedgerForm(asked, ledgers=ledgers_of(town_year))
    if not form.is_valid():
        chosen = LedgerFileForm(asked, {}, ledgers=form.ledgers)
        return _choose(request, town_year, chosen)
    target = form.target()
    try:
        found = preview(town_year, upload, target, request.user)
    except FileRefused as refusal:
        return _refused(request, town_year, upload, refusal)
    page = {
        "town_year": town_year,
        "upload": upload,
        "target": target,
        "form": form,
        "found": found,
        "seen": found.fingerprint(),
        "totals": found.totals(),
        "errors": found.errors[:SHOWN],
        "new": found.new[:SHOWN],
        "changed": found.changed[:SHOWN],
        "shown": SHOWN,
        "said": said,
    }
    return render(request, "tasks/ledger_preview.html", page, status=400 if said else 200)
