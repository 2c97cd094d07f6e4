"""Many boundaries at once: cut to pieces, laid on one another, measured. Whole arrays, no loop over boundaries.

Areas come from a cylindrical equal-area picture of the ellipsoid: of pieces of land within 3 parts in a million of the
geodesic area ``shape.area_mu`` (an edge of 400 m bends by a centimetre); tests hold the two against each other.
"""

import math
from collections.abc import Iterable
from decimal import Decimal

import numpy
import shapely
from shapely.geometry.base import BaseGeometry

from farmland.lib.area import M2_PER_MU
from farmland.lib.geo.shape import ELLIPSOID

MOST_POINTS = 256  # of a piece; a red line of a county has 100,000
DEEPEST = 24
PLACES = 4
E = math.sqrt(ELLIPSOID.es)


def read_many(blobs: Iterable[bytes | memoryview]) -> numpy.ndarray:
    """Boundaries from the database."""
    return shapely.from_wkb(numpy.array([bytes(one) for one in blobs], object))


def areas_mu(geometries: numpy.ndarray) -> list[Decimal]:
    """The area of each in 亩, 4 decimals; lines and points count nothing.

    Edges are straight on the cylinder: beside geodesics that is 0.0006 亩 for an edge of 400 m, nothing for 100 m.
    """
    return [Decimal(one).scaleb(-PLACES) for one in whole_areas(geometries).tolist()]


def whole_areas(geometries: numpy.ndarray) -> numpy.ndarray:
    """As ``areas_mu``, as whole ten-thousandths of a 亩."""
    square_metres = shapely.area(shapely.transform(geometries, _flat))
    return numpy.floor(square_metres * (10**PLACES / float(M2_PER_MU)) + 0.5).astype(numpy.int64)


def _flat(points: numpy.ndarray) -> numpy.ndarray:
    """Degrees on the cylinder that keeps areas: x along the equator, y by the area below the latitude."""
    sine = numpy.sin(numpy.radians(points[:, 1]))
    bent = E * sine
    below = (1 - ELLIPSOID.es) * (sine / (1 - bent**2) + numpy.arctanh(bent) / E)
    return numpy.column_stack([numpy.radians(points[:, 0]) * ELLIPSOID.a, below * (ELLIPSOID.a / 2)])


def pieces(geometry: BaseGeometry, deep: int = 0) -> list[BaseGeometry]:
    """The same land in pieces that are quick to lay on others: halved until each has few points."""
    if shapely.get_num_coordinates(geometry) <= MOST_POINTS or deep >= DEEPEST:
        return [part for part in shapely.get_parts(geometry).ravel() if part.geom_type == "Polygon"]
    west, south, east, north = geometry.bounds
    if east - west > north - south:
        middle = (west + east) / 2
        halves = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
    else:
        middle = (south + north) / 2
        halves = shapely.box(west, south, east, middle), shapely.box(west, middle, east, north)
    return [piece for half in halves for piece in pieces(shapely.intersection(geometry, half), deep + 1)]


def laid_on(ones: numpy.ndarray, others: shapely.STRtree) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Which of ``ones`` cover part of which of ``others``: two arrays of positions, and the land both cover."""
    at, of = others.query(ones, predicate="intersects")
    shared = shapely.intersection(ones[at], others.geometries[of])
    is_area = shapely.area(shared) > 0
    return at[is_area], of[is_area], shared[is_area]


def joined(geometries: Iterable[BaseGeometry]) -> BaseGeometry:
    """What any of them covers, counted once."""
    return shapely.union_all(numpy.array(list(geometries), object))
