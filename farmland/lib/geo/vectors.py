"""Features of one layer as cells and boundaries, whatever the format. Runs in the child.

GeoJSON and KML are read here, number by number as printed; GDAL reads only what has to be binary: a Shapefile whose
first bytes were checked, and a GeoPackage named ``GPKG:``, so that no file can choose another driver.
"""

import codecs
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy
import shapely

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.workbook import EMPTY, Cell
from farmland.lib.geo.archive import Part
from farmland.lib.geo.shp import laid_out
from farmland.lib.numbers import float_text

MAX_TEXT = 4000
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
HALVES = re.compile("[\ud800-\udfff]")


@dataclass
class Features:
    """``fields`` are headings, ``rows`` cells in their order; ``boundaries`` shapely geometries or None."""

    fields: list[str]
    rows: list[list[Cell]]
    boundaries: list | numpy.ndarray
    crs: str | None
    notes: list[str] = field(default_factory=list)


def cell_of(value) -> Cell:
    """A value of JSON, KML or GDAL as a cell; a float by its shortest digits."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, (bool, numpy.bool_)):
        return Cell("bool", "TRUE" if value else "FALSE")
    if isinstance(value, Number):
        return Cell("number", value) if value.lstrip("-").isdigit() else number_cell(str(value))
    if isinstance(value, (int, numpy.integer)):
        return Cell("number", str(value))
    if isinstance(value, (float, numpy.floating)):
        return EMPTY if numpy.isnan(value) else number_cell(float(value))
    if isinstance(value, (list, tuple, numpy.ndarray)):
        return text_cell("、".join(str(one) for one in value))
    if isinstance(value, dict):
        return text_cell(json.dumps(value, ensure_ascii=False))
    return text_cell(str(value))


def number_cell(value: float | str) -> Cell:
    try:
        return Cell("number", float_text(value))
    except ValueError:
        return Cell("error", str(value)[:20])


def text_cell(text: str) -> Cell:
    text = text.strip()
    if not text:
        return EMPTY
    if CONTROL.search(text):
        return Cell("error", "不可见字符")
    if len(text) > MAX_TEXT or HALVES.search(text):
        return Cell("error", "文字过长" if len(text) > MAX_TEXT else "不可见字符")
    return Cell("text", text)


class Number(str):
    """A number as the file prints it."""


# GeoJSON


def geojson_layer(file: BinaryIO, max_rows: int) -> Features:
    """A FeatureCollection (or one Feature); properties in the order of first appearance."""
    try:
        text = file.read().decode("utf-8-sig")
        data = json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FileRefused("geojson-broken", "GeoJSON 读不出来：不是完整的 JSON（UTF-8），请重新导出。") from error
    features = _features(data)
    too_many(len(features), max_rows)
    names = dict.fromkeys(name for one in features for name in (one.get("properties") or {}))
    rows = [[cell_of((one.get("properties") or {}).get(name)) for name in names] for one in features]
    boundaries = [_geometry(one.get("geometry")) for one in features]
    return Features(list(map(str, names)), rows, boundaries, _declared(data))


def _no_constant(name: str):
    raise ValueError(f"{name} is no JSON")


def _features(data) -> list[dict]:
    kind = data.get("type") if isinstance(data, dict) else None
    found = data.get("features") if kind == "FeatureCollection" else [data] if kind == "Feature" else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FileRefused("geojson-broken", "这个 JSON 不是 GeoJSON 要素集（FeatureCollection），请重新导出。")
    if any(not isinstance(one.get("properties") or {}, dict) for one in found):
        raise FileRefused("geojson-broken", "GeoJSON 要素的 properties 不是键值对，请重新导出。")
    return found


def _geometry(value):
    """The geometry, or the reason why it is none as a text."""
    if value is None:
        return None
    try:
        return shapely.from_geojson(_plain(value))
    except (shapely.errors.GEOSException, ValueError, TypeError, RecursionError):
        return "图形读不出来，请检查原图。"


def _plain(value) -> str:
    """JSON text again, with the numbers as they were printed."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(_plain, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_plain(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def _declared(data: dict) -> str | None:
    """The old ``crs`` member; without it GeoJSON is WGS84 degrees (RFC 7946)."""
    crs = data.get("crs")
    name = (crs.get("properties") or {}).get("name") if isinstance(crs, dict) else None
    return str(name)[:200] if name else "EPSG:4326"


# GeoPackage and Shapefile


def gpkg_layers(path: str) -> list[str]:
    import pyogrio

    return [str(name) for name, kind in pyogrio.list_layers(f"GPKG:{path}") if kind is not None]


def gpkg_layer(path: str, layer: str, max_rows: int) -> Features:
    meta, wkb, data = _gdal(f"GPKG:{path}", max_rows, layer=layer)
    rows = _rows([_cells(column) for column in data], len(wkb))
    return Features(list(map(str, meta["fields"])), rows, _boundaries(wkb), meta["crs"])


def shapefile_layer(archive: zipfile.ZipFile, part: Part, max_rows: int, max_inflated: int) -> Features:
    """Repacked under a name of ours, because GDAL cannot open members with GBK names; texts decoded by their bytes."""
    meta, wkb, data = _gdal(laid_out(archive, part, max_inflated), max_rows, encoding="ISO-8859-1")
    stated = (
        archive.read(part.members[".cpg"])[:40].decode("ascii", "ignore").strip() if ".cpg" in part.members else ""
    )
    encoding = dbf_encoding([str(name) for name in meta["fields"]], data, stated)
    fields = [decoded(str(name), encoding) for name in meta["fields"]]
    boundaries, columns = _boundaries(wkb), []
    del wkb
    while data:
        columns.append(_cells(data.pop(0), encoding))  # the bytes of a column go when it is read
    notes = [] if encoding == "utf-8" else ["属性文字按 GBK 读入，请核对中文是否正常。"]
    return Features(fields, _rows(columns, len(boundaries)), boundaries, meta["crs"], notes)


def _boundaries(wkb: numpy.ndarray) -> numpy.ndarray:
    """Geometry; None where the file has none, and why where what it has is none."""
    found = shapely.from_wkb(wkb, on_invalid="ignore")
    for at in numpy.flatnonzero(shapely.is_missing(found)):
        if wkb[at] is not None:
            found[at] = "图形读不出来：边界没有闭合、不足三个不同的点，或坐标不是数（NaN），请检查原图。"
    return found


def _gdal(path: str, max_rows: int, **options):
    import pyogrio

    try:
        meta, _, wkb, data = pyogrio.raw.read(path, max_features=max_rows + 1, datetime_as_string=True, **options)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise FileRefused("layer-broken", "图层读不出来，可能已损坏或不完整，请重新导出。") from error
    if wkb is None:
        raise FileRefused("no-geometry", "这个图层没有图形，只有属性，请改为上传表格。")
    too_many(len(wkb), max_rows)
    return meta, wkb, list(data)


def _cells(column: numpy.ndarray, encoding: str = "") -> list[Cell]:
    """A column of GDAL; what stands in it again is looked at once. ``encoding``: of texts that are still bytes."""
    known: dict[tuple, Cell] = {}
    found = []
    for value in column.tolist() if column.dtype.kind in "biuf" else column:
        kind = type(value)
        if kind not in (str, float, int, bool):
            found.append(cell_of(value))
            continue
        if (kind, value) not in known:
            known[kind, value] = cell_of(decoded(value, encoding) if encoding and kind is str else value)
        found.append(known[kind, value])
    return found


def _rows(columns: list[list[Cell]], count: int) -> list[list[Cell]]:
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(count)]


def dbf_encoding(names: list[str], data: list, stated: str) -> str:
    """UTF-8 when every byte of names and values is, else GB18030; a .cpg that names one of them decides."""
    if stated.lower().replace("-", "") in ("utf8", "65001"):
        candidates = ["utf-8", "gb18030"]
    elif stated.lower() in ("gbk", "gb2312", "gb18030", "936", "cp936", "ansi 936"):
        candidates = ["gb18030", "utf-8"]
    else:
        candidates = ["utf-8", "gb18030"]
    words = [*names, *(value for column in data if column.dtype == object for value in column)]
    texts = {one for one in words if isinstance(one, str) and not one.isascii()}
    return next((one for one in candidates if all(decoded(text, one) is not None for text in texts)), "gb18030")


def decoded(text: str, encoding: str) -> str | None:
    """A text read as ISO-8859-1 in its true encoding; the bytes of a character cut at the end are dropped."""
    raw = text.encode("latin-1", "ignore")
    try:
        return codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return None if encoding == "utf-8" else raw.decode(encoding, "replace")


# KML


def kml_layer(file: BinaryIO, max_rows: int) -> Features:
    """Placemarks with their extended data; folders are not told apart."""
    from defusedxml.common import DefusedXmlException

    rows, boundaries, names = [], [], {"名称": None}
    try:
        for values, boundary in _placemarks(file):
            names |= dict.fromkeys(values)
            rows.append(values)
            boundaries.append(boundary)
            too_many(len(rows), max_rows)
    except (SyntaxError, DefusedXmlException, ValueError) as error:
        raise FileRefused("kml-broken", "KML 读不出来，可能已损坏，或不是 UTF-8 编码，请重新导出。") from error
    return Features(list(names), [[cell_of(row.get(name)) for name in names] for row in rows], boundaries, "EPSG:4326")


def _placemarks(file: BinaryIO) -> Iterator[tuple[dict[str, str], object]]:
    from defusedxml.ElementTree import iterparse

    for _, element in iterparse(file, forbid_dtd=True):
        if _tag(element) != "Placemark":
            continue
        values = {}
        for one in element.iter():
            if _tag(one) == "SimpleData" and one.get("name"):
                values[one.get("name")] = one.text or ""
            elif _tag(one) == "Data" and one.get("name"):
                values[one.get("name")] = next((child.text or "" for child in one if _tag(child) == "value"), "")
        name = next((child.text or "" for child in element if _tag(child) == "name"), "")
        yield {"名称": name, **values}, _kml_boundary(element)
        element.clear()


def _tag(element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _kml_boundary(placemark):
    polygons = []
    for polygon in (one for one in placemark.iter() if _tag(one) == "Polygon"):
        rings = {"outerBoundaryIs": [], "innerBoundaryIs": []}
        for side in polygon:
            if _tag(side) in rings:
                rings[_tag(side)] += [_ring(one.text or "") for one in side.iter() if _tag(one) == "coordinates"]
        if len(rings["outerBoundaryIs"]) != 1 or any(len(ring) < 4 for sides in rings.values() for ring in sides):
            return "边界不完整，请在原图中修正。"
        polygons.append(shapely.Polygon(rings["outerBoundaryIs"][0], rings["innerBoundaryIs"]))
    if not polygons and any(_tag(one) in ("Point", "LineString") for one in placemark.iter()):
        return "应为面，现为点或线，请导出面。"
    if len(polygons) == 1:
        return polygons[0]
    return shapely.MultiPolygon(polygons) if polygons else None


def _ring(text: str) -> list[tuple[float, float]]:
    """Longitude,latitude[,height] tuples separated by spaces. Raises ``ValueError`` on anything else."""
    return [
        (float(longitude), float(latitude)) for longitude, latitude, *_ in (one.split(",") for one in text.split())
    ]


def too_many(count: int, max_rows: int) -> None:
    if count > max_rows:
        raise FileRefused("too-many-rows", f"图层里多于 {max_rows} 个图形，请拆分后上传。")
