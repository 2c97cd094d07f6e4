"""Photos made for tests: a field in colours, with the EXIF that is asked for."""

import zlib
from io import BytesIO
from random import Random

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

ORIGINAL_TIME, OFFSET, ORIENTATION = 0x9003, 0x9011, 0x0112
PLACE = {"latitude": (29, 50, 12.0), "longitude": (106, 3, 36.0)}  # 29.8366667, 106.06


def field(size=(1200, 900), seed=1, mode="RGB"):
    """A picture that looks like no other of another seed."""
    random = Random(seed)
    image = Image.new("RGB", size, "#cfe3d5")
    pen = ImageDraw.Draw(image)
    for _ in range(24):
        x, y = random.randrange(size[0]), random.randrange(size[1])
        color = tuple(random.randrange(40, 220) for _ in range(3))
        pen.rectangle((x, y, x + size[0] // 4, y + size[1] // 4), fill=color)
    return image.convert(mode)


def exif(taken="2024:10:05 10:26:00", offset=None, place=PLACE, direction=None, orientation=None, more=None):
    tags = Image.Exif()
    if orientation:
        tags[ORIENTATION] = orientation
    inside = tags.get_ifd(0x8769)
    if taken:
        inside[ORIGINAL_TIME] = taken
    if offset:
        inside[OFFSET] = offset
    gps = tags.get_ifd(0x8825)
    if place:
        gps.update({1: "N", 2: place["latitude"], 3: "E", 4: place["longitude"]})
    if direction is not None:
        gps.update({16: "T", 17: direction})
    gps.update(more or {})
    return tags.tobytes()


def jpeg(image=None, **more) -> bytes:
    out = BytesIO()
    (image or field()).save(out, "JPEG", quality=85, **more)
    return out.getvalue()


def png(image=None, **more) -> bytes:
    out = BytesIO()
    (image or field()).save(out, "PNG", **more)
    return out.getvalue()


def huge_png(width=20_000, height=10_000) -> bytes:
    """A header that announces 200 megapixels, and hardly any bytes behind it."""
    out = bytearray(png(Image.new("1", (8, 8))))
    out[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    out[29:33] = zlib.crc32(bytes(out[12:29])).to_bytes(4, "big")
    return bytes(out)


def upload(data: bytes, name="IMG_0001.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def rational(over: int, under: int) -> IFDRational:
    return IFDRational(over, under)
