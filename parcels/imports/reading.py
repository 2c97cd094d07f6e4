"""A parcel list as received, in any format, into tables of raw cells. Nothing is judged here but the headings."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from farmland.lib.excel import FileRefused, Row, Sheet, read_csv, read_workbook, read_xls
from farmland.lib.excel.header import SEARCH_ROWS
from farmland.lib.geo import files as land
from parcels.imports.choices import Choices, Reading
from parcels.imports.columns import AREA, AREA_UNITS, BY_FIELD, CUT, LOST, REQUIRED, STAND_INS, TOTAL, Column, Hit
from parcels.imports.folding import folded
from parcels.imports.foreign import in_words

MAX_ROWS = 100_001  # 100,000 below the headings
MAX_COLS = 120
SECONDS = 120
MEMORY = 1024 * 1024 * 1024
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SHEET_UNIT = re.compile(r"单位[:：]\s*(亩|平方米|㎡|m2|m²|公顷|hm2)")


@dataclass(frozen=True)
class Table:
    """One sheet with a heading row: ``columns`` field → column index, ``units`` field → code of dictionary "unit".

    ``reading`` is how its headings were understood; ``layer`` holds the boundaries beside the rows.
    """

    sheet: Sheet
    head: Row
    columns: dict[str, int]
    units: dict[str, str]
    assumed: list[str] = field(default_factory=list)  # headings whose unit nobody printed
    cut: list[str] = field(default_factory=list)  # headings of which only the beginning is left
    reading: Reading = field(default_factory=Reading)
    layer: land.Layer | None = None

    @property
    def defaults(self) -> Mapping[str, str]:
        """Values for all rows, of the columns the sheet does not have."""
        return {name: text for name, text in self.reading.defaults.items() if text and name not in self.columns}

    @property
    def rows(self) -> list[Row]:
        """The rows of parcels: below the heading, not empty in our columns, not a sum."""
        return self._below[0]

    @property
    def totals(self) -> list[Row]:
        """Lines 合计, without a village of their own."""
        return self._below[1]

    @cached_property
    def _below(self) -> tuple[list[Row], list[Row]]:
        wanted = list(self.columns.values())
        found = [row for row in self.sheet.rows if row.number > self.head.number]
        found = [row for row in found if any(row[index] for index in wanted)]
        firsts = [next(cell.text for cell in row.cells if cell) for row in found]
        sums = {text for text in set(firsts) if TOTAL.fullmatch(text)}
        rows = [row for row, text in zip(found, firsts, strict=True) if text not in sums]
        return rows, [row for row, text in zip(found, firsts, strict=True) if text in sums]


@dataclass(frozen=True)
class Source:
    """The sheets of a file, and the boundaries beside the only one of a geometry file."""

    sheets: list[Sheet]
    layer: land.Layer | None = None


def read_tables(
    path: Path, name: str, choices: Choices, *, max_bytes: int, max_inflated: int
) -> tuple[list[Table], list[str]]:
    """The tables of a file called ``name`` and remarks about what was left out. Raises ``FileRefused``."""
    source = read_source(path, name, choices, max_bytes=max_bytes, max_inflated=max_inflated)
    tables, notes = [], list(source.layer.notes) if source.layer else []
    for sheet in source.sheets:
        if sheet.state != "visible":
            if sheet.rows and not sheet.name.startswith("_"):
                notes.append(f"工作表“{sheet.name}”是隐藏的，没有读取。")
        elif table := find_table(sheet, choices, source.layer):
            tables.append(table)
        elif (again := folded(sheet, choices, missing_in)) and (table := find_table(again, choices)):
            tables.append(table)
            notes.append(f"“{sheet.name}”一格占一行，按表头每 {len(table.head.cells)} 行拼成一行读入，请核对。")
        elif sheet.rows:
            notes.append(f"工作表“{sheet.name}”没有图斑清单的表头，没有读取。")
    if not tables:
        raise _no_table(source.sheets, choices)
    return tables, notes


def read_source(path: Path, name: str, choices: Choices, *, max_bytes: int, max_inflated: int) -> Source:
    """What the file is, told by its bytes: land, a workbook, or text. Raises ``FileRefused``."""
    with path.open("rb") as file:
        head = file.read(4096)
    limits = {"max_rows": MAX_ROWS, "max_bytes": max_bytes}
    if land.is_land(head) or (head.startswith(b"PK") and not _is_workbook(path)):
        layer = land.read_layer(
            path, name, max_inflated=max_inflated, layer=choices.layer, zone=choices.zone, **limits
        )  # fmt: skip
        return Source([layer.sheet], layer)
    limits |= {"max_cols": MAX_COLS, "wall_seconds": SECONDS, "memory_bytes": MEMORY}
    if head.startswith(OLE2):
        return Source(list(read_xls(path, **limits).sheets.values()))
    if not head.startswith(b"PK") and Path(name).suffix.lower() in (".csv", ".txt"):
        return Source([read_csv(path, **limits)])
    try:
        return Source(list(read_workbook(path, max_inflated=max_inflated, **limits).sheets.values()))
    except FileRefused as refusal:
        raise in_words(refusal, head, name, path) from refusal


def _is_workbook(path: Path) -> bool:
    """Of a zip: one with parts of Office, or so broken that the workbook's gate says what it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return True
    land_suffixes = (".shp", ".dbf", ".shx", ".gpkg", ".geojson", ".kml")
    return not any(one.lower().endswith(land_suffixes) for one in names)


def find_table(sheet: Sheet, choices: Choices, layer: land.Layer | None = None) -> Table | None:
    """The sheet's table if one of its first rows holds the required headings; ``FileRefused`` on a double heading."""
    for row in sheet.rows[:SEARCH_ROWS]:
        for reading in choices.readings([cell.text for cell in row.cells if cell.kind == "text"]):
            found = match(row, reading)
            if not missing_in(found, reading):
                return table_of(sheet, row, found, reading, layer)
    return None


def missing_in(found: Mapping, reading: Reading) -> list[Column]:
    """The required columns that neither stand there, nor are stood in for, nor have a value for all rows."""
    return [
        column
        for column in REQUIRED
        if column.field not in found
        and not any(other in found for other in STAND_INS.get(column.field, ()))
        and not (column.field != "codes" and reading.defaults.get(column.field))
    ]


def match(row: Row, reading: Reading) -> dict[str, list[tuple[int, str]]]:
    """field → its columns in this row with the unit printed in the heading; of several names the best one counts."""
    found: dict[str, list[tuple[int, Hit]]] = {}
    for index, cell in enumerate(row.cells):
        if cell.kind == "text" and (hit := reading.hit(cell.text)):
            found.setdefault(hit.column.field, []).append((index, hit))
    return {
        name: [(index, hit.unit) for index, hit in hits if hit.rank == min(one.rank for _, one in hits)]
        for name, hits in found.items()
    }


def table_of(sheet: Sheet, head: Row, found: dict, reading: Reading, layer: land.Layer | None) -> Table:
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
            _check_unit(sheet, head, index, unit)
            if not unit and not general:
                assumed.append(head[index].text)
            units[name] = AREA_UNITS[unit] if unit else general or "mu"
    cut = [head[index].text for index in columns.values() if reading.hit(head[index].text).rank == CUT]
    return Table(sheet, head, columns, units, assumed, cut, reading, layer)


def _check_unit(sheet: Sheet, head: Row, index: int, unit: str) -> None:
    if not unit or unit in AREA_UNITS:
        return
    if unit == LOST:
        raise FileRefused("unit-unknown", f"列名“{head[index].text}”不完整，看不出面积的单位，请选定单位。")
    place = f"{sheet.name}!{sheet.address(head, index)}"
    raise FileRefused("unit-unknown", f"{place} 的单位“{unit}”不是面积单位，可用亩、㎡、公顷。")


def unit_above(sheet: Sheet, head: Row) -> str:
    """The unit a line above the heading states for the whole sheet: 单位：亩."""
    for row in sheet.rows:
        if row.number >= head.number:
            return ""
        for cell in row.cells:
            if hit := SHEET_UNIT.search(cell.text):
                return AREA_UNITS[{"㎡": "m2", "m²": "m2"}.get(hit[1], hit[1])]
    return ""


def best_head(sheets: list[Sheet], choices: Choices) -> tuple[Sheet, Row, dict] | None:
    """The row that comes nearest to a heading row, with what it names."""
    reading = choices.reading or Reading()
    best = None
    for sheet in sheets:
        for row in sheet.rows[:SEARCH_ROWS]:
            found = match(row, reading)
            count = (len(found), sum(cell.kind == "text" for cell in row.cells))
            if any(row.cells) and (best is None or count > best[0]):
                best = (count, sheet, row, found)
    return best[1:] if best else None


def _no_table(sheets: list[Sheet], choices: Choices) -> FileRefused:
    if best_head([one for one in sheets if one.state == "visible"], choices) is None:
        return FileRefused("empty-file", "文件里没有图形，也没有表格内容，请重新导出后上传。")
    return FileRefused("header-missing", missing_text(sheets, choices))


def trouble(sheets: list[Sheet], choices: Choices) -> str:
    """Why no table can be read as it stands, for the page where columns are chosen; "" when one can."""
    try:
        if any(find_table(sheet, choices) for sheet in sheets):
            return ""
    except FileRefused as refusal:
        return refusal.message
    nearest = best_head(sheets, choices)
    missing = missing_in(nearest[2] if nearest else {}, choices.reading or Reading())
    names = "、".join(f"“{column.heading}”" for column in missing)
    return f"没有认出 {names}：请选出是哪一列；所有行都一样的，在下面选一次。"


def missing_text(sheets: list[Sheet], choices: Choices) -> str:
    """Which headings are missing in the sheet that comes nearest."""
    nearest = best_head(sheets, choices)
    found = nearest[2] if nearest else {}
    shown = "、".join(cell.text for cell in nearest[1].cells if cell)[:200] if nearest else ""
    missing = "、".join(f"“{column.heading}”" for column in missing_in(found, choices.reading or Reading()))
    return f"没有找到列 {missing}，最接近的一行是：{shown or '（空）'}。请对照列名，或按模板的表头填写后重新上传。"
