"""The demo ledger with issues in every state, clues and referrals; and how demo moves on real issues are undone."""

from datetime import datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from farmland.accounts.models import User
from farmland.demo.stories import DemoClue, DemoIssue, Story
from farmland.places.models import Division
from tasks.check.case import Case
from tasks.clues import Report, dismiss, mark_duplicate, report, take_up
from tasks.issue_entry import edit
from tasks.issues import Decision, decide, move
from tasks.models import Clue, Issue, IssueEvent, Plan, TownYear
from tasks.plan.common import common_dictionary
from tasks.plan.document import LedgerDoc
from tasks.plan.ledgers import ledger_issue, write_ledgers
from tasks.plan.rows import division_names
from tasks.plan.sync import Differences
from tasks.referrals import Case as Conduct
from tasks.referrals import answer, refer

WAY = ("decided", "done", "accepted", "closed")
STEPS = {"done": ("done", 12), "accepted": ("accept", 8), "closed": ("close", 5)}  # move, days before the working date


def write_issues(story: Story, plan: Plan, users: dict[str, User]) -> None:
    """A ledger for a plan that has rules and no ledger of its own, so that its decision table answers something."""
    if not story.issues:
        return
    case = Case(plan.document, common_dictionary())
    ledger = LedgerDoc(
        key="demo", title="问题图斑台账（演示）", clause="演示台账", kind="illegal_use", unit="mu", rows=story.issues
    )
    villages = {one.name: one for one in Division.objects.filter(town=plan.town)}
    official, second = users[story.town], users["admin"]
    for order, row in enumerate(story.issues):
        values = ledger_issue(plan, case, ledger, row, villages, order)
        values["division_id"] = values["responsible_division_id"] = villages[row.village].pk
        issue = Issue.objects.create(
            town=plan.town, year=plan.year, ledger=ledger.key, serial=row.serial, is_demo=True, **values
        )
        if row.state:
            _walk(issue, row, story, official, second)


def _walk(issue: Issue, row: DemoIssue, story: Story, official: User, second: User) -> None:
    """Along the straight way to the row's state, through the real doors; somebody else accepts."""

    def day(before: int):
        return story.working_date - timedelta(days=before)

    if row.state == "excluded":
        edit(issue, {"is_excluded": True}, by=official, on=day(20), reason=row.why)
        return
    measure = row.decide or issue.suggested_measure
    why = row.why if row.decide else ""
    decide(issue, Decision(measure, day(20), why, review_on=None if issue.due_on else day(-60)), by=official)
    last = "accepted" if row.state == "reopened" else row.state
    for state in WAY[1 : WAY.index(last) + 1]:
        name, before = STEPS[state]
        move(issue, name, by=second if name == "accept" else official, on=day(before))
    if row.state == "reopened":
        move(issue, "reopen", by=official, on=day(2), reason=row.why)


def write_clues(story: Story, plan: Plan, users: dict[str, User]) -> None:
    """Clues in every state and problems handed on; one becomes an issue, of an invented ledger only."""
    year = TownYear.objects.select_related("town").get(town=plan.town, year=plan.year)
    official, heads = users[story.town], {}
    for user in users.values():
        heads |= {
            grant.division.name: user for grant in user.grants.filter(role="village_head", division__town=plan.town)
        }
    earlier = None
    for one in story.clues:
        earlier = _clue(one, story, year, heads.get(one.village, official), official, earlier)
    for one in story.referrals:
        on = story.working_date - timedelta(days=one.days)
        kept = refer(year, Conduct(one.subject, on - timedelta(days=3), one.to, on, "inspectorate"), by=official)
        if one.answer:
            answer(kept, one.answer, on=on + timedelta(days=20), closed=True, by=official)


def _clue(one: DemoClue, story: Story, year: TownYear, by: User, official: User, earlier: Clue | None) -> Clue:
    division = Division.objects.get(town=year.town, name=one.village)
    clue, _ = report(year, Report(division, one.category, one.place, one.note), by=by)
    at = datetime.combine(story.working_date - timedelta(days=one.days), time(9, 30))
    clue.reported_at = timezone.make_aware(at)
    clue.save(update_fields=["reported_at", "updated_at"])
    if one.becomes == "dismissed":
        dismiss(clue, one.why, by=official)
    elif one.becomes == "duplicate" and earlier:
        mark_duplicate(clue, earlier, by=official)
    elif one.becomes:
        issues = Issue.objects.of_year(year.town, year.year)
        take_up(clue, issues.get(serial=one.becomes, is_demo=True), by=official)
    return clue


def undo_demo_moves() -> None:
    """Real issues forget what demo users did to them: without another record they stand as their plan prints them."""
    touched = Issue.objects.filter(is_demo=False).filter(Q(events__is_demo=True) | Q(decided_by__is_demo=True))
    issues = list(touched.distinct().select_related("town", "decided_by"))
    IssueEvent.objects.filter(is_demo=True, issue__in=issues).delete()
    plans = {(plan.town_id, plan.year): plan for plan in Plan.objects.select_related("town").exclude(source="")}
    for issue in issues:
        last = issue.events.last()
        issue.state = last.after if last else "open"
        if last is None:
            issue.version, issue.is_excluded, issue.review_on = 1, False, None
        if last is None or (issue.decided_by and issue.decided_by.is_demo):
            issue.decided_by, issue.decided_on, issue.decision_reason = None, None, ""
        if issue.state != "closed":
            issue.closed_on = None
        issue.save()
    for key in {(issue.town_id, issue.year) for issue in issues if issue.version == 1} & set(plans):
        plan = plans[key]
        write_ledgers(plan, plan.document, division_names(plan), Differences())
