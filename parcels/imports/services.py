"""The plain parcel import as one call to look and one to write. The caller holds the transaction and its locks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.jobs.models import Upload
from farmland.lib.api.lists import batches
from farmland.lib.bulk import insert
from farmland.places.models import Division, Term
from parcels.imports.checks import Checked, Known, ParcelRow, check_tables
from parcels.imports.choices import Choices
from parcels.imports.compare import COMPARED, IN_ATTRS, Change, Comparison, compare, sources_of
from parcels.imports.fresh import attrs_of, empty, is_measured, write_listings, write_new
from parcels.imports.reading import read_tables
from parcels.models import Kind, Listing, Parcel, ParcelList, Shape, Work

PURPOSE = "parcel_import"
BATCH = 500
NO_CHOICES = Choices()
SHAPE_FIELDS = ("wkb", "west", "south", "east", "north", "computed_mu", "digest", "issued_crs", "upload", "updated_at")
WRITTEN = ("division", "kind", "codes", "source", "unit_issued", "attrs", "version", "updated_at", *COMPARED)


@dataclass(frozen=True)
class ListFacts:
    """What is known of the list as a whole."""

    title: str
    received_on: date | None = None
    upload: Upload | None = None


def known_for(town: Division, year: int, kinds: Collection[str], user: User | None = None) -> Known:
    """What the cells may name: the divisions ``user`` may import into (None: all), kinds, dictionaries.

    ``kinds``: codes of the plan's kinds, named first when a cell names an unknown one.
    """
    below = list(Division.objects.filter(town=town).exclude(pk=town.pk).order_by("path"))
    mine = {one.pk for one in below if user is None or user.can("import", one)}
    inside = [one for one in below if one.pk in mine]
    every = list(Kind.objects.order_by("order", "code"))
    offered = [one for one in every if one.code in kinds] or every
    return Known(
        town=town,
        year=year,
        divisions=_unambiguous((name, one) for one in inside for name in (one.code, one.name, *one.aliases)),
        outside=frozenset(name for one in below if one.pk not in mine for name in (one.code, one.name, *one.aliases)),
        kinds=_unambiguous((name, one) for one in every for name in (one.code, one.name)),
        offered_kinds=tuple(one.name for one in offered),
        land_classes=words("land_class", town),
        ground_states=words("ground_state", town),
        sources=words("source", town),
    )


def _unambiguous(pairs: Iterable[tuple]) -> dict:
    """name → thing; a name that two things carry names neither."""
    found, double = {}, set()
    for name, thing in pairs:
        if name in found and found[name] != thing:
            double.add(name)
        found.setdefault(name, thing)
    return {name: thing for name, thing in found.items() if name not in double}


def words(dictionary: str, town: Division) -> dict[str, str]:
    """code, label and synonyms of a dictionary → code."""
    found = {}
    for term in Term.objects.of(dictionary, town):
        for name in (term.code, term.label, *term.synonyms, *term.attrs.get("variants", ())):
            found.setdefault(name, term.code)
    return found


def read_list(path: Path, name: str, known: Known, choices: Choices = NO_CHOICES) -> Checked:
    """Read and check a file; ``FileRefused`` when it is no list at all. No query, nothing written."""
    limits = {"max_bytes": settings.BULK_MAX_BYTES, "max_inflated": settings.BULK_MAX_INFLATED}
    tables, notes = read_tables(path, name, choices, **limits)
    notes += [f"按模板“{one.reading.name}”读入。" for one in tables if one.reading.name]
    checked = check_tables(tables, known)
    checked.readings = [one.reading for one in tables]
    checked.notes[:0] = notes
    return checked


def write(
    comparison: Comparison, known: Known, facts: ListFacts, *, work_kinds: Collection[str], by: User | None
) -> int:
    """Write what was compared, in the caller's transaction; the number of new and changed parcels.

    Nothing to change writes nothing at all. A comparison with errors is a mistake of the caller.
    """
    if comparison.errors:
        raise ValueError(f"{len(comparison.errors)} errors keep this list out")
    if comparison.is_nothing:
        return 0
    is_demo = by is not None and by.is_demo
    parcels = ParcelList.objects.filter(town=known.town, role="issued", title=facts.title, year=known.year).first()
    the_list = parcels or ParcelList(
        town=known.town, role="issued", title=facts.title, year=known.year, is_demo=is_demo
    )
    the_list.kind = _only({row.kind for row in comparison.rows})
    the_list.source = _only({row.values.get("source") or "" for row in comparison.rows}) or ""
    the_list.upload, the_list.received_on = facts.upload, facts.received_on or the_list.received_on
    the_list.save()
    keys = write_new(comparison.new, the_list, facts.upload, work_kinds=work_kinds, is_demo=is_demo)
    insert(_write_changes(comparison.changed, work_kinds, is_demo))
    there = [(one.row, one.parcel) for one in comparison.changed]
    _write_shapes(there, facts, is_demo)
    there += comparison.same
    placed = [*zip(comparison.new, keys, strict=True), *((row, parcel.pk) for row, parcel in there)]
    _write_listings(the_list, placed)
    after = {"new": len(comparison.new), "changed": len(comparison.changed), "same": len(comparison.same)}
    record("导入图斑", f"{facts.title}（{known.year} 年）", user=by, town=known.town, after=after)
    return len(comparison.new) + len(comparison.changed)


def _only(values: set):
    return next(iter(values)) if len(values) == 1 else None


def _lay(row: ParcelRow, parcel: Parcel) -> None:
    """The row's values onto the parcel; codes and sources are added, never taken away."""
    parcel.division, parcel.kind = row.division, row.kind
    parcel.codes = list(dict.fromkeys([*parcel.codes, *row.codes]))
    for name in COMPARED:
        if name in row.values:
            setattr(parcel, name, empty(name) if row.values[name] in (None, "") else row.values[name])
    if is_measured(row):
        parcel.unit_issued = row.unit
    said = {name for name in IN_ATTRS if name in row.values}
    attrs = {name: value for name, value in parcel.attrs.items() if name not in said} | attrs_of(row)
    sources = list(dict.fromkeys([*sources_of(parcel), *filter(None, [row.values.get("source")])]))
    parcel.source = sources[0] if sources else ""
    if len(sources) > 1:
        attrs["sources"] = sources[1:]
    parcel.attrs = attrs


def _new_work(row: ParcelRow, parcel: Parcel, is_demo: bool) -> Work:
    return Work(
        town=parcel.town,
        division=parcel.division,
        parcel=parcel,
        kind=row.kind,
        year=parcel.year,
        area_mu=_planned(parcel),
        is_demo=is_demo,
    )


def _planned(parcel: Parcel):
    return parcel.gross_mu if parcel.net_mu is None else parcel.net_mu


def _write_changes(changes: list[Change], work_kinds: Collection[str], is_demo: bool) -> list[Work]:
    """Update changed parcels and their works; the works to add. A planned area that a person changed is left alone."""
    moved, added = [], []
    moment = timezone.now()
    for one in changes:
        parcel = one.parcel
        planned_before, kind_before = _planned(parcel), parcel.kind_id
        _lay(one.row, parcel)
        parcel.version += 1
        parcel.updated_at = moment
        for work in one.works:
            if work.area_mu == planned_before:
                work.area_mu = _planned(parcel)
            work.division = parcel.division
            if work.kind_id == kind_before:
                work.kind = parcel.kind
            work.updated_at = moment
            moved.append(work)
        if parcel.kind_id in work_kinds and not any(work.kind_id == parcel.kind_id for work in one.works):
            added.append(_new_work(one.row, parcel, is_demo))
    _upsert(Parcel, [one.parcel for one in changes], WRITTEN)
    _upsert(Work, moved, ("area_mu", "division", "kind", "updated_at"))
    return added


def _upsert(model, rows: list, names: tuple[str, ...]) -> None:
    """One statement per batch; ``bulk_update`` builds a CASE per row and column and takes minutes for 10,000."""
    fields = list(dict.fromkeys(names))
    model.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["id"], update_fields=fields
    )


def _write_shapes(placed: list[tuple[ParcelRow, Parcel]], facts: ListFacts, is_demo: bool) -> None:
    """The boundaries of changed parcels; one that is the same already is left alone."""
    rows = [(row, parcel) for row, parcel in placed if row.outline]
    old = {}
    for some in batches((parcel.pk for _, parcel in rows), BATCH):
        old |= {one.parcel_id: one for one in Shape.objects.filter(parcel__in=some).defer("wkb")}
    moment = timezone.now()
    new, moved = [], []
    for row, parcel in rows:
        stored = old.get(parcel.pk)
        if stored is not None and stored.digest == row.digest:
            continue
        west, south, east, north = row.outline.box
        shape = Shape(
            town=parcel.town, parcel=parcel, wkb=row.outline.wkb, west=west, south=south, east=east, north=north,
            computed_mu=row.outline.area_mu, digest=row.digest, issued_crs=row.crs, upload=facts.upload,
            is_demo=is_demo, updated_at=moment,
        )  # fmt: skip
        if stored is None:
            new.append(shape)
        else:
            shape.pk, shape.is_demo = stored.pk, stored.is_demo
            moved.append(shape)
    insert(new)
    _upsert(Shape, moved, SHAPE_FIELDS)


def _write_listings(the_list: ParcelList, placed: list[tuple[ParcelRow, Any]]) -> None:
    """Of each row with its parcel's key: a code of the list that stands is updated where it says something else."""
    stored = {one.code: one for one in Listing.objects.filter(list=the_list)}
    new, changed = [], []
    moment = timezone.now()
    for row, key in placed:
        for code in row.codes:
            old = stored.get(code)
            if old is None:
                new.append((code, row, key))
            elif (old.serial, old.cells, old.parcel_id) != (row.serial, row.cells, key):
                old.serial, old.cells, old.parcel_id, old.updated_at = row.serial, row.cells, key, moment
                changed.append(old)
    write_listings(the_list, new)
    _upsert(Listing, changed, ("serial", "cells", "parcel", "updated_at"))


__all__ = ["PURPOSE", "ListFacts", "compare", "known_for", "read_list", "words", "write"]
