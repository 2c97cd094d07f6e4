"""Two people confirm one batch at once: it counts once; and the proof goes red when the lock is taken away."""

import threading
from contextlib import contextmanager

import pytest

from parcels.models import Inspection, Parcel, Step
from tasks.inspections import confirm as door
from tasks.inspections.results import in_order
from tests.tasks.batch_world import World
from tests.tasks.test_forms_race import alone, shared_database, together  # noqa: F401 - the fixture is used

pytestmark = pytest.mark.django_db(transaction=True)


def prepare():
    world = World()
    Parcel.objects.update(gross_mu=None)  # else the room on the parcel would already stop the second
    batch = world.batch(world.west, "county")
    world.fill(batch, all="passed")
    batch.refresh_from_db()
    return world, batch


def confirming(batch, by):
    return lambda: door.confirm(batch, version=batch.version, by=by)


def outcome():
    return sum(one.area_mu for one in Step.objects.filter(rung__code="county_accepted"))


def test_two_people_confirm_at_once_and_the_batch_counts_once():
    world, batch = alone(prepare)
    found = together([confirming(batch, world.officer), confirming(batch, world.other)] * 2)

    assert [type(one).__name__ for one in found] == ["Done"] * 4
    assert sorted(one.job is not None for one in found) == [False, False, False, True]
    assert alone(outcome) == 17
    linked = alone(lambda: [one.step_id for one in in_order(Inspection.objects.get())])
    assert all(linked)


def test_control_without_the_lock_the_area_is_counted_twice(monkeypatch):
    gate, enter = threading.Barrier(2), door._enter

    @contextmanager
    def nothing_held(town_year):
        yield town_year

    def enter_together(*args):
        gate.wait(timeout=60)
        return enter(*args)

    monkeypatch.setattr(door, "exclusive", nothing_held)
    monkeypatch.setattr(door, "_enter", enter_together)
    monkeypatch.setattr(door, "locked", lambda batch: Inspection.objects.select_related("town").get(pk=batch.pk))
    world, batch = alone(prepare)
    together([confirming(batch, world.officer), confirming(batch, world.other)])

    assert alone(outcome) == 34
