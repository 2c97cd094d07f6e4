"""20,000 parcels against 20,000 of the year before (P6): from the tables to the stored rows; then nothing changed."""

import time

import numpy
import shapely
from django.db import transaction

from bench import land, towns
from bench.map import draw
from bench.measure import Row, memory, peak, peak_from_here
from farmland.demo import terraces
from farmland.lib import geo
from parcels import overlaps
from parcels.models import Overlap, Parcel, Shape
from parcels.shapes import new_shape

COUNT, VILLAGES = 20_000, 42
ASIDE = 0.000015  # degrees the older year lies beside this one: a metre and a half


def measure():
    terraces.APART = (1040.0, 2000.0)  # no hillside reaches into the next
    town_year = towns.real_town()
    towns.more_villages(town_year, VILLAGES - 7)
    land.spread(town_year, COUNT, climb=False)
    draw(town_year)
    older(town_year)
    land.analyze()
    bare, floor = least(town_year)
    start, cpu, wall = peak_from_here(), time.process_time(), time.perf_counter()
    found = overlaps.find_all(town_year.town, town_year.year)
    looked = time.perf_counter() - wall
    with transaction.atomic():
        changed = overlaps.store(town_year.town, town_year.year, found)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if changed != Overlap.objects.count() or changed < bare:
        raise RuntimeError(f"{changed} rows written, {bare} pairs share land")
    name = f"重叠 {COUNT:,} × {COUNT:,}（{len(found):,} 处）"
    yield Row(f"{name}，读表到写好", wall, "s", floor, "WKB + STRtree + 求交，单线程，不读库不写库")
    yield Row(f"{name}，只找不写", looked, "s")
    yield Row(f"{name}，本进程 CPU", cpu, "s")
    yield Row(f"{name}，多用内存", peak() - start, "MB")
    again = time.perf_counter()
    if overlaps.refresh(town_year.town, town_year.year):
        raise RuntimeError("a second run changed something")
    yield Row(f"{name}，再找一遍没有变化", time.perf_counter() - again, "s")
    yield Row("本进程内存", memory(), "MB")


def older(town_year) -> None:
    """The same land a year before, a little aside, under other codes."""
    parcels = list(Parcel.objects.filter(town=town_year.town, year=town_year.year).select_related("shape"))
    shapes = []
    for one in parcels:
        boundary = shapely.transform(geo.read_wkb(one.shape.wkb), lambda points: points + ASIDE)
        one.pk, one._state.adding, one.year, one.codes = None, True, town_year.year - 1, [f"旧{one.codes[0]}"]
        one.id = Parcel._meta.pk.get_default()
        shapes.append(new_shape(boundary, town=town_year.town, crs="EPSG:4490", parcel=one))
    Parcel.objects.bulk_create(parcels, batch_size=500)
    Shape.objects.bulk_create(shapes, batch_size=500)


def least(town_year) -> tuple[int, float]:
    """How many pairs share land, and the time of the geometry alone, WKB in memory."""
    both = [
        [bytes(one) for one in Shape.objects.filter(parcel__year=year).values_list("wkb", flat=True)]
        for year in (town_year.year, town_year.year - 1)
    ]
    start = time.perf_counter()
    mine, theirs = (shapely.from_wkb(numpy.array(one, object)) for one in both)
    at, of = shapely.STRtree(theirs).query(mine, predicate="intersects")
    shared = shapely.area(shapely.intersection(mine[at], theirs[of]))
    took = time.perf_counter() - start
    return int((shared * 6378137**2 * 0.000264 / 666.67 > 0.06).sum()), took  # in 亩, roughly, at 29.8° north
