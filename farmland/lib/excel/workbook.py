"""What a workbook looks like once it has been read: plain values, nothing of the file left. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

from farmland.lib.excel.errors import CellError

KINDS = ("text", "number", "date", "bool", "formula", "error", "empty")
UNSEEN_TEXT = "不可见字符"
TOO_LONG_TEXT = "文字过长"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: ``kind`` is one of ``KINDS``; ``text`` is what is shown (numbers without ".0", dates in ISO form)."""

    kind: str
    text: str = ""

    @property
    def problem(self) -> str:
        """Why this cell cannot be used at all, in Chinese; empty when it can."""
        if self.kind == "formula":
            return f"是公式“{self.text[:60]}”，请复制后“选择性粘贴—数值”，再上传。"
        if self.kind != "error":
            return ""
        if self.text == UNSEEN_TEXT:
            return "含有看不见的控制字符，请清除内容后重新输入。"
        if self.text == TOO_LONG_TEXT:
            return "文字超过 32,767 字，请缩短。"
        return f"是错误值“{self.text}”，请改为正确的内容。"

    def __bool__(self) -> bool:
        return self.kind != "empty"


EMPTY = Cell("empty")


@dataclass(frozen=True, slots=True)
class Row:
    """A row that holds something: its number in the file (from 1) and its cells from column A."""

    number: int
    cells: tuple[Cell, ...]

    def __getitem__(self, column: int) -> Cell:
        """The cell of a column index from 0; EMPTY beyond the last."""
        return self.cells[column] if column < len(self.cells) else EMPTY


@dataclass(frozen=True)
class Sheet:
    """One sheet. ``state`` is visible, hidden or veryHidden; ``rows`` leaves out rows without content."""

    name: str
    state: str = "visible"
    rows: tuple[Row, ...] = ()
    merged: tuple[str, ...] = ()
    note: str = ""
    by_number: dict[int, Row] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        self.by_number.update((row.number, row) for row in self.rows)

    def cell(self, address: str) -> Cell:
        """The cell at ``F7``; EMPTY when nothing is there."""
        column, number = split_address(address)
        row = self.by_number.get(number)
        return row[column] if row else EMPTY

    def address(self, row: Row | int, column: int) -> str:
        return f"{letters(column)}{row.number if isinstance(row, Row) else row}"

    def error(self, row: Row | int, column: int, message: str) -> CellError:
        return CellError(self.name, self.address(row, column), message)

    def problems(self, columns: list[int] | None = None, *, from_row: int = 1) -> list[CellError]:
        """Formulas, error values and merged ranges from a row on, in the given columns (None: all)."""
        found = []
        cells = {id(cell): cell for row in self.rows for cell in row.cells}  # each cell that recurs is one
        some_wrong = any(cell.problem for cell in cells.values())
        for row in self.rows if some_wrong else ():
            if row.number >= from_row:
                wanted = range(len(row.cells)) if columns is None else columns
                found += [self.error(row, index, row[index].problem) for index in wanted if row[index].problem]
        for ranges in self.merged:
            first, _, last = ranges.partition(":")
            (left, _), (right, bottom) = split_address(first), split_address(last or first)
            touched = columns is None or any(left <= index <= right for index in columns)
            if bottom >= from_row and touched:
                found.append(CellError(self.name, first, f"与其他单元格合并（{ranges}），请取消合并，每格单独填写。"))
        return found


@dataclass(frozen=True)
class Workbook:
    """What was read: sheets by name in file order (hidden ones too), and remarks for the user."""

    sheets: dict[str, Sheet]

    def __getitem__(self, name: str) -> Sheet:
        return self.sheets[name]

    def __contains__(self, name: str) -> bool:
        return name in self.sheets

    @property
    def hidden(self) -> list[str]:
        """Names of hidden sheets, for a remark on the page."""
        return [sheet.name for sheet in self.sheets.values() if sheet.state != "visible"]

    @property
    def notes(self) -> list[str]:
        return [sheet.note for sheet in self.sheets.values() if sheet.note]

    @classmethod
    def of(cls, sheets: list[Sheet]) -> Workbook:
        return cls({sheet.name: sheet for sheet in sheets})


def letters(column: int) -> str:
    """Column index from 0 as letters: 0 → A, 27 → AB."""
    text, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def split_address(address: str) -> tuple[int, int]:
    """``F7`` → (5, 7). Raises ``ValueError`` on anything else."""
    head = address.rstrip("0123456789")
    if not (head and address[len(head) :] and head.isascii() and head.isalpha() and len(head) <= 3):
        raise ValueError(f"“{address}”不是单元格地址，应如 F7。")
    column = 0
    for letter in head.upper():
        column = column * 26 + ord(letter) - 64
    return column - 1, int(address[len(head) :])
