"""Rounds of a policy (轮次) from the plan: the plan's year for what pays once, one a year for what pays by year."""

from datetime import date

from subsidies.models import Program, Round
from subsidies.rules.rule import every_year
from tasks.plan.document import ProgramDoc
from tasks.plan.sync import Differences


def from_plan(program: Program, doc: ProgramDoc, differences: Differences) -> None:
    """Make what is missing and set the last day of claims; what was added by hand or holds money stays."""
    wanted = {}
    if any(not one.years for one in doc.rates):
        wanted[str(program.year)] = {"year": program.year, "is_yearly": False, "closes_on": None}
    for year in sorted({year for one in doc.rates for year in every_year(one.years)}):
        wanted[f"{year} 年管护"] = {"year": year, "is_yearly": True, "closes_on": _last_day(doc, year)}
    stored = {one.label: one for one in Round.objects.filter(program=program, version=1)}
    for label, values in wanted.items():
        row = stored.get(label)
        if row is None:
            Round.objects.create(town=program.town, program=program, label=label, **values)
        elif row.closes_on != values["closes_on"]:
            differences.add(f"轮次 {row} 的申报截止日：{row.closes_on or '空'} → {values['closes_on'] or '空'}")
            row.closes_on = values["closes_on"]
            row.save(update_fields=["closes_on", "updated_at"])


def _last_day(doc: ProgramDoc, year: int) -> date | None:
    """The latest due day of the rates that pay in a year; 02-29 of a common year is 02-28."""
    due = sorted(one.due for one in doc.rates if one.due and year in every_year(one.years))
    if not due:
        return None
    month, day = (int(part) for part in due[-1].split("-"))
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1
