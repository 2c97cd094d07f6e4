"""Lists in every format: the same parcels, boundaries beside them, columns told apart, exports read back."""

from decimal import Decimal as D

import numpy
import pytest
import shapely
from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import reverse

from farmland.jobs.models import Upload
from farmland.lib.excel import FileRefused
from parcels.imports.services import PURPOSE, ListFacts
from parcels.imports.templates import save_template
from parcels.models import ImportTemplate, Listing, Parcel, Shape, Work
from parcels.shapes import set_shape
from tasks.parcel_import import NotWritten, confirm, import_now, preview
from tests.lib.land_files import degrees, geojson, geopackage, kml, records, shapefile, squares, zipped
from tests.lib.xls_file import xls
from tests.parcels.lists import csv, row, xlsx
from tests.tasks.land import YEAR, Land

pytestmark = pytest.mark.django_db
THREE, ROWS = squares(3), records(3)


@pytest.fixture
def land(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    land = Land()
    land.target("abandonment", 283, level="county")
    land.officer = land.person()
    land.template = save_template(land.town, "变更调查", mapping={}, defaults={"kind": "自然撂荒"}, by=land.officer)
    return land


def kept(land, data: bytes, name: str) -> Upload:
    return Upload.objects.store(
        ContentFile(data), town=land.town, user=land.officer, purpose=PURPOSE, limit=10**8, name=name
    )


def look(land, data: bytes, name="图斑.zip", template=None, **how):
    how |= {"template": str((template or land.template).pk)} if template is not False else {}
    return preview(land.year, kept(land, data, name), land.officer, **how)


def bring(land, data: bytes, name="图斑.zip", **how) -> int:
    found = look(land, data, name, **how)
    with transaction.atomic():
        return import_now(land.year, found.checked, found.known, ListFacts("第一批"), by=land.officer)[1]


def said(found) -> dict:
    return {error.address: error.message for error in found.comparison.errors}


@pytest.mark.parametrize(
    ("data", "name", "has_shapes"),
    [
        pytest.param(shapefile(THREE, ROWS), "a.zip", True, id="Shapefile"),
        pytest.param(geopackage(THREE, ROWS), "a.gpkg", True, id="GeoPackage"),
        pytest.param(geojson(degrees(THREE), ROWS), "a.geojson", True, id="GeoJSON"),
        pytest.param(zipped(("doc.kml", kml(degrees(THREE), ROWS))), "a.kmz", True, id="KMZ"),
        pytest.param(xls(("TBBH", "ZLDWMC", "TBMJ", "DLBM"), *ROWS), "a.xls", False, id="XLS"),
        pytest.param(xlsx(*ROWS, head=("TBBH", "ZLDWMC", "TBMJ", "DLBM")), "a.xlsx", False, id="XLSX"),
        pytest.param(csv(*ROWS, head=("TBBH", "ZLDWMC", "TBMJ", "DLBM"), encoding="utf-16"), "a.csv", False, id="CSV"),
    ],
)
def test_every_format_gives_the_same_parcels_and_twice_is_once(land, data, name, has_shapes):
    assert bring(land, data, name) == 3
    parcels = Parcel.objects.order_by("codes")
    assert [(one.codes, one.division.name, one.gross_mu, one.land_class, one.kind_id) for one in parcels] == [
        ([f"000{n}"], "东村", D("15"), "0103", "abandonment") for n in (1, 2, 3)
    ]
    assert Work.objects.filter(area_mu=15).count() == 3
    assert Shape.objects.count() == (3 if has_shapes else 0)
    assert look(land, data, name).comparison.is_nothing
    if has_shapes:
        shape = Shape.objects.get(parcel=parcels[0])
        assert abs(shape.computed_mu - D("14.98")) < D("0.05")
        assert shape.issued_crs in ("EPSG:4523", "EPSG:4326")


def test_a_moved_boundary_is_a_change_and_the_issued_area_stays(land):
    bring(land, shapefile(THREE, ROWS))
    wide = [THREE[0], THREE[1], shapely.box(35_605_200, 3_303_000, 35_605_320, 3_303_100)]
    found = look(land, shapefile(wide, ROWS)).comparison
    assert [[line[0] for line in one.lines] for one in found.changed] == [["图形"]]
    assert any("1 个图斑的图形面积与下发面积相差超过 1%" in note and "0003 下发" in note for note in found.notes)
    assert bring(land, shapefile(wide, ROWS)) == 1
    parcel = Parcel.objects.get(codes=["0003"])
    assert (parcel.gross_mu, parcel.version) == (15, 2)
    assert parcel.shape.computed_mu > 17
    assert Shape.objects.count() == 3


def test_a_bad_boundary_keeps_the_whole_list_out(land):
    bow = shapely.Polygon([(35605000, 3303000), (35605100, 3303100), (35605100, 3303000), (35605000, 3303100)])
    data = geopackage([THREE[0], bow, None], ROWS)
    found = look(land, data, "a.gpkg")
    assert set(said(found)) == {"图斑!第 2 个图形"}
    assert "自相交" in said(found)["图斑!第 2 个图形"]
    assert any("1 行没有图形" in note for note in found.comparison.notes)
    with pytest.raises(NotWritten):
        bring(land, data, "a.gpkg")
    assert not Parcel.objects.exists()


def test_the_job_reads_the_file_as_it_was_previewed(land):
    from farmland.jobs.services import run_pending

    upload = kept(land, geopackage(THREE, ROWS, second="红线"), "a.gpkg")
    how = {"template": str(land.template.pk), "layer": "红线"}
    seen = preview(land.year, upload, land.officer, **how).comparison.fingerprint()
    job = confirm(land.year, ListFacts("第一批", upload=upload), seen=seen, user=land.officer, **how)
    run_pending()
    job.refresh_from_db()
    assert job.state == "done", job.error
    assert Shape.objects.count() == 3


# Columns

ANNEX = ("序号", "图斑编号", "项目名称", "坐落", "图斑面积", "耕地", "永久基本农田", "问题来源", "问题类型",
         "责任单位", "整改方式", "整改时限")  # fmt: skip


def annex(*lines, total=()) -> bytes:
    return xlsx(*lines, *([total] if total else []), head=ANNEX, above=[("附件2",), ("单位：亩",)])


def test_the_ledger_of_an_annex_is_read_with_its_places_and_its_shifted_total(land):
    lines = [
        ("1", "26934", "农村道路", "东村十四组", 1.5, 1.4, 0.4, "卫片执法", "非粮化", "东村", "一事一议后编制", "/"),
        ("2", "26966、26947", "坑塘", "清溪镇西村2组", 2, 2, "/", "卫片执法", "非粮化", "西村", "复耕", "2024.7.31"),
    ]
    found = look(land, annex(*lines, total=("合计", "", "", 3.5, 3.4, 0.4)))
    assert not found.comparison.errors
    assert [(one.codes, one.division.name, one.values["group"]) for one in found.comparison.new] == [
        (["26934"], "东村", "十四组"),
        (["26966", "26947"], "西村", "2组"),
    ]
    assert any("合计行错位 1 列" in note for note in found.comparison.notes)
    wrong = look(land, annex(*lines, total=("合计", "", "", "", 3.5, 3.5, 0.4))).comparison
    assert any("F6 印的合计折 3.5 亩，各行相加为 3.4 亩" in note for note in wrong.notes)
    assert Listing.objects.count() == 0
    bring(land, annex(*lines))
    assert Listing.objects.get(code="26947").cells["整改时限"] == "2024.7.31"


def test_the_fields_of_a_survey_layer_are_known(land):
    head = ("BSM", "TBBH", "ZLDWDM", "ZLDWMC", "DLBM", "DLMC", "TBMJ", "TBDLMJ", "GDPDJB", "SFYN", "SFHX")
    line = (
        "5001",
        "0007",
        "5001511001230000000",
        "清溪镇东村民委员会",
        "0103",
        "旱地",
        1000.0,
        950.0,
        "3",
        "是",
        "否",
    )
    assert bring(land, xlsx(line, head=head), "a.xlsx") == 1
    parcel = Parcel.objects.get()
    assert (parcel.codes, parcel.division.name, parcel.gross_mu, parcel.net_mu) == (
        ["0007"],
        "东村",
        D("1.5"),
        D("1.425"),
    )
    assert (parcel.land_class, parcel.in_redline) == ("0103", False)
    assert (parcel.attrs["slope_class"], parcel.attrs["in_pbf"]) == ("3", True)
    assert look(land, xlsx(line, head=head), "a.xlsx").comparison.is_nothing


def test_a_code_of_nineteen_digits_names_the_village_by_its_first_twelve(land):
    village = land.villages["东村"]
    village.code = "500151100123"
    village.save()
    head = ("TBBH", "ZLDWDM", "TBMJ")
    found = look(land, xlsx(("0007", "5001511001230000000", 1000.0), head=head), "a.xlsx").comparison
    assert [one.division for one in found.new] == [village]


def test_a_template_is_offered_where_its_headings_fit(land):
    head = ("号", "哪个村", "大小", "别的")
    mapping = {heading: {"field": field} for heading, field in (("号", "codes"), ("哪个村", "division"), ("别的", ""))}
    mapping["大小"] = {"field": "gross_mu", "unit": "公顷"}
    common = {"kind": "自然撂荒", "source": "国家审计"}
    save_template(land.town, "怪表", mapping=mapping, defaults=common, by=land.officer)
    found = look(land, xlsx(("A1", "东村", 1, "x"), head=head), "a.xlsx", template=False).comparison
    assert [(one.values["gross_mu"], one.values["source"]) for one in found.new] == [(15, "national_audit")]
    assert "按模板“怪表”读入。" in found.notes
    with pytest.raises(FileRefused):
        look(land, xlsx(("A1", "东村", 1), head=head[:3]), "a.xlsx", template=False)


def stored() -> list[dict]:
    return [*Parcel.objects.order_by("pk").values(), *Shape.objects.order_by("pk").values("digest")]


@pytest.mark.parametrize("format", ["csv", "xlsx", "geojson"])
def test_an_export_is_imported_again_unchanged(land, client, format):
    bring(land, shapefile(THREE, ROWS))
    bring(land, xlsx(row("+A1、B2", note="河边"), row("C3", "西村", gross=None, net=None)), "a.xlsx")
    client.force_login(land.officer)
    answer = client.get("/api/v1/parcels/", {"format": format, "town": land.town.slug, "year": YEAR})
    data = answer.getvalue()
    before = stored()
    found = look(land, data, f"parcels.{format}", template=False).comparison
    assert not found.errors
    assert found.is_nothing
    assert len(found.same) == 5
    assert before == stored()
    Shape.objects.all().delete()
    again = look(land, data, f"parcels.{format}", template=False).comparison
    assert len(again.changed) == (3 if format == "geojson" else 0)


def test_more_rows_than_a_list_may_have_are_refused_by_every_reader(land, monkeypatch):
    """The limit counts the heading row of a table; every reader says how many it takes."""
    from parcels.imports import reading

    monkeypatch.setattr(reading, "MAX_ROWS", 3)
    head = ("TBBH", "ZLDWMC", "TBMJ", "DLBM")
    four = records(4)
    files = {
        "a.xlsx": xlsx(*four, head=head), "a.xls": xls(head, *four), "a.csv": csv(*four, head=head),
        "a.zip": shapefile(squares(4), four), "a.gpkg": geopackage(squares(4), four),
        "a.geojson": geojson(degrees(squares(4)), four), "a.kml": kml(degrees(squares(4)), four),
    }  # fmt: skip
    for name, data in files.items():
        with pytest.raises(FileRefused) as refusal:
            look(land, data, name)
        assert refusal.value.code == "too-many-rows", name
        assert "3" in refusal.value.message, name
    assert len(look(land, xlsx(*four[:2], head=head), "a.xlsx").comparison.new) == 2


def test_100_001_rows_are_refused_before_they_are_read(land):
    lines = "\n".join(f"A{n},东村" for n in range(100_001))
    with pytest.raises(FileRefused) as refusal:
        look(land, f"图斑编号,村\n{lines}".encode(), "a.csv")
    assert refusal.value.code == "too-many-rows"


# One cell to a line

LEDGER = [
    ("1", "26934", "农村道路", "东村", "0.04", "0.04", "0", "国家审计", "“非粮化”问题", "东村", "编制方案", "/"),
    ("2", "26966、26947", "菌种基地", "西村六组", "0.41", "", "0", "审计", "非粮化", "西村", "农转用", "2024.7.31"),
    ("3", "CL5001510102821", "厂房", "东村十一组", "3.6", "3.6", "/", "一本帐", "非农化", "东村", "", "2024.9.30"),
]  # fmt: skip


def lines(rows, *, gap: int, above=("附件2", "明细表", "", "单位：", "亩", ""), indent="") -> list[str]:
    """The table as a document gives it when its text is copied: every cell a line, an empty cell an empty line."""
    found = [f"{indent}{one}" for one in above]
    for one in rows:
        found += [f"{indent}{cell}" if cell else indent for cell in one] + [""] * gap
    return found


@pytest.mark.parametrize("gap", [0, 1, 2])
@pytest.mark.parametrize("form", ["csv", "tabs", "xlsx"])
def test_a_table_with_one_cell_to_a_line_is_put_together(land, gap, form):
    total = ("合计", "", "", "", "4.05", "3.64", "0", "", "", "", "", "")
    text = lines([ANNEX, *LEDGER, total], gap=gap, indent="\t" if form == "tabs" else "")
    data = "\n".join(text).encode()
    if form == "xlsx":
        data = xlsx(*([one] for one in text[1:]), head=text[:1])
    found = look(land, data, "附件.xlsx" if form == "xlsx" else "附件.txt").comparison
    assert not found.errors
    assert [(one.codes, one.division.name, one.values["group"], one.values["gross_mu"], one.values["cultivated_mu"])
            for one in found.new] == [
        (["26934"], "东村", "", D("0.04"), D("0.04")),
        (["26966", "26947"], "西村", "六组", D("0.41"), None),
        (["CL5001510102821"], "东村", "十一组", D("3.6"), D("3.6")),
    ]  # fmt: skip
    assert found.new[0].unit == "mu"
    assert any("每 12 行拼成一行" in note for note in found.notes)
    assert any("合计与各行相加一致" in note for note in found.notes)
    assert not any("没有写单位" in note for note in found.notes)


def test_an_error_in_such_a_table_names_its_line(land):
    wrong = [list(row) for row in LEDGER * 4]
    for at, line in enumerate(wrong):
        line[0], line[1] = str(at + 1), f"A{at}"
    wrong[5][4] = "三亩"
    wrong[7][3] = "南村"
    found = look(land, "\n".join(lines([ANNEX, *wrong], gap=1)).encode(), "附件.txt").comparison
    first = 6 + 13  # six lines above, the headings and their gap
    assert {error.address for error in found.errors} == {f"CSV!A{first + 5 * 13 + 5}", f"CSV!A{first + 7 * 13 + 4}"}


def test_a_shifted_total_in_such_a_table_is_read_by_content(land):
    shifted = ("合计", "4.05", "3.64", "0", "", "", "", "", "", "", "", "")
    found = look(land, "\n".join(lines([ANNEX, *LEDGER, shifted], gap=1)).encode(), "附件.txt").comparison
    assert any("合计行错位 3 列" in note for note in found.notes)


def test_prose_is_no_table_with_one_cell_to_a_line(land):
    prose = "\n".join(["附件", "图斑编号", "村", "任务", "各村要认真核对", "按时完成", "严格把关"] * 3).encode()
    with pytest.raises(FileRefused):
        look(land, prose, "通知.txt", template=False)


# Pages


@pytest.fixture
def page(land, client):
    client.force_login(land.officer)

    def go(name, **kwargs):
        return reverse(name, kwargs={"town": land.town.slug, "year": YEAR, **kwargs})

    client.go = go
    return client


def test_unknown_headings_lead_to_the_columns_and_back_to_the_preview(land, page, django_assert_max_num_queries):
    upload = kept(land, xlsx(("A1", "东村", 1, 6.5), head=("号", "村", "x", "图斑面积")), "怪表.xlsx")
    preview_at = page.go("parcel_import_preview", pk=upload.pk)
    answer = page.get(preview_at)
    assert answer.status_code == 302
    with django_assert_max_num_queries(12):
        shown = page.get(answer.url)
    text = shown.content.decode()
    assert "对照列名" in text
    assert 'value="怪表"' in text
    assert "没有认出 “图斑编号”、“任务”：请选出是哪一列" in text
    values = {"name": "怪表", "field_0": "codes", "field_1": "division", "field_3": "gross_mu", "unit_3": "亩"}
    refused = page.post(answer.url, values)
    assert refused.status_code == 400
    assert "还没有对照“任务”" in refused.content.decode()
    assert page.post(answer.url, values | {"kind": "自然撂荒", "unit_3": ""}).status_code == 400
    assert page.post(answer.url, values | {"kind": "自然撂荒", "field_2": "codes"}).status_code == 400
    saved = page.post(answer.url, values | {"kind": "自然撂荒"})
    assert saved.status_code == 302
    assert str(ImportTemplate.objects.get(name="怪表").pk) in saved.url
    assert "可以导入" in page.get(saved.url).content.decode()
    assert "可以导入" in page.get(preview_at).content.decode()  # offered by itself from now on


def test_two_layers_are_asked_for_and_the_chosen_one_is_previewed(land, page):
    land.template.delete()
    rows = [(f"{n}", "东村", 10_000.0, "自然撂荒") for n in range(3)]
    data = geopackage(THREE, rows, fields=("图斑编号", "村", "图斑面积（㎡）", "任务"), second="红线")
    upload = kept(land, data, "a.gpkg")
    asked = page.get(page.go("parcel_import_preview", pk=upload.pk))
    text = page.get(asked.url).content.decode()
    assert 'value="红线"' in text
    shown = page.get(page.go("parcel_import_preview", pk=upload.pk) + "?layer=红线").content.decode()
    assert "可以导入" in shown
    assert 'name="layer" value="红线"' in shown


def test_a_file_without_a_zone_asks_for_the_central_meridian(land, page):
    short = [shapely.transform(one, lambda points: points - [35_000_000, 0]) for one in THREE]
    rows = [(f"{n}", "东村", 10_000.0, "自然撂荒") for n in range(3)]
    data = shapefile(short, rows, fields=("图斑编号", "村", "MJ", "任务"), without=(".prj",), encoding="GBK")
    upload = kept(land, data, "a.zip")
    asked = page.get(page.go("parcel_import_preview", pk=upload.pk))
    assert "中央经线" in page.get(asked.url).content.decode()
    saved = page.post(asked.url, {"name": "无坐标系", "zone": "4544"})
    text = page.get(saved.url).content.decode()
    assert "可以导入" in text
    assert "CGCS2000" in text


def test_a_village_head_may_not_map_columns(land, page, client):
    upload = kept(land, xlsx(row()), "a.xlsx")
    client.force_login(land.person("village_head", land.villages["东村"]))
    assert client.get(page.go("parcel_import_columns", pk=upload.pk)).status_code == 403


# What the file itself does not say


def test_field_names_cut_by_a_dbf_are_read_and_named(land):
    fields = ("图斑编号", "坐落单位名称", "净面积（亩）", "永久基本农田面积（㎡）", "任务类型")
    rows = [(f"500151LAND{n}", "东村", 15.0, 5000.0, "自然撂荒") for n in range(3)]
    with pytest.raises(FileRefused, match="“永久基本农”不完整，看不出面积的单位") as refused:
        look(land, shapefile(THREE, rows, fields=fields), "图斑.zip")
    assert refused.value.code == "unit-unknown"
    fields, rows = fields[:3] + fields[4:], [one[:3] + one[4:] for one in rows]
    found = look(land, shapefile(THREE, rows, fields=fields), "图斑.zip").comparison
    assert [row.values["net_mu"] for row in found.new] == [15, 15, 15]
    told = next(note for note in found.notes if "不完整" in note)
    assert "“坐落单位名”读作“村名”" in told
    assert "“净面积(亩”读作“净面积”" in told.replace("（", "(")


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        pytest.param(b"Rar!\x1a\x07\x01\x00" + b"x" * 99, "图斑.rar", "RAR 压缩包打不开，请解压后改用 ZIP", id="RAR"),
        pytest.param(
            b"\x00\x00\x27\x0a" + b"\0" * 99, "图斑.shp", "单独一个 .shp 文件不够，请把 .shp、.shx", id=".shp"
        ),
        pytest.param(b"\x03\x7e\x01\x01" + b"\0" * 99, "图斑.dbf", "单独一个 .dbf 文件不够", id=".dbf"),
        pytest.param(b"<OGRVRTDataSource/>", "图斑.geojson", "内容不是 .geojson 后缀所说的格式", id="VRT"),
        pytest.param(
            zipped(("a.gdb/a00000001.gdbtable", b"x")), "图.zip", "（.gdb）读不了，请导出为", id="geodatabase"
        ),
        pytest.param(zipped(("说明.txt", b"x")), "图.zip", "压缩包里没有图层，也不是表格", id="nothing"),
        pytest.param(b"AC1032" + b"\0" * 99, "图.dwg", "CAD 图读不了，请导出为 Shapefile", id="CAD"),
    ],
)
def test_other_formats_are_told_what_to_send_instead(land, data, name, words):
    with pytest.raises(FileRefused, match=words):
        look(land, data, name)


def test_land_without_attributes_is_not_passed_over(land):
    data = geojson(degrees(THREE), [("甲1", "东村"), ("甲2", "东村"), ("", "")], fields=("图斑编号", "村"))
    assert said(look(land, data, "图.geojson")) == {
        "图!第 3 个图形": "有图形，没有编号等属性，请补上；不要的图形请删去。"
    }


def test_a_file_without_anything_is_refused_in_words(land, page):
    upload = kept(land, b'{"type":"FeatureCollection","features":[]}', "图.geojson")
    for name in ("parcel_import_preview", "parcel_import_columns"):
        shown = page.get(page.go(name, pk=upload.pk), follow=True)
        assert shown.status_code == 400
        assert "文件里没有图形，也没有表格内容" in shown.content.decode()


def test_land_far_from_the_others_and_from_the_town_is_pointed_out(land):
    def told(shapes, letter):
        rows = [(f"{letter}{n}", "东村", 15.0, "0103", "自然撂荒") for n in range(3)]
        data = geojson(shapes, rows, fields=("图斑编号", "村", "图斑面积（亩）", "地类", "任务"))
        return look(land, data, "图.geojson").whereabouts()

    near = degrees(THREE)
    stray = shapely.transform(near[2], lambda points: numpy.add(points, (0, 0.4)))
    assert told([*near[:2], stray], "甲") == [
        "图形的中心在东经 106.0880°、北纬 29.8416°。", "甲2 这 1 个离其余图形 30 公里以上，请核对坐标。",
    ]  # fmt: skip
    parcel = Parcel.objects.create(
        town=land.town, year=YEAR, division=land.villages["东村"], kind_id="abandonment", codes=["旧"]
    )
    set_shape(parcel, near[0], crs="EPSG:4490")
    assert len(told(near, "乙")) == 1
    moved = [shapely.transform(one, lambda points: numpy.add(points, (3, 0))) for one in near]
    assert told(moved, "丙")[1] == "图形离本镇已有图斑约 289 公里，可能选错了中央经线或坐标系，请核对。"
