"""A printed 合计 line against the rows above it."""

from decimal import Decimal

from farmland.lib.area import to_mu
from farmland.lib.excel import Row
from farmland.lib.numbers import parse_decimal, plain
from parcels.imports.columns import AREA_NAMES, AREAS, ISSUED_PLACES, PLACES
from parcels.imports.reading import Table

SHIFTS = (0, 1, -1, 2, 3, 4, 5)


def remarks_on_totals(table: Table, values: dict[str, list]) -> list[str]:
    """A printed sum that is not that of the rows is said, not corrected; a shifted line is read by its content."""
    notes = []
    for row in table.totals[-1:]:
        sums = {
            name: sum((area for area in values[name] if area is not None), Decimal(0))
            for name in AREAS
            if name in table.columns
        }
        placed = {shift: _printed(table, row, shift) for shift in SHIFTS}
        wrong = {shift: [name for name in there if there[name] != sums[name]] for shift, there in placed.items()}
        shift = next((one for one in placed if placed[one] and not wrong[one]), 0)
        for name in wrong[shift]:
            cell = table.sheet.address(row, table.columns[name])
            notes.append(
                f"{table.sheet.name}!{cell} 印的合计折 {plain(placed[shift][name])} 亩，"
                f"各行相加为 {plain(sums[name])} 亩。"
            )
        if placed[shift] and not wrong[shift]:
            moved = f"（合计行错位 {abs(shift)} 列，按内容核对）" if shift else ""
            notes.append(f"“{table.sheet.name}”印的合计与各行相加一致{moved}。")
    return notes


def _printed(table: Table, row: Row, shift: int) -> dict[str, Decimal]:
    """The sums a total line prints, its cells ``shift`` columns to the left of their headings."""
    found = {}
    for name in AREAS:
        index = table.columns.get(name, -1) - shift
        if name in table.columns and index >= 0:
            try:
                printed = parse_decimal(row[index], places=ISSUED_PLACES)
            except ValueError:
                continue
            if printed is not None:
                found[name] = to_mu(printed, AREA_NAMES[table.units[name]], PLACES)
    return found
