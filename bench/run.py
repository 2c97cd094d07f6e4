#!/usr/bin/env python
"""One table of ratios: python bench/run.py [recompute api export look imports overlaps upload …] [--json FILE]

Each measurement runs in a process of its own with a database of its own, first on SQLite and then, where a PostgreSQL
answers (BENCH_DATABASE_URL, by default postgres://postgres@127.0.0.1:5432/postgres, allowed to create databases), on
that. A limit is the least work that could do the job, measured in the same process; read the ratios, not the seconds.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
DATABASE = "farmland_bench"
MEASURES = {  # name → the databases it runs on
    "recompute": ("sqlite", "postgresql"),
    "api": ("sqlite", "postgresql"),
    "export": ("sqlite", "postgresql"),
    "look": ("sqlite", "postgresql"),
    "imports": ("sqlite", "postgresql"),
    "overlaps": ("sqlite", "postgresql"),
    "upload": ("sqlite", "postgresql"),
    "evidence": ("sqlite", "postgresql"),
    "start": ("sqlite",),
    "map": ("sqlite", "postgresql"),
    "million": ("postgresql",),
}


def main(words: list[str]) -> int:
    if words[:1] == ["--child"]:
        return child(words[1])
    target = words[words.index("--json") + 1] if "--json" in words else ""
    names = [word for word in words if word in MEASURES] or list(MEASURES)
    rows = []
    for name in names:
        for database in MEASURES[name]:
            found = run(name, database)
            rows += found
            say("", *lines(found))
    say("", heading(), "", *lines(rows))
    if target:
        Path(target).write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    return 1 if not rows else 0


def run(name: str, database: str) -> list[dict]:
    """The rows of one measurement on one database; none, with a word, where the server does not answer."""
    url = fresh_postgres() if database == "postgresql" else ""
    if url is None:
        say(f"{name}：PostgreSQL 不可用，跳过。")
        return []
    with tempfile.TemporaryDirectory(prefix="bench-") as var:
        environ = {
            **os.environ,
            "FARMLAND_VAR": var,
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "farmland.settings",
        }
        environ |= {"THROTTLE_TOKEN": "1000000/min", "THROTTLE_EXPORT": "1000000/hour"}
        for gone in ("DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE"):
            environ.pop(gone, None)
        if url:
            environ["DATABASE_URL"] = url
            if redis := os.environ.get("BENCH_REDIS_URL"):
                environ["REDIS_URL"] = redis
        command = [sys.executable, str(Path(__file__)), "--child", name]
        done = subprocess.run(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        say(f"{name}（{database}）没有完成，原因见上。")
    rows = [json.loads(line.removeprefix("ROW ")) for line in done.stdout.splitlines() if line.startswith("ROW ")]
    return [row | {"database": database} for row in rows]


def fresh_postgres() -> str | None:
    """The address of a new, empty database; None when no server answers."""
    import psycopg2

    given = os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    try:
        connection = psycopg2.connect(given, connect_timeout=3)
    except psycopg2.Error:
        return None
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
    connection.close()
    return urlsplit(given)._replace(path=f"/{DATABASE}").geturl()


def child(name: str) -> int:
    """In the process of one measurement: schema, then one line per row."""
    from importlib import import_module

    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for row in import_module(f"bench.{name}").measure():
        say(f"ROW {json.dumps(row.as_json(), ensure_ascii=False)}")
    return 0


def heading() -> str:
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    machine = f"{os.cpu_count()} 核，{platform.system()} {platform.machine()}，Python {platform.python_version()}"
    return f"{datetime.now().astimezone():%Y-%m-%d}，{machine}，负载 {load}"


def lines(rows: list[dict]) -> list[str]:
    """The table in Markdown."""
    from bench.measure import Row

    head = ["事项", "库", "本品", "下限", "÷ 下限", "常用做法", "胜过", "目标", "达到"]
    found = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for facts in rows:
        row = Row(**facts)
        limit = f"{number(row.limit)} {row.limit_name}" if row.limit else ""
        peer = f"{number(row.peer)} {row.peer_name}" if row.peer else ""
        met = {True: "是", False: "否", None: ""}[row.met]
        ratio = f"{row.ratio:.2f}" if row.ratio else ""
        gain = f"{row.gain:.1f} ×" if row.gain else ""
        ours = f"{number(row.ours)} {row.unit}"
        found.append(f"| {' | '.join([row.job, row.database, ours, limit, ratio, peer, gain, row.goal, met])} |")
    return found


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def say(*texts: str) -> None:
    for text in texts:
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
