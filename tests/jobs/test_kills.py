"""Real workers, killed with SIGKILL in the middle of a job: everything ends, nothing happens twice.

On SQLite and the file broker by default; on PostgreSQL and Redis where DATABASE_URL and REDIS_URL are set.
"""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

pytestmark = pytest.mark.kills
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds until a thing that must happen has not happened; a slow machine is no failure
SETUP = "from django.db import connection as c; c.cursor().execute('CREATE TABLE effect (job text, attempt integer)')"


class Site:
    """A state folder, a database and a broker of their own, and the worker processes on them."""

    def __init__(self, var: Path, database_url: str):
        self.environ = {
            **{key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "FARMLAND_VAR"}},
            "FARMLAND_VAR": str(var),
            "DJANGO_SETTINGS_MODULE": "farmland.settings",
            "CELERY_SKIP_CHECKS": "1",
            "JOB_LEASE_SECONDS": "3",
            "JOB_HEARTBEAT_SECONDS": "1",
            "JOB_SWEEP_SECONDS": "1",
        }
        if database_url:
            self.environ["DATABASE_URL"] = database_url
        self.log = var / "worker.log"
        self.workers = []

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, code: str) -> str:
        return self.manage("shell", "--no-imports", "-c", code)

    def query(self, statement: str) -> list[tuple]:
        """Read straight from the database: a Django process for each look would take two seconds."""
        if url := self.environ.get("DATABASE_URL"):
            return postgres(statement, url)
        with contextlib.closing(sqlite3.connect(self.log.parent / "farmland.sqlite3", timeout=20)) as connection:
            return connection.execute(statement).fetchall()

    def start_worker(self) -> subprocess.Popen:
        command = [
            "celery",
            "-A",
            "tests.jobs.worker_app",
            "worker",
            "-B",
            "--schedule",
            str(self.log.parent / "beat"),
        ]
        command += ["--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen) -> None:
        """SIGKILL to the worker, its pool and its scheduler at once, as a power cut or the OOM killer would."""
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def jobs(self) -> list:
        """(kind, state, attempts, times its effect is in the database) of every job."""
        jobs = self.query("SELECT id, kind, state, attempts FROM jobs_job")
        effects = dict(
            self.query("SELECT job, count(*) FROM effect GROUP BY job")
        )  # after: a done job's are all there
        return [(*job, effects.get(str(uuid.UUID(str(pk))), 0)) for pk, *job in jobs]

    def wait(self, until, seconds: float) -> list:
        end = time.monotonic() + seconds
        while not until(jobs := self.jobs()):
            assert time.monotonic() < end, f"{jobs}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.1)
        return jobs


def postgres(statement: str, url: str = "") -> list[tuple]:
    import psycopg2

    with contextlib.closing(psycopg2.connect(url or os.environ["DATABASE_URL"])) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    url, name = os.environ.get("DATABASE_URL", ""), f"farmland_kills_{os.getpid()}"
    own = url.startswith("postgres")
    if own:
        postgres(f"CREATE DATABASE {name}")
        url = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    site = Site(tmp_path_factory.mktemp("site"), url if own else "")
    try:
        site.manage("migrate", "--verbosity", "0")
        site.shell(SETUP)
        yield site
    finally:
        for worker in site.workers:
            site.kill(worker)
        if own:
            postgres(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def empty(site):
    """Each test starts with its own jobs, its own log and no worker."""
    yield
    for worker in site.workers:
        site.kill(worker)
    site.workers.clear()
    site.log.unlink(missing_ok=True)
    site.shell("from farmland.jobs.models import Job; Job.objects.all().delete()")


ENQUEUE = """
from farmland.jobs.services import enqueue
enqueue("proof.fenced", args={"seconds": 60}, priority=9)
enqueue("proof.unfenced", args={"seconds": 60}, priority=8)
for number in range(6):
    enqueue("proof.fenced", dedupe_key=f"town:{number % 3}")
for number in range(6):
    enqueue("proof.fenced")
"""


def test_after_a_kill_every_job_ends_and_nothing_is_done_twice(site):
    worker = site.start_worker()
    site.wait(lambda _: "ready" in site.log.read_text(), PATIENCE)
    site.shell(ENQUEUE)
    slow = ("proof.fenced", "running", 1, 0), ("proof.unfenced", "running", 1, 1)
    site.wait(lambda jobs: all(any(job == one for job in jobs) for one in slow), PATIENCE)
    site.kill(worker)
    site.shell(ENQUEUE.replace('"seconds": 60', '"seconds": 0'))  # queued while no worker lives

    site.start_worker()
    jobs = site.wait(lambda jobs: all(job[1] == "done" for job in jobs), PATIENCE)

    counted = {"proof.fenced": set(), "proof.unfenced": set()}
    for kind, _, attempts, effects in jobs:
        counted[kind].add((attempts, effects))
    assert counted["proof.fenced"] == {(1, 1), (2, 1)}, "a fenced job has its effect once, also at the second attempt"
    assert counted["proof.unfenced"] == {(1, 1), (2, 2)}, "the control without a fence shows that doubles are seen"


RACE = """
import json, threading, time
from django.db import connection, transaction
from django.utils import timezone
from farmland.jobs import services
from farmland.jobs.models import Job

def race(work, count=8):
    barrier, answers = threading.Barrier(count), []
    def one(number):
        barrier.wait()
        answers.append(work(number))
        connection.close()
    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return [answer for answer in answers if answer]

looked = threading.Barrier(8)
def careless(number):
    is_free = Job.objects.filter(pk=job.pk, state="queued").exists()
    looked.wait()
    if is_free:
        return Job.objects.filter(pk=job.pk).update(state="running", lease_until=timezone.now())

claims, careless_claims, keyed, queued = [], [], [], []
for turn in range(10):
    job = services.enqueue("proof.fenced")
    claims.append(len(race(lambda number: services.claim(job.pk))))
    job = services.enqueue("proof.fenced")
    careless_claims.append(len(race(careless)))
    queued.append(len({one.pk for one in race(lambda number: services.enqueue("x", dedupe_key=f"k{turn}"))}))
    first = Job.objects.get(dedupe_key=f"k{turn}")
    services.claim(first.pk)
    second = services.enqueue("x", dedupe_key=f"k{turn}")
    Job.objects.filter(pk=first.pk).update(lease_until=timezone.now())
    both = (first.pk, second.pk)
    keyed.append(len(race(lambda number: services.claim(both[number % 2]))))
order = []
job = services.enqueue("x", dedupe_key="seen")
joined = threading.Event()
def join_or_claim(number):
    if number:
        joined.wait()
        services.claim(job.pk)
        order.append("claimed")
    else:
        with transaction.atomic():
            assert services.enqueue("x", dedupe_key="seen") == job
            joined.set()
            time.sleep(0.6)
            order.append("committing")
race(join_or_claim, 2)
print(json.dumps([order, claims, careless_claims, queued, keyed]))
"""


def test_of_eight_threads_exactly_one_claims_a_job_and_one_of_a_key(site):
    order, claims, careless, queued, keyed = json.loads(site.shell(RACE).splitlines()[-1])
    assert claims == [1] * 10
    assert queued == [1] * 10
    assert keyed == [1] * 10, "never two running jobs of one key"
    assert order == ["committing", "claimed"], "a request that joined a queued job commits before that job starts"
    assert careless == [8] * 10, "the control, which looks before it writes, shows that the race happens"


@pytest.mark.slow
def test_a_hung_worker_that_wakes_up_writes_nothing(site):
    hung = site.start_worker()
    site.wait(lambda _: "ready" in site.log.read_text(), PATIENCE)
    site.shell("from farmland.jobs.services import enqueue; enqueue('proof.fenced', args={'seconds': 12})")
    site.wait(lambda jobs: ("proof.fenced", "running", 1, 0) in jobs, PATIENCE)
    os.killpg(hung.pid, signal.SIGSTOP)
    site.start_worker()
    site.wait(lambda jobs: ("proof.fenced", "done", 2, 1) in jobs, PATIENCE)
    os.killpg(hung.pid, signal.SIGCONT)
    site.wait(lambda _: "another worker has it" in site.log.read_text(), PATIENCE)
    assert all(effects == 1 for kind, _, _, effects in site.jobs() if kind == "proof.fenced")
