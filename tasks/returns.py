"""Returns (退回) that nobody has answered yet: what an acceptance gave back to the village, and why."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef

from farmland.places.models import Division
from parcels.models import Step


@dataclass(frozen=True)
class Returned:
    """``codes`` of the parcel, empty where the work has none; ``level``: what was asked for; ``by`` as text."""

    parcel: object
    codes: tuple[str, ...]
    task: str
    level: str
    on: date
    reason: str
    by: str


def open_returns(user, division: Division, year: int) -> list[Returned]:
    """The newest first. A newer report of the same work, or a later acceptance at that level or above, settles one.

    A report that was reversed settles nothing. One query.
    """
    later = Step.objects.filter(work=OuterRef("work"), recorded_at__gt=OuterRef("recorded_at"))
    standing = ~Exists(Step.objects.filter(reverses=OuterRef("pk")))
    report = later.filter(standing, rung__level="", area_mu__gt=0, reverses=None)
    passed = later.filter(standing, verdict__in=("passed", "partial"), rung__rank__gte=OuterRef("rung__rank"))
    steps = (
        Step.objects.visible_to(user)
        .filter(~Exists(report), ~Exists(passed), verdict="returned", work__exit="")
        .filter(work__division__path__startswith=division.path, work__year=year)
        .select_related("work__kind", "work__parcel", "rung", "by")
        .order_by("-recorded_at", "pk")
    )
    return [returned(step) for step in steps[:50]]


def returned(step: Step) -> Returned:
    work = step.work
    task = f"{work.kind.name}（{work.tranche}）" if work.tranche else work.kind.name
    codes = tuple(work.parcel.codes) if work.parcel else ()
    return Returned(work.parcel, codes, task, step.rung.name, step.on, step.reason, str(step.by or ""))
