import hashlib
import zipfile
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from farmland.accounts.models import Event, Grant, User
from farmland.jobs.models import Upload
from farmland.places.models import Division
from parcels import evidence_store
from parcels.evidence_store import EvidenceRefused, Position, add_paper, add_photo
from parcels.models import Evidence, Kind, Parcel
from tests.parcels.pictures import exif, field, jpeg, upload

MADE = jpeg(field((640, 480)), exif=exif(offset="+08:00", direction=270))
BARE = jpeg(field((640, 480)))


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def make_place():
    town = Division.objects.create(code="530001100", name="清溪镇", kind="town", slug="qingxi", is_tenant=True)
    village = Division.objects.create(parent=town, code="530001100001", name="东村", kind="village")
    user = User.objects.create(username="head", first_name="东村村委会")
    Grant.objects.create(user=user, role="village_head", division=village)
    kind = Kind.objects.get(code="abandonment")
    parcel = Parcel.objects.create(town=town, division=village, year=2024, kind=kind, codes=["P1"])
    return village, parcel, user


@pytest.fixture
def place(db):
    return make_place()


def stored(upload) -> bytes:
    return upload.full_path.read_bytes()


def send(place, data=MADE, key="a1", name="IMG_0001.jpg", **more):
    village, parcel, user = place
    return add_photo(upload(data, name), division=village, parcel=parcel, by=user, key=key, **more)


def test_a_photo_is_kept_as_it_came_beside_a_copy_that_tells_nothing(place):
    _, parcel, user = place
    found = send(place, phase="after", view="near", note="东侧")
    found.refresh_from_db()

    assert stored(found.original) == MADE
    assert found.sha256 == found.original.sha256 == hashlib.sha256(MADE).hexdigest()
    for copy in (found.shown, found.thumbnail):
        assert b"Exif" not in stored(copy)
    assert (found.town, found.parcel, found.by, found.category) == (parcel.town, parcel, user, "photo")
    assert (found.width, found.height, found.phase, found.view, found.note) == (640, 480, "after", "near", "东侧")
    assert found.taken_at == datetime(2024, 10, 5, 2, 26, tzinfo=UTC)
    assert (found.longitude, found.latitude, found.position_from, found.azimuth) == (106.06, 29.8366667, "exif", 270)


def test_the_parcels_time_line_tells_of_the_photo(place):
    send(place)
    event = Event.objects.get(about=place[1].pk)
    assert (event.action, event.subject, event.after["file"]) == ("上传照片", "图斑 P1", "IMG_0001.jpg")


def test_a_camera_without_offset_is_on_local_time(place):
    found = send(place, jpeg(field((640, 480)), exif=exif()))
    assert found.taken_at.astimezone(UTC) == datetime(2024, 10, 5, 2, 26, tzinfo=UTC)


def test_where_exif_is_silent_the_phone_is_heard(place):
    taken = datetime(2024, 10, 6, tzinfo=UTC)
    found = send(place, BARE, position=Position(106.1, 29.9, 12.5, 90), taken_at=taken)
    assert (found.longitude, found.latitude, found.position_from) == (106.1, 29.9, "phone")
    assert (found.accuracy_m, found.azimuth, found.taken_at) == (12.5, 90, taken)


def test_exif_is_heard_before_the_phone(place):
    found = send(place, position=Position(106.1, 29.9), taken_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert (found.longitude, found.position_from, found.taken_at.year) == (106.06, "exif", 2024)


@pytest.mark.parametrize("position", [Position(0, 0), Position(float("nan"), 29), Position(190, 29)])
def test_a_phone_that_is_nowhere_is_not_heard(place, position):
    assert send(place, BARE, position=position).longitude is None


def test_the_same_key_again_is_the_same_row_and_nothing_is_kept_twice(place):
    first = send(place)
    files, events = Upload.objects.count(), Event.objects.count()
    assert send(place) == first
    assert (Evidence.objects.count(), Upload.objects.count(), Event.objects.count()) == (1, files, events)


def test_the_same_key_with_another_file_is_refused(place):
    send(place)
    with pytest.raises(EvidenceRefused, match="这个编号已用于另一个文件") as refusal:
        send(place, BARE)
    assert refusal.value.code == "key_reused"
    assert Evidence.objects.count() == 1


def test_the_same_key_for_another_parcel_is_refused(place):
    village, _, user = place
    send(place)
    with pytest.raises(EvidenceRefused, match="另一个文件"):
        add_photo(upload(MADE), division=village, parcel=None, by=user, key="a1")


def test_keys_belong_to_a_person(place):
    village, parcel, _ = place
    first = send(place)
    other = add_photo(upload(BARE), division=village, parcel=parcel, by=User.objects.create(username="b"), key="a1")
    assert other != first


def test_without_a_key_every_photo_is_one_of_its_own(place):
    assert send(place, key="") != send(place, key="")


@pytest.mark.parametrize(
    ("data", "name", "text"),
    [
        pytest.param(MADE[:4000], "近景.jpg", "“近景.jpg”已损坏或没有传完整", id="truncated"),
        pytest.param(b"%!PS-Adobe-3.0", "近景.jpg", "“近景.jpg”实际是EPS 文件，不是照片", id="eps"),
        pytest.param(b"%PDF-1.4", "近景🌾\u202e.jpg", "“近景🌾.jpg”实际是PDF 文件", id="pdf under an emoji"),
        pytest.param(b"", "../../etc/passwd\0.jpg", "“passwd.jpg”是空文件", id="NUL and folders"),
    ],
)
def test_a_refused_file_is_kept_raw_and_writes_nothing_else(place, data, name, text):
    with pytest.raises(EvidenceRefused) as refusal:
        send(place, data, name=name)
    assert text in refusal.value.message
    raw = Upload.objects.get()
    assert (raw.purpose, stored(raw)) == ("evidence", data)
    assert not Evidence.objects.exists()
    assert not Event.objects.exists()


def test_more_than_20_mb_is_refused_and_not_kept(place, monkeypatch):
    monkeypatch.setattr(evidence_store.photos, "MAX_BYTES", 1000)
    with pytest.raises(EvidenceRefused, match="超过 20 MB 的上限") as refusal:
        send(place)
    assert refusal.value.code == "too_large"
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"phase": "later"}, "phase"),
        ({"view": "selfie"}, "view"),
        ({"note": "字" * 301}, "note"),
        ({"key": "k" * 101}, "key"),
    ],
)
def test_words_that_mean_nothing_are_refused_before_anything_is_kept(place, words, field):
    with pytest.raises(EvidenceRefused) as refusal:
        send(place, **words)
    assert refusal.value.field == field
    assert not Upload.objects.exists()


def docx(*names) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("[Content_Types].xml", "word/document.xml", *names):
            archive.writestr(name, "<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"%PDF-1.7 ...", "同意书.pdf"), (docx(), "记录.docx"), (BARE, "扫描.jpg")],
    ids=["pdf", "docx", "jpg"],
)
def test_papers_are_kept_as_they_are_and_shown_nowhere(place, data, name):
    village, parcel, user = place
    found = add_paper(
        SimpleUploadedFile(name, data), division=village, parcel=parcel, by=user, key="p1", note="一事一议"
    )
    assert (found.category, found.original.name, found.shown, found.look) == ("paper", name, None, "")
    assert stored(found.original) == data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"MZ\x90", "无法识别的文件"),
        (docx("word/vbaProject.bin"), "带宏"),
        (b"PK\x03\x04junk", "压缩包"),
        (b"<html>", "网页"),
    ],
    ids=["exe", "macros", "broken zip", "html"],
)
def test_what_is_no_paper_is_refused(place, data, text):
    village, _, user = place
    with pytest.raises(EvidenceRefused, match="材料只收 PDF、DOCX 或 JPG") as refusal:
        add_paper(SimpleUploadedFile("同意书.pdf", data), division=village, by=user, key="p1")
    assert text in refusal.value.message
