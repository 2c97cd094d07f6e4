"""Files of land: every format gives the same rows and boundaries; every bad one a clear answer."""

import io
import math
import struct
import zipfile
from decimal import Decimal
from pathlib import PurePath

import numpy
import pytest
import shapely

from farmland.lib import geo
from farmland.lib.excel import FileRefused
from farmland.lib.geo.files import LayerWanted, read_layer
from tests.lib.land_files import (
    FIELDS,
    degrees,
    geojson,
    geopackage,
    kml,
    records,
    shapefile,
    squares,
    zipped,
)  # fmt: skip

LIMITS = {"max_rows": 1000, "max_bytes": 10**7, "max_inflated": 10**7}
THREE, ROWS = squares(3), records(3)


def read(tmp_path, data: bytes, name="图斑.zip", **wishes):
    path = tmp_path / "upload"
    path.write_bytes(data)
    return read_layer(path, name, **{**LIMITS, **wishes})


def texts(found) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in found.sheet.rows]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(shapefile(THREE, ROWS), "a.zip", id="Shapefile, GBK, no .cpg"),
        pytest.param(shapefile(THREE, ROWS, encoding="UTF-8"), "a.zip", id="Shapefile, UTF-8, no .cpg"),
        pytest.param(shapefile(THREE, ROWS, encoding="UTF-8", cpg=True), "a.zip", id="Shapefile, UTF-8, .cpg"),
        pytest.param(shapefile(THREE, ROWS, gbk_names=True), "a.zip", id="Shapefile, GBK member names"),
        pytest.param(shapefile(THREE, ROWS, names="清单/第一批/图斑"), "a.zip", id="Shapefile in a folder"),
        pytest.param(geopackage(THREE, ROWS), "a.gpkg", id="GeoPackage"),
        pytest.param(geojson(THREE, ROWS, crs="urn:ogc:def:crs:EPSG::4523"), "a.geojson", id="GeoJSON in metres"),
        pytest.param(geojson(degrees(THREE), ROWS), "a.geojson", id="GeoJSON"),
        pytest.param(kml(degrees(THREE), ROWS), "a.kml", id="KML"),
        pytest.param(zipped(("doc.kml", kml(degrees(THREE), ROWS))), "a.kmz", id="KMZ"),
        pytest.param(zipped(("图.gpkg", geopackage(THREE, ROWS))), "a.zip", id="zipped GeoPackage"),
    ],
)
def test_every_format_gives_the_same_rows_and_boundaries(tmp_path, data, name):
    found = read(tmp_path, data, name)
    head, *rows = texts(found)
    at = [head.index(field) for field in FIELDS]
    assert [[row[index] for index in at] for row in rows] == [["0001", "东村", "10000", "0103"]] + [
        [f"{n:04}", "东村", "10000", "0103"] for n in (2, 3)
    ]
    assert sorted(found.outlines) == [2, 3, 4]
    assert not found.problems
    first = shapely.from_wkb(bytes(found.outlines[2].wkb))
    assert shapely.equals_exact(shapely.normalize(first), shapely.normalize(degrees(THREE)[0]), 1e-9)
    assert abs(found.outlines[2].area_mu - Decimal("14.98")) < Decimal("0.05")
    assert found.outlines[2].area_mu == geo.area_mu(first)
    assert found.outlines[2].box == geo.box(first)


def test_chinese_field_names_cut_in_the_middle_of_a_character_are_read(tmp_path):
    for encoding in ("UTF-8", "GBK"):
        data = shapefile(THREE, ROWS, fields=("图斑编号", "坐落单位名称", "面积", "地类"), encoding=encoding)
        head, first, *_ = texts(read(tmp_path, data))
        assert head[0] == "图斑编号"[: 3 if encoding == "UTF-8" else 4]
        assert head[1] == "坐落单位名称"[: 3 if encoding == "UTF-8" else 5]
        assert first == ["0001", "东村", "10000", "0103"]


def test_the_coordinate_system_is_told_and_turned_axes_are_put_right(tmp_path):
    plain = read(tmp_path, shapefile(THREE, ROWS))
    assert plain.crs == "EPSG:4523"
    assert "坐标系" in plain.notes[0]
    turned = [shapely.transform(one, lambda points: points[:, ::-1]) for one in THREE]
    found = read(tmp_path, shapefile(turned, ROWS))
    assert any("次序" in note for note in found.notes)
    assert found.outlines[2].area_mu == plain.outlines[2].area_mu
    silent = read(tmp_path, shapefile(THREE, ROWS, without=(".prj",)))
    assert silent.crs == "EPSG:4523"
    short = [shapely.transform(one, lambda points: points - [35_000_000, 0]) for one in THREE]
    with pytest.raises(FileRefused, match="中央经线"):
        read(tmp_path, shapefile(short, ROWS, without=(".prj",)))
    assert read(tmp_path, shapefile(short, ROWS, without=(".prj",)), zone=4544).outlines[2].box == pytest.approx(
        plain.outlines[2].box
    )


BOW = shapely.from_wkt(
    "POLYGON((35605000 3303000,35605100 3303100,35605100 3303000,35605000 3303100,35605000 3303000))"
)


def test_a_bad_boundary_is_named_by_its_row_and_the_others_are_read(tmp_path):
    with numpy.errstate(invalid="ignore"):
        nan = shapely.Polygon(
            [(EAST := 35605000, 3303000), (EAST + 9, 3303000), (EAST + 9, numpy.nan), (EAST, 3303000)]
        )
    shapes = [THREE[0], BOW, None, shapely.box(500, 500, 600, 600), nan]
    found = read(tmp_path, geopackage(shapes, records(5)), "a.gpkg")
    assert sorted(found.outlines) == [2]
    assert sorted(found.problems) == [3, 5, 6]
    assert "自相交" in found.problems[3]
    assert "范围" in found.problems[5] or "NaN" in found.problems[5]
    assert "NaN" in found.problems[6]


def test_a_coordinate_of_a_shapefile_that_is_no_number_is_an_error_of_its_row(tmp_path):
    parts = parts_of(shapefile(THREE, ROWS))
    first = 100 + 8 + 4 + 32 + 8 + 4  # the first point of the first shape
    shp = parts[".shp"]
    parts[".shp"] = shp[:first] + struct.pack("<d", math.nan) + shp[first + 8 :]
    found = read(tmp_path, zipped(*((f"图斑{suffix}", data) for suffix, data in parts.items())), "a.zip")
    assert sorted(found.outlines) == [3, 4]
    assert "NaN" in found.problems[2]


@pytest.mark.parametrize("rows", [2, 4_000_000])
def test_shapes_and_rows_that_do_not_match_are_refused_and_none_is_lost(tmp_path, rows):
    parts = parts_of(shapefile(THREE, ROWS))
    parts[".dbf"] = parts[".dbf"][:4] + struct.pack("<I", rows) + parts[".dbf"][8:]
    with pytest.raises(FileRefused, match=f"有 3 个图形，.dbf 有 {rows} 行，对不上") as refused:
        read(tmp_path, zipped(*((f"图斑{suffix}", data) for suffix, data in parts.items())), "a.zip")
    assert refused.value.code == "shapefile-broken"


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {PurePath(name).suffix: archive.read(name) for name in archive.namelist()}


def test_two_layers_ask_which_and_the_chosen_one_is_read(tmp_path):
    two = geopackage(THREE, ROWS, second="红线")
    with pytest.raises(LayerWanted, match="图斑、红线") as asked:
        read(tmp_path, two)
    assert asked.value.choices == ["图斑", "红线"]
    assert read(tmp_path, two, layer="红线").sheet.name == "红线"
    other = shapefile(squares(1), records(1), names="红线")
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(other)) as archive:
        more = [(name, archive.read(name)) for name in archive.namelist()]
    with pytest.raises(LayerWanted, match="图斑、红线"):
        read(tmp_path, shapefile(THREE, ROWS, more=more))
    assert len(read(tmp_path, shapefile(THREE, ROWS, more=more), layer="红线").outlines) == 1


VRT = b'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a SYSTEM "file:///etc/passwd">]><kml><Placemark><name>&a;</name></Placemark></kml>'


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        pytest.param(shapefile(THREE, ROWS, without=(".dbf",)), "a.zip", "shapefile-incomplete", id="no .dbf"),
        pytest.param(shapefile(THREE, ROWS, without=(".shx",)), "a.zip", "shapefile-incomplete", id="no .shx"),
        pytest.param(shapefile(THREE, ROWS, empty=(".dbf",)), "a.zip", "shapefile-empty", id="0-byte .dbf"),
        pytest.param(shapefile(THREE, ROWS, more=[("../../evil.txt", b"x")]), "a.zip", "unsafe-names", id="zip slip"),
        pytest.param(shapefile(THREE, ROWS, more=[("/etc/x", b"x")]), "a.zip", "unsafe-names", id="absolute path"),
        pytest.param(shapefile(THREE, ROWS, more=[("a\\..\\..\\x", b"x")]), "a.zip", "unsafe-names", id="backslashes"),
        pytest.param(zipped(("a.shp", VRT), ("a.shx", b"x" * 200), ("a.dbf", b"x" * 200)), "a.zip",
                     "shapefile-broken", id="VRT as .shp"),
        pytest.param(zipped(("a.txt", b"x")), "a.zip", "no-layer", id="no layer"),
        pytest.param(VRT, "a.geojson", "not-land", id="VRT as .geojson"),
        pytest.param(zipped(("a.geojson", VRT)), "a.zip", "not-land", id="VRT as .geojson in a zip"),
        pytest.param(zipped(("a.gpkg", VRT)), "a.zip", "not-land", id="VRT as .gpkg in a zip"),
        pytest.param(b"SQLite format 3\0" + VRT, "a.gpkg", "layer-broken", id="broken GeoPackage"),
        pytest.param(ENTITIES, "a.kml", "kml-broken", id="KML with entities"),
        pytest.param(b'{"type":"FeatureCollection","features":[', "a.geojson", "geojson-broken", id="cut GeoJSON"),
        pytest.param(b'{"type":"Topology"}', "a.json", "geojson-broken", id="other JSON"),
        pytest.param(b"[" * 10**5, "a.json", "not-land", id="deep array"),
        pytest.param(b'{"a":' * 10**5, "a.json", "geojson-broken", id="deep objects"),
        pytest.param(geojson(THREE, ROWS), "a.geojson", "crs", id="metres as degrees"),
        pytest.param(shapefile(THREE, ROWS, crs="EPSG:2359"), "a.zip", "crs", id="Xian 80"),
        pytest.param(shapefile(THREE, ROWS, crs="EPSG:2411"), "a.zip", "crs", id="Beijing 54"),
        pytest.param(shapefile([shapely.Point(EAST_, 3303000) for EAST_ in (35605000, 35605001, 35605002)], ROWS,
                               geometry_type="Point"), "a.zip", "no-areas", id="points"),
        pytest.param(shapefile(THREE, ROWS)[:-300], "a.zip", "corrupt", id="cut zip"),
        pytest.param(zipped(("a.geojson", b" " * 9 * 10**6 + b"{}")), "a.zip", "bomb", id="bomb"),
        pytest.param(b"\x00" * 5000, "a.gpkg", "not-land", id="zeros"),
        pytest.param(b"", "a.gpkg", "empty-file", id="empty"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_reason(tmp_path, data, name, code):
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, data, name)
    assert refusal.value.code == code
    assert "\n" not in refusal.value.message
    assert "passwd" not in refusal.value.message


def test_too_many_features_are_refused(tmp_path):
    for data, name in ((shapefile(THREE, ROWS), "a.zip"), (geojson(degrees(THREE), ROWS), "a.geojson")):
        with pytest.raises(FileRefused, match="多于 2 个"):
            read(tmp_path, data, name, max_rows=2)


def test_numbers_of_geojson_stay_as_printed_and_codes_stay_texts(tmp_path):
    data = geojson(degrees(THREE[:1]), [("50015112345678901234", "东村", 6.62, "0103")])
    (_, row) = texts(read(tmp_path, data, "a.geojson"))
    assert row == ["50015112345678901234", "东村", "6.62", "0103"]
    odd = geojson(degrees(THREE[:1]), [("a\0b", "😀村", 1, "")])
    cells = read(tmp_path, odd, "a.geojson").sheet.rows[1].cells
    assert cells[0].kind == "error"
    assert cells[1].text == "😀村"
