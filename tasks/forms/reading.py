"""A returned sheet to statements, with every wrong cell named at once. Pure: facts, dates and crops are arguments."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from farmland.lib.area import LARGEST
from farmland.lib.dates import parse_day
from farmland.lib.excel import Cell, CellError, FileRefused, Row, find_header
from farmland.lib.excel import Sheet as Page
from farmland.lib.excel.codes import cell_code
from farmland.lib.excel.workbook import EMPTY, letters, split_address
from farmland.lib.numbers import narrow, parse_decimal, plain
from tasks.forms.matching import Matcher, Place, Seen, word
from tasks.forms.values import AREAS, NOTHING, Facts, Stage
from tasks.forms.workbook import AREA, CODES, CROP, GROSS, GROUP, HEADINGS, LOCKED, NOTE, ON, STAGE, TASK

ALIASES = {AREA: ("累计面积（亩）", "完成面积（亩）"), ON: ("完成时间",), CODES: ("图斑号", "编号")}
NOTE_LENGTH = 300


@dataclass(frozen=True)
class Line:
    """One row that states something: the work (``key``), its stage, the cumulative area in 亩, day, crop, remark.

    ``base_stage``: the stage the issued row showed. ``cells``: heading → address such as F7.
    """

    number: int
    key: str
    stage: str
    base_stage: str
    area: Decimal
    on: date | None
    crop: str
    note: str
    cells: Mapping[str, str]


@dataclass
class Reading:
    """What a sheet says: statements, errors by cell, remarks, and the rows as texts for the excerpt on the page."""

    layout: str
    lines: list[Line] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    table: dict[int, dict[str, str]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """Fingerprint of the cells, equal for the same cells in any order, saved by any program."""
        rows = sorted(json.dumps(list(row.values()), ensure_ascii=False) for row in self.table.values())
        return hashlib.sha256("\n".join([self.layout, *rows]).encode()).hexdigest()


@dataclass(frozen=True)
class Given:
    """What the sheet is judged by. ``may_report``: kinds the user may report; ``crops``: label by accepted word."""

    facts: Facts
    year: int
    today: date
    crops: Mapping[str, str]
    may_report: frozenset[str]


class SheetReader:
    """Reads one sheet 进度 against the facts it was issued with."""

    def __init__(self, page: Page, given: Given):
        self.page, self.given, self.facts = page, given, given.facts
        self.headings = HEADINGS[self.facts.layout]
        self.header = find_header(page, self.headings, ALIASES)
        names = sorted(self.headings, key=self.header.get)
        self.out = Reading(self.facts.layout, columns={name: letters(self.header[name]) for name in names})
        self.matcher = Matcher(self.facts)
        self.broken: set[str] = set()
        self.statements: dict[tuple[str, str], int] = {}

    def read(self) -> Reading:
        self.check_visible()
        self.take_problems()
        rows = [row for row in self.page.rows if row.number > self.header.row_number and self.is_filled(row)]
        self.out.table = {row.number: {name: self.shown(row, name) for name in self.headings} for row in rows}
        places = self.matcher.match([self.seen(row) for row in rows])
        for row in rows:
            if places[row.number] is None:
                self.unknown(row)
            else:
                self.read_row(row, places[row.number])
        self.tell_missing(places)
        self.out.errors.sort(key=self.order)
        return self.out

    # The sheet as a whole

    def check_visible(self) -> None:
        if self.page.state != "visible":
            raise FileRefused(
                "sheet-hidden", f"工作表“{self.page.name}”被隐藏了，请取消隐藏，核对里面的内容后重新上传。"
            )

    def take_problems(self) -> None:
        """Formulas, error values and merged cells of our columns, in the words of a row."""
        by_index = {index: name for name, index in self.header.items()}
        for found in self.page.problems(list(self.header.values()), from_row=self.header.row_number + 1):
            column, number = split_address(found.cell)
            self.broken.add(found.cell)
            place = by_index.get(column, letters(column))
            message = f"第 {number} 行 [{place}] {found.message}"
            self.out.errors.append(CellError(self.page.name, found.cell, message))

    def is_filled(self, row: Row) -> bool:
        return any(row[index] for index in self.header.values())

    def tell_missing(self, places: Mapping[int, Place | None]) -> None:
        there = {place.number for place in places.values() if place}
        gone = sum(1 for item in self.facts.items for number, _ in item.rows if number not in there)
        if gone:
            self.out.notes.append(f"表里少了 {gone} 行，按没有变化处理。")

    @staticmethod
    def order(error: CellError) -> tuple:
        column, number = split_address(error.cell) if error.cell else (0, 0)
        return number, column

    # Cells

    def cell(self, row: Row, heading: str) -> Cell:
        index = self.header.get(heading)
        return row[index] if index is not None else EMPTY

    def shown(self, row: Row, heading: str) -> str:
        """The cell as text; numbers without superfluous zeros, so that saving again changes nothing."""
        cell = self.cell(row, heading)
        text = narrow(cell.text)
        if heading in (AREA, GROSS) and cell:
            try:
                number = parse_decimal(text.removesuffix("亩"), places=20)
                return text if number is None else plain(number)
            except ValueError:
                return text
        if heading == ON and cell.kind == "date":
            return text[:10]
        return text

    def seen(self, row: Row) -> Seen:
        return Seen(row.number, *(self.shown(row, heading) for heading in (CODES, TASK, STAGE)))

    def wrong(self, row: Row, heading: str, message: str) -> None:
        where = self.page.address(row, self.header[heading])
        if where not in self.broken:
            text = f"第 {row.number} 行 [{heading}] {message}"
            self.out.errors.append(CellError(self.page.name, where, text))

    # Rows

    def unknown(self, row: Row) -> None:
        """A row the form does not have: say which of its identifying cells is to blame."""
        seen = self.seen(row)
        matcher = self.matcher
        if self.facts.layout != AREAS:
            try:
                cell_code(self.cell(row, CODES))
            except ValueError as error:
                return self.wrong(row, CODES, str(error))
            if matcher.key(seen)[0] not in matcher.codes:
                text = f"“{seen.codes}”不在这份表里。图斑由系统填好，请不要改动，也不要填别村的图斑。"
                return self.wrong(row, CODES, text if seen.codes else "没有填图斑编号，请照上面的行填写。")
        if word(seen.task) not in matcher.tasks or self.facts.layout != AREAS:
            tasks = "、".join(sorted({item.task for item in self.facts.items}))
            return self.wrong(row, TASK, f"这份表里没有任务“{seen.task}”，可填：{tasks}。请按下载的表填写。")
        return self.wrong(row, STAGE, f"任务“{seen.task}”没有环节“{seen.stage}”，环节由系统填好，请改回原来的文字。")

    def read_row(self, row: Row, place: Place) -> None:
        if any(self.page.address(row, index) in self.broken for index in self.header.values()):
            return
        self.check_locked(row, place)
        before = len(self.out.errors)
        stage = self.read_stage(row, place)
        area, on, note = self.read_area(row, place), self.read_on(row), self.read_note(row)
        crop = self.read_crop(row, place)
        if len(self.out.errors) > before:
            return
        base = place.item.of(place.stage)
        stated = base if place.stage and base.area else NOTHING
        if area is None:
            self.check_blank(row, place, stage, (on, crop and CROP in self.header, note), stated)
            return
        if stage is None:
            self.wrong(row, STAGE, f"填了面积 {plain(area)}，没有选环节。请从下拉列表里选做到哪一步。")
            return
        self.check_on(row, on, base.on if place.stage else None)
        self.check_reason(row, place, stage, area, note)
        self.check_twice(row, place, stage)
        cells = {name: self.page.address(row, index) for name, index in self.header.items()}
        line = Line(row.number, place.item.key, stage.code, place.stage, area, on, crop, note, cells)
        self.check_right(row, place, line, stated)
        self.out.lines.append(line)

    def check_locked(self, row: Row, place: Place) -> None:
        """Locked cells are the system's: what was changed there is left aside, and said so."""
        if not place.number or self.facts.layout == AREAS:
            return
        gross = "" if place.item.gross is None else plain(place.item.gross)
        for heading, ours in ((GROUP, narrow(place.item.group)), (GROSS, gross)):
            now = self.shown(row, heading)
            if now != ours and heading in LOCKED[self.facts.layout]:
                kept = f"仍按系统里的“{ours or '空'}”"
                self.out.notes.append(f"第 {row.number} 行 [{heading}] 由系统填写，改成“{now or '空'}”不收，{kept}。")

    def read_stage(self, row: Row, place: Place) -> Stage | None:
        text = word(self.shown(row, STAGE))
        ladder = self.facts.stages[place.item.kind]
        if not text:
            return None
        for stage in ladder:
            if text in (word(stage.name), stage.code) or word(stage.name) == f"已{text}":
                return stage
        names = "、".join(stage.name for stage in ladder)
        self.wrong(row, STAGE, f"没有环节“{self.cell(row, STAGE).text}”，可选：{names}。认定由验收登记，不在表里填。")
        return None

    def read_area(self, row: Row, place: Place) -> Decimal | None:
        cell = self.cell(row, AREA)
        text = narrow(cell.text).removesuffix("亩")
        try:
            area = parse_decimal(text, minimum=0, maximum=LARGEST)
        except ValueError as error:
            self.wrong(row, AREA, str(error).replace(f"“{text}”", f"“{cell.text}”"))
            return None
        gross = place.item.gross
        if area is not None and gross is not None and area > gross and area != place.item.of(place.stage).area:
            self.wrong(row, AREA, f"应不大于图斑面积 {plain(gross)}，现为 {plain(area)}。{slip(area, gross)}")
            return None
        return area

    def read_on(self, row: Row) -> date | None:
        cell = self.cell(row, ON)
        try:
            return parse_day(cell, year=self.given.year)
        except ValueError:
            sample = f"{self.given.year}-09-30"
            self.wrong(row, ON, f"应为日期，现为“{cell.text}”。按 {sample} 的样子填写。")
            return None

    def read_crop(self, row: Row, place: Place) -> str:
        """The crop's label; what the form itself showed is taken as it is, listed or not."""
        issued = place.item.of(place.stage).crop
        text = self.shown(row, CROP)
        if CROP not in self.header or text == narrow(issued):
            return issued
        if not text or text in self.given.crops:
            return self.given.crops.get(text, "")
        names = "、".join(dict.fromkeys(self.given.crops.values()))
        self.wrong(row, CROP, f"没有作物“{text}”，可选：{names}。")
        return ""

    def read_note(self, row: Row) -> str:
        text = " ".join(self.cell(row, NOTE).text.split())
        if len(text) > NOTE_LENGTH:
            self.wrong(row, NOTE, f"最多 {NOTE_LENGTH} 字，现有 {len(text)} 字，请缩短。")
        return text

    # Judgements on a row whose cells are well-formed

    def check_blank(self, row: Row, place: Place, stage: Stage | None, rest: tuple, base) -> None:
        """No area: fine where there was none and nothing else was filled in; never taken for 0."""
        on, crop, note = rest
        if base.area:
            text = f"原有 {plain(base.area)}，现为空。没有变化请保留原数；要撤销请填 0，并在备注写明原因。"
            self.wrong(row, AREA, text)
        elif on or crop or (stage and stage.code != place.stage):
            self.wrong(row, AREA, "没有填面积。请填到完成日期为止的累计亩数。")
        elif note:
            self.out.notes.append(f"第 {row.number} 行只有备注，没有面积，没有写入。")

    def check_on(self, row: Row, on: date | None, issued: date | None) -> None:
        if on is None or on == issued:
            return
        if on > self.given.today:
            text = f"不能晚于今天 {self.given.today.isoformat()}，现为 {on.isoformat()}。还没有做完的，请做完再填。"
            self.wrong(row, ON, text)
        elif on.year < self.given.year:
            self.wrong(row, ON, f"应在 {self.given.year} 年内，现为 {on.isoformat()}。请核对年份。")

    def check_reason(self, row: Row, place: Place, stage: Stage, area: Decimal, note: str) -> None:
        """Less than before, or a stage back, needs a reason (contract §4)."""
        if note:
            return
        before = place.item.of(stage.code).area
        shown = self.facts.stage(place.item.kind, place.stage) if place.stage else None
        if area < before:
            self.wrong(row, NOTE, f"“{stage.name}”的面积由 {plain(before)} 减为 {plain(area)}，请在备注写明原因。")
        elif shown and stage.rank < shown.rank:
            self.wrong(row, NOTE, f"环节由“{shown.name}”退回“{stage.name}”，请在备注写明原因。")

    def check_twice(self, row: Row, place: Place, stage: Stage) -> None:
        first = self.statements.setdefault((place.item.key, stage.code), row.number)
        if first != row.number:
            what = "任务" if self.facts.layout == AREAS else "图斑"
            text = f"与第 {first} 行重复（同一{what}的“{stage.name}”填了两次），请只留一行。"
            self.wrong(row, STAGE, text)

    def check_right(self, row: Row, place: Place, line: Line, base) -> None:
        same = line.stage == place.stage and (line.area, line.crop, line.on) == (base.area, base.crop, base.on)
        if not same and place.item.kind not in self.given.may_report:
            self.wrong(row, TASK, f"您没有填报“{place.item.task}”的权限，请把这一行改回原样。")


def slip(area: Decimal, gross: Decimal) -> str:
    """A hint where the decimal point probably slipped."""
    for shift in (1, 2):
        if area.scaleb(-shift) == gross:
            return f"多半是小数点错位。填 {plain(gross)}，或填实际的面积。"
    return "请填实际完成的面积。"


def read_sheet(page: Page, given: Given) -> Reading:
    """Read the sheet 进度. Raises FileRefused when the headings are not there; wrong cells are in ``errors``."""
    return SheetReader(page, given).read()
