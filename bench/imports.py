"""Lists of 10,000 and 100,000 parcels as XLSX and Shapefile, all checks, against the least work there is (P1)."""

import tempfile
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy
import openpyxl
import pyogrio
import python_calamine
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from rustpy_xlsxwriter import write_worksheet

from bench import land, towns
from bench.measure import ChildrenPeak, Row, cpu, once, peak, peak_from_here
from farmland.jobs.models import Upload
from farmland.lib.models import time_uuid
from parcels.imports.services import ListFacts, known_for, read_list
from parcels.models import Kind, Parcel, Work
from tasks.models import TownYear
from tasks.parcel_import import import_now, plan_kinds

SIZES = (10_000, 100_000)
MEMORY = 250  # MB of the child that reads
GOALS = {"postgresql": 1.4, "sqlite": 1.3}
SIDE, ABREAST = 60, 400  # metres, squares beside one another
EAST, NORTH = 35_500_000, 3_280_000


class RollBack(Exception):
    """Ends a measured transaction: each go starts from an empty table."""


def measure():
    town_year = towns.small_town(1)
    user = towns.official(town_year.town)
    goal = GOALS[connection.vendor]
    with tempfile.TemporaryDirectory() as folder:
        for count in SIZES:
            goes = 3 if count == SIZES[0] else 1
            path = Path(folder) / f"{count}.xlsx"
            workbook(town_year, path, count)
            times = rounds(goes, written(town_year, user, path, count), lambda at=path: least(town_year, at),
                           *([lambda at=path: usual(town_year, at)] if goes > 1 else []))  # fmt: skip
            (spent, floor, *peer), used = times
            yield Row(
                f"导入 {count:,} 行 XLSX，全部检查", spent, "s", floor, "calamine 读 + 直接写，不检查",
                *((peer[0], "openpyxl 读 + bulk_create") if peer else ()), goal=f"≤ {goal} × 下限",
                met=spent <= goal * floor,
            )  # fmt: skip
            yield Row(f"导入 {count:,} 行 XLSX，CPU", used[0], "s", used[1], "calamine 读 + 直接写，CPU")
            yield from memory_of(f"{count:,} 行 XLSX", written(town_year, user, path, count))
            path = Path(folder) / f"{count}.zip"
            shapefile(town_year, path, count)
            (spent, floor), used = rounds(goes, written(town_year, user, path, count), lambda at=path: geometry(at))
            yield Row(f"导入 {count:,} 个图形 Shapefile，全部检查", spent, "s", floor, "pyogrio 读 + 转坐标，不写")
            yield Row(f"导入 {count:,} 个图形 Shapefile，CPU", used[0], "s", used[1], "pyogrio 读 + 转坐标，CPU")
            yield from memory_of(f"{count:,} 个图形 Shapefile", written(town_year, user, path, count))


def rounds(goes: int, *jobs: Callable) -> tuple[list[float], list[float]]:
    """The median wall time of each job, taken in turn, and the median CPU (children too, a server's not)."""
    found = [[undone(job) for job in jobs] for _ in range(goes)]
    each = list(zip(*found, strict=True))  # by job
    return tuple([sorted(one[which] for one in times)[goes // 2] for times in each] for which in (0, 1))


def undone(job: Callable) -> tuple[float, float]:
    """Wall and CPU seconds of a job whose rows are not kept."""

    def go():
        try:
            with transaction.atomic():
                job()
                raise RollBack
        except RollBack:
            pass

    before = cpu()
    return once(go), cpu() - before


def written(town_year: TownYear, user, path: Path, count: int) -> Callable:
    """The whole way of a file: kept, read in the child, checked, compared, written."""

    def ours():
        file = SimpleUploadedFile(path.name, path.read_bytes())
        upload = Upload.objects.store(file, town=town_year.town, user=user, purpose="parcel_import", limit=10**9)
        known = known_for(town_year.town, town_year.year, plan_kinds(town_year.town, town_year.year), user)
        checked = read_list(upload.full_path, upload.name, known)
        found, done = import_now(town_year, checked, known, ListFacts(title="清单", upload=upload), by=user)
        if done != count:
            raise RuntimeError(f"{done} of {count} rows written: {[str(one) for one in found.errors[:3]]}")

    return ours


def memory_of(what: str, job: Callable):
    """What the worker needs on top of itself, and the child that reads."""
    start = peak_from_here()
    with ChildrenPeak("sandbox_child.py") as child:
        undone(job)
    most = child.most
    yield Row(f"导入 {what}：读文件的子进程，最大内存", most, "MB", goal=f"≤ {MEMORY} MB", met=most <= MEMORY)
    yield Row(f"导入 {what}：作业进程，多用内存", peak() - start, "MB")


def lines(town_year: TownYear, count: int):
    villages = list(town_year.town.children.values_list("name", flat=True))
    names = ["自然撂荒", "种植结构调整"]
    for number in range(count):
        yield {
            "图斑编号": f"500151{number:09}", "村": villages[number % len(villages)], "组": f"第{number % 9 + 1}组",
            "任务": names[number % 2], "图斑面积（亩）": 1 + number % 97 / 20, "地类": "0103",
            "耕地面积（亩）": 1 + number % 97 / 20, "永农面积（亩）": number % 7 / 10,
            "净面积（亩）": 1 + number % 97 / 25,
            "现状": "撂荒", "问题来源": "国家审计", "备注": f"第 {number} 行", "序号": str(number + 1), "年度": "2024",
        }  # fmt: skip


def workbook(town_year: TownYear, path: Path, count: int) -> None:
    with path.open("wb") as file:
        write_worksheet(lines(town_year, count), file, sheet_name="图斑清单")


def shapefile(town_year: TownYear, path: Path, count: int) -> None:
    """Squares side by side in zone 35, with the same facts in the fields of a survey layer."""
    import zipfile

    rows = list(lines(town_year, count))
    at = numpy.arange(count)
    west, south = EAST + at % ABREAST * SIDE, NORTH + at // ABREAST * SIDE
    boxes = shapely.to_wkb(shapely.box(west, south, west + SIDE, south + SIDE))
    fields = {"TBBH": "图斑编号", "ZLDWMC": "村", "组": "组", "任务": "任务", "DLBM": "地类", "BZ": "备注"}
    columns = [numpy.array([row[name] for row in rows], object) for name in fields.values()]
    columns.append(numpy.full(count, float(SIDE * SIDE)))
    folder = path.with_suffix("")
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            folder / "layer.shp", boxes, columns, numpy.array([*fields, "TBMJ"]), crs="EPSG:4523",
            geometry_type="Polygon", driver="ESRI Shapefile", encoding="GBK",
        )  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for one in folder.iterdir():
            if one.suffix != ".cpg":
                archive.write(one, one.name)


def geometry(path: Path) -> None:
    """The least for a layer: GDAL reads it, PROJ moves all points at once, WKB comes out."""
    from pyproj import Transformer

    _, _, wkb, _ = pyogrio.raw.read(path.with_suffix("") / "layer.shp")
    there = Transformer.from_crs(4523, 4490, always_xy=True)
    moved = shapely.transform(
        shapely.from_wkb(wkb), lambda points: numpy.column_stack(there.transform(points[:, 0], points[:, 1]))
    )
    shapely.to_wkb(moved)


def rows_of(path: Path) -> list[list]:
    return python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()[1:]


def least(town_year: TownYear, path: Path) -> None:
    """calamine reads, one statement per table writes: COPY or executemany. Nothing checked, compared or listed."""
    say, moment = land.Dialect(), land.MOMENT
    villages = {one.name: one.pk for one in town_year.town.children.all()}
    kinds = {one.name: one.pk for one in Kind.objects.all()}
    found = []
    for code, village, group, kind, gross, land_class, cultivated, pbf, net, state, source, note, *_ in rows_of(path):
        key = time_uuid()
        found.append(
            (key if say.is_postgres else key.hex, moment, town_year.town_id, villages[village], group, town_year.year,
             kinds[kind], source, f'["{code}"]', round(gross * 10_000), round(cultivated * 10_000),
             round(pbf * 10_000), round(net * 10_000), "mu", land_class, state, "", "", f'{{"note": "{note}"}}', 1,
             "f" if say.is_postgres else 0)
        )  # fmt: skip
    names = ("id", "updated_at", "town_id", "division_id", '"group"', "year", "kind_id", "source", "codes", "gross_mu",
             "cultivated_mu", "pbf_mu", "net_mu", "unit_issued", "land_class", "ground_state", "finding", "stage",
             "attrs", "version", "is_demo")  # fmt: skip
    into = f"parcels_parcel ({', '.join(names)})"
    with connection.cursor() as cursor:
        if not say.is_postgres:
            cursor.executemany(f"INSERT INTO {into} VALUES ({', '.join(['%s'] * len(names))})", found)
            return
        from io import StringIO

        text = StringIO("".join("\t".join(map(str, one)) + "\n" for one in found))
        cursor.copy_expert(f"COPY {into} FROM STDIN", text)


def usual(town_year: TownYear, path: Path) -> None:
    """The usual way: openpyxl, model instances, ``bulk_create``; nothing checked, compared or listed."""
    book = openpyxl.load_workbook(path, read_only=True)
    kinds = {one.name: one for one in Kind.objects.all()}
    villages = {one.name: one for one in town_year.town.children.all()}
    parcels = [
        Parcel(
            town=town_year.town, year=town_year.year, division=villages[village], group=group, kind=kinds[kind],
            codes=[code], gross_mu=Decimal(str(area)), land_class=land_class,
        )
        for code, village, group, kind, area, land_class, *_ in book.active.iter_rows(min_row=2, values_only=True)
    ]  # fmt: skip
    Parcel.objects.bulk_create(parcels, batch_size=500)
    works = [
        Work(town=one.town, division=one.division, parcel=one, kind=one.kind, year=one.year, area_mu=one.gross_mu)
        for one in parcels
    ]
    Work.objects.bulk_create(works, batch_size=500)
