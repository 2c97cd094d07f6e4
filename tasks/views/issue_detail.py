"""One issue: what is to be done, what was decided and why, what happened; and the doors of its moves."""

from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from tasks.acceptance import Refused
from tasks.issue_blocks import blocks
from tasks.issues import (
    MOVES,
    STATE_WORDS,
    apply_permit,
    decide,
    deliberate,
    move,
    moves_open,
    settle_permit,
)
from tasks.models import Clue, Deliberation, Issue, IssueEvent, PermitCase, TownYear
from tasks.pages import town_page
from tasks.rulebook import Rulebook, rulebook
from tasks.views.common import where
from tasks.views.issue_forms import DecideForm, MeetingForm, MoveForm, PermitForm, first_decision
from tasks.views.issues import dress
from tasks.views.papers import given_back, keep_paper

STATUSES = {"conflict": 409, "closed": 409}
ADDED = {"deliberate": MeetingForm, "permit": PermitForm}


@town_page
@require_safe
def issue_detail(request, town_year: TownYear, pk):
    return show(request, town_year, issue_in(request.user, town_year, pk))


def issue_in(user, town_year: TownYear, pk, right: str = "") -> Issue:
    """The issue in scope, else 404; 403 where it may be seen and ``right`` is missing."""
    rows = Issue.objects.visible_to(user).filter(town=town_year.town, year=town_year.year, pk=pk)
    one = rows.select_related("town", "division", "responsible_division", "kind", "decided_by").first()
    if one is None:
        raise Http404
    if right and not user.can(right, one.division, one.kind_id):
        raise PermissionDenied
    return one


@town_page
@require_POST
def issue_decide(request, town_year: TownYear, pk):
    """Fix the measure; a reason where it is not the rules'."""
    issue, book = issue_in(request.user, town_year, pk, "decide"), rulebook(town_year.town, town_year.year)
    form = DecideForm(request.POST, book=book)
    said = "整改方式已确定。"
    return _carry_out(
        request,
        town_year,
        issue,
        "decide",
        form,
        lambda: decide(issue, form.decision(), by=request.user, book=book),
        said,
    )


def _move(request, town_year: TownYear, pk, name: str):
    issue = issue_in(request.user, town_year, pk, MOVES[name].right)
    form = MoveForm(request.POST, needs_reason=MOVES[name].needs_reason)
    said = f"{MOVES[name].label}已登记。"
    return _carry_out(
        request, town_year, issue, name, form, lambda: move(issue, name, by=request.user, **form.cleaned_data), said
    )


@town_page
@require_POST
def issue_done(request, town_year: TownYear, pk):
    return _move(request, town_year, pk, "done")


@town_page
@require_POST
def issue_accept(request, town_year: TownYear, pk):
    return _move(request, town_year, pk, "accept")


@town_page
@require_POST
def issue_return(request, town_year: TownYear, pk):
    return _move(request, town_year, pk, "return")


@town_page
@require_POST
def issue_close(request, town_year: TownYear, pk):
    return _move(request, town_year, pk, "close")


@town_page
@require_POST
def issue_reopen(request, town_year: TownYear, pk):
    return _move(request, town_year, pk, "reopen")


@town_page
@require_POST
def issue_deliberate(request, town_year: TownYear, pk):
    """Keep a meeting (一事一议), with its minutes."""
    issue, book = issue_in(request.user, town_year, pk, "report"), rulebook(town_year.town, town_year.year)
    form = MeetingForm(request.POST, request.FILES, book=book)

    def act():
        file = form.cleaned_data["minutes"]
        minutes = keep_paper(file, issue.division, request.user, purpose="minutes", field="minutes")
        deliberate(issue, form.meeting(), by=request.user, minutes=minutes)

    return _carry_out(request, town_year, issue, "deliberate", form, act, "一事一议已登记。")


@town_page
@require_safe
def meeting_minutes(request, town_year: TownYear, pk):
    """The minutes of a meeting as they were uploaded."""
    issues = Issue.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    one = Deliberation.objects.filter(issue__in=issues, pk=pk).select_related("minutes").first()
    if one is None or one.minutes is None:
        raise Http404
    return given_back(one.minutes)


@town_page
@require_POST
def issue_permit(request, town_year: TownYear, pk):
    """Register an application at another authority."""
    issue, book = issue_in(request.user, town_year, pk, "decide"), rulebook(town_year.town, town_year.year)
    form = PermitForm(request.POST, book=book)
    said = "外部审批已登记。"
    return _carry_out(
        request,
        town_year,
        issue,
        "permit",
        form,
        lambda: apply_permit(issue, form.permit_values(), by=request.user),
        said,
    )


@town_page
@require_POST
def permit_settle(request, town_year: TownYear, pk):
    """What became of an application."""
    rows = PermitCase.objects.visible_to(request.user).filter(town=town_year.town, issue__year=town_year.year)
    case = rows.filter(pk=pk).select_related("issue__town").first()
    if case is None:
        raise Http404
    issue, book = issue_in(request.user, town_year, case.issue_id, "decide"), rulebook(town_year.town, town_year.year)
    form = PermitForm(request.POST, book=book)
    return _carry_out(
        request, town_year, issue, f"settle-{pk}", form,
        lambda: settle_permit(case, form.permit_values(), by=request.user, version=form.cleaned_data["version"]),
        "外部审批已更新。",
    )  # fmt: skip


def _carry_out(request, town_year: TownYear, issue: Issue, name: str, form, act, said: str):
    """Back to the page after the act; what is refused stands in its form, and what was typed stays."""
    status = 400
    if form.is_valid():
        try:
            act()
        except Refused as refusal:
            status = STATUSES.get(refusal.code, 400)
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message.split("\n"))
            issue = issue_in(request.user, town_year, issue.pk)
        else:
            messages.success(request, said)
            return redirect("issue_detail", **where(town_year), pk=issue.pk)
    return show(request, town_year, issue, {name: form}, status)


def show(request, town_year: TownYear, one: Issue, sent: dict | None = None, status: int = 200):
    """The page; ``sent`` holds the form that was refused, by the name of its act."""
    book, today, user = rulebook(town_year.town, town_year.year), town_year.today(), request.user
    dress(one, book, today)
    can = {right: user.can(right, one.division, one.kind_id) for right in ("report", "decide", "accept", "import")}
    permits = list(PermitCase.objects.filter(issue=one))
    for case in permits:
        case.name = book.label("permit", case.permit)
        case.form = (sent or {}).get(f"settle-{case.pk}") or _settle_form(case, book)
    acts = [] if town_year.closed_on else _acts(one, book, today, can, sent or {})
    parcels = list(one.parcels.select_related("division"))
    clues = list(Clue.objects.visible_to(user).filter(issue=one).order_by("reported_at"))
    page = {
        "town_year": town_year,
        "one": one,
        "facts": _facts(one, book),
        "acts": acts,
        "errors": bool(sent),
        "stopped": blocks(one, book, today) if one.state == "decided" else [],
        "meetings": list(Deliberation.objects.filter(issue=one).select_related("minutes")),
        "permits": permits,
        "more": [] if town_year.closed_on or one.state == "closed" else _additions(book, today, can, sent or {}),
        "can": can,
        "parcels": parcels,
        "clues": clues,
        "neighbours": _neighbours(one, parcels, user),
        "trail": [_event(event) for event in reversed(one.events.select_related("by"))],
    }
    return render(request, "tasks/issue_detail.html", page, status=status)


def _acts(one: Issue, book: Rulebook, today, can: dict, sent: dict) -> list[dict]:
    """What this user may do now; the first is the main one, a decision taken again comes last."""
    names = [name for name in moves_open(one) if can[MOVES[name].right]]
    names.sort(key=lambda name: (name == "decide" and one.state == "decided", name in ("return", "reopen")))
    return [_act(name, one, book, today, sent) for name in names]


def _act(name: str, one: Issue, book: Rulebook, today, sent: dict) -> dict:
    form = sent.get(name)
    if form is None and name == "decide":
        form = DecideForm(initial=first_decision(one, today), book=book, prefix=None, auto_id="decide_%s")
    elif form is None:
        first, needs_reason = {"on": today, "version": one.version}, MOVES[name].needs_reason
        form = MoveForm(initial=first, auto_id=f"{name}_%s", needs_reason=needs_reason)
    label = "改变方式" if name == "decide" and one.state == "decided" else MOVES[name].label
    back = name in ("return", "reopen") or label != MOVES[name].label
    return {"name": name, "url": f"issue_{name}", "label": label, "form": form, "open": name in sent, "back": back}


def _additions(book: Rulebook, today, can: dict, sent: dict) -> list[dict]:
    """The forms that add something beside the row: a meeting, a permit case."""
    new = partial(_addition, book=book, today=today, sent=sent)
    wanted = [("deliberate", "登记一事一议", "report"), ("permit", "登记外部审批", "decide")]
    return [new(name, label) for name, label, right in wanted if can[right]]


def _addition(name: str, label: str, *, book: Rulebook, today, sent: dict) -> dict:
    first = {"held_on": today, "applied_on": today}
    form = sent.get(name) or ADDED[name](initial=first, book=book, auto_id=f"{name}_%s")
    return {"name": name, "url": f"issue_{name}", "label": label, "form": form, "open": name in sent}


def _settle_form(case: PermitCase, book: Rulebook) -> PermitForm:
    names = ("permit", "authority", "applied_on", "outcome", "number", "decided_on", "note", "version")
    first = {name: getattr(case, name) for name in names}
    return PermitForm(initial=first, book=book, auto_id=f"settle{case.pk.hex[:8]}_%s")


def _neighbours(one: Issue, parcels: list, user) -> list[Issue]:
    """Other issues on the same parcels, or under one of the same codes."""
    if not one.codes:
        return []
    same = Q(parcels__in=[parcel.pk for parcel in parcels])
    for code in one.codes[:5]:
        same |= Q(codes__icontains=code)
    rows = Issue.objects.visible_to(user).filter(same, town=one.town).exclude(pk=one.pk)
    found = [other for other in rows.distinct()[:10] if _shares(one, other, parcels)]
    for other in found:
        other.state_name = STATE_WORDS.get(other.state, other.state)
    return found


def _shares(one: Issue, other: Issue, parcels: list) -> bool:
    codes = {code for parcel in parcels for code in parcel.codes} | set(one.codes)
    return bool(codes & set(other.codes))


def _event(event: IssueEvent) -> dict:
    """One line of the record: what, who, why, what changed, what was warned of."""
    changes = [f"{name}：{before or '空'} → {after or '空'}" for name, (before, after) in event.facts.items()]
    words = [str(event.by) if event.by else "方案", event.reason, *changes]
    words += [f"当时的提醒：{text}" for text in event.warnings]
    turn = "back" if event.action in ("returned", "reopened") else ""
    title = event.get_action_display()
    return {"on": event.on, "title": title, "text": "，".join(word for word in words if word), "turn": turn}


def _facts(one: Issue, book: Rulebook) -> list[tuple]:
    said = {"yes": "是", "no": "否"}
    return [
        ("台账", f"{one.ledger_title} 第 {one.serial} 行"),
        ("任务类型", str(one.kind)),
        ("项目名称", one.project),
        ("坐落", one.location),
        ("责任单位", str(one.responsible_division or one.division)),
        ("问题来源", one.source_name or one.cells.get("source")),
        ("问题类型", one.problem_name or one.cells.get("problem_kind")),
        ("地面现状", book.label("ground_state", one.cells.get("use", ""))),
        ("重点工程", said.get(one.cells.get("key_project", ""))),
        ("能否恢复", said.get(one.cells.get("restorable", ""))),
        ("整改方式原文", one.measure_stated),
        ("整改时限原文", one.due_stated),
        ("备注", one.cells.get("note")),
        ("销号日期", one.closed_on and one.closed_on.isoformat()),
    ]
