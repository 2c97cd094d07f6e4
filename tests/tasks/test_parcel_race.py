"""Four edit one parcel at once: one is heard, the others see both values; the proof goes red without the check."""

import pytest
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Event
from parcels import changes
from parcels.models import Parcel
from tests.tasks.edit_world import Field
from tests.tasks.test_forms_race import alone, shared_database, together

pytestmark = pytest.mark.django_db(transaction=True)
GROUPS = ("一组", "二组", "三组", "四组")
__all__ = ["shared_database"]


def prepare():
    field = Field()
    return field.parcel("P1").pk, ApiToken.issue(field.official)


def editor(pk, token, group):
    def send():
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        answer = client.post(f"/api/v1/parcels/{pk}/edit/", {"group": group, "version": 1}, format="json")
        return answer.status_code

    return send


def statuses() -> list:
    pk, token = alone(prepare)
    return sorted(together([editor(pk, token, group) for group in GROUPS]), key=str)


def written() -> tuple[int, int]:
    return Parcel.objects.get().version, Event.objects.filter(action="修改图斑").count()


def test_of_four_who_edit_at_once_one_is_heard():
    assert statuses() == [200, 409, 409, 409]
    assert alone(written) == (2, 1)


def test_without_the_check_of_the_version_all_four_write(monkeypatch):
    monkeypatch.setattr(changes, "check_version", lambda *arguments: None)
    assert statuses() == [200, 200, 200, 200]
    assert alone(written) == (5, 4)
