"""Boundaries: refused with the reason and the place, measured like the ellipsoid, the same again after any trip."""

import json
from decimal import Decimal

import numpy
import pytest
import shapely

from farmland.lib import geo
from farmland.lib.geo.shape import areas_whole

FIELD = shapely.box(106.05, 29.8, 106.051, 29.801)


def refused(geometry) -> str:
    with pytest.raises(geo.BadShape) as refusal:
        geo.checked(geometry)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("wkt", "words"),
    [
        pytest.param("POLYGON EMPTY", "没有图形", id="empty"),
        pytest.param("POINT (106 29)", "应为面，现为点", id="point"),
        pytest.param("LINESTRING (106 29, 107 30)", "应为面，现为线", id="line"),
        pytest.param("GEOMETRYCOLLECTION (POINT (106 29))", "集合", id="collection"),
        pytest.param("POLYGON ((106 29, 106.1 29.1, 106.1 29, 106 29.1, 106 29))",
                     "边界自相交（经度 106.050000、纬度 29.050000 附近）", id="bow tie"),
        pytest.param("POLYGON ((106 29, 106.1 29, 106.1 29.1, 106 29), (107 29, 107.1 29, 107.1 29.1, 107 29))",
                     "内洞在外边界之外", id="hole outside"),
        pytest.param("POLYGON ((106 29, 106.1 29, 106 29, 106 29))", "三个不同的点", id="no area"),
        pytest.param("POLYGON ((500000 3300000, 500100 3300000, 500100 3300100, 500000 3300000))",
                     "超出我国范围", id="metres"),
        pytest.param("POLYGON ((29 106, 29.1 106, 29.1 106.1, 29 106))", "超出我国范围", id="latitude first"),
    ],
)  # fmt: skip
def test_a_bad_boundary_is_refused_with_the_reason(wkt, words):
    assert words in refused(shapely.from_wkt(wkt))


def test_no_boundary_and_numbers_that_are_none_are_refused():
    assert "没有图形" in refused(None)
    for odd in (numpy.nan, numpy.inf):
        with numpy.errstate(invalid="ignore"):
            geometry = shapely.Polygon([(106, 29), (106.1, 29), (106.1, odd), (106, 29)])
        assert "NaN" in refused(geometry)


def test_height_is_dropped_and_rings_turn_one_way():
    high = shapely.force_3d(FIELD, 300)
    assert not geo.checked(high).has_z
    clockwise = shapely.Polygon(list(FIELD.exterior.coords)[::-1])
    assert geo.checked(clockwise).exterior.is_ccw
    assert geo.area_mu(clockwise) == geo.area_mu(FIELD)


def test_the_area_is_that_of_the_ellipsoid_to_the_last_place():
    # a square of 200 m × 100 m in zone 35, half a degree from the central meridian: 29.9997 亩, not 30
    from pyproj import Transformer

    there = Transformer.from_crs(4523, 4490, always_xy=True)
    corners = shapely.box(35_500_000, 3_300_000, 35_500_200, 3_300_100)
    land = shapely.transform(corners, lambda p: numpy.column_stack(there.transform(p[:, 0], p[:, 1])))
    assert abs(geo.area_mu(land) - Decimal("30")) < Decimal("0.001")
    assert geo.area_mu(land).as_tuple().exponent == -4


def test_a_hole_is_no_land():
    hole = shapely.box(106.0502, 29.8002, 106.0508, 29.8008)
    assert geo.area_mu(FIELD.difference(hole)) == geo.area_mu(FIELD) - geo.area_mu(hole)


def test_shared_area_counts_no_common_edge():
    beside = shapely.box(106.051, 29.8, 106.052, 29.801)
    half = shapely.box(106.0505, 29.8, 106.0515, 29.801)
    assert geo.shared_mu(FIELD, beside) == 0
    assert abs(geo.shared_mu(FIELD, half) * 2 - geo.area_mu(FIELD)) <= Decimal("0.0001")
    assert geo.shared_mu(FIELD, shapely.box(107, 30, 107.1, 30.1)) == 0


def test_geojson_reads_back_to_the_same_bytes():
    odd = geo.checked(shapely.Polygon([(106.1234567890123, 29.1), (106.2000000000001, 29.1), (106.2, 29.27777777777)]))
    wkb = geo.write_wkb(odd)
    assert geo.write_wkb(geo.checked(shapely.from_geojson(geo.geojson_text(wkb)))) == wkb
    assert geo.geojson(wkb)["type"] == "Polygon"
    assert len(geo.geojson_text(wkb, 6)) < len(geo.geojson_text(wkb))
    assert json.loads(geo.geojson_text(wkb, 6))["coordinates"][0][0] == [106.123457, 29.1]


def test_distance_is_zero_inside_and_metres_outside():
    wkb = geo.write_wkb(FIELD)
    assert geo.metres_to(wkb, 106.0505, 29.8005) == 0
    assert geo.metres_to(wkb, 106.05, 29.8) == 0  # on the corner
    # 0.001° of longitude at 29.8005° is 96.67 m, of latitude 110.86 m
    assert abs(geo.metres_to(wkb, 106.052, 29.8005) - Decimal("96.7")) <= Decimal("0.2")
    assert abs(geo.metres_to(wkb, 106.0505, 29.802) - Decimal("110.9")) <= Decimal("0.2")


def test_areas_at_once_are_those_one_at_a_time():
    """With holes, of several pieces, of many points; and of none."""
    round_one = shapely.Point(106.2, 29.7).buffer(0.01)
    holed = shapely.Polygon(round_one.exterior.coords, [shapely.Point(106.2, 29.7).buffer(0.002).exterior.coords])
    slopes = [shapely.Polygon([(106 + n / 97, 29), (106.01 + n / 89, 29.001), (106.002, 29.02)]) for n in range(40)]
    several = shapely.MultiPolygon([slopes[3], shapely.box(107, 30, 107.01, 30.02)])
    fields = shapely.orient_polygons(numpy.array([round_one, holed, several, *slopes], object))
    assert areas_whole(fields) == [int(geo.area_mu(one).scaleb(4)) for one in fields]
    assert areas_whole(fields[:0]) == []
