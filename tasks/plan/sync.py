"""Bring stored rows in step with what a document says, and tell what changed. Keys match; ids stay."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet

ASIDE = 100_000  # added to places that must be unique while rows change them: more than any document has


@dataclass
class Differences:
    """What a loading changed, in Chinese, ready to show; ``lines`` is empty when nothing did."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.lines.append(line)

    def __bool__(self):
        return bool(self.lines)


@dataclass(frozen=True)
class Wanted:
    """One row as the document wants it: its key, its other values."""

    key: tuple
    values: dict[str, Any]


def sync(
    rows: QuerySet, keys: tuple[str, ...], wanted: Iterable[Wanted], fixed: dict[str, Any], differences: Differences
) -> dict[tuple, Model]:
    """Create, update and delete so that ``rows`` are exactly ``wanted``. ``fixed`` holds for every row created.

    Rows that share a key match in their order. Returns the rows by key, the last of those that share it. Updates write
    only rows that differ, so ``updated_at`` moves only then.
    """
    model = rows.model
    name = model._meta.verbose_name
    nth: Counter = Counter()
    stored = {_numbered(tuple(getattr(row, key) for key in keys), nth): row for row in rows}
    kept: dict[tuple, Model] = {}
    nth = Counter()
    for want in wanted:
        row = stored.pop(_numbered(want.key, nth), None)
        if row is None:
            row = model.objects.create(**fixed, **dict(zip(keys, want.key, strict=True)), **want.values)
            differences.add(f"新增{name}：{row}")
        else:
            _update(row, want.values, name, differences)
        kept[want.key] = row
    for row in stored.values():
        differences.add(f"删去{name}：{row}")
        row.delete()
    return kept


def _numbered(key: tuple, nth: Counter) -> tuple[tuple, int]:
    """The key and how many of it came before."""
    nth[key] += 1
    return key, nth[key]


def _update(row: Model, values: dict[str, Any], name: str, differences: Differences) -> None:
    changed = [(key, getattr(row, key), value) for key, value in values.items() if getattr(row, key) != value]
    if not changed:
        return
    for key, old, new in changed:
        label = row._meta.get_field(key.removesuffix("_id")).verbose_name
        if key != "order":  # a row that moved says nothing new
            differences.add(f"{name} {row} 的{label}：{shown(old)} → {shown(new)}")
        setattr(row, key, new)
    row.save()


def shown(value: Any) -> str:
    """A stored value in a line of differences."""
    if value is None or value == "":
        return "空"
    text = format(value.normalize(), "f") if hasattr(value, "normalize") else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
