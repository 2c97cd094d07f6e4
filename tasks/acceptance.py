"""The acceptance door (验收): the only way area becomes counted. Append-only; a mistake is reversed, never edited."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter

from django.db import transaction
from django.db.models import Sum

from farmland.accounts.models import User, record
from farmland.jobs.models import Job
from farmland.lib.area import LARGEST
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from farmland.places.models import Division
from parcels.models import Kind, Parcel, Rung, Step, Work
from parcels.progress import Ladders
from tasks.models import Target, TownYear
from tasks.services import request_recompute

ZERO = Decimal(0)
NAMED = 5  # records in the way that a refusal names


@dataclass(frozen=True)
class Wish:
    """An acceptance as asked for. ``area`` in 亩 (accepted in this batch), ``declared`` what was presented."""

    division: Division  # the town itself where no village is named
    kind: Kind
    level: str
    area: Decimal
    on: date
    verdict: str  # passed, partial, returned
    reason: str = ""
    parcel: Parcel | None = None
    tranche: str = ""
    declared: Decimal | None = None
    key: str = ""  # of the request: the same key again is the same acceptance
    work: Work | None = None  # one of several works of this kind on the parcel; else the door finds it


@dataclass(frozen=True)
class Accepted:
    """``job`` recomputes the figures; None for a repeated request, which changes nothing."""

    step: Step
    job: Job | None


@transaction.atomic
def accept(town_year: TownYear, wish: Wish, *, by: User) -> Accepted:
    """Enter an acceptance. Refused explains every refusal; nothing is written then."""
    year = open_year(town_year)
    if again := _earlier(wish.key, by, _facts_of(wish)):
        return Accepted(again, None)
    rung = _rung(year, wish)
    _check_words(year, wish)
    work = _work(year, wish, by)
    _check_person(work, by)
    _check_room(work, rung, wish)
    verdict = _verdict(wish)
    step = Step.objects.create(
        town=year.town,
        work=work,
        rung=rung,
        area_mu=wish.area,
        declared_mu=wish.declared,
        verdict=verdict,
        on=wish.on,
        by=by,
        reason=wish.reason,
        key=wish.key,
        is_demo=by.is_demo,
    )
    after = {"area_mu": plain(wish.area), "on": wish.on.isoformat(), "verdict": verdict}
    record(f"登记{rung.name}", _subject(work), user=by, town=year.town, after=after, reason=wish.reason)
    return Accepted(step, request_recompute(year.town, year.year, by))


@transaction.atomic
def reverse(step: Step, *, by: User, reason: str, on: date, area: Decimal | None = None, key: str = "") -> Accepted:
    """Take back an acceptance, whole or in part, by a negative row that names it."""
    if not reason.strip():
        raise Refused("请写明冲销的原因。", field="reason")
    year = open_year(TownYear.objects.get(town=step.town_id, year=step.work.year))
    reason = reason.strip()
    asked = {"reverses_id": step.pk, "on": on, "reason": reason} | ({} if area is None else {"area_mu": -area})
    if again := _earlier(key, by, asked):
        return Accepted(again, None)
    work = Work.objects.select_for_update(of=("self",)).get(pk=step.work_id)
    left = step.area_mu + _sum(Step.objects.filter(reverses=step))
    area = left if area is None else area
    if step.verdict not in ("passed", "partial") or left <= 0:
        raise Refused("这条记录已经全部冲销，或不是验收通过的记录，不能再冲销。", field="reverses")
    if not ZERO < area <= left:
        raise Refused(f"冲销面积应大于 0、不大于尚未冲销的 {plain(left)}，现为 {plain(area)}。", field="accepted_mu")
    _check_day(year, on, "accepted_on")
    if on < step.on:
        raise Refused(f"冲销日期 {on:%Y-%m-%d} 早于原记录的 {step.on:%Y-%m-%d}，请核对。", field="accepted_on")
    _check_higher_levels(step)
    undone = Step.objects.create(
        town=year.town,
        work=work,
        rung=step.rung,
        area_mu=-area,
        verdict="revoked",
        on=on,
        by=by,
        reason=reason,
        reverses=step,
        key=key,
        is_demo=by.is_demo,
    )
    before = {"step": str(step.pk), "area_mu": plain(step.area_mu)}
    record(
        f"冲销{step.rung.name}",
        _subject(work),
        user=by,
        town=year.town,
        before=before,
        after={"area_mu": plain(-area)},
        reason=reason,
    )
    return Accepted(undone, request_recompute(year.town, year.year, by))


def _check_higher_levels(step: Step) -> None:
    """Higher levels stand on lower ones: take the higher ones back first. The refusal names each of them."""
    higher = Step.objects.filter(work=step.work_id, rung__rank__gt=step.rung.rank).exclude(rung__level="")
    higher = higher.select_related("rung").order_by("-rung__rank", "-on", "-pk")
    left: dict = {one.pk: one.area_mu for one in higher if not one.reverses_id}
    for one in higher:
        if one.reverses_id in left:
            left[one.reverses_id] += one.area_mu
    found = [one for one in higher if left.get(one.pk, ZERO) > 0]
    if not found:
        return
    named = [f"{one.on:%Y-%m-%d} {one.rung.name} {plain(left[one.pk])} 亩" for one in found]
    more = f" 等 {len(found)} 条" if len(found) > NAMED else ""
    raise Refused(
        f"更高层级还认定着 {plain(sum((left[one.pk] for one in found), ZERO))} 亩，请先冲销更高层级的记录："
        f"{'；'.join(named[:NAMED])}{more}。",
        field="reverses", code="conflict", rows=tuple(str(one.pk) for one in found[:NAMED]),
    )  # fmt: skip


def _earlier(key: str, by: User, facts: dict) -> Step | None:
    """The step this key already stands for; Refused when that step says something else than ``facts``."""
    step = Step.objects.filter(by=by, key=key).select_related("work", "rung").first() if key else None
    if step is not None and any(attrgetter(name)(step) != value for name, value in facts.items()):
        message = "这个 Idempotency-Key 已用于另一条内容不同的记录，请为每条记录生成新的键。"
        raise Refused(message, field="non_field_errors", code="key_reused")
    return step


def _facts_of(wish: Wish) -> dict:
    """What a step for this wish holds, by attribute."""
    return {
        "work.division_id": wish.division.pk, "work.kind_id": wish.kind.pk, "work.tranche": wish.tranche,
        "work.parcel_id": wish.parcel and wish.parcel.pk, "rung.level": wish.level, "area_mu": wish.area,
        "declared_mu": wish.declared, "on": wish.on, "reason": wish.reason, "reverses_id": None,
        "verdict": _verdict(wish),
    }  # fmt: skip


def _verdict(wish: Wish) -> str:
    """As asked; less passed than was presented is a part."""
    is_part = wish.verdict == "passed" and wish.declared and wish.area < wish.declared
    return "partial" if is_part else wish.verdict


def open_year(town_year: TownYear) -> TownYear:
    """The town-year under its lock, or Refused when it is closed."""
    year = TownYear.objects.select_for_update(of=("self",)).select_related("town").get(pk=town_year.pk)
    if year.closed_on:
        raise Refused(f"{year.town} {year.year} 年已关账，只能在新年度登记。", code="closed")
    return year


def _rung(year: TownYear, wish: Wish) -> Rung:
    if wish.kind.nature in (Kind.STOCK, Kind.OPEN):
        how = "由调查数据和相关任务得出" if wish.kind.nature == Kind.STOCK else "按台账逐条销号"
        raise Refused(f"“{wish.kind}”{how}，不能直接登记验收面积。", field="kind")
    targets = Target.objects.filter(town=year.town, plan__year=year.year, kind=wish.kind)
    if not targets.exists():
        raise Refused(f"{year.town} {year.year} 年方案中没有“{wish.kind}”任务。", field="kind")
    if wish.kind.children.exists():
        leaves = "、".join(str(one) for one in Kind.objects.filter(code__in=wish.kind.leaves()))
        raise Refused(f"“{wish.kind}”由下级任务合计，请按下级任务登记：{leaves}。", field="kind")
    if wish.tranche and not targets.filter(tranche=wish.tranche).exists():
        raise Refused(f"“{wish.kind}”没有名为“{wish.tranche}”的批次。", field="tranche")
    ladders = Ladders(year.town)
    rung = ladders.of_level(wish.kind.code, wish.level)
    if rung is None:
        levels = "、".join(one.level for one in ladders.rungs(wish.kind.code) if one.level)
        raise Refused(f"“{wish.kind}”没有层级“{wish.level}”，可用的有：{levels}。", field="level")
    return rung


def _check_words(year: TownYear, wish: Wish) -> None:
    _check_day(year, wish.on, "accepted_on")
    if wish.verdict == "returned":
        if wish.area:
            raise Refused(f"退回不计面积，面积应为 0，现为 {plain(wish.area)}。", field="accepted_mu")
        if not wish.reason.strip():
            raise Refused("退回须写明原因。", field="reason")
    elif wish.area <= ZERO:
        raise Refused(f"验收面积应大于 0，现为 {plain(wish.area)}。", field="accepted_mu")
    elif wish.area > LARGEST:
        raise Refused(f"验收面积不大于 {LARGEST} 亩，现为 {plain(wish.area)}，请核对数字和单位。", field="accepted_mu")
    if wish.verdict == "partial" and not wish.reason.strip():
        raise Refused("部分通过须写明原因。", field="reason")
    if wish.declared is not None and wish.declared < wish.area:
        message = f"认定面积 {plain(wish.area)} 大于送验面积 {plain(wish.declared)}，请核对。"
        raise Refused(message, field="accepted_mu")


def _check_day(year: TownYear, on: date, field: str) -> None:
    if on > year.today():
        raise Refused(f"日期 {on:%Y-%m-%d} 晚于工作日期 {year.today():%Y-%m-%d}，请改为当日或以前。", field=field)
    if on.year < year.year - 1:
        raise Refused(f"日期 {on:%Y-%m-%d} 早于本年度太多，请核对年份。", field=field)


def _work(year: TownYear, wish: Wish, by: User) -> Work:
    """The work that is accepted, locked: the parcel's own, or the division's unplaced one, made when missing."""
    if wish.work is not None:
        return _named(year, wish)
    place = {"town": year.town, "kind": wish.kind, "year": year.year, "tranche": wish.tranche}
    if wish.parcel is None:
        new = {"is_demo": by.is_demo}
        work, _ = Work.objects.get_or_create(**place, division=wish.division, parcel=None, defaults=new)
    else:
        works = Work.objects.filter(**place, parcel=wish.parcel, exit="").order_by("pk")
        work = works.first()
        if work is None:
            raise Refused(f"图斑 {wish.parcel} 没有“{wish.kind}”的治理任务，或已退出。", field="parcel")
    return _locked(work)


def _named(year: TownYear, wish: Wish) -> Work:
    """The work the wish itself names, when it is still open this year."""
    work = _locked(wish.work)
    if work.exit:
        raise Refused(f"这项治理已退出（{work.get_exit_display()}），不能验收。", field="parcel")
    if (work.town_id, work.year, work.kind_id) != (year.town_id, year.year, wish.kind.pk):
        raise Refused("这项治理不是本镇本年度的这类任务，请刷新后重新选择。", field="parcel")
    return work


def _locked(work: Work) -> Work:
    return Work.objects.select_for_update(of=("self",)).select_related("parcel", "division", "kind").get(pk=work.pk)


def _check_person(work: Work, by: User) -> None:
    """Who reports may not accept: on the record of this work, whatever roles the person holds."""
    if Step.objects.filter(work=work, by=by, rung__is_reported=True, area_mu__gt=0).exists():
        message = "本项进度是您本人填报的，填报人不能验收，请由另一位同事登记。"
        raise Refused(message, field="non_field_errors", code="same_person")


def _check_room(work: Work, rung: Rung, wish: Wish) -> None:
    if work.parcel is None or work.parcel.gross_mu is None:
        return
    before = _sum(Step.objects.filter(work__parcel=work.parcel, work__year=work.year, rung=rung))
    if before + wish.area > work.parcel.gross_mu:
        raise Refused(
            f"图斑面积 {plain(work.parcel.gross_mu)} 亩，{rung.name}已登记 {plain(before)} 亩，"
            f"再加 {plain(wish.area)} 亩就超出了，请核对。",
            field="accepted_mu",
        )


def _sum(steps) -> Decimal:
    return steps.aggregate(area=Sum("area_mu", output_field=QuantityField()))["area"] or ZERO


def _subject(work: Work) -> str:
    place = f"图斑 {work.parcel}" if work.parcel_id else str(work.division)
    return f"{place} {work.kind} {work.year} 年"
