"""方案: everything the plan says, to be found within seconds. Rows where there are rows, the document for the rest."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import Count, Q
from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.lib.numbers import plain
from parcels.models import Kind
from tasks.check.case import Case
from tasks.check.registry import RULES
from tasks.models import Entry, Finding, Plan, PlanRevision, Share, Target, TownYear
from tasks.pages import town_page
from tasks.red_lines import LINES
from tasks.views.common import case_of, no_plan, questions
from tasks.views.wording import COMPARISONS, ENTRIES, PURPOSES, ROLES, UNITS, Words

ZERO = Decimal(0)
PURPOSE_ORDER = list(PURPOSES)


@town_page
@require_safe
def plan_detail(request, town_year: TownYear):
    """Open to all who answer for any part of the town; a village sees its own column of the split, no accounts."""
    plan = _plan(town_year)
    if plan is None:
        return no_plan(request, town_year)
    case = case_of(plan)
    words = Words(case)
    whole = request.user.sees_whole(town_year.town)
    targets = list(Target.objects.filter(plan=plan).select_related("kind", "lead_office").order_by("order"))
    shares = Share.objects.visible_to(request.user).filter(target__plan=plan).select_related("division")
    page = {
        "town_year": town_year,
        "plan": plan,
        "document": plan.document,
        "whole": whole,
        "revisions": PlanRevision.objects.filter(plan=plan).select_related("loaded_by").defer("source")[:12],
        "targets": _targets(targets, case, words),
        "split": _split(targets, shares, plan, case, whole),
        "phases": _phases(case, words),
        "red_lines": _red_lines(case) if whole else [],
        "entries": _entries(plan, request.user, case),
        "offices": _offices(case),
        "duties": _duties(case),
        "cadences": [{"row": one, "clause": case.clause(one.clause)} for one in plan.document.cadences],
        "rules": _rules(case, words),
        "programs": _programs(case, words),
        "statements": [{"row": one, "clause": case.clause(one.clause)} for one in plan.document.statements],
        "questions": questions(case),
        "annexes": _annexes(case),
        "errors": _errors(plan) if whole and plan.open_errors else [],
    }
    return render(request, "tasks/plan_detail.html", page | {"contents": _contents(page)})


def _plan(town_year: TownYear) -> Plan | None:
    """The plan with the number of its open findings, in one query."""
    counts = {
        f"open_{severity}s": Count("findings", filter=Q(findings__severity=severity, findings__waived=False))
        for severity in ("error", "warning", "note")
    }
    return Plan.objects.filter(town=town_year.town, year=town_year.year).annotate(**counts).first()


def _errors(plan: Plan) -> list[tuple[str, int]]:
    """The rules whose errors wait for an answer, by title, with how many each has."""
    rows = Finding.objects.filter(plan=plan, severity="error", waived=False).order_by()
    counts = dict(rows.values_list("rule").annotate(Count("pk")))
    return [(RULES[id].title if id in RULES else id, counts[id]) for id in sorted(counts)]


# Targets and their split


def _targets(targets: list[Target], case: Case, words: Words) -> list[dict]:
    """Parents before their children, each with how deep it stands."""
    below: dict = defaultdict(list)
    for one in targets:
        below[one.parent_id].append(one)
    rows: list[dict] = []

    def enter(parent, depth: int) -> None:
        for one in below[parent]:
            rows.append(_target(one, depth, case, words))
            enter(one.pk, depth + 1)

    enter(None, 0)
    return rows


def _target(one: Target, depth: int, case: Case, words: Words) -> dict:
    notes = [one.origin and f"来历：{one.origin}", one.note]
    if one.maximum is not None:
        notes.append(f"最多可完成 {plain(one.maximum)}：{one.maximum_reason}")
    if one.expected is not None:
        notes.append(f"方案预计完成 {plain(one.expected)}")
    return {
        "row": one,
        "depth": range(depth),
        "sign": COMPARISONS.get(one.comparison, ""),
        "rule": "各项都须完成" if one.rule == "every" else "",
        "level": words.label("level", one.counted_level or one.kind.counted_level),
        "share_of_selected": one.amount / one.selected if one.selected and one.amount is not None else None,
        "responsible": "、".join(one.responsible),
        "notes": [note for note in notes if note],
        "clause": case.clause(one.clause),
    }


def _split(targets: list[Target], shares, plan: Plan, case: Case, whole: bool) -> dict:
    """Villages × targets as printed; below, the printed total beside the sum of the rows."""
    cells: dict = defaultdict(dict)
    divisions: dict = {}
    for share in sorted(shares, key=lambda one: (one.order, one.division.path)):
        cells[share.division_id][share.target_id] = share
        divisions.setdefault(share.division_id, share.division)
    shown = {target for row in cells.values() for target in row}
    columns = [one for one in targets if one.pk in shown]
    printed = {one.target: one for one in plan.document.splits}
    return {
        "columns": [_column(one, printed.get(one.key), case) for one in columns],
        "rows": [
            {"division": divisions[pk], "cells": [row.get(one.pk) for one in columns]} for pk, row in cells.items()
        ],
        "totals": [_total(one, printed.get(one.key), cells) for one in columns] if whole else [],
    }


def _column(target: Target, split, case: Case) -> dict:
    return {"target": target, "clause": case.clause(split.clause) if split else ""}


def _total(target: Target, split, cells: dict) -> dict:
    rows = [row[target.pk] for row in cells.values() if target.pk in row]
    amount = sum((one.amount for one in rows if one.amount is not None), ZERO)
    potentials = [one.potential for one in rows if one.potential is not None]
    potential = sum(potentials, ZERO) if potentials else None
    printed, printed_potential = (split.printed_total, split.printed_potential) if split else (None, None)
    return {
        "unit": target.unit,
        "amount": amount,
        "printed": printed,
        "differs": printed is not None and printed != amount,
        "potential": potential,
        "printed_potential": printed_potential,
        "potential_differs": None not in (printed_potential, potential) and printed_potential != potential,
    }


# What stands in the document only


def _phases(case: Case, words: Words) -> list[dict]:
    """The phases with their dated steps; steps outside the phases stand under a heading of their own."""
    phases = [
        {
            "name": one.name,
            "printed": one.printed,
            "clause": case.clause(one.clause),
            "steps": [_step(step, case, words) for step in one.milestones],
        }
        for one in case.doc.phases
    ]
    if case.doc.milestones:
        loose = sorted(case.doc.milestones, key=lambda one: (one.on is None, one.on))
        steps = [_step(one, case, words) for one in loose]
        phases.append({"name": "不在阶段里的节点" if phases else "", "printed": "", "steps": steps})
    return phases


def _step(one, case: Case, words: Words) -> dict:
    targets = [case.target_name(case.targets[key]) for key in one.targets if key in case.targets]
    ladders = case.dictionary.ladders
    rung = next((rung.name for ladder in ladders for rung in ladder.rungs if rung.code == one.rung), one.rung)
    return {"row": one, "targets": targets, "rung": rung, "clause": case.clause(one.clause)}


def _red_lines(case: Case) -> list[dict]:
    found = {one.line_: one for one in case.doc.red_lines}
    rows = []
    for line, name in LINES.items():
        one = found.get(line)
        target = case.targets.get(one.target) if one else None
        rows.append(
            {
                "name": name,
                "row": one,
                **_bound(case, target),
                "feeds": [case.kind_name(kind) for kind in one.feeds] if one else [],
                "clause": case.clause(one.clause) if one and one.clause else "",
            }
        )
    return rows


def _bound(case: Case, target) -> dict:
    """What the line asks for; of problems it asks that none is open, however many the plan counts."""
    if target is None:
        return {"target": "", "sign": ""}
    kind = case.dictionary.kinds_by_code.get(target.kind)
    if kind is not None and kind.nature == Kind.OPEN:
        return {"target": case.amount(Decimal(0), target.unit), "sign": "未销号 ="}
    return {"target": case.amount(target.amount, target.unit), "sign": COMPARISONS.get(target.comparison, "")}


def _entries(plan: Plan, user, case: Case) -> list[dict]:
    rows = Entry.objects.visible_to(user).filter(target__plan=plan).select_related("target__kind")
    return [
        {"row": one, "role": ENTRIES.get(one.role, one.role), "clause": case.clause(one.clause)}
        for one in rows.order_by("target__order", "on", "order")
    ]


def _annexes(case: Case) -> list[dict]:
    """Each annex once, with the ledgers it prints; then the ledgers that stand in no annex."""
    rest, rows = list(case.doc.ledgers), []
    for one in case.doc.annexes:
        number = one.number if one.number.startswith("附件") else f"附件{one.number}"
        own = [ledger for ledger in rest if ledger.title == one.title or ledger.clause == number]
        rest = [ledger for ledger in rest if ledger not in own]
        rows.append({"number": number, "title": one.title, "present": one.present, "ledgers": own})
    return rows + [{"number": one.clause, "title": one.title, "present": True, "ledgers": [one]} for one in rest]


def _offices(case: Case) -> list[dict]:
    order = list(UNITS)
    rows = [
        {"row": one, "kind": UNITS.get(one.kind, one.kind), "clause": case.clause(one.clause)}
        for one in case.doc.offices
    ]
    return sorted(
        rows, key=lambda one: (one["row"].external, order.index(one["row"].kind) if one["row"].kind in order else 9)
    )


def _duties(case: Case) -> list[dict]:
    """One line for each topic: who leads, who answers, who else."""
    topics: dict = defaultdict(list)
    for one in case.doc.duties:
        topics[one.topic].append(one)
    rows = []
    for topic, duties in topics.items():
        holders: dict = defaultdict(list)
        for one in duties:
            holders[ROLES.get(one.role, one.role)].append(one.holder)
        quotes = list(dict.fromkeys(one.quote for one in duties if one.quote))
        clauses = list(dict.fromkeys(case.clause(one.clause) for one in duties))
        holders = [(role, "、".join(dict.fromkeys(names))) for role, names in holders.items()]
        rows.append({"topic": topic, "holders": holders, "quotes": quotes, "clauses": clauses})
    return rows


def _rules(case: Case, words: Words) -> list[dict]:
    found = []
    for purpose in PURPOSE_ORDER:
        rows = [one for one in case.doc.rules if one.purpose == purpose]
        rows.sort(key=lambda one: (one.priority is None, one.priority or 0))
        if rows:
            found.append({"purpose": PURPOSES[purpose], "rows": [words.rule(one) for one in rows]})
    return found


def _programs(case: Case, words: Words) -> list[dict]:
    return [
        {"row": one, "clause": case.clause(one.clause), "rates": [words.rate(rate) for rate in one.rates]}
        for one in case.doc.programs
    ]


def _contents(page: dict) -> list[tuple]:
    """The page's own index: anchor, name, how many; parts the plan does not have are left out."""
    parts = [
        ("targets", "指标", len(page["targets"])),
        ("split", "任务分解", len(page["split"]["rows"])),
        ("phases", "阶段与节点", sum(len(one["steps"]) or 1 for one in page["phases"])),
        ("red-lines", "红线算式", len(page["red_lines"])),
        ("entries", "账目", len(page["entries"])),
        ("offices", "单位", len(page["offices"])),
        ("duties", "职责", len(page["duties"])),
        ("cadences", "调度与通报", len(page["cadences"])),
        ("rules", "处置规则", sum(len(one["rows"]) for one in page["rules"])),
        ("programs", "补助标准", sum(len(one["rates"]) for one in page["programs"])),
        ("statements", "原文里的数", len(page["statements"])),
        ("annexes", "附件与台账", len(page["annexes"])),
        ("questions", "没有写清的", len(page["questions"])),
        ("outline", "提纲", len(page["document"].outline)),
    ]
    return [part for part in parts if part[2]]
