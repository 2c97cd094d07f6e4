"""Changes of the land inside a town's year: its lock, its closing, the figures that follow.

What a change may say stands in ``parcels.changes``, ``parcels.works`` and ``parcels.verification``; the doors have
asked whether the user may.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from farmland.accounts.models import User
from farmland.jobs.models import Job
from farmland.lib.refused import Refused
from parcels import changes, verification, works
from parcels.models import Kind, Parcel, Work
from tasks.models import Plan, TownYear
from tasks.overlaps import request_overlaps
from tasks.services import request_recompute


@dataclass
class Changing:
    """An open year under its lock; ``job`` recomputes its figures, None while nothing has changed them."""

    year: TownYear
    job: Job | None = None


@contextmanager
def changing(town_year: TownYear) -> Iterator[Changing]:
    """One transaction with the year locked; Refused when it is closed."""
    with transaction.atomic():
        rows = TownYear.objects.select_for_update(of=("self",)).select_related("town")
        year = rows.get(pk=town_year.pk)
        if year.closed_on:
            raise Refused(f"{year.town} {year.year} 年已关账，图斑只能在新年度修改。", code="closed")
        yield Changing(year)


def recompute_after(now: Changing, by: User) -> Job:
    now.job = request_recompute(now.year.town, now.year.year, by)
    return now.job


def check_day(year: TownYear, on: date, field: str = "on") -> None:
    if on > year.today():
        raise Refused(f"日期 {on:%Y-%m-%d} 晚于工作日期 {year.today():%Y-%m-%d}，请改为当日或以前。", field=field)
    if on.year < year.year - 1:
        raise Refused(f"日期 {on:%Y-%m-%d} 早于本年度太多，请核对年份。", field=field)


def allowed_kinds(town_year: TownYear) -> list[Kind]:
    """The kinds a work may have: leaf flows of the year's plan. Two queries."""
    kinds = {one.pk: one for one in Kind.objects.order_by("order", "code")}
    asked = set(Plan.objects.filter(town=town_year.town, year=town_year.year).values_list("targets__kind", flat=True))
    parents = {one.parent_id for one in kinds.values()}

    def is_asked(kind: Kind | None) -> bool:
        return kind is not None and (kind.pk in asked or is_asked(kinds.get(kind.parent_id)))

    return [one for one in kinds.values() if one.nature == Kind.FLOW and one.pk not in parents and is_asked(one)]


def edit(town_year: TownYear, parcel: Parcel, wish: changes.Edit, *, by: User) -> bool:
    with changing(town_year) as now:
        moves = wish.values.get("division", parcel.division) != parcel.division
        done = changes.edit(parcel, wish, by=by)
        if done:
            recompute_after(now, by)
        if done and moves:  # a short code is the same land in its village only
            request_overlaps(now.year.town, now.year.year, by)
        return done


def verify(town_year: TownYear, parcel: Parcel, said: verification.Said, *, by: User) -> bool:
    with changing(town_year) as now:
        check_day(now.year, said.on)
        done = verification.verify(parcel, said, by=by, decides=by.can("decide", parcel.division, parcel.kind_id))
        if done:
            recompute_after(now, by)
        return done


def settle(town_year: TownYear, parcel: Parcel, *, by: User, version: int | None = None) -> None:
    with changing(town_year) as now:
        verification.settle(parcel, by=by, version=version)
        recompute_after(now, by)


def add_work(
    town_year: TownYear, parcel: Parcel, kind: str, plan: works.Plan, *, by: User, key: str = ""
) -> tuple[Work, bool]:
    with changing(town_year) as now:
        found = next((one for one in allowed_kinds(now.year) if one.pk == kind), None)
        if found is None:
            raise Refused("任务应为本年度方案按面积销账的末级任务，请从列表中选择。", field="kind")
        work, is_new = works.add_work(parcel, found, plan, by=by, key=key)
        if is_new:
            recompute_after(now, by)
        return work, is_new


def change_work(town_year: TownYear, work: Work, plan: works.Plan, *, by: User, reason: str = "") -> bool:
    with changing(town_year) as now:
        done = works.change_work(work, plan, by=by, reason=reason)
        if done:
            recompute_after(now, by)
        return done


def exit_work(town_year: TownYear, work: Work, exit: str, reason: str, *, by: User) -> None:
    with changing(town_year) as now:
        if exit == "substituted":
            raise Refused("调换须写明用哪个图斑替换，请用“调换”登记。", field="exit")
        works.exit_work(work, exit, reason, by=by)
        recompute_after(now, by)


def substitute(town_year: TownYear, work: Work, other: Parcel, area, reason: str, *, by: User) -> Work:
    with changing(town_year) as now:
        if other.year != now.year.year or other.town_id != now.year.town_id:
            raise Refused("替换的图斑应在本镇本年度的清单里。", field="other")
        found = works.substitute(work, other, area, reason, by=by)
        recompute_after(now, by)
        return found


def reopen_work(town_year: TownYear, work: Work, reason: str, *, by: User) -> None:
    with changing(town_year) as now:
        works.reopen_work(work, reason, by=by)
        recompute_after(now, by)
