"""Rows and groups against the conditions of a rate: yes, no, or unknown until a named person rules. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from farmland.lib.conditions import Condition
from subsidies.rules.rule import Rule
from subsidies.rules.words import Words, canonical, inner

BLOCK, WARN, OFF = "block", "warn", "off"
ALL = "*"  # the subject of a ruling that answers for every row of the rate in its round


@dataclass(frozen=True)
class Concern:
    """What a guard found: ``result`` True where the concern stands, None where it cannot be told."""

    name: str
    text: str
    found: str
    result: bool | None
    severity: str = BLOCK
    clause: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Ruled:
    """A named person's answer (认定)."""

    holds: bool
    by: str
    reason: str
    at: str


Rulings = Mapping[tuple[str, str], Ruled]  # (subject, canonical test) → the newest


@dataclass
class Judged:
    """``no``: why it is not paid; ``unknown``: what keeps it from being told."""

    tests: list[dict] = field(default_factory=list)
    no: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def judge(rule: Rule, row, words: Words, rulings: Rulings) -> Judged:
    """A row against where, unless and what the guards found."""
    judged = Judged()
    for one in rule.where:
        _condition(judged, "where", one, row.subject, row.facts, rule, words, rulings)
    for one in rule.unless:
        _condition(judged, "unless", one, row.subject, row.facts, rule, words, rulings)
    for one in row.concerns:
        if one.severity != OFF:
            _concern(judged, one, row.subject, rule, words, rulings)
    return judged


def judge_group(rule: Rule, subject: str, facts: Mapping, words: Words, rulings: Rulings) -> Judged:
    judged = Judged()
    for one in rule.when:
        _condition(judged, "when", one, subject, facts, rule, words, rulings)
    return judged


def _condition(
    judged: Judged, group: str, one: Condition, subject: str, facts: Mapping, rule: Rule, words: Words,
    rulings: Rulings,
) -> None:  # fmt: skip
    answer, ruled = one.holds(facts), None
    name, text, asks = canonical(group, one), words.condition(one), answer is None
    if asks:
        ruled = _ruling(rulings, subject, name)
        answer = ruled.holds if ruled else None
    entry = _entry(group, subject, name, text, answer, ruled, rule.clause)
    entry |= {"fact": one.fact, "op": one.op, "value": words.value(one.fact, one.value), "asks": asks}
    entry["found"] = _found(one, facts, words)
    judged.tests.append(entry)
    wanted = group != "unless"
    if answer is None:
        missing = [one.fact, *([one.value[1:]] if _names_fact(one.value) and facts.get(one.value[1:]) is None else [])]
        judged.unknown.append(f"“{inner(text)}”无法核对：{words.unknown(_missing(missing, facts))}")
    elif answer != wanted:
        judged.no.append(f"{text}（不予补助）" if not wanted else f"不符合“{inner(text)}”，现为 {entry['found']}")


def _found(one: Condition, facts: Mapping, words: Words) -> str:
    """60.35，任务数（亩）为 110: what was found, and what it was held against."""
    found = words.value(one.fact, facts.get(one.fact))
    if not _names_fact(one.value) or facts.get(one.value[1:]) is None:
        return found
    return f"{found}，{words.fact(one.value)}为 {words.value(one.value[1:], facts[one.value[1:]])}"


def _names_fact(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("$")


def _missing(names: list[str], facts: Mapping) -> str:
    return next((name for name in names if facts.get(name) is None), names[0])


def _concern(judged: Judged, one: Concern, subject: str, rule: Rule, words: Words, rulings: Rulings) -> None:
    """A blocking concern that stands is final; a warning, and what cannot be told, wait for a ruling."""
    answer, ruled = one.result, None
    name = f"guard:{one.name}"
    asks = one.result is None or (one.result and one.severity == WARN)
    if asks:
        ruled = _ruling(rulings, subject, name)
        answer = ruled.holds if ruled else one.result
    entry = _entry("guard", subject, name, one.text, answer, ruled, one.clause or rule.clause)
    entry |= {"fact": one.name, "op": one.severity, "value": "", "found": one.found, "asks": asks}
    judged.tests.append(entry)
    if not answer and answer is not None:
        return
    if asks and ruled is None:
        judged.unknown.append(f"{one.text}：{one.found}，{one.remedy or '请经办人认定'}")
    else:
        judged.no.append(f"{one.text}：{one.found}")


def _ruling(rulings: Rulings, subject: str, name: str) -> Ruled | None:
    return rulings.get((subject, name)) or rulings.get((ALL, name))


def _entry(group: str, subject: str, name: str, text: str, answer: bool | None, ruled, clause: str) -> dict:
    return {
        "group": group,
        "subject": subject,
        "key": name,
        "text": text,
        "result": "unknown" if answer is None else "yes" if answer else "no",
        "clause": clause,
        "asks": answer is None,
        "ruled": None
        if ruled is None
        else {"holds": ruled.holds, "by": ruled.by, "reason": ruled.reason, "at": ruled.at},
    }
