"""The plain import of 10,000 rows of XLSX, against reading the same workbook and writing it unchecked (P1)."""

import tempfile
from decimal import Decimal
from pathlib import Path

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from rustpy_xlsxwriter import write_worksheet

from bench import towns
from bench.measure import Row, once
from farmland.jobs.models import Upload
from parcels.imports.services import ListFacts, known_for, read_list
from parcels.models import Kind, Parcel, Work
from tasks.models import TownYear
from tasks.parcel_import import import_now, plan_kinds

ROWS = 10_000


class RollBack(Exception):
    """Ends a measured transaction: each go starts from an empty table."""


def measure():
    town_year = towns.small_town(1)
    user = towns.official(town_year.town)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        workbook(town_year, path)
        file = SimpleUploadedFile("list.xlsx", path.read_bytes())
        upload = Upload.objects.store(file, town=town_year.town, user=user, purpose="parcel_import", limit=10**9)

        def ours():
            known = known_for(town_year.town, town_year.year, plan_kinds(town_year.town, town_year.year), user)
            checked = read_list(upload.full_path, upload.name, known)
            _, written = import_now(town_year, checked, known, ListFacts(title="清单", upload=upload), by=user)
            if written != ROWS:
                raise RuntimeError(f"{written} of {ROWS} rows written")

        goes = [(undone(ours), undone(lambda: bare(town_year, path))) for _ in range(3)]
        spent, floor = (sorted(times)[1] for times in zip(*goes, strict=True))
    yield Row(f"导入 {ROWS:,} 行 XLSX，全部检查", spent, "s", floor, "openpyxl 读 + bulk_create，不检查")


def undone(job) -> float:
    def go():
        try:
            with transaction.atomic():
                job()
                raise RollBack
        except RollBack:
            pass

    return once(go)


def workbook(town_year: TownYear, path: Path) -> None:
    villages = list(town_year.town.children.values_list("name", flat=True))
    names = ["自然撂荒", "种植结构调整"]
    rows = (
        {
            "图斑编号": f"500151{number:09}", "村": villages[number % len(villages)], "组": f"第{number % 9 + 1}组",
            "任务": names[number % 2], "图斑面积（亩）": 1 + number % 97 / 20, "地类": "0103",
        }
        for number in range(ROWS)
    )  # fmt: skip
    with path.open("wb") as file:
        write_worksheet(rows, file, sheet_name="图斑清单")


def bare(town_year: TownYear, path: Path) -> None:
    """The least: every cell read, every row written, nothing checked, compared or listed."""
    book = openpyxl.load_workbook(path, read_only=True)
    kinds = {one.name: one for one in Kind.objects.all()}
    villages = {one.name: one for one in town_year.town.children.all()}
    parcels = [
        Parcel(
            town=town_year.town, year=town_year.year, division=villages[village], group=group, kind=kinds[kind],
            codes=[code], gross_mu=Decimal(str(area)), land_class=land_class,
        )
        for code, village, group, kind, area, land_class in book.active.iter_rows(min_row=2, values_only=True)
    ]  # fmt: skip
    Parcel.objects.bulk_create(parcels, batch_size=500)
    works = [
        Work(town=one.town, division=one.division, parcel=one, kind=one.kind, year=one.year, area_mu=one.gross_mu)
        for one in parcels
    ]
    Work.objects.bulk_create(works, batch_size=500)
