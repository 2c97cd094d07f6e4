"""北呈乡's demo: a ledger with issues in every state, clues and problems handed on; gone without a trace."""

import pytest
from django.conf import settings

from farmland.demo.services import load_demo, remove_demo
from tasks.models import Clue, Issue, IssueEvent, Referral
from tests.tasks.page_world import towns

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def beicheng(django_db_setup, django_db_blocker, tmp_path_factory):
    kept = settings.VAR, settings.MEDIA_ROOT
    settings.VAR = tmp_path_factory.mktemp("var")
    settings.MEDIA_ROOT = settings.VAR / "media"
    with towns(django_db_blocker, "beicheng-2023") as found:
        found["beicheng"].years.update(working_date=None)
        load_demo()
        yield found["beicheng"]
    settings.VAR, settings.MEDIA_ROOT = kept


def test_every_state_is_there_with_its_record(beicheng):
    issues = Issue.objects.filter(town=beicheng)
    assert set(issues.values_list("state", flat=True)) == {
        "open", "decided", "done", "accepted", "closed", "reopened",
    }  # fmt: skip
    assert issues.get(is_excluded=True).project == "旧宅基地翻建"
    override = issues.get(serial="3")
    assert (override.measure, override.suggested_measure, bool(override.decision_reason)) == (
        "in_out_balance", "restore", True,
    )  # fmt: skip
    closed = issues.get(state="closed")
    assert [one.action for one in closed.events.all()] == ["decided", "done", "accepted", "closed"]
    assert closed.events.get(action="done").by != closed.events.get(action="accepted").by
    assert set(Clue.objects.values_list("state", flat=True)) == {"new", "dismissed", "duplicate", "issue"}
    assert Clue.objects.get(state="issue").issue.project == "砖堆场地"
    assert set(Referral.objects.values_list("outcome", flat=True)) == {"pending", "closed"}


def test_it_goes_without_a_trace(beicheng):
    remove_demo()
    for model in (Issue, IssueEvent, Clue, Referral):
        assert not model.objects.exists(), model
