"""The parcel pages: list, detail, import from file to job, and the command; each within the user's scope."""

import re
from html import unescape

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from farmland.jobs.models import Job, Upload
from farmland.jobs.services import run_pending
from parcels.models import Parcel
from parcels.shapes import set_shape
from tasks.services import recompute
from tests.lib.land_files import degrees, squares
from tests.parcels.lists import row, upload, xlsx
from tests.tasks.land import YEAR, Land

pytestmark = pytest.mark.django_db
WHERE = {"town": "qingxi", "year": YEAR}
ROWS = (
    row("A1", "东村", "一组", gross=3, net=2.5),
    row("A2", "东村", "二组", kind="种植结构调整", gross=4, source="国家审计"),
    row("26966、26947", "西村", "三组", gross=5.25),
)


@pytest.fixture
def land(settings, tmp_path):
    cache.clear()
    settings.MEDIA_ROOT = tmp_path
    land = Land()
    land.target("abandonment", 283, level="county")
    land.target("restructure", 20, level="county")
    land.officer = land.person(name="经办")
    land.head = land.person("village_head", land.villages["东村"], name="东村填报人")
    return land


@pytest.fixture
def listed(land, client):
    """The three parcels, imported through the page."""
    client.force_login(land.officer)
    preview = choose(client, xlsx(*ROWS))
    confirm(client, preview)
    run_pending()
    return land


def url(name: str, **more) -> str:
    return reverse(name, kwargs=WHERE | more)


def choose(client, data: bytes, name="第一批.xlsx"):
    """Upload a file; the answer is its preview."""
    answer = client.post(url("parcel_import"), {"file": upload(data, name)})
    return client.get(answer["Location"]) if answer.status_code == 302 else answer


def text(answer) -> str:
    return unescape(answer.content.decode())


def confirm(client, preview, **changes):
    shown = text(preview)
    values = dict(re.findall(r'name="(seen|title)" value="([^"]*)"', shown)) | {"received_on": ""} | changes
    there = re.search(r'action="([^"]+/confirm/)"', shown)[1]
    return client.post(there, values)


def test_nothing_is_written_before_it_is_confirmed_and_the_file_is_kept(land, client):
    client.force_login(land.officer)
    shown = text(choose(client, xlsx(*ROWS)))

    assert "新增 3 个，变化 0 个，相同 0 个" in shown
    assert "12.25" in shown
    assert not Parcel.objects.exists()
    kept = Upload.objects.get()
    assert (kept.name, kept.purpose, kept.user) == ("第一批.xlsx", "parcel_import", land.officer)


def test_after_confirming_the_list_page_follows_the_job(land, client):
    client.force_login(land.officer)
    answer = confirm(client, choose(client, xlsx(*ROWS)), received_on="2024-07-22")
    waiting = text(client.get(answer["Location"]))
    job = Job.objects.get(kind="import_parcels")
    assert f'hx-get="/jobs/{job.pk}/"' in waiting

    run_pending()
    shown = text(client.get(answer["Location"]))
    assert "新增 3 个，变化 0 个，相同 0 个。" in shown
    assert "A1" in shown


def test_errors_are_listed_by_cell_and_cannot_be_confirmed(land, client):
    client.force_login(land.officer)
    shown = text(choose(client, xlsx(row("A1", gross=-1), row("A2", village="北村"))))

    assert "有 2 处错误；改正后重新上传" in shown
    assert "清单!E2" in shown
    assert "/confirm/" not in shown


def test_a_file_that_is_no_list_is_refused_with_its_reason_and_kept(land, client):
    client.force_login(land.officer)
    answer = choose(client, b"%PDF-1.7 ...", "扫描件.pdf")

    assert answer.status_code == 400
    assert "这是 PDF 文件" in text(answer)
    assert Upload.objects.get().name == "扫描件.pdf"


def test_no_file_is_said_next_to_the_field(land, client):
    client.force_login(land.officer)
    answer = client.post(url("parcel_import"), {})

    assert answer.status_code == 400
    assert "请选择文件。" in text(answer)


def test_a_list_needs_a_name(land, client):
    client.force_login(land.officer)
    answer = confirm(client, choose(client, xlsx(*ROWS)), title="")

    assert answer.status_code == 400
    assert "请写清单名称。" in text(answer)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_an_export_comes_back_without_a_change(listed, client, kind):
    answer = client.get("/api/v1/parcels/", WHERE | {"format": kind})
    again = text(choose(client, b"".join(answer.streaming_content), f"图斑.{kind}"))

    assert "3 个图斑与现有数据相同" in again


def test_the_template_is_a_list_without_rows(land, client):
    client.force_login(land.officer)
    data = b"".join(client.get(url("parcel_import_template")).streaming_content)

    assert "没有变化" in text(choose(client, data, "模板.xlsx"))


def test_a_village_head_imports_nothing_and_sees_no_other_village(listed, client):
    client.force_login(listed.head)

    assert client.get(url("parcel_import")).status_code == 403
    kept = Upload.objects.get()
    assert client.get(url("parcel_import_preview", pk=kept.pk)).status_code == 403
    assert client.post(url("parcel_import_confirm", pk=kept.pk)).status_code == 403
    shown = text(client.get(url("parcel_list")))
    assert "A1" in shown
    assert "26966" not in shown
    assert client.get(url("parcel_detail", pk=Parcel.objects.get(division__name="西村").pk)).status_code == 404


def test_another_towns_file_cannot_be_previewed(listed, client):
    other = Land(slug="shiqiao", name="石桥镇")
    client.force_login(other.person())
    kept = Upload.objects.get()

    for name in ("parcel_import", "parcel_list"):
        assert client.get(url(name)).status_code == 404
    there = reverse("parcel_import_preview", kwargs={"town": "shiqiao", "year": YEAR, "pk": kept.pk})
    assert client.get(there).status_code == 404


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({}, {"A1", "A2", "26966"}),
        ({"kind": "restructure"}, {"A2"}),
        ({"source": "national_audit"}, {"A2"}),
        ({"stage": "planted"}, {"A1"}),
        ({"stage": "issued"}, {"A2", "26966"}),
        ({"finding": "real"}, {"A2"}),
        ({"list": "第一批"}, {"A1", "A2", "26966"}),
        ({"list": "第二批"}, set()),
        ({"q": "2694"}, {"26966"}),
        ({"q": "三组"}, {"26966"}),
        ({"q": "<script>"}, set()),
    ],
)
def test_every_filter_narrows_the_list_and_its_totals(listed, client, query, codes):
    work = Parcel.objects.get(codes=["A1"]).works.get()
    listed.step(work, "planted", 2)
    Parcel.objects.filter(codes=["A2"]).update(finding="real")
    recompute(listed.town, YEAR)
    answer = client.get(url("parcel_list"), query)
    shown = text(answer)

    assert {code for code in ("A1", "A2", "26966") if f">{code}<" in shown} == codes
    assert ('name="list" value="' in shown) == ("list" in query)
    assert f"<strong>{len(codes)}</strong> 个图斑" in shown
    assert b"<script>" not in answer.content


def test_a_village_is_filtered_by_its_code_and_a_foreign_one_is_not_found(listed, client):
    east = text(client.get(url("parcel_list"), {"division": listed.villages["东村"].code}))
    assert "<strong>2</strong> 个图斑" in east
    assert "村：东村" in east

    assert client.get(url("parcel_list"), {"division": "999"}).status_code == 404


def test_the_totals_are_of_all_pages(listed, client):
    many = [row(f"N{number}", gross="1.5") for number in range(60)]
    confirm(client, choose(client, xlsx(*many), "第二批.xlsx"))
    run_pending()
    shown = text(client.get(url("parcel_list"), {"page": 2}))

    assert "<strong>63</strong> 个图斑" in shown
    assert "合计 62 个，自然撂荒" in shown
    assert "98.25" in shown
    assert "合计 1 个，种植结构调整" in shown
    assert "102.25" not in shown, "kinds are not added together"
    assert "图斑<wbr>（亩）" in shown
    assert "page=1" in shown


def test_the_list_asks_the_database_no_more_for_more_parcels(listed, client):
    counts = []
    for more in (1, 40):
        confirm(client, choose(client, xlsx(*[row(f"N{more}-{number}") for number in range(more)]), f"{more}.xlsx"))
        run_pending()
        with CaptureQueriesContext(connection) as captured:
            client.get(url("parcel_list"))
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_the_detail_tells_codes_work_history_and_levels(listed, client):
    parcel = Parcel.objects.get(codes=["A1"])
    work = parcel.works.get()
    listed.step(work, "planted", "2.5", by=listed.head, crop="玉米")
    returned = {"by": listed.officer, "verdict": "returned", "reason": "残留硬化或建渣"}
    listed.step(work, "county_accepted", 0, **returned)
    listed.step(work, "county_accepted", 2, by=listed.officer)
    recompute(listed.town, YEAR)
    shown = text(client.get(url("parcel_detail", pk=parcel.pk)))

    for said in ("第一批", "已种植 2.50 亩", "东村填报人，作物 玉米", "退回", "残留硬化或建渣", "0103 旱地", "撂荒"):
        assert said in shown
    counted = re.search(r"<tr data-counted>.*?</tr>", shown, re.DOTALL)[0]
    assert "2.00" in counted


def test_the_detail_shows_the_measured_area_beside_the_issued_one(listed, client):
    parcel = Parcel.objects.get(codes=["A1"])
    set_shape(parcel, degrees(squares(1))[0], crs="EPSG:4490")
    Parcel.objects.filter(pk=parcel.pk).update(gross_mu="15.1")
    assert "15.00 亩</dd>" in text(client.get(url("parcel_detail", pk=parcel.pk)))
    Parcel.objects.filter(pk=parcel.pk).update(gross_mu="12.5")
    assert "15.00 亩，与下发相差 2.50 亩，请核对" in text(client.get(url("parcel_detail", pk=parcel.pk)))


# The command


def test_the_command_previews_and_writes(land, tmp_path, capsys):
    file = tmp_path / "第一批.xlsx"
    file.write_bytes(xlsx(*ROWS))
    call_command("import_parcels", "qingxi", "2024", str(file), "--dry-run")
    assert not Parcel.objects.exists()
    assert "新增 3 个" in capsys.readouterr().out

    call_command("import_parcels", "qingxi", "2024", str(file))
    assert Parcel.objects.count() == 3
    call_command("import_parcels", "qingxi", "2024", str(file))
    assert "没有变化，没有写入" in capsys.readouterr().out


def test_the_command_tells_every_error_and_ends_with_failure(land, tmp_path, capsys):
    file = tmp_path / "a.xlsx"
    file.write_bytes(xlsx(row("A1", gross=-1), row("A2", village="北村")))
    with pytest.raises(CommandError, match="共 2 处错误"):
        call_command("import_parcels", "qingxi", "2024", str(file))
    assert "清单!E2" in capsys.readouterr().err
    with pytest.raises(CommandError, match="没有标识为“x”的乡镇"):
        call_command("import_parcels", "x", "2024", str(file))
    with pytest.raises(CommandError):
        call_command("import_parcels", "qingxi", "2024", str(tmp_path / "nowhere.xlsx"))

    assert not Parcel.objects.exists()
