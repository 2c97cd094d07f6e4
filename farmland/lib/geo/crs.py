"""Which coordinate system a file really uses, and the way from it to EPSG:4490: declared, or told by the numbers.

Only CGCS2000 and WGS84 (the same within a metre) come in; 北京54 and 西安80 need parameters nobody may guess.
"""

from dataclasses import dataclass

import numpy
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from farmland.lib.geo.shape import EAST, NORTH, SOUTH, WEST

CGCS2000, WGS84 = 4490, 4326
ELLIPSOIDS = {298.257222101: CGCS2000, 298.257223563: WGS84}
OLD = {298.3: "北京54", 298.257: "西安80"}
REMEDY = "没有当地转换参数不能换算，请联系规资部门换成 CGCS2000（国家大地2000）后重新导出。"
THREE_DEGREES, SIX_DEGREES = range(25, 46), range(13, 24)  # numbers of the zones that cover the country
NORTHING = (300_000, 6_200_000)
SIX_DIGITS = (100_000, 900_000)
ZONE_REACH = 4.5  # degrees from the central meridian: a six-degree zone and its neighbours' edges
TRANSVERSE_MERCATOR, LONGITUDE_OF_ORIGIN = "9807", "8802"  # EPSG
NO_CRS = ("没有坐标系说明（缺 .prj），坐标不带带号，分不清是哪一带。"
          "请选择中央经线，或连同 .prj 一起导出。")  # fmt: skip


class UnknownPlace(ValueError):
    """Why the coordinates cannot be placed, in Chinese; ``code`` is "zone" when choosing one would help."""

    def __init__(self, message: str, code: str = "crs"):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Placing:
    """How a file's coordinates are read: its system, whether it gives north before east, and remarks to show."""

    epsg: str  # EPSG:4523, or the name of a system without number
    is_swapped: bool
    notes: tuple[str, ...]
    transformer: Transformer | None  # None: degrees already

    def __call__(self, points: numpy.ndarray) -> numpy.ndarray:
        """Coordinates (n × 2) as longitude and latitude."""
        x, y = (points[:, 1], points[:, 0]) if self.is_swapped else (points[:, 0], points[:, 1])
        if self.transformer is not None:
            x, y = self.transformer.transform(x, y)
        return numpy.column_stack([x, y])


def placing(declared: str | None, bounds: tuple[float, float, float, float], chosen: int | None = None) -> Placing:
    """How to read coordinates within ``bounds`` (min x, min y, max x, max y). Raises ``UnknownPlace``.

    ``declared``: what the file says (EPSG:…, WKT) or None. ``chosen``: the EPSG number a person picked for a file
    that says nothing.
    """
    if not numpy.isfinite(bounds).all():
        raise UnknownPlace("坐标含有非数（NaN）或无穷大，请检查原图。")
    if declared:
        crs = _known(declared)
        notes = [f"坐标系：{label(crs)}。"]
    else:
        crs, how = _silent(bounds, chosen)
        notes = [f"文件没有坐标系说明，{how} {label(crs)}，请核对位置。"]
    return _fitting(crs, bounds, notes)


def _silent(bounds, chosen: int | None) -> tuple[CRS, str]:
    """What the numbers tell; the chosen zone only where they do not."""
    try:
        return _by_magnitude(bounds), "按坐标大小判断为"
    except UnknownPlace as silence:
        if silence.code != "zone" or not chosen:
            raise
        return CRS.from_epsg(chosen), "按所选"


def zones() -> list[tuple[int, str]]:
    """The systems to choose from for a file without zone: (EPSG, name), three-degree ones first."""
    three = [(4509 + n, f"3 度带，中央经线 {3 * n}°（{n} 带）") for n in THREE_DEGREES]
    return three + [(4489 + n, f"6 度带，中央经线 {6 * n - 3}°（{n} 带）") for n in SIX_DEGREES]


def label(crs: CRS) -> str:
    epsg = crs.to_epsg()
    if epsg == CGCS2000:
        return "CGCS2000 经纬度（EPSG:4490）"
    if epsg == WGS84:
        return "WGS84 经纬度（EPSG:4326，与 CGCS2000 视为相同）"
    return f"{crs.name}（EPSG:{epsg}）" if epsg else crs.name


def _known(declared: str) -> CRS:
    """The declared system, if its datum is one we take as it is."""
    try:
        crs = CRS.from_user_input(declared)
    except CRSError as error:
        raise UnknownPlace(f"坐标系说明读不懂：“{declared[:60]}”，请按 CGCS2000 重新导出。") from error
    crs = crs.sub_crs_list[0] if crs.is_compound else crs
    geodetic = crs.geodetic_crs
    if geodetic is None or not (crs.is_geographic or crs.is_projected):
        raise UnknownPlace(f"坐标系“{crs.name}”不是经纬度也不是投影坐标，请按 CGCS2000 重新导出。")
    flattening = round(geodetic.ellipsoid.inverse_flattening, 9)
    if "krass" in geodetic.ellipsoid.name.lower() or flattening in OLD:
        raise UnknownPlace(f"坐标系是{OLD.get(flattening, '北京54')}（{crs.name}），{REMEDY}")
    if flattening not in ELLIPSOIDS or geodetic.ellipsoid.semi_major_metre != 6378137:
        raise UnknownPlace(f"不支持坐标系“{crs.name}”，请按 CGCS2000 重新导出。")
    number = crs.to_epsg()
    return CRS.from_epsg(number) if number else crs


def _by_magnitude(bounds) -> CRS:
    """8 digits begin with the number of the zone; degrees are small; 6 digits do not say where they are."""
    for west, south, east, north in (bounds, _turned(bounds)):
        if _in_country(west, south, east, north):
            return CRS.from_epsg(CGCS2000)
        if not (NORTHING[0] <= south and north <= NORTHING[1]):
            continue
        zone = int(west // 1_000_000)
        if zone == int(east // 1_000_000) and zone in THREE_DEGREES:
            return CRS.from_epsg(4488 + zone)
        if zone == int(east // 1_000_000) and zone in SIX_DEGREES:
            return CRS.from_epsg(4478 + zone)
        if west >= SIX_DIGITS[0] and east <= SIX_DIGITS[1]:
            raise UnknownPlace(NO_CRS, "zone")
    raise UnknownPlace(f"没有坐标系说明，从坐标（{_shown(bounds)}）也看不出是哪一种，请连同 .prj 一起导出。")


def _fitting(crs: CRS, bounds, notes: list[str]) -> Placing:
    """Try the axes as they are, turned, and the same zone with or without its number before the easting."""
    if crs.is_geographic and max(map(abs, bounds)) > 360:
        raise UnknownPlace(
            f"文件声明为经纬度，坐标却像是米（{_shown(bounds)}），请改正坐标系说明，或导出为 CGCS2000 经纬度。"
        )
    for candidate in (crs, *_same_zone(crs)):
        transformer = None
        if candidate.is_projected:
            transformer = Transformer.from_crs(candidate, candidate.geodetic_crs, always_xy=True)
        for is_swapped in (False, True):
            corners = _turned(bounds) if is_swapped else bounds
            if not _lands_in_country(candidate, transformer, corners):
                continue
            said = list(notes)
            if candidate is not crs:
                said.append(f"坐标与声明的带号写法不符，按 {label(candidate)} 读入，请核对位置。")
            if is_swapped:
                said.append("坐标轴次序是先北后东（先纬度后经度），已对调，请核对位置。")
            number = candidate.to_epsg()
            return Placing(f"EPSG:{number}" if number else candidate.name[:40], is_swapped, tuple(said), transformer)
    raise UnknownPlace(f"按{label(crs)}读出的位置不在我国范围内（{_shown(bounds)}），请核对坐标系说明。")


def _same_zone(crs: CRS) -> list[CRS]:
    """The zone's other spelling: 4523 (35 before the easting) and 4544 (without)."""
    number = crs.to_epsg() or 0
    for first, zones in ((4513, THREE_DEGREES), (4491, SIX_DEGREES)):
        count = len(zones)
        if first <= number < first + count:
            return [CRS.from_epsg(number + count)]
        if first + count <= number < first + 2 * count:
            return [CRS.from_epsg(number - count)]
    return []


def _lands_in_country(crs: CRS, transformer: Transformer | None, bounds) -> bool:
    west, south, east, north = bounds
    if transformer is None:
        return _in_country(west, south, east, north)
    if max(map(abs, bounds)) > 1e8:
        return False
    x, y = transformer.transform([west, west, east, east], [south, north, south, north])
    if not (numpy.isfinite(x).all() and numpy.isfinite(y).all()):
        return False
    middle = _central_meridian(crs)
    if middle is not None and max(abs(one - middle) for one in x) > ZONE_REACH:
        return False  # far outside its zone a transverse projection still answers, with another place
    return _in_country(min(x), min(y), max(x), max(y))


def _central_meridian(crs: CRS) -> float | None:
    operation = crs.coordinate_operation
    if operation is None or operation.method_code != TRANSVERSE_MERCATOR:
        return None
    return next((one.value for one in operation.params if one.code == LONGITUDE_OF_ORIGIN), None)


def _in_country(west, south, east, north) -> bool:
    return west >= WEST and east <= EAST and south >= SOUTH and north <= NORTH


def _turned(bounds):
    west, south, east, north = bounds
    return south, west, north, east


def _shown(bounds) -> str:
    west, south, east, north = bounds
    return f"x {west:.8g} 至 {east:.8g}，y {south:.8g} 至 {north:.8g}"
