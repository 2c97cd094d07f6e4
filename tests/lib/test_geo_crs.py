"""Which coordinate system: every zone, every spelling, turned axes, and what nobody may guess."""

import numpy
import pytest
from pyproj import CRS, Transformer

from farmland.lib import geo

PLACE = (106.06, 29.85)  # 铜梁


def at(epsg, *, swapped=False, place=PLACE):
    """Bounds of a hundred metres (or a thousandth of a degree) around the place in a system."""
    x, y = Transformer.from_crs(4490, epsg, always_xy=True).transform(*place)
    side = 100 if CRS(epsg).is_projected else 0.001
    bounds = (x, y, x + side, y + side)
    return (bounds[1], bounds[0], bounds[3], bounds[2]) if swapped else bounds


def place_of(placing, bounds):
    return placing(numpy.array([bounds[:2]]))[0]


@pytest.mark.parametrize("epsg", [*range(4491, 4513), *range(4513, 4555)])
def test_every_zone_is_read_and_both_ways_round(epsg):
    middle = next(p.value for p in CRS(epsg).coordinate_operation.params if p.code == "8802")
    place = (min(max(middle + 0.4, 73.5), 134), 31.0)
    for swapped in (False, True):
        bounds = at(epsg, swapped=swapped, place=place)
        found = geo.placing(f"EPSG:{epsg}", bounds)
        assert found.epsg == f"EPSG:{epsg}"
        assert found.is_swapped is swapped
        assert numpy.allclose(place_of(found, bounds), place, atol=1e-8)


@pytest.mark.parametrize("zone", range(25, 46))
def test_a_zone_before_the_easting_is_told_by_the_numbers(zone):
    bounds = at(4488 + zone, place=(3 * zone, 31))
    assert geo.placing(None, bounds).epsg == f"EPSG:{4488 + zone}"
    with pytest.raises(geo.UnknownPlace) as refusal:
        geo.placing(None, at(4509 + zone, place=(3 * zone, 31)))
    assert refusal.value.code == "zone"
    assert geo.placing(None, at(4509 + zone, place=(3 * zone, 31)), 4509 + zone).epsg == f"EPSG:{4509 + zone}"


def test_turned_axes_are_named():
    found = geo.placing(None, at(4523, swapped=True))
    assert (found.epsg, found.is_swapped) == ("EPSG:4523", True)
    assert any("次序" in note for note in found.notes)
    degrees = geo.placing("EPSG:4490", (29.85, 106.06, 29.86, 106.07))
    assert degrees.is_swapped
    assert numpy.allclose(place_of(degrees, (29.85, 106.06, 29.86, 106.07)), PLACE)


def test_a_zone_written_without_its_number_is_the_same_zone():
    found = geo.placing("EPSG:4523", at(4544))
    assert found.epsg == "EPSG:4544"
    assert any("带号" in note for note in found.notes)


def test_names_of_esri_are_known():
    for epsg, name in ((4545, "CGCS2000_3_Degree_GK_CM_108E"), (4524, "CGCS2000_3_Degree_GK_Zone_36")):
        wkt = CRS.from_epsg(epsg).to_wkt("WKT1_ESRI")
        assert name in wkt
        assert geo.placing(wkt, at(epsg, place=(108.4, 29))).epsg == f"EPSG:{epsg}"


@pytest.mark.parametrize("epsg", [4326, 3857, 32648])
def test_wgs84_is_taken_as_it_is(epsg):
    found = geo.placing(f"EPSG:{epsg}", at(epsg))
    assert numpy.allclose(place_of(found, at(epsg)), PLACE, atol=1e-7)


@pytest.mark.parametrize(
    ("declared", "bounds", "words"),
    [
        pytest.param("EPSG:4214", at(4490), "北京54", id="Beijing 54"),
        pytest.param("EPSG:2436", at(4544), "北京54", id="Beijing 54 zone"),
        pytest.param("EPSG:4610", at(4490), "西安80", id="Xian 80"),
        pytest.param("EPSG:2381", at(4545), "西安80", id="Xian 80 zone"),
        pytest.param("EPSG:27700", at(4490), "不支持", id="elsewhere"),
        pytest.param("what is this", at(4490), "读不懂", id="no system"),
        pytest.param("EPSG:4326", at(4523), "声明为经纬度，坐标却像是米", id="metres as degrees"),
        pytest.param("EPSG:4490", (10, 60, 11, 61), "不在我国范围", id="another country"),
        pytest.param("EPSG:4523", (1e300, 1e300, 1e301, 1e301), "不在我国范围", id="huge"),
        pytest.param("EPSG:4490", (float("nan"), 1, 2, 3), "NaN", id="NaN"),
        pytest.param(None, (5.0, 5.0, 1e9, 1e9), "看不出", id="no idea"),
    ],
)
def test_what_cannot_be_placed_is_refused_with_the_reason(declared, bounds, words):
    with pytest.raises(geo.UnknownPlace, match=words):
        geo.placing(declared, bounds)
