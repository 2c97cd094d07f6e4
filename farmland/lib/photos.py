"""Untrusted photos in: told by their first bytes, decoded and made anew in the sandbox, answered as plain values.

What is served is never the file that came in: a new JPEG is painted from the pixels, without EXIF, position, comment
or profile. The first half runs in our process and opens no picture; ``process`` runs in the child.
"""

import json
import math
import struct
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO

from farmland.lib import sandbox

MB = 1024 * 1024
MAX_BYTES = 20 * MB
MAX_PIXELS = 64_000_000
SHOWN, THUMBNAIL = 1600, 320  # longest side in pixels
LIMITS = {"wall_seconds": 20, "cpu_seconds": 20, "memory_bytes": 520 * MB, "output_limit": 12 * MB}
AT_ONCE = threading.BoundedSemaphore(2)  # children of one process: each needs up to 400 MB for a moment
AS_JPG = "请改为 JPG 后再传"
HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
OTHERS = (
    (b"%!PS", "EPS 文件"), (b"\xc5\xd0\xd3\xc6", "EPS 文件"), (b"%PDF-", "PDF 文件"),
    (b"PK\x03\x04", "压缩包或 Office 文件"), (b"8BPS", "PSD 文件"), (b"\xd0\xcf\x11\xe0", "旧版 Office 文件"),
    (b"GIF8", "GIF 图片"), (b"BM", "BMP 图片"), (b"II*\0", "TIFF 图片"), (b"MM\0*", "TIFF 图片"),
    (b"<svg", "SVG 图形"), (b"<?xml", "XML 文件"), (b"<", "网页文件"),
)  # fmt: skip


class PhotoRefused(ValueError):
    """Why a file cannot be taken as a photo; the text is Chinese and for the user."""


@dataclass(frozen=True)
class Photo:
    """A photo made ready. ``look`` is a 64-bit perceptual hash in hex; what EXIF did not say sanely is None.

    ``notes`` tell in Chinese what EXIF said and was not believed.
    """

    shown: bytes
    thumbnail: bytes
    width: int
    height: int
    look: str
    taken_at: datetime | None = None  # naive where EXIF gave no offset: the camera's own clock
    longitude: float | None = None
    latitude: float | None = None
    accuracy_m: float | None = None
    azimuth: float | None = None
    notes: tuple[str, ...] = ()


def picture_format(head: bytes) -> str | None:
    """JPEG, PNG or HEIF by the first bytes, whatever the name says; None for everything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    return "HEIF" if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS else None


def true_kind(head: bytes) -> str:
    """What a file that is no photo seems to be, in words."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP 图片"
    if head[4:8] == b"ftyp":
        return "视频或其他格式的图片"
    start = head.lstrip()
    return next((name for mark, name in OTHERS if start.startswith(mark)), "无法识别的文件")


def read_photo(path: Path, name: str) -> Photo:
    """Check and decode the stored file. Raises PhotoRefused for everything that is wrong with it."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise PhotoRefused(f"“{name}”是空文件（0 字节），请重新拍照后再传。")
    found = picture_format(head)
    if found is None:
        raise PhotoRefused(f"“{name}”实际是{true_kind(head)}，不是照片，{AS_JPG}。")
    try:
        with AT_ONCE:
            answer = sandbox.run_child(["farmland.lib.photos:process", found], path, **LIMITS)
    except sandbox.SandboxError as error:
        raise PhotoRefused(f"“{name}”处理不了（过大或已损坏），{AS_JPG}。") from error
    return photo_of(answer, name)


def photo_of(answer: bytes, name: str) -> Photo:
    """The child's answer as a photo, or its refusal."""
    facts, pictures = unpacked(answer)
    if "refused" in facts:
        raise PhotoRefused(f"“{name}”{facts['refused']}")
    shown, thumbnail = pictures
    taken_at = facts.pop("taken_at")
    return Photo(
        shown=shown,
        thumbnail=thumbnail,
        taken_at=taken_at and datetime.fromisoformat(taken_at),
        notes=tuple(facts.pop("notes")),
        **facts,
    )


def unpacked(answer: bytes) -> tuple[dict, list[bytes]]:
    """The child's answer: a length, JSON of that length with the sizes of the pictures, the pictures."""
    (length,) = struct.unpack(">I", answer[:4])
    facts = json.loads(answer[4 : 4 + length])
    at, pictures = 4 + length, []
    for size in facts.pop("sizes"):
        pictures.append(answer[at : at + size])
        at += size
    return facts, pictures


def packed(facts: dict, *pictures: bytes) -> bytes:
    text = json.dumps(facts | {"sizes": [len(one) for one in pictures]}).encode()
    return struct.pack(">I", len(text)) + text + b"".join(pictures)


# In the child


class Unfit(Exception):
    """What is wrong with the picture, to stand behind its name."""


def process(file: BinaryIO, kind: str) -> bytes:
    """The sandbox's entry. ``kind``: JPEG, PNG or HEIF, the only decoder that is tried."""
    faults = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError)
    try:
        return made_ready(file, kind)
    except Unfit as unfit:
        return packed({"refused": str(unfit)})
    except (*faults, RuntimeError, struct.error):
        remedy = "请重新拍照后再传" if kind == "JPEG" else f"请重新拍照，或{AS_JPG.removeprefix('请')}"
        return packed({"refused": f"已损坏或没有传完整，打不开，{remedy}。"})


def made_ready(file: BinaryIO, kind: str) -> bytes:
    from io import BytesIO

    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # our own limit, from the header, stands below
    if kind == "HEIF":
        import pi_heif

        pi_heif.register_heif_opener()
    image = Image.open(file, formats=[kind])
    width, height = image.size
    if width * height > MAX_PIXELS:
        millions = width * height // 1_000_000
        raise Unfit(f"有 {millions} 百万像素（{width}×{height}），超过 {MAX_PIXELS // 1_000_000} 百万，请缩小后再传。")
    facts = said_by(image)
    if facts.pop("turned"):
        width, height = height, width
    image.draft("RGB", (SHOWN, SHOWN))  # a JPEG is decoded no larger than needed
    image.load()
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    image.thumbnail((SHOWN, SHOWN))
    image = on_white(ImageOps.exif_transpose(image))
    image.info.clear()
    pictures = []
    for side, quality in ((SHOWN, 82), (THUMBNAIL, 74)):
        image.thumbnail((side, side))
        out = BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        pictures.append(out.getvalue())
    return packed({"width": width, "height": height, "look": look_of(image), **facts}, *pictures)


def on_white(image):
    """The picture in RGB, what is transparent on white."""
    from PIL import Image

    if image.mode not in ("RGBA", "LA"):
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def look_of(image) -> str:
    """The difference hash: whether each of 8 × 8 points is lighter than its right neighbour; survives re-encoding."""
    from PIL import Image

    small = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    points = small.tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            at = row * 9 + column
            bits = bits << 1 | (points[at] > points[at + 1])
    return f"{bits:016x}"


def said_by(image) -> dict:
    """Time, place and direction as far as EXIF says them sanely; the rest is named in ``notes``."""
    notes: list[str] = []
    exif, place, turned = {}, {}, False
    try:
        tags = image.getexif()
        turned = tags.get(0x0112) in (5, 6, 7, 8)
        exif, place = tags.get_ifd(0x8769), tags.get_ifd(0x8825)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error, RuntimeError):
        notes.append("照片附带的信息（EXIF）读不出来，没有采用。")
    latitude, longitude = position(place, notes)
    direction = number(place.get(17))
    accuracy = number(place.get(31))
    return {
        "turned": turned,
        "taken_at": moment(exif, notes),
        "latitude": latitude,
        "longitude": longitude,
        "azimuth": round(direction % 360, 2) if direction is not None and 0 <= direction <= 360 else None,
        "accuracy_m": round(accuracy, 1) if accuracy is not None and 0 < accuracy < 100_000 else None,
        "notes": notes,
    }


def moment(exif, notes: list[str]) -> str | None:
    """DateTimeOriginal in ISO, with its offset where EXIF states one."""
    text = exif.get(0x9003)
    if text is None:
        return None
    try:
        found = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  the camera's own clock
        if not 1990 <= found.year <= 2100:
            raise ValueError(text)
    except ValueError:
        notes.append("照片里的拍摄时间读不懂，没有采用。")
        return None
    zone = offset(exif.get(0x9011))
    return found.replace(tzinfo=zone).isoformat() if zone else found.isoformat()


def offset(text) -> timezone | None:
    """+08:00 as a zone."""
    try:
        hours, minutes = str(text).strip("\0 ").split(":")
        sign = -1 if hours.startswith("-") else 1
        return timezone(sign * timedelta(hours=abs(int(hours)), minutes=int(minutes)))
    except ValueError:
        return None


def position(place, notes: list[str]) -> tuple[float | None, float | None]:
    """(latitude, longitude) in degrees; (0, 0), 30/0 and what lies off the globe is nobody's place."""
    if 2 not in place and 4 not in place:
        return None, None
    latitude = degrees(place.get(2), place.get(1), "S")
    longitude = degrees(place.get(4), place.get(3), "W")
    sane = latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180
    if not sane or (latitude, longitude) == (0, 0):
        notes.append("照片里的定位读不懂（为零、缺项或超出范围），没有采用。")
        return None, None
    return round(latitude, 7), round(longitude, 7)


def degrees(parts, side, negative: str) -> float | None:
    """Degrees, minutes and seconds as one number."""
    try:
        whole, minutes, seconds = (number(part) for part in parts)
    except (TypeError, ValueError):
        return None
    if whole is None or minutes is None or seconds is None or not (0 <= minutes < 60 and 0 <= seconds < 60):
        return None
    found = whole + minutes / 60 + seconds / 3600
    return -found if str(side).strip("\0 ").upper() == negative else found


def number(value) -> float | None:
    """A rational of EXIF as a finite number: Pillow makes NaN of 30/0, and NaN is smaller than nothing."""
    try:
        found = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return found if math.isfinite(found) else None
