"""The life of an issue: what each state allows, who may do it, what must be there first, and what stays on record."""

from datetime import timedelta
from decimal import Decimal

import pytest

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from tasks.acceptance import Refused
from tasks.issue_blocks import balance
from tasks.issues import (
    MOVES,
    Decision,
    Meeting,
    Permit,
    Stale,
    apply_permit,
    decide,
    deliberate,
    move,
    moves_open,
    settle_permit,
)
from tasks.models import Issue, IssueEvent, Target, TownYear
from tasks.rulebook import Rulebook, rulebook
from tasks.services import recompute
from tests.tasks.issue_world import Ledger
from tests.tasks.land import TODAY

pytestmark = pytest.mark.django_db
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def ledger():
    return Ledger()


def refused(call, *args, **kwargs) -> Refused:
    before = (Issue.objects.count(), IssueEvent.objects.count(), Event.objects.count())
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    assert (Issue.objects.count(), IssueEvent.objects.count(), Event.objects.count()) == before
    return caught.value


def test_an_issue_goes_its_way_and_every_move_is_on_record(ledger):
    issue = ledger.to("closed", ledger.decided())
    issue.refresh_from_db()
    assert (issue.state, issue.closed_on, issue.version) == ("closed", YESTERDAY, 5)
    events = [(one.action, one.before, one.after, one.by) for one in issue.events.all()]
    assert events == [
        ("decided", "open", "decided", ledger.official),
        ("done", "decided", "done", ledger.official),
        ("accepted", "done", "accepted", ledger.second),
        ("closed", "accepted", "closed", ledger.second),
    ]
    assert list(Event.objects.filter(about=issue.pk).order_by("number").values_list("action", flat=True)) == [
        "问题确定方式", "问题完成整改", "问题验收", "问题销号",
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["open", "decided", "done", "accepted", "closed", "reopened"])
def test_a_state_allows_its_moves_and_no_other(ledger, state):
    issue = ledger.issue(state=state, measure="restore", closed_on=YESTERDAY if state == "closed" else None)
    for name, one in MOVES.items():
        if state not in one.before and name != "decide":
            error = refused(move, issue, name, by=ledger.official, on=TODAY, reason="因")
            assert (error.code, "不能" in error.message) == ("conflict", True)
    assert moves_open(issue) == [name for name, one in MOVES.items() if state in one.before]


def test_what_is_closed_cannot_be_decided_again_without_being_reopened(ledger):
    issue = ledger.to("closed", ledger.decided())
    assert refused(decide, issue, Decision("restore", TODAY), by=ledger.official).code == "conflict"
    again = move(issue, "reopen", by=ledger.official, on=TODAY, reason="复耕后又撂荒").issue
    assert (again.state, again.closed_on) == ("reopened", None)
    assert decide(again, Decision("demolish_restore", TODAY), by=ledger.official).issue.state == "decided"


@pytest.mark.parametrize("name", ["return", "reopen"])
def test_sending_back_and_reopening_need_a_reason(ledger, name):
    issue = ledger.to("accepted", ledger.decided())
    assert refused(move, issue, name, by=ledger.second, on=TODAY).field == "reason"
    assert move(issue, name, by=ledger.second, on=TODAY, reason="果树没有清完").event.reason == "果树没有清完"


def test_who_reported_it_done_may_not_accept_it_whatever_the_role(ledger):
    issue = ledger.to("done", ledger.decided())
    assert refused(move, issue, "accept", by=ledger.official, on=TODAY).code == "same_person"
    back = move(issue, "return", by=ledger.second, on=TODAY, reason="没有清完").issue
    done = move(back, "done", by=ledger.second, on=TODAY).issue
    assert refused(move, done, "accept", by=ledger.official, on=TODAY).code == "same_person"  # reported it before
    assert move(done, "accept", by=ledger.person("official"), on=TODAY).issue.state == "accepted"


def test_days_lie_in_order_and_not_in_the_future(ledger):
    issue = ledger.to("done", ledger.decided())
    assert "晚于工作日期" in refused(move, issue, "accept", by=ledger.second, on=TODAY + timedelta(days=1)).message
    assert "早于完成整改" in refused(move, issue, "accept", by=ledger.second, on=TODAY - timedelta(days=9)).message
    assert "早于本年度" in refused(move, issue, "accept", by=ledger.second, on=TODAY.replace(year=2020)).message


def test_a_closed_year_refuses_every_move(ledger):
    issue = ledger.decided()
    TownYear.objects.update(closed_on=TODAY)
    for call in (
        lambda: decide(issue, Decision("restore", TODAY), by=ledger.official),
        lambda: move(issue, "done", by=ledger.official, on=TODAY),
        lambda: deliberate(issue, Meeting("village", TODAY, 9, 8, "同意"), by=ledger.official),
        lambda: apply_permit(issue, Permit("conversion", TODAY), by=ledger.official),
    ):
        assert refused(call).code == "closed"


def test_the_second_of_two_editors_sees_both_values(ledger):
    issue = ledger.decided(measure="restore")
    decide(issue, Decision("demolish_restore", TODAY, version=issue.version), by=ledger.second)
    error = refused(decide, issue, Decision("intercrop", TODAY, version=issue.version), by=ledger.official)
    assert isinstance(error, Stale)
    assert error.pairs == [("整改方式", "拆除复耕", "间作套作")]
    assert str(ledger.second) in error.message
    assert "系统现在“拆除复耕”，您填的“间作套作”" in error.message
    assert refused(move, issue, "done", by=ledger.head, on=TODAY, version=issue.version).code == "conflict"


# The decision


class Rule:
    def __init__(self, when, measure):
        self.purpose, self.priority, self.when, self.then = "measure", None, when, {"measure": measure}
        self.quote, self.basis, self.clause, self.key = "恢复耕种", "通知", "二", "k"


def book_of(*rules) -> Rulebook:
    from tasks.plan.common import common_dictionary

    return Rulebook(list(rules), common_dictionary())


def test_another_measure_than_suggested_needs_a_reason_and_the_warnings_stay_with_the_person(ledger):
    book = book_of(Rule([["on_pbf", "=", "yes"]], "restore"))
    issue = ledger.issue(pbf_mu=Decimal("0.48"), problem_kind="non_grain")
    error = refused(decide, issue, Decision("in_out_balance", TODAY), by=ledger.official, book=book)
    assert (error.field, "规则建议“复耕”" in error.message) == ("reason", True)
    done = decide(issue, Decision("in_out_balance", TODAY, reason="道路必须保留"), by=ledger.official, book=book)
    assert done.issue.suggested_measure == "restore"
    assert (done.issue.decided_by, done.issue.decision_reason) == (ledger.official, "道路必须保留")
    assert len(done.event.warnings) == 1
    assert "占用永久基本农田" in done.event.warnings[0]
    assert done.event.facts["整改方式"] == ["", "编制进出平衡方案"]
    assert decide(issue, Decision("restore", TODAY), by=ledger.official, book=book).event.warnings == []


def test_a_suggestion_follows_the_row_as_it_stands_now(ledger):
    book = book_of(Rule([["key_project", "=", "yes"]], "formalities"), Rule([["restorable", "=", "no"]], "deferred"))
    issue = ledger.issue()
    assert book.suggestion(issue) is None
    issue.cells = {"restorable": "no"}
    assert book.suggestion(issue).measure == "deferred"
    issue.cells = {"restorable": "no", "key_project": "yes"}
    assert book.suggestion(issue).measure == "formalities"


def test_without_a_deadline_a_day_of_review_is_needed(ledger):
    issue = ledger.issue(due_on=None, due_stated="/")
    assert refused(decide, issue, Decision("restore", TODAY), by=ledger.official).field == "review_on"
    late = Decision("restore", TODAY, review_on=YESTERDAY)
    assert refused(decide, issue, late, by=ledger.official).field == "review_on"
    reviewed = Decision("restore", TODAY, review_on=TODAY + timedelta(days=60))
    assert decide(issue, reviewed, by=ledger.official).issue.review_on == reviewed.review_on
    assert refused(decide, issue, Decision("nonsense", TODAY), by=ledger.official).field == "measure"


# What must be there before


def test_a_measure_by_deliberation_needs_a_meeting_with_a_majority(ledger):
    target(ledger, "in_out")
    accepted(ledger, "in_out", "10")
    issue = ledger.decided("deliberate_then_balance")
    error = refused(move, issue, "done", by=ledger.head, on=TODAY)
    assert (error.code, "须先一事一议，" in error.message) == ("blocked", True)
    with pytest.raises(Refused):
        deliberate(issue, Meeting("village", YESTERDAY, 9, 10, "同意"), by=ledger.head)
    deliberate(issue, Meeting("village", YESTERDAY, 40, 20, "同意"), by=ledger.head)
    assert "没有过半数" in refused(move, issue, "done", by=ledger.head, on=TODAY).message
    deliberate(issue, Meeting("village", TODAY, 40, 31, "同意"), by=ledger.head)
    assert move(issue, "done", by=ledger.head, on=TODAY).issue.state == "done"


def test_a_measure_with_a_permit_waits_for_its_approval(ledger):
    issue = ledger.decided("conversion")
    assert "还没有登记申请" in refused(move, issue, "done", by=ledger.official, on=TODAY).message
    case = apply_permit(issue, Permit("conversion", YESTERDAY, "县规资局"), by=ledger.official)
    assert "申请办理中" in refused(move, issue, "done", by=ledger.official, on=TODAY).message
    bare = Permit("conversion", YESTERDAY, "县规资局", outcome="approved", decided_on=TODAY)
    with pytest.raises(Refused, match="办结须填文号"):
        settle_permit(case, bare, by=ledger.official)
    full = Permit("conversion", YESTERDAY, "县规资局", "某规资〔2024〕8号", "approved", TODAY)
    settle_permit(case, full, by=ledger.official, version=case.version)
    with pytest.raises(Stale):
        settle_permit(case, full, by=ledger.second, version=case.version)
    assert move(issue, "done", by=ledger.official, on=TODAY).issue.state == "done"


def test_another_permit_than_the_measure_asks_for_does_not_help(ledger):
    issue = ledger.decided("title")
    apply_permit(issue, Permit("conversion", YESTERDAY, "", "1号", "approved", TODAY), by=ledger.official)
    assert "“确权登记”的批准" in refused(move, issue, "done", by=ledger.official, on=TODAY).message


def target(ledger, kind: str) -> Target:
    return ledger.target(kind, "20", level="county")


def accepted(ledger, kind: str, area: str, rung="county_accepted", **more):
    ledger.step(ledger.work("西村", kind, area, **more), rung, area)


def test_land_leaves_only_after_other_land_has_come_in(ledger):
    target(ledger, "in_out")
    first, second = ledger.decided("in_out_balance"), ledger.decided("in_out_balance", cultivated_mu=Decimal("1.2"))
    ledger.decided("restore")  # asks for no other land
    error = refused(move, first, "done", by=ledger.head, on=TODAY)
    assert "流入已认定 0 亩" in error.message
    assert "还差 2.5 亩" in error.message
    accepted(ledger, "in_out", "3")
    assert move(first, "done", by=ledger.head, on=TODAY).issue.state == "done"
    error = refused(move, second, "done", by=ledger.head, on=TODAY)
    assert "流出 2.5 亩" in error.message
    assert "还差 0.7 亩" in error.message
    accepted(ledger, "in_out", "0.7", parcel=True)
    assert move(second, "done", by=ledger.head, on=TODAY).issue.state == "done"


def test_only_area_accepted_at_the_level_that_counts_comes_in_and_what_feeds_it_too(ledger):
    target(ledger, "in_out")
    target(ledger, "restoration")
    issue, book = ledger.issue(measure="in_out_balance"), rulebook(ledger.town, 2024)
    accepted(ledger, "in_out", "5", "town_accepted")
    assert balance(issue, book, TODAY).inflow == 0
    accepted(ledger, "restoration", "4.25")  # 恢复补足 feeds 进出平衡
    accepted(ledger, "abandonment", "9")  # feeds nothing
    found = balance(issue, book, TODAY)
    assert (found.inflow, found.left, found.own, found.short) == (Decimal("4.25"), 0, Decimal("2.5"), 0)
    assert balance(issue, book, YESTERDAY).inflow == 0


def test_an_outflow_nobody_measured_cannot_be_balanced(ledger):
    issue = ledger.decided("in_out_balance", cultivated_mu=None, area_mu=None)
    assert "先补填耕地面积" in refused(move, issue, "done", by=ledger.head, on=TODAY).message


# The figures


def figure(ledger):
    row = ledger.figures()["illegal_use", None]
    return row.planned, row.counted


def test_closing_and_reopening_ask_for_new_figures_and_the_other_moves_do_not(ledger):
    target(ledger, "illegal_use")
    issue = ledger.decided()
    ledger.issue("西村")
    assert figure(ledger) == (2, 0)
    issue = ledger.to("accepted", issue)
    assert not Job.objects.filter(kind="recompute").exists()
    done = move(issue, "close", by=ledger.second, on=TODAY)
    assert done.job.kind == "recompute"
    assert figure(ledger) == (2, 1)
    recompute(ledger.town, 2024)
    assert move(issue, "reopen", by=ledger.second, on=TODAY, reason="又占了").job is not None
    assert figure(ledger) == (2, 0)


def test_what_is_out_of_scope_is_not_counted_and_cannot_be_moved(ledger):
    target(ledger, "illegal_use")
    homestead = ledger.issue(is_excluded=True)
    ledger.issue()
    assert figure(ledger) == (1, 0)
    assert moves_open(homestead) == []
    assert "不在整治范围" in refused(decide, homestead, Decision("title", TODAY), by=ledger.official).message
