"""A constraint layer or another program's list in: read like a parcel list, held against nothing, kept as it came.

A row has a boundary, a code, or both. The same layer again writes nothing; a newer file under its title replaces it,
and both files are kept.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from farmland.accounts.models import User, record
from farmland.jobs.models import Upload
from farmland.lib.bulk import insert
from farmland.lib.excel import CellError, FileRefused, Row, Sheet, cell_code
from farmland.lib.excel.header import tidy
from farmland.lib.geo.files import Outline
from farmland.places.models import Division
from parcels.imports.cells import CODE_LENGTH, SEPARATORS
from parcels.imports.choices import Choices
from parcels.imports.columns import column_of
from parcels.imports.reading import best_head, read_source
from parcels.layers import ROLES, LayerKind
from parcels.models import Listing, Overlap, ParcelList, Shape

PURPOSE = "layer_import"
BATCH = 500
NAME_LENGTH = 120
NAMES = tuple(tidy(one) for one in ("名称", "红线名称", "HXMC", "项目名称", "XMMC", "图斑名称", "MC", "name"))


@dataclass(frozen=True)
class LayerRow:
    """One row: its codes, what it is called, its boundary."""

    sheet: str
    number: int
    codes: tuple[str, ...]
    name: str
    cells: dict[str, str]
    outline: Outline | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.outline.wkb).hexdigest() if self.outline else ""


@dataclass
class LayerFile:
    """What a file holds. ``errors`` keep all of it out."""

    rows: list[LayerRow] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    crs: str = ""

    @property
    def outlines(self) -> list[LayerRow]:
        return [row for row in self.rows if row.outline]

    @property
    def area_mu(self) -> Decimal:
        return sum((row.outline.area_mu for row in self.outlines), Decimal(0))

    @property
    def codes(self) -> int:
        return sum(len(row.codes) for row in self.rows)

    def fingerprint(self) -> str:
        """The same for the same land and codes."""
        facts = [repr(sorted((row.digest, *row.codes) for row in self.rows)), self.crs]
        return hashlib.sha256("".join(facts).encode()).hexdigest()


@dataclass(frozen=True)
class LayerFacts:
    """What a person says of the layer as a whole; ``year``: of what it shows, where that is not the year at work."""

    kind: LayerKind
    title: str
    received_on: date | None = None
    upload: Upload | None = None
    year: int | None = None


def read_layer_file(path: Path, name: str, choices: Choices) -> LayerFile:
    """Read a stored file; nothing is written. ``FileRefused`` where it is no layer and no list."""
    limits = {"max_bytes": settings.BULK_MAX_BYTES, "max_inflated": settings.BULK_MAX_INFLATED}
    source = read_source(path, name, choices, **limits)
    found = LayerFile()
    if source.layer:
        found.crs, found.notes = source.layer.crs, list(source.layer.notes)
        _with_boundaries(source.sheets[0], source.layer, found)
    else:
        _codes_only([one for one in source.sheets if one.state == "visible"], choices, found)
    if not found.rows and not found.errors:
        raise FileRefused("empty", "文件里没有图形，也没有图斑编号，请核对是不是要导入的文件。")
    return found


def _with_boundaries(sheet: Sheet, layer, found: LayerFile) -> None:
    """Every feature; its attributes may name it."""
    head = sheet.rows[0] if sheet.rows else Row(1, ())
    numbers = sorted({*layer.outlines, *layer.problems, *(row.number for row in sheet.rows[1:])})
    rows = [
        (sheet.by_number.get(at, Row(at, ())), layer.outlines.get(at)) for at in numbers if at not in layer.problems
    ]
    codes, named = _columns(_headings(head))
    found.errors += layer.errors(named if codes is None else codes)
    _rows(sheet, head, rows, found)
    if bare := sum(1 for row in found.rows if not row.outline):
        found.notes.append(f"{bare} 行没有图形，只按编号核对。")


def _codes_only(sheets: list[Sheet], choices: Choices, found: LayerFile) -> None:
    nearest = best_head(sheets, choices)
    if nearest is None or "codes" not in nearest[2]:
        raise FileRefused(
            "header-missing", "表格里没有“图斑编号”一列，也没有图形。请改列名后再传，或上传图形文件（Shapefile 等）。"
        )
    sheet, head, _ = nearest
    rows = [(row, None) for row in sheet.rows if row.number > head.number]
    _rows(sheet, head, rows, found)
    found.notes.append("表格没有图形，只按编号核对是否重叠。")


def _rows(sheet: Sheet, head: Row, rows: Iterable[tuple[Row, Outline | None]], found: LayerFile) -> None:
    headings = _headings(head)
    codes, named = _columns(headings)
    seen, double = set(), 0
    for row, outline in rows:
        try:
            printed = _codes(row, codes)
        except ValueError as error:
            found.errors.append(sheet.error(row, codes, str(error)))
            continue
        mine = list(dict.fromkeys(code for code in printed if code not in seen))
        double += len(printed) - len(mine)
        seen.update(mine)
        if mine or outline:
            name = row[named].text.strip()[:NAME_LENGTH] if named is not None else ""
            cells = {heading: row[at].text for heading, at in headings if row[at]}
            found.rows.append(LayerRow(sheet.name, row.number, tuple(mine), name, cells, outline))
    if double:
        found.notes.append(f"{double} 个编号在文件里重复，只记一次。")


def _headings(head: Row) -> list[tuple[str, int]]:
    return [(cell.text.replace("\n", ""), at) for at, cell in enumerate(head.cells) if cell]


def _columns(headings: list[tuple[str, int]]) -> tuple[int | None, int | None]:
    """Where codes and names stand."""
    codes = _first(headings, lambda text: (hit := column_of(text)) and hit.column.field == "codes" and hit.rank + 1)
    named = _first(headings, lambda text: tidy(text) in NAMES and NAMES.index(tidy(text)) + 1)
    return codes, named


def _first(headings: list[tuple[str, int]], rank) -> int | None:
    """The column whose heading ranks first."""
    ranked = [(place, at) for text, at in headings if (place := rank(text))]
    return min(ranked)[1] if ranked else None


def _codes(row: Row, column: int | None) -> list[str]:
    """The codes of a row as printed. Raises ``ValueError`` on what is none: a code that is lost matches nothing."""
    if column is None or not row[column]:
        return []
    if row[column].problem:
        raise ValueError(row[column].problem)
    codes = [part.strip() for part in SEPARATORS.split(cell_code(row[column])) if part.strip()]
    if too_long := next((code for code in codes if len(code) > CODE_LENGTH), None):
        raise ValueError(f"编号最长 {CODE_LENGTH} 个字，“{too_long[:20]}…”太长，请核对。")
    return codes


# What stands


@dataclass(frozen=True)
class Difference:
    """What writing would do to the layer of that title: boundaries and codes that come, stay and go."""

    stored: ParcelList | None
    new: int
    same: int
    gone: int

    @property
    def is_nothing(self) -> bool:
        return self.stored is not None and not (self.new or self.gone)


def difference(found: LayerFile, town: Division, year: int, facts: LayerFacts) -> Difference:
    stored = standing(town, year, facts)
    old = set()
    if stored:
        old = set(Shape.objects.filter(layer=stored).values_list("digest", flat=True))
        old |= set(Listing.objects.filter(list=stored).values_list("code", flat=True))
    now = {row.digest for row in found.outlines} | {code for row in found.rows for code in row.codes}
    return Difference(stored, len(now - old), len(now & old), len(old - now))


def standing(town: Division, year: int, facts: LayerFacts) -> ParcelList | None:
    """The layer of this title and year, whatever its kind."""
    year = facts.year or year
    return ParcelList.objects.filter(town=town, year=year, role__in=ROLES, title=facts.title).first()


def write_layer(found: LayerFile, town: Division, year: int, facts: LayerFacts, *, by: User | None) -> int:
    """Write the layer, in the caller's transaction; how many boundaries and codes came or went."""
    if found.errors:
        raise ValueError(f"{len(found.errors)} errors keep this layer out")
    change = difference(found, town, year, facts)
    kept = change.stored
    if change.is_nothing and (kept.source, kept.role) == (facts.kind.code, facts.kind.role):
        return 0
    if kept is None:
        is_demo = by is not None and by.is_demo
        kept = ParcelList(town=town, year=facts.year or year, title=facts.title, is_demo=is_demo)
    kept.role, kept.source, kept.upload = facts.kind.role, facts.kind.code, facts.upload
    kept.received_on = facts.received_on or kept.received_on
    kept.save()
    _lay(found, kept)
    after = {"图层": facts.kind.label, "新增": change.new, "相同": change.same, "去掉": change.gone}
    record("导入图层", f"{facts.title}（{kept.year} 年）", user=by, town=town, after=after, about=kept.pk)
    return change.new + change.gone or 1


def _lay(found: LayerFile, kept: ParcelList) -> None:
    """Boundaries and codes that the file no longer has go, new ones come; the others stay untouched."""
    digests = {row.digest for row in found.outlines}
    codes = {code for row in found.rows for code in row.codes}
    shapes, listings = Shape.objects.filter(layer=kept), Listing.objects.filter(list=kept)
    old = dict(shapes.values_list("digest", "pk"))
    _drop(shapes, [pk for digest, pk in old.items() if digest not in digests])
    there = dict(listings.values_list("code", "pk"))
    _drop(listings, [pk for code, pk in there.items() if code not in codes])
    new = {row.digest: row for row in found.outlines if row.digest not in old}
    insert([_shape(row, kept, found.crs) for row in new.values()])
    rows = [(row, code) for row in found.rows for code in row.codes if code not in there]
    facts = {"list": kept, "town": kept.town}
    insert([Listing(serial=str(row.number), code=code, cells=row.cells, **facts) for row, code in rows])


def _drop(rows, keys: list) -> None:
    for start in range(0, len(keys), BATCH):
        rows.filter(pk__in=keys[start : start + BATCH]).delete()


def _shape(row: LayerRow, kept: ParcelList, crs: str) -> Shape:
    west, south, east, north = row.outline.box
    return Shape(
        town=kept.town, layer=kept, name=row.name or "、".join(row.codes)[:NAME_LENGTH], wkb=row.outline.wkb,
        west=west, south=south, east=east, north=north, computed_mu=row.outline.area_mu, digest=row.digest,
        issued_crs=crs, upload=kept.upload, is_demo=kept.is_demo,
    )  # fmt: skip


def remove_layer(kept: ParcelList, *, by: User, reason: str) -> None:
    """Take a layer out of force, in the caller's transaction: its overlaps go with it, its file stays."""
    facts = {"图形": kept.shapes.count(), "编号": kept.listings.count()}
    for rows in (Overlap.objects.filter(layer=kept), kept.shapes.all(), kept.listings.all()):
        rows.delete()
    record(
        "移除图层",
        f"{kept.title}（{kept.year} 年）",
        user=by,
        town=kept.town,
        before=facts,
        reason=reason,
        about=kept.pk,
    )
    kept.delete()
