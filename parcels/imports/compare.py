"""A checked list against what stands: new, changed, the same, and what cannot be reconciled. Reads only."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from farmland.lib.excel import CellError
from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from parcels.imports.checks import Checked, Known, ParcelRow
from parcels.imports.columns import AREAS, BY_FIELD
from parcels.imports.left_out import LeftOut, left_out, remarks
from parcels.models import Parcel, Shape, Step, Work
from parcels.same_code import LONG_CODE

COMPARED = (*AREAS, "group", "land_class", "ground_state", "slope", "in_redline")
IN_ATTRS = ("note", "slope_class", "in_pbf")  # kept beside the columns
TOLERANCE, SMALLEST = Decimal("0.01"), Decimal("0.1")  # an issued area and its boundary may differ by so much
ZERO, NAMED = Decimal(0), 5


@dataclass
class Change:
    """A row that changes a parcel: ``lines`` are (what, before, after) in words."""

    row: ParcelRow
    parcel: Parcel
    works: list[Work]
    lines: list[tuple[str, str, str]]


@dataclass
class Comparison:
    """What an import would do. ``errors`` keep all of it out."""

    new: list[ParcelRow] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    same: list[tuple[ParcelRow, Parcel]] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    conflicts: int = 0  # of the errors those at odds with parcels that stand
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    idle: int = 0  # left out too, and never worked on

    @property
    def is_nothing(self) -> bool:
        return not (self.new or self.changed)

    @property
    def rows(self) -> list[ParcelRow]:
        return [*self.new, *(one.row for one in self.changed), *(row for row, _ in self.same)]

    def totals(self) -> dict[str, Any]:
        """Count and areas of all rows of the file, and by division and kind; None where no row states an area."""
        rows = self.rows
        stated = {name: [area for row in rows if (area := row.values.get(name)) is not None] for name in AREAS}
        sums = {name: sum(areas, ZERO) if areas else None for name, areas in stated.items()}
        groups: dict = defaultdict(lambda: [0, None])
        for row in rows:
            group = groups[row.division.name, str(row.kind)]
            group[0] += 1
            if row.area is not None:
                group[1] = (group[1] or ZERO) + row.area
        by_place = [(*key, count, area) for key, (count, area) in sorted(groups.items())]
        return {"count": len(rows), **sums, "by_place": by_place}

    def fingerprint(self) -> str:
        """The same only while the import would still do the same: what was shown is what is written."""
        what = [
            [[row.codes, str(row.division.pk), row.kind.pk, row.digest] for row in self.new],
            [[str(one.parcel.pk), one.lines] for one in self.changed],
            len(self.same),
        ]
        return hashlib.sha256(json.dumps(what, ensure_ascii=False).encode()).hexdigest()


class Standing:
    """The parcels and works of a town-year by code, loaded with a fixed number of queries."""

    def __init__(self, known: Known):
        rows = Parcel.objects.filter(town=known.town, year=known.year).select_related("division", "kind")
        self.parcels = {parcel.pk: parcel for parcel in rows}
        self.by_code: dict[str, list[Parcel]] = defaultdict(list)
        for parcel in self.parcels.values():
            for code in parcel.codes:
                self.by_code[code].append(parcel)
        self.works: dict[Any, list[Work]] = defaultdict(list)
        placed = Work.objects.filter(town=known.town, parcel__year=known.year, year=known.year)
        for work in placed:
            self.works[work.parcel_id].append(work)
        self.started = set(Step.objects.filter(work__in=placed).values_list("work__parcel", flat=True).distinct())
        shapes = Shape.objects.filter(parcel__town=known.town, parcel__year=known.year)
        self.shapes = {
            pk: (digest, area) for pk, digest, area in shapes.values_list("parcel", "digest", "computed_mu")
        }
        others = Parcel.objects.filter(town=known.town).exclude(year=known.year).values_list("codes", "year")
        self.elsewhere = {code: year for codes, year in others for code in codes}


def compare(checked: Checked, known: Known, work_kinds: Collection[str]) -> Comparison:
    """Sort the rows. ``work_kinds``: codes of the kinds whose parcels get a work (leaf flows of the plan)."""
    done = Comparison(errors=list(checked.errors), notes=list(checked.notes))
    standing = Standing(known)
    taken: dict[Any, ParcelRow] = {}
    for row in checked.rows:
        found = {parcel.pk: parcel for code in row.codes for parcel in standing.by_code.get(code, ())}
        if not found:
            done.new.append(row)
        elif problem := _conflict(row, list(found.values()), taken, known, standing):
            done.errors.append(CellError(row.sheet, row.code_cell, problem))
            done.conflicts += 1
        else:
            (parcel,) = found.values()
            taken[parcel.pk] = row
            works = standing.works[parcel.pk]
            lines = differences(row, parcel, works, work_kinds, standing.shapes)
            if lines:
                done.changed.append(Change(row, parcel, works, lines))
            else:
                done.same.append((row, parcel))
    _remark(done, known, standing, work_kinds)
    there = {one.parcel.pk for one in done.changed} | {parcel.pk for _, parcel in done.same}
    done.left_out, done.idle = left_out(there, known, standing)
    done.notes += remarks(done.left_out, done.idle)
    return done


def _conflict(row: ParcelRow, found: list[Parcel], taken: dict, known: Known, standing: Standing) -> str:
    """Why a row cannot be laid on the parcel that stands under its code; "" when it can."""
    if len(found) > 1:
        return f"编号 {'、'.join(row.codes)} 现在属于 {len(found)} 个图斑，不能合成一行，请分行填写。"
    (parcel,) = found
    if other := taken.get(parcel.pk):
        return f"与 {other.place} 是同一个图斑（{parcel}），请合为一行。"
    if parcel.division.code not in known.divisions:
        return f"编号“{row.codes[0]}”已在您范围之外的村登记，请核对编号。"
    if _is_another(row, parcel, standing):
        return (
            f"编号“{row.codes[0]}”在{parcel.division}已有一个图斑（{shown(parcel.gross_mu)} 亩），"
            "面积不同，不像同一块地。编号只在村内唯一的，请在“对照列名”里改用全镇唯一的标识码；确是同一图斑的，先在图斑页改村。"
        )
    if parcel.pk in standing.started:
        if parcel.division_id != row.division.pk:
            return f"这个图斑在{parcel.division}已有进展，不能改到{row.division}，请核对村名，或先冲销进展。"
        if parcel.kind_id != row.kind.pk:
            return f"这个图斑按“{parcel.kind}”已有进展，不能改为“{row.kind}”，请核对任务，或先冲销进展。"
    return ""


def _is_another(row: ParcelRow, parcel: Parcel, standing: Standing) -> bool:
    """A short code may be unique in its village only: elsewhere, with other land under it, it is another parcel."""
    if parcel.division_id == row.division.pk or any(len(code) >= LONG_CODE for code in row.codes):
        return False
    shape = standing.shapes.get(parcel.pk)
    if row.outline and shape:
        return row.digest != shape[0]
    area = row.values.get("gross_mu")
    return None not in (area, parcel.gross_mu) and area != parcel.gross_mu


def differences(
    row: ParcelRow, parcel: Parcel, works: list[Work], work_kinds: Collection[str], shapes: Mapping
) -> list[tuple]:
    """What the row would change on the parcel, in words. A column the list lacks changes nothing."""
    new_codes = [code for code in row.codes if code not in parcel.codes]
    pairs = [
        ("图斑编号", parcel.codes, [*parcel.codes, *new_codes]),
        ("村", parcel.division, row.division),
        ("任务", parcel.kind, row.kind),
        *(
            (BY_FIELD[name].heading, getattr(parcel, name), row.values[name])
            for name in COMPARED
            if name in row.values
        ),
        *(
            (BY_FIELD[name].heading, parcel.attrs.get(name), row.values[name])
            for name in IN_ATTRS
            if name in row.values
        ),
    ]
    lines = [(name, shown(before), shown(after)) for name, before, after in pairs if _differ(before, after)]
    source = row.values.get("source")
    if source and source not in sources_of(parcel):
        lines.append(("问题来源", shown(sources_of(parcel)), f"增加 {source}"))
    if row.kind.pk in work_kinds and not any(work.kind_id in (row.kind.pk, parcel.kind_id) for work in works):
        lines.append(("治理任务", "无", str(row.kind)))
    if row.outline and (before := shapes.get(parcel.pk, ("", None)))[0] != row.digest:
        lines.append(("图形", shown(before[1]), f"{plain(row.outline.area_mu)} 亩"))
    return lines


def _differ(before, after) -> bool:
    """Unknown and empty text are the same; unknown and 0 are not."""
    return (None if before == "" else before) != (None if after == "" else after)


def sources_of(parcel: Parcel) -> list[str]:
    """Every source the parcel came from, the first one first."""
    return [one for one in dict.fromkeys([parcel.source, *parcel.attrs.get("sources", [])]) if one]


def shown(value) -> str:
    if value is None or value == "" or value == []:
        return "空"
    if isinstance(value, list):
        return "、".join(value)
    return plain(value) if isinstance(value, Decimal) else str(value)


def _remark(done: Comparison, known: Known, standing: Standing, work_kinds: Collection[str]) -> None:
    silent = Counter(str(row.kind) for row in done.rows if row.kind.pk not in work_kinds)
    for kind, count in silent.items():
        done.notes.append(f"“{kind}”不是本年度方案按面积销账的末级任务，{count} 个图斑只登记，不建治理任务。")
    if bare := sum(1 for row in done.rows if row.area is None and not _has_area_already(row)):
        done.notes.append(f"{bare} 个图斑没有图斑面积也没有净面积，计划面积按未知处理。")
    done.notes += _measured(done.rows)
    twice = [f"“{code}”（{standing.elsewhere[code]} 年）" for row in done.rows for code in row.codes
             if code in standing.elsewhere]  # fmt: skip
    if twice:
        done.notes.append(f"{len(twice)} 个编号在其他年度的清单里已有：{'、'.join(twice[:5])}，请核对是否重复计算。")
    done.notes += _unplaced(done, known, work_kinds)


def is_apart(drawn_mu: Decimal, issued: Decimal) -> bool:
    """Whether a boundary measures so much else than the issued area that somebody has to look."""
    return abs(drawn_mu - issued) > max(SMALLEST, issued * TOLERANCE)


def _measured(rows: list[ParcelRow]) -> list[str]:
    """Where a boundary measures another area than was issued: said, and the issued one stays."""
    apart = []
    for row in rows:
        issued = row.values.get("gross_mu")
        if row.outline and issued is not None and is_apart(row.outline.area_mu, issued):
            apart.append((abs(row.outline.area_mu - issued), row, issued))
    if not apart:
        return []
    apart.sort(key=lambda one: -one[0])
    told = "；".join(
        f"{'、'.join(row.codes)} 下发 {plain(issued)} 亩、图形 {plain(row.outline.area_mu)} 亩"
        for _, row, issued in apart[:NAMED]
    )
    first = f"，差得最多的 {NAMED} 个" if len(apart) > NAMED else ""
    return [
        f"{len(apart)} 个图斑的图形面积与下发面积相差超过 1%（且超过 0.1 亩）{first}：{told}。按下发面积登记，请核对。"
    ]


def _has_area_already(row: ParcelRow) -> bool:
    return "gross_mu" not in row.values and "net_mu" not in row.values


def _unplaced(done: Comparison, known: Known, work_kinds: Collection[str]) -> list[str]:
    """Area reported without a parcel stays beside the new parcels: both would count."""
    pairs = {(row.division.pk, row.kind.pk): row for row in done.new if row.kind.pk in work_kinds}
    works = Work.objects.filter(town=known.town, year=known.year, parcel=None, exit="")
    works = works.filter(division__in={key[0] for key in pairs}).select_related("division", "kind")
    own = Sum("steps__area_mu", output_field=QuantityField())
    rows = works.values_list("division", "kind", "steps__rung").annotate(area=own).order_by()
    most: dict = defaultdict(Decimal)
    for division, kind, _, area in rows:
        most[division, kind] = max(most[division, kind], area or ZERO)
    return [
        f"{row.division}“{row.kind}”已有未落图面积 {plain(most[key])} 亩，导入后两者都算；请把它落到图斑。"
        for key, row in pairs.items()
        if most[key] > 0
    ]
