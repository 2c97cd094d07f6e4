"""The overlaps of a town's open years kept up to date, behind every change of land."""

from django.db import transaction

from farmland.accounts.models import User
from farmland.jobs.models import Job
from farmland.jobs.registry import handler
from farmland.jobs.services import enqueue
from farmland.places.models import Division
from parcels import overlaps
from parcels.layers import FORBID, UNKNOWN, layer_kinds
from parcels.models import Overlap, Parcel
from tasks.models import TownYear

KIND = "overlaps"


def request_overlaps(town: Division, year: int, user: User | None = None) -> list[Job]:
    """Queue the search for every open year from ``year`` on, in the caller's transaction: later ones look back."""
    open_years = TownYear.objects.filter(town=town, year__gte=year, closed_on=None).order_by("year")
    return [
        enqueue(KIND, town=town, args={"year": one}, user=user, dedupe_key=f"{KIND}:{town.pk}:{one}")
        for one in open_years.values_list("year", flat=True)
    ]


@handler(KIND, title="查找图斑重叠")
def find_overlaps(job) -> dict:
    """One town-year: looked for in chunks, written at once; a second delivery changes nothing."""
    year = job.args["year"]
    found = overlaps.find_all(
        job.town, year, lambda done, total: job.progress(done, total + 1, f"已比对 {done} 个图形")
    )
    with transaction.atomic():
        job.fence()
        changed = overlaps.store(job.town, year, found)
    parcels = len({one.of for one in found})
    url = f"/{job.town.slug}/{year}/parcels/?overlap=any" if found else None
    result = {"text": f"{parcels} 个图斑有重叠。", "changed": changed}
    return result | ({"url": url} if url else {})


def overlaps_of(parcel: Parcel, user: User) -> list[dict]:
    """What the parcel shares with which other; a parcel outside the user's scope is not named."""
    rows = Overlap.objects.visible_to(user).filter(parcel=parcel)
    found = list(rows.select_related("layer", "other__division", "other__kind"))
    if not found:
        return []
    kinds = layer_kinds(parcel.town)
    mine = {one.pk for one in user.divisions()}
    shown = [_row(one, kinds, mine) for one in found]
    return sorted(shown, key=lambda one: (one["kind"] is None or one["kind"].on_restore != FORBID, one["order"]))


def _row(one: Overlap, kinds: dict, mine: set) -> dict:
    named = one.other if one.other and one.other.division_id in mine else None
    return {
        "by": one.get_by_display(),
        "code": one.by,
        "layer": one.layer,
        "kind": kinds.get(one.layer.source, UNKNOWN) if one.layer else None,
        "other": named,
        "hidden": one.other is not None and named is None,
        "year": one.other.year if one.other else one.layer.year,
        "area_mu": one.area_mu,
        "share": one.share,
        "percent": None if one.share is None else one.share * 100,
        "order": -(one.share or 0),
    }
