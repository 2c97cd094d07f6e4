"""Many boundaries at once give what one at a time gives."""

from decimal import Decimal as D

import numpy
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from farmland.lib import geo

EARTH = 6371000  # metres
FIELD = shapely.box(106.05, 29.8, 106.051, 29.801)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(74, 135), st.floats(4, 52), st.floats(0.0001, 0.004), st.floats(0.0001, 0.004), st.floats(-0.5, 0.5)
)  # fmt: skip
def test_areas_agree_with_the_geodesic_one(west, south, wide, high, shear):
    ring = [(0, 0), (wide, shear * high), (wide * 0.9, high), (0.1 * wide, high * 1.2)]
    field = shapely.Polygon([(west + x, south + y) for x, y in ring])
    (many,) = geo.areas_mu(numpy.array([field], object))
    exact = geo.area_mu(field)
    assert abs(many - exact) <= D("0.0002") + exact * D("0.000003") + beside_the_geodesic(field)


def beside_the_geodesic(field) -> D:
    """亩 between edges that are straight on the cylinder and geodesics: L³ · tan φ ÷ 12 R for an edge of L metres."""
    points = shapely.get_coordinates(field)
    latitude = numpy.radians(points[:, 1])
    east = numpy.diff(numpy.radians(points[:, 0])) * numpy.cos(latitude[1:])
    lengths = EARTH * numpy.hypot(east, numpy.diff(latitude))
    return D(float(numpy.sum(lengths**3 * numpy.tan(latitude[1:])) / (12 * EARTH))) / D("666.6667")


def test_lines_and_points_count_nothing_and_holes_are_left_out():
    hole = shapely.Polygon(FIELD.exterior.coords, [shapely.box(106.0502, 29.8002, 106.0504, 29.8004).exterior.coords])
    mixed = shapely.GeometryCollection([FIELD, shapely.LineString([(106, 29), (107, 30)])])
    areas = geo.areas_mu(numpy.array([FIELD, hole, mixed, shapely.Point(106, 29)], object))
    assert areas[0] == areas[2] > areas[1] > areas[3] == 0


def test_a_long_boundary_in_pieces_is_the_same_land():
    turns = numpy.linspace(0, 2 * numpy.pi, 20_000, endpoint=False)
    reach = 0.1 + 0.01 * numpy.sin(turns * 700)
    red_line = shapely.Polygon(numpy.column_stack([106 + reach * numpy.cos(turns), 30 + reach * numpy.sin(turns)]))
    pieces = geo.pieces(red_line)
    assert len(pieces) > 50
    assert max(shapely.get_num_coordinates(one) for one in pieces) <= 256
    assert abs(sum(geo.areas_mu(numpy.array(pieces, object))) - geo.area_mu(red_line)) < D("0.5")  # of 140,000 亩
    apart = shapely.intersection(*pieces[:2])
    assert apart.area == pytest.approx(0, abs=1e-12)


def test_common_edges_are_no_shared_land():
    beside = shapely.box(106.051, 29.8, 106.052, 29.801)
    half = shapely.box(106.0505, 29.8, 106.0515, 29.801)
    ones = numpy.array([FIELD, beside], object)
    at, of, shared = geo.laid_on(ones, shapely.STRtree([FIELD, half]))
    assert sorted(zip(at.tolist(), of.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 1)]
    areas = dict(zip(zip(at.tolist(), of.tolist(), strict=True), geo.areas_mu(shared), strict=True))
    assert abs(areas[0, 0] - geo.area_mu(FIELD)) <= D("0.0002")
    assert abs(areas[0, 1] - geo.area_mu(FIELD) / 2) <= D("0.0002")
