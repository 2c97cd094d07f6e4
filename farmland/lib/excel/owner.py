"""Whose form this is: key and value pairs on the hidden sheet ``_form``, all texts."""

from collections.abc import Mapping

import openpyxl

from farmland.lib.excel.workbook import Workbook

IDENTITY_SHEET = "_form"


def write_identity(book: openpyxl.Workbook, values: Mapping[str, str]) -> None:
    """Write (or replace) the hidden sheet; values are texts, never formulas."""
    if IDENTITY_SHEET in book.sheetnames:
        del book[IDENTITY_SHEET]
    sheet = book.create_sheet(IDENTITY_SHEET)
    sheet.sheet_state = "hidden"
    sheet.protection.sheet = True
    for number, pair in enumerate(values.items(), 1):
        for column, text in enumerate(pair, 1):
            cell = sheet.cell(number, column, str(text))
            cell.data_type, cell.number_format = "s", "@"


def identity(book: Workbook) -> dict[str, str] | None:
    """What ``write_identity`` wrote, from a workbook that was read; None when the sheet is missing or empty."""
    if IDENTITY_SHEET not in book:
        return None
    return {row[0].text.strip(): row[1].text.strip() for row in book[IDENTITY_SHEET].rows if row[0]} or None
