"""Where bars, ticks and labels go: pure geometry in percent of the drawing's width, Decimal throughout.

Templates draw what these functions return, so no page needs a script or an inline style. Widths of text are estimates
in px on a reference width; they only decide which side and which lane a label takes.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

HUNDRED = Decimal(100)
ROOM = Decimal(96)  # a bar with a target ends here, so that the tick never touches the edge
ZERO = Decimal(0)

YEAR_WIDTH = 1180  # px: the time line at 1366 px less rail and padding
LANE = 46  # px: title, date and note of one milestone
GAP = 10  # px: between two labels of a lane
FLAG = 30  # px: today's flag above the lanes


@dataclass(frozen=True)
class Segment:
    """One part of a bar: ``x`` and ``width`` in percent of the drawing."""

    tier: str
    amount: Decimal
    x: Decimal
    width: Decimal

    @property
    def end(self) -> Decimal:
        return self.x + self.width


@dataclass(frozen=True)
class Bullet:
    """A bar of tiers with the target as a tick. ``end`` is where the last segment stops."""

    segments: tuple[Segment, ...]
    end: Decimal
    target_x: Decimal | None = None
    label_x: Decimal | None = None
    label_anchor: str = "end"

    @property
    def seams(self) -> list[Decimal]:
        return [segment.x for segment in self.segments[1:]]


def quantize(value: Decimal) -> Decimal:
    """Two decimals of a percent: a tenth of a pixel on the widest screen."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _segments(parts: Iterable[tuple[str, Decimal]], scale: Decimal, full: Decimal) -> tuple[Segment, ...]:
    """Edges are rounded, not widths: neighbours share an edge and the last one ends exactly where it should."""
    segments, done, left = [], ZERO, ZERO
    for tier, amount in parts:
        if amount < 0:
            raise ValueError(f"a part of a bar cannot be negative: {tier} {amount}")
        done += amount
        right = quantize(done / scale * full) if scale else ZERO
        if right > left:
            segments.append(Segment(tier, amount, left, right - left))
            left = right
    return tuple(segments)


def bullet(parts: Sequence[tuple[str, Decimal]], target: Decimal | None = None) -> Bullet:
    """Lay ``parts`` (tier, amount ≥ 0) end to end beside ``target``; the longer of the two fills the room.

    More than the target is allowed: the tick then stands inside the bar. Parts of nothing are left out.
    """
    total = sum((amount for _, amount in parts), ZERO)
    scale = max(total, target or ZERO)
    full = HUNDRED if target is None else ROOM
    segments = _segments(parts, scale, full)
    end = segments[-1].end if segments else ZERO
    if target is None:
        return Bullet(segments, end)
    target_x = quantize(max(target, ZERO) / scale * ROOM) if scale else ZERO
    roomy = target_x >= 30  # enough space for the label left of the tick
    label_x = target_x - 1 if roomy else target_x + 1
    return Bullet(segments, end, target_x, label_x, "end" if roomy else "start")


def stack(parts: Sequence[tuple[str, Decimal]]) -> tuple[Segment, ...]:
    """Lay ``parts`` end to end over the whole width; the widths add up to exactly 100, or there are none."""
    return _segments(parts, sum((amount for _, amount in parts), ZERO), HUNDRED)


def share(part: Decimal | None, whole: Decimal | None) -> Decimal:
    """``part`` of ``whole`` as a bar's width: 0 to 100, so more than everything still ends at the edge."""
    if not part or not whole or part < 0 or whole < 0:
        return ZERO
    return quantize(min(part / whole, Decimal(1)) * HUNDRED)


def units(done: int, total: int, most: int = 24) -> list[Segment]:
    """One box per counted thing (个), ``done`` ones first; beyond ``most`` boxes two plain parts."""
    done = min(done, total)
    if total > most:
        return list(_segments([("accepted", Decimal(done)), ("open", Decimal(total - done))], Decimal(total), ROOM))
    step = ROOM / total if total else ZERO
    gap = min(Decimal(1), step / 5)
    tiers = ["accepted"] * done + ["open"] * (total - done)
    return [Segment(tier, Decimal(1), quantize(step * i), quantize(step - gap)) for i, tier in enumerate(tiers)]


# The year line ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Milestone:
    """A dated promise (节点): what is due, how it stands, and a remark such as 逾期 16.00 亩."""

    on: date
    title: str
    note: str = ""
    tone: str = ""  # met, risk, broken or nothing


@dataclass(frozen=True)
class Mark:
    """A milestone with its place: ``x`` in percent, every y in px, ``leader`` the line from the axis to its label."""

    on: date
    title: str
    note: str
    tone: str
    x: Decimal
    anchor: str
    dx: int
    title_y: int
    leader: tuple[int, int] | None

    @property
    def sub_y(self) -> int:
        return self.title_y + 15

    @property
    def note_y(self) -> int:
        return self.title_y + 30


@dataclass(frozen=True)
class YearLine:
    height: int
    axis_y: int
    months: list[tuple[Decimal, str]]
    marks: list[Mark]
    today_x: Decimal | None
    flag_shift: int


def text_width(text: str, size: int = 13) -> int:
    """About how many px ``text`` takes: a Chinese character is as wide as the type is high, others 0.58 of it."""
    wide = sum(unicodedata.east_asian_width(char) in "WFA" for char in text)
    return wide * size + -(-(len(text) - wide) * size * 58 // 100)


TONES = ("", "met", "risk", "broken")  # the gravest of a day's milestones colours its dot


def merge_days(milestones: Iterable[Milestone], longest: int = 14) -> list[Milestone]:
    """One milestone a day for the drawing: titles joined while they are short, else 首项 等 n 项."""
    days: dict[date, list[Milestone]] = {}
    for one in sorted(milestones, key=lambda one: one.on):
        days.setdefault(one.on, []).append(one)
    merged = []
    for on, same in days.items():
        title = "、".join(dict.fromkeys(one.title for one in same))
        if len(title) > longest:
            tail = f" 等 {len(same)} 项" if len(same) > 1 else ""
            room = longest - len(tail)
            title = same[0].title if len(same[0].title) <= room else f"{same[0].title[: room - 1]}…"
            title += tail
        notes = [one.note for one in same if one.note]
        tone = max((one.tone for one in same), key=TONES.index)
        merged.append(Milestone(on, title, notes[0] if notes else "", tone))
    return merged


@dataclass
class Lanes:
    """Which stretches (px) of which lane are taken: lane 0 is next to the axis; above and below are separate."""

    today: tuple[int, int] | None = None  # today's line runs through every lane
    taken: dict[tuple[str, int], list[tuple[int, int]]] = field(default_factory=dict)

    def free(self, side: str, lane: int, left: int, right: int) -> bool:
        return all(right <= start or end <= left for start, end in self.taken.get((side, lane), []))

    def clear_of_today(self, left: int, right: int) -> bool:
        return self.today is None or right <= self.today[0] or self.today[1] <= left

    def take(self, side: str, lane: int, left: int, right: int) -> None:
        self.taken.setdefault((side, lane), []).append((left, right))

    def depth(self, side: str) -> int:
        return 1 + max((lane for at, lane in self.taken if at == side), default=-1)


@dataclass(frozen=True)
class Box:
    """A way a label can stand: its text anchor, its shift from the milestone and the stretch it covers, in px."""

    anchor: str
    dx: int
    left: int
    right: int


def boxes(x: int, width: int) -> list[Box]:
    """Centred on ``x``, else starting or ending at it, else wholly beside it; inside the drawing only."""
    half = width // 2
    ways = [Box("middle", 0, x - half, x + half)]
    ways += [Box("start", dx, x + dx, x + dx + width) for dx in (-6, 14)]
    ways += [Box("end", -dx, x - dx - width, x - dx) for dx in (-6, 14)]
    inside = [way for way in ways if way.left >= 0 and way.right <= YEAR_WIDTH]
    return inside or [ways[1] if x < YEAR_WIDTH // 2 else ways[3]]


def place(lanes: Lanes, x: int, width: int) -> tuple[str, int, Box]:
    """The first side, lane and box where a label of ``width`` at ``x`` covers nothing; takes that stretch."""
    for lane in range(12):
        for side in ("above", "below"):
            if any(not lanes.free(side, inner, x - 3, x + 3) for inner in range(lane)):
                continue
            for box in boxes(x, width):
                left, right = box.left - GAP, box.right + GAP
                if lanes.free(side, lane, left, right) and lanes.clear_of_today(left, right):
                    lanes.take(side, lane, box.left, box.right)
                    for inner in range(lane):
                        lanes.take(side, inner, x - 3, x + 3)
                    return side, lane, box
    box, lane = boxes(x, width)[0], lanes.depth("below")
    lanes.take("below", lane, box.left, box.right)
    return "below", lane, box


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _months(start: date, end: date, at) -> list[tuple[Decimal, str]]:
    months, day = [], _month_after(start)
    step = 1 if (end - start).days <= 500 else 3
    while day < end:
        if (day.month - 1) % step == 0:
            label = f"{day.month} 月" if day.month > 1 else f"{day.year} 年"
            months.append((at(day), label))
        day = _month_after(day)
    return months


def year_line(milestones: Sequence[Milestone], today: date | None = None) -> YearLine:
    """Put milestones on an axis of whole months so that no label covers another or today's line.

    The axis runs from the month of the first milestone to the end of the month of the last, and includes ``today``
    if that is less than a year outside.
    """
    merged = merge_days(milestones)
    days = [one.on for one in merged]
    if not days:
        return YearLine(0, 0, [], [], None, 0)
    if today and min(days) - timedelta(366) < today < max(days) + timedelta(366):
        days.append(today)
    start, end = min(days).replace(day=1), _month_after(max(days))
    length = (end - start).days

    def at(day: date) -> Decimal:
        return quantize(Decimal((day - start).days) / length * HUNDRED)

    today_x = at(today) if today in days else None
    lanes = Lanes()
    if today_x is not None:
        middle = int(today_x * YEAR_WIDTH / 100)
        lanes.today = (middle - 2, middle + 2)
    spots = []
    for one in merged:
        x = int(at(one.on) * YEAR_WIDTH / 100)
        width = max(text_width(one.title), text_width(one.note, 11), 32)
        spots.append((one, *place(lanes, x, width)))
    axis_y = FLAG + lanes.depth("above") * LANE + 4
    marks = [_mark(one, side, lane, box, axis_y, at(one.on)) for one, side, lane, box in spots]
    height = axis_y + 22 + lanes.depth("below") * LANE
    return YearLine(height, axis_y, _months(start, end, at), marks, today_x, _flag_shift(today_x))


def _flag_shift(today_x: Decimal | None) -> int:
    """Today's flag (86 px) is centred, or kept inside at either end."""
    if today_x is None or 4 <= today_x <= 96:
        return -43
    return 0 if today_x < 4 else -86


def _mark(one: Milestone, side: str, lane: int, box: Box, axis_y: int, x: Decimal) -> Mark:
    if side == "above":
        title_y = axis_y - 44 - lane * LANE
        leader = (axis_y - 8, title_y + 34) if lane else None
    else:
        title_y = axis_y + 33 + lane * LANE
        leader = (axis_y + 8, title_y - 13) if lane else None
    mark = Mark(one.on, one.title, one.note, one.tone, x, box.anchor, box.dx, title_y, leader)
    return mark if one.note or side == "below" else replace(mark, title_y=title_y + 13)
