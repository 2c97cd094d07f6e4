"""What a start does before the first page: schema, plans, demo data, static files; quick when nothing has changed.

Standard library only, like dev.py which calls it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

from supervise import Failure

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("farmland", "parcels", "tasks", "subsidies", "scripts", "tests", "bench")
UNUSED_STATIC = ("--ignore", "redoc", "--ignore", "rest_framework")  # the API answers JSON, its page is Swagger


def digest(*paths: Path) -> str:
    """sha256 over the contents of the files, in the order given."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


class Start:
    """What a start has to do once per database, remembered in FARMLAND_VAR so that the next start is quick."""

    def __init__(self, python: Path, var: Path, environ: dict[str, str]):
        self.python, self.var, self.environ = str(python), var, environ
        database = hashlib.sha256(environ.get("DATABASE_URL", "").encode()).hexdigest()[:12]
        self.path = var / f"start-{database}.json"
        self.done = json.loads(read(self.path) or "{}")

    def note(self, **facts) -> None:
        self.done.update(facts)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(self.done, indent=1), encoding="utf-8")
        draft.replace(self.path)

    def manage(self, *words: str) -> None:
        """Run a management command; its own output is shown."""
        if subprocess.run([self.python, "manage.py", *words], env=self.environ).returncode:
            raise Failure(f"启动中止：manage.py {' '.join(words)} 失败，原因见上。")

    def schema(self) -> str:
        """What the migration files and the applied migrations say; "" where that cannot be read without Django."""
        if self.environ.get("DATABASE_URL"):
            return ""
        uri = f"{(self.var / 'farmland.sqlite3').as_uri()}?mode=ro"
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
                applied = database.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
        except sqlite3.Error:
            return ""
        files = sorted(path for room in ROOMS for path in (ROOT / room).glob("**/migrations/*.py"))
        return hashlib.sha256(f"{digest(ROOT / 'requirements.txt', *files)} {applied}".encode()).hexdigest()

    def migrate(self) -> None:
        """Bring the schema up to date; a database that gets its very first table is new and gets the demo data."""
        if self.done.get("schema") and self.done["schema"] == self.schema():
            return
        command = [self.python, "manage.py", "migrate", "--noinput", "--no-color"]
        with subprocess.Popen(command, env=self.environ, stdout=subprocess.PIPE, text=True) as process:
            printed = []
            for line in process.stdout:
                printed.append(line)
                if "Applying contenttypes.0001_initial" in line:
                    self.done = {"demo": "due", "static": self.done.get("static")}
                    self.note()
        if process.returncode:
            sys.stdout.writelines(printed)
            raise Failure("启动中止：manage.py migrate 失败，原因见上。")
        self.note(schema=self.schema())

    def load(self) -> None:
        """Load the plan files that are new or changed (all with the dictionary), then a new database's demo."""
        plans = ROOT / "plans"
        wanted = {path.name: digest(path, plans / "dictionary.yaml") for path in sorted(plans.glob("*-*.yaml"))}
        loaded = self.done.get("plans", {})
        if changed := [f"plans/{name}" for name, state in wanted.items() if loaded.get(name) != state]:
            self.manage("load_plan", *changed)
            self.note(plans=wanted)
        if self.done.get("demo") == "due":
            self.manage("load_demo")
            self.note(demo="loaded")

    def collect(self) -> None:
        """collectstatic when a static file or a package that ships some has changed."""
        files = [path for room in (".", *ROOMS) for path in sorted((ROOT / room / "static").rglob("*"))]
        seen = [f"{path} {path.stat().st_mtime_ns}" for path in files if path.is_file()]
        state = hashlib.sha256("\n".join([*seen, digest(ROOT / "requirements.txt")]).encode()).hexdigest()
        if self.done.get("static") != state or not (self.var / "static" / "staticfiles.json").exists():
            self.manage("collectstatic", "--noinput", "--verbosity", "0", *UNUSED_STATIC)
            self.note(static=state)
