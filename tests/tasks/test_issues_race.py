"""Four decide on one issue at once: one is heard, the others see both values; the proof goes red without the check."""

import pytest
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from tasks import issues
from tasks.models import Issue, IssueEvent
from tests.tasks.issue_world import Ledger
from tests.tasks.test_forms_race import alone, shared_database, together

pytestmark = pytest.mark.django_db(transaction=True)
MEASURES = ("restore", "demolish_restore", "intercrop", "full_restore")
__all__ = ["shared_database"]


def prepare():
    ledger = Ledger()
    return ledger.issue().pk, ApiToken.issue(ledger.official)


def decider(pk, token, measure):
    def send():
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        answer = client.post(f"/api/v1/issues/{pk}/decide/", {"measure": measure, "version": 1}, format="json")
        return answer.status_code

    return send


def statuses() -> list:
    pk, token = alone(prepare)
    return sorted(together([decider(pk, token, measure) for measure in MEASURES]), key=str)


def test_of_four_who_decide_at_once_one_is_heard():
    assert statuses() == [200, 409, 409, 409]
    assert alone(lambda: (Issue.objects.get().version, IssueEvent.objects.count())) == (2, 1)


def test_without_the_check_of_the_version_all_four_write(monkeypatch):
    monkeypatch.setattr(issues, "check_version", lambda *arguments: None)
    assert statuses() == [200, 200, 200, 200]
    assert alone(IssueEvent.objects.count) == 4
