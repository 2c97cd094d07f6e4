"""What a person said about a file that does not say it itself: which column is which, what all rows have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from farmland.lib.excel.header import tidy
from parcels.imports.columns import AREA, AREA_UNITS, BY_FIELD, Hit, column_of


@dataclass(frozen=True)
class Reading:
    """One saved way to read a source's lists (ImportTemplate): heading → field and unit, and values for all rows."""

    name: str = ""
    mapping: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    pk: str = ""

    def hit(self, printed: str) -> Hit | None:
        """What the heading names: as mapped, else as known; mapped to nothing it is left out."""
        said = self.mapping.get(tidy(printed))
        if said is None:
            return column_of(printed)
        column = BY_FIELD.get(said.get("field", ""))
        return Hit(column, said.get("unit", ""), -1) if column else None

    def fits(self, headings: list[str]) -> bool:
        """Whether every heading it was made for is there."""
        there = {tidy(one) for one in headings}
        return bool(self.mapping) and there.issuperset(self.mapping)


@dataclass(frozen=True)
class Choices:
    """``reading`` was chosen; else one of ``offered`` where it fits. ``layer``, ``zone``: of ``read_layer``."""

    reading: Reading | None = None
    offered: tuple[Reading, ...] = ()
    layer: str = ""
    zone: int | None = None

    def readings(self, headings: list[str]) -> list[Reading]:
        """The ways to try on a heading row, in turn."""
        if self.reading:
            return [self.reading]
        return [*(one for one in self.offered if one.fits(headings)), Reading()]


def mapped(field_name: str, unit: str) -> dict[str, str]:
    """One line of a mapping. Raises ``ValueError`` on an unknown field or unit."""
    if not field_name:
        return {"field": ""}
    column = BY_FIELD.get(field_name)
    if column is None:
        raise ValueError(f"没有“{field_name}”这一列。")
    if column.kind != AREA:
        return {"field": field_name}
    if unit not in AREA_UNITS:
        raise ValueError(f"“{column.heading}”须选单位：亩、平方米或公顷。")
    return {"field": field_name, "unit": unit}
