"""The life of an issue (整改问题): one table of moves, and the only functions that make them.

open → decided → done → accepted → closed (销号); returned from done and accepted to decided; reopened from accepted
and closed. Every move leaves an IssueEvent and an audit event; a closed year refuses. The caller checks the user's
rights (``MOVES[name].right``); who may not accept because of what they did themselves is refused here.
"""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from farmland.accounts.models import User, record
from farmland.jobs.models import Job, Upload
from farmland.places.models import Division
from tasks.acceptance import Refused
from tasks.issue_blocks import blocks, lineage_of
from tasks.models import Deliberation, Issue, IssueEvent, PermitCase, TownYear
from tasks.rulebook import Rulebook, rulebook
from tasks.services import request_recompute


@dataclass(frozen=True)
class Move:
    """``action`` is the IssueEvent's; ``label`` the button; ``right`` the word of the role that may do it."""

    action: str
    label: str
    before: tuple[str, ...]
    after: str
    right: str
    needs_reason: bool = False
    in_order: bool = False  # its day may not lie before that of the move before


MOVES = {
    "decide": Move("decided", "确定方式", ("open", "reopened", "decided"), "decided", "decide"),
    "done": Move("done", "完成整改", ("decided",), "done", "report"),
    "accept": Move("accepted", "验收", ("done",), "accepted", "accept", in_order=True),
    "return": Move("returned", "退回", ("done", "accepted"), "decided", "accept", needs_reason=True),
    "close": Move("closed", "销号", ("accepted",), "closed", "accept", in_order=True),
    "reopen": Move("reopened", "重新打开", ("accepted", "closed"), "reopened", "decide", needs_reason=True),
}
STATE_WORDS = {
    "open": "待定方式", "decided": "整改中", "done": "待验收", "accepted": "已验收", "closed": "已销号",
    "reopened": "重新整改",
}  # fmt: skip
TO_DO = ("open", "decided", "reopened")  # what the village still has to put right
COUNTED = ("closed",)  # states that change the figures when they are entered or left


class Stale(Refused):
    """Somebody else changed the row since it was read: ``pairs`` are (what, as it stands, as sent)."""

    def __init__(self, who: str, pairs: list[tuple[str, str, str]]):
        values = "；".join(f"{name}：系统现在“{now}”，您填的“{mine}”" for name, now, mine in pairs)
        super().__init__(f"打开以后，{who}已改过这个问题。{values}。请核对后再办。", code="conflict")
        self.pairs = pairs


@dataclass(frozen=True)
class Decision:
    """A measure as a person decides it. ``version`` is the one the person saw; None asks for no check."""

    measure: str
    on: date
    reason: str = ""
    due_on: date | None = None
    review_on: date | None = None
    version: int | None = None


@dataclass(frozen=True)
class Moved:
    """``job`` recomputes the figures; None where the move does not change them."""

    issue: Issue
    event: IssueEvent
    job: Job | None


def moves_open(issue: Issue) -> list[str]:
    """The names of the moves the state allows."""
    return [name for name, one in MOVES.items() if issue.state in one.before and not issue.is_excluded]


def locked_year(town: Division, year: int) -> TownYear:
    """The town-year under its lock, or Refused when it is closed."""
    found = TownYear.objects.select_for_update(of=("self",)).select_related("town").get(town=town, year=year)
    if found.closed_on:
        raise Refused(f"{found.town} {found.year} 年已关账，整改问题只能在新年度办理。", code="closed")
    return found


def locked(issue: Issue) -> tuple[TownYear, Issue]:
    """The open year and the issue as it stands now, both locked."""
    year = locked_year(issue.town, issue.year)
    rows = Issue.objects.select_for_update(of=("self",)).select_related("town", "division", "kind")
    return year, rows.get(pk=issue.pk)


def check_version(issue: Issue, version: int | None, pairs: list[tuple[str, str, str]]) -> None:
    """Stale when ``version`` is not the row's; ``pairs`` tell what stands and what was sent."""
    if version is None or version == issue.version:
        return
    last = issue.events.select_related("by").last()
    raise Stale(str(last.by) if last and last.by else "别人", [one for one in pairs if one[1] != one[2]] or pairs)


def check_day(year: TownYear, on: date, field: str = "on") -> None:
    if on > year.today():
        raise Refused(f"日期 {on:%Y-%m-%d} 晚于工作日期 {year.today():%Y-%m-%d}，请改为当日或以前。", field=field)
    if on.year < year.year - 1:
        raise Refused(f"日期 {on:%Y-%m-%d} 早于本年度太多，请核对年份。", field=field)


@transaction.atomic
def decide(issue: Issue, decision: Decision, *, by: User, book: Rulebook | None = None) -> Moved:
    """Fix the measure. Another one than the rules suggest needs a reason; without a deadline a review date is due.

    What the rules warn of is kept with the event, that is with the person who decided.
    """
    year, issue = locked(issue)
    book = book or rulebook(issue.town, issue.year)
    if _stands(issue, decision, by):
        return Moved(issue, issue.events.last(), None)
    check_version(issue, decision.version, _differing(issue, decision, book))
    _check_allowed(issue, "decide")
    _check_decision(year, issue, decision, book)
    before = _seen(issue, book)
    issue.measure, issue.decided_by, issue.decided_on = decision.measure, by, decision.on
    issue.decision_reason, issue.review_on = decision.reason.strip(), decision.review_on
    issue.due_on = decision.due_on or issue.due_on
    book.advise(issue)
    return _write(issue, "decide", by=by, on=decision.on, reason=issue.decision_reason, book=book, before=before)


def _check_decision(year: TownYear, issue: Issue, decision: Decision, book: Rulebook) -> None:
    if not book.knows("measure", decision.measure):
        raise Refused(f"没有“{decision.measure}”这种整改方式，请从列表中选择。", field="measure")
    check_day(year, decision.on)
    suggested = book.suggestion(issue)
    if suggested and suggested.measure != decision.measure and not decision.reason.strip():
        label, mine = book.label("measure", suggested.measure), book.label("measure", decision.measure)
        raise Refused(f"规则建议“{label}”，您选了“{mine}”，请写明理由。", field="reason")
    if not (decision.due_on or issue.due_on or decision.review_on):
        raise Refused("台账没有整改时限，请填整改时限或复查日期。", field="review_on")
    for name, label, day in (("due_on", "整改时限", decision.due_on), ("review_on", "复查日期", decision.review_on)):
        if day and day < decision.on:
            raise Refused(f"{label} {day:%Y-%m-%d} 早于决定日期 {decision.on:%Y-%m-%d}，请核对。", field=name)


@transaction.atomic
def move(
    issue: Issue, name: str, *, by: User, on: date, reason: str = "", version: int | None = None,
    upload: Upload | None = None,
) -> Moved:  # fmt: skip
    """done, accept, return, close or reopen, on a day. Refused explains every refusal; nothing is written then."""
    one = MOVES[name]
    year, issue = locked(issue)
    book = rulebook(issue.town, issue.year)
    check_version(issue, version, [("状态", STATE_WORDS[issue.state], STATE_WORDS[one.after])])
    _check_allowed(issue, name)
    check_day(year, on)
    if one.needs_reason and not reason.strip():
        raise Refused(f"{one.label}须写明理由。", field="reason")
    last = issue.events.exclude(action="changed").last()
    if one.in_order and last and on < last.on:
        raise Refused(
            f"{one.label}日期 {on:%Y-%m-%d} 早于{last.get_action_display()}的 {last.on:%Y-%m-%d}，请核对。", field="on"
        )
    if name == "done" and (stopped := blocks(issue, book, year.today())):
        raise Refused("\n".join(stopped), code="blocked")
    if name == "accept":
        _check_person(issue, by)
    before = _seen(issue, book)
    issue.closed_on = on if one.after == "closed" else None
    return _write(issue, name, by=by, on=on, reason=reason.strip(), book=book, before=before, upload=upload)


def _check_allowed(issue: Issue, name: str) -> None:
    if issue.is_excluded:
        raise Refused("这个问题不在整治范围内，只列出、不计数。要办理，请先改回整治范围。", code="conflict")
    if issue.state not in MOVES[name].before:
        can = "、".join(MOVES[one].label for one in moves_open(issue))
        message = f"现在是“{STATE_WORDS[issue.state]}”，不能{MOVES[name].label}；可以：{can}。"
        raise Refused(message, code="conflict")


def _check_person(issue: Issue, by: User) -> None:
    """Who reports done may not accept: on the record of this issue, whatever roles the person holds."""
    if IssueEvent.objects.filter(issue__in=list(lineage_of(issue)), action="done", by=by).exists():
        message = "完成整改是您本人登记的，登记人不能验收，请由另一位同事验收。"
        raise Refused(message, field="non_field_errors", code="same_person")


def _stands(issue: Issue, decision: Decision, by: User) -> bool:
    """Sent again word for word, because the answer got lost: nothing is decided twice, nothing is in conflict."""
    if decision.version != issue.version - 1 or issue.state != "decided" or issue.decided_by_id != by.pk:
        return False
    sent = (decision.measure, decision.on, decision.reason.strip(), decision.review_on)
    kept = (issue.measure, issue.decided_on, issue.decision_reason, issue.review_on)
    return sent == kept and decision.due_on in (None, issue.due_on)


def _differing(issue: Issue, decision: Decision, book: Rulebook) -> list[tuple[str, str, str]]:
    return [
        ("整改方式", book.label("measure", issue.measure) or "没有定", book.label("measure", decision.measure)),
        ("状态", STATE_WORDS[issue.state], STATE_WORDS["decided"]),
    ]


def _seen(issue: Issue, book: Rulebook) -> dict[str, str]:
    """What of an issue moves can change, in words."""
    return {
        "状态": STATE_WORDS[issue.state],
        "整改方式": book.label("measure", issue.measure),
        "整改时限": issue.due_on.isoformat() if issue.due_on else "",
        "复查日期": issue.review_on.isoformat() if issue.review_on else "",
        "销号日期": issue.closed_on.isoformat() if issue.closed_on else "",
    }


def _write(
    issue: Issue, name: str, *, by: User, on: date, reason: str, book: Rulebook, before: dict,
    upload: Upload | None = None,
) -> Moved:  # fmt: skip
    """Set the state, keep the event and the audit line, ask for new figures where they change."""
    one, state = MOVES[name], issue.state
    issue.state = one.after
    issue.version += 1
    issue.save()
    after = _seen(issue, book)
    facts = {key: [before[key], after[key]] for key in after if key != "状态" and before[key] != after[key]}
    warnings = issue.warnings if name == "decide" else []
    event = add_event(
        issue, one.action, before=state, on=on, by=by, reason=reason, facts=facts, warnings=warnings, upload=upload
    )
    record(
        f"问题{one.label}", str(issue), user=by, town=issue.town, before=before, after=after, reason=reason,
        about=issue.pk,
    )  # fmt: skip
    counts = state in COUNTED or issue.state in COUNTED
    return Moved(issue, event, request_recompute(issue.town, issue.year, by) if counts else None)


def add_event(issue: Issue, action: str, *, before: str, on: date, by: User | None, **more) -> IssueEvent:
    """One line of the issue's own record; ``more``: reason, facts, warnings, upload."""
    return IssueEvent.objects.create(
        town=issue.town, issue=issue, action=action, before=before, after=issue.state, on=on, by=by,
        is_demo=bool(by and by.is_demo) or issue.is_demo, **more,
    )  # fmt: skip


@dataclass(frozen=True)
class Meeting:
    """一事一议 as held: ``level`` of the dictionary; how many came, how many agreed."""

    level: str
    held_on: date
    present: int
    agreed: int
    conclusion: str
    place: str = ""


@transaction.atomic
def deliberate(issue: Issue, meeting: Meeting, *, by: User, minutes: Upload | None = None) -> Deliberation:
    """Keep what a meeting decided on an issue; a later meeting stands beside the earlier one."""
    year, issue = locked(issue)
    check_day(year, meeting.held_on, "held_on")
    if not meeting.present > 0 or meeting.agreed > meeting.present:
        raise Refused(
            f"到会 {meeting.present} 人、同意 {meeting.agreed} 人：同意人数不能多于到会人数。", field="agreed"
        )
    kept = Deliberation.objects.create(
        town=issue.town, issue=issue, level=meeting.level, held_on=meeting.held_on, place=meeting.place,
        present=meeting.present, agreed=meeting.agreed, conclusion=meeting.conclusion, minutes=minutes, by=by,
        is_demo=by.is_demo or issue.is_demo,
    )  # fmt: skip
    said = f"到会 {meeting.present} 人，同意 {meeting.agreed} 人。{meeting.conclusion}"
    _changed(issue, {"一事一议": ["", said]}, on=meeting.held_on, by=by, action="登记一事一议")
    return kept


@dataclass(frozen=True)
class Permit:
    """An application at another authority; ``outcome`` pending, approved or refused."""

    permit: str
    applied_on: date
    authority: str = ""
    number: str = ""
    outcome: str = "pending"
    decided_on: date | None = None
    note: str = ""


@transaction.atomic
def apply_permit(issue: Issue, permit: Permit, *, by: User) -> PermitCase:
    """Register an external permit case (外部审批) of an issue."""
    year, issue = locked(issue)
    _check_permit(year, permit)
    case = PermitCase(town=issue.town, issue=issue, by=by, is_demo=by.is_demo or issue.is_demo)
    return _save_permit(case, permit, issue, by, "登记外部审批")


@transaction.atomic
def settle_permit(case: PermitCase, permit: Permit, *, by: User, version: int | None = None) -> PermitCase:
    """What became of a permit case: number, day, outcome."""
    year, issue = locked(case.issue)
    case = PermitCase.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if version is not None and version != case.version:
        words = dict(PermitCase.OUTCOMES)
        raise Stale("别人", [("结果", words[case.outcome], words[permit.outcome])])
    _check_permit(year, permit)
    case.version += 1
    return _save_permit(case, permit, issue, by, "办结外部审批")


def _check_permit(year: TownYear, permit: Permit) -> None:
    check_day(year, permit.applied_on, "applied_on")
    if permit.outcome == "pending":
        return
    if not permit.number.strip() or permit.decided_on is None:
        raise Refused("办结须填文号和办结日期。", field="number" if not permit.number.strip() else "decided_on")
    check_day(year, permit.decided_on, "decided_on")
    if permit.decided_on < permit.applied_on:
        raise Refused(f"办结日期 {permit.decided_on} 早于申请日期 {permit.applied_on}，请核对。", field="decided_on")


def _save_permit(case: PermitCase, permit: Permit, issue: Issue, by: User, action: str) -> PermitCase:
    was = case.get_outcome_display() if not case._state.adding else ""
    for name in ("permit", "applied_on", "authority", "number", "outcome", "decided_on", "note"):
        setattr(case, name, getattr(permit, name))
    case.save()
    label = rulebook(issue.town, issue.year).label("permit", permit.permit)
    said = "，".join(word for word in (case.get_outcome_display(), permit.number, permit.note) if word)
    _changed(issue, {label: [was, said]}, on=permit.decided_on or permit.applied_on, by=by, action=action)
    return case


def _changed(issue: Issue, facts: dict, *, on: date, by: User, action: str) -> None:
    """Something was added beside the row: its version moves on, so that nobody decides past it."""
    issue.version += 1
    issue.save(update_fields=["version", "updated_at"])
    add_event(issue, "changed", before=issue.state, on=on, by=by, facts=facts)
    after = {name: pair[1] for name, pair in facts.items()}
    record(action, str(issue), user=by, town=issue.town, after=after, about=issue.pk)
