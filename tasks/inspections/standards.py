"""What a plan's standards ask to be measured, and what the measurements suggest. Pure; a person decides.

A standard is a rule of purpose ``standard`` with ``then.require``: conditions on facts that are measured on the spot.
``when`` says which works it is about. Standards of one ``either`` name are alternatives.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from farmland.lib.conditions import Condition, all_hold
from farmland.lib.numbers import parse_decimal, plain
from tasks.decisions import holds
from tasks.plan.facts import RULE_FACTS
from tasks.plan.provisions import YES_NO

SIGNS = {"=": "＝", "!=": "≠", "<": "＜", "<=": "≤", ">": "＞", ">=": "≥"}
HIGHEST = Decimal("999999.9999")
PLACES = 4


@dataclass(frozen=True)
class Measure:
    """One fact to measure, as a field of the page."""

    code: str
    label: str
    unit: str = ""
    minimum: Decimal = Decimal(0)
    maximum: Decimal = HIGHEST
    is_yes_no: bool = False
    parts: tuple["Measure", ...] = ()  # two counts whose ratio this is, in percent

    @property
    def heading(self) -> str:
        return f"{self.label}（{self.unit}）" if self.unit else self.label

    def read(self, text: str) -> str:
        """The typed text as it is kept: a plain number, yes or no, "" for nothing; ValueError says what is wrong."""
        if self.is_yes_no:
            if text not in ("", "yes", "no"):
                raise ValueError(f"{self.label}应选是或否，现为“{text}”。")
            return text
        try:
            number = parse_decimal(text, minimum=self.minimum, maximum=self.maximum)
        except ValueError as error:
            raise ValueError(f"{self.label}{error}") from error
        return "" if number is None else plain(number)


@dataclass(frozen=True)
class Advice:
    """What the standards say about one work. ``verdict``: passed, returned, or "" while something is not measured."""

    verdict: str
    sentences: tuple[str, ...]
    clause: str = ""


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """The exact ratio to four decimals of a percent, the rest upwards: what is over a limit never comes out at it."""
    part, whole = (int(one.scaleb(PLACES)) for one in (part, whole))
    return Decimal(-(-part * 100 * 10**PLACES // whole)).scaleb(-PLACES)


def read_all(rows: Iterable[Measure], typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed as it is kept, ratios worked out from their counts; ValueError says what is wrong."""
    found = {}
    for one in rows:
        counts = {part.code: part.read(typed.get(part.code, "")) for part in one.parts}
        stated = one.read(typed.get(one.code, ""))
        if any(counts.values()):
            stated = _ratio(one, counts, stated)
        found |= counts | {one.code: stated}
    return found


def _ratio(one: Measure, counts: Mapping[str, str], stated: str) -> str:
    part, whole = one.parts
    if stated:
        raise ValueError(f"已填{part.label}和{whole.label}，{one.label}由系统算，请清空。")
    if missing := next((each.label for each in one.parts if not counts[each.code]), ""):
        raise ValueError(f"还缺{missing}，{part.label}和{whole.label}须一起填。")
    if not Decimal(counts[whole.code]):
        raise ValueError(f"{whole.label}应大于 0，现为“0”。")
    return one.read(plain(percent_of(Decimal(counts[part.code]), Decimal(counts[whole.code]))))


def standards(rules: Iterable) -> list:
    """The rules that ask for measurements, in their order."""
    return [one for one in rules if one.purpose == "standard" and (one.then or {}).get("require")]


def about(rows: Iterable, facts: Mapping[str, Any]) -> list:
    """The standards that are about this work."""
    return [one for one in rows if holds(one, facts)]


def measures(rows: Iterable, terms: Mapping[str, Mapping]) -> list[Measure]:
    """The fields these standards ask for, each once. ``terms``: label and attrs of the dictionary ``attribute``."""
    codes = dict.fromkeys(fact for row in rows for fact, _, _ in row.then["require"])
    return [_measure(code, terms) for code in codes]


def _measure(code: str, terms: Mapping[str, Mapping]) -> Measure:
    term = terms.get(code)
    told = RULE_FACTS.get(code, code)
    label, _, unit = told.partition("（")
    unit = "" if code in YES_NO else unit.rstrip("）")
    if term is None:
        return Measure(code, label.removeprefix("是否"), unit, is_yes_no=code in YES_NO)
    attrs = term.get("attrs") or {}
    return Measure(
        code,
        term["label"],
        attrs.get("unit", unit),
        Decimal(attrs.get("minimum") or 0),
        Decimal(attrs.get("maximum") or HIGHEST),
        code in YES_NO,
        tuple(_measure(one, terms) for one in attrs.get("ratio_of", ())),
    )


def advise(rows: Iterable, facts: Mapping[str, Any], names: Mapping[str, str]) -> Advice:
    """The suggestion of the standards about this work; nothing where no standard is about it.

    ``facts`` with the measured values; ``names``: how a measured fact is called.
    """
    groups: dict[str, list] = {}
    for row in about(rows, facts):
        groups.setdefault(row.then.get("either") or row.key, []).append(row)
    if not groups:
        return Advice("", ())
    answers, sentences, clauses = [], [], []
    for alternatives in groups.values():
        found = [all_hold(_conditions(row), facts) for row in alternatives]
        answers.append(True if True in found else None if None in found else False)
        sentences.append("，或".join(_sentence(row, facts, names) for row in alternatives))
        clauses += [row.clause for row in alternatives]
    verdict = "returned" if False in answers else "" if None in answers else "passed"
    return Advice(verdict, tuple(sentences), "、".join(dict.fromkeys(one for one in clauses if one)))


def _conditions(row) -> list[Condition]:
    return [Condition(*raw) for raw in row.then["require"]]


def _sentence(row, facts: Mapping[str, Any], names: Mapping[str, str]) -> str:
    told = []
    for one in _conditions(row):
        wanted = f"要求{SIGNS.get(one.op, one.op)}{_told(one.value)}"
        told.append(f"{names.get(one.fact, one.fact)} {_told(facts.get(one.fact))}（{wanted}）")
    return "且".join(told)


def _told(value: Any) -> str:
    if value is None or value == "":
        return "未测"
    return {"yes": "是", "no": "否"}.get(str(value), str(value))
