"""What the sandbox's tests run in the child: good, hung, hungry, loud and rude functions."""

import os
import socket
import subprocess
import sys
import time


def sizes(stdin, *texts):
    data = stdin.read()
    stdin.seek(0)
    return {"bytes": len(data), "texts": list(texts), "seekable": stdin.seekable(), "again": len(stdin.read())}


def raw(stdin):
    return stdin.read()[::-1]


def loaded(stdin):
    return sorted(name for name in sys.modules if name.split(".")[0] in {"django", "celery"})


def environment(stdin):
    return dict(os.environ)


def sleep(stdin):
    time.sleep(60)


def close_and_sleep(stdin):
    os.close(1)
    time.sleep(60)


def spin(stdin):
    while True:
        pass


def hungry(stdin):
    return len(bytearray(2_000_000_000))


def loud(stdin):
    return b"x" * 5_000_000


def big_file(stdin):
    with open("big", "wb") as file:  # noqa: PTH123
        for _ in range(50):
            file.write(b"x" * 100_000)


def raises(stdin):
    raise KeyError("xl/sharedStrings.xml")


def dies(stdin):
    os.abort()


def connects(stdin):
    socket.create_connection(("127.0.0.1", 9))


def starts(stdin):
    subprocess.run(["/bin/true"])


def forks(stdin):
    os.fork()
