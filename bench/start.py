"""How long a start takes: manage.py check, make run for the first and the second time (P9)."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from django.conf import settings

from bench.measure import REPEATS, Row, once

LONGEST = 300


def measure():
    root = Path(settings.BASE_DIR)
    check = [sys.executable, "manage.py", "check"]

    def checked():
        subprocess.run(check, cwd=root, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    checked()
    spent = median(once(checked) for _ in range(REPEATS))
    yield Row("manage.py check", spent, "s", goal="≤ 2 s", met=spent <= 2)
    with tempfile.TemporaryDirectory(prefix="bench-run-") as var:
        first = run(root, var)
        again = median(run(root, var) for _ in range(REPEATS))
    yield Row("make run 第一次（环境已装好）", first, "s")
    yield Row("make run 第二次", again, "s", goal="≤ 5 s", met=again <= 5)
    with tempfile.TemporaryDirectory(prefix="bench-clone-") as folder:
        clone = Path(folder) / "farmland"
        subprocess.run(["git", "clone", "--quiet", "--shared", str(root), str(clone)], check=True)
        whole = run(clone, str(clone / "var"))
    yield Row("make run 第一次（新克隆，含安装，软件包已缓存）", whole, "s", goal="< 90 s", met=whole < 90)


def run(root: Path, var: str) -> float:
    """Seconds from the command to the printed address; then Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {**os.environ, "FARMLAND_VAR": var, "PORT": str(port)}
    for gone in ("DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV"):
        environ.pop(gone, None)
    start = time.perf_counter()
    command = [sys.executable, "scripts/dev.py", "run"]
    with subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if line.startswith("地址"):
                    return time.perf_counter() - start
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LONGEST)
    raise RuntimeError("make run did not print an address")
