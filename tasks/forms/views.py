"""填报: what to fill in, handing it in, what it would change, the receipt. Works without a script."""

from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from farmland.jobs.models import Job, Upload
from farmland.jobs.storage import TooLarge
from tasks.forms.api import too_large, xlsx_answer
from tasks.forms.changes import MINE, THEIRS
from tasks.forms.facts import NothingToReport, file_name, has_rows, issue_form
from tasks.forms.incoming import PURPOSE, Expected, NotAllowed, NotYours, receive
from tasks.forms.overview import doubted, excerpt, receipt_facts, tally, task_sums, village_rows
from tasks.forms.services import NOTHING_NEW, Result, keep_refused, preview, submit
from tasks.forms.undo import TakeBackRefused, take_back, why_not_take_back
from tasks.models import Submission, TownYear
from tasks.pages import division_in, town_page
from tasks.returns import open_returns

SALT = "form-preview"
PER_PAGE = 25
FOREIGN = "这份表不是发给您的村的，或已经作废。请下载本村的表格，把内容抄过去再上传。"
WHY_AGAIN = {
    "moved": "您核对以后数据又有变化，请再核对一遍，没有写入任何数据。",
    "conflict": "还有冲突没有选，没有写入任何数据。",
    "doubtful": "有几处数字看着不对，请核对后打勾再写入，没有写入任何数据。",
}


def here(town_year: TownYear, name: str, **more) -> str:
    return reverse(name, kwargs={"town": town_year.town.slug, "year": town_year.year, **more})


@town_page
@require_safe
def form_home(request, town_year: TownYear):
    """All villages for those who see the town; a village head goes straight to the own village."""
    rows = village_rows(request.user, town_year)
    if len(rows) == 1 and not request.user.sees_whole(town_year.town):
        return redirect(here(town_year, "form_division", code=rows[0].division.code))
    page = {
        "town_year": town_year,
        "rows": rows,
        "missing": sum(row.written is None for row in rows),
        "wrong": sum(row.is_wrong for row in rows),
        "late": sum(bool(row.late) for row in rows),
        "has_rows": has_rows(town_year.town, town_year.year),
    }
    return render(request, "forms/home.html", page)


@town_page
@require_safe
def form_division(request, town_year: TownYear, code: str):
    """Download, upload, history, last receipt."""
    division = division_in(request.user, town_year, code)
    history = Submission.objects.visible_to(request.user).filter(
        division__path__startswith=division.path, year=town_year.year
    )
    history = history.select_related("form", "user", "division__town").defer("form__facts")
    newest = list(history[:12])
    may_report = request.user.can("report", division) and town_year.closed_on is None
    page = {
        "town_year": town_year,
        "division": division,
        "history": newest,
        "wrong": newest[0] if newest and newest[0].state in ("refused", "conflict") else None,
        "may_report": may_report,
        "nothing": nothing_to_report(division, town_year.year) if may_report else "",
        "returns": open_returns(request.user, division, town_year.year),
        "max_bytes": settings.FORM_MAX_BYTES,
    }
    if (
        last := next((one for one in newest if one.state == "applied"), None)
        or history.filter(state="applied").first()
    ):
        page |= {"last": last, "facts": receipt_facts(last)}
    return render(request, "forms/division.html", page)


def nothing_to_report(division, year: int) -> str:
    return "" if has_rows(division, year) else str(NothingToReport(division, year))


@town_page
@require_safe
def form_blank(request, town_year: TownYear, code: str):
    """The workbook to fill in."""
    division = division_in(request.user, town_year, code)
    if not request.user.can("report", division):
        raise PermissionDenied
    try:
        form, data = issue_form(division, town_year.year, request.user)
    except NothingToReport as error:
        page = {"town_year": town_year, "division": division, "reason": str(error)}
        return render(request, "forms/nothing.html", page, status=400)
    return xlsx_answer(data, file_name(form))


def sized(view):
    """Turn a body that is too large away before anything reads it, also before the CSRF check does."""
    guarded = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def door(request, *args, **kwargs):
        if request.method == "POST" and too_large(request):
            return render(request, "413.html", {"back": request.path.removesuffix("upload/")}, status=413)
        return guarded(request, *args, **kwargs)

    return door


@sized
@town_page
@require_POST
def form_upload(request, town_year: TownYear, code: str):
    """Keep the file and go to its preview; a wrong one is noted in the history."""
    division = division_in(request.user, town_year, code)
    if not request.user.can("report", division):
        raise PermissionDenied
    file = request.FILES.get("file")
    back = redirect(here(town_year, "form_division", code=code))
    if file is None:
        messages.error(request, "没有选择文件，请先选择填好的表格。")
        return back
    try:
        upload = receive(file, user=request.user, division=division)
        result = preview(upload, request.user, Expected(division, town_year.year))
    except TooLarge as error:
        messages.error(request, str(error))
        return back
    except (NotYours, NotAllowed):
        messages.error(request, FOREIGN)
        return back
    if result.state == "refused":
        keep_refused(result, request.user)
    return redirect(here(town_year, "form_preview", code=code, pk=upload.pk))


@town_page
@require_safe
def form_preview(request, town_year: TownYear, code: str, pk):
    """What the kept file would change, read again each time: nothing is remembered but the file."""
    division = division_in(request.user, town_year, code)
    upload = uploaded(request.user, division, pk)
    try:
        result = preview(upload, request.user, Expected(division, town_year.year), mark=False)
    except (NotYours, NotAllowed):
        raise Http404 from None
    return preview_page(request, town_year, division, upload, result)


def uploaded(user, division, pk) -> Upload:
    return get_object_or_404(Upload.objects.visible_to(user), pk=pk, division=division, purpose=PURPOSE)


def preview_page(request, town_year: TownYear, division, upload: Upload, result: Result, status: int = 200):
    outcome = result.outcome
    kept = Submission.objects.visible_to(request.user).filter(upload=upload).select_related("marked").first()
    page = {
        "town_year": town_year,
        "division": division,
        "upload": upload,
        "result": result,
        "kept": kept,
        "tally": tally(result) if result.look.reading else [],
        "sums": task_sums(result) if result.look.reading else [],
        "excerpt": excerpt(result),
        "differences": Paginator(doubted(result), PER_PAGE).get_page(request.GET.get("page")),
        "seen": signing.dumps([str(upload.pk), outcome.digest], salt=SALT),
        "may_write": result.state != "refused" and bool(outcome.changes or outcome.conflicts),
        "may_report": request.user.can("report", division),
        "me": str(request.user),
    }
    return render(request, "forms/preview.html", page, status=status)


@town_page
@require_POST
def form_confirm(request, town_year: TownYear, code: str, pk):
    """Write what was shown; if it would now be something else, show it again."""
    division = division_in(request.user, town_year, code)
    upload = uploaded(request.user, division, pk)
    seen = read_seen(request.POST.get("seen", ""), upload)
    if seen is None:
        return redirect(here(town_year, "form_preview", code=code, pk=pk))
    expected, key = Expected(division, town_year.year), f"upload:{upload.pk}"
    try:
        chosen, is_sure = choices(request.POST), bool(request.POST.get("sure"))
        result = submit(upload, request.user, expected, key=key, choose=chosen, seen=seen, is_sure=is_sure)
    except (NotYours, NotAllowed):
        raise Http404 from None
    if result.state in WHY_AGAIN:
        messages.warning(request, WHY_AGAIN[result.state])
        again = preview(upload, request.user, expected, mark=False)
        return preview_page(request, town_year, division, upload, again, status=409)
    if result.state == "refused":
        return redirect(here(town_year, "form_preview", code=code, pk=pk))
    if result.state == "duplicate":
        messages.info(request, NOTHING_NEW)
        return redirect(here(town_year, "form_division", code=code))
    return redirect(here(town_year, "submission_detail", pk=result.submission.pk))


def read_seen(text: str, upload: Upload) -> str | None:
    """The digest the user was shown for this upload; None when the text is not ours."""
    try:
        pk, digest = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return digest if pk == str(upload.pk) else None


def choices(posted):
    """The radio buttons: ``choice-F7`` is mine or theirs."""
    return lambda cell: posted.get(f"choice-{cell}") if posted.get(f"choice-{cell}") in (MINE, THEIRS) else None


@town_page
@require_safe
def submission_detail(request, town_year: TownYear, pk):
    """The receipt, to print; with the recompute it started, and the way back."""
    submission = found_submission(request.user, town_year, pk)
    if not submission.receipt:
        raise Http404
    page = {
        "town_year": town_year,
        "submission": submission,
        "facts": receipt_facts(submission),
        "notes": submission.errors,
        "job": Job.objects.filter(pk=submission.job).first(),
        "why_not": why_not_take_back(submission, request.user),
        "changes": Paginator(submission.changes, PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "forms/receipt.html", page)


@town_page
@require_safe
@never_cache
def submission_progress(request, town_year: TownYear, pk):
    """The fragment about the recompute a form asked for; others may have asked for the same one."""
    submission = found_submission(request.user, town_year, pk)
    job = get_object_or_404(Job, pk=submission.job)
    return render(request, "forms/_recompute.html", {"town_year": town_year, "submission": submission, "job": job})


def found_submission(user, town_year: TownYear, pk) -> Submission:
    visible = Submission.objects.visible_to(user).select_related("form", "user", "division__town").defer("form__facts")
    return get_object_or_404(visible, pk=pk, town=town_year.town, year=town_year.year)


@town_page
@require_POST
def submission_take_back(request, town_year: TownYear, pk):
    submission = found_submission(request.user, town_year, pk)
    try:
        take_back(submission, request.user)
    except TakeBackRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"已撤回回执 {submission.receipt}，写入的数据已冲销。")
    return redirect(here(town_year, "submission_detail", pk=pk))
