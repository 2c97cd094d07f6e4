"""A file of land in: read and placed in the sandbox, a sheet of cells with boundaries beside it out."""

import json
from array import array
from collections.abc import Container
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from farmland.lib import sandbox
from farmland.lib.excel import gate
from farmland.lib.excel.errors import CellError, FileRefused
from farmland.lib.excel.transfer import unpacked
from farmland.lib.excel.workbook import Row, Sheet
from farmland.lib.geo.archive import kind_of
from farmland.lib.packing import unpack

MEMORY = 1536 * gate.MB  # address space; GDAL, GEOS and PROJ alone map 260 MB
ANSWER = 600 * gate.MB
SECONDS = 120
CODES = {sandbox.TimedOut: "too-slow", sandbox.TooLarge: "too-much-memory", sandbox.Crashed: "corrupt"}
SUFFIXES = (".zip", ".gpkg", ".geojson", ".json", ".kml", ".kmz")


class LayerWanted(FileRefused):
    """The file holds several layers and nobody said which; ``choices`` are their names."""

    def __init__(self, code: str, message: str, choices: list[str]):
        super().__init__(code, message)
        self.choices = choices

    def __reduce__(self):
        return LayerWanted, (self.code, self.message, self.choices)


@dataclass(frozen=True, slots=True)
class Outline:
    """One checked boundary: WKB in EPSG:4490, its box in degrees, its geodesic area."""

    wkb: memoryview
    box: tuple[float, float, float, float]
    area_mu: Decimal


@dataclass(frozen=True)
class FeatureTable(Sheet):
    """The attributes of a layer: row 2 is the first feature, and a place in it is told by feature and field."""

    @staticmethod
    def feature(row_number: int) -> str:
        return f"第 {row_number - 1} 个图形"

    def address(self, row: Row | int, column: int) -> str:
        number = row.number if isinstance(row, Row) else row
        heading = self.rows[0][column].text
        return f"{self.feature(number)}“{heading}”" if number > 1 else f"字段“{heading}”"


@dataclass(frozen=True)
class Layer:
    """``outlines`` and ``problems`` by row number of the sheet (2 is the first feature); a row may have neither."""

    sheet: FeatureTable
    outlines: dict[int, Outline]
    problems: dict[int, str]
    crs: str
    notes: list[str] = field(default_factory=list)

    def errors(self, named: int | None, only: Container[int] | None = None) -> list[CellError]:
        """One for each bad boundary (``only``: of these rows), with what its feature is called in column ``named``."""
        found = []
        for number, reason in self.problems.items():
            if only is not None and number not in only:
                continue
            row = self.sheet.by_number.get(number)
            name = row[named].text if row and named is not None else ""
            text = f"“{name}”的{reason}" if name else reason
            found.append(CellError(self.sheet.name, self.sheet.feature(number), text))
        return found


def is_land(head: bytes) -> bool:
    """Whether the first bytes are those of a geometry file; a zip has to be looked into."""
    return kind_of(head) in ("gpkg", "geojson", "kml")


def read_layer(
    path: Path,
    name: str,
    *,
    max_rows: int,
    max_bytes: int,
    max_inflated: int,
    layer: str = "",
    zone: int | None = None,
) -> Layer:
    """Read a zipped Shapefile, GeoPackage, GeoJSON, KML or KMZ. Raises ``FileRefused``, ``LayerWanted``.

    ``layer``: which of several; ``zone``: the EPSG number of a file that does not say its own.
    """
    gate.check_size(path.stat().st_size, max_bytes)
    stem = Path(name).stem[:60] or "图层"
    wishes = {"name": stem, "layer": layer, "zone": zone, "max_rows": max_rows, "max_inflated": max_inflated}
    target = ["farmland.lib.geo.child:read_land", json.dumps(wishes, ensure_ascii=False)]
    try:
        answer = sandbox.run_child(
            target, path, wall_seconds=SECONDS, cpu_seconds=SECONDS, memory_bytes=MEMORY, output_limit=ANSWER
        )
    except tuple(CODES) as error:
        raise FileRefused(CODES[type(error)], str(error)) from error
    head, blobs = unpack(answer)
    if "refused" in head:
        code, message = head["refused"]
        raise LayerWanted(code, message, head["choices"]) if head["choices"] else FileRefused(code, message)
    return _layer(head, blobs)


def _layer(head: dict, blobs: list[memoryview]) -> Layer:
    cells, *columns = blobs
    (read,) = unpacked(bytes(cells))["answer"]
    problems = {int(number): reason for number, reason in head["problems"].items()}
    sheet = FeatureTable(read.name, read.state, read.rows)
    return Layer(sheet, outlines_of(*columns), problems, head["crs"], head["notes"])


def outlines_of(
    numbers: memoryview, areas: memoryview, boxes: memoryview, sizes: memoryview, wkb: memoryview
) -> dict[int, Outline]:
    """Columns of the child: row numbers, ten-thousandths of a 亩, four degrees each, lengths, boundaries."""
    found, at, sides = {}, 0, _column("d", boxes)
    facts = zip(_column("I", numbers), _column("q", areas), _column("I", sizes), strict=True)
    for place, (number, area, size) in enumerate(facts):
        box = tuple(sides[4 * place : 4 * place + 4])
        found[number] = Outline(wkb[at : at + size], box, Decimal(area).scaleb(-4))
        at += size
    return found


def _column(kind: str, blob: memoryview) -> array:
    column = array(kind)
    column.frombytes(blob)
    return column
