"""A village form of 300 rows handed in until the village's page of 总览 shows the new figure: real web process, real
worker (P8)."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client

from bench import land, papers, towns
from bench.measure import REPEATS, Row
from farmland.accounts.models import ApiToken
from farmland.lib.numbers import fixed
from farmland.places.models import Division
from parcels.models import Parcel
from tasks.forms.facts import issue_form
from tasks.services import recompute

ROWS = 300
LONGEST = 30  # seconds to wait for the figure
LOGIN = "django.contrib.auth.backends.ModelBackend"


def measure():
    town_year = towns.real_town()
    villages = list(Division.objects.filter(town=town_year.town).exclude(pk=town_year.town_id).order_by("path"))
    for number, village in enumerate(villages[: REPEATS + 1]):
        land.spread(town_year, ROWS, first=1 + number * ROWS, climb=False, only=village)
    recompute(town_year.town, town_year.year)
    user = towns.official(town_year.town)
    client = Client()
    client.force_login(user, backend=LOGIN)
    desk = Desk(town_year, user, ApiToken.issue(user), client.cookies["sessionid"].value)
    call_command("collectstatic", interactive=False, verbosity=0)
    asked = villages[: REPEATS + 1]
    forms = {village: papers.filled(issue_form(village, town_year.year, user)[1]) for village in asked}
    connections.close_all()
    with Servers(desk.port):
        desk.until(lambda: desk.ask("GET", "/login/"))
        times = [desk.hand_in(village, data) for village, data in forms.items()][1:]  # the first warms up
    answered, shown = (median(found) for found in zip(*times, strict=True))
    most = 1 if settings.REDIS_URL else 2
    words = "Redis" if settings.REDIS_URL else "嵌入式"
    yield Row(f"村表 {ROWS} 行：上传到回执（{words}）", answered, "s")
    yield Row(f"村表 {ROWS} 行：上传到总览数字变化（{words}）", shown, "s", goal=f"≤ {most} s", met=shown <= most)


class Servers:
    """The web process and the worker, started with the commands of ``make run``."""

    def __init__(self, port: int):
        sys.path.insert(0, str(settings.BASE_DIR / "scripts"))
        from dev import children

        python = Path(sys.executable)
        environ = {**os.environ, "LOG_LEVEL": "ERROR"}
        self.children = children(python, settings.VAR, environ, f"127.0.0.1:{port}")
        self.running: list[subprocess.Popen] = []

    def __enter__(self):
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        self.running = [subprocess.Popen(one.command, env=one.environ, **quiet) for one in self.children]
        return self

    def __exit__(self, *_):
        for one in self.running:
            one.terminate()
        for one in self.running:
            try:
                one.wait(20)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


class Desk:
    """Somebody at a browser: hands a form in and looks at 总览 until the figure is there."""

    def __init__(self, town_year, user, token: str, session: str):
        self.town_year, self.user, self.token, self.session = town_year, user, token, session
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def get(self, path: str) -> str:
        return self.ask("GET", path, headers={"Cookie": f"sessionid={self.session}"})[1]

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None) -> tuple[int, str]:
        door = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            door.request(method, path, body, headers or {})
            answer = door.getresponse()
            return answer.status, answer.read().decode()
        finally:
            door.close()

    def hand_in(self, village: Division, data: bytes) -> tuple[float, float]:
        """Seconds until the receipt, and until the page shows what the village has planted now."""
        rows = Parcel.objects.filter(division=village, kind="abandonment").values_list("gross_mu", flat=True)
        expected = f"已种植 {fixed(sum(rows))}"
        connections.close_all()
        overview = f"/{self.town_year.town.slug}/{self.town_year.year}/villages/{village.code}/"
        if expected in words(self.get(overview)):
            raise RuntimeError(f"{village}: {expected} is shown before the form is in")
        body, kind = multipart(data)
        headers = {"Authorization": f"Token {self.token}", "Content-Type": kind, "Idempotency-Key": uuid4().hex}
        start = time.perf_counter()
        status, text = self.ask("POST", "/api/v1/forms/", body, headers)
        if status != 201:
            raise RuntimeError(f"{village}: {status} {text[:300]}")
        answered = time.perf_counter() - start
        self.until(lambda: expected in words(self.get(overview)))
        return answered, time.perf_counter() - start

    def until(self, happens) -> None:
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            try:
                if happens():
                    return
            except OSError:
                pass  # the web process is not there yet
            time.sleep(0.05)
        raise RuntimeError("nothing happened")


def words(page: str) -> str:
    """What stands on a page, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def multipart(data: bytes) -> tuple[bytes, str]:
    mark = uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="form.xlsx"\r\n\r\n'
    return head.encode() + data + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
