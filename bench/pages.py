"""Every page that can be looked at, found in the address table itself, so that a new page is measured too."""

import uuid

from django.urls import URLPattern, get_resolver, reverse

from farmland.accounts.models import User
from farmland.jobs.models import Job
from farmland.places.models import Division
from parcels.models import Parcel, Step
from tasks.models import Finding, Issue, Submission, TownYear

FILES = ("form_blank", "parcel_import_template")  # answers that are files, not pages
POST_ONLY = (
    "logout", "plan_recheck", "finding_waive", "finding_withdraw", "parcel_import_confirm", "form_upload",
    "form_confirm", "submission_take_back", "user_reset", "user_disable", "acceptance_create",
    "issue_decide", "issue_done", "issue_accept", "issue_return", "issue_close", "issue_reopen", "issue_deliberate",
    "issue_permit", "permit_settle",
)  # fmt: skip
NEED_A_FILE = ("parcel_import_preview", "form_preview")  # shown only while a file waits
OTHER = ("healthz", "schema", "api_docs", None)


def patterns(found, prefix: str = "") -> list[tuple[str, list[str]]]:
    """(name, names of the address's parts) of every page; REST doors are left out."""
    rows = []
    for one in found:
        if isinstance(one, URLPattern):
            rows.append((one.name, list(one.pattern.converters)))
        elif str(one.pattern) != "api/":
            rows += patterns(one.url_patterns)
    return rows


def keys(town_year: TownYear, village: Division, user: User) -> dict[str, object]:
    """What stands for ``pk`` in each page's address: the first row there is."""
    town, year = town_year.town, town_year.year
    first = {
        "parcel_detail": Parcel.objects.filter(town=town, year=year, division=village),
        "parcel_glance": Parcel.objects.filter(town=town, year=year, division=village),
        "issue_detail": Issue.objects.filter(town=town, year=year, division=village),
        "submission_detail": Submission.objects.filter(town=town, year=year),
        "submission_progress": Submission.objects.filter(town=town, year=year),
        "acceptance_reverse": Step.objects.filter(town=town, by__isnull=False, verdict="passed"),
        "acceptance_figure": Step.objects.filter(town=town, by__isnull=False, verdict="passed"),
        "job_detail": Job.objects.filter(town=town),
        "finding_detail": Finding.objects.filter(town=town),
        "user_detail": User.objects.filter(pk=user.pk),
    }
    return {name: rows.order_by("pk").values_list("pk", flat=True).first() for name, rows in first.items()}


def addresses(town_year: TownYear, village: Division, user: User) -> dict[str, str]:
    """name → address of every page that a GET shows, for this town, year and village."""
    at = keys(town_year, village, user)
    left_out = {*FILES, *POST_ONLY, *NEED_A_FILE, *OTHER}
    found = {}
    for name, parts in patterns(get_resolver().url_patterns):
        if name in left_out:
            continue
        facts = {"town": town_year.town.slug, "year": town_year.year, "code": village.code}
        facts["pk"] = at.get(name) or uuid.UUID(int=0)
        found[name] = reverse(name, kwargs={part: facts[part] for part in parts})
    return found
