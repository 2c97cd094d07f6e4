"""A parcel list as received, XLSX or CSV, into tables of raw cells. Nothing is judged here but the headings."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from farmland.lib.excel import FileRefused, Row, Sheet, read_csv, read_workbook
from farmland.lib.excel.header import SEARCH_ROWS
from parcels.imports.columns import AREA, AREA_UNITS, BY_FIELD, REQUIRED, Column, Hit, column_of

MAX_ROWS = 50_000
MAX_COLS = 120
SECONDS = 60
SHEET_UNIT = re.compile(r"单位[:：]\s*(亩|平方米|㎡|m2|m²|公顷|hm2)")
TOTAL = re.compile(r"\s*(合\s*计|总\s*计|小\s*计)\s*[:：]?")


@dataclass(frozen=True)
class Table:
    """One sheet with a heading row: ``columns`` field → column index, ``units`` field → code of dictionary "unit"."""

    sheet: Sheet
    head: Row
    columns: dict[str, int]
    units: dict[str, str]
    assumed: list[str] = field(default_factory=list)  # headings whose unit nobody printed

    @property
    def rows(self) -> list[Row]:
        """The rows of parcels: below the heading, not empty in our columns, not a sum."""
        return [row for row in self._below() if not self.is_total(row)]

    @property
    def totals(self) -> list[Row]:
        return [row for row in self._below() if self.is_total(row)]

    def _below(self) -> list[Row]:
        wanted = list(self.columns.values())
        found = [row for row in self.sheet.rows if row.number > self.head.number]
        return [row for row in found if any(row[index] for index in wanted)]

    def is_total(self, row: Row) -> bool:
        """A line 合计 without a village of its own."""
        first = next((cell for cell in row.cells if cell), None)
        return first is not None and bool(TOTAL.fullmatch(first.text))


def read_tables(path: Path, name: str, *, max_bytes: int, max_inflated: int) -> tuple[list[Table], list[str]]:
    """The tables of a file called ``name`` and remarks about what was left out. Raises ``FileRefused``."""
    sheets = _sheets(path, name, max_bytes, max_inflated)
    tables, notes = [], []
    for sheet in sheets:
        if sheet.state != "visible":
            if sheet.rows and not sheet.name.startswith("_"):
                notes.append(f"工作表“{sheet.name}”是隐藏的，没有读取。")
        elif table := find_table(sheet):
            tables.append(table)
        elif sheet.rows:
            notes.append(f"工作表“{sheet.name}”没有图斑清单的表头，没有读取。")
    if not tables:
        raise FileRefused("header-missing", missing_text(sheets))
    return tables, notes


def _sheets(path: Path, name: str, max_bytes: int, max_inflated: int) -> list[Sheet]:
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    limits = {"max_rows": MAX_ROWS, "max_cols": MAX_COLS, "wall_seconds": SECONDS, "max_bytes": max_bytes}
    if not is_zip and Path(name).suffix.lower() in (".csv", ".txt"):
        return [read_csv(path, **limits)]
    return list(read_workbook(path, max_inflated=max_inflated, **limits).sheets.values())


def find_table(sheet: Sheet) -> Table | None:
    """The sheet's table if one of its first rows holds the required headings; ``FileRefused`` on a double heading."""
    for row in sheet.rows[:SEARCH_ROWS]:
        found = match(row)
        if all(column.field in found or stands_in(column, found) for column in REQUIRED):
            return table_of(sheet, row, found)
    return None


def stands_in(column: Column, found: dict) -> bool:
    return column.field == "division" and "village_name" in found


def match(row: Row) -> dict[str, list[tuple[int, str]]]:
    """field → its columns in this row with the unit printed in the heading; an alias gives way to the own name."""
    found: dict[str, list[tuple[int, Hit]]] = {}
    for index, cell in enumerate(row.cells):
        if cell.kind == "text" and (hit := column_of(cell.text)):
            found.setdefault(hit.column.field, []).append((index, hit))
    return {
        name: [(index, hit.unit) for index, hit in hits if hit.is_own] or [(index, hit.unit) for index, hit in hits]
        for name, hits in found.items()
    }


def table_of(sheet: Sheet, head: Row, found: dict) -> Table:
    columns, units, assumed = {}, {}, []
    general = unit_above(sheet, head)
    for name, places in found.items():
        column = BY_FIELD[name]
        if len(places) > 1:
            where = "、".join(sheet.address(head, index) for index, _ in places)
            raise FileRefused(
                "header-repeated", f"工作表“{sheet.name}”有两列“{column.heading}”（{where}），请只保留一列。"
            )
        ((index, unit),) = places
        columns[name] = index
        if column.kind == AREA:
            if unit and unit not in AREA_UNITS:
                cell = sheet.address(head, index)
                raise FileRefused(
                    "unit-unknown", f"{sheet.name}!{cell} 的单位“{unit}”不是面积单位，可用亩、㎡、公顷。"
                )
            if not unit and not general:
                assumed.append(head[index].text)
            units[name] = AREA_UNITS[unit] if unit else general or "mu"
    return Table(sheet, head, columns, units, assumed)


def unit_above(sheet: Sheet, head: Row) -> str:
    """The unit a line above the heading states for the whole sheet: 单位：亩."""
    for row in sheet.rows:
        if row.number >= head.number:
            return ""
        for cell in row.cells:
            if hit := SHEET_UNIT.search(cell.text):
                return AREA_UNITS[{"㎡": "m2", "m²": "m2"}.get(hit[1], hit[1])]
    return ""


def missing_text(sheets: list[Sheet]) -> str:
    """Which headings are missing in the sheet that comes nearest."""
    best: set[str] = set()
    shown = ""
    for sheet in sheets:
        for row in sheet.rows[:SEARCH_ROWS]:
            found = match(row)
            if len(found) >= len(best) and any(row.cells):
                best, shown = set(found), "、".join(cell.text for cell in row.cells if cell)[:200]
    missing = "、".join(
        f"“{column.heading}”" for column in REQUIRED if column.field not in best and not stands_in(column, best)
    )
    return f"没有找到列 {missing}，最接近的一行是：{shown or '（空）'}。请按模板的表头填写后重新上传。"
