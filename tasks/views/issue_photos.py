"""The photos and papers of an issue: on its page, and on the phone where there is no signal."""

from functools import partial

from django.core.paginator import Paginator
from django.db.models import F
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from tasks.issue_photos import gallery_of_issue, keep
from tasks.issues import STATE_WORDS, TO_DO
from tasks.models import Clue, Issue, TownYear
from tasks.pages import town_page
from tasks.views.common import where
from tasks.views.evidence import receive, upload_choices
from tasks.views.issue_detail import issue_in
from tasks.views.phone import CARDS, place_name, sent_by


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def issue_photos(request, town_year: TownYear, pk):
    """The gallery, for htmx the part that the issue's page shows; POST: several files of one phase and view."""
    if request.method != "POST":
        page = gallery_page(request, town_year, issue_in(request.user, town_year, pk))
        return render(request, "evidence/_issue.html" if request.htmx else "evidence/issue.html", page)
    issue = issue_in(request.user, town_year, pk, "report")
    receive(request, town_year, partial(keep, issue), f"台账第 {issue.serial} 行")
    name = "phone_issue" if request.POST.get("back") == "phone" else "issue_detail"
    return redirect(name, **where(town_year), pk=issue.pk)


def gallery_page(request, town_year: TownYear, issue: Issue) -> dict:
    parcels, clues = list(issue.parcels.all()), list(Clue.objects.visible_to(request.user).filter(issue=issue))
    gallery = gallery_of_issue(issue, parcels, clues, request.user)
    return {
        "town_year": town_year,
        "one": issue,
        "parcels": parcels,
        "gallery": gallery,
        "lacks": "完成整改前还缺" if issue.state in TO_DO else "还缺",
        "may_add": town_year.closed_on is None and request.user.can("report", issue.division, issue.kind_id),
        **upload_choices(gallery),
    }


@town_page
@require_safe
def phone_issues(request, town_year: TownYear):
    """What is still to be put right, the nearest deadline first."""
    rows = Issue.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    rows = rows.filter(state__in=TO_DO, is_excluded=False).select_related("division")
    issues = Paginator(rows.order_by(F("due_on").asc(nulls_last=True), "order", "pk"), CARDS)
    page = {
        "town_year": town_year,
        "issues": issues.get_page(request.GET.get("page")),
        "sent": sent_by(request.user, town_year),
        "title": place_name(request.user, town_year),
        "may_patrol": request.user.can("patrol"),
    }
    for one in page["issues"]:
        one.state_name = STATE_WORDS[one.state]
    return render(request, "phone/issues.html", page)


@town_page
@require_safe
def phone_issue(request, town_year: TownYear, pk):
    """One issue on the phone: take photos, see what is missing."""
    page = gallery_page(request, town_year, issue_in(request.user, town_year, pk))
    return render(request, "phone/issue.html", page | {"may_patrol": request.user.can("patrol")})
