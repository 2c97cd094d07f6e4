"""Writes of the duties: ask for a recompute, do it, freeze a day."""

from dataclasses import fields as dataclass_fields
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import record
from farmland.jobs.models import Job
from farmland.jobs.services import enqueue
from farmland.lib.numbers import plain
from farmland.places.models import Division
from parcels.models import Parcel
from tasks.issue_links import link_year
from tasks.models import Plan, Progress, RedLineResult, Snapshot, TownYear
from tasks.progress import Figure, TownFacts, figures
from tasks.red_lines import TIERS, Line, red_lines
from tasks.waiting import to_accept

COPIED = (
    "kind_id", "tranche", "unit", "amount", "counted", "planned", "potential", "stages", "reached",
    "parcel_total", "parcel_counted", "state", "reason",
)  # fmt: skip


def request_recompute(town: Division, year: int, user=None) -> Job:
    """Queue a recompute of the town-year in the caller's transaction; one runs at a time per town."""
    return enqueue("recompute", town=town, args={"year": year}, user=user, dedupe_key=f"recompute:{town.pk}:{year}")


@transaction.atomic
def recompute(town: Division, year: int, *, now: datetime | None = None, even_closed: bool = False) -> int:
    """Write progress, red lines and parcel stages of a town-year from the facts; the number of rows that changed.

    Idempotent: run again with the same facts it changes nothing but the as-of moment. The town-year's row is the lock.
    A closed year keeps its figures.
    """
    town_year = TownYear.objects.select_for_update(of=("self",)).get(town=town, year=year)
    if town_year.closed_on and not even_closed:
        return 0
    plan = Plan.objects.select_related("town").get(town=town, year=year)
    facts = TownFacts(plan, town_year.today())
    link_year(town, year)
    stale = facts.stale_stages()
    rows = figures(facts)
    moment = now or timezone.now()
    changed = _write_progress(plan, rows, moment)
    changed += _write_red_lines(plan, red_lines(facts, rows), moment)
    changed += _write_stages(stale)
    lines = Progress.objects.filter(town=town, year=year).select_related("target__kind", "division")
    TownYear.objects.filter(pk=town_year.pk).update(as_of=moment, waiting=len(to_accept(lines, facts.ladders)))
    return changed


def _values(figure: Figure) -> dict:
    target = figure.target
    copied = {one.name: getattr(figure, one.name) for one in dataclass_fields(Figure) if one.name in COPIED}
    return {**copied, "kind_id": target.kind_id, "tranche": target.tranche, "unit": target.unit}


def _write_progress(plan: Plan, rows: list[Figure], moment: datetime) -> int:
    stored = {(one.target_id, one.division_id): one for one in Progress.objects.filter(town=plan.town, year=plan.year)}
    new, changed = [], []
    for row in rows:
        values = _values(row)
        old = stored.pop((row.target.pk, row.division and row.division.pk), None)
        if old is None:
            new.append(
                Progress(
                    town=plan.town, year=plan.year, target=row.target, division=row.division, as_of=moment, **values
                )
            )
        elif any(getattr(old, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(old, name, value)
            old.as_of = old.updated_at = moment
            changed.append(old)
    Progress.objects.bulk_create(new, batch_size=500)
    Progress.objects.bulk_update(changed, [*COPIED, "as_of", "updated_at"], batch_size=200)
    gone = [one.pk for one in stored.values()]
    Progress.objects.filter(pk__in=gone).delete()
    return len(new) + len(changed) + len(gone)


def _write_red_lines(plan: Plan, lines: list[Line], moment: datetime) -> int:
    stored = {one.line: one for one in RedLineResult.objects.filter(town=plan.town, year=plan.year)}
    changed = 0
    for line in lines:
        values = _line_values(line)
        old = stored.get(line.line)
        if old is None:
            RedLineResult.objects.create(town=plan.town, year=plan.year, line=line.line, as_of=moment, **values)
        elif any(getattr(old, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(old, name, value)
            old.as_of = moment
            old.save()
        else:
            continue
        changed += 1
    return changed


def _line_values(line: Line) -> dict:
    tiers = {}
    if line.margin is not None:
        for tier in TIERS:
            area = line.counted if tier == "accepted" else line.pending.get(tier)
            tiers[tier] = {"area": None if area is None else plain(area), "margin": plain(line.margin_at(tier))}
        tiers["dead"] = {"area": plain(line.dead), "margin": None}
    return {
        "red_line_id": line.red_line.pk if line.red_line else None,
        "unit": line.unit,
        "target": line.target,
        "actual": line.actual,
        "margin": line.margin,
        "formula": line.formula,
        "shown": line.shown[:300],
        "tiers": tiers,
        "parts": line.parts,
        "state": line.state,
        "reason": line.reason,
    }


def _write_stages(stale: dict[str, list[str]]) -> int:
    """The stage of each parcel: the least advanced of its open works, as far as each has got."""
    moment = timezone.now()
    for stage, keys in stale.items():
        for start in range(0, len(keys), 500):
            Parcel.objects.filter(pk__in=keys[start : start + 500]).update(stage=stage, updated_at=moment)
    return sum(len(keys) for keys in stale.values())


@transaction.atomic
def take_snapshot(town: Division, year: int, day: date, *, is_demo: bool = False) -> int:
    """Freeze the progress of a town-year under ``day``; a day that is frozen already stays as it is."""
    if Snapshot.objects.filter(town=town, year=year, day=day).exists():
        return 0
    rows = []
    for one in Progress.objects.filter(town=town, year=year):
        values = {name: getattr(one, name) for name in COPIED}
        frozen = {"town": town, "year": year, "day": day, "as_of": one.as_of, "is_demo": is_demo}
        rows.append(Snapshot(target_id=one.target_id, division_id=one.division_id, **frozen, **values))
    Snapshot.objects.bulk_create(rows, batch_size=500)
    return len(rows)


def nightly(town: Division, year: int) -> int:
    """Recompute what every change should have recomputed, freeze the day; a difference is a fault, recorded."""
    waiting = Job.objects.filter(
        dedupe_key=f"recompute:{town.pk}:{year}", state__in=[Job.State.QUEUED, Job.State.RUNNING]
    ).exists()
    new_day = not Snapshot.objects.filter(town=town, year=year, day=timezone.localdate()).exists()
    town_year = TownYear.objects.get(town=town, year=year)
    moved = town_year.working_date is None and (
        town_year.as_of is None or timezone.localdate(town_year.as_of) < timezone.localdate()
    )
    changed = recompute(town, year)
    if changed and not waiting and not moved:
        record("夜间重算发现差异", f"{town} {year} 年", town=town, after={"rows": changed})
    if new_day:
        take_snapshot(town, year, timezone.localdate())
    return changed
