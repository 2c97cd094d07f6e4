"""The child's side of the sandbox: limits first, then the parser. Run by path, with the standard library only.

Exit codes: 0 the answer is on stdout; 71 memory; 72 file size; 1 any other error, with its traceback on stderr.
"""

import resource
import sys


def limit(cpu: int, memory: int, file: int) -> None:
    """Soft limits raise or signal inside the child, hard ones kill; a second of CPU is left between the two."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file, file))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    if sys.platform != "darwin":  # macOS does not know it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


REFUSED = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.kill", "pty.")


def refuse(event: str, arguments) -> None:
    """An audit hook (it cannot be removed): no sockets, no other processes."""
    if event.startswith(REFUSED) and event != "socket.gethostname":
        raise PermissionError(f"{event} is refused in the sandbox")


def shallow_packages() -> None:
    """``farmland`` and its rooms without their ``__init__``, which would start Celery and Django."""
    import types
    from pathlib import Path

    package = types.ModuleType("farmland")
    package.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules["farmland"] = package
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))


def main() -> int:
    import importlib
    import json

    limits, target, *texts = sys.argv[1:]
    limit(**json.loads(limits))
    shallow_packages()
    sys.addaudithook(refuse)
    try:
        module, _, name = target.partition(":")
        answer = getattr(importlib.import_module(module), name)(sys.stdin.buffer, *texts)
        if not isinstance(answer, bytes):
            answer = json.dumps(answer, ensure_ascii=False).encode()
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    except MemoryError:
        return 71
    except OSError as error:
        if error.errno == 27:  # EFBIG, as SIGXFSZ is ignored by the interpreter
            return 72
        raise
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
