"""Keep the web process and the worker running, start them again when they die, stop them cleanly.

Standard library only, like dev.py which calls it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

READY_SECONDS = 60
STOP_SECONDS = 15


class Failure(Exception):
    """What went wrong and what to do, in words for the person at the terminal."""


def die_with_parent() -> None:
    """Linux: ask for SIGTERM when the supervisor is killed with -9: no child outlives it (PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Child:
    """A command that has to run: started again when it dies, at once, then ever more slowly while it keeps dying.

    It leads its own process group, so that Ctrl-C reaches only us and what a killed leader left behind (the pool and
    the scheduler of a worker) is cleared before the next one starts.
    """

    def __init__(self, name: str, command: list[str], environ: dict[str, str], delays=(0.5, 1, 2, 5, 10, 30)):
        self.name, self.command, self.environ, self.delays = name, command, environ, delays
        self.process: subprocess.Popen | None = None
        self.deaths, self.started, self.due = 0, 0.0, 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    def dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def tend(self) -> None:
        """Look once: note a death, or start again when its time has come."""
        now = time.monotonic()
        if self.dead():
            self.clear()
            self.deaths = 0 if now - self.started > 60 else self.deaths
            delay = self.delays[min(self.deaths, len(self.delays) - 1)]
            print(
                f"{self.name} 已退出（{self.process.returncode}），{delay} 秒后重新启动。", file=sys.stderr, flush=True
            )
            self.process, self.deaths, self.due = None, self.deaths + 1, now + delay
        elif self.process is None and now >= self.due:
            self.start()

    def clear(self) -> None:
        """Kill what is left of the process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def ask_to_stop(self) -> None:
        if self.process is not None and not self.dead():
            self.process.terminate()  # the leader only: a worker ends its own pool after the job in hand

    def wait_stopped(self, deadline: float) -> None:
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, deadline - time.monotonic()))
            self.clear()
            self.process.wait()


def wait_ready(family: list[Child], ready, asked: list[int]) -> bool:
    """True when ready() says so, False when asked to stop first; Failure when a child dies or the time is over."""
    began = time.monotonic()
    while not asked:
        if ready():
            return True
        for child in family:
            if child.dead():
                raise Failure(f"{child.name}没有启动成功，原因见上。")
        if time.monotonic() - began > READY_SECONDS:
            raise Failure(f"网站在 {READY_SECONDS} 秒内没有应答。")
        time.sleep(0.1)
    return False


def supervise(family: list[Child], ready, announce) -> None:
    """Run the children until SIGINT, SIGTERM or SIGHUP; announce() once when ready() first says yes."""
    asked: list[int] = []
    hangup = () if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)  # nohup is respected
    for number in (signal.SIGINT, signal.SIGTERM, *hangup):
        signal.signal(number, lambda number, _frame: asked.append(number))
    try:
        for child in family:
            child.start()
        if wait_ready(family, ready, asked):
            announce()
        while not asked:
            for child in family:
                child.tend()
            time.sleep(0.1)
    finally:
        for child in family:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in family:
            child.wait_stopped(deadline)
