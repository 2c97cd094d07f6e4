"""Every page at 10³ and at 10⁵ parcels of one town: statements, time, bytes; and how often 总览 is served (P4)."""

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import computing, land, money, pages, paper, towns
from bench.measure import Row, rate, seconds
from farmland.places.models import Division
from tasks.services import recompute

SIZES = (1_000, 100_000)
MOST = 12
LOGIN = "django.contrib.auth.backends.ModelBackend"


def measure():
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    town_year = towns.real_town()
    paper.leave(town_year, 40)
    computing.leave(town_year)
    user = towns.official(town_year.town)
    client = Client()
    client.force_login(user, backend=LOGIN)
    found: dict[str, list[tuple]] = {}
    first = 1
    for size in SIZES:
        land.spread(town_year, size - first + 1, first=first)
        first = size + 1
        if size == SIZES[0]:
            money.owe(town_year)
        land.analyze()
        recompute(town_year.town, town_year.year)
        for name, address in shown(town_year, user).items():
            found.setdefault(name, []).append(look(client, address))
    for name, ((few, quick, _), (many, slow, size)) in sorted(found.items(), key=lambda pair: -pair[1][1][1]):
        met = few == many <= MOST
        text = f"页面 {name}：{many} 次查询，{size / 1000:.0f} KB"
        yield Row(text, slow * 1000, "ms", quick * 1000, f"{SIZES[0]:,} 个图斑时", goal="查询不变，≤ 12", met=met)
    yield from often(client, shown(town_year, user)["dashboard_town"])


def shown(town_year, user) -> dict[str, str]:
    village = Division.objects.filter(town=town_year.town).exclude(pk=town_year.town_id).order_by("path")[0]
    found = pages.addresses(town_year, village, user)
    return {name: address for name, address in found.items() if name not in ("login", "dashboard")}


def look(client: Client, address: str) -> tuple[int, float, int]:
    """(statements, seconds, bytes) of a page."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    return len(queries), seconds(lambda: client.get(address)), len(answer.content)


def often(client: Client, address: str):
    """Pages a second in one thread, whole and, where the page has a tag, unchanged (304)."""
    whole = rate(lambda: client.get(address))
    yield Row("总览，一个线程", whole, "页/s", goal="两个进程 ≥ 150 页/s", met=2 * whole >= 150)
    if tag := client.get(address).headers.get("ETag"):
        same = rate(lambda: client.get(address, headers={"If-None-Match": tag}))
        yield Row("总览未变（304），一个线程", same, "页/s", goal="两个进程 ≥ 600 页/s", met=2 * same >= 600)
