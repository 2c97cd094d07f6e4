"""What the land of a list would lie on, before it is written: parcels that stand, and layers in force. Reads only."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from farmland.lib import geo
from farmland.lib.api.lists import batches
from farmland.places.models import Division
from parcels import overlaps
from parcels.imports.checks import ParcelRow
from parcels.imports.compare import Comparison
from parcels.imports.layers import LayerFile
from parcels.layers import FORBID, UNKNOWN, LayerKind, layer_kinds, layers_in_force
from parcels.models import Parcel, ParcelList, Shape
from parcels.same_code import Villages, plain_code

MOST = 20_000  # boundaries held against others while somebody waits; the job after the import takes all


@dataclass
class Group:
    """Rows that lie on one layer, or on parcels of one year; ``kind`` of a layer."""

    title: str
    kind: LayerKind | None = None
    rows: set = field(default_factory=set)
    area_mu: Decimal = Decimal(0)

    @property
    def is_forbidden(self) -> bool:
        return self.kind is not None and self.kind.on_restore == FORBID


@dataclass(frozen=True)
class Line:
    """One row and one thing it lies on."""

    row: ParcelRow
    what: str
    area_mu: Decimal | None
    share: Decimal | None
    is_forbidden: bool

    @property
    def percent(self) -> Decimal | None:
        return None if self.share is None else self.share * 100


@dataclass(frozen=True)
class Lying:
    groups: list[Group]
    lines: list[Line]
    skipped: bool = False  # more boundaries than MOST: only codes were looked at


def lying(comparison: Comparison, town: Division, year: int) -> Lying:
    """Of the new and the changed rows; the largest share first, forbidden land before all."""
    rows = [(row, None) for row in comparison.new] + [(one.row, one.parcel.pk) for one in comparison.changed]
    drawn = [(row, parcel) for row, parcel in rows if row.outline]
    layers = {one.pk: one for one in layers_in_force(town, year)}
    found = _by_code([row for row, _ in rows], town, layers)
    if len(drawn) <= MOST:
        found += _by_area(drawn, town, year, layers.values())
    return _told(found, layers, layer_kinds(town), skipped=len(drawn) > MOST)


def _by_area(drawn: list, town: Division, year: int, layers: Iterable[ParcelList]) -> list[overlaps.Found]:
    found, pieces = [], overlaps.layer_pieces(layers)
    for some in batches(drawn, overlaps.CHUNK):
        boundaries = geo.read_many(row.outline.wkb for row, _ in some)
        lands = [
            overlaps.Land(row, parcel, one, row.outline.area_mu)
            for (row, parcel), one in zip(some, boundaries, strict=True)
        ]
        found += pieces.find(lands) + overlaps.parcels_near(town, year, lands).find(lands)
    return found


def _by_code(rows: list[ParcelRow], town: Division, layers: dict) -> list[overlaps.Found]:
    """Codes of layers and other programs; those of other years are remarked by the comparison."""
    mine: dict[str, list] = defaultdict(list)
    for at, row in enumerate(rows):
        for code in row.codes:
            mine[plain_code(code)].append((at, row.division.pk))
    there = dict.fromkeys(overlaps.on_layers(mine, layers.values(), town))
    return [overlaps.Found(rows[at], None, layer, "code") for at, layer in there]


def _told(found: list[overlaps.Found], layers: dict, kinds: dict, *, skipped: bool) -> Lying:
    others = {one.other for one in found if one.other}
    standing = {}
    for some in batches(others, overlaps.BATCH):
        standing |= Parcel.objects.in_bulk(some)
    groups: dict[Any, Group] = {}
    lines = []
    for one in found:
        if one.layer:
            layer = layers[one.layer]
            kind = kinds.get(layer.source, UNKNOWN)
            group, what = groups.setdefault(one.layer, Group(layer.title, kind)), f"{layer.title}（{kind.label}）"
        else:
            other = standing[one.other]
            group = groups.setdefault(other.year, Group(f"{other.year} 年已有图斑"))
            what = f"{other.year} 年图斑 {other}"
        group.rows.add(id(one.of))
        group.area_mu += one.area_mu or 0
        lines.append(Line(one.of, what, one.area_mu, one.share, group.is_forbidden))
    lines.sort(key=lambda one: (not one.is_forbidden, -(one.share or Decimal(2))))
    told = sorted(groups.values(), key=lambda one: (not one.is_forbidden, -len(one.rows)))
    return Lying(told, lines, skipped)


def parcels_on(found: LayerFile, town: Division, year: int) -> list[tuple[str, int, Decimal | None]]:
    """Which parcels of the year a layer that is not yet written would be about, by area and by code.

    Village, how many, the shared area (None where only codes are the same).
    """
    parcels: dict[str, set] = defaultdict(set)
    areas: dict[str, Decimal] = defaultdict(Decimal)
    for village, parcel, area in [*_under(found, town, year), *_named(found, town, year)]:
        parcels[village].add(parcel)
        areas[village] += area or 0
    told = [(village, len(pks), areas[village] or None) for village, pks in sorted(parcels.items())]
    return sorted(told, key=lambda one: -one[1])


def _under(found: LayerFile, town: Division, year: int) -> Iterable[tuple[str, Any, Decimal]]:
    """Village, parcel and shared area of what lies on the file's land."""
    outlines = found.outlines
    if not outlines:
        return
    boundaries = geo.read_many(row.outline.wkb for row in outlines)
    pieces = [piece for one in boundaries for piece in geo.pieces(one)]
    against = overlaps.Against([(None, "file")] * len(pieces), pieces)
    boxes = [row.outline.box for row in outlines]
    box = [min(one[0] for one in boxes), min(one[1] for one in boxes)]
    box += [max(one[2] for one in boxes), max(one[3] for one in boxes)]
    rows = Shape.objects.filter(town=town, parcel__year=year).meeting(*box).order_by("pk")
    columns = ("parcel__division__name", "parcel", "wkb", "computed_mu")
    for some in batches(rows.values_list(*columns)[:MOST].iterator(), overlaps.CHUNK):
        shapes = geo.read_many(wkb for _, _, wkb, _ in some)
        lands = [
            overlaps.Land((name, pk), None, one, area) for (name, pk, _, area), one in zip(some, shapes, strict=True)
        ]
        for one in against.find(lands):
            yield *one.of, one.area_mu


def _named(found: LayerFile, town: Division, year: int) -> Iterable[tuple[str, Any, None]]:
    """Village and parcel of what stands in the file under its code."""
    listed = {plain_code(code): (code, row.cells) for row in found.rows for code in row.codes}
    if not listed:
        return
    villages = Villages(town)
    rows = Parcel.objects.filter(town=town, year=year).values_list("pk", "codes", "division", "division__name")
    for pk, codes, division, name in rows.iterator(chunk_size=overlaps.CHUNK):
        if any(villages.same(*listed[plain], division) for code in codes if (plain := plain_code(code)) in listed):
            yield name, pk, None
