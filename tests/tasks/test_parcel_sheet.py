"""The map on paper: totals that agree with the list, a true scale, and boundaries only for those who may see them."""

import re

import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from parcels.models import ParcelList
from parcels.shapes import new_shape, set_shape
from tests.tasks.land import YEAR
from tests.tasks.map_world import CRS, mapped

pytestmark = pytest.mark.django_db
NUMBERS = re.compile(r"-?[0-9.]+")


@pytest.fixture
def land():
    return mapped()


def sheet(client, user, **query) -> str:
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(reverse("parcel_sheet", kwargs={"town": "qingxi", "year": YEAR}), query)
    assert answer.status_code == 200
    return answer.content.decode()


def table(shown: str) -> list[list[str]]:
    rows = re.findall(r"<tr.*?</tr>", shown[shown.index("<tbody") :], re.DOTALL)
    return [[re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def test_villages_and_grounds_add_up_to_the_list(land, client):
    shown = sheet(client, land.person())
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)<', shown)
    assert heads == ["村", "个数", "面积（亩）", "已认定", "已种植", "计划", "不可整改"]
    assert table(shown) == [
        ["东村 自然撂荒", "3", "45.00", "15.00", "15.00", "—", "15.00"],
        ["西村 自然撂荒", "1", "15.00", "—", "—", "15.00", "—"],
        ["西村 种植结构调整", "1", "3.00", "—", "—", "3.00", "—"],
        ["合计 自然撂荒", "4", "60.00", "15.00", "15.00", "15.00", "15.00"],
        ["合计 种植结构调整", "1", "3.00", "—", "—", "3.00", "—"],
    ]
    assert "另有 1 个没有可画的图形，已计入合计" in shown
    assert "5 个，自然撂荒 60.00 亩，种植结构调整 3.00 亩" in shown


def test_the_sheet_keeps_the_filters_and_says_them(land, client):
    shown = sheet(client, land.person(), stage="planted")
    assert table(shown)[-1] == ["合计", "1", "15.00", "15.00"]
    assert "环节：已种植" in shown
    assert "stage=planted&amp;paper=a3" in shown


@pytest.mark.parametrize(("paper", "width"), [("a4", 277), ("a3", 400), ("a0", 277), ("", 277)])
def test_what_is_drawn_has_its_size_on_paper(land, client, paper, width):
    """A square of 0.01° is 1,113.2 m high: at 1:n it is 1,113,200 ÷ n millimetres of the sheet."""
    set_shape(land.parcels["b"].parcel, shapely.box(106.01, 29.8, 106.02, 29.81), crs=CRS)
    shown = sheet(client, land.person(), stage="planted", paper=paper)
    pixels = re.search(r'viewBox="0 0 \d+ (\d+)"\s+width="\d+mm"', shown)[1]
    assert f'width="{width}mm"' in shown
    millimetres = int(re.search(r'height="(\d+)mm"', shown)[1])
    ys = [float(one) for one in NUMBERS.findall(re.search(r'fill-rule="evenodd"\s+d="([^"]+)"', shown)[1])][1::2]
    one_to = int(re.search(r"比例尺 1:(\d+)", shown)[1])
    drawn = (max(ys) - min(ys)) * millimetres / int(pixels)
    assert drawn == pytest.approx(1_113_200 / one_to, rel=0.01)
    bar, metres = re.search(r'd="M0 -6V0H([0-9.]+)V-6".*?>(\d+) 米<', shown, re.DOTALL).groups()
    assert float(bar) * millimetres / int(pixels) == pytest.approx(int(metres) * 1000 / one_to, rel=0.01)


def test_a_layer_far_away_neither_widens_the_drawing_nor_stands_in_its_legend(land, client):
    near, far = (ParcelList.objects.create(town=land.town, year=YEAR, role="layer", title=name) for name in "近远")
    for layer, box in ((near, (106, 29.8, 106.02, 29.81)), (far, (106.5, 30.2, 106.51, 30.21))):
        new_shape(shapely.box(*box), town=land.town, crs=CRS, layer=layer).save()
    shown = sheet(client, land.person(), stage="planted")
    assert "</svg>近</li>" in shown
    assert "</svg>远</li>" not in shown
    assert int(re.search(r"比例尺 1:(\d+)", shown)[1]) < 2000


def test_a_table_that_is_too_long_has_a_sheet_of_its_own(land, client):
    assert "sheet-page__table--next" not in sheet(client, land.person())
    for number in range(20):
        land.work(land.below(land.town, f"第{number}村"), "abandonment", "1", parcel=True)
    assert "sheet-page__table--next" in sheet(client, land.person())


def test_without_the_right_to_coordinates_only_the_totals_are_there(land, client):
    shown = sheet(client, land.person("finance"))
    assert "sheet-page__map" not in shown
    assert "或您的角色不能看坐标" in shown
    assert table(shown)[-2][:3] == ["合计 自然撂荒", "4", "60.00"]


def test_a_village_prints_its_own_land(land, client):
    shown = sheet(client, land.person("village_head", land.villages["西村"]))
    assert {row[0].split()[0] for row in table(shown)} == {"西村", "合计"}
    assert "东村" not in shown[shown.index("sheet-page") :]


def test_demo_stands_on_the_sheet(land, client):
    assert re.search(r'class="demo">演示数据<', sheet(client, land.person()).split("sheet-page", 1)[1])


def test_nothing_and_too_much_are_said(land, client, monkeypatch):
    assert "没有符合条件的图斑" in sheet(client, land.person(), q="nowhere")
    monkeypatch.setattr("tasks.views.parcel_sheet.MOST", 3)
    assert "请先按村或任务筛选再打印" in sheet(client, land.person())


def test_the_number_of_queries_does_not_grow(land, client):
    user = land.person()
    counts = []
    sheet(client, user)
    for _ in range(2):
        for number in range(5):
            work = land.work("东村", "abandonment", "1", parcel=True)
            set_shape(work.parcel, shapely.box(106.3, 29.8 + number / 100, 106.301, 29.801 + number / 100), crs=CRS)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("parcel_sheet", kwargs={"town": "qingxi", "year": YEAR}))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12
