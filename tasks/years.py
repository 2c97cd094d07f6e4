"""Closing a year and opening the next one: what is finished stays where it is, what is not goes on with proof."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from farmland.places.models import Division
from parcels.models import Kind, Parcel, Step, Work
from parcels.progress import Ladders
from tasks.carried import CARRIED, settle_carried
from tasks.models import Issue, Plan, Target, TownYear
from tasks.services import recompute, request_recompute, take_snapshot

ZERO = Decimal(0)


class YearRefused(Exception):
    """Why a year cannot be closed or opened, in Chinese."""


@dataclass(frozen=True)
class Carried:
    """What an opening took along: works moved whole, works of which the rest went on, parcels nobody has worked on
    yet, issues, and the area of the works in 亩."""

    moved: int
    split: int
    parcels: int
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
    if opened.closed_on:
        raise YearRefused(f"{opened}已于 {opened.closed_on:%Y-%m-%d} 关账，不能再结转。")
    idle = _carry_idle_parcels(town, year, by)
    moved, split, area = _carry_works(town, year, by)
    issues = _carry_issues(town, year, by)
    carried = Carried(moved, split, idle, issues, area)
    if moved or split or idle or issues:
        after = {**asdict(carried), "area": plain(area)}
        record("开新年度", f"{town} {year} 年", user=by, town=town, after=after)
        plan = Plan.objects.filter(town=town, year=year).first()
        if plan is not None:
            settle_carried(plan, by=by)
            request_recompute(town, opened.year, by)
    return carried


def _carry_works(town: Division, year: int, by: User | None) -> tuple[int, int, Decimal]:
    """(moved whole, split, area in 亩)."""
    ladders, levels, steps = Ladders(town), _counted_levels(town, year - 1), _own(town, year - 1)
    moved = split = 0
    area = ZERO
    works = Work.objects.select_for_update(of=("self",)).select_related("division", "kind", "parcel", "town")
    for work in works.filter(town=town, year=year - 1, exit="").order_by("pk"):
        own = steps[work.pk]
        rest, counted = _rest(work, own, ladders, levels)
        if rest <= 0 or Work.objects.filter(replaces=work, year=year).exists():
            continue
        _require_free(work, year)
        if counted:
            _go_on(work, year, rest, counted, ladders, own, by)
            split += 1
        else:
            _move(work, year, by)
            moved += 1
        if work.parcel_id:  # a parcel stands in the year that works on it
            Parcel.objects.filter(pk=work.parcel_id).update(year=year, updated_at=timezone.now())
        area += rest
    return moved, split, area


def _locked(town: Division, year: int) -> TownYear:
    found = TownYear.objects.select_for_update(of=("self",)).filter(town=town, year=year).first()
    if found is None:
        raise YearRefused(f"{town}没有 {year} 年。")
    return found


def _counted_levels(town: Division, year: int) -> dict[str, str]:
    """The level that counted each kind in the year that ends: its target's, else that of the kind above it."""
    targets = Target.objects.filter(town=town, plan__year=year).select_related("kind")
    levels = {target.kind_id: target.level for target in targets}
    kinds = {kind.code: kind for kind in Kind.objects.all()}
    for code, kind in kinds.items():
        above = kind
        while above.code not in levels and above.parent_id:
            above = kinds[above.parent_id]
        levels[code] = levels.get(above.code) or kind.counted_level
    return levels


def _own(town: Division, year: int) -> dict[UUID, dict[int, Decimal]]:
    """Work → rank → Σ of its steps."""
    found: dict = defaultdict(dict)
    steps = Step.objects.filter(work__town=town, work__year=year).order_by()
    sums = steps.values_list("work", "rung__rank").annotate(area=Sum("area_mu", output_field=QuantityField()))
    for work, rank, area in sums:
        found[work][rank] = area
    return found


def _rest(work: Work, own: dict[int, Decimal], ladders: Ladders, levels: dict[str, str]) -> tuple[Decimal, Decimal]:
    """What of a work is not counted, and what is."""
    rung = ladders.of_level(work.kind_id, levels[work.kind_id])
    rank = rung.rank if rung else len(ladders.rungs(work.kind_id))
    counted = max((area for at, area in own.items() if at >= rank), default=ZERO)
    whole = max([work.area_mu or ZERO, *own.values()])
    return whole - counted, counted


def _require_free(work: Work, year: int) -> None:
    """A division has one unplaced work of a kind in a year: what was entered there before cannot be mixed in."""
    if work.parcel_id is not None:
        return
    place = {"town": work.town, "division": work.division, "kind": work.kind, "tranche": work.tranche}
    if Work.objects.filter(**place, year=year, parcel=None).exists():
        raise YearRefused(f"{work.division}“{work.kind}”在 {year} 年已有面积，不能再结转，请先核对。")


def _move(work: Work, year: int, by: User | None) -> None:
    before = work.year
    work.year = year
    work.save(update_fields=["year", "updated_at"])
    reason = f"{before} 年未完成，结转到 {year} 年"
    record(
        CARRIED, _subject(work), user=by, town=work.town, before={"year": before}, after={"year": year}, reason=reason,
        about=work.pk,
    )  # fmt: skip


def _subject(work: Work) -> str:
    return f"{work.division} {f'图斑 {work.parcel} ' if work.parcel_id else ''}{work.kind}"


def _go_on(
    work: Work, year: int, rest: Decimal, counted: Decimal, ladders: Ladders, own: dict[int, Decimal], by: User | None
) -> None:
    """A new work for the rest, as far as the old one had got beyond what counted."""
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
                crop=last.crop,
                note=note,
                is_demo=last.is_demo,
            )
    before, after = {"year": work.year, "counted_mu": plain(counted)}, {"year": year, "rest_mu": plain(rest)}
    record("结转剩余", _subject(work), user=by, town=work.town, before=before, after=after)


def _carry_idle_parcels(town: Division, year: int, by: User | None) -> int:
    """Parcels that were issued and that nobody has begun to work on stand in the new year's lists."""
    idle = Parcel.objects.filter(town=town, year=year - 1, works=None)
    names = [str(parcel) for parcel in idle]
    if names:
        Parcel.objects.filter(pk__in=list(idle.values_list("pk", flat=True))).update(
            year=year, updated_at=timezone.now()
        )
        after = {"year": year, "parcels": names}
        record("结转图斑", f"{len(names)} 个未治理图斑", user=by, town=town, before={"year": year - 1}, after=after)
    return len(names)


def _carry_issues(town: Division, year: int, by: User | None) -> int:
    """Open issues stand again in the new year's ledger, naming the row they come from."""
    carried = 0
    for issue in Issue.objects.filter(town=town, year=year - 1).exclude(state__in=Issue.CLOSED):
        ledger = f"{issue.ledger}@{issue.year}"[:60]
        if Issue.objects.filter(town=town, year=year, ledger=ledger, serial=issue.serial).exists():
            continue
        origin, parcels = str(issue.pk), list(issue.parcels.all())
        issue.pk, issue._state.adding = Issue._meta.pk.get_default(), True
        issue.year, issue.ledger = year, ledger
        issue.ledger_title = f"{issue.ledger_title}（{year - 1} 年结转）"[:120]
        issue.cells = {**issue.cells, "carried_from": origin}
        issue.save(force_insert=True)
        issue.parcels.set(parcels)
        record(
            "结转问题", str(issue), user=by, town=town, before={"issue": origin}, after={"issue": str(issue.pk)},
            about=issue.pk,
        )  # fmt: skip
        carried += 1
    return carried
