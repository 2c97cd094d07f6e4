"""Files of land made on the spot, good and bad: squares of 100 m in zone 35, in the formats they come in."""

import io
import json
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy
import pyogrio
import shapely
from pyproj import Transformer

EAST, NORTH = 35_605_000, 3_303_000
FIELDS = ("TBBH", "ZLDWMC", "TBMJ", "DLBM")


def squares(count: int, *, east=EAST, north=NORTH, side=100, step=100) -> list:
    """Squares in a row, edge to edge, in metres of EPSG:4523."""
    return [shapely.box(east + n * step, north, east + n * step + side, north + side) for n in range(count)]


def degrees(shapes: list) -> list:
    there = Transformer.from_crs(4523, 4490, always_xy=True)
    move = lambda points: numpy.column_stack(there.transform(points[:, 0], points[:, 1]))  # noqa: E731
    return [shapely.transform(one, move) for one in shapes]


def records(count: int, *, village="东村", area=10_000.0) -> list[tuple]:
    return [(f"{n + 1:04}", village, area, "0103") for n in range(count)]


def layer(folder: Path, driver: str, suffix: str, shapes, rows, fields=FIELDS, crs="EPSG:4523", **options) -> Path:
    path = folder / f"layer{suffix}"
    columns = [
        numpy.array(column, object if isinstance(column[0], str) else None) for column in zip(*rows, strict=True)
    ]
    kind = options.pop("geometry_type", "Polygon")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            path, shapely.to_wkb(numpy.array(shapes, object)), columns, numpy.array(fields), crs=crs,
            geometry_type=kind, driver=driver, **options,
        )  # fmt: skip
    return path


def shapefile(
    shapes, rows, *, fields=FIELDS, crs="EPSG:4523", encoding="GBK", names="图斑", cpg=False, without=(), empty=(),
    gbk_names=False, more=(), geometry_type="Polygon",
) -> bytes:  # fmt: skip
    """A zipped Shapefile; ``without`` and ``empty`` are suffixes, ``more`` further (name, data) entries."""
    with tempfile.TemporaryDirectory() as folder:
        path = layer(
            Path(folder), "ESRI Shapefile", ".shp", shapes, rows, fields, crs, encoding=encoding,
            geometry_type=geometry_type,
        )  # fmt: skip
        parts = {one.suffix: one.read_bytes() for one in path.parent.iterdir()}
    parts = {suffix: b"" if suffix in empty else data for suffix, data in parts.items() if suffix not in without}
    if not cpg:
        parts.pop(".cpg", None)
    return zipped(*((f"{names}{suffix}", data) for suffix, data in parts.items()), *more, gbk_names=gbk_names)


def zipped(*entries: tuple[str, bytes], gbk_names=False) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(WindowsName(name) if gbk_names else name, content)
    return data.getvalue()


class WindowsName(zipfile.ZipInfo):
    """An entry whose name is written in GBK without saying so."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def geopackage(shapes, rows, *, fields=FIELDS, crs="EPSG:4523", second: str = "") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = layer(Path(folder), "GPKG", ".gpkg", shapes, rows, fields, crs, layer="图斑")
        if second:
            layer(Path(folder), "GPKG", ".gpkg", shapes, rows, fields, crs, layer=second, append=True)
        return path.read_bytes()


def geojson(shapes, rows, *, fields=FIELDS, crs: str = "") -> bytes:
    features = [
        {"type": "Feature", "properties": dict(zip(fields, row, strict=True)),
         "geometry": None if shape is None else json.loads(shapely.to_geojson(shape))}
        for shape, row in zip(shapes, rows, strict=True)
    ]  # fmt: skip
    data = {"type": "FeatureCollection", "features": features}
    if crs:
        data["crs"] = {"type": "name", "properties": {"name": crs}}
    return json.dumps(data, ensure_ascii=False).encode()


def kml(shapes, rows, *, fields=FIELDS) -> bytes:
    marks = []
    for shape, row in zip(shapes, rows, strict=True):
        printed = [one if isinstance(one, str) else f"{one:g}" for one in row]
        data = "".join(
            f'<SimpleData name="{name}">{value}</SimpleData>' for name, value in zip(fields, printed, strict=True)
        )
        ring = " ".join(f"{x!r},{y!r},0" for x, y in shape.exterior.coords)
        marks.append(
            f"<Placemark><name>{row[0]}</name><ExtendedData><SchemaData>{data}</SchemaData></ExtendedData><Polygon>"
            f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
            "</Placemark>"
        )
    head = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
    return f"{head}{''.join(marks)}</Document></kml>".encode()
