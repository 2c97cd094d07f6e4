"""Raw files on disk, named by their content: written aside, synced, renamed, and only then told to the database."""

import hashlib
import os
import time
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

CHUNK = 256 * 1024
STALE_SECONDS = 24 * 3600


class TooLarge(ValueError):
    """The file is larger than the limit; the text is Chinese and for the user."""


@dataclass(frozen=True)
class Kept:
    sha256: str
    size: int
    path: str  # relative to MEDIA_ROOT


def root() -> Path:
    return Path(settings.MEDIA_ROOT)


def keep(file, *, limit: int) -> Kept:
    """Stream ``file`` to MEDIA_ROOT/uploads/ab/cd/<sha256>; ``limit`` in bytes, more raises TooLarge.

    Crash-safe order: temporary file, fsync, rename, fsync of the folders. A file already there is never overwritten.
    """
    folder = root() / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"{uuid.uuid4().hex}.part"
    try:
        sha256, size = _write(file, aside, limit)
        path = f"uploads/{sha256[:2]}/{sha256[2:4]}/{sha256}"
        _place(aside, root() / path)
    finally:
        aside.unlink(missing_ok=True)
    return Kept(sha256, size, path)


def _write(file, aside: Path, limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, settings.FILE_UPLOAD_PERMISSIONS)
    with os.fdopen(handle, "wb") as target:
        for chunk in _chunks(file):
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"文件超过 {megabytes(limit)} MB 的上限，请拆分或压缩图片后再传。")
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest(), size


def _chunks(file):
    if hasattr(file, "chunks"):
        yield from file.chunks(CHUNK)
    else:
        yield from iter(lambda: file.read(CHUNK), b"")


def _place(aside: Path, final: Path) -> None:
    if final.exists():
        return
    made = [folder for folder in (final.parent, *final.parent.parents) if not folder.exists()]
    final.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(final)
    for folder in [final.parent, *(one.parent for one in made)]:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_stale() -> int:
    """Delete temporary files older than a day (their writer is dead); the number deleted."""
    folder, count = root() / "incoming", 0
    if not folder.is_dir():
        return 0
    for path in folder.glob("*.part"):
        try:
            if path.stat().st_mtime < time.time() - STALE_SECONDS:
                path.unlink()
                count += 1
        except FileNotFoundError:  # another sweep was faster
            continue
    return count


def display_name(name: str) -> str:
    """The name as given, fit to be shown: no folders, control or direction characters, at most 200 characters."""
    name = str(name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign)[0] != "C")
    name = name.strip()
    if len(name) > 200:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem[: 199 - len(suffix)]}.{suffix}" if dot and len(suffix) <= 10 else name[:200]
    return name or "未命名"


def megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f}".removesuffix(".0")
