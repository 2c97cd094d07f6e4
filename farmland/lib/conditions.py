"""The one condition shape ``[fact, op, value]``, shared by decision rules and rates.

A fact that is unknown (absent from the row, or None) makes a condition neither true nor false: ``holds`` answers
None, so that an exclusion that cannot be tested can hold the money. ``has`` on a set that is known in part answers
None for what was never looked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

ORDERED = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
OPERATORS = ("=", "!=", *ORDERED, "in", "not_in", "has", "contains")


@dataclass(frozen=True)
class Partly:
    """A set of which only some members could be looked for: of the others nobody knows whether they are in it."""

    members: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()

    def has(self, one: str) -> bool | None:
        if one in self.members:
            return True
        return False if one in self.asked else None


class ConditionError(ValueError):
    """A condition that cannot be read, with the Chinese reason."""


@dataclass(frozen=True)
class Condition:
    fact: str
    op: str
    value: Any  # a text, a list of texts, or "$other" naming another fact

    @classmethod
    def read(cls, raw: Any, facts: Iterable[str]) -> "Condition":
        """``raw`` as it stands in a plan file; ``facts`` is the closed vocabulary. Raises ConditionError."""
        if not isinstance(raw, list) or len(raw) != 3:
            raise ConditionError(f"条件应写成 [事实, 比较, 值] 三项，现为“{raw}”。")
        fact, op, value = raw
        known = set(facts)
        if fact not in known:
            raise ConditionError(f"没有名为“{fact}”的事实，可用的有：{'、'.join(sorted(known))}。")
        if op not in OPERATORS:
            raise ConditionError(f"没有名为“{op}”的比较，可用的有：{'、'.join(OPERATORS)}。")
        if op in ("in", "not_in") and not isinstance(value, list):
            raise ConditionError(f"“{op}”后面应是列表，现为“{value}”。")
        if isinstance(value, str) and value.startswith("$") and value[1:] not in known:
            raise ConditionError(f"没有名为“{value[1:]}”的事实。")
        return cls(fact, op, value)

    def holds(self, row: Mapping[str, Any]) -> bool | None:
        """True, False, or None when a fact it needs is unknown."""
        actual = row.get(self.fact)
        expected = (
            row.get(self.value[1:]) if isinstance(self.value, str) and self.value.startswith("$") else self.value
        )
        if actual is None or expected is None:
            return None
        if self.op in ORDERED:
            left, right = _ordered(actual), _ordered(expected)
            return ORDERED[self.op](left, right) if left is not None and type(left) is type(right) else None
        if self.op in ("=", "!="):
            return _same(actual, expected) == (self.op == "=")
        if self.op in ("in", "not_in"):
            return any(_same(actual, one) for one in expected) == (self.op == "in")
        if self.op == "contains":
            return str(expected) in actual
        return actual.has(expected) if isinstance(actual, Partly) else expected in list(actual)


def all_hold(conditions: Iterable[Condition], row: Mapping[str, Any]) -> bool | None:
    """False as soon as one is false; None when none is false but one is unknown; else True."""
    answers = [condition.holds(row) for condition in conditions]
    if False in answers:
        return False
    return None if None in answers else True


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _ordered(value: Any) -> Decimal | date | None:
    """A number, or a day written 2020-07-03; None for what has no order."""
    number = _number(value)
    if number is not None:
        return number
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool):
        return right == ("yes" if left else "no")
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _number(left) is not None and _number(left) == _number(right)
    return str(left) == str(right)
