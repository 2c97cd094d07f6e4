"""What speaks for a closer look at a piece of a batch (风险): facts on record, never a judgement of a person."""

from collections import defaultdict

from parcels.models import Evidence, Inspection, Step
from parcels.sampling import large_from, risk_of


def risks(batch: Inspection) -> dict[str, int]:
    """Points by work id; four queries whatever the size of the batch."""
    items = batch.items.order_by()
    rows = list(items.values_list("work", "work__parcel", "declared_mu"))
    works = items.values("work")
    returned = set(Step.objects.filter(work__in=works, verdict="returned").values_list("work", flat=True))
    evidence = Evidence.objects.filter(town=batch.town_id, withdrawn_at=None).exclude(flags=[])
    by_work = set(evidence.filter(work__in=works).values_list("work", flat=True))
    parcels = items.values("work__parcel").exclude(work__parcel=None)
    by_parcel = set(evidence.filter(work=None, parcel__in=parcels).values_list("parcel", flat=True))
    reporters, proven = _reporters(works), _proven(batch)
    limit = large_from([area for *_, area in rows])
    return {
        str(work): risk_of(
            returned=work in returned,
            flagged=work in by_work or parcel in by_parcel,
            large=area >= limit,
            new=bool(reporters[work]) and not reporters[work] & proven,
        )
        for work, parcel, area in rows
    }


def _reported():
    return Step.objects.filter(rung__level="", area_mu__gt=0, by__isnull=False).order_by()


def _reporters(works) -> dict[object, set[int]]:
    found = defaultdict(set)
    for work, by in _reported().filter(work__in=works).values_list("work", "by"):
        found[work].add(by)
    return found


def _proven(batch: Inspection) -> set[int]:
    """Who has reported a work in this town that an acceptance has passed."""
    passed = Step.objects.filter(town=batch.town_id, verdict__in=("passed", "partial")).values("work")
    return set(_reported().filter(town=batch.town_id, work__in=passed).values_list("by", flat=True).distinct())
