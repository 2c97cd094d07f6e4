import threading

import pytest
from django.core.management import call_command

from farmland.jobs import services, wake
from farmland.jobs.models import Job
from tests.jobs import handlers


@pytest.fixture(autouse=True)
def awake(monkeypatch):
    monkeypatch.setattr(wake, "_quiet_until", 0.0)


def broker(monkeypatch, behave):
    monkeypatch.setattr(wake.app, "send_task", behave)


def test_a_dead_broker_is_logged_and_left_alone_for_a_while(monkeypatch, caplog):
    calls = []

    def refuse(*args, **options):
        calls.append(args)
        raise ConnectionError("refused")

    broker(monkeypatch, refuse)
    assert not wake.send([1])
    assert not wake.send([2])
    assert len(calls) == 1, "the second request does not wait again"
    assert "the sweeper will send again" in caplog.text


def test_a_hanging_broker_costs_a_request_no_more_than_the_patience(monkeypatch):
    """The request is back while the broker still has not answered, however slow this machine is."""
    release, answers = threading.Event(), []
    broker(monkeypatch, lambda *args, **options: answers.append(release.wait(60)))
    monkeypatch.setattr(wake, "PATIENCE", 0.2)
    assert not wake.send([1])
    assert answers == []
    release.set()


def test_jobs_wait_in_the_table_while_the_broker_is_away(db, monkeypatch, capsys):
    monkeypatch.setattr(wake, "send", lambda ids: False)
    handlers.ran.clear()
    for word in "abc":
        services.enqueue("test.note", args={"word": word})
    call_command("work", once=True)
    assert handlers.ran == ["a"]
    call_command("work", drain=True)
    assert handlers.ran == ["a", "b", "c"]
    assert "处理了 2 项后台作业。" in capsys.readouterr().out
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
