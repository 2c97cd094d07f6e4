"""POST issues/{id}/decide/ and the moves after it; the list of permit cases."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from tasks.issues import Permit, apply_permit
from tests.tasks.issue_world import Ledger
from tests.tasks.land import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger():
    cache.clear()
    return Ledger()


def client_of(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
    return client


def post(user, issue, act, **body):
    return client_of(user).post(f"/api/v1/issues/{issue.pk}/{act}/", body, format="json")


def test_an_issue_is_decided_done_accepted_closed_and_reopened(ledger):
    issue = ledger.issue()
    decided = post(ledger.official, issue, "decide", measure="restore")
    assert decided.status_code == 200
    row = decided.json()
    assert (row["state"], row["measure"], row["job"], row["version"]) == ("decided", "restore", None, 2)
    assert post(ledger.head, issue, "done").json()["state"] == "done"
    assert post(ledger.head, issue, "done").status_code == 409
    assert post(ledger.second, issue, "accept").json()["state"] == "accepted"
    assert post(ledger.second, issue, "close").json()["errors"][0]["attr"] == "on"
    closed = post(ledger.second, issue, "close", on=TODAY.isoformat()).json()
    assert (closed["state"], closed["closed_on"], bool(closed["job"])) == ("closed", TODAY.isoformat(), True)
    assert post(ledger.official, issue, "reopen").json()["errors"][0]["attr"] == "reason"
    assert post(ledger.official, issue, "reopen", reason="复耕后又撂荒").json()["state"] == "reopened"


def test_refusals_have_the_status_of_their_kind(ledger):
    issue = ledger.decided("conversion")
    stale = post(ledger.official, issue, "decide", measure="restore", version=1)
    assert stale.status_code == 409
    assert "系统现在“办理农转用手续”，您填的“复耕”" in stale.json()["errors"][0]["detail"]
    blocked = post(ledger.official, issue, "done")
    assert (blocked.status_code, blocked.json()["errors"][0]["code"]) == (400, "blocked")
    assert post(ledger.official, issue, "decide", measure="nonsense").json()["errors"][0]["attr"] == "measure"
    done = ledger.to("done", ledger.decided())
    own = post(ledger.official, done, "accept")
    assert (own.status_code, own.json()["errors"][0]["code"]) == (403, "same_person")
    assert post(ledger.head, done, "return", reason="因").status_code == 403
    assert post(ledger.head, ledger.issue("西村"), "done").status_code == 404
    ledger.year.closed_on = TODAY
    ledger.year.save()
    assert post(ledger.second, done, "accept").status_code == 409


def test_a_decision_sent_again_is_no_conflict_and_a_misspelt_field_is_told(ledger):
    issue = ledger.issue()
    body = {"measure": "restore", "reason": "村里同意", "version": 1}
    first, again = (post(ledger.official, issue, "decide", **body) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.json()["version"], issue.events.count()) == (2, 1)
    assert post(ledger.official, issue, "decide", **body | {"reason": "别的"}).status_code == 409
    (error,) = post(ledger.official, issue, "decide", measure="restore", reson="村里同意").json()["errors"]
    assert (error["attr"], error["code"]) == ("reson", "unknown")


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"town": "qingxi"}, 1), ({"town": "xihe"}, 0), ({"year": 2024}, 1), ({"year": 2023}, 0),
        ({"kind": "illegal_use"}, 1), ({"kind": "in_out"}, 0), ({"state": "pending"}, 1), ({"state": "approved"}, 0),
        ({"permit": "title"}, 1), ({"permit": "conversion"}, 0),
    ],
)  # fmt: skip
def test_permits_are_listed_by_filter(ledger, params, count):
    apply_permit(ledger.decided("title"), Permit("title", TODAY - timedelta(days=3)), by=ledger.official)
    rows = client_of(ledger.official).get("/api/v1/permits/", params).json()["results"]
    assert len(rows) == count


def test_a_village_sees_the_permits_of_its_own_issues(ledger):
    own, other = ledger.decided("title"), ledger.decided("title", village="西村")
    for issue in (own, other):
        apply_permit(issue, Permit("title", date(2024, 10, 1)), by=ledger.official)
    rows = client_of(ledger.head).get("/api/v1/permits/").json()["results"]
    assert [row["issue"] for row in rows] == [str(own.pk)]
    code = ledger.villages["西村"].code
    found = client_of(ledger.official).get("/api/v1/permits/", {"division": code}).json()["results"]
    assert [row["issue"] for row in found] == [str(other.pk)]
    assert len(client_of(ledger.official).get("/api/v1/permits/", {"issue": own.pk}).json()["results"]) == 1
