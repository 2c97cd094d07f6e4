"""What a photo gives rise to ask about, and which photos are still missing. Pure: remarks, never accusations.

A poor photo of an honest village looks like a bad one: WeChat strips EXIF, old phones lose their clock, base maps are
shifted by hundreds of metres. So nothing is refused here; a flag says what a person should look at.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

CLOCK_SLIP = timedelta(minutes=10)  # by which phones and servers differ
DEFAULT_SET = "default"


@dataclass(frozen=True)
class Limits:
    """From the attributes of the terms of ``evidence_flag``; a town may have its own."""

    metres: Decimal = Decimal(100)  # how far from the boundary a photo may be taken
    bits: int = 6  # by how many of 64 two looks may differ and still be called similar
    pixels: int = 800  # the longer side of a photo that shows something

    @classmethod
    def of(cls, attrs: Mapping[str, Mapping]) -> "Limits":
        """``attrs``: those of each flag's term by code; what is missing or no number keeps its default."""
        return cls(
            metres=Decimal(whole(attrs.get("outside"), "metres", cls.metres)),
            bits=whole(attrs.get("reused_similar"), "bits", cls.bits),
            pixels=whole(attrs.get("small"), "pixels", cls.pixels),
        )


def whole(attrs: Mapping | None, name: str, default) -> int:
    text = str((attrs or {}).get(name, ""))
    return int(text) if text.isascii() and text.isdigit() else int(default)


@dataclass(frozen=True)
class Shot:
    """What is known of a photo. ``metres``: from the parcel's boundary, None where either is unknown."""

    received_at: datetime
    phase: str = ""
    taken_at: datetime | None = None
    has_position: bool = False
    metres: Decimal | None = None
    side: int = 0  # the longer one, in pixels
    sha256: str = ""
    look: str = ""


@dataclass(frozen=True)
class Known:
    """What it is held against: when work can have begun, and the other photos of the town (sha256, look)."""

    begun_at: datetime | None = None
    others: Iterable[tuple[str, str]] = ()


def flags(shot: Shot, known: Known, limits: Limits) -> list[str]:
    """Codes of ``evidence_flag``, in the order of the dictionary."""
    exact, similar = reused(shot, known.others, limits.bits)
    found = {
        "no_position": not shot.has_position,
        "outside": shot.metres is not None and shot.metres > limits.metres,
        "reused_exact": exact,
        "reused_similar": similar and not exact,
        "before_work": is_before(shot, known.begun_at),
        "in_future": shot.taken_at is not None and shot.taken_at > shot.received_at + CLOCK_SLIP,
        "no_time": shot.taken_at is None,
        "small": 0 < shot.side < limits.pixels,
    }
    return [code for code, holds in found.items() if holds]


def is_before(shot: Shot, begun_at: datetime | None) -> bool:
    """A photo of before the work is meant to be earlier than it."""
    return shot.phase != "before" and None not in (shot.taken_at, begun_at) and shot.taken_at < begun_at


def reused(shot: Shot, others: Iterable[tuple[str, str]], bits: int) -> tuple[bool, bool]:
    """Whether the same file, and whether a picture that looks the same, is there already."""
    similar, mine = False, int(shot.look, 16) if shot.look else None
    for sha256, look in others:
        if sha256 == shot.sha256:
            return True, True
        if mine is not None and look and (int(look, 16) ^ mine).bit_count() <= bits:
            similar = True
    return False, similar


@dataclass(frozen=True)
class Need:
    """How many photos of one phase and view are wanted, and how many are there."""

    phase: str
    view: str
    wanted: int
    there: int

    @property
    def missing(self) -> int:
        return max(self.wanted - self.there, 0)


PHASES, VIEWS = ("before", "during", "after"), ("overall", "near")


def _in_order(name: str) -> tuple[int, int, str]:
    """Before to after, the whole before its parts: a database may give the keys of a set in any order."""
    phase, _, view = name.partition("_")
    return (
        PHASES.index(phase) if phase in PHASES else len(PHASES),
        VIEWS.index(view) if view in VIEWS else len(VIEWS),
        view,
    )


def needs(sets: Mapping[str, Mapping[str, str]], kind: str, photos: Iterable[tuple[str, str]]) -> list[Need]:
    """The set of the kind, else the default one (``evidence_set``: {"after_overall": "2"}), against what is there.

    ``photos``: (phase, view) of those that stand.
    """
    wanted = sets.get(kind) or sets.get(DEFAULT_SET) or {}
    there = Counter(photos)
    found = []
    for name, count in sorted(wanted.items(), key=lambda one: _in_order(one[0])):
        phase, _, view = name.partition("_")
        if str(count).isascii() and str(count).isdigit():
            found.append(Need(phase, view, int(count), there[phase, view]))
    return found
