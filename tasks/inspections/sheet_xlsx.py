"""The sheet as a workbook: A4 landscape, numbers as numbers, lines to sign on."""

from decimal import Decimal
from io import BytesIO
from math import ceil

from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.worksheet.worksheet import Worksheet

from farmland.lib.excel.write import Column, new_sheet, new_workbook, put
from parcels.models import InspectionItem
from tasks.inspections.sheet import DEMO, SHEET, Sheet

WIDTHS = {"序号": 5, "图斑编号": 22, "实测": 30, "原因": 28, "结论": 10, "抽中": 6, "村": 10, "组": 7}
LINE = Side(style="thin")
LINE_HEIGHT = 16  # points; programs do not grow a row for text that wraps


def as_xlsx(sheet: Sheet) -> BytesIO:
    book = new_workbook()
    columns = [Column(name, WIDTHS.get(name, 15), **_kind(name)) for name in sheet.headings]
    facts = "　　".join(f"{name}：{value}" for name, value in sheet.facts)
    above = [sheet.title, facts, *([DEMO] if sheet.is_demo else [])]
    page = new_sheet(book, SHEET, columns, sheet.rows, above=above, protect=False)
    last = page.max_row + 1
    _totals(page, last, sheet)
    _foot(page, last + 1, sheet)
    for number in range(1, len(above) + 1):
        page.merge_cells(start_row=number, end_row=number, start_column=1, end_column=len(columns))
        page.cell(number, 1).alignment = Alignment(horizontal="center" if number == 1 else "left", wrap_text=True)
    page.row_dimensions[2].height = 30
    page.row_dimensions[len(above) + 1].height = 2 * LINE_HEIGHT
    for row in page.iter_rows(min_row=len(above) + 2, max_row=last):
        lines = max(_lines(cell.value, column.width) for cell, column in zip(row, columns, strict=True))
        page.row_dimensions[row[0].row].height = lines * LINE_HEIGHT
        for cell in row:
            if isinstance(cell.value, Decimal):
                cell.number_format = "0.00##"
    data = BytesIO()
    book.save(data)
    data.seek(0)
    return data


def _kind(name: str) -> dict:
    if name == "结论":
        return {"kind": "choice", "choices": [label for _, label in InspectionItem.VERDICTS]}
    return {"kind": "number" if name == "序号" or "（亩）" in name else "text"}


def _lines(value, width: float) -> int:
    """How many lines a text takes in a column; a Chinese letter is as wide as two others."""
    text = value if isinstance(value, str) else ""
    return max(1, ceil(sum(1 if one.isascii() else 2 for one in text) / (width - 1)))


def _totals(page: Worksheet, number: int, sheet: Sheet) -> None:
    values = {"序号": "合计", "图斑编号": f"{sheet.totals.count} 项"}
    for name in sheet.headings:
        if name.startswith(("送验", "现有")):
            values[name] = sheet.totals.declared
        if name.startswith(("认定", "复核后")):
            values[name] = sheet.totals.accepted
    for index, name in enumerate(sheet.headings, 1):
        cell = put(page.cell(number, index), values.get(name), "number" if "（亩）" in name else "text")
        cell.font, cell.border = Font(bold=True), Border(LINE, LINE, LINE, LINE)
        cell.alignment = Alignment(vertical="center", shrink_to_fit=name == "序号")


def _foot(page: Worksheet, number: int, sheet: Sheet) -> None:
    width = len(sheet.headings)
    lines = [sheet.summary]
    lines += [f"{post}（签字）：　　　　　　　　　　　　　　日期：　　　　年　　月　　日" for post in sheet.posts]
    if sheet.copies:
        lines.append(f"抄送：{'、'.join(sheet.copies)}")
    for at, text in enumerate(lines, number):
        put(page.cell(at, 1), text).alignment = Alignment(vertical="center", wrap_text=True)
        page.merge_cells(start_row=at, end_row=at, start_column=1, end_column=width)
        page.row_dimensions[at].height = 24
