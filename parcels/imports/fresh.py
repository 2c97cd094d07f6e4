"""New parcels with their works, boundaries and listings: column by column into the database, no instance for a row."""

from collections.abc import Collection
from typing import Any

from farmland.jobs.models import Upload
from farmland.lib.api.lists import batches
from farmland.lib.bulk import CHUNK, insert_columns
from farmland.lib.models import time_uuids
from parcels.imports.checks import ParcelRow
from parcels.imports.columns import AREAS
from parcels.imports.compare import COMPARED, IN_ATTRS
from parcels.models import Listing, Parcel, ParcelList, Shape, Work

NUMBERS = {*AREAS, "slope", "in_redline"}  # absent is null, not ""


def write_new(
    rows: list[ParcelRow],
    the_list: ParcelList,
    upload: Upload | None,
    *,
    work_kinds: Collection[str],
    is_demo: bool,
) -> list[str]:
    """Parcels, works and boundaries of rows that stand nowhere yet; the parcels' keys in the order of the rows."""
    keys, same = time_uuids(len(rows)), {"town_id": the_list.town_id, "is_demo": is_demo}
    for placed in batches(zip(rows, keys, strict=True), CHUNK):
        columns = _parcels([row for row, _ in placed]) | {"id": [key for _, key in placed]}
        insert_columns(Parcel, columns, year=the_list.year, **same)
        worked = [(row, key) for row, key in placed if row.kind.code in work_kinds]
        insert_columns(Work, _works(worked), year=the_list.year, **same)
        drawn = [(row, key) for row, key in placed if row.outline]
        insert_columns(Shape, _shapes(drawn), upload_id=upload and upload.pk, **same)
    return keys


def write_listings(the_list: ParcelList, listed: list[tuple[str, ParcelRow, Any]]) -> None:
    """Code, row and the parcel's key of each new listing."""
    for some in batches(listed, CHUNK):
        columns = {
            "id": time_uuids(len(some)),
            "serial": [row.serial for _, row, _ in some],
            "code": [code for code, _, _ in some],
            "parcel_id": [key for _, _, key in some],
            "cells": [row.cells for _, row, _ in some],
        }
        insert_columns(Listing, columns, list_id=the_list.pk, town_id=the_list.town_id)


def attrs_of(row: ParcelRow) -> dict:
    """What is kept beside the columns."""
    values = row.values
    return {name: values[name] for name in IN_ATTRS if values.get(name) not in (None, "")}


def is_measured(row: ParcelRow) -> bool:
    """Whether the row states an area whose unit counts."""
    return row.values.get("gross_mu") is not None or row.values.get("net_mu") is not None


def empty(name: str):
    """What a column holds when a row says nothing."""
    return None if name in NUMBERS else ""


def _parcels(rows: list[ParcelRow]) -> dict[str, list]:
    columns = {
        "division_id": [row.division.id for row in rows],
        "kind_id": [row.kind.code for row in rows],
        "codes": [row.codes for row in rows],
        "source": [row.values.get("source") or "" for row in rows],
        "unit_issued": [row.unit if is_measured(row) else "mu" for row in rows],
        "attrs": [attrs_of(row) for row in rows],
    }
    for name in COMPARED:
        values = [row.values.get(name) for row in rows]
        columns[name] = values if name in NUMBERS else [value or "" for value in values]
    return columns


def _works(placed: list[tuple[ParcelRow, str]]) -> dict[str, list]:
    return {
        "id": time_uuids(len(placed)),
        "division_id": [row.division.id for row, _ in placed],
        "kind_id": [row.kind.code for row, _ in placed],
        "parcel_id": [key for _, key in placed],
        "area_mu": [row.area for row, _ in placed],
    }


def _shapes(placed: list[tuple[ParcelRow, str]]) -> dict[str, list]:
    outlines = [row.outline for row, _ in placed]
    columns = {
        "id": time_uuids(len(placed)),
        "parcel_id": [key for _, key in placed],
        "wkb": [one.wkb for one in outlines],
        "computed_mu": [one.area_mu for one in outlines],
        "digest": [row.digest for row, _ in placed],
        "issued_crs": [row.crs for row, _ in placed],
    }
    for side, name in enumerate(("west", "south", "east", "north")):
        columns[name] = [one.box[side] for one in outlines]
    return columns
