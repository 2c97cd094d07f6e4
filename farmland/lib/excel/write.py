"""Sheets to fill in: headings, locked columns, dropdowns, limits, print set-up. Texts are never formulas."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import openpyxl
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from farmland.lib.excel.parts import UNSEEN
from farmland.lib.excel.workbook import letters
from farmland.lib.numbers import plain

LISTS_SHEET = "_lists"
HEAD_FILL = PatternFill("solid", fgColor="E3EDE3")
LOCKED_FILL = PatternFill("solid", fgColor="F2F2F0")
LINE = Side(style="thin", color="B8BDB5")
BORDER = Border(LINE, LINE, LINE, LINE)
FORMATS = {"text": "@", "choice": "@", "date": "yyyy-mm-dd", "number": "0.####"}


@dataclass(frozen=True)
class Column:
    """One column of a form. ``kind``: text, number, date, choice; ``minimum``, ``maximum`` limit numbers and dates."""

    heading: str
    width: float = 12
    kind: str = "text"
    locked: bool = False
    choices: Sequence[str] = ()
    minimum: Decimal | date | None = None
    maximum: Decimal | date | None = None
    help: str = ""


def new_workbook() -> openpyxl.Workbook:
    """An empty workbook without the sheet that openpyxl adds."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    return book


def new_sheet(
    book: openpyxl.Workbook,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[str | Decimal | int | date | None]] = (),
    *,
    above: Sequence[str] = (),
    spare_rows: int = 0,
    protect: bool = True,
) -> Worksheet:
    """Add a sheet: lines ``above``, the heading row, the rows, and ``spare_rows`` empty rows to fill in.

    Locked columns are locked only where the row is given (spare rows are open); sorting and column widths stay free.
    """
    sheet = book.create_sheet(title)
    for number, text in enumerate(above, 1):
        put(sheet.cell(number, 1), text).font = Font(bold=number == 1, size=14 if number == 1 else 11)
    head = len(above) + 1
    write_head(sheet, head, columns)
    last = head
    for last, values in enumerate(rows, head + 1):
        write_row(sheet, last, columns, values)
    given = last
    for last in range(given + 1, given + spare_rows + 1):
        write_row(sheet, last, columns, (), spare=True)
    if last > head:
        for index, column in enumerate(columns):
            limit_column(book, sheet, column, f"{letters(index)}{head + 1}:{letters(index)}{last}")
    set_up(sheet, head, columns)
    sheet.protection.sheet = protect
    for free in ("formatColumns", "formatRows", "sort", "autoFilter"):
        setattr(sheet.protection, free, False)  # False means: not forbidden
    return sheet


def put(cell: Cell, value: str | Decimal | int | date | None, kind: str = "text") -> Cell:
    """Set a value; a text stays a text whatever it starts with, also after someone edits it. Floats are refused."""
    if isinstance(value, float):
        raise TypeError(f"float {value!r} is not exact; give a Decimal or a text")
    if isinstance(value, str):
        value = UNSEEN.sub("", value)
    cell.value = value or None if isinstance(value, str) else value
    cell.number_format = FORMATS[kind]
    if isinstance(value, str) and value:
        cell.data_type = "s"
        cell.quotePrefix = value[0] in "=+-@'\t\r"
    return cell


def write_head(sheet: Worksheet, number: int, columns: Sequence[Column]) -> None:
    for index, column in enumerate(columns, 1):
        cell = put(sheet.cell(number, index), column.heading)
        cell.font, cell.fill, cell.border = Font(bold=True), HEAD_FILL, BORDER
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        sheet.column_dimensions[letters(index - 1)].width = column.width


def write_row(
    sheet: Worksheet, number: int, columns: Sequence[Column], values: Sequence, *, spare: bool = False
) -> None:
    for index, column in enumerate(columns):
        value = values[index] if index < len(values) else None
        cell = put(sheet.cell(number, index + 1), value, column.kind)
        locked = column.locked and not spare
        cell.protection = Protection(locked=locked)
        cell.border = BORDER
        if locked:
            cell.fill = LOCKED_FILL
        cell.alignment = Alignment(vertical="center", wrap_text=column.kind in ("text", "choice"))


def limit_column(book: openpyxl.Workbook, sheet: Worksheet, column: Column, cells: str) -> None:
    """The dropdown or the range of a column, with a Chinese hint and refusal."""
    if column.locked or column.kind == "text":
        return
    if column.kind == "choice":
        rule = DataValidation(type="list", formula1=list_range(book, column.choices), allow_blank=True)
        rule.error = "请从下拉列表中选择。"
    else:
        rule = range_rule(column)
    rule.errorTitle, rule.showErrorMessage = column.heading, True
    if column.help:
        rule.promptTitle, rule.prompt, rule.showInputMessage = column.heading, column.help, True
    sheet.add_data_validation(rule)
    rule.add(cells)


def range_rule(column: Column) -> DataValidation:
    """Numbers from ``minimum`` (0 when not said) and dates, both with an upper end where there is one."""
    is_date = column.kind == "date"
    low = column.minimum or (date(2000, 1, 1) if is_date else Decimal(0))
    bounds = [low] if column.maximum is None else [low, column.maximum]
    formulas = [date_formula(value) if is_date else plain(Decimal(value)) for value in bounds]
    rule = DataValidation(
        type="date" if is_date else "decimal",
        operator="between" if len(formulas) == 2 else "greaterThanOrEqual",
        formula1=formulas[0],
        formula2=formulas[1] if len(formulas) == 2 else None,
        allow_blank=True,
    )
    shown = [value.isoformat() if is_date else plain(Decimal(value)) for value in bounds]
    ends = f"不小于 {shown[0]}" if len(shown) == 1 else f"{shown[0]} 到 {shown[1]} 之间"
    rule.error = f"应为{'日期' if is_date else '数字'}，{ends}。"
    return rule


def date_formula(day: date) -> str:
    return str((day - date(1899, 12, 30)).days)


def list_range(book: openpyxl.Workbook, choices: Sequence[str]) -> str:
    """The address of these choices on the very hidden sheet, written once per list."""
    if LISTS_SHEET not in book.sheetnames:
        book.create_sheet(LISTS_SHEET).sheet_state = "veryHidden"
    sheet = book[LISTS_SHEET]
    wanted = [str(choice) for choice in choices]
    width = sheet.max_column if sheet["A1"].value is not None else 0
    for index in range(1, width + 1):
        if [cell.value for (cell,) in sheet.iter_rows(min_col=index, max_col=index) if cell.value] == wanted:
            break
    else:
        index = width + 1
        for number, text in enumerate(wanted, 1):
            put(sheet.cell(number, index), text)
    return f"{LISTS_SHEET}!${letters(index - 1)}$1:${letters(index - 1)}${max(len(wanted), 1)}"


def set_up(sheet: Worksheet, head: int, columns: Sequence[Column]) -> None:
    """A4 landscape, one page wide, headings on every page, headings and locked columns in sight."""
    locked = next((index for index, column in enumerate(columns) if not column.locked), len(columns))
    sheet.freeze_panes = f"{letters(min(locked, 3))}{head + 1}"
    sheet.print_title_rows = f"{head}:{head}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "第 &P 页，共 &N 页"
    sheet.page_margins.left = sheet.page_margins.right = 0.4
