"""Five at once: one photo; and without the look under the town's lock four of five would fall."""

import pytest
from django.db import IntegrityError

from parcels import evidence_store
from parcels.models import Evidence
from tests.parcels.test_evidence_store import make_place, send
from tests.tasks.test_forms_race import alone, shared_database, together

__all__ = ["shared_database"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_sent_five_times_at_once_is_one_photo():
    place = alone(make_place)
    found = together([lambda: send(place).pk] * 5)
    assert len(set(found)) == 1
    assert alone(Evidence.objects.count) == 1


def test_control_without_the_look_under_the_lock_the_others_fall(monkeypatch):
    place = alone(make_place)
    monkeypatch.setattr(evidence_store, "earlier", lambda place, sha256: None)
    found = together([lambda: send(place).pk] * 3)
    assert sum(isinstance(one, IntegrityError) for one in found) == 2
    assert alone(Evidence.objects.count) == 1
