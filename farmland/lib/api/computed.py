"""Lists whose few rows are made in Python from rows of the database; shown, filtered and paged like any other."""

from typing import Any

from farmland.lib.api.cursor import Cursor, Key
from farmland.lib.api.errors import wrong_parameter
from farmland.lib.api.lists import NOT_AN_ID, ListView


class ComputedList(ListView):
    """``made`` turns the chosen rows of the model into rows of the list, values by column name.

    Filters named in ``late`` look at the made rows, the others at the database. An id is the model row's, then "."
    and what tells its made rows apart.
    """

    late: tuple[str, ...] = ()
    default_ordering = ("made_at",)  # the order in which they were made

    def made(self, rows) -> list[dict[str, Any]]:
        raise NotImplementedError

    def chosen(self, user, wanted):
        rows = super().chosen(user, [pair for pair in wanted if pair[0].name not in self.late])
        after = [pair for pair in wanted if pair[0].name in self.late]
        found = [row for row in self.made(rows) if all(one.keeps(row, text) for one, text in after)]
        return [row | {"made_at": number} for number, row in enumerate(found)]

    def finished(self, raws):
        self.enrich(raws)
        return raws

    def stream(self, rows: list[dict], keys: list[Key]) -> list[dict]:
        """The rows in order; absent values last upwards and first downwards, as in the database."""
        for key in reversed(keys):
            rows = sorted(rows, key=lambda row: rank(row[key.source]), reverse=key.descending)
        return rows

    def window(self, rows: list[dict], keys: list[Key], cursor: Cursor | None, size: int):
        ordered = self.stream(rows, keys)
        if cursor is None:
            return ordered[:size], len(ordered) > size
        ids = [row["id"] for row in ordered]
        if cursor.values[0] not in ids:
            raise wrong_parameter("cursor", "游标所指的行已不在列表中，请从第一页重新开始。")
        at = ids.index(cursor.values[0])
        if cursor.backward:
            return ordered[max(0, at - size) : at], at > size
        return ordered[at + 1 : at + 1 + size], len(ordered) > at + 1 + size

    def position(self, raw: dict, keys: list[Key]) -> list:
        return [raw["id"]]

    def one(self, user, id: str):
        key = id.partition(".")[0]
        try:
            rows = self.made(self.rows(user).filter(pk=key))
        except NOT_AN_ID:
            return None
        return next((row for row in rows if row["id"] == id), None)


def rank(value: Any) -> tuple:
    return (value is None, value) if value is not None else (True,)
