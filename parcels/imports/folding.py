"""A table that lost its columns: one cell to a line, headings first, as text taken from a document or a PDF.

The headings say how many columns there were; every so many lines a row begins, with or without an empty line between.
An empty cell is an empty line, so lines are counted by their numbers and never by what stands in them.
"""

from dataclasses import dataclass, field

from farmland.lib.excel import Row, Sheet
from farmland.lib.excel.workbook import EMPTY, Cell, letters
from farmland.lib.numbers import is_not_applicable, parse_decimal
from parcels.imports.choices import Choices, Reading
from parcels.imports.columns import AREA, ISSUED_PLACES, TOTAL

MOST_COLUMNS, GAPS = 40, (0, 1, 2)
ALONE = 0.95  # of the lines hold one cell
FITTING = 0.9  # of the rows read like rows; what is left is told by cell
WORDS_ABOVE = 12  # lines: 单位： and 亩


@dataclass(frozen=True)
class Folded(Sheet):
    """``lines``: row number → the numbers of the lines its cells stand in; ``column`` is where all of them stand."""

    lines: dict[int, list[int]] = field(default_factory=dict, repr=False, compare=False)
    column: int = 0

    def address(self, row: Row | int, column: int) -> str:
        lines = self.lines.get(row.number if isinstance(row, Row) else row, [])
        return f"{letters(self.column)}{lines[column]}" if column < len(lines) else super().address(row, column)


@dataclass(frozen=True)
class Fold:
    """Rows of ``width`` lines with ``gap`` empty lines between, the headings at line ``start``."""

    start: int
    width: int
    gap: int

    def rows(self, last: int) -> list[list[int]]:
        """The line numbers of each row, the headings first."""
        step = self.width + self.gap
        return [list(range(at, at + self.width)) for at in range(self.start, last + 1, step)]


def folded(sheet: Sheet, choices: Choices, required) -> Folded | None:
    """The sheet with its rows put together again, if that is what it is; ``required`` names what headings lack."""
    lines = _one_column(sheet)
    if not lines:
        return None
    cells = {number: cell for number, (_, cell) in lines.items()}
    for reading in choices.readings([cell.text for cell in cells.values() if cell.kind == "text"]):
        if best := _best(cells, reading, required):
            return _put_together(sheet, lines, best)
    return None


def _one_column(sheet: Sheet) -> dict[int, tuple[int, Cell]]:
    """Line number → column and cell, of a sheet where nearly every row holds one cell."""
    found, alone = {}, 0
    for row in sheet.rows:
        filled = [(at, cell) for at, cell in enumerate(row.cells) if cell]
        if filled:
            alone += len(filled) == 1
            at, cell = filled[0]
            found[row.number] = at, Cell(cell.kind, cell.text.strip())
    return found if found and alone >= ALONE * len(found) else {}


def _best(cells: dict[int, Cell], reading: Reading, required) -> Fold | None:
    """The fold by which most rows read like rows."""
    ranked = []
    for start, cell in cells.items():
        if cell.kind != "text" or not reading.hit(cell.text):
            continue
        for width in range(2, MOST_COLUMNS + 1):
            heads = [cells.get(start + at, EMPTY) for at in range(width)]
            if not all(one.kind == "text" and not _is_number(one.text) for one in heads):
                break
            hits = [reading.hit(one.text) for one in heads]
            if required({hit.column.field for hit in hits if hit}, reading):
                continue
            folds = [Fold(start, width, gap) for gap in GAPS]
            ranked += [(_fitting(cells, one, hits), -one.gap, -one.width, one) for one in folds]
    best = max(ranked, key=lambda one: one[:3], default=None)
    return best[-1] if best and best[0] >= FITTING else None


def _is_number(text: str) -> bool:
    try:
        return parse_decimal(text, places=ISSUED_PLACES) is not None
    except ValueError:
        return False


def _fitting(cells: dict[int, Cell], fold: Fold, hits: list) -> float:
    """The share of rows that have a code with a digit, areas and serials that are numbers, nothing in the gap."""
    codes = [at for at, hit in enumerate(hits) if hit and hit.column.field == "codes"]
    areas = [at for at, hit in enumerate(hits) if hit and hit.column.kind == AREA]
    serials = [at for at, hit in enumerate(hits) if hit and hit.column.field == "serial"]
    rows = fold.rows(max(cells))[1:]
    good = total = 0
    for lines in rows:
        row = [cells.get(one, EMPTY) for one in lines]
        if not row[codes[0]] or any(TOTAL.fullmatch(cell.text) for cell in row[:2]):
            continue  # a sum, or what follows the table
        total += 1
        gap = any(cells.get(lines[-1] + one + 1) for one in range(fold.gap))
        numbers = all(is_not_applicable(row[at]) or _is_number(row[at].text) for at in areas)
        has_code = any(letter.isdigit() for letter in row[codes[0]].text)
        good += has_code and not gap and numbers and all(_is_number(row[at].text) for at in serials)
    return good / total if total else 0.0


def _put_together(sheet: Sheet, lines: dict[int, tuple[int, Cell]], fold: Fold) -> Folded:
    above = "".join(cell.text for number, (_, cell) in lines.items() if number < fold.start)[-WORDS_ABOVE * 20 :]
    rows = [Row(max(fold.start - 1, 0), (Cell("text", above),))] if above else []
    kept = {}
    for numbers in fold.rows(max(lines)):
        cells = tuple(lines[one][1] if one in lines else EMPTY for one in numbers)
        if any(cells):
            rows.append(Row(numbers[0], cells))
            kept[numbers[0]] = numbers
    column = lines[fold.start][0]
    return Folded(sheet.name, sheet.state, tuple(rows), (), sheet.note, lines=kept, column=column)
