"""Background work of the duties."""

from django.db import connection, transaction

from farmland.jobs.registry import handler
from farmland.places.models import Division
from tasks import layer_import as layer_import  # each registers its job
from tasks import overlaps as overlaps
from tasks import parcel_import as parcel_import
from tasks import services
from tasks.models import TownYear


def told(result: dict) -> str:
    """What a recompute came to, for the lists of jobs."""
    changed = result.get("changed")
    return f"{changed} 个数有变化。" if changed else "数字没有变化。"


@handler("recompute", title="重新计算完成情况", told=told)
def recompute(job) -> dict:
    """One town-year; idempotent, so a second delivery changes nothing."""
    with transaction.atomic():
        job.fence()
        changed = services.recompute(job.town, job.args["year"])
    return {"changed": changed}


@handler("nightly", title="夜间全量重算", told=told)
def nightly(job) -> dict:
    """Every open town-year, each in its own transaction."""
    years = TownYear.objects.filter(closed_on=None, town__plans__year__gt=0).select_related("town").distinct()
    open_years = [one for one in years if one.town.plans.filter(year=one.year).exists()]
    changed = 0
    for done, one in enumerate(open_years, start=1):
        changed += services.nightly(Division.objects.get(pk=one.town_id), one.year)
        job.progress(done, len(open_years), f"{one.town} {one.year} 年")
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA optimize")  # statistics after imports; PostgreSQL keeps its own
    return {"changed": changed}
