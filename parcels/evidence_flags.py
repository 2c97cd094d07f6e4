"""The facts a photo is held against, read from the database; ``evidence_rules`` judges."""

from datetime import datetime, time

from django.db.models import Min
from django.utils import timezone

from farmland.places.models import Division, Term
from parcels.evidence_rules import Known, Limits, Shot, flags
from parcels.models import Evidence, Listing, Parcel
from parcels.shapes import metres_to


def flags_of(evidence: Evidence) -> list[str]:
    """The remarks on a photo that is about to be saved; a fixed number of queries."""
    parcel = evidence.parcel
    has_position = evidence.longitude is not None
    measured = has_position and parcel is not None
    shot = Shot(
        received_at=evidence.received_at,
        phase=evidence.phase,
        taken_at=evidence.taken_at,
        has_position=has_position,
        metres=metres_to(parcel, evidence.longitude, evidence.latitude) if measured else None,
        side=max(evidence.width or 0, evidence.height or 0),
        sha256=evidence.sha256,
        look=evidence.look,
    )
    others = Evidence.objects.filter(town=evidence.town, category="photo", withdrawn_at=None).order_by()
    known = Known(begun_at=begun(parcel), others=others.values_list("sha256", "look").iterator())
    return flags(shot, known, limits_of(evidence.town))


def limits_of(town: Division) -> Limits:
    return Limits.of(dict(Term.objects.of("evidence_flag", town).values_list("code", "attrs")))


def begun(parcel: Parcel | None) -> datetime | None:
    """The earliest moment at which work on the parcel can be shown: its year, its list, its photo of before."""
    if parcel is None:
        return None
    listed = Listing.objects.filter(parcel=parcel, list__role="issued").aggregate(on=Min("list__received_on"))["on"]
    before = Evidence.objects.filter(parcel=parcel, phase="before", withdrawn_at=None)
    seen = before.aggregate(at=Min("taken_at"))["at"]
    year = timezone.make_aware(datetime(parcel.year, 1, 1))  # noqa: DTZ001
    days = [timezone.make_aware(datetime.combine(listed, time()))] if listed else []
    return max([year, *days, *([seen] if seen else [])])
