"""What a rate pays for rows of facts, with every step of the sum. Pure: values in, awards out, in any order the same.

Each row is tested first (where, unless, guards), rows are put into groups by the rule's ``per``, each group is tested
(when) and priced; the amount is rounded once. What cannot be known holds the money and is named.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from subsidies.rules.amounts import Held, Sum, add_up, as_decimal, group_facts, pool_price, settle
from subsidies.rules.explain import explained
from subsidies.rules.judging import Concern, Judged, Rulings, judge, judge_group
from subsidies.rules.rule import Rule
from subsidies.rules.words import Words

DUE, HELD, INELIGIBLE = "due", "held", "ineligible"


@dataclass(frozen=True)
class Row:
    """One work (or claim) with its facts; ``concerns`` are what the guards found."""

    subject: str
    division: int | None
    facts: Mapping[str, Any]
    works: tuple[str, ...] = ()
    claim: str | None = None
    concerns: tuple[Concern, ...] = ()
    is_invented: bool = False  # 演示


@dataclass(frozen=True)
class Award:
    """What one subject gets, or why it gets nothing. ``amount`` is 0 unless it is due."""

    subject: str
    division: int | None
    works: tuple[str, ...]
    claim: str | None
    base: Decimal | None
    amount: Decimal
    state: str
    reason: str
    parts: list[dict]
    sources: list[dict]
    explanation: dict
    exclusions: list[dict]
    facts: dict[str, str]
    is_invented: bool = False


@dataclass
class Group:
    """Rows that are paid together, as far as they have been judged."""

    subject: str
    division: int | None
    rows: list[Row]
    judged: list[Judged]
    facts: dict[str, Any] = field(default_factory=dict)
    base: Fraction | None = None
    no: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    when: Judged | None = None
    sum: Sum | None = None

    @property
    def kept(self) -> list[Row]:
        return [row for row, judged in zip(self.rows, self.judged, strict=True) if not judged.no]

    @property
    def is_invented(self) -> bool:
        return any(row.is_invented for row in self.rows)


def evaluate(
    rule: Rule,
    rows: Iterable[Row],
    *,
    words: Words | None = None,
    rulings: Rulings | None = None,
    invented: Rulings | None = None,
    earlier: Mapping[str, Mapping[str, Decimal | None]] | None = None,
) -> list[Award]:
    """One award a group, by subject. ``earlier``: rate → subject → what it was given; None while that is held.

    ``invented``: the rulings for invented rows, where they are others than those for real ones.
    """
    words, rulings = words or Words(), rulings or {}
    answers = {False: rulings, True: rulings if invented is None else invented}
    groups = [_judged(group, rule, words, answers) for group in _groups(rule, rows, words, answers)]
    for reading in sorted(rule.readings):
        _price(rule, reading, groups, words, earlier or {})
    return [_award(group, rule, words) for group in sorted(groups, key=lambda one: one.subject)]


def _groups(rule: Rule, rows: Iterable[Row], words: Words, answers: Mapping[bool, Rulings]) -> list[Group]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[subject_of(rule, row)].append(row)
    groups = []
    for subject, members in found.items():
        members.sort(key=lambda row: (row.subject, row.works, row.claim or ""))
        divisions = {row.division for row in members}
        division = divisions.pop() if len(divisions) == 1 else None
        judged = [judge(rule, row, words, answers[row.is_invented]) for row in members]
        groups.append(Group(subject, division, members, judged))
    return groups


def subject_of(rule: Rule, row: Row) -> str:
    """The canonical text of what a row is paid as part of."""
    grains = [grain for grain in rule.per if grain not in ("subject", "division", "year")]
    tail = "".join(f"/{_grain(row, grain)}" for grain in grains)
    if rule.by_subject:
        return row.subject + tail
    return f"division:{row.division}{tail}" if "division" in rule.per else tail.removeprefix("/")


def _grain(row: Row, grain: str) -> str:
    value = row.facts.get(grain)
    return "?" if value is None else str(value)


def _judged(group: Group, rule: Rule, words: Words, answers: Mapping[bool, Rulings]) -> Group:
    """The group's base and own tests."""
    for grain in rule.per:
        if grain not in ("subject", "division", "year") and any(row.facts.get(grain) is None for row in group.rows):
            group.unknown.append(words.unknown(grain))
    if not group.kept:
        group.no += list(dict.fromkeys(text for judged in group.judged for text in judged.no))
        return group
    group.unknown += [text for judged in group.judged if not judged.no for text in judged.unknown]
    try:
        group.base = add_up(rule, group.kept)
    except Held as held:
        group.unknown.append(words.unknown(held.fact) if held.fact else held.text)
    group.facts = group_facts(group.kept, group.base)
    group.when = judge_group(rule, group.subject, group.facts, words, answers[group.is_invented])
    group.no += group.when.no
    group.unknown += group.when.unknown
    if rule.base is not None and group.base == 0:
        group.no.append("计算面积为 0")
    group.unknown = list(dict.fromkeys(group.unknown))
    return group


def _price(rule: Rule, reading: str, groups: Sequence[Group], words: Words, earlier: Mapping) -> None:
    """The sums of one reading; a pool is shared by all that may still be paid out of it."""
    open_groups = [group for group in groups if not group.no]
    lines = rule.readings[reading]
    try:
        pool = pool_price(lines, open_groups)
    except Held as held:
        for group in open_groups:
            _hold(group, held, words)
        return
    for group in open_groups:
        try:
            given = group.sum or Sum()
            given.readings[reading] = settle(rule, lines, group, pool, earlier)
            group.sum = given
        except Held as held:
            if reading == rule.chosen:
                _hold(group, held, words)
    if pool is not None:
        _within(pool, reading, [group for group in open_groups if group.sum])


def _hold(group: Group, held: Held, words: Words) -> None:
    text = words.unknown(held.fact) if held.fact else held.text
    target = group.no if held.is_final else group.unknown
    if text not in target:
        target.append(text)


def _within(pool, reading: str, groups: list[Group]) -> None:
    """Rounding the price down is not enough: rows that together exceed the pool are all rounded down."""
    rows = [group.sum.readings[reading] for group in groups if reading in group.sum.readings]
    if sum((row.rounded for row in rows), Decimal(0)) > pool.whole:
        for row in rows:
            row.round_down()


def _award(group: Group, rule: Rule, words: Words) -> Award:
    priced = group.sum.readings.get(rule.chosen) if group.sum else None
    state = INELIGIBLE if group.no else HELD if group.unknown or priced is None else DUE
    reasons = group.no if state == INELIGIBLE else group.unknown
    if priced is not None and state == DUE and priced.is_overpaid:
        state, reasons = HELD, [priced.overpaid_text]
    amount = priced.rounded if state == DUE else Decimal("0.00")
    shares = priced.shares(rule, group, amount) if state == DUE else None
    if shares is not None and shares.short:
        state, reasons, amount, shares = HELD, [shares.short], Decimal("0.00"), None
    reason = "；".join(list(dict.fromkeys(reasons))[:4]) + "。" if state != DUE else ""
    judged = [*group.judged, *([group.when] if group.when else [])]
    tests = [test for one in judged for test in one.tests]
    return Award(
        subject=group.subject,
        division=group.division,
        works=tuple(sorted({work for row in group.rows for work in row.works})),
        claim=group.rows[0].claim if len(group.rows) == 1 else None,
        base=None if group.base is None else as_decimal(group.base),
        amount=amount,
        state=state,
        reason=reason[:500],
        parts=shares.parts if shares else [],
        sources=shares.sources if shares else [],
        explanation=explained(rule, group, priced, shares, tests, words),
        exclusions=[
            {"text": test["text"], "result": test["result"], "clause": test["clause"]}
            for test in tests
            if test["group"] in ("unless", "guard")
        ],
        facts=facts_of(rule, group, words),
        is_invented=group.is_invented,
    )


def facts_of(rule: Rule, group: Group, words: Words) -> dict[str, str]:
    """Every fact the award rests on, as text: what its digest is made of."""
    names, found = sorted(rule.facts), {}
    for row in group.rows:
        head = "" if len(group.rows) == 1 else f"{row.subject}."
        found |= {f"{head}{name}": raw(row.facts.get(name)) for name in names}
    return found


def raw(value: Any) -> str:
    return Words().value("", value) if not isinstance(value, str) else value
