"""Many parcels at once: rows made by one statement per table, the same ones every time, on both databases.

Parcel number i lies in village i mod n, is of kind 撂荒 or 结构调整 and has climbed to rung i mod 8 of its ladder,
so that every stage, also an accepted one, has rows.
"""

from datetime import date

from django.db import connection

from farmland.places.models import Division
from parcels.models import Kind, Ladder, ParcelList
from tasks.models import TownYear

KINDS = ("abandonment", "restructure")
MOMENT = "2024-03-01 00:00:00+00:00"
NUMBERS = """
WITH RECURSIVE n(i) AS (SELECT %(first)s UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %(last)s),
v(number, id) AS (
    SELECT ROW_NUMBER() OVER (ORDER BY path) - 1, id FROM places_division
    WHERE town_id = %(town)s AND id <> %(town)s AND (%(only)s = 0 OR id = %(only)s)
)
"""


class Dialect:
    """The few words in which SQLite and PostgreSQL differ."""

    def __init__(self):
        self.is_postgres = connection.vendor == "postgresql"

    def id(self, number: str) -> str:
        return f"lpad(to_hex({number}), 32, '0')::uuid" if self.is_postgres else f"printf('%%032x', {number})"

    def code(self, number: str) -> str:
        digits = f"lpad(({number})::text, 9, '0')" if self.is_postgres else f"printf('%%09d', {number})"
        return f"'500151' || {digits}"

    def json(self, text: str) -> str:
        return f"({text})::jsonb" if self.is_postgres else text

    @property
    def moment(self) -> str:
        return f"'{MOMENT}'::timestamptz" if self.is_postgres else "'2024-03-01 00:00:00'"

    def day(self, number: str) -> str:
        if self.is_postgres:
            return f"date '2024-03-01' + (({number}) %% 200)::int"
        return f"date('2024-03-01', '+' || (({number}) %% 200) || ' days')"

    def flag(self) -> str:
        return "false" if self.is_postgres else "0"


def insert(table: str, columns: dict[str, str], source: str, facts: dict) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({names}) {NUMBERS} SELECT {', '.join(columns.values())} {source}", facts)


def spread(town_year: TownYear, count: int, *, first: int = 1, climb: bool = True, only=None) -> None:
    """``count`` parcels numbered from ``first`` over the villages of a town, each with work, listing and its steps.

    Without ``climb`` none has left the lowest rung; all lie in the village ``only`` if one is given.
    """
    town, year, say = town_year.town, town_year.year, Dialect()
    villages = 1 if only else Division.objects.filter(town=town).exclude(pk=town.pk).count()
    the_list = ParcelList.objects.create(town=town, year=year, role="issued", title=f"下发清单 {first}")
    facts = {
        "first": first, "last": first + count, "town": town.pk, "year": year, "villages": villages,
        "only": only.pk if only else 0,
        "list": the_list.pk if say.is_postgres else the_list.pk.hex, "ladder": Ladder.objects.get(code="land").pk,
    }  # fmt: skip
    area = "10000 + n.i %% 97 * 500"
    kind = f"CASE WHEN n.i %% 5 < 3 THEN '{KINDS[0]}' ELSE '{KINDS[1]}' END"
    empty, never = say.json("'{}'"), say.flag()
    placed = "FROM n JOIN v ON v.number = n.i %% %(villages)s"
    common = {"town_id": "%(town)s", "updated_at": say.moment}
    insert("parcels_parcel", common | {
        "id": say.id("n.i"), "division_id": "v.id", "group": "'第' || (n.i %% 9 + 1) || '组'", "year": "%(year)s",
        "kind_id": kind, "source": "'district'", "codes": say.json(f"""'["' || {say.code('n.i')} || '"]'"""),
        "gross_mu": area, "cultivated_mu": area, "pbf_mu": "NULL", "net_mu": area, "unit_issued": "'mu'",
        "land_class": "'0103'", "ground_state": "''", "finding": "''", "stage": "''", "attrs": empty, "version": "1",
        "is_demo": never,
    }, placed, facts)  # fmt: skip
    insert("parcels_listing", common | {
        "id": say.id("n.i"), "list_id": "%(list)s" + ("::uuid" if say.is_postgres else ""), "serial": "n.i",
        "code": say.code("n.i"), "parcel_id": say.id("n.i"), "cells": empty,
    }, "FROM n", facts)  # fmt: skip
    insert("parcels_work", common | {
        "id": say.id("n.i"), "division_id": "v.id", "parcel_id": say.id("n.i"), "kind_id": kind, "year": "%(year)s",
        "tranche": "''", "measure": "''", "treatment": "''", "area_mu": area, "exit": "''", "exit_reason": "''",
        "attrs": empty, "is_demo": never,
    }, placed, facts)  # fmt: skip
    if not climb:
        return
    insert("parcels_step", common | {
        "id": say.id("n.i * 16 + r.rank"), "work_id": say.id("n.i"), "rung_id": "r.id", "area_mu": area,
        "verdict": "CASE WHEN r.level = '' THEN 'reached' ELSE 'passed' END", "on": say.day("n.i + r.rank"),
        "submission": say.id("n.i / 300 + 1"),
        "recorded_at": say.moment, "crop": "''", "reason": "''", "note": "''", "clause": "''", "key": "''",
        "is_demo": never,
    }, "FROM n JOIN parcels_rung r ON r.ladder_id = %(ladder)s AND r.rank BETWEEN 1 AND n.i %% 11", facts)  # fmt: skip


def analyze() -> None:
    """What autovacuum would do within the minute."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def kinds() -> list[Kind]:
    return [Kind.objects.get(code=code) for code in KINDS]


def working_day() -> date:
    return date(2024, 10, 12)
