"""The page of one job, which asks again each second until the job is over, and the list of a town's jobs."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from farmland.jobs.models import Job

PER_PAGE = 50


@require_safe
@login_required
@never_cache
def job_detail(request, pk, *, shell=None):
    """``shell(job)`` gives the page its town and year: what a town's year is, the rooms above know."""
    rows = Job.objects.visible_to(request.user).select_related("town", "created_by")
    job = get_object_or_404(rows, pk=pk)
    if request.htmx:
        return render(request, "jobs/_job_progress.html", {"job": job})
    request.shell = shell(job) if shell else None
    page = {"job": job, "retry_text": retry_text(job), "jobs_url": _list_address(job, request)}
    return render(request, "jobs/job_detail.html", page)


def _list_address(job: Job, request) -> str:
    """Where the town's jobs are listed; "" for those to whom that list is closed."""
    year = getattr(request.shell, "year", None)
    if not year or not request.user.sees_whole(job.town):
        return ""
    return reverse("job_list", kwargs={"town": job.town.slug, "year": year})


@never_cache
@require_safe
def job_list(request, town_year):
    """The jobs of a town; ``state`` filters. The door of the town's pages hands over the town-year."""
    rows = Job.objects.visible_to(request.user).filter(town=town_year.town).select_related("created_by")
    state = request.GET.get("state", "").replace("\0", "")
    if state:
        rows = rows.filter(state=state)
    page = Paginator(rows.order_by("-created_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    for one in page.object_list:
        one.retry_text = retry_text(one)
    context = {
        "town_year": town_year,
        "page": page,
        "state": state,
        "states": Job.State.choices,
        "is_running": any(not one.is_over for one in page.object_list),
    }
    return render(request, "jobs/_job_table.html" if request.htmx else "jobs/job_list.html", context)


def retry_text(job: Job) -> str:
    """Which attempt this is and when the next one comes; "" for a first attempt that went well."""
    if job.state == Job.State.FAILED:
        return f"试了 {job.attempts} 次" if job.attempts > 1 else ""
    waits = job.not_before and job.not_before > timezone.now() and not job.is_over
    if waits:
        return f"第 {job.attempts} 次没有成功，{timezone.localtime(job.not_before):%H:%M:%S} 再试"
    return f"第 {job.attempts} 次" if job.attempts > 1 else ""
