"""Land carried over from an earlier year finds its tranche (二坪's 67 亩 → 2022年结转), whichever comes first: the
opening of the year or the plan that names the tranche."""

from farmland.accounts.models import Event, record
from parcels.models import Work
from tasks.models import Plan

CARRIED = "结转"  # the event of a work that moved whole


def settle_carried(plan: Plan, *, by=None) -> list[str]:
    """Put the plan's carried works into the tranche whose target says ``carried_from``; what moved, in Chinese.

    A work stays where it is when its place in the tranche is taken: two sums are never mixed.
    """
    told = []
    targets = plan.document.targets if plan.source else []
    for target in targets:
        if not target.carried_from:
            continue
        works = Work.objects.filter(town=plan.town, year=plan.year, kind=target.kind).exclude(tranche=target.tranche)
        for work in works.select_related("division", "kind", "town", "replaces", "parcel").order_by("pk"):
            if _came_from(work, target.carried_from) and _is_free(work, target.tranche):
                before, work.tranche = work.tranche, target.tranche
                work.save(update_fields=["tranche", "updated_at"])
                subject = f"{work.division} {work.kind}"
                record(
                    "结转批次", subject, user=by, town=work.town, before={"tranche": before},
                    after={"tranche": work.tranche}, about=work.pk,
                )  # fmt: skip
                told.append(f"{subject}：从 {target.carried_from} 年结转的面积归入“{work.tranche}”")
    return told


def _came_from(work: Work, year: int) -> bool:
    if work.replaces_id and work.replaces.year == year:
        return True
    last = Event.objects.filter(action=CARRIED, about=work.pk).order_by("-number").first()
    return last is not None and last.before == {"year": year}


def _is_free(work: Work, tranche: str) -> bool:
    if work.parcel_id is not None:
        return True
    place = {"division": work.division, "kind": work.kind, "year": work.year, "tranche": tranche}
    return not Work.objects.filter(town=work.town, parcel=None, **place).exists()
