"""CSV and XLSX of 100,000 parcels against COPY and the bare writer: time, first byte, memory over idle (P2)."""

import csv
import io
import tempfile
import time

from django.core.cache import cache
from django.db import connection
from rustpy_xlsxwriter import write_worksheet

from bench import land, towns
from bench.api import Doors
from bench.measure import Row, alternately, memory
from parcels.api import ParcelList

ROWS = 100_000
RAW = """
SELECT p.id, p.codes, t.slug, d.code, d.name, p."group", p.year, p.kind_id, p.source, p.gross_mu / 10000.0,
    p.cultivated_mu / 10000.0, p.pbf_mu / 10000.0, p.net_mu / 10000.0, p.land_class, p.ground_state, p.finding,
    p.stage, p.updated_at
FROM parcels_parcel p JOIN places_division t ON t.id = p.town_id JOIN places_division d ON d.id = p.division_id
WHERE p.town_id = {town} ORDER BY p.id
"""


class Export:
    """One format: the product's answer, read to the end as a browser would; first byte and memory kept."""

    def __init__(self, doors: Doors, name: str):
        self.doors, self.format = doors, name
        self.first = self.grown = 0.0
        self.size = 0

    def __call__(self):
        idle, start = memory(), time.perf_counter()
        answer = self.doors.answer("ours", format=self.format)
        self.size, most, self.first = 0, idle, 0.0
        for number, piece in enumerate(answer.streaming_content):
            self.first = self.first or time.perf_counter() - start
            self.size += len(piece)
            if number % 20 == 0:
                most = max(most, memory())
        answer.close()
        self.grown = max(self.grown, max(most, memory()) - idle)  # most in the first go


def measure():
    town_year = towns.small_town(1)
    land.spread(town_year, ROWS)
    land.analyze()
    cache.clear()
    doors = Doors(towns.official(town_year.town))
    raw = RAW.format(town=town_year.town_id)
    for name, floor, words, most in (
        ("csv", lambda: copy(raw), "COPY" if connection.vendor == "postgresql" else "csv.writer", 1.5),
        ("xlsx", lambda: bare_xlsx(raw), "游标 + 写入器", 2.5),
    ):
        ours = Export(doors, name)
        spent, limit = alternately(ours, floor)
        text = f"导出 {ROWS:,} 个图斑 {name.upper()}"
        yield Row(text, spent, "s", limit, words, goal=f"≤ {most} ×", met=spent <= most * limit)
        if name == "csv":  # an XLSX has its first byte when its last row is written
            yield Row(f"{text}：首字节", ours.first, "s", goal="< 0.3 s", met=ours.first < 0.3)
        yield Row(f"{text}：多占内存", max(ours.grown, 0.01), "MB", goal="≤ 60 MB", met=ours.grown <= 60)


def copy(raw: str) -> None:
    """PostgreSQL's COPY; on SQLite the rows of the same query straight into Python's CSV writer."""
    out = io.StringIO()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.cursor.copy_expert(f"COPY ({raw}) TO STDOUT WITH (FORMAT csv)", out)
        else:
            cursor.execute(raw)
            csv.writer(out).writerows(cursor)


def bare_xlsx(raw: str) -> None:
    """The rows of the same query straight into the XLSX writer."""
    headings = ParcelList.table.headings
    with tempfile.TemporaryFile() as file, connection.cursor() as cursor:
        cursor.execute(raw)
        rows = ([one if isinstance(one, int | float | str | None) else str(one) for one in row] for row in cursor)
        write_worksheet((dict(zip(headings, row, strict=True)) for row in rows), file, sheet_name="图斑")
