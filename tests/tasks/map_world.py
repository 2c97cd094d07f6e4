"""A made-up town with land on the map: what the map and its sheet draw, in a few words each."""

import shapely
from django.core.cache import cache

from parcels.models import Work
from parcels.shapes import set_shape
from tasks.services import recompute
from tests.tasks.land import YEAR, Land

CRS = "EPSG:4490"
SQUARE = 0.001  # degrees


def mapped() -> Land:
    """Three works on parcels of 东村 (a accepted, b planted, c blocked) and one of 西村 (d), each with its boundary;
    one more parcel without."""
    cache.clear()
    land = Land()
    land.target("abandonment", 100, level="county")
    land.parcels = {}
    for at, (name, village) in enumerate([("a", "东村"), ("b", "东村"), ("c", "东村"), ("d", "西村")]):
        work = land.work(village, "abandonment", "15", parcel=True)
        west = 106 + at * 0.01
        set_shape(work.parcel, shapely.box(west, 29.8, west + SQUARE, 29.8 + SQUARE), crs=CRS)
        land.parcels[name] = work
    land.work("西村", "restructure", "3", parcel=True)
    land.step(land.parcels["a"], "county_accepted", "15")
    land.step(land.parcels["b"], "planted", "15")
    Work.objects.filter(pk=land.parcels["c"].pk).update(exit="blocked", exit_reason="坟山")
    recompute(land.town, YEAR)
    return land
