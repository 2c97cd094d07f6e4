"""Sheets on their way out of the child: each different cell once, rows as the places of their cells in that list.

A list of parcels repeats its villages, kinds and areas in every row; what was judged once need not be sent, read and
judged again. Standard library only.
"""

from array import array
from collections.abc import Iterable

from farmland.lib.excel.workbook import EMPTY, KINDS, Cell, Row, Sheet
from farmland.lib.packing import pack, unpack

NUMBERS = "I"  # of the array: row number, width, places, and again


class SheetOut:
    """One sheet as the child collects it. ``cells``: (kind, text) → its place; 0 is the empty one."""

    def __init__(self, name: str, state: str = "visible"):
        self.name, self.state, self.note = name, state, ""
        self.merged: list[str] = []
        self.cells: dict[tuple[str, str], int] = {("empty", ""): 0}
        self.rows = array(NUMBERS)

    def place(self, cell: Cell) -> int:
        return self.cells.setdefault((cell.kind, cell.text), len(self.cells))

    def add(self, number: int, places: list[int]) -> None:
        """The row of this number, its cells from column A by their places."""
        self.rows.extend((number, len(places), *places))

    def add_cells(self, number: int, cells: Iterable[Cell]) -> None:
        self.add(number, [self.place(cell) for cell in cells])

    def head(self) -> dict:
        return {
            "name": self.name,
            "state": self.state,
            "merged": self.merged,
            "note": self.note,
            "kinds": "".join(str(KINDS.index(kind)) for kind, _ in self.cells),
            "texts": [text for _, text in self.cells],
        }

    def sheet(self) -> Sheet:
        """What the other side makes of it."""
        return _sheet(self.head(), self.rows)


def packed(sheets: list[SheetOut]) -> bytes:
    return pack({"sheets": [one.head() for one in sheets]}, [one.rows.tobytes() for one in sheets])


def unpacked(answer: bytes) -> dict:
    """``refused`` as it was said, or ``answer``: the sheets."""
    head, blobs = unpack(answer)
    if "sheets" in head:
        head["answer"] = [_sheet(one, _numbers(blob)) for one, blob in zip(head.pop("sheets"), blobs, strict=True)]
    return head


def _numbers(blob: memoryview) -> array:
    rows = array(NUMBERS)
    rows.frombytes(blob)
    return rows


def _sheet(head: dict, numbers: array) -> Sheet:
    cells = [Cell(KINDS[int(kind)], text) for kind, text in zip(head["kinds"], head["texts"], strict=True)]
    cells[0] = EMPTY
    there, rows, at = cells.__getitem__, [], 0
    while at < len(numbers):
        end = at + 2 + numbers[at + 1]
        rows.append(Row(numbers[at], tuple(map(there, numbers[at + 2 : end]))))
        at = end
    return Sheet(head["name"], head["state"], tuple(rows), tuple(head["merged"]), head["note"])
