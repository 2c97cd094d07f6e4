"""The main job in a real browser: a village hands in its form, the official accepts, the dashboard counts."""

import os
import re
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import call_command
from openpyxl import load_workbook
from shapely import box

from bench.towns import more_villages
from farmland.demo.users import demo_password
from farmland.jobs.services import run_pending
from parcels.shapes import set_shape
from tasks.models import TownYear
from tasks.services import recompute
from tests.tasks.land import Land

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def chromium():
    if os.environ.get("FARMLAND_CI_BROWSER"):
        import playwright.sync_api as playwright
    elif not CHROMIUM:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="see requirements-browser.txt")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def xihe(tmp_path, settings):
    settings.VAR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    call_command("load_plan", settings.BASE_DIR / "plans" / "xihe-2024.yaml", verbosity=0)
    call_command("load_demo", verbosity=0)
    run_pending()
    return demo_password()


class Visitor:
    """A signed-in browser of one user; every message on its console is kept."""

    def __init__(self, chromium, server, password, user):
        self.page = chromium.new_context(viewport={"width": 1366, "height": 768}, accept_downloads=True).new_page()
        self.complaints = []
        self.page.on("console", lambda one: one.type in ("error", "warning") and self.complaints.append(one.text))
        self.server = server.url
        self.page.goto(f"{self.server}/login/")
        self.page.fill("[name=username]", user)
        self.page.fill("[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_load_state()

    def see(self, path):
        answer = self.page.goto(f"{self.server}{path}")
        assert answer.status == 200, path
        return self.page

    def api(self, path):
        return self.page.request.get(f"{self.server}/api/v1/{path}").json()


def progress(visitor, division):
    rows = visitor.api(f"progress/?town=xihe&year=2024&kind=abandonment&division={division}")["results"]
    return next(row for row in rows if row["division"] == division)


def test_a_form_moves_the_stage_and_an_acceptance_moves_the_count(chromium, live_server, xihe, tmp_path):
    village = Visitor(chromium, live_server, xihe, "xihe-xinsi")
    code = village.api("divisions/")["results"][0]["code"]
    before = progress(village, code)
    page = village.see(f"/xihe/2024/forms/{code}/")
    with page.expect_download() as download:
        page.click("text=下载")
    filled = fill(download.value.path(), {"自然撂荒": {"已种植": "12.5"}}, tmp_path / "filled.xlsx")
    page.set_input_files("input[type=file]", filled)
    page.click("button:has-text('上传')")
    page.wait_for_load_state()
    page.check("#sure")  # 12.50 of 10.40 亩 is asked about
    page.click("button:has-text('确认写入')")
    page.wait_for_load_state()
    assert "回执" in page.content()
    run_pending()
    after = progress(village, code)
    assert after["stages"]["planted"] != before["stages"]["planted"]
    assert after["counted"] == before["counted"]

    official = Visitor(chromium, live_server, xihe, "xihe")
    page = official.see("/xihe/2024/acceptances/")
    page.select_option("[name=kind]", "abandonment")
    page.select_option("[name=level]", "county")
    page.select_option("[name=division]", code)
    page.fill("[name=accepted_mu]", "2.25")
    page.fill("[name=accepted_on]", "2024-10-11")
    page.click("button:has-text('登记')")
    page.wait_for_load_state()
    run_pending()
    counted = progress(official, code)["counted"]
    assert float_free(counted) == float_free(before["counted"]) + 22_500
    assert str(counted) in official.see("/xihe/2024/").content()
    assert village.complaints == official.complaints == []


def test_the_map_draws_the_filtered_land_and_opens_the_drawer(chromium, live_server, settings, tmp_path):
    """Pixels tell that something is drawn; a click on land opens its drawer, a row leads to its land."""
    land = Land()
    user = land.person(name="official")
    user.set_password("secret")
    user.save()
    for at in range(4):
        work = land.work("东村", "abandonment", "15", parcel=True)
        set_shape(work.parcel, box(106 + at * 0.002, 29.8, 106.001 + at * 0.002, 29.801), crs="EPSG:4490")
        land.step(work, "planted", "15") if at else None
    recompute(land.town, 2024)
    official = Visitor(chromium, live_server, "secret", "official")
    page = official.see("/qingxi/2024/parcels/?stage=planted")
    assert drawn(page) == "3"
    assert page.inner_text("[data-map-status]") == "3 个图形，点图斑或清单中的一行看它的经过"
    wide = page.locator("#map-view").bounding_box()["width"]
    assert not page.is_visible("[data-drawer]")
    assert page.inner_text("[data-map-legend]") == "已种植"
    assert page.evaluate(COLOURS) > 2
    page.evaluate("farmlandMap.setView([29.8005, 106.0025], 17)")
    page.click("#map-view")
    page.wait_for_selector("[data-drawer] h2")
    code = page.inner_text("[data-drawer] h2")
    assert page.inner_text("tr[aria-selected=true] a") == code
    assert page.locator("#map-view").bounding_box()["width"] < wide
    page.click("[data-map-close]")
    assert page.locator("#map-view").bounding_box()["width"] == wide
    page.locator("[data-locate]").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-drawer] h2")
    assert page.inner_text("[data-drawer] h2") != code
    assert "parcel=" in page.url
    page.reload()
    assert drawn(page) == "3"
    page.wait_for_selector("[data-drawer] h2")
    assert official.complaints == []


COLOURS = """() => {
  const canvas = document.querySelector("#map-view canvas");
  const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const found = new Set();
  for (let i = 0; i < dots.length; i += 4) if (dots[i + 3] === 255) found.add(String(dots.slice(i, i + 3)));
  return found.size;
}"""


def drawn(page):
    """How many boundaries the map says it has drawn, once it has."""
    return page.wait_for_selector("[data-map][data-ready]").get_attribute("data-ready")


def fill(source, wanted, path):
    """Write areas into the rows of a progress form: kind → stage → area."""
    book = load_workbook(BytesIO(Path(source).read_bytes()))
    sheet = book["进度"]
    header = next(row for row in sheet.iter_rows() if any(cell.value == "环节" for cell in row))
    at = {cell.value: cell.column for cell in header if cell.value}
    for row in range(header[0].row + 1, sheet.max_row + 1):
        area = wanted.get(sheet.cell(row, at["任务"]).value, {}).get(sheet.cell(row, at["环节"]).value)
        if area:
            sheet.cell(row, at["面积（亩）"]).value = area
            sheet.cell(row, at["完成日期"]).value = "2024-10-10"
    book.save(path)
    return str(path)


def float_free(text):
    """Ten-thousandths of a decimal text."""
    whole, _, rest = text.partition(".")
    return int(whole) * 10_000 + int(f"{rest:0<4}"[:4])


@pytest.mark.parametrize("more", [0, 24])
def test_the_overview_prints_on_two_sheets(chromium, live_server, xihe, more):
    """Of a town with the plan's seven villages, and of one with thirty."""
    year = TownYear.objects.select_related("town").get(town__slug="xihe", year=2024)
    more_villages(year, more)
    recompute(year.town, year.year)
    page = Visitor(chromium, live_server, xihe, "xihe").see("/xihe/2024/")
    sheets = re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True, print_background=True))
    assert len(sheets) == 2
