"""约束图层: read from every format, previewed, written once, replaced, removed; what lies on them is found after."""

from datetime import date

import pytest
import shapely
from django.core.files.base import ContentFile
from django.urls import reverse

from farmland.accounts.models import Event
from farmland.jobs.models import Job, Upload
from farmland.jobs.services import run_pending
from farmland.lib.excel import FileRefused
from farmland.places.models import Term
from parcels.imports.choices import Choices
from parcels.imports.layers import PURPOSE
from parcels.layers import layer_kinds
from parcels.models import Listing, Overlap, Parcel, ParcelList, Shape
from parcels.shapes import set_shape
from tasks.layer_import import LayerFacts, confirm, import_now, preview
from tests.lib.land_files import degrees, geojson, geopackage, kml, shapefile, squares, zipped
from tests.parcels.lists import xlsx
from tests.tasks.edit_world import Field
from tests.tasks.land import YEAR
from tests.tasks.page_world import sign_in

pytestmark = pytest.mark.django_db
THREE = squares(3)
FIELDS = ("HXMC", "JCBH")
ROWS = [(f"片区{n}", f"2400000{n}") for n in (1, 2, 3)]


@pytest.fixture
def field(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    field = Field()
    for at, where in enumerate(degrees(squares(3, step=200))):
        set_shape(field.parcel(f"P{at}", work=False), where, crs="EPSG:4490")
    return field


def kept(field, data: bytes, name="红线.zip") -> Upload:
    return Upload.objects.store(
        ContentFile(data), town=field.town, user=field.official, purpose=PURPOSE, limit=10**8, name=name
    )


def facts_of(field, data, name="红线.zip", kind="redline", title="生态红线") -> LayerFacts:
    return LayerFacts(layer_kinds(field.town)[kind], title, date(2024, 3, 1), kept(field, data, name))


def bring(field, data, name="红线.zip", **how):
    facts = facts_of(field, data, name, **how)
    looked = preview(field.year, facts, Choices())
    return looked, import_now(field.year, looked.found, facts, by=field.official)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(shapefile(THREE, ROWS, fields=FIELDS), "a.zip", id="Shapefile"),
        pytest.param(geopackage(THREE, ROWS, fields=FIELDS), "a.gpkg", id="GeoPackage"),
        pytest.param(geojson(degrees(THREE), ROWS, fields=FIELDS), "a.geojson", id="GeoJSON"),
        pytest.param(zipped(("doc.kml", kml(degrees(THREE), ROWS, fields=FIELDS))), "a.kmz", id="KMZ"),
    ],
)
def test_every_format_gives_the_same_layer_and_twice_is_once(field, data, name):
    looked, written = bring(field, data, name)
    assert (len(looked.found.outlines), looked.found.codes, written) == (3, 3, 6)
    assert looked.on == [("东村", 2, looked.on[0][2])]
    layer = ParcelList.objects.get(role="layer")
    assert (layer.source, layer.title, layer.received_on) == ("redline", "生态红线", date(2024, 3, 1))
    assert set(layer.shapes.values_list("name", flat=True)) == {"片区1", "片区2", "片区3"}
    assert set(layer.listings.values_list("code", "parcel")) == {(code, None) for _, code in ROWS}
    assert layer.upload.full_path.read_bytes() == data
    before = [list(model.objects.order_by("pk").values("pk", "updated_at")) for model in (Shape, Listing, ParcelList)]
    again, nothing = bring(field, data, name)
    assert again.difference.is_nothing
    assert nothing == 0
    assert before == [
        list(model.objects.order_by("pk").values("pk", "updated_at")) for model in (Shape, Listing, ParcelList)
    ]


def test_a_newer_file_under_the_title_replaces_it_and_overlaps_follow(field):
    bring(field, shapefile(THREE, ROWS, fields=FIELDS))
    run_pending()
    assert sorted(one.parcel.codes for one in Overlap.objects.all()) == [["P0"], ["P1"]]
    shape = Shape.objects.get(name="片区1")
    looked, written = bring(field, shapefile(THREE[:1], ROWS[:1], fields=FIELDS), "新.zip")
    assert (looked.difference.new, looked.difference.same, looked.difference.gone, written) == (0, 2, 4, 4)
    assert Shape.objects.get(layer__isnull=False) == shape
    run_pending()
    assert [one.parcel.codes for one in Overlap.objects.all()] == [["P0"]]
    assert Upload.objects.filter(purpose=PURPOSE).count() == 2
    event = Event.objects.filter(action="导入图层").order_by("number").last()
    assert event.after["去掉"] == 4


def test_a_list_of_codes_alone_is_a_layer_too(field):
    field.parcel("26934", work=False)
    data = xlsx(("1", "26934、26935", "甲"), ("2", "26935", "乙"), head=("序号", "图斑编号", "项目名称"))
    looked, written = bring(field, data, "土地整理.xlsx", kind="program", title="土地整理 2020")
    assert written == 2
    assert any("重复" in one for one in looked.found.notes)
    assert ParcelList.objects.get(title="土地整理 2020").role == "paid_elsewhere"
    run_pending()
    assert [(one.parcel.codes, one.by, one.area_mu) for one in Overlap.objects.all()] == [(["26934"], "code", None)]


def test_a_code_that_cannot_be_read_keeps_the_list_out(field):
    data = xlsx(("1", 5001512407224310), ("2", "甲" * 81), ("3", "26934"), head=("序号", "图斑编号"))
    looked = preview(field.year, facts_of(field, data, "清单.xlsx", kind="program"), Choices())
    assert {one.address: one.message[:7] for one in looked.found.errors} == {
        "清单!B2": "编号超过 15", "清单!B3": "编号最长 80",
    }  # fmt: skip


def test_what_was_done_before_keeps_its_year_and_is_found_by_code_before_it_is_written(field, client):
    Term.objects.create(dictionary="list", code="rectified", label="上年整治图斑", town=field.town)
    field.parcel("0007", village="西村", work=False)
    sign_in(client, field.official)
    data = xlsx(("1", "0007", "西村"), ("2", "9999", "东村"), head=("序号", "图斑编号", "村"))
    sent = client.post(address(field, "layer_list"), {"kind": "rectified", "file": ContentFile(data, "清单.xlsx")})
    shown = client.get(sent.url)
    text = shown.content.decode()
    assert shown.context["on"] == [("西村", 1, None)]
    assert "“上年整治图斑”；用这个名称" in text
    assert f'<option value="{YEAR - 1}" selected>' in text
    where = address(field, "layer_confirm", pk=Upload.objects.get(purpose=PURPOSE).pk)
    values = {"title": "上年整治图斑", "seen": shown.context["form"]["seen"].value(), "kind": "rectified"}
    assert client.post(where, values | {"year": YEAR + 1}).status_code == 400
    assert client.post(where, values | {"year": YEAR - 1}).status_code == 302
    run_pending()
    kept = ParcelList.objects.get(title="上年整治图斑")
    assert (kept.year, kept.role) == (YEAR - 1, "done_earlier")
    assert [(one.parcel.codes, one.layer) for one in Overlap.objects.all()] == [(["0007"], kept)]
    assert client.get(address(field, "layer_list")).context["rows"][0].in_force


BOW = shapely.Polygon([(35605000, 3303000), (35605100, 3303100), (35605100, 3303000), (35605000, 3303100)])


def test_a_bad_boundary_keeps_the_whole_layer_out(field):
    facts = facts_of(field, geopackage([THREE[0], BOW], ROWS[:2], fields=FIELDS), "a.gpkg")
    looked = preview(field.year, facts, Choices())
    assert [one.address for one in looked.found.errors] == ["图斑!第 2 个图形"]
    with pytest.raises(ValueError, match="1 errors"):
        import_now(field.year, looked.found, facts, by=field.official)
    assert not ParcelList.objects.filter(role="layer").exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(xlsx(("1", "甲"), head=("序号", "名称")), "a.xlsx", id="no codes"),
        pytest.param(zipped(("a.txt", b"x")), "a.zip", id="no layer"),
        pytest.param(b"%PDF-1.4", "a.geojson", id="a PDF"),
    ],
)
def test_what_is_no_layer_is_refused_in_words(field, data, name):
    with pytest.raises(FileRefused) as refusal:
        preview(field.year, facts_of(field, data, name), Choices())
    assert refusal.value.message.endswith("。")


def test_a_closed_year_takes_no_layer(field):
    from farmland.lib.refused import Refused

    facts = facts_of(field, shapefile(THREE, ROWS, fields=FIELDS))
    looked = preview(field.year, facts, Choices())
    type(field.year).objects.update(closed_on=date(2025, 1, 10))
    with pytest.raises(Refused, match="已关账"):
        import_now(field.year, looked.found, facts, by=field.official)


def test_the_job_writes_what_was_seen_and_nothing_else(field):
    facts = facts_of(field, geopackage(THREE, ROWS, second="红线", fields=FIELDS), "a.gpkg")
    choices = Choices(layer="红线")
    seen = preview(field.year, facts, choices).found.fingerprint()
    bad = confirm(field.year, facts, choices, seen="0" * 64, user=field.official)
    run_pending()
    bad.refresh_from_db()
    assert bad.state == "failed"
    assert "与预览时不同" in bad.error
    job = confirm(field.year, facts, choices, seen=seen, user=field.official)
    run_pending()
    job.refresh_from_db()
    assert job.state == "done", job.error
    assert Shape.objects.filter(layer__isnull=False).count() == 3
    assert Job.objects.filter(kind="overlaps", state="done").count() == 1


# Pages


def address(field, name, **more):
    return reverse(name, kwargs={"town": field.town.slug, "year": YEAR, **more})


def test_from_the_file_to_the_mark_in_the_list(field, client):
    sign_in(client, field.official)
    data = shapefile(THREE, ROWS, fields=FIELDS)
    sent = client.post(address(field, "layer_list"), {"kind": "redline", "file": ContentFile(data, "红线.zip")})
    assert sent.status_code == 302, sent.content.decode()
    shown = client.get(sent.url)
    text = shown.content.decode()
    assert "可以导入" in text
    assert "落在上面的图斑不得恢复" in text
    assert not ParcelList.objects.filter(role="layer").exists()
    values = {"title": "生态红线", "seen": shown.context["form"]["seen"].value(), "kind": "redline", "year": YEAR}
    where = address(field, "layer_confirm", pk=Upload.objects.get(purpose=PURPOSE).pk)
    assert client.post(where, values | {"title": ""}).status_code == 400
    done = client.post(where, values)
    assert done.status_code == 302
    run_pending()
    assert "查找图斑重叠" not in client.get(done.url).content.decode()
    assert "生态红线" in client.get(done.url).content.decode()
    rows = client.get(address(field, "parcel_list"), {"overlap": "forbid", "view": "list"})
    assert rows.context["totals"]["count"] == 2
    assert "生态保护红线" in rows.content.decode()
    layer = ParcelList.objects.get(role="layer")
    for wanted, count in (("any", 2), ("parcel", 0), (str(layer.pk), 2), ("nonsense", 0)):
        assert client.get(address(field, "parcel_list"), {"overlap": wanted}).context["totals"]["count"] == count
    parcel = Parcel.objects.get(codes=["P0"])
    piece = client.get(address(field, "parcel_overlaps", pk=parcel.pk)).content.decode()
    assert "不得恢复" in piece
    assert "100%" in piece
    gone = client.post(address(field, "layer_remove", pk=layer.pk), {"reason": ""})
    assert gone.status_code == 400
    assert client.post(address(field, "layer_remove", pk=layer.pk), {"reason": "传错了"}).status_code == 302
    assert not Overlap.objects.exists()
    assert Upload.objects.filter(purpose=PURPOSE).count() == 1


def test_a_head_sees_what_lies_on_the_own_parcel_and_brings_no_layer(field, client):
    other = field.parcel("W1", village="西村", work=False)
    set_shape(other, degrees(squares(1))[0], crs="EPSG:4490")
    from parcels import overlaps

    overlaps.refresh(field.town, YEAR)
    sign_in(client, field.head)
    parcel = Parcel.objects.get(codes=["P0"])
    piece = client.get(address(field, "parcel_overlaps", pk=parcel.pk)).content.decode()
    assert "另一村的图斑" in piece
    assert "W1" not in piece
    assert client.get(address(field, "parcel_overlaps", pk=other.pk)).status_code == 404
    assert client.get(address(field, "layer_list")).status_code == 403


def test_two_layers_and_a_missing_zone_are_asked_for(field, client):
    sign_in(client, field.official)
    two = kept(field, geopackage(THREE, ROWS, second="红线", fields=FIELDS), "a.gpkg")
    at = address(field, "layer_preview", pk=two.pk)
    text = client.get(at, {"kind": "redline"}).content.decode()
    assert 'value="红线"' in text
    assert "可以导入" in client.get(at, {"kind": "redline", "layer": "红线"}).content.decode()
    bare = [shapely.transform(one, lambda points: points - [35_000_000, 0]) for one in THREE]
    silent = kept(field, shapefile(bare, ROWS, fields=FIELDS, crs="EPSG:4544", without=(".prj",)))
    at = address(field, "layer_preview", pk=silent.pk)
    assert "中央经线" in client.get(at, {"kind": "redline"}).content.decode()
    assert "可以导入" in client.get(at, {"kind": "redline", "zone": "4544"}).content.decode()


def test_the_mark_says_the_worst_and_asks_nothing_more(field, client, django_assert_max_num_queries):
    from parcels import overlaps
    from tests.parcels.test_overlaps import layer

    where = degrees(squares(1))[0]
    layer(field, "pbf", where, title="永农")
    layer(field, "rectified", where, title="上年")
    first = Parcel.objects.get(codes=["P0"])
    overlaps.refresh(field.town, YEAR)
    sign_in(client, field.official)

    def mark():
        with django_assert_max_num_queries(12):
            rows = client.get(address(field, "parcel_list"), {"view": "list", "q": "P"}).context["parcels"].object_list
        return {one.codes[0]: one.overlap for one in rows}[first.codes[0]]

    assert mark() == ("to_check", "以前年度整改图斑")
    set_shape(field.parcel("P9", work=False), where, crs="EPSG:4490")
    overlaps.refresh(field.town, YEAR)
    assert mark() == ("to_check", "重叠")
    layer(field, "steep", where, title="陡坡")
    overlaps.refresh(field.town, YEAR)
    assert mark() == ("forbidden", "25度以上坡地")
