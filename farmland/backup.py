"""One file with everything worth keeping, the same on SQLite and PostgreSQL; ``farmland.restore`` puts it back.

A tar: each table as gzipped JSON lines, the raw uploads, the key files (``farmland.lib.keyring``), ``manifest.json``,
and last ``sha256`` over every byte before it, so that a cut or altered file is known as such before anything is
written. Sessions and SECRET_KEY stay out.
"""

import base64
import gzip
import hashlib
import json
import os
import tarfile
import tempfile
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import django
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from farmland.jobs import storage
from farmland.jobs.models import Upload
from farmland.lib import keyring

FORMAT = "1"
FORGOTTEN = ("sessions.Session", "jobs.WorkerBeat")  # everybody signs in again, workers beat again
ROWS_AT_ONCE = 500


class BackupError(Exception):
    """Why a backup cannot be made or restored, in Chinese; nothing has been changed."""


@dataclass
class Table:
    """``digest``: the sum of the sha256 of all rows, which does not depend on their order."""

    fields: list[str]
    rows: int = 0
    digest: str = ""


@dataclass
class Manifest:
    """What a backup holds. ``media``: sha256 and size in bytes by path; ``skipped``: paths of files that were lost;
    ``keys``: names of the key files."""

    created_at: str
    database: str
    migrations: list[str]
    tables: dict[str, Table] = field(default_factory=dict)
    media: dict[str, dict] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    format: str = FORMAT
    farmland: str = ""
    django: str = django.__version__

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        values = json.loads(data)
        values["tables"] = {label: Table(**table) for label, table in values["tables"].items()}
        return cls(**values)


def write_backup(path: Path, *, skip_missing: bool = False) -> Manifest:
    """Write ``path`` aside, sync and rename it: a name without ``.part`` is a whole backup.

    Raises BackupError when ``path`` exists or a raw file is lost or damaged (unless ``skip_missing``).
    """
    if path.exists():
        raise BackupError(f"{path} 已存在，请换一个文件名。")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            manifest = _write(_Hashed(file), path.parent, skip_missing)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)
    storage.sync_folder(path.parent)
    return manifest


class _Hashed:
    """A file that knows the sha256 of what was written to it."""

    def __init__(self, file: BinaryIO):
        self.file, self.sha256, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.size


def _write(file: _Hashed, folder: Path, skip_missing: bool) -> Manifest:
    manifest = Manifest(timezone.now().isoformat(), connection.vendor, sorted(on_disk() & applied()))
    manifest.farmland = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        with snapshot():
            for model in stored_models():
                with tempfile.TemporaryFile(dir=folder) as aside:
                    manifest.tables[model._meta.label] = _dump(model, aside)
                    _add(archive, f"tables/{model._meta.label}.jsonl.gz", aside)
            uploads = sorted(set(Upload.objects.order_by().values_list("path", "sha256", "size")))
        for path, sha256, size in uploads:
            if not sound(storage.root() / path, sha256):
                if not skip_missing:
                    raise BackupError(f"原件 {path} 丢失或已损坏，请先从旧备份找回；确认放弃时加 --skip-missing。")
                manifest.skipped.append(path)
                continue
            with (storage.root() / path).open("rb") as raw:
                _add(archive, f"media/{path}", raw)
            manifest.media[path] = {"sha256": sha256, "size": size}
        for path in keyring.files():
            _add_bytes(archive, f"keys/{path.name}", path.read_bytes())
            manifest.keys.append(path.name)
        _add_bytes(archive, "manifest.json", manifest.to_json())
        _add_bytes(archive, "sha256", file.sha256.hexdigest().encode())
    return manifest


@contextmanager
def snapshot() -> Iterator[None]:
    """All reads inside see one moment; writers go on meanwhile."""
    if connection.in_atomic_block:
        raise RuntimeError("a snapshot begins its own transaction")
    if connection.vendor == "sqlite":  # atomic() would take the write lock
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            yield


def stored_models() -> list[type[models.Model]]:
    """Every table of every app, those between two models too, but for what is forgotten on purpose."""
    every = apps.get_models(include_auto_created=True)
    return [one for one in every if one._meta.managed and not one._meta.proxy and one._meta.label not in FORGOTTEN]


def _dump(model: type[models.Model], aside: BinaryIO) -> Table:
    with gzip.GzipFile(fileobj=aside, mode="wb", mtime=0) as lines:
        return read_rows(model, lines.write)


def read_rows(model: type[models.Model], write) -> Table:
    """Every row as a line of JSON to ``write``, counted and digested."""
    table, total = Table([one.attname for one in model._meta.concrete_fields]), 0
    rows = model._base_manager.order_by("pk").values_list(*table.fields).iterator(ROWS_AT_ONCE)
    for row in rows:
        line = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_text) + "\n"
        data = line.encode()
        total += int.from_bytes(hashlib.sha256(data).digest())
        table.rows += 1
        write(data)
    table.digest = f"{total % 2**256:064x}"
    return table


def _text(value) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):  # and moments
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):  # a boundary; what BinaryField.to_python reads
        return base64.b64encode(value).decode()
    raise TypeError(f"no text for {value!r}")


def _add(archive: tarfile.TarFile, name: str, file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(timezone.now().timestamp())
    archive.addfile(info, file)


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    with tempfile.SpooledTemporaryFile(max_size=2**24) as file:
        file.write(data)
        _add(archive, name, file)


def sound(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def on_disk() -> set[str]:
    return {".".join(key) for key in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}


def applied() -> set[str]:
    return {".".join(key) for key in MigrationLoader(connection).applied_migrations} & on_disk()
