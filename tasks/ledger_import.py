"""A problem ledger as a file: read, compared with what stands, and written all or nothing. The raw file is kept."""

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction

from farmland.accounts.models import User, record
from farmland.jobs.models import Upload
from farmland.lib.excel import (
    Cell,
    CellError,
    FileRefused,
    Row,
    Sheet,
    cell_code,
    find_header,
    read_csv,
    read_workbook,
)
from farmland.lib.numbers import narrow, parse_stated, plain
from tasks.acceptance import Refused
from tasks.issue_entry import described, lay
from tasks.issue_links import link_parcels
from tasks.issues import locked_year
from tasks.ledger_columns import ALIASES, AREAS, COLUMNS, Line, Places, printed, read_line
from tasks.models import Issue, IssueEvent, TownYear
from tasks.rulebook import Rulebook, rulebook
from tasks.services import request_recompute

PURPOSE = "ledger_import"
MAX_ROWS = 3000
CHANGED = "预览之后台账有变化，没有导入。请重新预览后再确认。"
TOTALS = ("合计", "总计", "小计", "合 计")
FREE = ("open", "reopened")  # states in which a ledger may still say the measure


@dataclass(frozen=True)
class Target:
    """The ledger a file goes into: ``key`` and title, and the kind of its new rows."""

    key: str
    title: str
    kind: str


@dataclass
class Wanted:
    """A row of the file with where it stands, and the issue it is about (None: new)."""

    line: Line
    sheet: str
    number: int
    issue: Issue | None = None
    changes: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{self.sheet} 第 {self.number} 行"


@dataclass
class Comparison:
    """What an import would do; ``errors`` keep all of it out."""

    new: list[Wanted] = field(default_factory=list)
    changed: list[Wanted] = field(default_factory=list)
    same: list[Wanted] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        return not (self.new or self.changed)

    @property
    def rows(self) -> list[Wanted]:
        return [*self.new, *self.changed, *self.same]

    def totals(self) -> dict:
        sums = {
            name: sum((one.line.values[field_name] or Decimal(0) for one in self.rows), Decimal(0))
            for name, field_name in AREAS.items()
        }
        return sums | {"count": len(self.rows), "codes": sum(len(one.line.values["codes"]) for one in self.rows)}

    def fingerprint(self) -> str:
        """The same only while the import would still do the same."""
        what = [[one.line.texts for one in self.new], [[str(one.issue.pk), one.changes] for one in self.changed]]
        text = json.dumps([*what, len(self.same)], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def preview(town_year: TownYear, upload: Upload, target: Target, user: User) -> Comparison:
    """What the file would do; nothing is written. ``FileRefused`` when it is no ledger."""
    sheet, head = _sheet(upload)
    return Comparer(town_year, target, user).compare(sheet, head)


def _sheet(upload: Upload) -> tuple[Sheet, dict]:
    """The one sheet that has the ledger's headings, and where they stand."""
    found, refusals = [], []
    for sheet in _sheets(upload.full_path, upload.name):
        if sheet.state == "visible" and sheet.rows:
            try:
                found.append((sheet, find_header(sheet, list(COLUMNS.values()), ALIASES)))
            except FileRefused as refusal:
                refusals.append(refusal)
    if len(found) == 1:
        return found[0]
    if found:
        names = "、".join(sheet.name for sheet, _ in found)
        raise FileRefused("sheets-several", f"有 {len(found)} 张表都是台账（{names}），请每张单独存成一个文件。")
    raise refusals[0] if refusals else FileRefused("empty-file", "文件里没有内容，请重新选择。")


def _sheets(path: Path, name: str) -> list[Sheet]:
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    limits = {"max_rows": MAX_ROWS, "max_cols": 60, "max_bytes": settings.FORM_MAX_BYTES}
    if not is_zip and Path(name).suffix.lower() in (".csv", ".txt"):
        return [read_csv(path, **limits)]
    return list(read_workbook(path, **limits).sheets.values())


class Comparer:
    """The rows of one file against the issues of one ledger, loaded with a fixed number of queries."""

    def __init__(self, town_year: TownYear, target: Target, user: User):
        self.year, self.town, self.target, self.user = town_year.year, town_year.town, target, user
        self.book = rulebook(self.town, self.year)
        self.places = Places.of(self.town)
        rows = Issue.objects.filter(town=self.town, year=self.year, ledger=target.key).select_related(
            "town", "division"
        )
        self.standing = {issue.serial: issue for issue in rows}
        self.may: dict[int, bool] = {}
        self.done = Comparison()

    def compare(self, sheet: Sheet, head) -> Comparison:
        done, seen = self.done, {}
        done.errors += sheet.problems(list(head.values()), from_row=head.row_number + 1)
        wanted = [head[heading] for heading in COLUMNS.values()]
        for row in sheet.rows:
            if row.number <= head.row_number or not any(row[index] for index in wanted):
                continue
            if _is_total(row):
                self._check_totals(row, head)
                continue
            self._row(sheet, head, row, seen)
        missing = len(self.standing) - sum(1 for one in done.rows if one.issue)
        if missing > 0 and not done.errors:
            done.notes.append(f"台账里另有 {missing} 行不在文件里，保持不变。")
        done.notes = list(dict.fromkeys(done.notes))
        return done

    def _row(self, sheet: Sheet, head, row: Row, seen: dict) -> None:
        try:
            texts = {name: _text(row[head[heading]], name) for name, heading in COLUMNS.items()}
        except ValueError as error:
            self.done.errors.append(sheet.error(row, head[COLUMNS["codes"]], str(error)))
            return
        line = read_line(texts, self.book, self.places, self.year)
        one = Wanted(line, sheet.name, row.number, self.standing.get(texts["serial"]))
        self._check(one, seen)
        if line.errors:
            errors = line.errors.items()
            self.done.errors += [sheet.error(row, head[COLUMNS[name]], text) for name, text in errors]
            return
        self.done.notes += line.notes
        self._sort(one)

    def _check(self, one: Wanted, seen: dict) -> None:
        """What only the file as a whole, the standing row or the user's scope can tell."""
        line, serial = one.line, one.line.texts["serial"]
        if not serial:
            line.errors["serial"] = "请写序号。"
        elif serial in seen:
            line.errors["serial"] = f"序号“{serial}”与第 {seen[serial]} 行重复。"
        seen.setdefault(serial, one.number)
        division = line.values.get("division")
        if division is not None and not self._allowed(division):
            line.errors["responsible"] = f"“{division}”不在您可以导入的范围内。"
        if one.issue and not line.errors:
            self._check_standing(one)

    def _check_standing(self, one: Wanted) -> None:
        before = read_line(printed(one.issue, self.book, self.year), self.book, self.places, self.year).meaning
        after = one.line.meaning
        names = [name for name in after if before.get(name) != after[name]]
        if names and not self._allowed(one.issue.division):
            one.line.errors["serial"] = "这一行现在属于您范围之外的村，不能修改。"
        elif names and one.issue.state == "closed":
            one.line.errors["serial"] = "这个问题已销号，不能改。确需修改，请先在页面重新打开。"
        elif one.issue.state not in FREE and (fixed := [name for name in ("measure", "due_on") if name in names]):
            name = "due" if fixed == ["due_on"] else "measure"
            one.line.errors[name] = "方式和时限已经定了，要改请在这个问题的页面“改变方式”。"
        elif names:
            one.changes = self._changes(one)

    def _changes(self, one: Wanted) -> list[tuple[str, str, str]]:
        """Column, as it is printed now, as the file prints it."""
        now = printed(one.issue, self.book, self.year)
        pairs = [(heading, now[name], one.line.texts[name]) for name, heading in COLUMNS.items()]
        return [(heading, before or "空", after or "空") for heading, before, after in pairs if before != after]

    def _sort(self, one: Wanted) -> None:
        done = self.done
        if one.issue is None:
            done.new.append(one)
        else:
            (done.changed if one.changes else done.same).append(one)

    def _allowed(self, division) -> bool:
        if division.pk not in self.may:
            self.may[division.pk] = self.user.can("import", division, self.target.kind)
        return self.may[division.pk]

    def _check_totals(self, row: Row, head) -> None:
        """A printed 合计 that is not the sum of the rows above it is remarked; the rows count."""
        rows = self.done.rows
        for name, field_name in AREAS.items():
            try:
                stated = parse_stated(row[head[COLUMNS[name]]])[0]
            except ValueError:
                continue
            found = sum((one.line.values[field_name] or Decimal(0) for one in rows), Decimal(0))
            if stated is not None and stated != found and not self.done.errors:
                self.done.notes.append(
                    f"合计行的{COLUMNS[name]}是 {plain(stated)}，各行相加是 {plain(found)}，按各行计，请核对。"
                )


def _is_total(row: Row) -> bool:
    first = next((cell for cell in row.cells if cell), None)
    return first is not None and narrow(first.text).replace(" ", "") in TOTALS


def _text(cell: Cell, name: str) -> str:
    if name == "codes" and cell.kind == "number":
        return cell_code(cell)
    return cell.text.strip()


@transaction.atomic
def write(town_year: TownYear, upload: Upload, target: Target, *, by: User, seen: str) -> Comparison:
    """Write what was previewed, or nothing. The same file again changes nothing."""
    year = locked_year(town_year.town, town_year.year)
    found = preview(year, upload, target, by)
    if found.errors:
        raise Refused(f"有 {len(found.errors)} 处错误，没有导入。请改正后重新上传。")
    if found.is_nothing:
        return found
    if found.fingerprint() != seen:
        raise Refused(CHANGED, code="conflict")
    book, events = rulebook(year.town, year.year), []
    for number, one in enumerate(found.new):
        events.append(_write_new(year, one, target, book, by, number, upload))
    for one in found.changed:
        events.append(_write_change(year, one, book, by, upload))
    IssueEvent.objects.bulk_create(events, batch_size=500)
    link_parcels([event.issue for event in events], year.town)
    after = {"new": len(found.new), "changed": len(found.changed), "same": len(found.same), "file": upload.name}
    record("导入整改台账", target.title, user=by, town=year.town, after=after)
    request_recompute(year.town, year.year, by)
    return found


def _write_new(
    year: TownYear, one: Wanted, target: Target, book: Rulebook, by: User, number: int, upload: Upload
) -> IssueEvent:
    issue = Issue(
        town=year.town, year=year.year, ledger=target.key, ledger_title=target.title, kind_id=target.kind,
        serial=one.line.texts["serial"], order=20_000 + number, is_demo=by.is_demo,
    )  # fmt: skip
    lay(issue, one.line.values)
    issue.cells["entered"] = True
    book.advise(issue)
    issue.save(force_insert=True)
    return _event(issue, "opened", year, by, {}, upload)


def _write_change(year: TownYear, one: Wanted, book: Rulebook, by: User, upload: Upload) -> IssueEvent:
    issue = one.issue
    before = described(issue, book)
    lay(issue, one.line.values)
    issue.version += 1
    book.advise(issue)
    issue.save()
    after = described(issue, book)
    facts = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    return _event(issue, "changed", year, by, facts, upload)


def _event(issue: Issue, action: str, year: TownYear, by: User, facts: dict, upload: Upload) -> IssueEvent:
    return IssueEvent(
        town=year.town, issue=issue, action=action, before="" if action == "opened" else issue.state,
        after=issue.state, on=year.today(), by=by, facts=facts, reason=f"导入 {upload.name}"[:300], upload=upload,
        is_demo=by.is_demo or issue.is_demo,
    )  # fmt: skip
