"""What every fact row has: an opaque, time-ordered id and the moment it last changed."""

import os
import time
import uuid

from django.db import models

VARIANTS = "89ab"


def time_uuid() -> uuid.UUID:
    """A version 7 UUID: 48 bits of milliseconds, then random; rows made later sort later."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=number)


def time_uuids(count: int) -> list[str]:
    """Keys for ``count`` rows made at once, as 32 digits, in their order: each counts on from the one before."""
    milliseconds, noise = time.time_ns() // 1_000_000, os.urandom(8 * count).hex()
    return [
        f"{milliseconds + (at >> 12):012x}7{at & 0xFFF:03x}{VARIANTS[int(noise[16 * at], 16) & 3]}"
        f"{noise[16 * at + 1 : 16 * at + 16]}"
        for at in range(count)
    ]


class Row(models.Model):
    id = models.UUIDField("编号", primary_key=True, default=time_uuid, editable=False)
    updated_at = models.DateTimeField("更新时间", auto_now=True, db_index=True)

    class Meta:
        abstract = True
