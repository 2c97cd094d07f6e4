"""The old .xls (OLE2) by calamine, in the child only: plain values or a refusal out."""

import json
from datetime import date, datetime, time, timedelta
from typing import BinaryIO

from farmland.lib.excel import gate
from farmland.lib.excel.child import answered
from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.parts import text_cell
from farmland.lib.excel.transfer import SheetOut
from farmland.lib.excel.workbook import EMPTY, Cell, letters
from farmland.lib.numbers import float_text

ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}


def read_xls(file: BinaryIO, options: str) -> bytes:
    return answered(sheets_of, file, json.loads(options))


def sheets_of(file: BinaryIO, options: dict) -> list[SheetOut]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

    try:
        book = CalamineWorkbook.from_filelike(file)
        return [_sheet(book, one, options) for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    except CalamineError as error:
        raise gate.corrupt() from error


def _sheet(book, about, options: dict) -> SheetOut:
    from python_calamine import SheetVisibleEnum

    sheet = book.get_sheet_by_name(about.name)
    for size, limit, what in (
        (sheet.total_height, options["max_rows"], "行"),
        (sheet.total_width, options["max_cols"], "列"),
    ):
        if size > limit:
            raise FileRefused(
                "too-many-rows" if what == "行" else "too-many-columns",
                f"工作表“{about.name}”有 {size} {what}，最多 {limit} {what}，请删除多余的{what}或拆分后上传。",
            )
    found = SheetOut(about.name, "visible" if about.visible == SheetVisibleEnum.Visible else "hidden")
    for number, values in enumerate(sheet.to_python(skip_empty_area=False), 1):
        cells = [_cell(value) for value in values]
        while cells and cells[-1].kind == "empty":
            cells.pop()
        if cells:
            found.add_cells(number, cells)
    found.merged = [_ranges(*one) for one in sheet.merged_cell_ranges or ()]
    return found


def _ranges(first: tuple[int, int], last: tuple[int, int]) -> str:
    return f"{letters(first[1])}{first[0] + 1}:{letters(last[1])}{last[0] + 1}"


def _cell(value) -> Cell:
    if value is None or value == "":
        return EMPTY
    if isinstance(value, str):
        return Cell("error", value) if value in ERRORS else text_cell(value)
    if isinstance(value, bool):
        return Cell("bool", "TRUE" if value else "FALSE")
    if isinstance(value, (int, float)):
        return Cell("number", float_text(float(value)))
    if isinstance(value, datetime):
        return Cell("date", value.date().isoformat() if value.time() == time() else value.isoformat(" "))
    if isinstance(value, (date, time, timedelta)):
        return Cell("date", str(value))
    return text_cell(str(value))
