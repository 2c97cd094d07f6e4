import resource
import time

import pytest

from farmland.lib import sandbox

LIMITS = {"wall_seconds": 5, "cpu_seconds": 5, "memory_bytes": 300_000_000, "output_limit": 1_000_000}


def run(name, payload=b"", *texts, **changes):
    return sandbox.run_child([f"tests.lib.sandbox_targets:{name}", *texts], payload, **{**LIMITS, **changes})


def test_the_child_gets_a_seekable_file_and_its_answer_is_json():
    answer = sandbox.run_child_json(["tests.lib.sandbox_targets:sizes", "西河", "2"], b"x" * 300_000, **LIMITS)
    assert answer == {"bytes": 300_000, "texts": ["西河", "2"], "seekable": True, "again": 300_000}


def test_a_path_is_read_by_the_child(tmp_path):
    (tmp_path / "in").write_bytes(b"abc")
    assert run("raw", tmp_path / "in") == b"cba"
    assert run("raw", str(tmp_path / "in")) == b"cba"


def test_neither_django_nor_celery_is_loaded_in_the_child():
    assert run("loaded") == b"[]"


def test_secrets_of_the_environment_do_not_reach_the_child(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://user:secret@host/db")
    assert b"secret" not in run("environment")


def test_a_call_costs_less_than_150_milliseconds():
    """Of processor time, parent and child: what else the machine is doing does not count."""
    best = min(_seconds() for _ in range(5))
    assert best < 0.15


def _seconds():
    start = _spent()
    run("raw")
    return _spent() - start


def _spent():
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + child.ru_utime + child.ru_stime


@pytest.mark.parametrize("name", ["sleep", "close_and_sleep"])
def test_a_hung_child_is_killed_when_the_wall_clock_runs_out(name):
    start = time.monotonic()
    with pytest.raises(sandbox.TimedOut, match=r"超过了 0\.5 秒"):
        run(name, wall_seconds=0.5)
    assert time.monotonic() - start < 3


def test_a_spinning_child_is_stopped_by_cpu_time():
    with pytest.raises(sandbox.TimedOut, match="1 秒的计算时间"):
        run("spin", cpu_seconds=1, wall_seconds=20)


def test_a_hungry_child_is_stopped_by_memory():
    with pytest.raises(sandbox.TooLarge, match="内存超过 286"):
        run("hungry")


def test_a_loud_child_is_stopped_by_the_output_limit():
    with pytest.raises(sandbox.TooLarge, match="1 MB 的上限"):
        run("loud")


def test_a_child_cannot_fill_the_disk():
    with pytest.raises(sandbox.TooLarge):
        run("big_file")


def test_an_error_in_the_child_is_a_crash_with_its_detail_kept_from_the_text():
    with pytest.raises(sandbox.Crashed, match="可能已损坏") as caught:
        run("raises")
    assert "sharedStrings" in caught.value.detail
    assert "sharedStrings" not in str(caught.value)


def test_a_killed_child_is_a_crash():
    with pytest.raises(sandbox.Crashed):
        run("dies")


@pytest.mark.parametrize("name", ["connects", "starts", "forks"])
def test_the_child_opens_no_socket_and_starts_no_process(name):
    with pytest.raises(sandbox.Crashed) as caught:
        run(name)
    assert "refused in the sandbox" in caught.value.detail


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run("raw", b"abc")
    with pytest.raises(sandbox.Crashed):
        run("raises")
    assert list(tmp_path.iterdir()) == []
