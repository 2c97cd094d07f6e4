"""The money of the demo goes with it: what demo users computed, claimed and paid, and all about invented land."""

from django.db.models import Q, QuerySet

from parcels.models import Work
from subsidies.models import (
    Batch,
    BatchLine,
    BatchPaper,
    Calculation,
    Claim,
    Entitlement,
    Fund,
    Objection,
    Payee,
    Payment,
    Publicity,
    RateVersion,
    Round,
    Ruling,
)


def demo_money(invented: QuerySet[Work]) -> list[QuerySet]:
    """The rows to delete, in the order in which nothing points at them any more."""
    of_land = Q(is_demo=True) | Q(division__is_demo=True)
    owed = Entitlement.objects.filter(of_land | Q(work__in=invented) | Q(adjusts__work__in=invented))
    batches = Batch.objects.filter(is_demo=True)
    published = Publicity.objects.filter(Q(is_demo=True) | Q(batch__in=batches))
    return [
        Payment.objects.filter(Q(is_demo=True) | Q(line__batch__in=batches)),
        Objection.objects.filter(Q(is_demo=True) | Q(publicity__in=published)),
        published,
        BatchPaper.objects.filter(batch__in=batches),
        BatchLine.objects.filter(of_land | Q(batch__in=batches) | Q(entitlement__in=owed)),
        Fund.objects.filter(Q(is_demo=True) | Q(batch__in=batches)),
        batches,
        owed.filter(adjusts__isnull=False),
        owed,
        Claim.objects.filter(of_land | Q(work__in=invented) | Q(round__is_demo=True)),
        Payee.objects.filter(of_land),
        Ruling.objects.filter(of_land | Q(round__is_demo=True)),
        Calculation.objects.filter(Q(is_demo=True) | Q(round__is_demo=True)),
        RateVersion.objects.filter(is_demo=True, entitlements=None),
        Round.objects.filter(is_demo=True),
    ]


def reopen_versions() -> None:
    """What a plan published holds again as the plan says it, where demo users had ended or replaced it."""
    rates = set(RateVersion.objects.filter(is_demo=True).values_list("rate", flat=True))
    for rate in rates:
        kept = RateVersion.objects.filter(rate=rate, is_demo=False, created_by=None, published_at__isnull=False)
        last = kept.select_related("rate").order_by("-number").first()
        if last is not None:
            values = {"state": "published", "valid_to": last.rate.shape.get("valid_to")}
            RateVersion.objects.filter(pk=last.pk).update(**values)
