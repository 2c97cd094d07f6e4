"""One batch: its rows to fill in, its sample, its confirmation, its papers."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import FileResponse, Http404
from django.shortcuts import redirect, render
from django.urls import reverse as address
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.jobs.storage import TooLarge
from farmland.lib.paper import WRITERS
from farmland.places.models import Term
from parcels.models import Inspection
from tasks.acceptance import Refused
from tasks.inspections.confirm import confirm
from tasks.inspections.guide import Guide
from tasks.inspections.results import NotAll, adopt_sample, fill
from tasks.inspections.services import Stale, cancel, edit, keep_signed, redraw
from tasks.inspections.sheet import file_name, sheet_of
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.common import Labels, where
from tasks.views.inspection_forms import (
    CancelForm,
    ConfirmForm,
    HeadForm,
    RedrawForm,
    SignedForm,
    VersionForm,
    head_values,
    typed_values,
)
from tasks.views.inspection_page import Page, batch_of, followed

CHANGED = "这一批刚被别人改过，下面是现在的样子，请核对后再操作。"


@town_page
@require_safe
def inspection_detail(request, town_year: TownYear, pk):
    """``?only=open|drawn|returned&page=`` choose the rows, ``job=`` follows the recompute after the confirmation."""
    return Page(request, town_year, batch_of(request, town_year, pk)).answer()


@town_page
@require_POST
def inspection_fill(request, town_year: TownYear, pk):
    """Keep the typed rows; what is wrong stands in its row, what others changed meanwhile is shown beside."""
    batch = batch_of(request, town_year, pk, to_accept=True)
    page = Page(request, town_year, batch, typed=typed_values(request.POST))
    results = {str(row.item.pk): row.result() for row in page.rows}
    if None in results.values():
        return page.answer(400, "有填错的格，没有保存，请看各行的提示。")
    try:
        count = fill(batch, results, by=request.user)
    except Refused as refusal:
        return page.answer(409, refusal.message)
    except NotAll as refusal:
        page.blame(refusal.rows)
        return page.answer(400, "有填错的格，没有保存，请看各行的提示。")
    except Stale as stale:
        page.set_against(stale.rows)
        return page.answer(409, "标出的行刚被别人改过。下面仍是您填的，旁边是现在的；再按一次保存，以您填的为准。")
    messages.success(request, f"已保存 {count} 行。" if count else "没有改动。")
    return _back(request, town_year, batch)


@town_page
@require_POST
def inspection_adopt(request, town_year: TownYear, pk):
    """不抽中的按抽样结果认定."""
    return _act(request, town_year, pk, VersionForm, lambda batch, values: _adopted(request, batch, values))


@town_page
@require_POST
def inspection_draw(request, town_year: TownYear, pk):
    """Draw again, on record."""

    def act(batch, values):
        redraw(batch, form_of(values).sample(), version=values["version"], by=request.user)
        return "已重新抽样。"

    def form_of(values):
        form = RedrawForm()
        form.cleaned_data = values
        return form

    return _act(request, town_year, pk, RedrawForm, act, name="draw")


@town_page
@require_POST
def inspection_cancel(request, town_year: TownYear, pk):
    def act(batch, values):
        cancel(batch, reason=values["reason"], version=values["version"], by=request.user)
        return "批次已取消，图斑回到待验收之列。"

    return _act(request, town_year, pk, CancelForm, act, name="cancel")


@town_page
@require_POST
def inspection_confirm(request, town_year: TownYear, pk):
    """Every row through the acceptance door, or none; all refusals are listed by row."""
    batch = batch_of(request, town_year, pk, to_accept=True)
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return Page(request, town_year, batch, confirm=form).answer(400)
    values = form.cleaned_data
    try:
        done = confirm(batch, on=values["on"], version=values["version"], by=request.user)
    except NotAll as refusal:
        page = Page(request, town_year, batch, confirm=form)
        page.list_refusals(refusal.rows)
        return page.answer(400)
    except Stale:
        return Page(request, town_year, batch).answer(409, CHANGED)
    except Refused as refusal:
        form.add_error(None, refusal.message)
        return Page(request, town_year, batch, confirm=form).answer(400)
    messages.success(request, "批次已完成，每一行都已登记。" if done.job else "这一批已经完成过，没有重复登记。")
    return _back(request, town_year, batch, **({"job": str(done.job.pk)} if done.job else {}))


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def inspection_edit(request, town_year: TownYear, pk):
    """The head of a draft; the second of two editors sees both values."""
    batch = batch_of(request, town_year, pk, to_accept=True)
    first, common = head_values(batch), {"town_year": town_year, "user": request.user}
    is_sent = request.method == "POST"
    form = HeadForm(request.POST if is_sent else None, initial=first, **common)
    page, status = {"town_year": town_year, "batch": batch, "form": form}, 200
    if is_sent and form.is_valid():
        try:
            edit(batch, form.head(), version=form.cleaned_data["version"], by=request.user)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        except Stale:
            page["theirs"], status = _both(form, batch), 409
            form.data = form.data.copy()
            form.data["version"] = batch.version  # sent again, it is knowingly in place of the other
        else:
            messages.success(request, "已保存。")
            return _back(request, town_year, batch)
    status = 400 if form.errors else status
    return render(request, "inspections/edit.html", page, status=status)


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def inspection_signed(request, town_year: TownYear, pk):
    """The scan of the signed sheet: kept by POST, given back by GET, always as a download."""
    if request.method != "POST":
        batch = batch_of(request, town_year, pk)
        if batch.signed is None:
            raise Http404
        name = batch.signed.name
        return FileResponse(
            batch.signed.open(), as_attachment=True, filename=name, content_type="application/octet-stream"
        )
    batch = batch_of(request, town_year, pk, to_accept=True)
    form = SignedForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            keep_signed(batch, form.cleaned_data["file"], by=request.user)
        except TooLarge as refusal:
            form.add_error("file", str(refusal))
        except Refused as refusal:
            form.add_error("file", refusal.message)
        else:
            messages.success(request, "扫描件已保存。")
            return _back(request, town_year, batch)
    return Page(request, town_year, batch, signed=form).answer(400)


@town_page
@require_safe
def inspection_xlsx(request, town_year: TownYear, pk):
    return _sheet(request, town_year, pk, "xlsx")


@town_page
@require_safe
def inspection_docx(request, town_year: TownYear, pk):
    return _sheet(request, town_year, pk, "docx")


@town_page
@require_safe
@never_cache
def inspection_figure(request, town_year: TownYear, pk):
    """The fragment after a confirmation: how far the recompute is, then the new counted figures."""
    batch = batch_of(request, town_year, pk)
    return render(request, "inspections/_figure.html", followed(request, town_year, batch))


def _act(request, town_year: TownYear, pk, form_class, act, name: str = ""):
    """One button of a draft: the version the page showed, then the service; the page comes back with what it says."""
    batch = batch_of(request, town_year, pk, to_accept=True)
    form = form_class(request.POST)
    if not form.is_valid():
        return Page(request, town_year, batch, **({name: form} if name else {})).answer(400)
    try:
        said = act(batch, form.cleaned_data)
    except Stale:
        return Page(request, town_year, batch).answer(409, CHANGED)
    except Refused as refusal:
        if name and refusal.field in form.fields:
            form.add_error(refusal.field, refusal.message)
            return Page(request, town_year, batch, **{name: form}).answer(400)
        return Page(request, town_year, batch).answer(409 if refusal.code == "conflict" else 400, refusal.message)
    messages.success(request, said)
    return _back(request, town_year, batch)


def _adopted(request, batch: Inspection, values: dict) -> str:
    count = adopt_sample(batch, version=values["version"], by=request.user)
    return f"没有抽中的 {count} 项已按抽样结果认定，确认完成以前还可以改。"


def _back(request, town_year: TownYear, batch: Inspection, **query):
    query |= {name: request.GET[name] for name in ("page", "only") if request.GET.get(name)}
    here = address("inspection_detail", kwargs=where(town_year) | {"pk": batch.pk})
    return redirect(f"{here}?{urlencode(query)}" if query else here)


def _both(form: HeadForm, batch: Inspection) -> list[tuple[str, str, str]]:
    """(label, as it stands now, as typed) of every field that differs."""
    now, labels = head_values(batch), {name: form.fields[name].label for name in form.fields}
    found = []
    for name in ("on", "posts", "accounts", "copies_to", "note"):
        mine = form.cleaned_data[name] or ""
        theirs = now[name] or ""
        mine, theirs = _shown(mine, form), _shown(theirs, form)
        if mine != theirs:
            found.append((labels[name], theirs or "（空）", mine or "（空）"))
    return found


def _shown(value, form: HeadForm) -> str:
    if isinstance(value, str):
        value = value.splitlines()
    if isinstance(value, list | tuple):
        return "、".join(form.names.get(int(one), one) if one.isdigit() else one for one in value)
    return f"{value:%Y-%m-%d}"


def _sheet(request, town_year: TownYear, pk, suffix: str):
    batch = batch_of(request, town_year, pk)
    labels = Labels(town_year.town)
    guide = Guide(batch, Term.objects.of("attribute", town_year.town))
    write, content_type = WRITERS[suffix]
    data = write(sheet_of(batch, guide, labels.of))
    return FileResponse(data, as_attachment=True, filename=file_name(batch, suffix), content_type=content_type)
