"""What a town's people leave behind in a year: forms handed in, issues, findings, jobs, audit trail, colleagues."""

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

from django.utils import timezone

from bench.land import working_day
from bench.towns import official, person
from farmland.accounts.models import Grant, User, record
from farmland.jobs.models import Job, Upload
from farmland.places.models import Division
from parcels.models import Inspection, InspectionItem, Kind, Proposal, Step, Work
from parcels.progress import Ladders
from tasks.forms.receipts import next_receipt
from tasks.models import Clue, Finding, Form, Issue, Plan, Referral, Submission, TownYear

BATCH = 20


def leave(town_year: TownYear, count: int) -> None:
    """``count`` rows of each sort, spread over the villages; called again it adds as many more."""
    town = town_year.town
    by = official(town)
    villages = list(Division.objects.filter(town=town).exclude(pk=town.pk).order_by("path"))
    first = Issue.objects.filter(town=town, ledger="bench").count()
    numbers = range(first, first + count)
    for number in numbers:
        village = villages[number % len(villages)]
        person("village_head", village, f"{town.slug}-head-{number}")
        record("登记", f"第 {number} 件", user=by, town=town, after={"number": number})
        _submission(town_year, village, by, number)
        _acceptance(town_year, village, by, number)
    _issues(town_year, villages, numbers)
    _clues(town_year, villages, by, numbers)
    _proposals(town_year, villages, by, numbers)
    _batch(town_year, by)
    plan = Plan.objects.get(town=town, year=town_year.year)
    Finding.objects.bulk_create(
        Finding(
            plan=plan, town=town, year=plan.year, rule="C03", severity="error", place=f"第 {number} 处",
            clause="二（一）", stated="10", computed="11", message="分解合计与原文不符。", order=1000 + number,
        )
        for number in numbers
    )  # fmt: skip


def _batch(town_year: TownYear, by: User) -> None:
    """A batch over works that no other batch has, drawn in half."""
    works = Work.objects.filter(town=town_year.town, kind="abandonment", inspected=None).order_by("pk")[:BATCH]
    number = Inspection.objects.filter(town=town_year.town).count() + 1
    batch = Inspection.objects.create(
        town=town_year.town, division=town_year.town, year=town_year.year, kind_id="abandonment", level="town",
        number=number, sample_percent=Decimal(50), seed="bench", created_by=by,
    )  # fmt: skip
    InspectionItem.objects.bulk_create(
        InspectionItem(town=town_year.town, inspection=batch, work=one, declared_mu=Decimal(1)) for one in works
    )


def _submission(town_year: TownYear, village: Division, by: User, number: int) -> None:
    digest = sha256(f"{village.pk}-{number}".encode()).hexdigest()
    upload = Upload.objects.create(
        town=town_year.town, division=village, user=by, name=f"{village}_进度.xlsx", sha256=digest, size=1,
        path=f"none/{digest}", purpose="form",
    )  # fmt: skip
    ended = {"state": "done", "finished_at": timezone.now(), "progress_total": 3, "progress_done": 3}
    job = Job.objects.create(kind="recompute", town=town_year.town, created_by=by, result={}, **ended)
    form = Form.objects.create(
        town=town_year.town, division=village, year=town_year.year, number=1000 + number, digest=digest, issued_to=by
    )
    Submission.objects.create(
        town=town_year.town, division=village, year=town_year.year, upload=upload, user=by, content=digest,
        state="applied", receipt=next_receipt(village, town_year.year), changed_rows=3, form=form,
        job=job.pk,
    )  # fmt: skip


def _acceptance(town_year: TownYear, village: Division, by: User, number: int) -> None:
    kind = Kind.objects.get(code="abandonment")
    place = {"town": town_year.town, "division": village, "kind": kind, "year": town_year.year, "parcel": None}
    work, _ = Work.objects.get_or_create(**place, defaults={"area_mu": Decimal(100)})
    rung = Ladders(town_year.town).rung(kind.code, "village_accepted")
    Step.objects.create(
        town=town_year.town, work=work, rung=rung, area_mu=Decimal("0.5"), verdict="passed", by=by,
        on=working_day() - timedelta(days=number % 90),
    )  # fmt: skip


def _issues(town_year: TownYear, villages: list[Division], numbers: range) -> None:
    facts = {"town": town_year.town, "year": town_year.year, "kind": Kind.objects.get(code="illegal_use")}
    facts |= {"ledger": "bench", "ledger_title": "问题台账", "problem_kind": "illegal_use", "measure": "restore"}
    Issue.objects.bulk_create(
        Issue(
            **facts, serial=str(number), codes=[f"W{number:06}"], division=villages[number % len(villages)],
            responsible_division=villages[number % len(villages)], area_mu=Decimal("1.25"), order=1000 + number,
            due_on=working_day() + timedelta(days=number % 60 - 30),
        )
        for number in numbers
    )  # fmt: skip


def _clues(town_year: TownYear, villages: list[Division], by: User, numbers: range) -> None:
    facts = {"town": town_year.town, "year": town_year.year, "by": by, "category": "idle"}
    Clue.objects.bulk_create(
        Clue(**facts, division=villages[number % len(villages)], place=f"{number} 组路口") for number in numbers
    )
    common = {"town": town_year.town, "year": town_year.year, "by": by, "found_on": working_day()}
    Referral.objects.bulk_create(
        Referral(**common, subject=f"第 {number} 件", referred_to="纪委", referred_on=working_day())
        for number in numbers
    )


def _proposals(town_year: TownYear, villages: list[Division], by: User, numbers: range) -> None:
    facts = {"town": town_year.town, "year": town_year.year, "kind_id": "abandonment", "area_mu": 1, "slope": 3}
    facts |= {"in_redline": False, "consented_on": working_day(), "land_class": "0305", "planned_order": 1}
    Proposal.objects.bulk_create(
        Proposal(**facts, division=villages[number % len(villages)], code=f"Z{number}", proposed_by=by)
        for number in numbers
    )


def heads(town_year: TownYear) -> list[User]:
    grants = Grant.objects.filter(division__town=town_year.town, role="village_head").select_related("user")
    return [grant.user for grant in grants.order_by("pk")]
