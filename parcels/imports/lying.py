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
from parcels.models import Listing, Parcel, ParcelList, Shape

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
    mine = {code: row for row in rows for code in row.codes if len(code) >= overlaps.LAYER_CODE}
    found = []
    for some in batches(mine, overlaps.CHUNK):
        listed = Listing.objects.filter(town=town, list__in=list(layers), parcel=None, code__in=some)
        for code, layer in listed.values_list("code", "list"):
            found.append(overlaps.Found(mine[code], None, layer, "code"))
    return found


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


def parcels_on(found: LayerFile, town: Division, year: int) -> list[tuple[str, int, Decimal]]:
    """Which parcels of the year a layer that is not yet written would lie on: village, how many, the shared area."""
    outlines = found.outlines
    if not outlines:
        return []
    boundaries = geo.read_many(row.outline.wkb for row in outlines)
    pieces = [piece for one in boundaries for piece in geo.pieces(one)]
    against = overlaps.Against([(None, "file")] * len(pieces), pieces)
    boxes = [row.outline.box for row in outlines]
    box = [min(one[0] for one in boxes), min(one[1] for one in boxes)]
    box += [max(one[2] for one in boxes), max(one[3] for one in boxes)]
    rows = Shape.objects.filter(town=town, parcel__year=year).meeting(*box).order_by("pk")
    counts: dict[str, list] = defaultdict(lambda: [0, Decimal(0)])
    columns = ("parcel__division__name", "wkb", "computed_mu")
    for some in batches(rows.values_list(*columns)[:MOST].iterator(), overlaps.CHUNK):
        shapes = geo.read_many(wkb for _, wkb, _ in some)
        lands = [overlaps.Land(name, None, one, area) for (name, _, area), one in zip(some, shapes, strict=True)]
        for one in against.find(lands):
            counts[one.of][0] += 1
            counts[one.of][1] += one.area_mu
    return [(name, count, area) for name, (count, area) in sorted(counts.items(), key=lambda pair: -pair[1][0])]
