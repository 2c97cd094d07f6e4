"""Recompute of one town and of all, against one raw GROUP BY over the same steps (performance.md P3)."""

from statistics import median

from django.db import connection, transaction

from bench import land, towns
from bench.measure import REPEATS, DatabaseTime, Row, alternately
from tasks.models import TownYear
from tasks.services import recompute

PARCELS = 5_000  # of each town
SIZES = (10_000, 100_000)
RAW = """
SELECT w.division_id, w.kind_id, s.rung_id, SUM(s.area_mu)
FROM parcels_step s JOIN parcels_work w ON w.id = s.work_id
WHERE {where} GROUP BY w.division_id, w.kind_id, s.rung_id
"""


def measure():
    per_parcel = []
    for size in SIZES:
        grow_to(size)
        years = list(TownYear.objects.select_related("town").order_by("pk"))
        for one in years:
            recompute(one.town, one.year)
        yield one_town(years[0], size)
        row = all_towns(years, size)
        per_parcel.append(row.ours / size)
        yield row
    growth = per_parcel[-1] / per_parcel[0]
    text = f"重算：每个图斑用时，{SIZES[-1]:,} 对 {SIZES[0]:,}"
    yield Row(text, growth, "倍", goal="线性 ≤ 1.3", met=growth <= 1.3)


def grow_to(size: int) -> None:
    for number in range(TownYear.objects.count(), size // PARCELS):
        with transaction.atomic():
            land.spread(towns.small_town(number), PARCELS, first=1 + number * PARCELS)
    land.analyze()


def one_town(one: TownYear, size: int) -> Row:
    def limit():
        raw("s.town_id = %s AND w.town_id = %s", [one.town_id, one.town_id])

    spent = []
    for _ in range(REPEATS):
        with connection.execute_wrapper(found := DatabaseTime()):
            recompute(one.town, one.year)
        spent.append(found.seconds)
    _, floor = alternately(lambda: recompute(one.town, one.year), limit)
    ours = median(spent) * 1000
    text = f"重算一镇（{PARCELS:,} 个图斑，库中共 {size:,}）：数据库用时"
    return Row(text, ours, "ms", floor * 1000, "GROUP BY", goal="≤ 10 ms", met=ours <= 10)


def all_towns(years: list[TownYear], size: int) -> Row:
    def ours():
        for one in years:
            recompute(one.town, one.year)

    spent, floor = alternately(ours, lambda: raw("1 = 1", []))
    met = spent <= 1.1 * floor
    return Row(f"重算全部 {size:,} 个图斑", spent, "s", floor, "GROUP BY", goal="≤ 1.1 × GROUP BY", met=met)


def raw(where: str, params: list) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RAW.format(where=where), params)
        cursor.fetchall()
