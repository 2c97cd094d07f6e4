"""Find the heading row of a sheet by its headings, as people really leave them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.workbook import Row, Sheet

SEARCH_ROWS = 20
PARENTHESIS = re.compile(r"\(([^()]*)\)$")
UNITS = {"亩", "公顷", "平方米", "m2", "万亩", "元", "万元", "个", "%", "米", "hm2"}


class Header(dict):
    """``{heading: column index from 0}``; ``row_number`` is the heading row's number in the file."""

    def __init__(self, columns: Mapping[str, int], row_number: int):
        super().__init__(columns)
        self.row_number = row_number


def find_header(
    sheet: Sheet,
    headings: Sequence[str],
    aliases: Mapping[str, Sequence[str]] | None = None,
    *,
    optional: Sequence[str] = (),
) -> Header:
    """The row that holds all ``headings`` (or their aliases) among the first 20 rows with content.

    Tolerant of width, spaces, line breaks and a missing unit; another unit (公顷 for 亩) is another column. Raises
    ``FileRefused`` ``header-missing`` naming what is missing and what was found, ``header-repeated`` on a double.
    """
    accepted = {heading: [heading, *(aliases or {}).get(heading, ())] for heading in [*headings, *optional]}
    best, best_row = {}, None
    for row in sheet.rows[:SEARCH_ROWS]:
        columns = match_row(row, accepted)
        if len(columns) > len(best):
            best, best_row = columns, row
    missing = [heading for heading in headings if heading not in best]
    if missing:
        raise FileRefused("header-missing", missing_text(sheet, missing, best_row or next(iter(sheet.rows), None)))
    for heading, found in best.items():
        if len(found) > 1:
            where = "、".join(sheet.address(best_row, index) for index in found)
            raise FileRefused("header-repeated", f"工作表“{sheet.name}”有两列“{heading}”（{where}），请只保留一列。")
    return Header({heading: best[heading][0] for heading in accepted if heading in best}, best_row.number)


def match_row(row: Row, accepted: Mapping[str, list[str]]) -> dict[str, list[int]]:
    """Which columns of this row carry which heading."""
    found: dict[str, list[int]] = {}
    for index, cell in enumerate(row.cells):
        if cell.kind == "text":
            for heading, names in accepted.items():
                if any(same_heading(cell.text, name) for name in names):
                    found.setdefault(heading, []).append(index)
    return found


def same_heading(printed: str, wanted: str) -> bool:
    printed, wanted = tidy(printed), tidy(wanted)
    if printed == wanted:
        return True
    (name, unit), (wanted_name, wanted_unit) = split_unit(printed), split_unit(wanted)
    return name == wanted_name and not (unit in UNITS and unit != wanted_unit)


def tidy(text: str) -> str:
    """One form for one heading: NFKC (full-width parentheses), no spaces, no star for "required"."""
    return re.sub(r"[\s\u200b-\u200f\ufeff*]+", "", unicodedata.normalize("NFKC", text)).lower()


def split_unit(text: str) -> tuple[str, str]:
    match = PARENTHESIS.search(text)
    return (text[: match.start()], match[1]) if match else (text, "")


def missing_text(sheet: Sheet, missing: list[str], row: Row | None) -> str:
    found = "、".join(cell.text for cell in row.cells if cell)[:200] if row else ""
    wanted = "、".join(f"“{heading}”" for heading in missing)
    return f"工作表“{sheet.name}”没有找到列 {wanted}，找到的是：{found or '（空）'}。请使用下载的表格，不要改动表头。"
