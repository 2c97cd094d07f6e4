"""What the sandbox calls to read a file of land: cells and boundaries in CGCS2000 out. Never imported by the web."""

import json
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy
import shapely

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.gate import BROKEN
from farmland.lib.excel.transfer import SheetOut, packed
from farmland.lib.excel.workbook import Cell
from farmland.lib.geo import archive, vectors
from farmland.lib.geo.crs import Placing, UnknownPlace, placing
from farmland.lib.geo.shape import BadShape, areas_whole, checked, write_wkb
from farmland.lib.geo.vectors import Features
from farmland.lib.packing import pack

AREAS = (3, 6)  # shapely's type ids of Polygon and MultiPolygon
BROKEN_SHAPE = "图形读不出来，请检查原图。"


def read_land(file: BinaryIO, options: str) -> bytes:
    """Packed: the sheet as JSON and one WKB for each boundary, or a refusal with the layers to choose from."""
    warnings.simplefilter("ignore")  # of GDAL and numpy about bad numbers: each is answered by its row
    wishes = json.loads(options)
    try:
        return _answer(file, wishes)
    except FileRefused as refusal:
        return pack({"refused": [refusal.code, refusal.message], "choices": getattr(refusal, "choices", [])}, [])
    except UnknownPlace as refusal:
        return pack({"refused": [refusal.code, str(refusal)], "choices": []}, [])
    except (zipfile.BadZipFile, RecursionError):
        return pack({"refused": ["corrupt", "文件已损坏或没有传完整，请重新导出后上传。"], "choices": []}, [])


def _answer(file: BinaryIO, wishes: dict) -> bytes:
    name, features = _layer(file, wishes)
    sheet = packed([_sheet(name, features)])
    boundaries, features.boundaries = _geometries(features.boundaries), ()
    place = _place(boundaries, features.crs, wishes["zone"])
    if place is not None:
        boundaries = _placed(boundaries, place)
    problems, outlines = _outlines(boundaries)
    notes = [*(place.notes if place else ()), *features.notes]
    head = {"problems": problems, "crs": place.epsg if place else "", "notes": notes}
    return pack(head, [sheet, *outlines])


def _sheet(name: str, features: Features) -> SheetOut:
    """The attributes below their headings; the cells are let go of."""
    sheet = SheetOut(name)
    sheet.add_cells(1, [Cell("text", one) for one in features.fields])
    for at, row in enumerate(features.rows, 2):
        sheet.add_cells(at, row)
    features.rows = []
    return sheet


def _layer(file: BinaryIO, wishes: dict) -> tuple[str, Features]:
    """The wanted layer, read; with several and no wish all are named."""
    kind = archive.kind_of(file.read(4096))
    file.seek(0)
    limits = wishes["max_rows"], wishes["max_inflated"]
    if kind == "zip":
        return _zipped(file, wishes["layer"], *limits)
    readers = {"geojson": vectors.geojson_layer, "kml": vectors.kml_layer}
    if kind in readers:
        return wishes["name"], readers[kind](file, limits[0])
    if kind == "gpkg":
        with Path("layer.gpkg").open("wb") as copy:
            shutil.copyfileobj(file, copy)
        return _gpkg(wishes["layer"], limits[0])
    raise FileRefused("not-land", "不是能读的图形文件，可用 Shapefile（打包成 ZIP）、GeoPackage、GeoJSON、KML、KMZ。")


def _zipped(file: BinaryIO, layer: str, max_rows: int, max_inflated: int) -> tuple[str, Features]:
    try:
        zipped = zipfile.ZipFile(file)
    except BROKEN as error:
        raise FileRefused("corrupt", "压缩包已损坏或没有传完整，请重新打包后上传。") from error
    with zipped:
        parts = archive.parts_of(zipped, max_inflated)
        if not parts:
            raise FileRefused("no-layer", f"压缩包里没有图层（.shp、.gpkg、.geojson、.kml），{archive.TOGETHER}。")
        part = _wanted({part.name: part for part in parts} if layer or len(parts) > 1 else {"": parts[0]}, layer)
        if part.kind == "shp":
            return part.name, vectors.shapefile_layer(zipped, part, max_rows, max_inflated)
        (info,) = part.members.values()
        with Path(f"layer.{part.kind}").open("w+b") as copy:
            archive.inflated(zipped, info, copy, max_inflated)
            copy.seek(0)
            if archive.kind_of(copy.read(4096)) != part.kind:
                raise FileRefused("not-land", f"“{part.name}.{part.kind}”的内容不是它的后缀所说的格式，请重新导出。")
            copy.seek(0)
            if part.kind != "gpkg":
                readers = {"geojson": vectors.geojson_layer, "kml": vectors.kml_layer}
                return part.name, readers[part.kind](copy, max_rows)
        return _gpkg("", max_rows)


def _gpkg(layer: str, max_rows: int) -> tuple[str, Features]:
    import pyogrio

    try:
        names = vectors.gpkg_layers("layer.gpkg")
    except pyogrio.errors.DataSourceError as error:
        raise FileRefused("layer-broken", "GeoPackage 读不出来，可能已损坏，请重新导出。") from error
    if not names:
        raise FileRefused("no-layer", "GeoPackage 里没有图形图层，请重新导出。")
    name = _wanted({one: one for one in names} if layer or len(names) > 1 else {"": names[0]}, layer)
    return name, vectors.gpkg_layer("layer.gpkg", name, max_rows)


def _wanted(found: dict, layer: str):
    if layer in found:
        return found[layer]
    refusal = FileRefused("several-layers", f"文件里有 {len(found)} 个图层：{'、'.join(found)}，请选择要导入的一个。")
    refusal.choices = list(found)
    raise refusal


# From what the file holds to boundaries in CGCS2000


def _geometries(boundaries) -> list:
    """Geometry, None, or the reason why there is none; a surface in the file that is no area stays to be refused."""
    return [None if one is None or (not isinstance(one, str) and one.is_empty) else one for one in boundaries]


def _place(boundaries: list, declared: str | None, zone: int | None) -> Placing | None:
    """Told by the middle of the file, so that one stray piece does not carry the others away."""
    real = [one for one in boundaries if one is not None and not isinstance(one, str)]
    if not real:
        return None
    if not any(one.geom_type in ("Polygon", "MultiPolygon") for one in real):
        raise FileRefused("no-areas", "图层里没有面，只有点或线，请导出面图层。")
    bounds = shapely.bounds(numpy.array(real, object))
    bounds = bounds[numpy.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        raise UnknownPlace("坐标含有非数（NaN）或无穷大，请检查原图。")
    return placing(declared, tuple(float(one) for one in numpy.median(bounds, axis=0)), zone)


def _placed(boundaries: list, place: Placing) -> list:
    """All of them moved at once; the reasons among them stay where they are."""
    real = [at for at, one in enumerate(boundaries) if one is not None and not isinstance(one, str)]
    moved = shapely.transform(shapely.force_2d(numpy.array([boundaries[at] for at in real], object)), place)
    found = list(boundaries)
    for at, one in zip(real, moved, strict=True):
        found[at] = one
    return found


def _outlines(boundaries: list) -> tuple[dict[int, str], list[bytes]]:
    """Row number → why its boundary is none; of the sound ones five columns: see ``files.outlines_of``."""
    problems = {at: one for at, one in enumerate(boundaries, 2) if isinstance(one, str)}
    ready = _ready(boundaries, problems)
    boundaries.clear()
    at = numpy.array([place for place, one in enumerate(ready) if one is not None], int)
    found = ready[at]
    areas, boxes = numpy.array(areas_whole(found), "=i8"), shapely.bounds(found).astype("=f8")
    wkb = write_wkb(found).tolist()
    sizes = numpy.array([len(one) for one in wkb], "=u4")
    return problems, [
        (at + 2).astype("=u4").tobytes(),
        areas.tobytes(),
        boxes.tobytes(),
        sizes.tobytes(),
        b"".join(wkb),
    ]


def _ready(boundaries: list, problems: dict[int, str]) -> numpy.ndarray:
    """Each boundary as it is kept; None where there is none, and why not in ``problems``."""
    ready = numpy.array([None if isinstance(one, str) else one for one in boundaries], object)
    sound = _sound(ready)
    ready[sound] = shapely.orient_polygons(ready[sound])
    for place in [at for at, one in enumerate(ready) if one is not None and not sound[at]]:
        try:
            ready[place] = checked(ready[place])
        except BadShape as reason:
            ready[place], problems[place + 2] = None, str(reason)
        except shapely.errors.GEOSException:
            ready[place], problems[place + 2] = None, BROKEN_SHAPE
    return ready


def _sound(real: numpy.ndarray) -> numpy.ndarray:
    """Whether each needs no closer look, for all at once: the many good ones of a large file take no time."""
    west, south, east, north = shapely.bounds(real).T
    with numpy.errstate(invalid="ignore"):
        inside = (west >= 73) & (south >= 3) & (east <= 136) & (north <= 54)
    small = shapely.get_num_coordinates(real) <= 10_000
    is_area = numpy.isin(shapely.get_type_id(real), AREAS)
    found = is_area & inside & small
    found[found] = shapely.is_valid(real[found]) & (shapely.area(real[found]) > 0)
    return found
