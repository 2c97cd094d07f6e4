"""What one column of a list is called, where its value comes from, and how it is written in each format.

JSON: quantities are decimal strings, moments ISO with the local offset, an absent value (also an empty text) is null.
Files: numbers stay numbers, lists of words are joined by 、, moments are ISO texts.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.utils import timezone


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def decimal_text(value: Decimal, places: int | None = None) -> str:
    """Plain notation without an exponent: trailing zeros dropped, or exactly ``places`` decimals."""
    if places is not None:
        return format(rounded(value, places), "f")
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment_text(value: datetime) -> str:
    """ISO 8601 with the offset of the local time zone (+08:00)."""
    return value.astimezone(timezone.get_default_timezone()).isoformat()


def data_text(value: Any) -> str | None:
    """A nested value in one cell: words and numbers joined by 、, anything deeper as JSON; empty is absent."""
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return "、".join(str(one) for one in value) or None
    return json.dumps(value, ensure_ascii=False, default=plain) if value else None


def plain(value: Any) -> Any:
    """What ``json`` does not know by itself, for values inside a nested column."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


KINDS = ("text", "whole", "decimal", "date", "moment", "yes", "texts", "data", "id")


@dataclass(frozen=True)
class Column:
    """One field of a list.

    ``source``: the query's name(s) for the value, by default ``name``; () for a value that ``ListView.enrich`` adds.
    ``compute``: makes the value from the sources, in their order. ``kind``: one of KINDS.
    """

    name: str
    label: str
    source: str | tuple[str, ...] | None = None
    kind: str = "text"
    compute: Callable[..., Any] | None = None
    places: int | None = None
    at_most: int = 4  # decimals the schema speaks of where ``places`` is open
    help: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name}: unknown kind {self.kind}")
        if len(self.sources) > 1 and self.compute is None:
            raise ValueError(f"column {self.name}: several sources need compute")

    @property
    def sources(self) -> tuple[str, ...]:
        if self.source is None:
            return (self.name,)
        return (self.source,) if isinstance(self.source, str) else self.source

    def getter(self, index: dict[str, int]) -> Callable[[tuple], Any]:
        """A function from a raw row (values in the order of ``index``) to this column's Python value."""
        places = [index[source] for source in self.sources]
        compute = self.compute
        if compute is None:
            if not places:
                return lambda raw: None
            return itemgetter(*places)
        return lambda raw: compute(*[raw[at] for at in places])

    @property
    def json_value(self) -> Callable[[Any], Any] | None:
        """The function that writes a value that is there into a JSON answer; None: as it is."""
        match self.kind:
            case "decimal":
                return lambda value: decimal_text(value, self.places)
            case "date" | "id":
                return str
            case "moment":
                return moment_text
            case _:
                return None

    @property
    def cell_value(self) -> Callable[[Any], Any] | None:
        """The function that writes a value that is there into a cell; None: as it is (Decimal, int, date, str)."""
        match self.kind:
            case "id":
                return str
            case "moment":
                return moment_text
            case "yes":
                return lambda value: "是" if value else "否"
            case "texts" | "data":
                return data_text
            case "decimal" if self.places is not None:
                return lambda value: rounded(value, self.places)
            case _:
                return None


def texts(name: str, label: str, **more) -> Column:
    """A column that is a list of words."""
    return Column(name, label, kind="texts", **more)


def decimal(name: str, label: str, source=None, **more) -> Column:
    return Column(name, label, source, "decimal", **more)


def whole(name: str, label: str, source=None, **more) -> Column:
    return Column(name, label, source, "whole", **more)


def day(name: str, label: str, source=None, **more) -> Column:
    return Column(name, label, source, "date", **more)


def moment(name: str, label: str, source=None, **more) -> Column:
    return Column(name, label, source, "moment", **more)


class Table:
    """A list's columns made ready: which sources to fetch and how a fetched row becomes values, JSON or cells."""

    def __init__(self, columns: tuple[Column, ...], more_sources: tuple[str, ...] = ()):
        self.columns = columns
        self.names = [column.name for column in columns]
        self.headings = [column.label for column in columns]
        for words in (self.names, self.headings):
            if len(set(words)) != len(words):
                raise ValueError(f"a column is declared twice: {words}")
        shown = [source for column in columns for source in column.sources]
        self.sources = tuple(dict.fromkeys([*shown, *more_sources]))
        index = {source: at for at, source in enumerate(self.sources)}
        getters = [column.getter(index) for column in columns]
        self._getters = list(zip(self.names, getters, strict=True))
        self._json = [(one.name, one.json_value) for one in columns if one.json_value]
        self._cells = [(at, one.cell_value) for at, one in enumerate(columns) if one.cell_value]
        self._texts = [(at, one.name) for at, one in enumerate(columns) if one.kind == "text"]

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.names.index(name)]

    def values(self, raw: tuple) -> dict[str, Any]:
        """Python values by column name from one row of ``values_list(*sources)``."""
        return {name: get(raw) for name, get in self._getters}

    def as_json(self, values: dict[str, Any]) -> dict[str, Any]:
        """What JSON holds, in the order of the columns; an empty text is absent."""
        row = {name: values[name] for name in self.names}
        for name, write in self._json:
            if row[name] is not None:
                row[name] = write(row[name])
        for _, name in self._texts:
            if row[name] == "":
                row[name] = None
        return row

    def as_cells(self, values: dict[str, Any]) -> list:
        """What a line of a file holds; an empty text is absent."""
        row = [values[name] for name in self.names]
        for at, write in self._cells:
            if row[at] is not None:
                row[at] = write(row[at])
        for at, _ in self._texts:
            if row[at] == "":
                row[at] = None
        return row
