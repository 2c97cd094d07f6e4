"""The invented land: as large as it was issued, side by side without overlap, the same every time."""

from decimal import Decimal
from random import Random

import pytest
import shapely

from farmland.demo.terraces import ORIGIN, Plot, blob, hillside
from farmland.lib import geo

random = Random(7)
PLOTS = [Plot(Decimal(random.randint(20, 400)).scaleb(-2), number) for number in range(240)]


@pytest.fixture(scope="module")
def laid():
    return list(hillside(4, PLOTS, "seed"))


def test_every_plot_has_its_area_on_the_ellipsoid(laid):
    assert sorted(plot.of for plot, _ in laid) == list(range(240))
    for plot, land in laid:
        assert geo.area_mu(geo.checked(land)) == pytest.approx(plot.area_mu, rel=Decimal("0.001"))


def test_terraces_lie_side_by_side(laid):
    lands = [land for _, land in laid]
    pairs = shapely.STRtree(lands).query(lands, predicate="intersects").T
    shared = [shapely.intersection(lands[a], lands[b]).area / lands[a].area for a, b in pairs if a < b]
    assert max(shared, default=0) < 0.01


def test_the_same_plots_give_the_same_land(laid):
    again = hillside(4, PLOTS, "seed")
    assert [land.wkb for _, land in again] == [land.wkb for _, land in laid]
    other = hillside(4, PLOTS, "another")
    assert [land.wkb for _, land in other] != [land.wkb for _, land in laid]


def test_hillsides_do_not_meet_and_stay_in_the_box(laid):
    around = [shapely.MultiPolygon([land for _, land in hillside(number, PLOTS, "seed")]) for number in range(9)]
    west, south, east, north = shapely.total_bounds(around)
    assert ORIGIN[0] - 0.01 < west < east < ORIGIN[0] + 0.06
    assert ORIGIN[1] - 0.01 < south < north < ORIGIN[1] + 0.06
    assert all(a.disjoint(b) for at, a in enumerate(around) for b in around[:at])


def test_a_layer_is_one_sound_patch():
    assert geo.checked(blob(0, (300.0, 300.0), (200.0, 120.0), "seed")).geom_type == "Polygon"
