"""The list of parcels with 1,000,000 in one town-year (P4): first look, the next ones, a page far behind, a filter."""

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client

from bench import land, towns
from bench.look import LOGIN, look
from bench.measure import Row, once

COUNT = 1_000_000
ASKED = {
    "第一页": "",
    "中间一页": "?page=10000",
    "按任务和环节筛选": "?kind=abandonment&stage=none",
    "按一个村筛选": "?division={village}",
    "按编号查找": "?q=500151000777777",
}


def measure():
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    town_year = towns.real_town()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    land.spread(town_year, COUNT, climb=False)
    land.analyze()
    client = Client()
    client.force_login(towns.official(town_year.town), backend=LOGIN)
    village = town_year.town.children.order_by("path").first().code
    address = f"/{town_year.town.slug}/{town_year.year}/parcels/"
    for name, query in ASKED.items():
        url = address + query.format(village=village)
        cache.clear()
        first = once(lambda url=url: client.get(url))
        queries, again, _ = look(client, url)
        text = f"图斑 {COUNT:,} 个，{name}：{queries} 次查询"
        yield Row(text, again * 1000, "ms", first * 1000, "一分钟内第一次", goal="≤ 150 ms", met=again <= 0.15)
