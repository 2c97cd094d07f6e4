"""Decision rules as rows: what a plan says must be done with a parcel, and what it warns of (domain.md §6).

A row has ``when`` conditions ``[fact, op, value]`` and ``then``; a fact that is unknown never matches. A suggestion is
never more than that: a person decides, and an override keeps its reason. Pure: rows may be RuleDocs or model rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from farmland.lib.conditions import Condition, all_hold
from farmland.lib.dates import parse_date
from farmland.lib.numbers import parse_stated
from tasks.plan.document import LedgerRowDoc, RuleDoc
from tasks.plan.facts import RULE_FACTS

FACTS = tuple(RULE_FACTS)
LAST = 1_000_000  # the priority of a row that names none


@dataclass(frozen=True)
class Suggestion:
    """``measure`` is a code of the dictionary; ``due`` as the row writes it; ``needs`` what must be there first."""

    measure: str
    reason: str
    basis: str
    clause: str
    due: str
    needs: tuple[str, ...]
    rule_key: str


@dataclass(frozen=True)
class Warning:
    """``facts`` are the facts the row looked at."""

    text: str
    basis: str
    clause: str
    rule_key: str
    facts: tuple[str, ...] = ()

    @property
    def about_problem(self) -> bool:
        """Whether it sets the measure against the problem kind (C14) rather than against the land (C12)."""
        return "problem_kind" in self.facts


def suggest(rules: Iterable, facts: Mapping[str, Any]) -> Suggestion | None:
    """The first measure row, by priority and then by order, whose conditions are all known to hold."""
    for row in in_order(rules, "measure"):
        then = row.then or {}
        if then.get("measure") and holds(row, facts):
            needs = then.get("needs") or []
            return Suggestion(
                measure=then["measure"],
                reason=then.get("reason") or row.quote or "",
                basis=row.basis,
                clause=row.clause,
                due=str(then.get("due") or ""),
                needs=tuple([needs] if isinstance(needs, str) else needs),
                rule_key=row.key,
            )
    return None


def warnings(rules: Iterable, facts: Mapping[str, Any]) -> list[Warning]:
    """Every warning row whose conditions are all known to hold, by priority."""
    return [
        Warning(
            text=(row.then or {}).get("warn") or row.quote,
            basis=row.basis,
            clause=row.clause,
            rule_key=row.key,
            facts=tuple(condition[0] for condition in row.when or []),
        )
        for row in in_order(rules, "warning")
        if holds(row, facts)
    ]


def warned(rules: Iterable, common: Iterable, facts: Mapping[str, Any]) -> list[Warning]:
    """What the plan's own rows warn of; on a subject (地类, 问题类型) they are silent on, what ``common`` rows do."""
    own = warnings(rules, facts)
    subjects = {one.about_problem for one in own}
    return [*own, *(one for one in warnings(common, facts) if one.about_problem not in subjects)]


def in_order(rules: Iterable, purpose: str) -> list:
    return sorted((row for row in rules if row.purpose == purpose), key=_priority)


def holds(row, facts: Mapping[str, Any]) -> bool:
    """Whether all conditions of a row are known to hold. Names and comparisons were checked on loading."""
    return all_hold([Condition(*raw) for raw in row.when or []], facts) is True


def common_rules(dictionary) -> list[RuleDoc]:
    """Warning rows made of the measures' own rows in the dictionary: ``on_pbf: warn`` and ``problem_kinds``."""
    rows = []
    labels = {term.code: term.label for term in dictionary.by_dictionary.get("problem_kind", {}).values()}
    for term in dictionary.by_dictionary.get("measure", {}).values():
        attrs = term.attrs or {}
        if attrs.get("on_pbf") == "warn":
            when = [["measure", "=", term.code], ["on_pbf", "=", "yes"]]
            text = f"占用永久基本农田，不宜“{term.label}”，应原址恢复；确需如此，请写明理由，决定人记录在案"
            rows.append(RuleDoc(key=f"{term.code}.on_pbf", purpose="warning", when=when, then={"warn": text}))
        kinds = attrs.get("problem_kinds")
        if kinds:
            fitting = "、".join(labels.get(kind, kind) for kind in kinds)
            when = [["measure", "=", term.code], ["problem_kind", "not_in", [*kinds, "both"]]]
            text = f"“{term.label}”用于{fitting}问题，与所填问题类型不符"
            rows.append(RuleDoc(key=f"{term.code}.problem_kind", purpose="warning", when=when, then={"warn": text}))
    return rows


def facts_of(row: LedgerRowDoc, dictionary, *, unit: str = "mu", kind: str | None = None) -> dict[str, Any]:
    """The facts a printed ledger row gives; a cell that is empty, "/" or unreadable gives None, never 0.

    ``dictionary`` is the dictionary with the plan's own rows (``with_plan``); ``unit`` that of the areas,
    ``kind`` the ledger's kind of task.
    """
    area, cultivated, pbf = (_mu(cell, unit, dictionary) for cell in (row.area, row.cultivated, row.pbf))
    state = dictionary.term("ground_state", row.use or row.project)
    attrs = (state.attrs or {}) if state else {}
    return dict.fromkeys(FACTS) | {
        "kind": kind,
        "state": state.code if state else None,
        "on_pbf": None if pbf is None else pbf > 0,
        "pbf_mu": pbf,
        "ordinary_mu": cultivated - pbf if cultivated is not None and pbf is not None and pbf <= cultivated else None,
        "cultivated_mu": cultivated,
        "area_mu": area,
        "source": _code(dictionary, "source", row.source),
        "problem_kind": _code(dictionary, "problem_kind", row.problem_kind),
        "measure": _code(dictionary, "measure", row.measure),
        "project": row.project or None,
        "homestead": row.homestead or bool(state and state.code == "homestead"),
        "structure": attrs.get("family") == "built" if attrs.get("family") else None,
        "hardened": _hardened(row.project),
    }


def day_of(cell: str, *, year: int | None = None):
    """The day by which a printed cell says something is due; None when it says none or cannot be read."""
    try:
        found = parse_date(cell, year=year)
    except ValueError:
        return None
    return found.due_on if found else None


def _priority(row) -> int:
    return LAST if row.priority is None else row.priority


def _mu(cell: str, unit: str, dictionary) -> Decimal | None:
    try:
        value = parse_stated(cell)[0]
    except ValueError:
        return None
    term = dictionary.term("unit", unit)
    factor = (term.attrs or {}).get("factor") if term else None
    return value if value is None or factor is None else value * Decimal(factor)


def _code(dictionary, name: str, words: str) -> str | None:
    term = dictionary.term(name, words) if words.strip() else None
    return term.code if term else None


def _hardened(project: str) -> bool | None:
    """未硬化晾晒场 → False, 硬化路面 → True; unknown where the words do not say."""
    if "硬化" not in project:
        return None
    return "未硬化" not in project
