"""What is printed: a title, facts in a line, a table with its total row, lines below it, lines to sign on."""

from dataclasses import dataclass, field
from decimal import Decimal

from farmland.lib.numbers import decimals, fixed

DEMO = "演示数据，仅供演示"
Value = str | int | Decimal | None


@dataclass(frozen=True)
class Column:
    """``width`` in half-width letters; in Word a share of the line. ``kind``: text, whole, area, money."""

    heading: str
    width: float = 15
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        return self.kind != "text"

    def text(self, value: Value) -> str:
        """As a paper shows it: an area with all its decimals, money to the 分."""
        if value is None:
            return ""
        if not isinstance(value, Decimal):
            return str(value)
        return fixed(value, 2 if self.kind == "money" else max(2, decimals(value)))


@dataclass(frozen=True)
class Paper:
    """Everything that is printed, as texts and exact numbers. A form (``is_form``) has no heading row."""

    title: str
    columns: list[Column]
    rows: list[list[Value]]
    name: str = ""  # of the sheet in a workbook
    facts: list[tuple[str, str]] = field(default_factory=list)
    totals: list[Value] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)  # under the signatures
    mark: str = ""
    is_form: bool = False
    is_tall: bool = False

    @property
    def told(self) -> str:
        return "　　".join(f"{name}：{value}" for name, value in self.facts)
