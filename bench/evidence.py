"""30 photos of 5 MB sent at once by 30 people: real web process, until each has its receipt."""

import io
import threading
import time
from statistics import median
from uuid import uuid4

import numpy
from django.core.management import call_command
from django.db import connections
from django.test import Client
from PIL import Image

from bench import land, towns
from bench.measure import Row
from bench.upload import LOGIN, Desk, Servers
from farmland.accounts.models import ApiToken
from parcels.models import Evidence, Parcel

PHOTOS, LEAST_BYTES = 30, 5_000_000
WIDTH, HEIGHT = 3000, 2250


def measure():
    town_year = towns.real_town()
    land.spread(town_year, PHOTOS, climb=False)
    user = towns.official(town_year.town)
    client = Client()
    client.force_login(user, backend=LOGIN)
    desk = Desk(town_year, user, ApiToken.issue(user), client.cookies["sessionid"].value)
    parcels = list(Parcel.objects.order_by("pk").values_list("pk", flat=True)[:PHOTOS])
    pictures = [picture(number) for number in range(PHOTOS)]
    call_command("collectstatic", interactive=False, verbosity=0)
    connections.close_all()
    with Servers(desk.port):
        desk.until(lambda: desk.ask("GET", "/login/"))
        took, all_of_them, refused = at_once(desk, parcels, pictures)
    kept = Evidence.objects.count()
    if refused or kept != PHOTOS:
        raise RuntimeError(f"{kept} of {PHOTOS} photos kept; {refused[:3]}")
    size = sum(map(len, pictures)) / PHOTOS / 1e6
    name = f"照片 {PHOTOS} 张 × {size:.1f} MB 同时上传"
    yield Row(f"{name}，全部收到", all_of_them, "s")
    yield Row(f"{name}，一张从发出到收到（中位）", median(took), "s")
    yield Row(f"{name}，最慢的一张", max(took), "s")


def picture(number: int) -> bytes:
    """A photo no encoder makes small, each another one."""
    noise = numpy.random.default_rng(number).integers(0, 256, (HEIGHT // 3, WIDTH // 3, 3), numpy.uint8)
    image = Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    for quality in (88, 92, 95, 98):
        data = io.BytesIO()
        image.save(data, "JPEG", quality=quality)
        if data.tell() >= LEAST_BYTES:
            break
    return data.getvalue()


def at_once(desk: Desk, parcels: list, pictures: list[bytes]) -> tuple[list[float], float, list]:
    took, refused, ready = [], [], threading.Barrier(len(pictures) + 1)

    def send(parcel, data: bytes) -> None:
        body, kind = form(parcel, data)
        headers = {"Authorization": f"Token {desk.token}", "Content-Type": kind, "Idempotency-Key": uuid4().hex}
        ready.wait()
        start = time.perf_counter()
        status, text = desk.ask("POST", "/api/v1/evidence/", body, headers)
        took.append(time.perf_counter() - start)
        if status != 201:
            refused.append((status, text[:200]))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(parcels, pictures, strict=True)]
    for one in threads:
        one.start()
    ready.wait()
    start = time.perf_counter()
    for one in threads:
        one.join()
    return took, time.perf_counter() - start, refused


def form(parcel, data: bytes) -> tuple[bytes, str]:
    mark = uuid4().hex
    fields = {"parcel": str(parcel), "phase": "after", "category": "photo"}
    head = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
    head += "Content-Type: image/jpeg\r\n\r\n"
    return head.encode() + data + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
