"""Closing a year and opening the next one: what is finished stays where it is, what is not goes on with proof."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from farmland.places.models import Division
from parcels.models import Step, Work
from parcels.progress import Ladders
from tasks.models import Issue, Plan, Target, TownYear
from tasks.services import recompute, request_recompute, take_snapshot

ZERO = Decimal(0)


class YearRefused(Exception):
    """Why a year cannot be closed or opened, in Chinese."""


@dataclass(frozen=True)
class Carried:
    """What an opening took along: works moved whole, works of which the rest went on, issues, area in 亩."""

    moved: int
    split: int
    issues: int
    area: Decimal


@transaction.atomic
def close_year(town: Division, year: int, *, by: User | None, on: date, reason: str = "") -> TownYear:
    """Freeze a year: its figures are computed and kept a last time, nothing of it can be entered afterwards."""
    town_year = _locked(town, year)
    if town_year.closed_on:
        raise YearRefused(f"{town} {year} 年已于 {town_year.closed_on:%Y-%m-%d} 关账。")
    if Plan.objects.filter(town=town, year=year).exists():
        recompute(town, year)
        take_snapshot(town, year, timezone.localdate())
    town_year.closed_on = on
    town_year.save(update_fields=["closed_on"])
    record("关账", f"{town} {year} 年", user=by, town=town, after={"closed_on": on.isoformat()}, reason=reason)
    return town_year


@transaction.atomic
def open_year(town: Division, year: int, *, by: User | None) -> Carried:
    """Open ``year`` from the closed year before: unfinished works and issues go on, each with an event as proof.

    A work with nothing counted moves whole (二坪's 67 亩 of 2022). Of a partly counted one the rest goes on as a new
    work that names the old one; what it had reached beyond the counted area is written again with its origin.
    Opening again carries nothing twice.
    """
    before = TownYear.objects.filter(town=town, year=year - 1).first()
    if before is None:
        raise YearRefused(f"{town}没有 {year - 1} 年，不能从上一年结转。")
    before = _locked(town, year - 1)
    if not before.closed_on:
        raise YearRefused(f"{town} {year - 1} 年还没有关账，请先关账再开新年度。")
    opened, _ = TownYear.objects.get_or_create(town=town, year=year)
    ladders, levels = Ladders(town), _counted_levels(town, year - 1)
    moved = split = 0
    area = ZERO
    for work in Work.objects.select_for_update(of=("self",)).filter(town=town, year=year - 1, exit="").order_by("pk"):
        rest, counted = _rest(work, ladders, levels)
        if rest <= 0 or Work.objects.filter(replaces=work, year=year).exists():
            continue
        if counted:
            _go_on(work, year, rest, counted, ladders, levels, by)
            split += 1
        else:
            _move(work, year, by)
            moved += 1
        area += rest
    issues = _carry_issues(town, year, by)
    if moved or split or issues:
        after = {"moved": moved, "split": split, "issues": issues, "area_mu": plain(area)}
        record("开新年度", f"{town} {year} 年", user=by, town=town, after=after)
        if Plan.objects.filter(town=town, year=year).exists():
            request_recompute(town, opened.year, by)
    return Carried(moved, split, issues, area)


def _locked(town: Division, year: int) -> TownYear:
    found = TownYear.objects.select_for_update(of=("self",)).filter(town=town, year=year).first()
    if found is None:
        raise YearRefused(f"{town}没有 {year} 年。")
    return found


def _counted_levels(town: Division, year: int) -> dict[str, str]:
    """The level that counted each kind in the year that ends; a kind's own where no target names it."""
    targets = Target.objects.filter(town=town, plan__year=year).select_related("kind")
    return {target.kind_id: target.level for target in targets}


def _own(work: Work) -> dict[int, Decimal]:
    sums = work.steps.values_list("rung__rank").annotate(area=Sum("area_mu", output_field=QuantityField()))
    return dict(sums.order_by("rung__rank"))


def _rest(work: Work, ladders: Ladders, levels: dict[str, str]) -> tuple[Decimal, Decimal]:
    """What of a work is not counted, and what is."""
    rung = ladders.of_level(work.kind_id, levels.get(work.kind_id) or work.kind.counted_level)
    own = _own(work)
    rank = rung.rank if rung else len(ladders.rungs(work.kind_id))
    counted = max((area for at, area in own.items() if at >= rank), default=ZERO)
    whole = max([work.area_mu or ZERO, *own.values()])
    return whole - counted, counted


def _move(work: Work, year: int, by: User | None) -> None:
    if work.parcel_id is None:
        rival = Work.objects.filter(
            town=work.town, division=work.division, kind=work.kind, year=year, tranche=work.tranche, parcel=None
        ).first()
        if rival is not None:
            raise YearRefused(f"{work.division}“{work.kind}”在 {year} 年已有面积，不能再结转，请先核对。")
    before = work.year
    work.year = year
    work.save(update_fields=["year", "updated_at"])
    if work.parcel_id:
        type(work.parcel).objects.filter(pk=work.parcel_id).update(year=year, updated_at=timezone.now())
    reason = f"{before} 年未完成，结转到 {year} 年"
    record("结转", str(work), user=by, town=work.town, before={"year": before}, after={"year": year}, reason=reason)


def _go_on(
    work: Work, year: int, rest: Decimal, counted: Decimal, ladders: Ladders, levels: dict, by: User | None
) -> None:
    new = Work.objects.create(
        town=work.town,
        division=work.division,
        parcel=work.parcel,
        kind=work.kind,
        year=year,
        tranche=work.tranche,
        measure=work.measure,
        treatment=work.treatment,
        area_mu=rest,
        replaces=work,
        is_demo=work.is_demo,
    )
    own = _own(work)
    for rung in ladders.rungs(work.kind_id):
        more = own.get(rung.rank, ZERO) - counted
        if more > 0 and rung.rank:
            last = work.steps.filter(rung=rung).latest("on")
            verdict = "passed" if rung.level else "reached"
            note = f"自 {work.year} 年结转"
            Step.objects.create(
                town=work.town,
                work=new,
                rung=rung,
                area_mu=more,
                verdict=verdict,
                on=last.on,
                by=last.by,
                note=note,
                is_demo=last.is_demo,
            )
    before = {"year": work.year, "counted_mu": plain(counted)}
    record("结转剩余", str(work), user=by, town=work.town, before=before, after={"year": year, "rest_mu": plain(rest)})


def _carry_issues(town: Division, year: int, by: User | None) -> int:
    """Open issues stand again in the new year's ledger, naming the row they come from."""
    carried = 0
    for issue in Issue.objects.filter(town=town, year=year - 1).exclude(state__in=Issue.CLOSED):
        ledger = f"{issue.ledger}@{issue.year}"[:60]
        if Issue.objects.filter(town=town, year=year, ledger=ledger, serial=issue.serial).exists():
            continue
        origin = str(issue.pk)
        issue.pk, issue._state.adding = Issue._meta.pk.get_default(), True
        issue.year, issue.ledger = year, ledger
        issue.ledger_title = f"{issue.ledger_title}（{year - 1} 年结转）"[:120]
        issue.cells = {**issue.cells, "carried_from": origin}
        issue.save(force_insert=True)
        record("结转问题", str(issue), user=by, town=town, before={"issue": origin}, after={"issue": str(issue.pk)})
        carried += 1
    return carried
