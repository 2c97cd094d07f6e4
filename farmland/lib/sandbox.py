"""Untrusted files are parsed in a child process with limits: a bomb or a broken parser ends there, not here.

The child gets a clean environment, an empty temporary folder, limits on memory, CPU, file size and open files, no
core dump, no sockets and no further processes; it and all it started are killed when the wall clock runs out. Django
and Celery are not imported in it (a call costs about 50 ms plus the imports of the parser itself).
"""

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

logger = logging.getLogger(__name__)
CHILD = Path(__file__).with_name("sandbox_child.py")
MEGABYTE = 1024 * 1024
STOPPED = "已停止。请检查文件是否过大或损坏，拆分后再传。"
EXIT_MEMORY, EXIT_FILE_SIZE = 71, 72  # as in sandbox_child.py


class SandboxError(Exception):
    """The child gave no answer; the text is Chinese and may be shown to the user."""


class TimedOut(SandboxError):
    """Wall clock or CPU time used up."""


class TooLarge(SandboxError):
    """The answer, a temporary file or the memory exceeded its limit."""


class Crashed(SandboxError):
    """The child died or raised; ``detail`` holds the end of its error output for the log, never for the user."""

    def __init__(self, message: str, detail: str = ""):
        super().__init__(message)
        self.detail = detail


def run_child(
    target: str | Sequence[str],
    payload: bytes | str | Path,
    *,
    wall_seconds: float,
    cpu_seconds: int,
    memory_bytes: int,
    output_limit: int,
) -> bytes:
    """Run ``target`` in the child and return the bytes it answered.

    ``target``: ``"package.module:function"`` or a list of it and texts. The function is called as
    ``function(stdin, *texts)`` with a seekable binary file; bytes it returns are the answer as they are, anything else
    becomes JSON. ``payload``: the file's bytes, or the path of the file (text or Path).
    Raises TimedOut, TooLarge or Crashed; sizes in bytes, ``memory_bytes`` is address space (an interpreter with
    openpyxl needs about 150 MB).
    """
    target = [target] if isinstance(target, str) else list(target)
    limits = json.dumps({"cpu": cpu_seconds, "memory": memory_bytes, "file": output_limit})
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder, _open(payload) as source:
        errors = Path(folder, "stderr")
        with errors.open("wb") as error_file:
            child = subprocess.Popen(
                [sys.executable, "-I", "-B", "-X", "utf8", str(CHILD), limits, *target],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=error_file,
                cwd=folder,
                env=_environment(folder),
                start_new_session=True,
            )
        try:
            answer = _read(child, time.monotonic() + wall_seconds, wall_seconds, output_limit)
        finally:
            _kill(child)
        if child.returncode:
            raise _failure(child.returncode, errors, cpu_seconds, memory_bytes, output_limit)
    return answer


def run_child_json(target: str | Sequence[str], payload: bytes | str | Path, **limits):
    """As ``run_child``, with the answer read as JSON."""
    return json.loads(run_child(target, payload, **limits))


def _open(payload: bytes | str | Path) -> BinaryIO:
    """The payload as a real file: a pipe could block, and zip readers need to seek."""
    if isinstance(payload, (str, Path)):
        return Path(payload).open("rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed by the caller's with
    file.write(payload)
    file.seek(0)
    return file


def _environment(folder: str) -> dict[str, str]:
    """Nothing of ours: no secret key, no database address."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": folder,
        "TMPDIR": folder,
        "OPENBLAS_NUM_THREADS": "1",
        "OGR_SKIP": "OGR_VRT,HTTP,WFS,CSW,OAPIF,OGCAPI,GDALG",
    }


def _read(child: subprocess.Popen, deadline: float, wall_seconds: float, output_limit: int) -> bytes:
    answer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise TimedOut(
                    f"处理这个文件超过了 {wall_seconds:g} 秒，已停止。请检查文件是否过大或损坏，拆分后再传。"
                )
            chunk = os.read(child.stdout.fileno(), 64 * 1024)
            if not chunk:
                break
            answer += chunk
            if len(answer) > output_limit:
                raise TooLarge(f"文件内容展开后超过 {_megabytes(output_limit)} MB 的上限，请拆分后再传。")
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            raise TimedOut(f"处理这个文件超过了 {wall_seconds:g} 秒，{STOPPED}")
        time.sleep(0.002)
    return bytes(answer)


def _kill(child: subprocess.Popen) -> None:
    """The whole process group, also after success: nothing the child started outlives it.

    The child is not yet reaped here, so its number cannot belong to anybody else.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.stdout.close()
    child.wait()


def _failure(code: int, errors: Path, cpu_seconds: int, memory_bytes: int, output_limit: int) -> SandboxError:
    detail = errors.read_bytes()[-4000:].decode("utf-8", "replace")
    if code == EXIT_MEMORY:
        return TooLarge(f"处理这个文件需要的内存超过 {_megabytes(memory_bytes)} MB，请删去多余的行列或拆分后再传。")
    if code in (EXIT_FILE_SIZE, -signal.SIGXFSZ):
        return TooLarge(f"文件内容展开后超过 {_megabytes(output_limit)} MB 的上限，请拆分后再传。")
    if code == -signal.SIGXCPU:
        return TimedOut(
            f"处理这个文件用了超过 {cpu_seconds} 秒的计算时间，已停止。请检查文件是否过大或损坏，拆分后再传。"
        )
    logger.warning("sandbox child failed code=%d detail=%s", code, detail.replace("\n", " | "))
    return Crashed("文件读不出来，可能已损坏。请用 Excel 或 WPS 打开后另存为新文件再传。", detail)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f}".removesuffix(".0")
