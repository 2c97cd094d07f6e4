"""What every measurement hands over, and the clocks it uses. All figures are medians of several goes in one run."""

import gc
import resource
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

REPEATS = 3


@dataclass
class Row:
    """One line of the table; ``limit`` and ``peer`` are of the same run, ``goal`` is words and ``met`` its test."""

    job: str
    ours: float
    unit: str
    limit: float | None = None
    limit_name: str = ""
    peer: float | None = None
    peer_name: str = ""
    goal: str = ""
    met: bool | None = None
    database: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours against the limit; for a rate the limit against ours, so that smaller is always better."""
        if not self.limit or not self.ours:
            return None
        return self.limit / self.ours if self.unit.endswith("/s") else self.ours / self.limit

    @property
    def gain(self) -> float | None:
        """How many times better than the peer."""
        if not self.peer or not self.ours:
            return None
        return self.ours / self.peer if self.unit.endswith("/s") else self.peer / self.ours

    def as_json(self) -> dict:
        return asdict(self)


def seconds(job: Callable, repeats: int = REPEATS) -> float:
    """Median wall time of ``repeats`` goes, after one to warm up."""
    job()
    return median(once(job) for _ in range(repeats))


def once(job: Callable) -> float:
    gc.collect()
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def alternately(*jobs: Callable, repeats: int = REPEATS) -> list[float]:
    """Median wall times of several jobs, taken in turn, so that a busy moment meets all of them alike."""
    for job in jobs:
        job()
    goes = [[once(job) for job in jobs] for _ in range(repeats)]
    return [median(times) for times in zip(*goes, strict=True)]


def cpu() -> float:
    """CPU seconds of this process and the children it has waited for, user and system."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


class ChildrenPeak:
    """The most resident memory in MB of any child whose command names ``word``, looked at every few milliseconds.

    ``ru_maxrss`` of a child says how large its parent was when it was started.
    """

    def __init__(self, word: str):
        self.word, self.most, self.ended = word.encode(), 0.0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self.thread.join()

    def _watch(self):
        while not self.ended.wait(0.005):
            for task in Path("/proc/self/task").glob("*/children"):
                with suppress(OSError):
                    for child in task.read_text().split():
                        self._look(Path("/proc", child))

    def _look(self, child: Path):
        with suppress(OSError, StopIteration):
            if self.word in (child / "cmdline").read_bytes():
                lines = (child / "status").read_text().splitlines()
                self.most = max(
                    self.most, int(next(one for one in lines if one.startswith("VmHWM")).split()[1]) / 1024
                )


def rate(job: Callable, lasting: float = 1.5) -> float:
    """How often per second ``job`` runs in this thread."""
    job()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < lasting:
        job()
        count += 1
    return count / (time.perf_counter() - start)


def rates(*jobs: Callable, repeats: int = REPEATS) -> list[float]:
    goes = [[rate(job, 1.0) for job in jobs] for _ in range(repeats)]
    return [median(found) for found in zip(*goes, strict=True)]


class DatabaseTime:
    """Counts statements and the time spent in them: ``with connection.execute_wrapper(found := DatabaseTime())``."""

    def __init__(self):
        self.seconds, self.count = 0.0, 0

    def __call__(self, execute, sql, params, many, context):
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - start
            self.count += 1


def memory() -> float:
    """Resident memory of this process now, in MB (on systems without /proc the peak so far)."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_from_here() -> float:
    """Resident memory now, in MB; ``peak`` counts from here where the system allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return memory()


def peak() -> float:
    """The most resident memory this process has had since ``peak_from_here``, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
