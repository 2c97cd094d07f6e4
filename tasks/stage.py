"""One stage of one parcel as its village reports it (报环节): what the form says in a row, said from a phone.

As in the form the area is cumulative and the signed difference is written as a step; only stages that villages
report; less than before needs a reason; what was changed meanwhile is shown, not overwritten.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from farmland.accounts.models import User, record
from farmland.jobs.models import Job
from farmland.lib.area import LARGEST
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from farmland.places.models import Term
from parcels.models import Parcel, Rung, Step, Work
from parcels.progress import Ladders
from tasks.forms.facts import said_by_work
from tasks.forms.services import REDATED, last_standing
from tasks.forms.values import NOTHING, Said
from tasks.models import TownYear
from tasks.services import request_recompute

ZERO = Decimal(0)
LONGEST = 300


class StageRefused(Exception):
    """What is wrong, in Chinese, at which field; ``code`` tells a script why."""

    def __init__(self, message: str, *, field: str = "", code: str = "invalid"):
        super().__init__(message)
        self.message, self.field, self.code = message, field, code


@dataclass(frozen=True)
class Report:
    """A stage as reported. ``area`` in 亩 up to ``on``, all of it; ``seen`` is the area the reporter was shown."""

    stage: str
    area: Decimal
    on: date
    crop: str = ""  # code or label of the list "crop"
    reason: str = ""
    work: str = ""  # id, where the parcel has several works
    seen: Decimal | None = None
    key: str = ""


@dataclass(frozen=True)
class Reported:
    """``step`` is None where nothing changed; ``job`` recomputes, None where nothing was written by this call."""

    work: Work
    step: Step | None
    job: Job | None
    area: Decimal


def reported_rungs(ladders: Ladders, kind: str) -> list[Rung]:
    """The stages of a kind that villages report, in order."""
    return [rung for rung in ladders.rungs(kind) if rung.is_reported and not rung.level]


@transaction.atomic
def report_stage(town_year: TownYear, parcel: Parcel, report: Report, *, by: User) -> Reported:
    """Write the difference to what stands. Raises StageRefused; nothing is written then."""
    year = TownYear.objects.select_for_update(of=("self",)).select_related("town").get(pk=town_year.pk)
    if year.closed_on:
        raise StageRefused(f"{year.town} {year.year} 年已关账，只能在新年度填报。", code="closed")
    parcel = Parcel.objects.select_for_update(of=("self",)).select_related("division", "kind").get(pk=parcel.pk)
    if again := earlier(parcel, report, by):
        return Reported(again.work, again, None, report.area)
    work = work_of(year, parcel, report, by)
    rungs = reported_rungs(Ladders(year.town), work.kind_id)
    rung = rung_of(rungs, report, work)
    said = said_by_work([work]).get(work.pk, {})
    before = said.get(rung.code, NOTHING)
    crop = crop_of(year, report.crop) or before.crop
    check_words(year, parcel, report, before)
    check_seen(report, before)
    check_higher(rungs, rung, said, report)
    step = write(year, work, rung, before, Said(report.area, report.on, crop), report, by)
    if step is None:
        return Reported(work, None, None, report.area)
    after = {"stage": rung.name, "area_mu": plain(report.area), "on": report.on.isoformat()}
    record(
        "填报环节", f"图斑 {parcel}", user=by, town=year.town, before={"area_mu": plain(before.area)}, after=after,
        reason=report.reason, about=parcel.pk,
    )  # fmt: skip
    return Reported(work, step, request_recompute(year.town, year.year, by), report.area)


def earlier(parcel: Parcel, report: Report, by: User) -> Step | None:
    """The step this person's key stands for; StageRefused when it stands for another report."""
    if not report.key:
        return None
    step = Step.objects.filter(town=parcel.town_id, by=by, key=report.key).select_related("work", "rung").first()
    if step is None:
        return None
    whole = Step.objects.filter(work=step.work, rung=step.rung, recorded_at__lte=step.recorded_at)
    area = whole.aggregate(area=Sum("area_mu", output_field=QuantityField()))["area"]
    said = (report.stage in (step.rung.code, step.rung.name), report.on, report.area)
    if step.work.parcel_id != parcel.pk or said != (True, step.on, area):
        message = "这个 Idempotency-Key 已用于另一条内容不同的记录，请为每条记录生成新的键。"
        raise StageRefused(message, field="Idempotency-Key", code="key_reused")
    return step


def work_of(year: TownYear, parcel: Parcel, report: Report, by: User) -> Work:
    """The open work that is meant, locked; made when nobody had begun the parcel."""
    if parcel.kind.unit != "mu":
        raise StageRefused(f"“{parcel.kind}”不按面积填报。", field="stage")
    every = Work.objects.select_for_update(of=("self",)).select_related("kind").filter(parcel=parcel, year=year.year)
    works = list(every.order_by("pk"))
    if report.work:
        works = [one for one in works if str(one.pk) == report.work]
    still_open = [one for one in works if not one.exit]
    if len(still_open) == 1:
        return still_open[0]
    if still_open:
        raise StageRefused("这个图斑有几项治理任务，请选是哪一项。", field="work", code="required")
    if works or report.work:
        raise StageRefused("这块图斑已退出本年度治理，不再填报。", field="work", code="conflict")
    return Work.objects.create(
        town=year.town, division=parcel.division, parcel=parcel, kind=parcel.kind, year=year.year,
        area_mu=parcel.gross_mu, is_demo=parcel.is_demo or by.is_demo,
    )  # fmt: skip


def rung_of(rungs: list[Rung], report: Report, work: Work) -> Rung:
    found = next((one for one in rungs if report.stage in (one.code, one.name)), None)
    if found is None:
        names = "、".join(f"{one.name}（{one.code}）" for one in rungs) or "没有"
        text = f"“{work.kind}”没有由村填报的环节“{report.stage[:20]}”，可选：{names}。认定由验收登记。"
        raise StageRefused(text, field="stage")
    return found


def crop_of(year: TownYear, text: str) -> str:
    """The crop's label, as the form writes it."""
    if not text:
        return ""
    for code, label, synonyms in Term.objects.of("crop", year.town).values_list("code", "label", "synonyms"):
        if text in (code, label, *synonyms):
            return label
    raise StageRefused(f"没有作物“{text[:20]}”，请从列表中选择。", field="crop")


def check_words(year: TownYear, parcel: Parcel, report: Report, before: Said) -> None:
    today = year.today()
    if report.area < 0:
        raise StageRefused(f"面积不能为负数，现为 {plain(report.area)}。", field="area_mu")
    if report.area > LARGEST:
        raise StageRefused(f"面积不大于 {LARGEST} 亩，现为 {plain(report.area)}，请核对单位。", field="area_mu")
    if parcel.gross_mu is not None and report.area > parcel.gross_mu:
        text = f"应不大于图斑面积 {plain(parcel.gross_mu)}，现为 {plain(report.area)}。请填实际完成的面积。"
        raise StageRefused(text, field="area_mu")
    if report.on > today:
        raise StageRefused(f"日期不能晚于今天 {today:%Y-%m-%d}，现为 {report.on:%Y-%m-%d}。", field="on")
    if report.on.year < year.year and report.on != before.on:
        raise StageRefused(f"日期应在 {year.year} 年内，现为 {report.on:%Y-%m-%d}。请核对年份。", field="on")
    if len(report.reason) > LONGEST:
        raise StageRefused(f"备注最多 {LONGEST} 字，现有 {len(report.reason)} 字，请缩短。", field="reason")
    if report.area < before.area and not report.reason.strip():
        text = f"面积由 {plain(before.area)} 减为 {plain(report.area)}，请在备注写明原因。"
        raise StageRefused(text, field="reason", code="required")


def check_seen(report: Report, before: Said) -> None:
    """What someone else changed since the page was opened is shown, not written over."""
    if report.seen is not None and report.seen != before.area and report.area != before.area:
        who = f"（{before.by}）" if before.by else ""
        text = (
            f"您打开以后有人改过{who}：您看到的是 {plain(report.seen)} 亩，现在是 {plain(before.area)} 亩，"
            f"您填的是 {plain(report.area)} 亩。请核对后重新填报。"
        )
        raise StageRefused(text, field="area_mu", code="conflict")


def check_higher(rungs: list[Rung], rung: Rung, said: dict, report: Report) -> None:
    """A later stage holds its area: what is planted was ploughed."""
    for later in rungs:
        area = said[later.code].area if later.code in said else ZERO
        if later.rank > rung.rank and area > report.area:
            text = f"后面的“{later.name}”已报 {plain(area)} 亩，“{rung.name}”不能少于它。请先改“{later.name}”。"
            raise StageRefused(text, field="area_mu")


def write(year: TownYear, work: Work, rung: Rung, before: Said, now: Said, report: Report, by: User) -> Step | None:
    """The signed difference; a mere change of day takes the last step back and enters it again, as the form does."""
    if (now.area, now.on, now.crop) == (before.area, before.on, before.crop) or now.area == before.area == 0:
        return None
    common = {"town": year.town, "work": work, "rung": rung, "by": by, "is_demo": by.is_demo}
    area = now.area - before.area
    last = last_standing(work, rung) if area == 0 else None
    if last is not None and last.area_mu > 0:
        undone = {"verdict": "revoked", "on": last.on, "reverses": last, "reason": REDATED}
        Step.objects.create(**common, **undone, area_mu=-last.area_mu)
        area = last.area_mu
    why = report.reason.strip()
    return Step.objects.create(
        **common, area_mu=area, verdict="reached", on=report.on, crop=now.crop, note=why,
        reason=why if area < 0 else "", key=report.key,
    )  # fmt: skip
