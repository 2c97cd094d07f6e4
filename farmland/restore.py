"""Put a backup back: whole or not at all, checked before and after."""

import gzip
import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection, models, transaction

from farmland.backup import (
    FORGOTTEN,
    FORMAT,
    ROWS_AT_ONCE,
    BackupError,
    Manifest,
    applied,
    on_disk,
    read_rows,
    sound,
    stored_models,
)
from farmland.jobs import storage
from farmland.lib import keyring
from subsidies.proof import freeze

SEEDED = (  # what a new database holds as soon as it has tables
    "contenttypes.ContentType", "auth.Permission", "places.Term",
    "parcels.Ladder", "parcels.Rung", "parcels.Kind", "parcels.Kind_feeds",
)  # fmt: skip
MEDIA_PATH = re.compile(r"uploads/([0-9a-f]{2})/([0-9a-f]{2})/(\1\2[0-9a-f]{60})")

KEY_FILE = re.compile(r"[a-z]+\.key")


def restore_backup(path: Path, *, replace: bool = False) -> Manifest:
    """Put everything back in one transaction, after the whole file has been checked.

    A database without tables is migrated first; one with facts is refused unless ``replace``. Afterwards every table
    is read again: counts and digests must be those of the backup, else all is rolled back. Raises BackupError.
    """
    with _opened(path) as (archive, manifest):
        _require_same_schema(manifest)
        if not connection.introspection.table_names():
            call_command("migrate", interactive=False, verbosity=0)
        elif applied() != on_disk():
            raise BackupError("数据库结构与程序不一致，请先运行 manage.py migrate。")
        elif not replace:
            _require_empty()
        _place_media(archive, manifest)
        for name in manifest.keys:
            keyring.merge(name.removesuffix(".key"), archive.extractfile(f"keys/{name}").read().decode())
        try:
            with transaction.atomic():
                _load(archive, manifest, replace)
        except DatabaseError as error:
            raise BackupError(f"数据库拒绝了备份中的数据，已全部撤销：{error}") from error
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    """The archive and its manifest, once every byte is known to be as written."""
    broken = BackupError(f"{path} 不完整、被改动过，或不是守田的备份，没有改动任何数据。请换用另一份备份。")
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            manifest = _checked(archive, file)
            if manifest is None:
                raise broken
            yield archive, manifest
    except FileNotFoundError as error:
        raise BackupError(f"没有文件 {path}。") from error
    except (tarfile.TarError, OSError, EOFError) as error:
        raise broken from error


def _checked(archive: tarfile.TarFile, file: BinaryIO) -> Manifest | None:
    """The manifest, None when the file is not whole or holds anything a backup does not hold."""
    members = archive.getmembers()
    if [one.name for one in members[-2:]] != ["manifest.json", "sha256"] or not all(one.isfile() for one in members):
        return None
    total, left = hashlib.sha256(), members[-1].offset
    file.seek(0)
    while left > 0 and (data := file.read(min(left, storage.CHUNK))):
        total.update(data)
        left -= len(data)
    if archive.extractfile(members[-1]).read() != total.hexdigest().encode():
        return None
    try:
        manifest = Manifest.from_json(archive.extractfile(members[-2]).read())
    except (ValueError, KeyError, TypeError):
        return None
    names = {f"tables/{label}.jsonl.gz" for label in manifest.tables} | {f"media/{path}" for path in manifest.media}
    names |= {f"keys/{name}" for name in manifest.keys}
    named = all(KEY_FILE.fullmatch(name) for name in manifest.keys) and all(
        (found := MEDIA_PATH.fullmatch(path)) and found[3] == one["sha256"] for path, one in manifest.media.items()
    )
    return manifest if named and names == {one.name for one in members[:-2]} else None


def _require_same_schema(manifest: Manifest) -> None:
    here = {one._meta.label: [column.attname for column in one._meta.concrete_fields] for one in stored_models()}
    there = {label: table.fields for label, table in manifest.tables.items()}
    if manifest.format != FORMAT or set(manifest.migrations) != on_disk() or here != there:
        raise BackupError(
            f"这份备份来自另一版本（{manifest.farmland}，{manifest.created_at[:10]}），数据库结构不同，没有改动任何数据。"
            "请先用备份时的程序版本恢复，再升级程序。"
        )


def _require_empty() -> None:
    for model in stored_models():
        if model._meta.label not in SEEDED and model._base_manager.exists():
            name = model._meta.verbose_name
            raise BackupError(f"数据库中已有数据（{name}），没有改动。确认要用备份覆盖全部数据时加 --replace。")


def _place_media(archive: tarfile.TarFile, manifest: Manifest) -> None:
    """Files before rows: a file nobody names does no harm, a row without its file would."""
    for path, facts in manifest.media.items():
        final = storage.root() / path
        if sound(final, facts["sha256"]):
            continue
        final.unlink(missing_ok=True)
        kept = storage.keep(archive.extractfile(f"media/{path}"), limit=facts["size"])
        if kept.path != path:
            raise BackupError(f"备份中的原件 {path} 与校验值不符，没有改动任何数据。")


def _load(archive: tarfile.TarFile, manifest: Manifest, replace: bool) -> None:
    if not replace:
        _require_empty()  # again, now that nobody else can write
    stored = stored_models()
    freeze.uninstall()  # nobody else sees the tables without it: this transaction puts it back
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        for model in [*stored, *(apps.get_model(label) for label in FORGOTTEN)]:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # keys are deferred
    for model in stored:
        with gzip.open(archive.extractfile(f"tables/{model._meta.label}.jsonl.gz")) as lines:
            _insert(model, lines)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), stored):
            cursor.execute(statement)
    connection.check_constraints()
    freeze.install()
    for model in stored:
        found = read_rows(model, lambda data: None)
        if found != manifest.tables[model._meta.label]:
            raise BackupError(f"恢复后的“{model._meta.verbose_name}”与备份不符，已全部撤销。")


def _insert(model: type[models.Model], lines) -> None:
    """Rows as they were: no save(), no moments of now."""
    columns = model._meta.concrete_fields
    size = max(1, min(ROWS_AT_ONCE, connection.ops.bulk_batch_size(columns, [None] * ROWS_AT_ONCE)))
    batch = []
    for line in lines:
        batch.append(model(*(_value(column, value) for column, value in zip(columns, json.loads(line), strict=True))))
        if len(batch) == size:
            model._base_manager._insert(batch, fields=columns, using=connection.alias, raw=True)
            batch = []
    if batch:
        model._base_manager._insert(batch, fields=columns, using=connection.alias, raw=True)


def _value(column: models.Field, value):
    if value is None or isinstance(column, models.JSONField):
        return value
    return column.to_python(value)
