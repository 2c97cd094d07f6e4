"""Three-way comparison of a returned form: as issued (base), as filled in (mine), as it stands now (theirs). Pure.

What was left as issued is never a change. Areas are cumulative; the difference to what stands now becomes a signed
step (model: cumulative areas → signed difference), so the same form again gives nothing.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from farmland.lib.numbers import plain
from tasks.forms.reading import Line
from tasks.forms.values import NOTHING, ZERO, Facts, Item, Said
from tasks.forms.workbook import AREA, CODES, CROP, NOTE, ON, STAGE

MINE, THEIRS = "mine", "theirs"
HEADING = {"area": AREA, "on": ON, "crop": CROP}
TAKEN_OVER = "填表期间系统另有登记，按本表填写"


@dataclass(frozen=True)
class Conflict:
    """A cell that was changed in the sheet and in the system since the form was issued; texts as shown.

    ``needs_note``: the sheet's figure is lower than what stands and no remark says why, so it cannot be chosen.
    """

    cell: str
    number: int
    key: str
    stage: str
    heading: str
    base: str
    mine: str
    theirs: str
    by: str = ""
    at: object = None
    label: str = ""  # parcel codes or task, and stage
    needs_note: bool = False


@dataclass(frozen=True)
class Change:
    """One statement to write: the stage's new values, the signed difference in 亩, and why."""

    number: int
    key: str
    stage: str
    delta: Decimal
    now: Said
    before: Said
    reason: str = ""

    @property
    def redates(self) -> bool:
        """Only the day moves: the last step is reversed and entered again, or sums as of a day would lie."""
        return self.delta == 0 and self.before.on is not None and self.now.on not in (None, self.before.on)


@dataclass(frozen=True)
class Difference:
    """One cell of a changed row as the page shows it. ``doubts``: what looks wrong about the row."""

    number: int
    cell: str
    label: str
    group: str
    heading: str
    before: str
    after: str
    delta: Decimal | None
    doubts: tuple[str, ...] = ()


@dataclass
class Outcome:
    """All a form would do. ``gone``: cells of rows whose work has left the year meanwhile; ``unexplained``: (row, cell
    of the remark, stage's name, before, after) where the village's lower figure was chosen and no reason is given."""

    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    gone: list[tuple[int, str]] = field(default_factory=list)
    unexplained: list[tuple[int, str, str, Decimal, Decimal]] = field(default_factory=list)

    @property
    def changed_rows(self) -> int:
        return len({change.number for change in self.changes})

    @property
    def digest(self) -> str:
        """Fingerprint of what would be written and what must be chosen."""
        parts = [(one.number, one.key, one.stage, one.delta, one.now, one.before) for one in self.changes]
        asked = [(one.cell, one.base, one.mine, one.theirs) for one in self.conflicts]
        return hashlib.sha256(repr((parts, asked, self.gone)).encode()).hexdigest()

    def sums(self, facts: Facts) -> list[tuple[str, str, Decimal]]:
        """(task, stage, sum of the differences in 亩), in the form's order: areas of two tasks are never added."""
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for change in self.changes:
            sums[facts.item(change.key).ledger, change.stage] += change.delta
        found = {}
        for item in facts.items:
            for stage in facts.stages[item.kind]:
                if area := sums.get((item.ledger, stage.code)):
                    found[item.ledger, stage.code] = (item.task, stage.name, area)
        return list(found.values())


Choose = Callable[[str], str | None]  # cell address → "mine", "theirs" or None (ask)


def compare(lines: Iterable[Line], base: Facts, theirs: Facts, choose: Choose = lambda cell: None) -> Outcome:
    """What the lines of a form issued with ``base`` change in ``theirs``; undecided conflicts change nothing."""
    lines = list(lines)
    stated = defaultdict(set)
    for line in lines:
        stated[line.key].add(line.stage)
    work = Comparison(base, theirs, choose, stated)
    for line in sorted(lines, key=lambda one: one.number):
        work.add(line)
    return work.out


class Comparison:
    """Collects the outcome line by line."""

    def __init__(self, base: Facts, theirs: Facts, choose: Choose, stated: dict[str, set[str]]):
        self.base, self.theirs, self.choose, self.stated = base, theirs, choose, stated
        self.out = Outcome()

    def add(self, line: Line) -> None:
        item = self.base.item(line.key)
        now = self.theirs.now(item)
        if now is None:
            if self.is_touched(line, item):
                self.out.gone.append((line.number, line.cells.get(CODES) or line.cells[STAGE]))
            return
        before = len(self.out.changes)
        self.state(line, item, now)
        self.retract(line, item, now)
        if len(self.out.changes) > before:
            self.show(line, item, self.out.changes[before:])

    def is_touched(self, line: Line, item: Item) -> bool:
        shown = item.of(line.base_stage)
        return (line.stage, line.area, line.on, line.crop) != (line.base_stage, shown.area, shown.on, shown.crop)

    def state(self, line: Line, item: Item, now: Item) -> None:
        """The row's own statement."""
        base, theirs = item.of(line.stage), now.of(line.stage)
        mine = Said(line.area, line.on or base.on, line.crop, line.note)
        merged, reason, undecided = self.merge(line, item, mine, theirs)
        if undecided or (merged.area == 0 and theirs.area == 0):
            return
        is_remark = bool(line.note) and line.note != theirs.note
        if merged != theirs or is_remark:
            delta = merged.area - theirs.area
            self.explain(line, item, line.stage, theirs.area, merged.area)
            self.out.changes.append(
                Change(line.number, line.key, line.stage, delta, merged, theirs, line.note or reason)
            )

    def merge(self, line: Line, item: Item, mine: Said, theirs: Said) -> tuple[Said, str, bool]:
        """The values to stand, the reason where a conflict was decided, and whether one is undecided."""
        base = item.of(line.stage)
        values, reason, undecided = {}, "", False
        label = item.title(self.base.stage_name(item.kind, line.stage))
        for name in HEADING:
            ours, was, stands = (getattr(one, name) for one in (mine, base, theirs))
            if ours == was:
                values[name] = stands
            elif stands in (was, ours):
                values[name] = ours
            else:
                decided = self.clash(line, name, was, ours, theirs, label)
                undecided = undecided or decided is None
                values[name] = ours if decided == MINE else stands
                reason = TAKEN_OVER if decided == MINE else reason
        return Said(**values, note=mine.note), reason, undecided

    def clash(self, line: Line, name: str, was, ours, theirs: Said, label: str) -> str | None:
        cell = line.cells.get(HEADING[name], line.cells[AREA])
        decided = self.choose(cell)
        if decided is None:
            stands = getattr(theirs, name)
            self.out.conflicts.append(
                Conflict(
                    cell, line.number, line.key, line.stage, HEADING[name], text(was), text(ours), text(stands),
                    theirs.by, theirs.at, label, name == "area" and ours < stands and not line.note,
                )
            )  # fmt: skip
        return decided

    def retract(self, line: Line, item: Item, now: Item) -> None:
        """A row that went back to a lower stage: the later stages it stood for no longer hold any area."""
        ladder = {stage.code: stage.rank for stage in self.base.stages[item.kind]}
        if not line.base_stage or ladder[line.stage] >= ladder[line.base_stage]:
            return
        for stage, rank in ladder.items():
            if rank <= ladder[line.stage] or stage in self.stated[line.key]:
                continue
            base, theirs = item.of(stage), now.of(stage)
            if theirs.area == 0:
                continue
            if theirs.area != base.area:
                label = item.title(self.base.stage_name(item.kind, stage))
                decided = self.clash(line, "area", base.area, ZERO, theirs, label)
                if decided != MINE:
                    continue
            gone = Said(ZERO, line.on, line.crop, line.note)
            self.explain(line, item, stage, theirs.area, ZERO)
            self.out.changes.append(
                Change(line.number, line.key, stage, -theirs.area, gone, theirs, line.note or TAKEN_OVER)
            )

    def explain(self, line: Line, item: Item, stage: str, before: Decimal, after: Decimal) -> None:
        """A decrease needs a reason (contract §4), also one that comes of a choice between two figures."""
        if after < before and not line.note:
            name = self.base.stage_name(item.kind, stage)
            self.out.unexplained.append((line.number, line.cells.get(NOTE, line.cells[AREA]), name, before, after))

    def show(self, line: Line, item: Item, changes: list[Change]) -> None:
        """The row's changed cells, as the village saw and filled them."""
        shown = item.of(line.base_stage) if line.base_stage else NOTHING
        name = self.base.stage_name
        pairs = [
            (STAGE, name(item.kind, line.base_stage) if line.base_stage else "", name(item.kind, line.stage)),
            (AREA, text(shown.area), text(changes[0].now.area if changes[0].stage == line.stage else line.area)),
            (ON, text(shown.on), text(line.on or shown.on)),
            (CROP, shown.crop, line.crop),
            (NOTE, "", line.note),
        ]
        delta: Decimal | None = changes[0].delta or sum((one.delta for one in changes[1:]), ZERO)
        for heading, before, after in pairs:
            if before == after or heading not in line.cells:
                continue
            label = item.label if item.parcel else item.title(name(item.kind, line.stage))
            self.out.differences.append(
                Difference(line.number, line.cells[heading], label, item.group, heading, before, after, delta)
            )
            delta = None


def text(value) -> str:
    """A value as the page shows it; no area and no day are empty."""
    if isinstance(value, Decimal):
        return plain(value) if value else ""
    return "" if value is None else str(value)
