"""What the pages of the progress form show, prepared: villages and their last word, tallies, the sheet's excerpt."""

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

from django.db.models import Max, Q, Sum
from django.utils import timezone
from django.utils.safestring import mark_safe

from farmland.lib.numbers import signed
from farmland.places.models import Division
from parcels.models import Parcel, Step
from tasks.forms.changes import Difference
from tasks.forms.doubts import by_row
from tasks.forms.facts import task_name
from tasks.forms.services import Result
from tasks.forms.workbook import AREA, CODES, GROSS, LOCKED
from tasks.models import Form, Progress, Share, Submission, TownYear

EXCERPT_ROWS = 14


@dataclass(frozen=True)
class VillageRow:
    """A village in the town's list: the form that was written last, and the one sent in last, whatever became of it.

    ``late``: names of the tasks that are overdue here.
    """

    division: Division
    written: Submission | None
    last: Submission | None
    late: list[str]
    may_report: bool

    @property
    def is_wrong(self) -> bool:
        """The form sent in last was not taken, and nobody has sent a better one."""
        return self.last is not None and self.last.state in ("refused", "conflict")


def reporting_divisions(user, town_year: TownYear) -> list[Division]:
    """The divisions the user sees that have something to report in this town-year."""
    town, year = town_year.town, town_year.year
    visible = Division.objects.visible_to(user).filter(town=town).alive(town_year.today())
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
    """One row for each reporting division, those that never reported first; a fixed number of queries."""
    divisions = reporting_divisions(user, town_year)
    mine = Submission.objects.visible_to(user).filter(year=town_year.year, division__in=divisions)
    mine = mine.select_related("user")
    last, written = newest(mine)
    late = defaultdict(list)
    overdue = Progress.objects.visible_to(user).filter(
        year=town_year.year, division__in=divisions, state="overdue", target__tranche=""
    )
    for division, name in overdue.order_by("target__order").values_list("division", "target__kind__name"):
        late[division].append(name)
    is_open = town_year.closed_on is None
    rows = [
        VillageRow(one, written.get(one.pk), last.get(one.pk), late[one.pk], is_open and user.can("report", one))
        for one in divisions
    ]
    return sorted(rows, key=lambda row: row.written is not None)


def newest(submissions) -> tuple[dict, dict]:
    """By division the submission that came in last, and the last one that was written; two queries."""
    written_at = Max("submitted_at", filter=Q(state="applied"))
    mine = submissions.select_related(None).order_by()
    times = list(mine.values_list("division").annotate(last=Max("submitted_at"), written=written_at))
    wanted = {moment for _, *moments in times for moment in moments if moment}
    rows = {(one.division_id, one.submitted_at): one for one in submissions.filter(submitted_at__in=wanted)}
    last = {division: rows[division, moment] for division, moment, _ in times}
    return last, {division: rows[division, moment] for division, _, moment in times if moment}


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
    doubtful = len(result.doubts)
    return [*items, ("要核对", doubtful, "处", "risk")] if doubtful else items


def task_sums(result: Result) -> list[tuple[str, Decimal]]:
    """(task and stage, signed difference in 亩): of one task and one stage each."""
    return [(f"{task} · {stage}", area) for task, stage, area in result.outcome.sums(result.look.facts)]


def doubted(result: Result) -> list[Difference]:
    """The differences, each row's doubts beside its first one."""
    left = by_row(result.doubts)
    return [replace(one, doubts=left.pop(one.number, ())) for one in result.outcome.differences]


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
        .values_list("work__kind__name", "work__tranche", "rung__name")
        .annotate(Sum("area_mu"))
        .order_by("work__kind", "work__tranche", "rung__rank")
    )
    areas = [
        (f"{task_name(kind, tranche)} · {stage}", f"{signed(area)} 亩") for kind, tranche, stage, area in sums if area
    ]
    check = submission.content[:8].upper()
    return [
        ("单位", submission.division.name),
        ("年度", f"{submission.year} 年"),
        ("时间", f"{timezone.localtime(submission.submitted_at):%Y-%m-%d %H:%M}"),
        ("表格", f"第 {submission.form.number} 版"),
        ("写入", f"{submission.changed_rows} 行，{len(submission.changes)} 处"),
        *areas,
        ("填报人", str(submission.user or "—")),
        ("校验码", f"{check[:4]}-{check[4:]}"),
    ]
