"""One sheet part to rows. Runs in the child; the size a sheet states about itself is never believed."""

import re
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.gate import SAVE_AS
from farmland.lib.excel.parts import text_cell
from farmland.lib.excel.plainrows import NotPlain, PlainRows
from farmland.lib.excel.transfer import SheetOut
from farmland.lib.excel.workbook import EMPTY, Cell, letters, split_address
from farmland.lib.excel.xml import Scanner
from farmland.lib.numbers import float_text

MAX_MERGED = 2000
FIRST_DAYS = {False: date(1899, 12, 30), True: date(1904, 1, 1)}
RANGE = re.compile(r"[A-Z]{1,3}[0-9]{1,7}(:[A-Z]{1,3}[0-9]{1,7})?")


@dataclass
class SheetReader:
    """Collects the rows of one sheet. ``texts`` and ``dates`` come from the shared parts."""

    sheet: SheetOut
    texts: list[Cell]
    dates: set[int]
    from_1904: bool
    max_rows: int
    max_cols: int
    last: int = 0  # the last row with content
    number: int = 0
    column: int = -1
    given: dict = field(default_factory=dict)
    value: str | None = None
    formula: str | None = None
    runs: list[str] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    in_data: bool = False
    phonetic: bool = False
    cell_count: int = 0

    scanner: Scanner | None = None

    @property
    def name(self) -> str:
        return self.sheet.name

    def read(self, archive: zipfile.ZipFile, part: str) -> SheetOut:
        try:
            PlainRows(self).read(archive, part)
        except NotPlain:
            return self.fresh().read_by_events(archive, part)
        return self.finished()

    def fresh(self) -> "SheetReader":
        sheet = SheetOut(self.sheet.name, self.sheet.state)
        return SheetReader(sheet, self.texts, self.dates, self.from_1904, self.max_rows, self.max_cols)

    def read_by_events(self, archive: zipfile.ZipFile, part: str) -> SheetOut:
        self.scanner = Scanner(self.start, self.end)
        self.scanner.feed(archive, part)
        return self.finished()

    def finished(self) -> SheetOut:
        if self.number > max(self.last, self.max_rows):
            empty = f"第 {self.last + 1} 行到第 {self.number} 行是空行"
            self.sheet.note = f"工作表“{self.name}”{empty}，已忽略（最多读 {self.max_rows} 行），建议删除。"
        return self.sheet

    def start(self, name: str, given: dict) -> None:
        if name == "c":
            self.start_cell(given)
        elif name == "row":
            self.start_row(given)
        elif name == "sheetData":
            self.in_data = True
        elif name == "rPh":
            self.phonetic = True
        elif name == "mergeCell":
            self.add_merged(given.get("ref", ""))

    def end(self, name: str, text: str) -> None:
        if not self.in_data:
            return
        if name == "v":
            self.value = text
        elif name == "f":
            self.formula = text
        elif name == "t" and not self.phonetic:
            self.runs.append(text)
        elif name in ENDS:
            ENDS[name](self)

    def end_phonetic(self) -> None:
        self.phonetic = False

    def end_data(self) -> None:
        self.in_data = False

    def start_row(self, given: dict) -> None:
        number = self.whole(given.get("r"), self.number + 1)
        if number <= self.number:
            raise FileRefused(
                "repeated-rows", f"工作表“{self.name}”里第 {number} 行出现了两次，会漏读数据，{SAVE_AS}。"
            )
        self.number, self.column, self.cells = number, -1, []
        if number > self.max_rows:
            self.scanner.skim(self.skim)

    def skim(self, name: str, given: dict) -> None:
        """Behind the last row allowed: only count the rows and see that they are empty."""
        name = name.rpartition(":")[2]
        if name == "row":
            self.number = self.whole(given.get("r"), self.number + 1)
        elif name in ("v", "f", "is"):
            raise self.too_many_rows()
        elif name != "c":
            self.in_data = False
            self.scanner.resume(depth=2)
            self.start(name, given)

    def start_cell(self, given: dict) -> None:
        self.cell_count += 1
        column = self.column + 1
        if "r" in given:
            column, number = self.place(given["r"])
            if number != self.number or column <= self.column:
                raise FileRefused(
                    "repeated-cells",
                    f"工作表“{self.name}”里单元格 {given['r']} 的位置重复或错乱，会漏读数据，{SAVE_AS}。",
                )
        self.column, self.given = column, given
        self.value = self.formula = None
        self.runs = []

    def end_cell(self) -> None:
        if self.value is None and self.formula is None and not self.runs:
            return
        cell = self.cell_of(self.given, self.value, self.formula, self.runs)
        if cell.kind == "empty":
            return
        self.check_place()
        self.cells += [0] * (self.column - len(self.cells))
        self.cells.append(self.sheet.place(cell))

    def end_row(self) -> None:
        if self.cells:
            self.add_row(self.number, self.cells)
            self.cells = []

    def add_row(self, number: int, places: list[int]) -> None:
        self.sheet.add(number, places)
        self.last = number

    def check_place(self) -> None:
        if self.column >= self.max_cols:
            where = f"{letters(self.column)}{self.number}"
            raise FileRefused(
                "too-many-columns",
                f"工作表“{self.name}”的 {where} 还有内容，最多 {self.max_cols} 列，请删除右边多余的列。",
            )

    def too_many_rows(self) -> FileRefused:
        where = f"工作表“{self.name}”第 {self.number} 行还有内容"
        return FileRefused("too-many-rows", f"{where}，最多 {self.max_rows} 行，请删除多余的行或拆分后上传。")

    def cell_of(self, given: dict, value: str | None, formula: str | None, runs: list[str]) -> Cell:
        kind = given.get("t", "n")
        if formula is not None:
            return Cell("formula", "=" + formula.strip()[:200])
        if kind == "inlineStr":
            return text_cell("".join(runs))
        raw = value or ""
        if kind == "s":
            index = self.whole(raw.strip(), -1)
            return self.texts[index] if 0 <= index < len(self.texts) else Cell("error", "文字丢失")
        if kind == "str":
            return text_cell(raw)
        raw = raw.strip()
        if kind == "e":
            return Cell("error", raw[:20] or "#N/A")
        if not raw:
            return EMPTY
        if kind == "b":
            return Cell("bool", "TRUE" if raw in ("1", "true") else "FALSE")
        return iso_date(raw) if kind == "d" else self.number_cell(raw, given)

    def number_cell(self, raw: str, given: dict) -> Cell:
        try:
            text = float_text(raw)
        except ValueError:
            return Cell("error", raw[:20])
        if self.whole(given.get("s"), 0) in self.dates:
            return self.date_cell(text)
        return Cell("number", text)

    def date_cell(self, text: str) -> Cell:
        try:
            days = Decimal(text)
            whole = int(days)
            seconds = int(((days - whole) * 86400).to_integral_value())
            first = FIRST_DAYS[self.from_1904]
            if not self.from_1904 and whole < 60:
                whole += 1  # the 29 February 1900 that spreadsheets believe in
            if days < 0:
                raise OverflowError
            day = first + timedelta(days=whole)
        except (OverflowError, InvalidOperation):
            return Cell("error", text)
        return Cell("date", moment_text(day, seconds))

    def add_merged(self, ranges: str) -> None:
        if not RANGE.fullmatch(ranges) or len(self.sheet.merged) >= MAX_MERGED:
            raise FileRefused(
                "merged-cells",
                f"工作表“{self.name}”合并单元格超过 {MAX_MERGED} 处或写法有误（{ranges[:20]}），请取消合并。",
            )
        self.sheet.merged.append(ranges)

    def place(self, address: str) -> tuple[int, int]:
        try:
            return split_address(address)
        except ValueError as error:
            raise FileRefused("repeated-cells", f"工作表“{self.name}”里有错误的单元格地址，{SAVE_AS}。") from error

    def whole(self, text: str | None, default: int) -> int:
        if text is None:
            return default
        return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1


ENDS = {
    "c": SheetReader.end_cell,
    "row": SheetReader.end_row,
    "rPh": SheetReader.end_phonetic,
    "sheetData": SheetReader.end_data,
}


def moment_text(day: date, seconds: int) -> str:
    """ISO date, with the time only where there is one."""
    if not seconds:
        return day.isoformat()
    return (datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)).isoformat()  # noqa: DTZ001 a wall clock


def iso_date(raw: str) -> Cell:
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        return Cell("error", raw[:20])
    return Cell("date", moment_text(moment.date(), moment.hour * 3600 + moment.minute * 60 + moment.second))
