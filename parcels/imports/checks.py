"""The cells of a parcel list, checked column by column: every error with its sheet and cell, words looked up once."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from farmland.lib.area import LARGEST, to_mu
from farmland.lib.excel import Cell, CellError, Row, cell_code
from farmland.lib.numbers import decimals, is_not_applicable, narrow, parse_decimal, plain
from farmland.places.models import Division
from parcels.imports.columns import AREAS, BY_FIELD
from parcels.imports.reading import Table
from parcels.models import Kind

PLACES = 4
ISSUED_PLACES = 12  # a list computed by a map program prints many decimals; they are kept in the raw cells
SEPARATORS = re.compile(r"[、,，;；\n]+")
AREA_NAMES = {"mu": "mu", "square_metre": "m2", "hectare": "hectare"}
LENGTHS = {"group": 40, "note": 300, "serial": 40, "ground_state": 40, "source": 40}
CODE_LENGTH = 80


@dataclass(frozen=True)
class Known:
    """What a cell may name. ``divisions`` and ``kinds`` by code, name and alias; the words of dictionaries likewise.

    ``outside`` are names of the town's divisions beyond the user's scope.
    """

    town: Division
    year: int
    divisions: Mapping[str, Division]
    outside: frozenset[str]
    kinds: Mapping[str, Kind]
    offered_kinds: tuple[str, ...]  # those named in an error
    land_classes: Mapping[str, str]
    ground_states: Mapping[str, str]
    sources: Mapping[str, str]


@dataclass(slots=True)
class ParcelRow:
    """One row of a list, read: ``values`` by parcel field, only of columns the list has; ``cells`` as issued."""

    sheet: str
    number: int
    serial: str
    codes: list[str]
    division: Division
    kind: Kind
    unit: str
    values: dict[str, Any]
    cells: dict[str, str]
    code_cell: str  # address of the code, for errors found later

    @property
    def place(self) -> str:
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
    codes = column.each("codes", _codes)
    column.each("town", lambda cell: _same_town(cell, known))
    column.each("year", lambda cell: _same_year(cell, known))
    divisions = column.words("division" if "division" in table.columns else "village_name", _division(known))
    kinds = column.words("kind", _kind(known))
    values: dict[str, list] = {name: column.areas(name) for name in AREAS if name in table.columns}
    for name, words in (("ground_state", known.ground_states), ("source", known.sources)):
        values[name] = column.words(name, _word(words, LENGTHS[name]))
        column.note_unknown(name, values[name], words)
    values["land_class"] = column.words("land_class", _land_class(known))
    for name in ("group", "note"):
        values[name] = column.each(name, _text(name))
    serials = column.each("serial", _text("serial"))
    present = [name for name in values if name in table.columns]
    headings = [(cell.text.replace("\n", ""), index) for index, cell in enumerate(table.head.cells) if cell]
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
                    unit=table.units.get("gross_mu", table.units.get("net_mu", "mu")),
                    values={name: values[name][at] for name in present},
                    cells={heading: row[index].text for heading, index in headings if row[index]},
                    code_cell=table.sheet.address(row, table.columns["codes"]),
                )
            )
    _check_totals(table, values, done)
    if table.assumed:
        names = "、".join(f"“{name}”" for name in table.assumed)
        done.notes.append(f"工作表“{table.sheet.name}”的表头 {names} 没有写单位，按亩读入，请核对合计。")


class _Reader:
    """Walks down one column at a time; an error names the cell, and the value is None."""

    def __init__(self, table: Table, rows: list[Row], done: Checked):
        self.table, self.rows, self.done = table, rows, done

    def each(self, name: str, read: Callable[[Cell], Any]) -> list:
        index = self.table.columns.get(name)
        if index is None:
            return [None] * len(self.rows)
        found = []
        for row in self.rows:
            try:
                found.append(None if row[index].problem else read(row[index]))
            except ValueError as error:
                self.done.errors.append(self.table.sheet.error(row, index, str(error)))
                found.append(None)
        return found

    def words(self, name: str, read: Callable[[str], Any]) -> list:
        """Like ``each`` for columns of few different words: each word is judged once."""
        seen: dict[str, Any] = {}

        def look_up(cell: Cell):
            text = narrow(cell.text)
            if text not in seen:
                try:
                    seen[text] = read(text)
                except ValueError as error:
                    seen[text] = error
            if isinstance(seen[text], ValueError):
                raise ValueError(str(seen[text]))
            return seen[text]

        return self.each(name, look_up)

    def areas(self, name: str) -> list[Decimal | None]:
        unit = AREA_NAMES[self.table.units[name]]
        finer = 0

        def area(cell: Cell) -> Decimal | None:
            nonlocal finer
            if is_not_applicable(cell):
                return None
            issued = parse_decimal(cell, places=ISSUED_PLACES, minimum=0)
            if unit == "mu" and decimals(issued) <= PLACES:
                exact = issued
            else:
                exact = to_mu(issued, unit, PLACES)
                finer += to_mu(issued, unit, ISSUED_PLACES) != exact
            if exact > LARGEST:
                raise ValueError(f"面积不大于 9,999,999 亩，现为“{cell.text}”，请核对数字和单位。")
            return exact

        found = self.each(name, area)
        if finer:
            heading = BY_FIELD[name].heading
            self.done.notes.append(f"“{heading}”有 {finer} 格折合亩后多于 4 位小数，按四舍五入保留 4 位；原数另存。")
        return found

    def note_unknown(self, name: str, values: list, words: Mapping[str, str]) -> None:
        known = set(words.values())
        unknown = list(dict.fromkeys(value for value in values if value and value not in known))
        if unknown:
            shown = "、".join(f"“{value}”" for value in unknown[:5])
            more = f" 等 {len(unknown)} 种" if len(unknown) > 5 else ""
            self.done.notes.append(f"“{BY_FIELD[name].heading}”{shown}{more}不在字典里，照原文保存。")


def _codes(cell: Cell) -> list[str]:
    text = cell_code(cell)
    codes = [part.strip() for part in SEPARATORS.split(text) if part.strip()]
    if not codes:
        raise ValueError("缺图斑编号，请填写；不是图斑的行请删去。")
    if too_long := next((code for code in codes if len(code) > CODE_LENGTH), None):
        raise ValueError(f"编号最长 {CODE_LENGTH} 个字，“{too_long[:20]}…”太长，请核对。")
    if len(set(codes)) < len(codes):
        raise ValueError(f"同一格里编号重复：“{text}”，请核对。")
    return codes


def _same_town(cell: Cell, known: Known) -> None:
    text = narrow(cell.text)
    if text and text not in (known.town.slug, known.town.code, known.town.name, *known.town.aliases):
        raise ValueError(f"是“{text}”的图斑，这里只能导入{known.town}的，请删去或到该镇导入。")


def _same_year(cell: Cell, known: Known) -> None:
    text = narrow(cell.text).removesuffix("年")
    if text and text != str(known.year):
        raise ValueError(f"是 {text} 年的图斑，这里导入的是 {known.year} 年，请核对年度。")


def _division(known: Known) -> Callable[[str], Division]:
    def read(text: str) -> Division:
        if not text:
            raise ValueError("缺村名，请填写。")
        if text in known.divisions:
            return known.divisions[text]
        if text in known.outside:
            raise ValueError(f"“{text}”不在您的范围内，请删去这一行，或请有权限的人导入。")
        raise ValueError(f"没有名为“{text}”的村，{known.town}的有：{_offer(_names(known.divisions.values()))}。")

    return read


def _names(rows: Iterable) -> list[str]:
    return list(dict.fromkeys(str(row) for row in rows))


def _offer(names: Iterable[str]) -> str:
    names = list(names)
    return "、".join(names[:30]) + (f" 等 {len(names)} 个" if len(names) > 30 else "")


def _kind(known: Known) -> Callable[[str], Kind]:
    def read(text: str) -> Kind:
        if not text:
            raise ValueError(f"缺任务，可用的有：{_offer(known.offered_kinds)}。")
        if text not in known.kinds:
            raise ValueError(f"没有名为“{text}”的任务，可用的有：{_offer(known.offered_kinds)}。")
        return known.kinds[text]

    return read


def _land_class(known: Known) -> Callable[[str], str]:
    """0103, 旱地, 0103旱地, 旱地（0103）, and 103 where a spreadsheet lost the first zero; a letter suffix stays."""

    def read(text: str) -> str:
        if is_not_applicable(text):
            return ""
        words = known.land_classes
        code = re.search(r"\d{3,4}[A-Z]?", text)
        name = re.sub(r"[\s()（）\-—]|\d{3,4}[A-Z]?", "", text)
        if code:
            found = code[0] if len(code[0].rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 4 else f"0{code[0]}"
            base = found[:4]
            if base in words and (not name or words.get(name) == base or len(found) > 4):
                return found
            if base in words:
                raise ValueError(f"“{text}”的代码和名称不一致，{base} 在字典里是另一个名称，请核对。")
        elif text in words:
            return words[text]
        raise ValueError(f"没有“{text}”这一地类，可用的有：{_offer(_classes(words))}。")

    return read


def _classes(words: Mapping[str, str]) -> list[str]:
    return [f"{code} {name}" for name, code in words.items() if name != code]


def _word(words: Mapping[str, str], length: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if is_not_applicable(text):
            return ""
        if len(text) > length:
            raise ValueError(f"最长 {length} 个字，现为 {len(text)} 个字，请缩短。")
        return words.get(text, text)

    return read


def _text(name: str) -> Callable[[Cell], str]:
    length = LENGTHS[name]

    def read(cell: Cell) -> str:
        text = cell.text.strip()
        if len(text) > length:
            raise ValueError(f"“{BY_FIELD[name].heading}”最长 {length} 个字，现为 {len(text)} 个字，请缩短。")
        return text

    return read


def _check_duplicates(done: Checked) -> None:
    """A code stands once in a list; the later cell is wrong and names the first one."""
    first: dict[str, ParcelRow] = {}
    for row in done.rows:
        for code in row.codes:
            if other := first.get(code):
                text = f"编号“{code}”在 {other.place} 已有，一份清单里同一编号只能出现一次，请核对。"
                done.errors.append(CellError(row.sheet, row.code_cell, text))
            else:
                first[code] = row


def _check_totals(table: Table, values: dict[str, list], done: Checked) -> None:
    """A printed sum that is not the sum of the rows above is said, not corrected."""
    for row in table.totals[-1:]:
        for name in AREAS:
            if name not in table.columns:
                continue
            try:
                printed = parse_decimal(row[table.columns[name]], places=ISSUED_PLACES)
            except ValueError:
                continue
            if printed is None:
                continue
            stated = to_mu(printed, AREA_NAMES[table.units[name]], PLACES)
            added = sum((area for area in values[name] if area is not None), Decimal(0))
            if stated != added:
                cell = table.sheet.address(row, table.columns[name])
                done.notes.append(
                    f"{table.sheet.name}!{cell} 印的合计折 {plain(stated)} 亩，各行相加为 {plain(added)} 亩。"
                )
