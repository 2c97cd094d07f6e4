"""The drill: what is backed up comes back exactly, on either database, and what is broken changes nothing."""

import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from farmland.accounts.models import ApiToken, User
from farmland.backup import BackupError, Manifest, write_backup
from farmland.jobs.models import Upload
from farmland.places.models import Division
from farmland.restore import restore_backup
from tests import backup_world

ROOT = Path(__file__).parents[1]
OTHERS = ("DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE")  # the last: do not compile Django at each start


def start(var, *words, **options):
    """Run Python words on an instance of its own (SQLite in ``var``)."""
    environ = {key: value for key, value in os.environ.items() if key not in OTHERS}
    environ |= {"FARMLAND_VAR": str(var), "LOG_LEVEL": "WARNING"}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, **options)


@pytest.fixture(scope="module")
def source(tmp_path_factory, django_db_setup, django_db_blocker):
    """(its report, the path of its backup): made on the database of the tests, gone from there afterwards."""
    folder = tmp_path_factory.mktemp("source")
    with django_db_blocker.unblock(), override_settings(VAR=folder, MEDIA_ROOT=folder / "media"):
        made = backup_world.make()
        write_backup(folder / "farmland.tar")
        call_command("flush", interactive=False, verbosity=0)
    return json.loads(json.dumps(made)), folder / "farmland.tar"


@pytest.fixture(scope="module")
def instance(source, tmp_path_factory):
    """The state folder of an instance of its own, restored from the backup where nothing was."""
    var = tmp_path_factory.mktemp("instance") / "var"
    done = start(var, "manage.py", "restore", source[1])
    assert done.returncode == 0, done.stderr
    assert "核对一致" in done.stdout
    return var


def members(path):
    with tarfile.open(path) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive.getmembers()}


def manifest_of(path):
    return Manifest.from_json(members(path)["manifest.json"])


def without_sessions(report):
    return {**report, "sessions": 0}


def test_everything_comes_back_in_an_empty_place(source, instance):
    before = source[0]

    after = json.loads(start(instance, "-m", "tests.backup_world", "report").stdout)

    assert before["sessions"] == 1
    assert {hashlib.sha256(data).hexdigest() for data in backup_world.RAW} <= set(before["media"])
    assert before["counts"]["parcels.Step"] > 20
    assert before["feeds"]
    assert before["milestones"]
    assert before["trail"]
    assert after == without_sessions(before)


def test_a_backup_holds_neither_sessions_nor_the_secret_key(source):
    path = source[1]

    found = members(path)

    assert "tables/sessions.Session.jsonl.gz" not in found
    assert "tables/accounts.ApiToken.jsonl.gz" in found
    assert settings.SECRET_KEY.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_manifest_says_what_is_inside(source):
    before, path = source

    manifest = manifest_of(path)

    assert sorted(one["sha256"] for one in manifest.media.values()) == before["media"]
    assert {label: table.rows for label, table in manifest.tables.items()}.items() <= before["counts"].items()
    assert "tasks.0001_initial" in manifest.migrations
    assert manifest.database == connection.vendor


def test_a_snapshot_does_not_move_while_others_write(instance):
    seen = json.loads(start(instance, "-m", "tests.backup_world", "snapshot").stdout)

    assert seen["during"] == seen["before"] > 5
    assert seen["writing"] is False
    assert seen["after"] == seen["before"] + 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="a SQLite in memory has no second writer")
def test_a_snapshot_does_not_move_on_the_server_either():
    assert backup_world.snapshot_holds() == {"before": 0, "writing": False, "during": 0, "after": 1}


@pytest.mark.django_db(transaction=True)
def test_replacing_goes_to_this_database_and_out_again_with_the_same_digests(source, settings, tmp_path):
    before, path = source
    settings.MEDIA_ROOT = tmp_path / "media"
    backup_world.sign_in(User.objects.create(username="somebody-else"))

    call_command("restore", path, "--replace", stdout=io.StringIO())
    report = json.loads(json.dumps(backup_world.report()))
    again = write_backup(tmp_path / "again.tar")

    assert report == without_sessions(before)
    assert not User.objects.filter(username="somebody-else").exists()
    assert again.tables == manifest_of(path).tables
    assert again.media == manifest_of(path).media


@pytest.mark.django_db(transaction=True)
def test_new_rows_get_new_numbers_after_a_restore(source, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    restore_backup(source[1], replace=True)
    last = User.objects.order_by("pk").last().pk

    assert User.objects.create(username="newcomer").pk > last
    assert ApiToken.issue(User.objects.get(username="xihe"))


@pytest.mark.django_db
def test_a_database_with_facts_is_not_touched_without_replace(source, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    Division.objects.create(kind="county", code="999999", name="某县")

    with pytest.raises(CommandError, match=r"数据库中已有数据（行政区划）.*--replace"):
        call_command("restore", source[1])

    assert list(Division.objects.values_list("name", flat=True)) == ["某县"]
    assert not settings.MEDIA_ROOT.exists()


def cut(data):
    return data[: len(data) * 2 // 3]


def cut_at_the_very_end(data):
    return data[: data.rindex(b"sha256\0")]


def one_bit(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def one_row_less(data):
    """Somebody takes a table out and leaves the rest as it was."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for one in old.getmembers():
            if one.name != "tables/parcels.Step.jsonl.gz":
                new.addfile(one, old.extractfile(one))
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "spoil",
    [cut, cut_at_the_very_end, one_bit, one_row_less, lambda data: b"", lambda data: b"not a tar at all" * 99],
    ids=["cut", "cut at the end", "one bit", "a table less", "empty", "something else"],
)
def test_a_broken_file_changes_nothing(source, settings, tmp_path, spoil):
    settings.MEDIA_ROOT = tmp_path / "media"
    User.objects.create(username="stays")
    path = tmp_path / "broken.tar"
    path.write_bytes(spoil(source[1].read_bytes()))

    with pytest.raises(CommandError, match="没有改动任何数据"):
        call_command("restore", path, "--replace")

    assert list(User.objects.values_list("username", flat=True)) == ["stays"]
    assert not settings.MEDIA_ROOT.exists()


def test_a_broken_file_ends_with_an_error_and_makes_no_tables(source, tmp_path):
    path = tmp_path / "cut.tar"
    path.write_bytes(cut(source[1].read_bytes()))

    done = start(tmp_path / "var", "manage.py", "restore", path)

    assert done.returncode == 1
    assert "不完整" in done.stderr
    assert not (tmp_path / "var" / "farmland.sqlite3").exists()


@pytest.mark.django_db
def test_a_backup_of_another_version_is_refused(source, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr("farmland.restore.on_disk", lambda: {"tasks.0001_initial", "tasks.0099_later"})

    with pytest.raises(BackupError, match="另一版本"):
        restore_backup(source[1])

    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_lost_raw_file_stops_the_backup_and_leaves_no_file(source, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    restore_backup(source[1])
    lost, out = Upload.objects.first(), tmp_path / "out"
    lost.full_path.write_bytes(b"rotten")

    with pytest.raises(CommandError, match=lost.sha256):
        call_command("backup", out / "b.tar")
    call_command("backup", out / "c.tar", "--skip-missing", stdout=io.StringIO(), stderr=(said := io.StringIO()))

    assert lost.path in said.getvalue()
    assert manifest_of(out / "c.tar").skipped == [lost.path]
    assert [one.name for one in out.iterdir()] == ["c.tar"]


def test_a_full_disk_is_an_error_and_leaves_no_file(instance, tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = start(instance, "manage.py", "backup", tmp_path / "b.tar", preexec_fn=little_room)

    assert done.returncode == 1
    assert "备份没有写成" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_backup_is_never_overwritten(source):
    before = source[1].read_bytes()

    with pytest.raises(CommandError, match="已存在"):
        call_command("backup", source[1])

    assert source[1].read_bytes() == before


@pytest.mark.django_db
def test_raw_files_come_back_even_where_a_rotten_copy_lies(source, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    restore_backup(source[1])
    upload = Upload.objects.first()
    upload.full_path.write_bytes(b"rotten")

    restore_backup(source[1], replace=True)

    assert hashlib.sha256(upload.full_path.read_bytes()).hexdigest() == upload.sha256
