"""What people did to the rows of a plan's ledger outlives a reload; unfinished rows go on with their land."""

from datetime import timedelta

import pytest
from django.conf import settings

from tasks.issue_blocks import blocks
from tasks.issues import Decision, Meeting, decide, deliberate, move
from tasks.models import Issue, Plan
from tasks.plan.load import load_plan
from tasks.rulebook import rulebook
from tasks.years import close_year, open_year
from tests.tasks.issue_world import Ledger
from tests.tasks.land import TODAY
from tests.tasks.page_world import person, towns

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def xihe(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, "xihe-2024") as found:
        yield found["xihe"]


def source() -> str:
    return (settings.BASE_DIR / "plans" / "xihe-2024.yaml").read_text(encoding="utf-8")


def row(serial: str) -> Issue:
    return Issue.objects.get(town__slug="xihe", ledger="illegal-2024", serial=serial)


def test_a_decided_row_keeps_its_decision_and_the_others_follow_the_plan(xihe):
    official = person("official", xihe)
    decision = Decision("restore", TODAY, reason="村里已清理", review_on=TODAY + timedelta(days=60))
    decide(row("2"), decision, by=official)
    text = source().replace("牛肝菌种植基地", "菌类种植基地").replace("project: 果园地", "project: 桃园地")
    loaded = load_plan(text)
    two, four = row("2"), row("4")
    assert (two.state, two.measure, two.decided_by, two.project) == ("decided", "restore", official, "牛肝菌种植基地")
    assert four.project == "桃园地"
    assert any("已有人办理" in line for line in loaded.differences)
    assert Issue.objects.filter(town=xihe).count() == 23


def test_rows_that_people_entered_are_not_swept_away_by_a_reload(xihe):
    one = row("1")
    one.pk, one._state.adding, one.ledger, one.cells = None, True, "added", {"entered": True}
    one.save()
    load_plan(source().replace("果园地", "桃园地"))
    assert Issue.objects.filter(town=xihe, ledger="added").exists()


def test_the_suggestion_of_a_row_as_it_stands_is_the_one_of_its_printing(xihe):
    book = rulebook(xihe, 2024)
    for issue in Issue.objects.filter(town=xihe):
        stored = (issue.suggested_measure, issue.suggestion, issue.warnings)
        book.advise(issue)
        assert (issue.suggested_measure, issue.suggestion, issue.warnings) == stored, issue.serial


def test_a_meeting_of_last_year_still_holds_for_the_row_that_went_on():
    ledger = Ledger()
    work = ledger.work("东村", "abandonment", "3", parcel=True)
    issue = ledger.decided("deliberate_then_balance")
    issue.parcels.add(work.parcel)
    deliberate(issue, Meeting("village", TODAY, 30, 28, "同意"), by=ledger.head)
    Plan.objects.filter(town=ledger.town).delete()
    close_year(ledger.town, 2024, by=None, on=TODAY)
    open_year(ledger.town, 2025, by=None)
    carried = Issue.objects.get(town=ledger.town, year=2025)
    assert list(carried.parcels.all()) == [work.parcel]
    assert carried.state == "decided"
    said = blocks(carried, rulebook(ledger.town, 2025), TODAY)
    assert [text for text in said if "一事一议" in text] == []
    assert any("先进后出" in text for text in said)


def test_who_reported_a_row_last_year_may_not_accept_what_it_became():
    ledger = Ledger()
    issue = ledger.to("done", ledger.decided())
    close_year(ledger.town, 2024, by=None, on=TODAY)
    open_year(ledger.town, 2025, by=None)
    carried = Issue.objects.get(town=ledger.town, year=2025)
    with pytest.raises(Exception, match="登记人不能验收"):
        move(carried, "accept", by=ledger.official, on=TODAY)
    assert issue.events.count() == 2
