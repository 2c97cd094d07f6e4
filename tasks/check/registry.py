"""The one table of rules of the plan check, and the run over it.

A rule is a function from a ``Case`` to remarks, made with ``error``, ``warning`` and ``note`` below. Other apps add
theirs with ``register`` in ``AppConfig.ready`` (the rates of subsidies: C15, C20). No rule knows a plan.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tasks.check.case import Case

SEVERITIES = ("error", "warning", "note")
LONGEST = {"place": 180, "clause": 480, "stated": 280, "computed": 280, "message": 480}  # what a finding can keep


@dataclass(frozen=True)
class Remark:
    """One contradiction at one place (体检发现); all texts are Chinese and ready to show.

    ``place`` names one village, ledger row or statement, and is unique per rule and plan: rule + place is the
    identity that a waiver keeps. ``stated`` is what is printed, ``computed`` what the check finds instead.
    """

    rule: str
    severity: str
    place: str
    clause: str
    stated: str
    computed: str
    message: str


Finder = Callable[[Case], Iterable[Remark]]


@dataclass(frozen=True)
class Rule:
    id: str
    title: str
    explanation: str
    find: Finder


RULES: dict[str, Rule] = {}


def register(id: str, title: str, find: Finder, *, explanation: str) -> None:
    """Add a rule to the table. ``ValueError`` when another function already has the id."""
    known = RULES.get(id)
    if known and known.find is not find:
        raise ValueError(f"体检规则“{id}”已由“{known.title}”占用，请换一个编号。")
    RULES[id] = Rule(id, title, explanation, find)


def rule(id: str, title: str, *, explanation: str) -> Callable[[Finder], Finder]:
    def enter(find: Finder) -> Finder:
        register(id, title, find, explanation=explanation)
        return find

    return enter


def run(doc, dictionary, *, ledgers=None, plan=None) -> list[Remark]:
    """All remarks on a plan: errors first, then by rule, then in the order of the document.

    ``doc`` is a PlanDoc, ``dictionary`` the common DictionaryDoc; ``ledgers`` (LedgerDocs) takes the place of the
    plan's own when given. ``plan`` is the loaded Plan, for rules that look at what other years have counted.
    """
    case = Case(doc, dictionary, ledgers, plan)
    found = [replace(remark, rule=id) for id in sorted(RULES) for remark in RULES[id].find(case)]
    return sorted(_told_apart(found), key=lambda remark: (SEVERITIES.index(remark.severity), remark.rule))


def error(place: str, clause: str, stated: str, computed: str, message: str) -> Remark:
    return Remark("", "error", place, clause, stated, computed, message)


def warning(place: str, clause: str, stated: str, computed: str, message: str) -> Remark:
    return Remark("", "warning", place, clause, stated, computed, message)


def note(place: str, clause: str, stated: str, computed: str, message: str) -> Remark:
    return Remark("", "note", place, clause, stated, computed, message)


def _told_apart(remarks: list[Remark]) -> Iterable[Remark]:
    """Clip long texts, and number the places that occur more than once under one rule: “二（一）·恢复补足（2）”."""
    seen: Counter = Counter()
    for remark in map(_clipped, remarks):
        seen[remark.rule, remark.place] += 1
        count = seen[remark.rule, remark.place]
        yield remark if count == 1 else replace(remark, place=f"{remark.place}（{count}）")


def _clipped(remark: Remark) -> Remark:
    texts = {name: getattr(remark, name) for name in LONGEST}
    long = {name: f"{text[: LONGEST[name] - 1]}…" for name, text in texts.items() if len(text) > LONGEST[name]}
    return replace(remark, **long) if long else remark
