"""The decision rules of a town's year asked about issues as they stand now, so that edited rows are advised too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farmland.lib.numbers import plain
from farmland.places.models import Division
from tasks.decisions import Suggestion, common_rules, facts_of, suggest, warned
from tasks.models import Issue, Plan
from tasks.plan.common import common_dictionary
from tasks.plan.dictionary import DictionaryDoc
from tasks.plan.document import LedgerRowDoc, RuleDoc

KNOWN_BY_PEOPLE = ("key_project", "restorable")  # facts no ledger prints; someone says yes or no


@dataclass(frozen=True)
class Rulebook:
    """``rules`` of the plan (none where there is no plan) and the dictionary with the plan's own rows."""

    rules: list[RuleDoc]
    dictionary: DictionaryDoc

    def facts(self, issue: Issue, measure: str | None = None) -> dict[str, Any]:
        """What is known of an issue; unknown is None. ``measure`` in place of the issue's own."""
        row = LedgerRowDoc(
            serial=issue.serial,
            project=issue.project,
            location=issue.location,
            area=_text(issue.area_mu),
            cultivated=_text(issue.cultivated_mu),
            pbf=_text(issue.pbf_mu),
            source=issue.source,
            problem_kind=issue.problem_kind,
            measure=measure or issue.measure or issue.measure_stated,
            use=issue.cells.get("use", ""),
            homestead=bool(issue.cells.get("homestead")),
        )
        said = {name: issue.cells[name] == "yes" for name in KNOWN_BY_PEOPLE if issue.cells.get(name)}
        return facts_of(row, self.dictionary, kind=issue.kind_id) | said

    def suggestion(self, issue: Issue) -> Suggestion | None:
        return suggest(self.rules, self.facts(issue))

    def warnings(self, issue: Issue, measure: str = "") -> list[str]:
        """What there is to warn of, were ``measure`` (else the issue's own) taken."""
        common = common_rules(self.dictionary)
        return [one.text for one in warned(self.rules, common, self.facts(issue, measure or None))]

    def advise(self, issue: Issue) -> None:
        """Put suggestion and warnings onto the issue; the caller saves."""
        found = self.suggestion(issue)
        issue.suggested_measure = found.measure if found else ""
        issue.suggestion = shown(found)
        issue.warnings = self.warnings(issue)

    def attrs(self, measure: str) -> Mapping[str, Any]:
        term = self.dictionary.by_dictionary.get("measure", {}).get(measure)
        return (term.attrs if term else None) or {}

    def label(self, dictionary: str, code: str) -> str:
        term = self.dictionary.by_dictionary.get(dictionary, {}).get(code)
        return term.label if term else code

    def knows(self, dictionary: str, code: str) -> bool:
        return code in self.dictionary.by_dictionary.get(dictionary, {})

    def code(self, dictionary: str, words: str) -> str:
        """The code that label, synonym or variant stand for; "" for none."""
        term = self.dictionary.term(dictionary, words) if words.strip() else None
        return term.code if term else ""

    def choices(self, dictionary: str) -> list[tuple[str, str]]:
        return [(one.code, one.label) for one in self.dictionary.by_dictionary.get(dictionary, {}).values()]

    def inflow_first(self) -> set[str]:
        """The measures by which land may leave only after other land has come in (先进后出)."""
        return {code for code, _ in self.choices("measure") if self.attrs(code).get("inflow_first") == "yes"}


def rulebook(town: Division, year: int) -> Rulebook:
    plan = Plan.objects.filter(town=town, year=year).exclude(source="").first()
    if plan is None:
        return Rulebook([], common_dictionary())
    return Rulebook(plan.document.rules, common_dictionary().with_plan(plan.document))


def shown(suggestion: Suggestion | None) -> dict:
    """A suggestion as an issue keeps it."""
    if suggestion is None:
        return {}
    return {
        "reason": suggestion.reason,
        "basis": suggestion.basis,
        "clause": suggestion.clause,
        "due": suggestion.due,
        "needs": list(suggestion.needs),
        "rule": suggestion.rule_key,
    }


def _text(area) -> str:
    return "" if area is None else plain(area)
