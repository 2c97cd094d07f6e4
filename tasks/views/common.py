"""What the pages of this room share: the plan of the year, the Chinese words of codes, addresses with a query."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.db.models import Q
from django.shortcuts import render

from farmland.places.models import Term
from tasks.check.case import Case
from tasks.models import Plan, TownYear
from tasks.plan.common import common_dictionary


def plan_of(town_year: TownYear) -> Plan | None:
    return Plan.objects.filter(town=town_year.town, year=town_year.year).first()


def no_plan(request, town_year: TownYear):
    """The page of a town-year that has no plan yet."""
    return render(request, "dashboard/no_plan.html", {"town_year": town_year})


def case_of(plan: Plan) -> Case:
    """The plan with its names resolved: clauses with their headings, printed texts with their places."""
    return Case(plan.document, common_dictionary())


def questions(case: Case) -> list[dict]:
    """What the plan leaves open, with what the figures assume meanwhile and the clause as a reader finds it."""
    return [
        {"question": one.question, "assumption": one.assumption, "clause": case.clause(one.clause) or "—"}
        for one in case.doc.questions
    ]


class Labels:
    """The words for codes of every dictionary, common and the town's own, with one query."""

    def __init__(self, town):
        self._terms: dict[str, dict[str, str]] = {}
        rows = Term.objects.filter(Q(town=None) | Q(town=town)).order_by("dictionary", "order", "pk")
        for dictionary, code, label in rows.values_list("dictionary", "code", "label"):
            self._terms.setdefault(dictionary, {})[code] = label

    def of(self, dictionary: str, code: str) -> str:
        """The label; a code without one is shown as it is."""
        return self._terms.get(dictionary, {}).get(code, code)

    label = of  # as tasks.rulebook.Rulebook calls it

    def all(self, dictionary: str) -> dict[str, str]:
        return self._terms.get(dictionary, {})


def where(town_year: TownYear) -> dict:
    """The arguments of every address about this town and year."""
    return {"town": town_year.town.slug, "year": town_year.year}


def export_query(town_year: TownYear, chosen: Mapping[str, str]) -> str:
    """``town=xihe&year=2024&…`` for an export of the same rows."""
    return urlencode(where(town_year) | {name: value for name, value in chosen.items() if value})
