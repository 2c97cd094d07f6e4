"""Secret keys of their own, apart from SECRET_KEY: one file a purpose in FARMLAND_VAR/keys, made when first needed.

A file holds one key a line, the newest first; that one is used for what is new, the others still open what they once
closed (after a restore or a change of key). What is kept names its key by ``Key.ident``. The backup carries the files.
"""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings


class KeyLost(LookupError):
    """No key here has the name something was closed with."""


@dataclass(frozen=True)
class Key:
    """``secret`` never leaves this process; a use of it begins with ``derived``."""

    secret: bytes = field(repr=False)

    @property
    def ident(self) -> str:
        """Eight signs that tell keys apart and nothing about them."""
        return hashlib.sha256(b"farmland key name:" + self.secret).hexdigest()[:8]

    def derived(self, use: str) -> bytes:
        """32 bytes for one use only."""
        return hmac.digest(self.secret, use.encode(), "sha256")


def folder() -> Path:
    return Path(settings.VAR) / "keys"


def ring(name: str) -> list[Key]:
    """The keys of a purpose, the one in use first; made (0600) if there is none."""
    path = folder() / f"{name}.key"
    with suppress(FileNotFoundError):
        return _read(path.read_text())
    write(path, f"{secrets.token_urlsafe(32)}\n")
    return _read(path.read_text())


def files() -> list[Path]:
    """Every key file there is, for the backup."""
    return sorted(folder().glob("*.key"))


def key_named(name: str, ident: str) -> Key:
    """The key something was closed with, or KeyLost."""
    found = next((one for one in ring(name) if hmac.compare_digest(one.ident, ident)), None)
    if found is None:
        raise KeyLost(f"keys/{name}.key: {ident}")
    return found


def merge(name: str, text: str) -> None:
    """Add a backup's keys behind those that are here: its oldest is the oldest of all again."""
    path = folder() / f"{name}.key"
    here = path.read_text().split() if path.exists() else []
    lines = [*here, *(line for line in text.split() if line not in here)]
    if lines != here:
        write(path, "".join(f"{line}\n" for line in lines), replace=True)


def write(path: Path, text: str, *, replace: bool = False) -> None:
    """Whole or not at all; without ``replace`` the first of two writers wins and the other takes its file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            aside.replace(path)
        else:
            with suppress(FileExistsError):
                os.link(aside, path)
        _sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(text: str) -> list[Key]:
    keys = [Key(base64.urlsafe_b64decode(line + "=" * (-len(line) % 4))) for line in text.split()]
    if not keys or any(len(one.secret) < 32 for one in keys):
        raise ValueError("a key file without a whole key")
    return keys
