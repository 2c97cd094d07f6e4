"""Invented boundaries: terraces along invented contour lines, one hillside a village, each as large as it was issued.

Nothing here is a real place. In metres from ``ORIGIN``, x east and y north; the same parcels give the same land.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import numpy
import shapely

from farmland.lib.area import M2_PER_MU

ORIGIN = 106.0, 29.8  # longitude and latitude of the corner of an invented box
RADIUS, FLATTENING = 6378137.0, 1 / 298.257222101  # of CGCS2000
WIDTH = 780.0  # of a hillside
APART = 1040.0, 900.0  # between the corners of two hillsides
ABREAST = 3
LOOK = 1.9  # how many times as wide as high a terrace is drawn
BANK = 0.9  # what is left of a terrace between its banks
STEPS = numpy.linspace(0, WIDTH, 261)
EDGE = 5  # points along the upper and the lower edge
PLACES = 8  # of a degree: a millimetre


@dataclass(frozen=True)
class Plot:
    """What is wanted: an area in 亩 for something, or for nothing (a path, a yard, a pond)."""

    area_mu: Decimal
    of: object = None

    @property
    def square_metres(self) -> float:
        return float(M2_PER_MU) * float(self.area_mu)


def hillside(number: int, plots: Sequence[Plot], seed: str) -> Iterator[tuple[Plot, shapely.Polygon]]:
    """The plots of one village in degrees, laid in bands from the foot of its slope."""
    random = Random(seed)
    slope = _Slope(number, random)
    foot = slope.contour(0, 0.0)
    for row, band in enumerate(_bands(_with_gaps(plots, random), random), start=1):
        areas = [one.square_metres / BANK for one in band]
        shape = slope.contour(row, 0.0) - foot
        head = foot + shape + (sum(areas) - _under(shape)) / WIDTH  # between them lies just what the band holds
        within = numpy.concatenate([[0.0], numpy.cumsum((head - foot)[:-1] + (head - foot)[1:]) * (STEPS[1] / 2)])
        cuts = numpy.interp(numpy.concatenate([[0.0], numpy.cumsum(areas)]), within, STEPS)
        for plot, left, right in zip(band, cuts[:-1], cuts[1:], strict=True):
            if plot.of is not None:
                yield plot, _sized(slope.placed(_ring(foot, head, left, right)), plot.square_metres)
        foot = head


def blob(number: int, at: tuple[float, float], reach: tuple[float, float], seed: str) -> shapely.Polygon:
    """A rounded patch on a hillside in degrees: a piece of an invented constraint layer. Metres from its corner."""
    random = Random(seed)
    phases = [random.uniform(0, math.tau) for _ in range(3)]
    ring = []
    for turn in numpy.linspace(0, math.tau, 48, endpoint=False):
        swell = 1 + sum(math.sin(turn * (n + 2) + phase) / (8 + 5 * n) for n, phase in enumerate(phases))
        ring.append((at[0] + reach[0] * swell * math.cos(turn), at[1] + reach[1] * swell * math.sin(turn)))
    return _degrees(_Slope(number, Random(0)).corner + numpy.array(ring))


class _Slope:
    """The contour lines of one hillside, and where it lies."""

    def __init__(self, number: int, random: Random):
        self.corner = numpy.array([number % ABREAST * APART[0], number // ABREAST * APART[1]])
        self.waves = [
            (random.uniform(8, 26), random.uniform(320, 1000), random.uniform(0, math.tau)) for _ in range(4)
        ]
        self.turn, self.shear = math.radians(random.uniform(-14, 14)), random.uniform(-0.12, 0.12)

    def contour(self, row: int, height: float) -> numpy.ndarray:
        waves = (a * numpy.sin(STEPS / length * math.tau + at + row * 0.17) for a, length, at in self.waves)
        return height + sum(waves)

    def placed(self, points: numpy.ndarray) -> numpy.ndarray:
        """Sheared and turned: neither changes an area."""
        x, y = points[:, 0] + self.shear * points[:, 1], points[:, 1]
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return self.corner + numpy.column_stack([x * cos - y * sin, x * sin + y * cos])


def _with_gaps(plots: Iterable[Plot], random: Random) -> Iterator[Plot]:
    for one in plots:
        if random.random() < 0.09:
            yield Plot(Decimal(random.randint(20, 160)).scaleb(-2))
        yield one


def _bands(plots: Iterable[Plot], random: Random) -> Iterator[list[Plot]]:
    """As many plots beside one another as the hillside is wide; the last band is filled up with nothing."""
    wide = WIDTH * random.uniform(0.95, 1.05)
    band, width = [], 0.0
    for one in plots:
        band.append(one)
        width += math.sqrt(one.square_metres * LOOK)
        if width >= wide:
            yield band
            band, width = [], 0.0
    if band:
        room = sum((one.area_mu for one in band), Decimal(0)) * Decimal(round(max(wide / width - 1, 0.05), 2))
        yield [*band, Plot(room)]


def _under(heights: numpy.ndarray) -> float:
    return float(numpy.sum(heights[:-1] + heights[1:]) * STEPS[1] / 2)


def _ring(foot: numpy.ndarray, head: numpy.ndarray, left: float, right: float) -> numpy.ndarray:
    along = numpy.linspace(left, right, EDGE)
    lower = numpy.column_stack([along, numpy.interp(along, STEPS, foot)])
    upper = numpy.column_stack([along[::-1], numpy.interp(along[::-1], STEPS, head)])
    return numpy.concatenate([lower, upper])


def _sized(ring: numpy.ndarray, square_metres: float) -> shapely.Polygon:
    """The ring about its middle at exactly this size: the banks are what the terrace leaves."""
    x, y = ring[:, 0], ring[:, 1]
    area = abs(float(numpy.dot(x, numpy.roll(y, -1)) - numpy.dot(y, numpy.roll(x, -1)))) / 2
    middle = ring.mean(axis=0)
    return _degrees(middle + (ring - middle) * math.sqrt(square_metres / area))


def _degrees(points: numpy.ndarray) -> shapely.Polygon:
    """Metres from ``ORIGIN`` as longitude and latitude, by the radii of curvature where each point lies."""
    squared = FLATTENING * (2 - FLATTENING)

    def radii(latitude: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
        bend = 1 - squared * numpy.sin(latitude) ** 2
        return RADIUS * (1 - squared) / bend**1.5, RADIUS / bend**0.5

    start = math.radians(ORIGIN[1])
    latitude = start + points[:, 1] / radii(start + points[:, 1] / RADIUS / 2)[0]
    longitude = ORIGIN[0] + numpy.degrees(points[:, 0] / (radii(latitude)[1] * numpy.cos(latitude)))
    return shapely.Polygon(numpy.round(numpy.column_stack([longitude, numpy.degrees(latitude)]), PLACES))
