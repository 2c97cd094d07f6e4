"""The two commands: which Python, when to install, what a start repeats, and that a dead child comes back."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import dev  # noqa: E402
import start  # noqa: E402
import supervise  # noqa: E402


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def wait_for(condition, seconds: float = 10):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


# Which Python


def test_a_shim_that_exists_but_fails_is_passed_over(tmp_path):
    shim = script(tmp_path / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")

    assert dev.probe(shim) is None
    assert dev.find_python([shim, sys.executable]) == sys.executable


def test_other_versions_are_passed_over(tmp_path):
    old = script(tmp_path / "python3", "echo 3.8")
    new = script(tmp_path / "python3.14", "echo 3.14")

    assert dev.find_python([old, new, sys.executable]) == sys.executable


def test_a_python_without_ensurepip_is_answered_with_the_apt_line(tmp_path):
    bare = script(
        tmp_path / "python3.11", "echo 3.11; echo \"ModuleNotFoundError: No module named 'ensurepip'\" >&2; exit 1"
    )

    assert dev.find_python([bare, sys.executable]) == sys.executable
    with pytest.raises(supervise.Failure, match=r"apt install python3\.11-venv"):
        dev.find_python([bare])


def test_no_python_at_all_names_what_was_tried(tmp_path):
    with pytest.raises(supervise.Failure, match=r"没有找到能运行的 Python 3\.11–3\.13.*python3\.12"):
        dev.find_python([script(tmp_path / "python3.12", "exit 127")])


def test_pythons_on_path_hidden_behind_a_shim_are_candidates(tmp_path, monkeypatch):
    folders = [tmp_path / "shims", tmp_path / "bin"]
    for folder in folders:
        folder.mkdir()
        script(folder / "python3.12", "exit 127")
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))

    assert [str(folder / "python3.12") for folder in folders] == [
        path for path in dev.candidates() if path.startswith(str(tmp_path))
    ]


def test_what_is_started_keeps_its_bytecode(monkeypatch):
    seen = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setitem(dev.VERBS, "look", lambda words: seen.append("PYTHONDONTWRITEBYTECODE" in os.environ) or 0)

    assert dev.main(["look"]) == 0
    assert seen == [False]


# The stamp


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose .venv/ is this Python; installing only counts."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "requirements.txt").write_text("django==5.2.19\n")
    installed = []
    monkeypatch.setattr(dev, "install", lambda python, requirements: installed.append(requirements.read_text()))
    return tmp_path, installed


def test_requirements_are_installed_once_and_again_when_they_change(checkout):
    root, installed = checkout

    for _ in range(3):
        assert dev.environment(root=root) == root / ".venv" / "bin" / "python"
    (root / "requirements.txt").write_text("django==5.2.20\n")
    dev.environment(root=root)

    assert installed == ["django==5.2.19\n", "django==5.2.20\n"]


def test_a_failed_installation_leaves_no_stamp(checkout, monkeypatch):
    root, installed = checkout

    def fail(python, requirements):
        raise supervise.Failure("没有网络")

    with monkeypatch.context() as patch:
        patch.setattr(dev, "install", fail)
        with pytest.raises(supervise.Failure):
            dev.environment(root=root)
    dev.environment(root=root)

    assert len(installed) == 1


def test_an_unchanged_environment_costs_next_to_nothing(checkout):
    root, _ = checkout
    dev.environment(root=root)

    began = time.monotonic()
    dev.environment(root=root)

    assert time.monotonic() - began < 0.1


def test_an_unknown_verb_lists_the_known_ones():
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "dev.py"), "fly"], capture_output=True, text=True)

    assert done.returncode == 2
    assert "run|test|check|fix|prove|lock" in done.stderr


# What a start repeats


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """A Start on a house with two plans; management commands are noted, not run."""
    (tmp_path / "plans").mkdir()
    for name in ("xihe-2024", "erong-2023", "dictionary"):
        (tmp_path / "plans" / f"{name}.yaml").write_text(f"town: {name}\n")
    monkeypatch.setattr(start, "ROOT", tmp_path)
    called = []
    monkeypatch.setattr(start.Start, "manage", lambda self, *words: called.append(" ".join(words)))
    return lambda: start.Start(Path(sys.executable), tmp_path, {}), called, tmp_path


def test_plans_are_loaded_once_and_only_the_changed_one_again(begin):
    new, called, root = begin

    new().load()
    new().load()
    assert called == ["load_plan plans/erong-2023.yaml plans/xihe-2024.yaml"]
    (root / "plans" / "xihe-2024.yaml").write_text("town: xihe\n")
    new().load()
    assert called[1:] == ["load_plan plans/xihe-2024.yaml"]


def test_a_changed_dictionary_loads_every_plan_again(begin):
    new, called, root = begin

    new().load()
    (root / "plans" / "dictionary.yaml").write_text("ladders: []\n")
    new().load()

    assert called == ["load_plan plans/erong-2023.yaml plans/xihe-2024.yaml"] * 2


def test_demo_data_goes_only_into_a_new_database_and_does_not_come_back(begin):
    new, called, _ = begin

    new().load()
    assert "load_demo" not in called
    first = new()
    first.note(demo="due")
    first.load()
    new().load()

    assert called.count("load_demo") == 1


def test_a_plan_that_fails_is_tried_again_at_the_next_start(begin, monkeypatch):
    new, called, _ = begin

    def fail(self, *words):
        raise supervise.Failure("启动中止")

    with monkeypatch.context() as patch:
        patch.setattr(start.Start, "manage", fail)
        with pytest.raises(supervise.Failure):
            new().load()
    new().load()

    assert called == ["load_plan plans/erong-2023.yaml plans/xihe-2024.yaml"]


@pytest.mark.parametrize("text", ["0", "65536", "八千", "-1", "80 "])
def test_a_wrong_port_is_refused_with_its_value(text, monkeypatch):
    monkeypatch.setenv("PORT", text)
    with pytest.raises(supervise.Failure, match="PORT 应为 1–65535 的整数"):
        dev.port_number()


def test_a_taken_port_is_said_so():
    with dev.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(supervise.Failure, match="换一个端口"):
            dev.require_free(*taken.getsockname())


# Children


@pytest.fixture
def child(tmp_path):
    """A child that writes its number and sleeps, with a grandchild of its own."""
    command = ["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/grandchild; echo $$ > {tmp_path}/leader; wait"]
    one = supervise.Child("试验", command, dict(os.environ), delays=(0.05, 60))
    one.start()
    wait_for(lambda: start.read(tmp_path / "leader"))
    yield one, tmp_path
    one.ask_to_stop()
    one.wait_stopped(time.monotonic() + 5)


def alive(number: int) -> bool:
    """False for a zombie too: a container's first process may never collect it."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_child_killed_with_9_is_started_again_and_leaves_no_orphan(child):
    one, folder = child
    first, orphan = one.process.pid, int(start.read(folder / "grandchild"))

    os.kill(first, signal.SIGKILL)
    wait_for(lambda: one.tend() or (one.process and one.process.pid != first))

    assert alive(one.process.pid)
    assert not alive(orphan)


def test_a_child_that_keeps_dying_waits_longer(child):
    one, _ = child
    for _ in range(2):
        os.kill(one.process.pid, signal.SIGKILL)
        one.process.wait()
        one.tend()
        due = one.due
        if one.deaths == 1:
            wait_for(lambda: one.tend() or one.process)

    assert one.process is None
    assert due - time.monotonic() > 50


def test_stopping_ends_the_whole_group(child):
    one, folder = child
    grandchild = int(start.read(folder / "grandchild"))

    one.ask_to_stop()
    one.wait_stopped(time.monotonic() + 5)

    assert one.process.returncode == -signal.SIGTERM
    wait_for(lambda: not alive(grandchild))


SUPERVISOR = """
import sys; sys.path.insert(0, {scripts!r})
import os, supervise
family = [supervise.Child("试验", ["sleep", "60"], dict(os.environ))]
supervise.supervise(family, lambda: True, lambda: print("ready", family[0].process.pid, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_supervisor_is_the_end_of_its_children(number):
    if number == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent was killed")
    code = SUPERVISOR.format(scripts=str(ROOT / "scripts"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        sleeper = int(process.stdout.readline().split()[1])
        process.send_signal(number)
        assert process.wait(10) == (-9 if number == signal.SIGKILL else 0)
    wait_for(lambda: not alive(sleeper))


def test_under_nohup_a_hangup_stops_nothing():
    code = SUPERVISOR.format(scripts=str(ROOT / "scripts"))
    with subprocess.Popen(["nohup", sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        sleeper = int(process.stdout.readline().split()[1])
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None
        assert alive(sleeper)
        process.terminate()
        assert process.wait(20) == 0


def test_a_child_that_dies_before_the_first_answer_ends_the_start():
    family = [supervise.Child("网站", ["false"], dict(os.environ))]
    family[0].start()
    with pytest.raises(supervise.Failure, match="网站没有启动成功"):
        supervise.wait_ready(family, lambda: False, [])


# The house


def test_every_variable_of_the_settings_is_in_the_example():
    settings = (ROOT / "farmland" / "settings.py").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    read = set(re.findall(r"env(?:\.\w+)?\(\s*\"(\w+)\"", settings))

    assert len(read) > 10
    assert read - set(re.findall(r"^#? ?(\w+)=", example, re.MULTILINE)) == set()


def test_scripts_need_nothing_installed():
    for name in ("dev", "start", "supervise"):
        text = (ROOT / "scripts" / f"{name}.py").read_text(encoding="utf-8")
        imported = set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)) - {"start", "supervise"}
        assert imported <= sys.stdlib_module_names


def test_the_tests_of_a_file_share_a_process(request):
    """xdist reads the group from the end of the name; without it every test of a file may land elsewhere."""
    is_spread = getattr(request.config.option, "loadgroup", False)
    assert request.node.nodeid.endswith("@test_dev") == is_spread
