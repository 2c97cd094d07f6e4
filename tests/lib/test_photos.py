from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from farmland.lib.photos import PhotoRefused, read_photo
from tests.parcels.pictures import exif, field, huge_png, jpeg, png, rational

MARK = b"ZZMARK"
HEIC = Path(__file__).parent / "data" / "field.heic"


@pytest.fixture
def read(tmp_path):
    def read(data: bytes, name: str = "照片.jpg"):
        path = tmp_path / "photo"
        path.write_bytes(data)
        return read_photo(path, name)

    return read


def test_a_photo_says_when_where_and_which_way(read):
    accuracy = {31: rational(65, 10)}
    found = read(jpeg(exif=exif(offset="+08:00", direction=rational(1234, 10), more=accuracy)))

    assert found.taken_at == datetime(2024, 10, 5, 10, 26, tzinfo=timezone(timedelta(hours=8)))
    assert (found.latitude, found.longitude) == (29.8366667, 106.06)
    assert (found.azimuth, found.accuracy_m, found.notes) == (123.4, 6.5, ())
    assert (found.width, found.height) == (1200, 900)


def test_the_copies_carry_neither_position_nor_anything_else_of_the_file(read):
    data = jpeg(field((2400, 1800)), exif=exif(), comment=MARK, icc_profile=MARK * 30)
    found = read(data)

    assert MARK in data
    for copy, side in ((found.shown, 1600), (found.thumbnail, 320)):
        image = Image.open(BytesIO(copy))
        assert (image.format, max(image.size), dict(image.getexif())) == ("JPEG", side, {})
        assert MARK not in copy
        assert b"Exif" not in copy


def test_a_photo_held_sideways_is_shown_upright(read):
    found = read(jpeg(exif=exif(orientation=6)))

    assert (found.width, found.height) == (900, 1200)
    assert Image.open(BytesIO(found.shown)).size == (900, 1200)


def test_a_clock_without_offset_stays_without(read):
    assert read(jpeg(exif=exif())).taken_at == datetime(2024, 10, 5, 10, 26)  # noqa: DTZ001


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"latitude": (rational(30, 0), 0, 0), "longitude": (106, 3, 36)}, id="30/0"),
        pytest.param({"latitude": (0, 0, 0), "longitude": (0, 0, 0)}, id="nowhere"),
        pytest.param({"latitude": (rational(0, 0),) * 3, "longitude": (rational(0, 0),) * 3}, id="0/0"),
        pytest.param({"latitude": (95, 0, 0), "longitude": (106, 3, 36)}, id="off the globe"),
        pytest.param({"latitude": (29, 75, 0), "longitude": (106, 3, 36)}, id="75 minutes"),
    ],
)
def test_a_place_nobody_can_stand_on_is_left_out_and_named(read, place):
    found = read(jpeg(exif=exif(place=place)))

    assert (found.latitude, found.longitude) == (None, None)
    assert "定位读不懂" in found.notes[0]


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "<script>", "9999:99:99 99:99:99", "1899:01:01 00:00:00"])
def test_a_time_nobody_can_read_is_left_out_and_named(read, taken):
    found = read(jpeg(exif=exif(taken=taken)))

    assert found.taken_at is None
    assert "拍摄时间读不懂" in found.notes[0]


def test_a_photo_without_exif_is_taken_all_the_same(read):
    found = read(jpeg())
    assert (found.taken_at, found.longitude, found.azimuth, found.notes) == (None, None, None, ())


def test_broken_exif_does_not_cost_the_photo(read):
    broken = b"Exif\0\0II*\0" + b"\xff" * 40
    assert read(jpeg(exif=broken)).width == 1200


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "I;16"])
def test_png_of_every_kind_becomes_a_jpeg(read, mode):
    image = field(mode="L").convert("I;16") if mode == "I;16" else field(mode=mode)
    assert Image.open(BytesIO(read(png(image)).shown)).mode == "RGB"


def test_heic_of_a_phone_is_decoded(read):
    found = read(HEIC.read_bytes(), "IMG_0001.HEIC")

    assert Image.open(BytesIO(found.shown)).format == "JPEG"
    assert (found.width, found.height, found.latitude) == (320, 240, 29.8366667)
    assert found.taken_at == datetime(2024, 10, 5, 10, 26)  # noqa: DTZ001


def test_the_look_outlives_scaling_and_saving_again_and_tells_fields_apart(read):
    first, again, other = (
        int(read(data).look, 16)
        for data in (jpeg(), jpeg(field().resize((800, 600)), optimize=True), jpeg(field(seed=2)))
    )
    assert (first ^ again).bit_count() <= 6 < (first ^ other).bit_count()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"", "空文件", id="0 bytes"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n" + b"0 0 moveto\n" * 99, "EPS 文件，不是照片，请改为 JPG", id="eps"),
        pytest.param(b"%PDF-1.7\n" + b"x" * 99, "PDF 文件，不是照片", id="pdf"),
        pytest.param(b"<svg onload=alert(1)>", "SVG 图形，不是照片", id="svg"),
        pytest.param(b"\n<html><script>", "网页文件，不是照片", id="html"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8 ", "WEBP 图片，不是照片，请改为 JPG", id="webp"),
        pytest.param(b"\0\0\0\x1cftypavif" + b"\0" * 50, "不是照片，请改为 JPG", id="avif"),
        pytest.param(b"PK\x03\x04" + b"\0" * 50, "压缩包", id="zip"),
        pytest.param(jpeg()[:9000], "没有传完整", id="truncated"),
        pytest.param(b"\xff\xd8\xff" + b"\0" * 500, "已损坏", id="jpeg head only"),
        pytest.param(b"\0\0\0\x18ftypheic" + b"\0" * 500, "已损坏", id="heic head only"),
        pytest.param(huge_png(), "200 百万像素（20000×10000）", id="200 megapixels"),
    ],
)
def test_what_is_no_photo_is_answered_in_words(read, data, text):
    with pytest.raises(PhotoRefused, match=r"^“照片\.jpg”") as refusal:
        read(data)
    assert text in str(refusal.value)
