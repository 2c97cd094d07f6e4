"""Problem ledgers of a plan into issues, with what the decision rules suggest and warn of for each row."""

import re

from farmland.places.models import Division
from tasks.check.case import Case
from tasks.decisions import common_rules, day_of, facts_of, suggest, warned
from tasks.models import Issue, Plan
from tasks.plan.common import common_dictionary
from tasks.plan.document import LedgerDoc, LedgerRowDoc, PlanDoc
from tasks.plan.sync import Differences, Wanted, sync
from tasks.rulebook import shown

SEPARATORS = re.compile(r"[、,，;；\s]+")
PRINTED = ("codes", "project", "location", "measure_stated", "due_stated")  # of a row, as the plan prints it


def printed_codes(cell: str) -> list[str]:
    """The codes of one cell, each as printed: “26966、26947” → two; "/" and empty → none."""
    return [code for code in SEPARATORS.split(cell.strip()) if any(sign.isdigit() for sign in code)]


def write_ledgers(plan: Plan, doc: PlanDoc, places: dict[str, Division], differences: Differences) -> None:
    """Issues of the plan's own ledgers. Rows that people entered, carried over or worked on since stay as they are."""
    case = Case(doc, common_dictionary())
    wanted = []
    for ledger in doc.ledgers:
        for row in ledger.rows:
            wanted.append(Wanted((ledger.key, row.serial), ledger_issue(plan, case, ledger, row, places, len(wanted))))
    rows = Issue.objects.filter(town=plan.town, year=plan.year, is_demo=False)
    rows = rows.exclude(cells__has_key="carried_from")  # those came from the year before, not from this plan
    rows = rows.exclude(cells__has_key="entered")  # nor those that were typed in or imported
    untouched = _without_worked_on(rows, wanted, differences)
    fixed = {"town": plan.town, "year": plan.year}
    sync(rows.filter(version=1), ("ledger", "serial"), untouched, fixed, differences)


def _without_worked_on(rows, wanted: list[Wanted], differences: Differences) -> list[Wanted]:
    """``wanted`` without the rows somebody has decided on or edited; what the plan now says of them is told."""
    kept = {(row.ledger, row.serial): row for row in rows.filter(version__gt=1)}
    for one in wanted:
        row = kept.get(one.key)
        if row is not None and any(getattr(row, name) != one.values[name] for name in PRINTED):
            differences.add(f"整改问题 {row} 已有人办理，方案里这一行的改动没有写入，请在整改页面核对。")
    return [one for one in wanted if one.key not in kept]


def ledger_issue(plan: Plan, case: Case, ledger: LedgerDoc, row: LedgerRowDoc, places: dict, order: int) -> dict:
    """The values of an issue from a printed row, with what the plan's rules suggest and warn of."""
    rules = case.doc.rules
    facts = facts_of(row, case.dictionary, unit=ledger.unit, kind=ledger.kind)
    suggestion = suggest(rules, facts)
    responsible = _division(case, row.responsible, places)
    located = _division(case, row.location, places)
    return {
        "kind_id": ledger.kind,
        "ledger_title": ledger.title,
        "codes": printed_codes(row.codes),
        "project": row.project,
        "location": row.location,
        "group": _group(row.location, located),
        "division_id": (responsible or located or plan.town).pk,
        "responsible_division_id": responsible.pk if responsible else None,
        "area_mu": facts["area_mu"],
        "cultivated_mu": facts["cultivated_mu"],
        "pbf_mu": facts["pbf_mu"],
        "source": facts["source"] or "",
        "problem_kind": facts["problem_kind"] or "",
        "measure": facts["measure"] or "",
        "measure_stated": row.measure,
        "suggested_measure": suggestion.measure if suggestion else "",
        "suggestion": shown(suggestion),
        "warnings": [one.text for one in warned(rules, common_rules(case.dictionary), facts)],
        "due_on": day_of(row.due, year=plan.year),
        "due_stated": row.due,
        "cells": _cells(row),
        "order": order,
    }


def _cells(row: LedgerRowDoc) -> dict:
    names = ("area", "cultivated", "pbf", "codes", "source", "problem_kind", "responsible", "use", "note")
    cells = {name: getattr(row, name) for name in names if getattr(row, name)}
    return cells | {"homestead": True} if row.homestead else cells


def _division(case: Case, words: str, places: dict[str, Division]) -> Division | None:
    line = case.division(words) if words else None
    return places.get(line[-1].name) if line else None


def _group(location: str, division: Division | None) -> str:
    if division is None:
        return ""
    for name in (division.name, *division.aliases):
        if name in location:
            return location.split(name, 1)[1].strip()
    return ""
