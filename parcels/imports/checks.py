"""The cells of a parcel list, checked column by column: every error with its sheet and cell, words looked up once."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from farmland.lib.area import LARGEST, to_mu
from farmland.lib.excel import Cell, CellError, Row
from farmland.lib.excel.workbook import EMPTY
from farmland.lib.geo.files import FeatureTable, Outline
from farmland.lib.numbers import decimals, is_not_applicable, narrow, parse_decimal
from farmland.places.models import Division
from parcels.imports import cells
from parcels.imports.cells import Known
from parcels.imports.choices import Reading
from parcels.imports.columns import AREA_NAMES, AREAS, BY_FIELD, ISSUED_PLACES, PLACES, column_of
from parcels.imports.reading import Table
from parcels.imports.totals import remarks_on_totals
from parcels.models import Kind


@dataclass(slots=True)
class ParcelRow:
    """One row of a list, read: ``values`` by parcel field, only of columns the list has; ``issued`` as it came."""

    sheet: str
    number: int
    serial: str
    codes: list[str]
    division: Division
    kind: Kind
    unit: str
    values: dict[str, Any]
    issued: Row
    headings: list[tuple[str, int]]
    code_cell: str  # address of the code, for errors found later
    outline: Outline | None = None
    crs: str = ""

    @property
    def cells(self) -> dict[str, str]:
        """What was printed under each heading."""
        line = self.issued.cells
        return {name: text for name, index in self.headings if index < len(line) and (text := line[index].text)}

    @property
    def digest(self) -> str:
        """The boundary's fingerprint; "" without one."""
        return hashlib.sha256(self.outline.wkb).hexdigest() if self.outline else ""

    @property
    def place(self) -> str:
        if self.crs:
            return f"{self.sheet} {FeatureTable.feature(self.number)}"
        return f"{self.sheet} 第 {self.number} 行"

    @property
    def area(self) -> Decimal | None:
        """What is planned: the net area, or the gross one where the list gives no net."""
        net = self.values.get("net_mu")
        return self.values.get("gross_mu") if net is None else net


@dataclass
class Checked:
    rows: list[ParcelRow] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)  # how each table was read


def check_tables(tables: list[Table], known: Known) -> Checked:
    """All rows of all tables, or the errors that keep them out."""
    done = Checked()
    for table in tables:
        _check_table(table, known, done)
    _check_duplicates(done)
    return done


def _check_table(table: Table, known: Known, done: Checked) -> None:
    rows = table.rows
    wanted = list(table.columns.values())
    done.errors += table.sheet.problems(wanted, from_row=table.head.number + 1)
    column = _Reader(table, rows, done)
    codes = column.each("codes", cells.codes)
    column.each("town", lambda cell: cells.same_town(cell, known))
    column.each("year", lambda cell: cells.same_year(cell, known))
    divisions, groups = _places(column, known)
    kinds = column.words("kind", cells.kind(known))
    values: dict[str, list] = {name: column.areas(name) for name in AREAS if name in table.columns}
    for name, words in (("ground_state", known.ground_states), ("source", known.sources)):
        values[name] = column.words(name, cells.word_of(words, cells.LENGTHS[name]))
        column.note_unknown(name, values[name], words)
    values["land_class"] = column.words("land_class", cells.land_class(known))
    for name in ("group", "note", "slope_class"):
        values[name] = column.each(name, cells.text_of(name))
    for name in ("in_pbf", "in_redline"):
        values[name] = column.words(name, cells.yes_or_no)
    values["slope"] = column.each("slope", cells.slope)
    if "group" not in table.columns and "location" in table.columns:
        values["group"] = groups
    outlines = _outlines(table, rows, done)
    serials = column.each("serial", cells.text_of("serial"))
    present = [name for name in values if name in table.columns or name in table.defaults or values[name] is groups]
    headings = [(cell.text.replace("\n", ""), index) for index, cell in enumerate(table.head.cells) if cell]
    columns = [(name, values[name]) for name in present]
    unit, crs = table.units.get("gross_mu", table.units.get("net_mu", "mu")), table.layer.crs if table.layer else ""
    for at, row in enumerate(rows):
        if codes[at] and divisions[at] and kinds[at]:
            done.rows.append(
                ParcelRow(
                    sheet=table.sheet.name,
                    number=row.number,
                    serial=serials[at] or str(row.number),
                    codes=codes[at],
                    division=divisions[at],
                    kind=kinds[at],
                    unit=unit,
                    values={name: column[at] for name, column in columns},
                    issued=row,
                    headings=headings,
                    code_cell=table.sheet.address(row, table.columns["codes"]),
                    outline=outlines.get(row.number),
                    crs=crs,
                )
            )
    done.notes += remarks_on_totals(table, values) + _remarks_on_headings(table)


def _remarks_on_headings(table: Table) -> list[str]:
    """What was read into headings that do not say it themselves."""
    notes = []
    if table.cut:
        told = "、".join(f"“{name}”读作“{column_of(name).column.heading}”" for name in table.cut)
        notes.append(f"“{table.sheet.name}”的字段名不完整：{told}，请核对。")
    if table.assumed:
        names = "、".join(f"“{name}”" for name in table.assumed)
        notes.append(f"工作表“{table.sheet.name}”的表头 {names} 没有写单位，按亩读入，请核对合计。")
    return notes


class _Reader:
    """Walks down one column at a time, each different cell judged once; an error names every cell it stands in."""

    def __init__(self, table: Table, rows: list[Row], done: Checked):
        self.table, self.rows, self.done = table, rows, done
        self.lines = [row.cells for row in rows]

    def each(self, name: str, read: Callable[[Cell], Any]) -> list:
        index = self.table.columns.get(name)
        if index is None:
            return [self._default(name, read)] * len(self.rows)
        cells = [line[index] if index < len(line) else EMPTY for line in self.lines]
        places = list(map(id, cells))  # the reader gives equal cells as one
        judged, wrong = {}, {}
        for place, cell in dict(zip(places, cells, strict=True)).items():
            try:
                judged[place] = None if cell.problem else read(cell)
            except ValueError as error:
                judged[place], wrong[place] = None, str(error)
        if wrong:
            self.done.errors += [
                self.table.sheet.error(row, index, wrong[place])
                for row, place in zip(self.rows, places, strict=True)
                if place in wrong
            ]
        return list(map(judged.__getitem__, places))

    def _default(self, name: str, read: Callable[[Cell], Any]):
        """What the reading says of all rows."""
        if name not in self.table.defaults:
            return None
        try:
            return read(Cell("text", self.table.defaults[name]))
        except ValueError as error:
            heading = BY_FIELD[name].heading
            self.done.errors.append(CellError(self.table.sheet.name, "", f"缺省的“{heading}”：{error}"))
            return None

    def words(self, name: str, read: Callable[[str], Any]) -> list:
        """Like ``each`` for what is told by the narrow text alone."""
        return self.each(name, lambda cell: read(narrow(cell.text)))

    def areas(self, name: str) -> list[Decimal | None]:
        unit = AREA_NAMES[self.table.units[name]]
        finer = set()  # cells

        def area(cell: Cell) -> Decimal | None:
            if is_not_applicable(cell):
                return None
            issued = parse_decimal(cell, places=ISSUED_PLACES, minimum=0)
            if unit == "mu" and decimals(issued) <= PLACES:
                exact = issued
            else:
                exact = to_mu(issued, unit, PLACES)
                if to_mu(issued, unit, ISSUED_PLACES) != exact:
                    finer.add(cell)
            if exact > LARGEST:
                raise ValueError(f"面积不大于 9,999,999 亩，现为“{cell.text}”，请核对数字和单位。")
            return exact

        found = self.each(name, area)
        if finer:
            heading, index = BY_FIELD[name].heading, self.table.columns[name]
            count = sum(1 for row in self.rows if row[index] in finer)
            self.done.notes.append(f"“{heading}”有 {count} 格折合亩后多于 4 位小数，按四舍五入保留 4 位；原数另存。")
        return found

    def note_unknown(self, name: str, values: list, words: Mapping[str, str]) -> None:
        known = set(words.values())
        unknown = list(dict.fromkeys(value for value in values if value and value not in known))
        if unknown:
            shown = "、".join(f"“{value}”" for value in unknown[:5])
            more = f" 等 {len(unknown)} 种" if len(unknown) > 5 else ""
            self.done.notes.append(f"“{BY_FIELD[name].heading}”{shown}{more}不在字典里，照原文保存。")


def _places(column: "_Reader", known: Known) -> tuple[list, list]:
    """Each row's village and the group its location names: by code or name of the village, else by the location."""
    columns = column.table.columns
    read = cells.division(known)
    if "division" in columns and "village_name" in columns:
        named = columns["village_name"]
        by_code = {narrow(row[columns["division"]].text) for row in column.rows}
        if not all(known.by_code(text) for text in by_code if text) and all(row[named] for row in column.rows):
            return column.words("village_name", read), []
        return column.words("division", read), []
    if "location" in columns and "division" not in columns and "village_name" not in columns:
        found = column.words("location", cells.location(known))
        return [one and one[0] for one in found], [one and one[1] for one in found]
    groups = column.words("location", lambda text: cells.group_in(text, known)) if "location" in columns else []
    return column.words("village_name" if "village_name" in columns else "division", read), groups


def _outlines(table: Table, rows: list[Row], done: Checked) -> dict[int, Outline]:
    """The boundaries beside the rows; a bad one is an error of its row, none at all a remark."""
    layer = table.layer
    if layer is None:
        return {}
    numbers, drawn = {row.number for row in rows}, layer.outlines.keys() | layer.problems.keys()
    done.errors += layer.errors(table.columns["codes"], only=numbers)
    done.errors += [
        CellError(table.sheet.name, FeatureTable.feature(number), "有图形，没有编号等属性，请补上；不要的图形请删去。")
        for number in sorted(drawn - numbers - {row.number for row in table.totals})
    ]
    if bare := len(numbers - drawn):
        done.notes.append(f"图层“{table.sheet.name}”有 {bare} 行没有图形，只登记属性。")
    return layer.outlines


def _check_duplicates(done: Checked) -> None:
    """A code stands once in a list; the later cell is wrong and names the first one."""
    first: dict[str, ParcelRow] = {}
    for row in done.rows:
        for code in row.codes:
            if other := first.get(code):
                text = f"编号“{code}”在 {other.place} 已有，一份清单里同一编号只能出现一次，请核对。"
                if other.division != row.division:
                    text += "编号只在村内唯一的，请在“对照列名”里改用全镇唯一的标识码。"
                done.errors.append(CellError(row.sheet, row.code_cell, text))
            else:
                first[code] = row
