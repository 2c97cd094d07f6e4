"""The plan's standards for the works of one batch: what to measure, and what the measurements suggest."""

from collections.abc import Mapping
from decimal import Decimal

from parcels.models import Inspection, InspectionItem, Work
from tasks.inspections.standards import Advice, Measure, about, advise, measures, standards
from tasks.models import Plan


class Guide:
    """Reads the plan and the terms once; then speaks about any row without a query.

    Rows come with their work and its parcel.
    """

    def __init__(self, batch: Inspection, terms):
        """``terms``: rows of the dictionary ``attribute`` that hold for the town."""
        plan = Plan.objects.filter(town=batch.town_id, year=batch.year).first()
        self.rows = standards(plan.document.rules) if plan and plan.source else []
        words = {one.code: {"label": one.label, "attrs": one.attrs} for one in terms}
        self._measures = {one.code: one for one in measures(self.rows, words)}
        self._known = self._measures | {part.code: part for one in self._measures.values() for part in one.parts}
        self._names = {code: one.label for code, one in self._measures.items()}

    def measures(self, item: InspectionItem) -> list[Measure]:
        """What is to be measured on this piece; nothing where no standard is about it."""
        codes = dict.fromkeys(
            fact for row in about(self.rows, facts_of(item.work)) for fact, _, _ in row.then["require"]
        )
        return [self._measures[code] for code in codes]

    def columns(self, items) -> list[Measure]:
        """Everything to be measured on any of these pieces, a ratio after its counts; each once."""
        asked = {part.code: part for item in items for one in self.measures(item) for part in (*one.parts, one)}
        return list(asked.values())

    def advice(self, item: InspectionItem, measured: dict[str, str] | None = None) -> Advice:
        measured = item.measured if measured is None else measured
        return advise(self.rows, facts_of(item.work) | measured, self._names)

    def typed(self, measured: dict[str, str]) -> dict[str, str]:
        """Stored values as a form asks for them: a ratio of counts is worked out, not typed."""
        computed = {one.code for one in self._measures.values() if any(part.code in measured for part in one.parts)}
        return {code: text for code, text in measured.items() if code not in computed}

    def told(self, measured: Mapping[str, str]) -> str:
        """Measured values in words: 果树覆盖度 60%."""
        found = []
        for code, text in measured.items():
            one = self._known.get(code) or Measure(code, code)
            found.append(f"{one.label} {YES_NO.get(text, text)}{one.unit}")
        return "，".join(found)


YES_NO = {"yes": "是", "no": "否"}


def facts_of(work: Work) -> dict:
    """What rules may ask of a work, as far as it is on record; unknown is None, never 0."""
    parcel = work.parcel
    facts = {"kind": work.kind_id, "treatment": work.treatment or None, "measure": work.measure or None}
    if parcel is None:
        return facts | {"area_mu": work.area_mu}
    pbf, cultivated = parcel.pbf_mu, parcel.cultivated_mu
    return facts | {
        "state": parcel.ground_state or None,
        "source": parcel.source or None,
        "finding": parcel.finding or None,
        "slope": parcel.slope,
        "in_ecological_redline": parcel.in_redline,
        "occurred_on": parcel.occurred_on,
        "area_mu": parcel.gross_mu,
        "cultivated_mu": cultivated,
        "pbf_mu": pbf,
        "on_pbf": None if pbf is None else pbf > Decimal(0),
    }
