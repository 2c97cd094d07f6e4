#!/usr/bin/env python3
"""The one door of the Makefile: run, test, check, fix, prove, lock, shots.

Standard library only and plain syntax, because it runs before anything is installed and on whatever Python the
system calls python3; it looks for a Python 3.11-3.13 that really runs, makes .venv/ with it and works from there.
State is kept in FARMLAND_VAR (default var/) and nowhere else.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from start import ROOMS, ROOT, Start, digest, read
from supervise import Child, Failure, supervise

VENV = ROOT / ".venv"
VERSIONS = ("3.11", "3.12", "3.13")
UV = "uv==0.13.9"
PROBE = "import sys; print('%d.%d' % sys.version_info[:2], flush=True); import ctypes, sqlite3, ssl, venv, ensurepip"


# The environment


def probe(executable: str) -> tuple[str, str] | None:
    """(version, what is missing) of an interpreter; None when it does not run: a pyenv shim may exist and fail."""
    try:
        done = subprocess.run([executable, "-c", PROBE], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = done.stdout.strip()
    if not version:
        return None
    return version, "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def candidates() -> list[str]:
    """Interpreters worth trying: this one, every python3.1x on PATH (a broken shim may hide a good one), pyenv's."""
    found = [sys.executable]
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in VERSIONS:
        found += [str(folder / f"python{version}") for folder in folders]
        found += [str(path) for path in sorted(pyenv.glob(f"{version}*/bin/python"))]
    found += [str(folder / "python3") for folder in folders]
    return [path for path in dict.fromkeys(found) if path and Path(path).exists()]


def find_python(paths: list[str]) -> str:
    """The first of the paths that runs, is 3.11-3.13 and can make .venv; else Failure says what to do."""
    lacking = ""
    for path in paths:
        version, missing = probe(path) or ("", "")
        if version not in VERSIONS:
            continue
        if not missing:
            return path
        lacking = lacking or (
            f"Python {version}（{path}）不能建立虚拟环境：{missing}。\n"
            f"请运行：apt install python{version}-venv，然后重试。"
        )
    raise Failure(
        lacking
        or f"没有找到能运行的 Python 3.11–3.13（试过 {len(paths)} 个：{'、'.join(paths)}）。\n"
        "请安装其中一个，例如 Debian 12：apt install python3 python3-venv，然后重试。"
    )


@contextlib.contextmanager
def locked(path: Path, busy: str = ""):
    """Hold a file's lock: wait for it, or raise Failure(busy) at once when a text is given."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except OSError:
            raise Failure(busy) from None
        yield


def environment(name: str = "requirements.txt", root: Path = ROOT) -> Path:
    """The Python of .venv/ with the requirements in it; does nothing when the stamp says they have not changed."""
    venv, requirements = root / ".venv", root / name
    python, stamp, wanted = venv / "bin" / "python", venv / f"{name}.sha256", digest(requirements)
    if read(stamp) == wanted and python.exists():
        return python
    with locked(requirements):
        if read(stamp) == wanted and python.exists():  # another make was faster
            return python
        if (probe(str(python)) or ("",))[0] not in VERSIONS:
            base = find_python(candidates())
            subprocess.run([base, "-m", "venv", "--clear", str(venv)], check=True)
        print(f"正在安装 {name} …", flush=True)
        install(python, requirements)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def install(python: Path, requirements: Path) -> None:
    """Install the pins with uv, a tenth of pip's time; with pip where uv cannot be had."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    if subprocess.run([*pip, UV]).returncode == 0:
        uv = [str(python.with_name("uv")), "pip", "install", "--quiet", "--only-binary", ":all:"]
        if subprocess.run([*uv, "--python", str(python), "-r", str(requirements)]).returncode == 0:
            return
    print("uv 不可用，改用 pip …", flush=True)
    if subprocess.run([*pip, "-r", str(requirements)]).returncode:
        raise Failure(f"依赖没有装上（{requirements.name}），原因见上。请检查网络或软件源后重试。")


def state_folder() -> Path:
    """FARMLAND_VAR, absolute, made when missing and readable by its owner only."""
    var = Path(os.environ.get("FARMLAND_VAR") or ROOT / "var").resolve()
    var.mkdir(parents=True, exist_ok=True, mode=0o700)
    return var


# make run


def port_number() -> int:
    text = os.environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise Failure(f"PORT 应为 1–65535 的整数，现为“{text}”。例如：PORT=8001 make run。")
    return int(text)


def require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind((host, port))
        except OSError as error:
            raise Failure(
                f"不能在 {host}:{port} 上监听：{error.strerror}。"
                f"请停止占用它的程序，或换一个端口：PORT={port + 1} make run。"
            ) from None


def children(python: Path, var: Path, environ: dict[str, str], bind: str) -> list[Child]:
    """One web process with four threads, one worker with the scheduler in it: the embedded default."""
    web = ["-m", "gunicorn", "farmland.wsgi", "--bind", bind, "--worker-class", "gthread", "--workers", "1"]
    web += ["--threads", "4", "--timeout", "60", "--graceful-timeout", "10", "--limit-request-line", "4094"]
    web += ["--log-level", "warning", "--no-control-socket"]
    worker = ["-W", "ignore:You're running the worker with superuser"]  # in a container root is the only user
    worker += ["-m", "celery", "--quiet", "-A", "farmland", "worker", "-B", "--schedule", str(var / "beat")]
    worker += ["--concurrency", "1", "--pool", "prefork", "--loglevel", "WARNING"]
    worker += ["--without-gossip", "--without-mingle"]
    return [Child("网站", [str(python), *web], environ), Child("后台", [str(python), *worker], environ)]


def answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def run(_words: list[str]) -> int:
    """Everything from a fresh clone to a page: environment, schema, plans, demo data, web, worker, scheduler."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # while preparing, stop like Ctrl-C
    host, port = os.environ.get("HOST") or "127.0.0.1", port_number()
    python, var = environment(), state_folder()
    environ = {"LOG_LEVEL": "WARNING", **os.environ, "FARMLAND_VAR": str(var)}
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host

    def announce() -> None:
        print(f"地址: http://{shown}:{port}/", flush=True)
        if password := read(var / "demo_password"):
            print(f"演示口令: {password}", flush=True)

    with locked(var / "run.lock", busy=f"{var} 已有一个守田在运行。请先停止它，或用 FARMLAND_VAR 换一个目录。"):
        require_free(host, port)
        start = Start(python, var, environ)
        start.migrate()
        start.load()
        start.collect()
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        supervise(children(python, var, environ, bind), lambda: answers(shown, port), announce)
    return 0


# make test, prove, check, fix, lock


@contextlib.contextmanager
def scratch():
    """An environment whose state folder is thrown away: tests and checks never touch a running instance's state."""
    folder = tempfile.mkdtemp(prefix="test-", dir=state_folder())
    try:
        yield {**os.environ, "FARMLAND_VAR": folder}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pytest(words: list[str]) -> int:
    """Run pytest; where Chromium is on PATH (or CI demands it) with Playwright, so that browser tests run."""
    python = environment()
    if os.environ.get("FARMLAND_CI_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser"):
        environment("requirements-browser.txt")
    with scratch() as environ:
        return subprocess.run([str(python), "-m", "pytest", *words], env=environ).returncode


def test(words: list[str]) -> int:
    """The suite without the long proofs, a file at a time on every core (at most four); ``-n 0`` runs it in one."""
    spread = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadgroup", "--no-loadscope-reorder"]
    return pytest(["-m", "not slow", *spread, *words])


def prove(words: list[str]) -> int:
    return pytest(["-m", "slow or kills or browser", *words])


def check(_words: list[str]) -> int:
    """All checks, each whatever the others say; 0 only when every one is content."""
    python = str(environment())
    commands = [
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        [str(VENV / "bin" / "lint-imports"), "--no-logo"],
        ["-W", "error", "-m", "compileall", "-q", "-f", *ROOMS],
        ["manage.py", "makemigrations", "--check", "--dry-run"],
        ["manage.py", "check"],
    ]
    if any((ROOT / "templates").rglob("*.html")):
        commands.append(["-m", "djlint", "--quiet", "--check", "templates"])
    with scratch() as environ:
        failed = [command for command in commands if subprocess.run([python, *command], env=environ).returncode]
    for command in failed:
        print(f"未通过：{' '.join(command)}", file=sys.stderr)
    return 1 if failed else 0


def fix(_words: list[str]) -> int:
    python = str(environment())
    commands = [["ruff", "check", "--fix", "."], ["ruff", "format", "."]]
    if any((ROOT / "templates").rglob("*.html")):
        commands.append(["djlint", "--quiet", "--reformat", "templates"])  # 1 means: has changed something
    return max(subprocess.run([python, "-m", *command]).returncode for command in commands)


def lock(words: list[str]) -> int:
    """Pin requirements.in for every supported Python into requirements.txt (make lock ARGS=--upgrade for news)."""
    environment()
    command = [str(VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", VERSIONS[0]]
    command += ["--only-binary", ":all:", "--no-header", "--no-annotate", "requirements.in", "-o", "requirements.txt"]
    return subprocess.run([*command, *words]).returncode


def shots(_words: list[str]) -> int:
    """Take the pictures of the README from the instance that is running."""
    environment()
    python = environment("requirements-browser.txt")
    return subprocess.run([str(python), "scripts/shots.py"]).returncode


def bench(words: list[str]) -> int:
    """Measure against the limits of docs/performance.md (make bench ARGS="recompute api" for some of them)."""
    return subprocess.run([str(environment()), "bench/run.py", *words]).returncode


VERBS = {
    "run": run,
    "test": test,
    "check": check,
    "fix": fix,
    "prove": prove,
    "lock": lock,
    "shots": shots,
    "bench": bench,
}


def main(words: list[str]) -> int:
    if not words or words[0] not in VERBS:
        print(f"用法：python3 scripts/dev.py {'|'.join(VERBS)} [-- 其他参数]", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles all of Django again: 2.7 s each
    try:
        return VERBS[words[0]]([word for word in words[1:] if word != "--"])
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
