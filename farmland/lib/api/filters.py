"""Query parameters that narrow a list. An unknown value gives no rows; a malformed moment is 400."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone

from farmland.lib.api.errors import wrong_parameter

SPACED_OFFSET = re.compile(r" (\d\d:?\d\d)$")  # "+08:00" whose plus sign the address turned into a space


@dataclass(frozen=True)
class Filter:
    """Rows whose ``source`` (by default the parameter's name) equals the text."""

    name: str
    label: str
    source: str = ""

    schema = {"type": "string"}

    @property
    def path(self) -> str:
        return self.source or self.name

    def parse(self, text: str):
        """The value looked for; None if no row can have it."""
        return text or None

    def apply(self, rows, text: str, user):
        value = self.parse(text)
        return rows.none() if value is None else rows.filter(**{self.path: value})

    def keeps(self, row: dict, text: str) -> bool:
        """The same for a row of a computed list."""
        value = self.parse(text)
        return value is not None and row[self.path] == value


class Whole(Filter):
    """A whole number, such as a year."""

    schema = {"type": "integer"}

    def parse(self, text):
        return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None


class Id(Filter):
    """The id of another row."""

    def parse(self, text):
        try:
            return UUID(text)
        except ValueError:
            return None


class Yes(Filter):
    """true or false."""

    schema = {"type": "string", "enum": ["true", "false"]}

    def parse(self, text):
        return {"true": True, "false": False}.get(text.lower())


class Since(Filter):
    """Rows changed at or after a moment: ``updated_since=2024-10-12T08:00:00+08:00``; a bare date is its midnight."""

    schema = {"type": "string", "format": "date-time"}

    def parse(self, text):
        return parse_moment(self.name, text)

    def apply(self, rows, text, user):
        return rows.filter(**{f"{self.path}__gte": self.parse(text)})

    def keeps(self, row, text):
        return row[self.path] >= self.parse(text)


UPDATED_SINCE = Since("updated_since", "此刻（含）以后更新的，ISO 8601", "updated_at")


def parse_moment(name: str, text: str) -> datetime:
    """An aware moment in UTC from ISO 8601; without an offset it is local time. Else 400."""
    try:
        found = datetime.fromisoformat(SPACED_OFFSET.sub(r"+\1", text.strip()))
        if timezone.is_naive(found):
            found = timezone.make_aware(found)
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        detail = f"参数 {name} 的值“{text[:40]}”不是 ISO 8601 时刻，请写成 2024-10-12T08:00:00+08:00 的样子。"
        raise wrong_parameter(name, detail) from error
