"""A boundary: checked with the reason in Chinese, measured on the ellipsoid, written and read back.

Numbers leave as exact decimals: the geodesic area of a float boundary is rounded once, half up, to 0.0001 亩.
"""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import numpy
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from farmland.lib.area import rounded, to_mu

ELLIPSOID = Geod(a=6378137, rf=298.257222101)  # of CGCS2000
WEST, SOUTH, EAST, NORTH = 73, 3, 136, 54  # the country
MAX_POINTS = 200_000  # of one boundary
POLYGON = 3  # shapely's type id
REASON = re.compile(r"([^\[]+)\[([-+.\deE]+) ([-+.\deE]+)\]")
REASONS = {
    "self-intersection": "边界自相交",
    "ring self-intersection": "边界自己碰到自己",
    "hole lies outside shell": "内洞在外边界之外",
    "holes are nested": "内洞互相套叠",
    "interior is disconnected": "内部被边界切断",
    "nested shells": "几块互相套叠",
    "duplicate rings": "同一圈边界重复",
    "too few points in geometry component": "边界不足三个不同的点",
    "invalid coordinate": "坐标不是数",
    "ring is not closed": "边界没有闭合",
}
TYPES = {
    "Point": "点", "MultiPoint": "点", "LineString": "线", "LinearRing": "线", "MultiLineString": "线",
    "GeometryCollection": "多种图形的集合",
}  # fmt: skip


class BadShape(ValueError):
    """Why a boundary cannot be used, in Chinese."""


def checked(geometry: BaseGeometry | None) -> BaseGeometry:
    """The boundary ready to be kept: areas only, flat, outer rings counter-clockwise. Raises ``BadShape``; no repair.

    A boundary that crosses itself has no area of its own: whoever drew it says what was meant.
    """
    if geometry is None or geometry.is_empty:
        raise BadShape("没有图形，请在原图中补画边界。")
    if geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise BadShape(f"应为面，现为{TYPES.get(geometry.geom_type, geometry.geom_type)}，请导出面图层。")
    geometry = shapely.force_2d(geometry)
    _check_numbers(geometry)
    if not geometry.is_valid:
        raise BadShape(why_invalid(geometry))
    if not geometry.area > 0:
        raise BadShape("面积为 0，请检查边界。")
    return shapely.orient_polygons(geometry)


def _check_numbers(geometry: BaseGeometry) -> None:
    points = shapely.get_coordinates(geometry)
    if len(points) > MAX_POINTS:
        raise BadShape(f"边界有 {len(points)} 个点，最多 {MAX_POINTS} 个，请拆分或简化。")
    if not numpy.isfinite(points).all():
        raise BadShape("坐标含有非数（NaN）或无穷大，请检查原图。")
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    if not (west >= WEST and south >= SOUTH and east <= EAST and north <= NORTH):
        place = f"经度 {west:.4f} 至 {east:.4f}，纬度 {south:.4f} 至 {north:.4f}"
        turned = south >= WEST and north <= EAST and west >= SOUTH and east <= NORTH
        remedy = "像是经纬度写反了，请在原图中对调" if turned else "请核对这一块的坐标"
        raise BadShape(f"坐标超出我国范围：{place}，{remedy}。")


def why_invalid(geometry: BaseGeometry) -> str:
    """The fault and where it lies: 边界自相交（经度 106.051234、纬度 29.801234 附近）."""
    said = shapely.is_valid_reason(geometry)
    match = REASON.match(said)
    reason = REASONS.get((match[1] if match else said).strip().lower(), "图形有拓扑错误")
    place = f"（经度 {float(match[2]):.6f}、纬度 {float(match[3]):.6f} 附近）" if match else ""
    return f"{reason}{place}，请在原图中修正。"


def read_wkb(data: bytes | memoryview) -> BaseGeometry:
    """The boundary kept in the database."""
    return shapely.from_wkb(bytes(data))


def write_wkb(geometry: BaseGeometry | numpy.ndarray) -> bytes | numpy.ndarray:
    """The same boundary always gives the same bytes; of an array an array."""
    return shapely.to_wkb(geometry, output_dimension=2, byte_order=1)


def area_mu(geometry: BaseGeometry) -> Decimal:
    """The area on the ellipsoid in 亩, 4 decimals; whatever way its rings turn."""
    square_metres, _ = ELLIPSOID.geometry_area_perimeter(shapely.orient_polygons(geometry))
    return to_mu(Fraction(abs(square_metres)), "m2", 4)


def areas_whole(geometries: numpy.ndarray) -> list[int]:
    """``area_mu`` of each boundary that is ready to be kept, in 0.0001 亩; of most, one ring, without a detour."""
    is_ring = (shapely.get_type_id(geometries) == POLYGON) & (shapely.get_num_interior_rings(geometries) == 0)
    points, of = shapely.get_coordinates(geometries, return_index=True)
    ends = numpy.searchsorted(of, numpy.arange(len(geometries) + 1)).tolist()
    longitudes, latitudes = points.T.copy()
    found = []
    for at, (one, is_simple) in enumerate(zip(geometries, is_ring.tolist(), strict=True)):
        if is_simple:
            ring = slice(ends[at], ends[at + 1])
            square_metres, _ = ELLIPSOID.polygon_area_perimeter(longitudes[ring], latitudes[ring])
            found.append(to_mu(Fraction(abs(square_metres)), "m2", 4))
        else:
            found.append(area_mu(one))
    return [int(one.scaleb(4)) for one in found]


def shared_mu(one: BaseGeometry, other: BaseGeometry) -> Decimal:
    """The area both cover, in 亩; common edges and corners count nothing."""
    return area_mu_of_areas(shapely.intersection(one, other))


def area_mu_of_areas(geometry: BaseGeometry) -> Decimal:
    """Of an intersection: its areas only, without the lines and points where edges touch."""
    parts = [part for part in shapely.get_parts(geometry).ravel() if part.geom_type == "Polygon"]
    return area_mu(shapely.MultiPolygon(parts)) if parts else Decimal("0.0000")


def box(geometry: BaseGeometry) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees."""
    return geometry.bounds


def geojson(data: bytes | memoryview, places: int | None = None) -> dict:
    """The boundary as a GeoJSON geometry; ``places`` rounds for pictures (6: a decimetre)."""
    return json.loads(geojson_text(data, places))


def geojson_text(data: bytes | memoryview, places: int | None = None) -> str:
    """As ``geojson``, as text: no number is touched on the way, so that the export reads back the same."""
    geometry = read_wkb(data)
    if places is not None:
        geometry = shapely.transform(geometry, lambda points: numpy.round(points, places))
    return shapely.to_geojson(geometry)


def from_geojson(value: Mapping) -> BaseGeometry:
    """The geometry of a GeoJSON object that was drawn on the map. Raises ``BadShape``."""
    try:
        return checked(shapely.from_geojson(json.dumps(value)))
    except shapely.errors.GEOSException as error:
        raise BadShape("不是能读的 GeoJSON 图形。") from error


def metres_to(data: bytes | memoryview, longitude: float, latitude: float) -> Decimal:
    """How far a position lies from the boundary in metres, one decimal; 0 inside and on it."""
    # near the point a degree of longitude is shorter by the cosine of the latitude
    squeeze = numpy.array([math.cos(math.radians(latitude)), 1.0])
    land = shapely.transform(read_wkb(data), lambda points: points * squeeze)
    here = shapely.Point(longitude * squeeze[0], latitude)
    if land.covers(here):
        return Decimal("0.0")
    nearest = shapely.get_point(shapely.shortest_line(land, here), 0)
    _, _, metres = ELLIPSOID.inv(nearest.x / squeeze[0], nearest.y, longitude, latitude)
    return rounded(Fraction(metres), 1)
