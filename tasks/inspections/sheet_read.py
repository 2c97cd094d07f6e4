"""The sheet for signature as it comes back filled in (回填): what it says of each row, every wrong cell named at once.

Nothing is written here; ``results.fill`` takes what is read, all of it or nothing, and confirms nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from farmland.lib.area import LARGEST
from farmland.lib.excel import Cell, CellError, FileRefused, Row, Sheet, find_header, read_workbook
from farmland.lib.excel.workbook import split_address
from farmland.lib.numbers import parse_decimal, plain
from parcels.models import Inspection, InspectionItem
from tasks.inspections.guide import YES_NO, Guide
from tasks.inspections.results import Change, Result, fingerprint, in_order, split_reason
from tasks.inspections.sheet import SHEET, accepted_heading, declared_heading
from tasks.inspections.standards import Measure, read_all

NUMBER, CODES, VERDICT, REASON = "序号", "图斑编号", "结论", "原因"
MAX_BYTES = 5 * 1024 * 1024
ANSWERS = {word: code for code, word in YES_NO.items()}
VERDICTS = {word: code for code, word in InspectionItem.VERDICTS}


@dataclass
class Filled:
    """``changes`` by number of the row; ``errors`` keep all of it out."""

    changes: dict[int, Change] = field(default_factory=dict)
    errors: list[CellError] = field(default_factory=list)
    same: int = 0
    empty: int = 0

    @property
    def results(self) -> dict[str, Result]:
        return {str(one.item.pk): one.result for one in self.changes.values()}

    def fingerprint(self) -> str:
        """The same only while the sheet would still do the same."""
        what = [(number, one.result.seen, sorted(one.values.items(), key=str)) for number, one in self.changes.items()]
        return sha256(repr(what).encode()).hexdigest()


def read_sheet(path: Path, batch: Inspection, guide: Guide, reasons) -> Filled:
    """Read a stored file, in the limited child process. ``FileRefused`` where it is not the sheet of this batch."""
    book = read_workbook(path, max_bytes=MAX_BYTES)
    page = book.sheets.get(SHEET) or next((one for one in book.sheets.values() if one.state == "visible"), None)
    if page is None:
        raise FileRefused("empty", "文件里没有工作表，请上传填好的签字表。")
    return Reader(page, batch, guide, reasons).read()


class Reader:
    """One sheet against the rows of its batch."""

    def __init__(self, page: Sheet, batch: Inspection, guide: Guide, reasons):
        self.page, self.batch, self.guide, self.reasons = page, batch, guide, reasons
        self.items = list(in_order(batch).select_related("work__division", "work__parcel", "inspection"))
        self.area = accepted_heading(batch)
        self.declared = declared_heading(batch)
        headings = [NUMBER, CODES, self.declared, VERDICT, self.area, REASON]
        self.measures = guide.columns(self.items)
        self.head = find_header(page, headings, optional=[one.heading for one in self.measures])
        self.out = Filled()

    def read(self) -> Filled:
        self._check_batch()
        rows = self._rows()
        seen: dict[int, Row] = {}
        self._check_cells(rows)
        for row in rows:
            item = self._item(row, seen)
            if item is not None:
                self._row(row, item)
        if not (self.out.changes or self.out.errors or self.out.same):
            raise FileRefused("empty", "表里没有填结论，请填好后再传。")
        return self.out

    def _check_batch(self) -> None:
        """The line above the headings names the batch the sheet was printed for."""
        wanted = f"批次：{self.batch.year} 年第 {self.batch.number} 批"
        above = [cell.text for row in self.page.rows if row.number < self.head.row_number for cell in row.cells]
        if not any(wanted in text for text in above):
            told = next((text for text in above if "批次：" in text), "").partition("　")[0]
            raise FileRefused(
                "other-batch",
                f"这张表{f'写的是“{told}”' if told else '上没有批次号'}，不是第 {self.batch.number} 批的签字表。"
                "请用这一批下载的签字表填写，表头以上的文字不要删。",
            )

    def _rows(self) -> list[Row]:
        """What stands between the headings and 合计."""
        found = []
        for row in self.page.rows:
            if row.number > self.head.row_number:
                if self._cell(row, NUMBER).text.strip() == "合计":
                    break
                found.append(row)
        return found

    def _cell(self, row: Row, heading: str) -> Cell:
        return row[self.head[heading]]

    def _wrong(self, row: Row, heading: str, message: str) -> None:
        self.out.errors.append(self.page.error(row, self.head[heading], message))

    def _check_cells(self, rows: list[Row]) -> None:
        """Formulas, error values and merged cells among the rows."""
        numbers = {row.number for row in rows}
        for one in self.page.problems(list(self.head.values()), from_row=self.head.row_number + 1):
            if split_address(one.cell.partition(":")[0])[1] in numbers:
                self.out.errors.append(one)

    def _item(self, row: Row, seen: dict[int, Row]) -> InspectionItem | None:
        """The row of the batch this row is about; None, with an error where it says something, when it is none."""
        text = self._cell(row, NUMBER).text.strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
        if not 1 <= number <= len(self.items):
            if any(row.cells):
                self._wrong(row, NUMBER, f"序号应为 1 到 {len(self.items)}，现为“{text}”，请不要增加行、不要改序号。")
            return None
        if number in seen:
            self._wrong(row, NUMBER, f"序号 {number} 在第 {seen[number].number} 行已有，请不要复制行。")
            return None
        seen[number] = row
        item = self.items[number - 1]
        codes = "、".join(item.work.parcel.codes) if item.work.parcel else ""
        if self._cell(row, CODES).text.strip() != codes:
            told = self._cell(row, CODES).text.strip()
            self._wrong(row, CODES, f"第 {number} 项是“{codes or '按村'}”，表里是“{told}”，请重新下载签字表填写。")
            return None
        return item

    def _row(self, row: Row, item: InspectionItem) -> None:
        headings = (VERDICT, self.area, REASON, *(one.heading for one in self.measures if one.heading in self.head))
        if not any(self._cell(row, one).text.strip() for one in headings):
            self.out.empty += 1
            return
        if any(self._cell(row, one).problem for one in headings):
            return
        before = len(self.out.errors)
        result = self._result(row, item)
        if len(self.out.errors) > before:
            return
        change = Change(item, result)
        if not change.is_new:
            self.out.same += 1
            return
        wrong = change.wrong(self.guide)
        for name, message in wrong:
            self._wrong(row, self._heading(name), message)
        if not wrong:
            self.out.changes[self.items.index(item) + 1] = change

    def _heading(self, name: str) -> str:
        measured = next((one.heading for one in self.measures if one.heading in self.head), VERDICT)
        return {"verdict": VERDICT, "area": self.area, "reason": REASON, "measured": measured}[name]

    def _result(self, row: Row, item: InspectionItem) -> Result:
        said = self._cell(row, VERDICT).text.strip()
        if said not in VERDICTS and said:
            self._wrong(row, VERDICT, f"结论应为{'、'.join(VERDICTS)}，现为“{said}”。")
        area = None
        try:
            area = parse_decimal(self._cell(row, self.area), minimum=0, maximum=LARGEST)
        except ValueError as error:
            self._wrong(row, self.area, str(error))
        reason, note = split_reason(self._cell(row, REASON).text.strip()[:300], self.reasons)
        measured = self._measured(row, item)
        return Result(VERDICTS.get(said, ""), area, reason, note, measured, fingerprint(item))

    def _measured(self, row: Row, item: InspectionItem) -> Mapping[str, str]:
        wanted = self.guide.measures(item)
        asked = {part.code for one in wanted for part in (one, *one.parts)}
        typed = {}
        for one in self.measures:
            text = self._cell(row, one.heading).text.strip() if one.heading in self.head else ""
            if text and one.code not in asked:
                self._wrong(row, one.heading, f"这一项不用测{one.label}，请清空。")
            typed[one.code] = ANSWERS.get(text, text)
        kept = {code: text for code, text in item.measured.items() if code not in asked}
        for one in wanted:
            try:
                kept |= read_all([one], typed)
            except ValueError as error:
                self._wrong(row, self._place(one), str(error))
        return kept

    def _place(self, one: Measure) -> str:
        return next((each.heading for each in (one, *one.parts) if each.heading in self.head), VERDICT)


def told(values: Mapping, verdicts: Mapping[str, str], guide: Guide) -> str:
    """A row's answer in words: 部分通过，2.5 亩，翻耕未种植，果树覆盖度 60%."""
    area = values["accepted_mu"]
    words = [verdicts.get(values["verdict"], ""), "" if area is None else f"{plain(area)} 亩", values["reason"]]
    words.append(guide.told(values["measured"]))
    return "，".join(word for word in words if word) or "空"
