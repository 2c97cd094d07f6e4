import hashlib
import io
import os
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from farmland.accounts.models import Grant, User
from farmland.jobs import services, storage
from farmland.jobs.models import Upload
from farmland.places.models import Division


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def files(media):
    return sorted(path for path in media.rglob("*") if path.is_file())


@pytest.fixture
def town(db):
    return Division.objects.create(code="t1", name="西河镇", kind="town")


def store(town, data=b"abc", name="进度.xlsx", limit=1000, **fields):
    file = SimpleUploadedFile(name, data)
    return Upload.objects.store(file, town=town, user=None, purpose="form", limit=limit, **fields)


def test_a_stored_file_is_named_by_its_content_and_reads_back(town, media):
    upload = store(town, b"x" * 600_000, limit=600_000)
    assert upload.sha256 == hashlib.sha256(b"x" * 600_000).hexdigest()
    assert (upload.size, upload.name) == (600_000, "进度.xlsx")
    assert files(media) == [upload.full_path]
    assert upload.full_path.name == upload.sha256
    with upload.open() as file:
        assert file.read() == b"x" * 600_000


def test_the_same_bytes_again_are_a_second_row_of_the_untouched_file(town, media):
    first = store(town)
    before = first.full_path.stat()
    second = store(town, name="又一次.xlsx")
    after = second.full_path.stat()
    assert (second.pk != first.pk, second.path) == (True, first.path)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(files(media)) == 1


def test_more_than_the_limit_is_refused_and_leaves_nothing(town, media):
    with pytest.raises(storage.TooLarge, match=r"1 MB 的上限"):
        store(town, b"x" * 1_100_000, limit=1024 * 1024)
    assert files(media) == []
    assert not Upload.objects.exists()


def test_a_broken_stream_leaves_nothing(media):
    class Broken(io.BytesIO):
        def read(self, *_):
            raise OSError("client went away")

    with pytest.raises(OSError, match="went away"):
        storage.keep(Broken(b"abc"), limit=1000)
    assert files(media) == []


def test_the_sweeper_removes_temporary_files_of_dead_writers_after_a_day(db, media):
    old, young = media / "incoming" / "old.part", media / "incoming" / "young.part"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    services.sweep()
    assert files(media) == [young]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param("进度.xlsx", "进度.xlsx", id="plain"),
        pytest.param("C:\\Users\\a\\..\\进度.xlsx", "进度.xlsx", id="windows path"),
        pytest.param("../../etc/passwd", "passwd", id="path"),
        pytest.param("a\x00b\u202exslx.exe", "abxslx.exe", id="control signs"),
        pytest.param("", "未命名", id="nothing"),
        pytest.param("..\n", "..", id="dots"),
        pytest.param("长" * 300 + ".xlsx", "长" * 195 + ".xlsx", id="long"),
    ],
)
def test_names_are_made_fit_to_show(given, shown):
    assert storage.display_name(given) == shown
    assert len(storage.display_name(given)) <= 200


def test_uploads_are_visible_where_their_division_is(town):
    village = Division.objects.create(code="v1", name="新四村", kind="village", parent=town)
    sibling = Division.objects.create(code="v2", name="双永村", kind="village", parent=town)
    official, head = User.objects.create(username="official"), User.objects.create(username="head")
    Grant.objects.create(user=official, role="official", division=town)
    Grant.objects.create(user=head, role="village_head", division=village)
    whole, own, others = store(town), store(town, division=village), store(town, division=sibling)
    assert set(Upload.objects.visible_to(official)) == {whole, own, others}
    assert set(Upload.objects.visible_to(head)) == {own}
    assert set(Upload.objects.visible_to(User.objects.create(username="nobody"))) == set()
