"""What looks wrong about a form without being refused: areas beyond the task, stages out of order, no day. Pure.

A doubt asks the person who writes for a tick on the page and is a note over REST; it never stops a script.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from farmland.lib.numbers import fixed, plain
from tasks.forms.changes import Change, Outcome
from tasks.forms.values import AREAS, Facts, Item

FAR = Decimal(3)  # times the task
SLIPPED = ((Decimal(5), Decimal("12.5")), (Decimal(50), Decimal(125)))  # times the task that a slipped point gives


@dataclass(frozen=True)
class Goal:
    """A division's share of a task and its potential, in 亩; None where the plan states none."""

    amount: Decimal | None = None
    potential: Decimal | None = None


@dataclass(frozen=True)
class Doubt:
    """A row of the sheet and what looks wrong about it."""

    number: int
    text: str


Goals = Mapping[tuple[str, str], Goal]  # (kind, tranche) → goal


def doubts(outcome: Outcome, facts: Facts, goals: Goals, today: date) -> list[Doubt]:
    """The doubts about what ``outcome`` writes into ``facts`` (as they stand now), in the order of the rows."""
    found = []
    areas = {(one.key, one.stage): one.now.area for one in outcome.changes}
    for change in outcome.changes:
        item = facts.item(change.key)
        if item is None or not change.now.area:
            continue
        head = f"第 {change.number} 行 {facts.stage_name(item.kind, change.stage)} {plain(change.now.area)} 亩，"
        told = [*too_much(change, item, goals), *out_of_order(change, item, facts, areas)]
        if change.delta and change.now.on is None:
            told.append(f"没有填完成日期，写入后按今天 {today.isoformat()} 计。")
        found += [Doubt(change.number, head + text) for text in told]
    return sorted(found, key=lambda one: one.number)


def too_much(change: Change, item: Item, goals: Goals) -> Iterator[str]:
    """Far beyond the task, or beyond what the land can give. A parcel's row is held by the parcel's own area."""
    goal = goals.get(item.ledger, Goal())
    area = change.now.area
    if item.parcel or change.delta <= 0:
        return
    if goal.amount and area >= goal.amount * FAR:
        times = area / goal.amount
        slipped = any(low <= times <= high for low, high in SLIPPED)
        ask = "多半是小数点错位。" if slipped else "请核对。"
        yield f"是任务 {fixed(goal.amount)} 亩的 {plain(round(times, 1))} 倍，{ask}"
    elif goal.potential and area > goal.potential:
        slipped = any(area.scaleb(-shift) == goal.potential for shift in (1, 2))
        yield f"超过潜力 {fixed(goal.potential)} 亩，{'多半是小数点错位。' if slipped else '请核对。'}"


def out_of_order(change: Change, item: Item, facts: Facts, areas: Mapping[tuple[str, str], Decimal]) -> Iterator[str]:
    """Areas are cumulative: what is planted was cleared before. A parcel's row moves on and restates no stage."""
    if facts.layout != AREAS:
        return
    ladder = facts.stages[item.kind]
    rank = next((stage.rank for stage in ladder if stage.code == change.stage), None)
    for stage in reversed([one for one in ladder if rank is not None and one.rank < rank]):
        before = areas.get((change.key, stage.code), item.of(stage.code).area)
        if before:
            if change.now.area > before:
                yield f"比前一环节“{stage.name}”的 {plain(before)} 亩还多。填的是累计数，请核对这两行。"
            return


def by_row(found: Iterable[Doubt]) -> dict[int, tuple[str, ...]]:
    rows: dict[int, tuple[str, ...]] = {}
    for one in found:
        rows[one.number] = (*rows.get(one.number, ()), one.text)
    return rows
