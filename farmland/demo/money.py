"""The demo's money goes with the demo: what demo users entered, and what is owed for land that is invented.

Paid rows are frozen in the database; those of the demo may be deleted, never changed (``subsidies.freeze``).
"""

from django.db.models import Q, QuerySet

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


def demo_money(users: QuerySet, works: QuerySet) -> list[QuerySet]:
    """What goes, in this order; ``users`` are the demo's, ``works`` on invented land."""
    demo = Q(is_demo=True)
    invented = demo | Q(work__in=works)
    return [
        Payment.objects.filter(demo),
        Fund.objects.filter(demo),
        Objection.objects.filter(demo),
        Publicity.objects.filter(demo),
        BatchPaper.objects.filter(demo),
        BatchLine.objects.filter(demo),
        Batch.objects.filter(demo),
        Ruling.objects.filter(demo),
        Entitlement.objects.filter(invented, adjusts__isnull=False),
        Entitlement.objects.filter(invented, lines=None),
        Calculation.objects.filter(demo, entitlements=None),
        Claim.objects.filter(invented, entitlements=None),
        Payee.objects.filter(demo | Q(entered_by__in=users) | Q(confirmed_by__in=users), lines=None, payments=None),
        RateVersion.objects.filter(demo, entitlements=None),
        Round.objects.filter(demo, batches=None, entitlements=None, claims=None, calculations=None),
    ]
