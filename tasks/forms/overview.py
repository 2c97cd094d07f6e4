"""What the pages of the progress form show, prepared: villages and their last word, tallies, the sheet's excerpt."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Max, Q, Sum
from django.utils.safestring import mark_safe

from farmland.lib.numbers import signed
from farmland.places.models import Division
from parcels.models import Parcel, Step
from tasks.forms.services import Result
from tasks.forms.workbook import AREA, CODES, GROSS, LOCKED
from tasks.models import Form, Share, Submission, TownYear

EXCERPT_ROWS = 14


@dataclass(frozen=True)
class VillageRow:
    """A village in the town's list: when it last reported, and what it sent in last."""

    division: Division
    last: Submission | None
    reported_at: datetime | None


def reporting_divisions(user, town_year: TownYear) -> list[Division]:
    """The divisions the user sees that have something to report in this town-year."""
    town, year = town_year.town, town_year.year
    visible = Division.objects.visible_to(user).filter(town=town)
    has_work = (
        Q(pk__in=Share.objects.filter(town=town, target__plan__year=year).values("division"))
        | Q(pk__in=Parcel.objects.filter(town=town, year=year).values("division"))
        | Q(pk__in=Form.objects.filter(town=town, year=year).values("division"))
    )
    found = list(visible.filter(has_work).order_by("order", "path"))
    if not found:
        found = list(visible.filter(parent=town).order_by("order", "path"))
    return found or list(visible.order_by("path")[:1])


def village_rows(user, town_year: TownYear) -> list[VillageRow]:
    """One row for each reporting division, those that never reported first; three queries."""
    divisions = reporting_divisions(user, town_year)
    mine = Submission.objects.visible_to(user).filter(year=town_year.year, division__in=divisions)
    newest = dict(mine.values_list("division").annotate(Max("submitted_at")))
    applied = dict(mine.filter(state="applied").values_list("division").annotate(Max("submitted_at")))
    last = {
        one.division_id: one
        for one in mine.filter(submitted_at__in=newest.values()).select_related("user")
        if one.submitted_at == newest[one.division_id]
    }
    rows = [VillageRow(one, last.get(one.pk), applied.get(one.pk)) for one in divisions]
    return sorted(rows, key=lambda row: row.reported_at is not None)


def tally(result: Result) -> list[tuple]:
    """The counts a preview opens with."""
    reading, outcome = result.look.reading, result.outcome
    total, changed = len(reading.table), outcome.changed_rows
    wrong, asked = len(result.errors), len(outcome.conflicts)
    items = [
        ("表内", total, "行"),
        ("有变化", changed, "行"),
        ("没有变化", max(total - changed - len({error.cell[1:] for error in result.errors}), 0), "行"),
        ("要改", wrong, "格", "risk" if wrong else ""),
        ("要选", asked, "处", "risk" if asked else ""),
    ]
    return [*items, *[(f"{name}增减", signed(area), "亩") for name, area in stage_sums(result)[-1:]]]


def stage_sums(result: Result) -> list[tuple[str, Decimal]]:
    """(stage, signed difference in 亩) from low to high; stages of the same name in several ladders are one."""
    sums = result.outcome.by_stage()
    stages = {stage.code: stage for ladder in result.look.facts.stages.values() for stage in ladder}
    ordered = sorted((stages[code].rank, stages[code].name, area) for code, area in sums.items() if area)
    return [(name, area) for _, name, area in ordered]


@dataclass(frozen=True)
class ExcerptCell:
    text: str
    tone: str  # "", bad, new or locked
    is_number: bool
    is_code: bool

    @property
    def css(self) -> str:
        return " ".join([*(["num"] if self.is_number else []), *([self.tone] if self.tone in ("bad", "new") else [])])

    @property
    def marks(self) -> str:
        """What tells a reader without colours."""
        return mark_safe({"bad": 'aria-invalid="true"', "locked": "data-locked"}.get(self.tone, ""))


def excerpt(result: Result) -> dict | None:
    """The rows around the wrong cells: columns as (letter, heading, locked) and rows as (number, cells)."""
    reading = result.look.reading
    if reading is None or not result.errors:
        return None
    wrong = {error.cell for error in result.errors}
    new = {one.cell for one in result.outcome.differences}
    near = {number + step for number in map(row_number, wrong) for step in (-1, 0, 1)}
    numbers = [number for number in sorted(reading.table) if number in near][:EXCERPT_ROWS]
    locked = LOCKED[reading.layout]
    rows = []
    for number in numbers:
        cells = []
        for heading, letter in reading.columns.items():
            cell = f"{letter}{number}"
            tone = "bad" if cell in wrong else "new" if cell in new else "locked" if heading in locked else ""
            value = reading.table[number][heading]
            cells.append(ExcerptCell(value, tone, heading in (AREA, GROSS), heading == CODES))
        rows.append((number, cells))
    columns = [(letter, heading, heading in locked) for heading, letter in reading.columns.items()]
    return {"columns": columns, "rows": rows, "first": numbers[0], "last": numbers[-1]} if rows else None


def row_number(cell: str) -> int:
    return int(cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") or 0)


def receipt_facts(submission: Submission) -> list[tuple[str, str]]:
    """What a receipt says, as it was written."""
    sums = (
        Step.objects.filter(submission=submission.pk)
        .values_list("rung__rank", "rung__name")
        .annotate(Sum("area_mu"))
        .order_by("rung__rank")
    )
    areas = [(name, f"{signed(area)} 亩") for _, name, area in sums if area]
    check = submission.content[:8].upper()
    return [
        ("单位", submission.division.name),
        ("年度", f"{submission.year} 年"),
        ("表格", f"第 {submission.form.number} 版"),
        ("写入", f"{submission.changed_rows} 行，{len(submission.changes)} 处"),
        *areas,
        ("填报人", str(submission.user or "—")),
        ("校验码", f"{check[:4]}-{check[4:]}"),
    ]
