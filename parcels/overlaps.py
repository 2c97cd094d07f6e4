"""重叠: which parcels of a year are, at least partly, land that stands elsewhere already: by code and by area.

Elsewhere is another parcel of the same or an earlier year, or a layer in force. Worked out in chunks of neighbours
from what is stored, written as the difference to what was found before: run again it changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy
import shapely
from django.utils import timezone

from farmland.lib import geo
from farmland.lib.api.lists import batches
from farmland.lib.bulk import insert
from farmland.places.models import Division
from parcels.layers import layers_in_force
from parcels.models import Listing, Overlap, Parcel, ParcelList, Shape
from parcels.same_code import LONG_CODE, Villages, plain_code

CHUNK = 2000
BATCH = 500
SMALLEST, LEAST_SHARE = Decimal("0.05"), Decimal("0.1")  # less than both is how lines are drawn, no overlap
PLACES, UNIT = 4, 10_000
COLUMNS = ("parcel_id", "other_id", "layer_id", "by", "division_id", "area_mu", "share")
CHANGING = ("division_id", "area_mu", "share")
Step = Callable[[int, int], None]


@dataclass(frozen=True)
class Land:
    """A boundary to hold against others. ``of``: whose it is; ``parcel``: the id under which it stands, or None."""

    of: Any
    parcel: Any
    boundary: shapely.Geometry
    area_mu: Decimal


@dataclass(frozen=True)
class Found:
    """``of`` shares land with a parcel or a layer (their ids); by code alone the area is unknown."""

    of: Any
    other: Any
    layer: Any
    by: str
    area_mu: Decimal | None = None
    share: Decimal | None = None


class Against:
    """Other land with a tree over it: ``keys`` are (parcel id, layer id) of each boundary."""

    def __init__(self, keys: list[tuple], boundaries: Sequence):
        self.names = list(dict.fromkeys(keys))
        number = {key: at for at, key in enumerate(self.names)}
        self.group = numpy.array([number[key] for key in keys], int)
        self.tree = shapely.STRtree(boundaries)

    def find(self, lands: Sequence[Land]) -> list[Found]:
        """What each of ``lands`` shares with each of the others, counted once where pieces of a layer meet."""
        if not (self.names and lands):
            return []
        at, of, shared = geo.laid_on(numpy.array([one.boundary for one in lands], object), self.tree)
        pairs, once = _each_once(at * len(self.names) + self.group[of], shared)
        whole = numpy.array([int(one.area_mu.scaleb(PLACES)) for one in lands])[pairs // len(self.names)]
        areas = geo.whole_areas(once)
        shares = numpy.minimum((2 * areas * UNIT + whole) // numpy.maximum(2 * whole, 1), UNIT)
        counts = (areas >= int(SMALLEST * UNIT)) | (shares >= int(LEAST_SHARE * UNIT))
        return [
            Found(lands[pair // len(self.names)].of, *self.names[pair % len(self.names)], "area",
                  Decimal(area).scaleb(-PLACES), Decimal(share).scaleb(-PLACES))
            for pair, area, share in zip(pairs[counts].tolist(), areas[counts].tolist(), shares[counts].tolist(),
                                         strict=True)
            if self.names[pair % len(self.names)] != (lands[pair // len(self.names)].parcel, None)
        ]  # fmt: skip


def _each_once(pairs: numpy.ndarray, shared: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Every pair with what it shares; where several pieces of a layer do, what any of them covers."""
    order = numpy.argsort(pairs, kind="stable")
    each, first, counts = numpy.unique(pairs[order], return_index=True, return_counts=True)
    sorted_land = shared[order]
    once = sorted_land[first]
    for number in numpy.flatnonzero(counts > 1):
        once[number] = geo.joined(sorted_land[first[number] : first[number] + counts[number]])
    return each, once


def layer_pieces(layers: Iterable[ParcelList]) -> Against:
    """All boundaries of the layers, cut small: a red line is long and a parcel short."""
    keys, boundaries = [], []
    rows = Shape.objects.filter(layer__in=[one.pk for one in layers]).order_by("pk")
    for layer, wkb in rows.values_list("layer", "wkb"):
        for piece in geo.pieces(geo.read_wkb(wkb)):
            keys.append((None, layer))
            boundaries.append(piece)
    return Against(keys, boundaries)


def parcels_near(town: Division, year: int, lands: Sequence[Land]) -> Against:
    """The parcels up to ``year`` whose box meets the box around ``lands``."""
    west, south, east, north = shapely.total_bounds(numpy.array([one.boundary for one in lands], object)).tolist()
    rows = Shape.objects.filter(town=town, parcel__year__lte=year).meeting(west, south, east, north)
    found = list(rows.order_by("pk").values_list("parcel", "wkb"))
    return Against([(parcel, None) for parcel, _ in found], geo.read_many(wkb for _, wkb in found))


def by_area(town: Division, year: int, step: Step = lambda done, total: None) -> list[Found]:
    """Of all parcels of the year that have a boundary, a chunk of neighbours at a time."""
    rows = Shape.objects.filter(town=town, parcel__year=year)
    ids = list(rows.order_by("parcel__division__path", "west", "pk").values_list("pk", flat=True))
    layers, found = layer_pieces(layers_in_force(town, year)), []
    for done, some in enumerate(batches(ids, CHUNK), 1):
        kept = list(Shape.objects.filter(pk__in=some).values_list("parcel", "wkb", "computed_mu"))
        boundaries = geo.read_many(wkb for _, wkb, _ in kept)
        lands = [Land(pk, pk, one, area) for (pk, _, area), one in zip(kept, boundaries, strict=True)]
        found += layers.find(lands) + parcels_near(town, year, lands).find(lands)
        step(min(done * CHUNK, len(ids)), len(ids))
    return found


def by_code(town: Division, year: int) -> list[Found]:
    """Parcels whose code an earlier year or a layer in force has too."""
    mine: dict[str, list] = defaultdict(list)
    rows = Parcel.objects.filter(town=town, year=year).order_by("pk").values_list("pk", "division", "codes")
    for pk, division, codes in rows.iterator(chunk_size=CHUNK):
        for code in codes:
            mine[plain_code(code)].append((pk, division))
    found = [Found(pk, None, layer, "code") for pk, layer in on_layers(mine, layers_in_force(town, year), town)]
    earlier = Listing.objects.filter(town=town, parcel__year__lt=year)
    for code, other, village in earlier.values_list("code", "parcel", "parcel__division").iterator(chunk_size=CHUNK):
        for pk, division in mine.get(plain_code(code), ()):
            if len(code) >= LONG_CODE or village == division:
                found.append(Found(pk, other, None, "code"))
    return list(dict.fromkeys(found))


def on_layers(mine: Mapping[str, Sequence[tuple]], layers: Iterable[ParcelList], town: Division) -> list[tuple]:
    """What of ``mine`` (plain code → (key, division)) stands on which layer: pairs of key and the layer's id."""
    villages, found = Villages(town), []
    listed = Listing.objects.filter(town=town, list__in=[one.pk for one in layers], parcel=None)
    for code, layer, cells in listed.values_list("code", "list", "cells").iterator(chunk_size=CHUNK):
        for key, division in mine.get(plain_code(code), ()):
            if villages.same(code, cells, division):
                found.append((key, layer))
    return found


def find_all(town: Division, year: int, step: Step = lambda done, total: None) -> list[Found]:
    return by_area(town, year, step) + by_code(town, year)


def store(town: Division, year: int, found: Iterable[Found]) -> int:
    """Make the rows of the year be what was found; how many changed. In the caller's transaction."""
    places = dict(Parcel.objects.filter(town=town, year=year).values_list("pk", "division"))
    wanted = {
        (one.of, one.other, one.layer, one.by): (places[one.of], one.area_mu, one.share)
        for one in found
        if one.of in places
    }
    rows = Overlap.objects.filter(town=town, parcel__year=year)
    stored = {tuple(one[1:5]): (one[0], tuple(one[5:])) for one in rows.values_list("pk", *COLUMNS)}
    gone = [pk for key, (pk, _) in stored.items() if key not in wanted]
    moment, new, changed = timezone.now(), [], []
    for key, facts in wanted.items():
        if key in stored and stored[key][1] == facts:
            continue
        row = Overlap(town=town, updated_at=moment, **dict(zip(COLUMNS, (*key, *facts), strict=True)))
        if key in stored:
            row.pk = stored[key][0]
            changed.append(row)
        else:
            new.append(row)
    for some in batches(gone, BATCH):
        Overlap.objects.filter(pk__in=some).delete()
    insert(new)
    Overlap.objects.bulk_create(
        changed, batch_size=BATCH, update_conflicts=True, unique_fields=["id"],
        update_fields=[*(name.removesuffix("_id") for name in CHANGING), "updated_at"],
    )  # fmt: skip
    return len(gone) + len(new) + len(changed)


def refresh(town: Division, year: int) -> int:
    """Find and write in one go; how many rows changed."""
    return store(town, year, find_all(town, year))


def lies_on(boundary: shapely.Geometry, area_mu: Decimal, town: Division, year: int) -> list[tuple[ParcelList, Found]]:
    """The layers in force a boundary lies on, the largest share first."""
    layers = {one.pk: one for one in layers_in_force(town, year)}
    found = layer_pieces(layers.values()).find([Land(None, None, boundary, area_mu)])
    return sorted(((layers[one.layer], one) for one in found), key=lambda pair: -pair[1].share)
