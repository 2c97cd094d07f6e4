"""The money of a measured town: a claim of every work and an amount for each parcel, with its explanation."""

from decimal import Decimal

from django.utils import timezone

from bench.land import working_day
from bench.towns import official
from farmland.accounts.models import User
from farmland.lib.numbers import plain
from farmland.places.models import Division
from parcels.models import Work
from subsidies.models import (
    Batch,
    BatchLine,
    Claim,
    Entitlement,
    Fund,
    Payee,
    Program,
    Rate,
    RateVersion,
    Round,
)
from tasks.models import TownYear

PRICE = Decimal(500)
STATES = ("due", "held", "ineligible", "batched")


def owe(town_year: TownYear) -> None:
    """A row for each work that has none yet, its claims, and one batch more."""
    town, by = town_year.town, official(town_year.town)
    rate = Rate.objects.filter(town=town, kinds="abandonment").order_by("order").first()
    version = RateVersion.objects.filter(rate=rate, state="published").first() or RateVersion.objects.create(
        rate=rate, town=town, number=1, rule={}, digest="0" * 64, state="published", published_at=timezone.now()
    )
    once, _ = Round.objects.get_or_create(
        town=town, program=rate.program, year=town_year.year, label=f"{town_year.year} 年", version=1
    )
    care, _ = Round.objects.get_or_create(
        town=town, program=rate.program, year=town_year.year + 1, label="管护", version=1,
        defaults={"is_yearly": True, "closes_on": working_day().replace(year=town_year.year + 1, month=10, day=31)},
    )  # fmt: skip
    unclaimed = Work.objects.filter(town=town, year=town_year.year, claims=None, exit="").exclude(division=town)
    Claim.objects.bulk_create(
        Claim(town=town, division_id=work.division_id, round=care, year=care.year, work=work,
              cap_mu=work.area_mu or Decimal(1), declared_mu=Decimal(0), reason="停种", state="submitted",
              submitted_by=by)
        for work in unclaimed
    )  # fmt: skip
    number = Batch.objects.filter(town=town).count() + 1
    batch = Batch.objects.create(town=town, program=rate.program, round=once, year=town_year.year,
                                 number=f"B{number:03}")  # fmt: skip
    works = Work.objects.filter(town=town, year=town_year.year, parcel__isnull=False, entitlements=None, exit="")
    rows = [_row(work, at, version, once) for at, work in enumerate(works.order_by("pk"))]
    Entitlement.objects.bulk_create(rows, batch_size=500)
    BatchLine.objects.bulk_create(
        BatchLine(town=town, division_id=one.division_id, batch=batch, entitlement=one, payee_kind="village",
                  amount=one.amount)
        for one in rows if one.state == "batched"
    )  # fmt: skip
    _accounts(town_year, by, number)


def _accounts(town_year: TownYear, by, number: int) -> None:
    """An account in use of every village, one more each time, and money of a source."""
    town = town_year.town
    other = User.objects.exclude(pk=by.pk).first() or by
    villages = Division.objects.filter(town=town).exclude(pk=town.pk)
    Payee.objects.bulk_create(
        Payee(town=town, division=one, kind="coop", name=f"合作社 {number}", account=b"-", tail="0000",
              fingerprint=f"{one.pk}", state="active", entered_by=by, confirmed_by=other, confirmed_at=timezone.now())
        for one in villages
    )  # fmt: skip
    for program in Program.objects.filter(town=town, year=town_year.year):
        Fund.objects.create(town=town, program=program, source="county", role="allotted", amount=Decimal(1),
                            on=town_year.today(), by=by)  # fmt: skip


def _row(work: Work, at: int, version: RateVersion, round: Round) -> Entitlement:
    state = STATES[at % len(STATES)]
    area = work.area_mu or Decimal(1)
    amount = (area * PRICE).quantize(Decimal("0.01")) if state in ("due", "batched") else Decimal(0)
    return Entitlement(
        town_id=work.town_id, division_id=work.division_id, program_id=round.program_id, rate_version=version,
        rate_key=version.rate.key, round=round, year=round.year, work=work, subject=f"work:{work.pk}", base_mu=area,
        amount=amount, state=state, reason="" if amount else "待补资料", facts_digest="0" * 64,
        parts=[{"payee_kind": "village", "amount": plain(amount)}],
        explanation={
            "lines": [{"text": f"{plain(area)} 亩 × {PRICE} 元/亩", "amount": plain(amount)}], "works": [str(work.pk)],
            "tests": [{"group": "unless", "text": "一地一补", "result": "no", "found": "没有", "clause": "一",
                       "ruled": None}],
        },
    )  # fmt: skip
