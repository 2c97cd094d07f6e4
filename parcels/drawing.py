"""Boundaries made small for a picture: thinned out to what is seen, on a grid, as differences; or as SVG paths.

A picture is never measured: areas come from the boundaries themselves (``farmland.lib.geo``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy
import shapely

FINE, COARSE = 1e-6, 5e-6  # degrees: a decimetre, half a metre
MANY = 5000  # boundaries from which the coarse grid is used
NEAT = (1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10)  # of a scale
METRES = 111_320.0  # of a degree of latitude, near enough for a picture


Box = tuple[float, float, float, float]  # west, south, east, north


@dataclass(frozen=True)
class Rings:
    """Closed rings without their last point; ``of`` tells for each ring which boundary it belongs to."""

    points: numpy.ndarray  # n × 2
    starts: numpy.ndarray  # where each ring begins, with the end as last
    of: numpy.ndarray

    def __len__(self) -> int:
        return len(self.of)

    def box(self, first: int, last: int) -> Box:
        """Around the boundaries number ``first`` up to, not including, ``last``."""
        inside = self.points[numpy.repeat((self.of >= first) & (self.of < last), numpy.diff(self.starts))]
        return *inside.min(axis=0).tolist(), *inside.max(axis=0).tolist()


def grid(count: int) -> float:
    return FINE if count < MANY else COARSE


def rings(wkbs: Sequence[bytes], tolerance: float) -> Rings:
    """All rings of all boundaries, thinned out by ``tolerance`` degrees; a boundary never vanishes."""
    if not wkbs:
        return Rings(numpy.empty((0, 2)), numpy.array([0]), numpy.empty(0, dtype=int))
    whole = shapely.from_wkb(numpy.array([bytes(one) for one in wkbs], dtype=object))
    thin = _thinned(whole, tolerance)
    parts, of_part = shapely.get_parts(thin, return_index=True)
    lines, of_line = shapely.get_rings(parts, return_index=True)
    points, of_point = shapely.get_coordinates(lines, return_index=True)
    is_last = numpy.append(of_point[1:] != of_point[:-1], True)
    counts = numpy.bincount(of_point, minlength=len(lines)) - 1
    return Rings(points[~is_last], numpy.concatenate([[0], numpy.cumsum(counts)]), of_part[of_line])


def _thinned(whole: numpy.ndarray, tolerance: float) -> numpy.ndarray:
    """The quick way for most; the three times slower one, which keeps the topology, where a part would collapse."""
    thin = shapely.simplify(whole, tolerance, preserve_topology=False)
    has_lost = shapely.is_empty(thin) | (shapely.get_num_geometries(thin) != shapely.get_num_geometries(whole))
    thin[has_lost] = shapely.simplify(whole[has_lost], tolerance)
    return thin


def packed(found: Rings, origin: tuple[float, float], step: float) -> list[list[int]]:
    """Each ring as x, y, then differences, in whole ``step`` from ``origin``; the first from the ring before it."""
    if not len(found):
        return []
    whole = numpy.rint((found.points - numpy.array(origin)) / step).astype(numpy.int64)
    first = found.starts[:-1]
    before = numpy.concatenate([[[0, 0]], whole[:-1]])
    before[first[1:]] = whole[first[:-1]]
    flat = (whole - before).ravel().tolist()
    return [flat[2 * start : 2 * end] for start, end in pairwise(found.starts.tolist())]


@dataclass(frozen=True)
class Frame:
    """A sheet of paper over a piece of land: degrees to sheet units, north up, the same scale in both directions."""

    west: float
    north: float
    per_degree: tuple[float, float]
    scale: float  # sheet units in a metre
    offset: tuple[float, float]

    @classmethod
    def neat(cls, box: Box, width: float, height: float, margin: float, mm: float):
        """The frame that fits, at a round scale: (frame, n) for 1:n when ``mm`` units are printed as a millimetre."""
        west, south, east, north = box
        across = METRES * math.cos(math.radians((south + north) / 2))
        metres = max((east - west) * across, 1.0), max((north - south) * METRES, 1.0)
        least = 1000 * mm * max(metres[0] / (width - 2 * margin), metres[1] / (height - 2 * margin))
        power = 10 ** math.floor(math.log10(max(least, 1)))
        one_to = round(next(n * power for n in NEAT if n * power >= least))
        scale = 1000 * mm / one_to
        offset = (width - metres[0] * scale) / 2, (height - metres[1] * scale) / 2
        return cls(west, north, (across * scale, METRES * scale), scale, offset), one_to

    def place(self, points: numpy.ndarray) -> numpy.ndarray:
        x = (points[:, 0] - self.west) * self.per_degree[0] + self.offset[0]
        return numpy.column_stack([x, (self.north - points[:, 1]) * self.per_degree[1] + self.offset[1]])

    def at(self, longitude: float, latitude: float) -> tuple[float, float]:
        x, y = numpy.round(self.place(numpy.array([[longitude, latitude]])), 1)[0].tolist()
        return x, y


def paths(found: Rings, frame: Frame, count: int) -> list[str]:
    """For each of ``count`` boundaries its rings as SVG path data, to a tenth of a unit."""
    drawn = [""] * count
    points = numpy.round(frame.place(found.points), 1).tolist() if len(found) else []
    for (start, end), at in zip(pairwise(found.starts.tolist()), found.of.tolist(), strict=True):
        drawn[at] += "M" + "L".join(f"{x:g} {y:g}" for x, y in points[start:end]) + "Z"
    return drawn


def round_metres(longest: float) -> int:
    """The longest of 1, 2, 5, 10, 20, 50 … metres that is not longer: the length of a scale bar."""
    power = 10 ** math.floor(math.log10(max(longest, 1)))
    return next(n * power for n in (5, 2, 1) if n * power <= max(longest, 1))
