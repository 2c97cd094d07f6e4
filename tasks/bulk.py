"""Many parcels changed at once (批量修改): shown row by row first, written as shown or not at all.

What is confirmed is the fingerprint of what was seen: if anything has moved since, nothing is written.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from farmland.accounts.models import User
from farmland.lib.refused import Refused
from parcels.changes import NAMES, Words, changed, problem_of, value_of, write
from parcels.models import Parcel
from tasks.land import changing, recompute_after
from tasks.models import TownYear
from tasks.moves import Move, Row, plan_moves
from tasks.moves import carry_out as write_moves

LIMIT = 5000
MOVED_ON = "预览之后数据有变化，没有写入。请看新的预览再确认。"


@dataclass(frozen=True)
class Edits:
    """The same new values for every chosen parcel."""

    values: Mapping[str, Any]
    reason: str = ""


@dataclass
class Preview:
    """Every chosen parcel with what would become of it."""

    rows: list[Row] = field(default_factory=list)

    @property
    def ready(self) -> list[Row]:
        return [row for row in self.rows if not row.refused]

    @property
    def refused(self) -> list[Row]:
        return [row for row in self.rows if row.refused]

    def fingerprint(self) -> str:
        """The same only while the change would still do the same."""
        what = [(str(one.parcel.pk), one.parcel.version, one.before, one.after, one.refused) for one in self.rows]
        return hashlib.sha256(repr(what).encode()).hexdigest()


def take(parcels) -> list[Parcel]:
    """The chosen parcels of a queryset in their order; Refused for none or too many."""
    found = list(parcels.select_related("division", "kind", "town").order_by("division__path", "pk")[: LIMIT + 1])
    if not found:
        raise Refused("没有选中图斑，请先在列表中勾选。", code="empty")
    if len(found) > LIMIT:
        raise Refused(f"一次最多改 {LIMIT} 个图斑，请缩小筛选范围分次修改。", code="too_many")
    return found


def look(town_year: TownYear, parcels, wish: Move | Edits, *, by: User) -> Preview:
    """What ``wish`` would do to the parcels of a queryset; nothing is written."""
    if isinstance(wish, Move):
        return Preview(plan_moves(town_year, take(parcels), wish, by))
    return Preview(_plan_edits(town_year, take(parcels), wish, by))


def confirm(town_year: TownYear, parcels, wish: Move | Edits, *, seen: str, by: User) -> int:
    """Do what the preview with the fingerprint ``seen`` showed; how many parcels changed."""
    with changing(town_year) as now:
        found = look(now.year, parcels.select_for_update(of=("self",)), wish, by=by)
        if found.fingerprint() != seen:
            raise Refused(MOVED_ON, code="conflict")
        if isinstance(wish, Move):
            return write_moves(now, found.rows, wish, by=by)
        words = Words(now.year.town)
        pairs = [(row.parcel, changed(row.parcel, wish.values)) for row in found.ready]
        write(pairs, by=by, reason=wish.reason.strip(), words=words)
        if pairs:
            recompute_after(now, by)
        return len(pairs)


def _plan_edits(town_year: TownYear, parcels: list[Parcel], wish: Edits, by: User) -> list[Row]:
    words = Words(town_year.town)
    return [_edit_row(parcel, wish, words, by) for parcel in parcels]


def _edit_row(parcel: Parcel, wish: Edits, words: Words, by: User) -> Row:
    row, new = Row(parcel), changed(parcel, wish.values)
    named = {name: words.shown(name, value_of(parcel, name)) or "空" for name in wish.values}
    row.before = "，".join(f"{NAMES[name]}：{text}" for name, text in named.items())
    if not by.can("decide", parcel.division, parcel.kind_id):
        row.refused = "您没有修改这个村图斑的权限。"
    elif not new:
        row.refused = "已经是这样，不用改。"
    elif problem := problem_of(parcel, new, wish.reason, words):
        row.refused = problem[1]
    else:
        row.after = "，".join(f"{NAMES[name]}：{words.shown(name, value) or '空'}" for name, value in new.items())
    return row
