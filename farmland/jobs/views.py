"""The page of one job: it asks again each second until the job is over."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from farmland.jobs.models import Job


@require_safe
@login_required
@never_cache
def job_detail(request, pk):
    job = get_object_or_404(Job.objects.visible_to(request.user).select_related("town"), pk=pk)
    template = "jobs/_job_progress.html" if request.htmx else "jobs/job_detail.html"
    return render(request, template, {"job": job})
