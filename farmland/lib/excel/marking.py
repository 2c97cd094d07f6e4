"""The child's side of ``mark_errors``: openpyxl on an uploaded workbook that has passed the gate."""

import base64
import io
import json
import warnings
from typing import BinaryIO

import openpyxl
from openpyxl.cell import Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from farmland.lib.excel import gate
from farmland.lib.excel.child import PARSER_FAULTS, answered, sheets_of
from farmland.lib.excel.parts import read_outline
from farmland.lib.excel.workbook import letters, split_address
from farmland.lib.excel.write import put
from farmland.lib.excel.xml import scan

AMBER = PatternFill("solid", fgColor="FFD27F")
PLAIN = PatternFill()
AUTHOR = "守田"
LIST_SHEET = "错误"
MAX_COMMENTS = 500
MAX_LISTED = 2000
MAX_CELLS = 60_000
READ_LIMITS = {"sheets": None, "max_rows": 20_000, "max_cols": 200}


def mark(file: BinaryIO, options: str) -> bytes:
    """``file``: 8 bytes length, the order as JSON, the workbook. Answers the marked workbook in base64."""
    order = json.loads(file.read(int.from_bytes(file.read(8), "big")))
    return answered(marked, io.BytesIO(file.read()), order)


def marked(data: BinaryIO, order: dict) -> str:
    warnings.simplefilter("ignore")  # openpyxl says which decorations it drops
    book = load(data, order["max_inflated"])
    wipe(book)
    for number, (sheet, cell, message) in enumerate(order["errors"][:MAX_COMMENTS]):
        if sheet in book.sheetnames and cell:
            mark_cell(book[sheet], cell, message, number)
    list_errors(book, order["errors"])
    out = io.BytesIO()
    book.save(out)
    return base64.b64encode(out.getvalue()).decode()


def load(data: BinaryIO, max_inflated: int) -> openpyxl.Workbook:
    """The workbook as it is; built anew from its values when it has too many cells or openpyxl cannot read it."""
    gate.check_contents(data, max_inflated=max_inflated)
    if is_small(data):
        try:
            return openpyxl.load_workbook(data, keep_links=False)
        except (*PARSER_FAULTS, AttributeError, AssertionError, SyntaxError):
            data.seek(0)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for one in sheets_of(data, READ_LIMITS | {"max_inflated": max_inflated}):
        sheet = one.sheet()
        page = book.create_sheet(sheet.name)
        page.sheet_state = sheet.state
        for row in sheet.rows:
            for column, cell in enumerate(row.cells, 1):
                put(page.cell(row.number, column), cell.text)
    return book


class TooManyCells(Exception):
    """Ends the count."""


def is_small(data: BinaryIO) -> bool:
    """Whether openpyxl can build it in the memory of the sandbox: cells (empty styled ones too), rows, styles."""
    count = 0

    def start(name: str, given: dict) -> None:
        nonlocal count
        count += name in ("c", "row", "col", "mergeCell")
        if count > MAX_CELLS:
            raise TooManyCells

    try:
        with gate.opened(data) as archive:
            for info in archive.infolist():
                is_sheet = "/worksheets/" in info.filename or info.filename.endswith("sharedStrings.xml")
                count += 0 if is_sheet else info.file_size // 100  # styles and drawings become objects too
            for sheet in read_outline(archive).sheets:
                scan(archive, sheet.part, start)
    except TooManyCells:
        return False
    finally:
        data.seek(0)
    return count <= MAX_CELLS


def wipe(book: openpyxl.Workbook) -> None:
    """Take off earlier marks, formulas and names that point to other files."""
    if LIST_SHEET in book.sheetnames:
        del book[LIST_SHEET]
    for name in [name for name, defined in book.defined_names.items() if "[" in (defined.attr_text or "")]:
        del book.defined_names[name]
    for sheet in book.worksheets:
        for cell in list(sheet._cells.values()):  # iter_rows would make every cell up to the farthest one
            wipe_cell(cell)


def wipe_cell(cell: Cell | MergedCell) -> None:
    if isinstance(cell, MergedCell):
        return
    if cell.data_type == "f":
        put(cell, str(getattr(cell.value, "text", cell.value)))
    if cell.comment and cell.comment.author == AUTHOR:
        cell.comment, cell.fill = None, PLAIN


def mark_cell(sheet: Worksheet, address: str, message: str, number: int) -> None:
    column, row = split_address(address)
    cell = sheet.cell(row, column + 1)
    if isinstance(cell, MergedCell):
        ranges = next(area for area in sheet.merged_cells.ranges if cell.coordinate in area)
        cell = sheet.cell(ranges.min_row, ranges.min_col)
    if cell.comment and cell.comment.author == AUTHOR:
        message = f"{cell.comment.text}\n{message}"
    cell.comment = Comment(message, AUTHOR, width=280, height=40 + 20 * (len(message) // 16 + message.count("\n") + 1))
    cell.fill = AMBER


def list_errors(book: openpyxl.Workbook, errors: list[list[str]]) -> None:
    """The first sheet: every error with a link to its cell."""
    page = book.create_sheet(LIST_SHEET, 0)
    put(page["A1"], f"共 {len(errors)} 处需要改正，改好后请重新上传整个文件。").font = Font(bold=True)
    for column, heading in enumerate(("位置", "现在的内容", "问题"), 1):
        put(page.cell(2, column), heading).font = Font(bold=True)
    for number, (sheet, cell, message) in enumerate(errors[:MAX_LISTED], 3):
        place = put(page.cell(number, 1), f"{sheet}!{cell}" if cell else sheet)
        if sheet in book.sheetnames and cell:
            column, row = split_address(cell)
            put(page.cell(number, 2), shown(book[sheet].cell(row, column + 1).value))
            quoted = sheet.replace("'", "''")
            place.hyperlink = f"#'{quoted}'!{letters(column)}{row}"
            place.font = Font(color="1F5FA8", underline="single")
        put(page.cell(number, 3), message).alignment = Alignment(wrap_text=True, vertical="top")
    for letter, width in (("A", 16), ("B", 24), ("C", 70)):
        page.column_dimensions[letter].width = width
    page.freeze_panes = "A3"
    for sheet in book.worksheets:
        sheet.sheet_view.tabSelected = sheet is page
    book.active = 0


def shown(value: object) -> str:
    return "" if value is None else str(value)[:200]
