"""Codes are texts: a spreadsheet that took one for a number has already changed its last digits."""

from farmland.lib.excel.workbook import Cell
from farmland.lib.numbers import narrow

EXACT_DIGITS = 15


def cell_code(cell: Cell) -> str:
    """The code (图斑编号) in a cell, narrow and without invisible marks; "" when empty. Raises ``ValueError``."""
    if cell.kind in ("text", "empty"):
        return narrow(cell.text)
    if cell.kind == "number" and cell.text.isdigit():
        if len(cell.text) <= EXACT_DIGITS:
            return cell.text
        raise ValueError(
            f"编号超过 {EXACT_DIGITS} 位，被存成数字后末几位已经改变（现为 {cell.text}），请把该列设为文本后重新填写。"
        )
    raise ValueError(f"应为编号文字，现为“{cell.text}”。")
