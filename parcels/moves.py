"""Which stage may follow which (环节变动): one table for every ladder, made of what the ladder's rungs say. Pure.

Up to any higher stage that villages report, skipping is fine: what is planted was ploughed. Back only with a reason.
Never onto a rung with a level, and never off one: that is accepting and reversing, which have their own door.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

ZERO = Decimal(0)
UP, BACK = "up", "back"


class RungLike(Protocol):
    code: str
    name: str
    rank: int
    level: str
    is_reported: bool


@dataclass(frozen=True)
class Shift:
    """The signed area to write on one rung. ``kept``: it was reported further up and still holds here."""

    rank: int
    area: Decimal
    kept: bool = False


def table(rungs: Sequence[RungLike]) -> dict[str, dict[str, str]]:
    """stage → stage it may move to → "up" or "back"."""
    return {
        one.code: {
            other.code: UP if other.rank > one.rank else BACK
            for other in rungs
            if other is not one and not other.level and (other.is_reported or other.rank < one.rank)
        }
        for one in rungs
        if not one.level
    }


def refusal(rungs: Sequence[RungLike], now: RungLike, to: str, reason: str) -> str:
    """Why a work that stands on ``now`` may not move to the stage ``to``; "" when it may."""
    aim = next((rung for rung in rungs if rung.code == to), None)
    if aim is None:
        return "它的任务没有这个环节。"
    if aim.level:
        return f"“{aim.name}”由验收登记，不能直接改。"
    if now.level:
        return f"已{now.name}，请先冲销验收。"
    if aim.code == now.code:
        return f"已经是“{now.name}”。"
    way = table(rungs)[now.code].get(to)
    if way is None:
        return f"“{aim.name}”不由填报登记。"
    if way == BACK and not reason.strip():
        return f"由“{now.name}”退到“{aim.name}”须写原因。"
    return ""


def shifts(own: dict[int, Decimal], levels: dict[int, str], to: int, area: Decimal) -> list[Shift]:
    """What to write so that a work stands on rank ``to`` with ``area`` (all of it, or what it had further up).

    ``own``: Σ of steps by rank; ``levels``: level by rank ("" reported). Rank 0 is reached by the plan, never written.
    """
    higher = {rank: held for rank, held in own.items() if rank > to and not levels[rank] and held}
    found = [Shift(rank, -held) for rank, held in sorted(higher.items(), reverse=True)]
    least = min(max(higher.values()), area) if higher else area
    if to and (missing := least - own.get(to, ZERO)) > 0:
        found.append(Shift(to, missing, kept=bool(higher)))
    return found


def furthest(rungs: Sequence[RungLike], own: dict[int, Decimal]) -> RungLike:
    """The highest rung with area; the lowest one where nothing has been entered."""
    reached = [rung for rung in rungs if own.get(rung.rank, ZERO) > 0]
    return max(reached, key=lambda rung: rung.rank, default=rungs[0])
