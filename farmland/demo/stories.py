"""``stories.yaml`` as values: for each town its working date, demo villages, and how far each village's work is."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from farmland.lib.documents import Node, day, free, integer, number, part, parts, read, text, words
from tasks.plan.document import LedgerRowDoc


@dataclass(frozen=True)
class Task(Node):
    """A village's area of one kind in 亩 by the stage it has got to, furthest first."""

    village: str = text(required=True)
    kind: str = text(required=True)
    areas: dict = free(required=True)
    parcels: int | None = integer()
    treatment: str = text()
    blocked: Decimal | None = number()
    why_blocked: str = text()
    earlier: int | None = integer()  # days by which all of it lies further back than elsewhere

    def by_stage(self) -> list[tuple[str, Decimal]]:
        return [(stage, Decimal(area)) for stage, area in self.areas.items()]


@dataclass(frozen=True)
class Returned(Node):
    village: str = text(required=True)
    kind: str = text(required=True)
    level: str = text(required=True)
    reason: str = text(required=True)


@dataclass(frozen=True)
class Left(Node):
    """A parcel whose work has ended (退出) and why; ``by``: the area of the parcel that stands in for it."""

    village: str = text(required=True)
    kind: str = text(required=True)
    area: Decimal | None = number(required=True)
    exit: str = text(required=True)
    why: str = text(required=True)
    finding: str = text()
    treatment: str = text()
    earlier: int | None = integer()
    by: Decimal | None = number()


@dataclass(frozen=True)
class DemoIssue(LedgerRowDoc):
    """``state``: how far it has got; on the way another measure than the suggested one may be decided."""

    village: str = text(required=True)
    state: str = text()
    decide: str = text()
    why: str = text()


@dataclass(frozen=True)
class DemoClue(Node):
    """``days`` before the working date; ``becomes``: dismissed, duplicate (of the one before) or the serial of its
    issue, else it waits."""

    village: str = text(required=True)
    category: str = text(required=True)
    place: str = text(required=True)
    note: str = text()
    days: int | None = integer(required=True)
    becomes: str = text()
    why: str = text()


@dataclass(frozen=True)
class DemoProposal(Node):
    """A self-chosen parcel; ``instead``: why it stands in for one of the village's works."""

    village: str = text(required=True)
    kind: str = text(required=True)
    area: Decimal | None = number(required=True)
    land_class: str = text(required=True)
    slope: Decimal | None = number(required=True)
    in_redline: str = text()
    group: str = text()
    state: str = text(required=True)
    why: str = text()
    instead: str = text()
    note: str = text()


@dataclass(frozen=True)
class DemoReferral(Node):
    subject: str = text(required=True)
    to: str = text(required=True)
    days: int | None = integer(required=True)
    answer: str = text()


@dataclass(frozen=True)
class Monitored(Node):
    """A list of clues spread over all villages, with boundaries for them and for the town's other demo parcels."""

    title: str = text(required=True)
    kind: str = text(required=True)
    source: str = text(required=True)
    count: int | None = integer(required=True)


@dataclass(frozen=True)
class DemoLayer(Node):
    """``at`` and ``reach`` in metres; ``codes``: what its list names besides."""

    kind: str = text(required=True)
    title: str = text(required=True)
    village: str = text(required=True)
    at: list[str] = words()
    reach: list[str] = words()
    codes: list[str] = words()


@dataclass(frozen=True)
class Story(Node):
    town: str = text(required=True)
    year: int | None = integer(required=True)
    working_date: date | None = day(required=True)
    villages: list[str] = words()  # invented ones, for towns whose plan names none
    tasks: list[Task] = parts(Task)
    returned: list[Returned] = parts(Returned)
    left: list[Left] = parts(Left)
    proposals: list[DemoProposal] = parts(DemoProposal)
    issues: list[DemoIssue] = parts(DemoIssue)
    clues: list[DemoClue] = parts(DemoClue)
    referrals: list[DemoReferral] = parts(DemoReferral)
    batches: str = text()  # the kind of task that acceptance batches are made of
    monitored: Monitored | None = part(Monitored)
    layers: list[DemoLayer] = parts(DemoLayer)


@dataclass(frozen=True)
class Stories(Node):
    stories: list[Story] = parts(Story, required=True)


def stories() -> list[Story]:
    return read((Path(__file__).parent / "stories.yaml").read_text(encoding="utf-8"), Stories).stories
