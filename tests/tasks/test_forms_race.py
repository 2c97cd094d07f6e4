"""Five at once: one is applied, the others hear the same; and the proof goes red when the lock is taken away."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from parcels.models import Step
from tasks.forms import services
from tasks.models import Submission
from tests.tasks.form_world import Paper, make_world

COUNT = 5
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shared_database(transactional_db, settings, tmp_path, monkeypatch):
    """Threads need a database of their own connections: on SQLite a file with the tables of the one in memory."""
    settings.MEDIA_ROOT = tmp_path / "media"
    if connection.vendor == "sqlite":
        path = tmp_path / "race.sqlite3"
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
        monkeypatch.setitem(connections.settings["default"], "NAME", str(path))


def together(works):
    """Run the functions at the same moment, each in a thread with its own connection; their results or errors."""
    gate, found = threading.Barrier(len(works)), [None] * len(works)

    def run(place, work):
        try:
            gate.wait(timeout=60)
            found[place] = work()
        except Exception as error:  # what a thread raises is a result to look at
            found[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads), "one still waits: what it did not answer is no answer"
    return found


def alone(work):
    (found,) = together([work])
    if isinstance(found, Exception):
        raise found
    return found


def prepare():
    world = make_world()
    paper = Paper.issue(world.xinsi, world.head).fill(2, stage="已种植", area=2, on="2024-10-06")
    return ApiToken.issue(world.head), paper.save()


def sender(token, data, key):
    def send():
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        headers = {"Idempotency-Key": key} if key else {}
        answer = client.post("/api/v1/forms/", {"file": SimpleUploadedFile("a.xlsx", data)}, headers=headers)
        return answer.status_code, answer.json()

    return send


def outcome():
    return sum(step.area_mu for step in Step.objects.all()), Submission.objects.filter(state="applied").count()


@pytest.mark.parametrize("keys", [["k"] * COUNT, [f"k{number}" for number in range(COUNT)], [None] * COUNT])
def test_five_at_once_are_applied_once_and_hear_the_same(keys):
    token, data = alone(prepare)
    answers = together([sender(token, data, key) for key in keys])
    assert sorted(code for code, _ in answers) == [200] * (COUNT - 1) + [201]
    assert len({str(body) for _, body in answers}) == 1
    assert alone(outcome) == (2, 1)


def test_control_without_the_lock_the_area_is_written_more_than_once(monkeypatch):
    gate, write = threading.Barrier(COUNT), services.write

    @contextmanager
    def nothing_held(form):
        yield

    def write_together(*args):
        gate.wait(timeout=60)
        write(*args)

    monkeypatch.setattr(services, "exclusive", nothing_held)
    monkeypatch.setattr(services, "write", write_together)
    token, data = alone(prepare)
    together([sender(token, data, None) for _ in range(COUNT)])
    assert alone(outcome)[0] > 2
