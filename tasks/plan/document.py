"""The parts of a plan file, one dataclass each. Documented for writers of plans in docs/plan-format.md."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from farmland.lib.documents import (
    Node,
    calendar_year,
    choice,
    day,
    flag,
    free,
    integer,
    number,
    part,
    parts,
    text,
    words,
)

SLUG = r"[a-z][a-z0-9-]{1,29}"
KEY = r"[^\W\d][\w.-]*"


@dataclass(frozen=True)
class Place(Node):
    """A division (行政区划) with the divisions below it, to any depth."""

    name: str = text(required=True)
    kind: str = text(required=True)
    code: str = text()  # empty: a marked provisional code is made
    aliases: list[str] = words()
    divisions: list["Place"] = parts(lambda: Place)

    def walk(self) -> Iterator["Place"]:
        yield self
        for child in self.divisions:
            yield from child.walk()


@dataclass(frozen=True)
class Town(Node):
    slug: str = text(required=True, pattern=SLUG, hint="小写字母开头的字母、数字或连字符")
    name: str = text(required=True)
    kind: str = text(required=True)
    code: str = text()
    aliases: list[str] = words()
    above: list[Place] = parts(Place)  # from the root down to the direct superior


@dataclass(frozen=True)
class Unit(Node):
    """An office, bureau, task force or workgroup (单位) under every name the plan uses."""

    name: str = text(required=True)
    kind: str = choice("office", "task_force", "workgroup", "bureau", "post", default="office")
    aliases: list[str] = words()
    external: bool = flag()  # of a higher level: it needs no duty in this plan
    hosted_by: str = text()
    part_of: str = text()
    lead: str = text()  # the post that leads it; never a person's name
    deputies: list[str] = words()
    members: list[str] = words()  # offices, posts
    duties: str = text()
    clause: str = text()


@dataclass(frozen=True)
class DictionaryTerm(Node):
    dictionary: str = text(required=True)
    code: str = text(required=True)
    label: str = text(required=True)
    synonyms: list[str] = words()
    variants: list[str] = words()  # spellings C19 reports
    attrs: dict = free()


@dataclass(frozen=True)
class RungDoc(Node):
    code: str = text(required=True)
    name: str = text(required=True)
    level: str = text()  # village, town, county, city …: only an acceptance steps on it
    tier: str = choice("planned", "ploughed", "planted", "evidenced", "accepted", required=True)
    reported: bool = flag()  # a village may report it in its form


@dataclass(frozen=True)
class LadderDoc(Node):
    code: str = text(required=True)
    name: str = text(required=True)
    rungs: list[RungDoc] = parts(RungDoc, required=True)


@dataclass(frozen=True)
class KindDoc(Node):
    """A kind of task (任务类型) the common dictionary does not have."""

    code: str = text(required=True)
    name: str = text(required=True)
    parent: str = text()
    nature: str = choice("stock", "flow", "balance", "open", required=True)
    unit: str = text(required=True)
    ladder: str = text(required=True)
    feeds: list[str] = words()
    counted_level: str = text()  # assumed where a plan is silent


@dataclass(frozen=True)
class TargetDoc(Node):
    """A target (指标) as the plan sets it. ``expected`` is the yield the plan itself forecasts, ``maximum`` the most
    it says can be done, with ``maximum_reason``."""

    key: str = text(required=True, pattern=KEY, hint="字母开头，字母、数字、点或连字符")
    kind: str = text(required=True)
    tranche: str = text()
    carried_from: int | None = calendar_year()  # the year whose unfinished land goes on in this tranche
    parent: str = text()
    rule: str = choice("every", "sum", default="sum")
    comparison: str = choice("gte", "lte", "eq", required=True)
    amount: Decimal | None = number(least=0)
    unit: str = text(required=True)
    from_year: int | None = calendar_year()
    to_year: int | None = calendar_year()
    selected: Decimal | None = number(least=0)
    expected: Decimal | None = number(least=0)
    maximum: Decimal | None = number(least=0)
    maximum_reason: str = text()
    due_on: date | None = day()
    due_printed: str = text()
    counted_level: str = text()
    lead: str = text()
    responsible: list[str] = words()
    origin: str = text()
    clause: str = text(required=True)
    note: str = text()


@dataclass(frozen=True)
class ShareDoc(Node):
    """One division's share of a target (任务分解). ``stated`` is what stands in the cell: "/" is not 0."""

    division: str = text(required=True)
    amount: Decimal | None = number()
    stated: str = text()
    potential: Decimal | None = number()
    clause: str = text()


@dataclass(frozen=True)
class SplitDoc(Node):
    """A column of a split table with its own printed totals, against which it is checked (C03)."""

    target: str = text(required=True)
    clause: str = text(required=True)
    title: str = text()
    printed_total: Decimal | None = number()
    printed_potential: Decimal | None = number()
    rows: list[ShareDoc] = parts(ShareDoc, required=True)


@dataclass(frozen=True)
class EntryDoc(Node):
    """A dated amount in a target's account (账目): a survey of the stock, a deduction, a carry-over, a correction …

    ``role`` accepted is area the plan reports as already accepted (at the counted level), for the whole target.
    """

    target: str = text(required=True)
    role: str = choice(
        "survey", "deduction", "outflow", "inflow", "blocked", "at_risk", "carry", "offset", "correction", "accepted",
        required=True,
    )  # fmt: skip
    amount: Decimal | None = number(required=True)
    on: date | None = day()
    clause: str = text(required=True)
    reason: str = text()


@dataclass(frozen=True)
class RedLineDoc(Node):
    """One of the assessed lines (一票否决): which target it is judged by, its formula, what feeds it when accepted."""

    line_: str = choice("retention", "pbf", "offset", "in_out", "illegal_use", required=True)
    target: str = text()  # empty: the plan is silent, with the reason
    formula: str = text(required=True)
    feeds: list[str] = words()
    assumption: str = text()
    reason: str = text()
    clause: str = text()


@dataclass(frozen=True)
class StatementDoc(Node):
    """A figure as printed (表述). Same key, other value: C01. ``is`` gives the figure by formula (C02, C05)."""

    key: str = text(required=True, pattern=KEY, hint="字母开头的键")
    clause: str = text(required=True)
    printed: str = text(required=True)
    value: Decimal | None = number(required=True)
    unit: str = text()  # as printed; empty where the print has none (C06)
    magnitude: str = choice("千", "万", "百万", "亿")
    approximate: bool = flag()
    is_: str = text()
    places: int | None = integer()  # decimals the computed value is compared at; default those of the value
    target: str = text()


@dataclass(frozen=True)
class MilestoneDoc(Node):
    """A dated step (节点). ``targets`` must have reached ``rung`` by ``on``; ``repeats`` for yearly ones."""

    key: str = text(required=True, pattern=KEY, hint="字母开头的键")
    name: str = text(required=True)
    printed: str = text(required=True)
    from_: date | None = day()
    on: date | None = day()
    targets: list[str] = words()
    rung: str = text()
    repeats: str = text()
    clause: str = text()


@dataclass(frozen=True)
class PhaseDoc(Node):
    """A phase (阶段) with its milestones; both ends inclusive, a shared day belongs to the later phase."""

    key: str = text(required=True, pattern=KEY, hint="字母开头的键")
    name: str = text(required=True)
    printed: str = text(required=True)
    from_: date | None = day()
    to: date | None = day()
    clause: str = text()
    milestones: list[MilestoneDoc] = parts(MilestoneDoc)


@dataclass(frozen=True)
class CadenceDoc(Node):
    """A repeated meeting or report (调度、通报), as printed."""

    key: str = text(required=True)
    name: str = text(required=True)
    every: str = text(required=True)
    holder: str = text()
    topic: str = text()
    quote: str = text()  # the words as printed
    clause: str = text(required=True)


@dataclass(frozen=True)
class DutyDoc(Node):
    """Who answers for what (责任). Same topic, two holders with role lead: C18. Unknown holder: C17."""

    topic: str = text(required=True)
    role: str = choice(
        "lead", "responsible", "leader", "support", "member", "assess", "supervise", "fund", default="responsible"
    )
    holder: str = text(required=True)  # an office by any of its names, a post, or 各村
    holder_kind: str = choice("office", "post", "villages", default="office")
    target: str = text()
    quote: str = text()  # the words as printed
    clause: str = text(required=True)


@dataclass(frozen=True)
class RuleDoc(Node):
    """A decision rule as a row: conditions on facts, and what follows. First match by priority suggests."""

    key: str = text(required=True)
    purpose: str = choice("measure", "warning", "scope", "eligibility", "standard", "exclusion", required=True)
    priority: int | None = integer()
    when: list = free()
    then: dict = free()
    quote: str = text()  # the words as printed
    basis: str = text()
    clause: str = text()


@dataclass(frozen=True)
class RateDoc(Node):
    """A rate (补助标准) in the one rate shape; names of facts are checked on loading, components by C15."""

    key: str = text(required=True)
    name: str = text(required=True)
    clause: str = text(required=True)
    kinds: list[str] = words()
    treatment: str = text()
    basis: str = text()
    valid_from: date | None = day()
    valid_to: date | None = day()
    years: list[str] = words()
    due: str = text()
    per: list[str] = words()
    base: str = text()
    base_cap: str = text()
    where: list = free()
    unless: list = free()
    when: list = free()
    lines: list = free()
    readings: dict = free()
    chosen: str = text()
    components: dict = free()
    less: list[str] = words()
    at_most: str = text()
    round: list[str] = words()
    payees: dict = free()
    sources: list = free()
    guards: dict = free()  # what is looked at before money goes out: block, warn or off
    open: str = text()  # why no figure is given: the rate stays open and says so
    documents: list[str] = words()  # papers a batch that pays by this rate needs, beside the program's
    note: str = text()


@dataclass(frozen=True)
class ProgramDoc(Node):
    key: str = text(required=True)
    name: str = text(required=True)
    document: str = text()
    clause: str = text()
    exclusive_group: str = text()
    publicity_days: int | None = integer()  # 公示期
    publicity_counting: str = choice("calendar", "working", default="calendar")
    approvals: list[str] = words()  # who must approve, in their order
    documents: list[str] = words()  # papers every batch of the program needs
    rates: list[RateDoc] = parts(RateDoc, required=True)


@dataclass(frozen=True)
class LedgerRowDoc(Node):
    """One printed row; every cell as printed."""

    serial: str = text(required=True)
    codes: str = text()
    project: str = text()
    location: str = text()
    area: str = text()
    cultivated: str = text()
    pbf: str = text()
    source: str = text()
    problem_kind: str = text()
    responsible: str = text()
    measure: str = text()
    due: str = text()
    use: str = text()  # a Term of "ground_state" the row's project shows: road, pond, building … (for the rules)
    homestead: bool = flag()
    note: str = text()


@dataclass(frozen=True)
class LedgerDoc(Node):
    key: str = text(required=True)
    title: str = text(required=True)
    clause: str = text(required=True)
    kind: str = text(required=True)
    unit: str = text(required=True)
    excluded: list[str] = words()  # words of classes the plan leaves out (C13)
    excluded_clause: str = text()
    code_prefixes: list[str] = words()  # accepted beginnings of parcel codes (C10)
    rows: list[LedgerRowDoc] = parts(LedgerRowDoc)


@dataclass(frozen=True)
class AnnexDoc(Node):
    number: str = text(required=True)
    title: str = text(required=True)
    present: bool = flag(default=True)
    clause: str = text()


@dataclass(frozen=True)
class OutlineDoc(Node):
    """An item of the printed outline, in printed order: its number as printed, its heading, every office it names."""

    number: str = text()
    title: str = text(required=True)
    offices: list[str] = words()
    quote: str = text()  # the words as printed
    items: list["OutlineDoc"] = parts(lambda: OutlineDoc)

    def walk(self) -> Iterator["OutlineDoc"]:
        yield self
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True)
class QuestionDoc(Node):
    """What the document leaves open, and what the figures assume meanwhile."""

    key: str = text(required=True)
    question: str = text(required=True)
    assumption: str = text()
    clause: str = text()


@dataclass(frozen=True)
class PlanDoc(Node):
    format: str = choice("1", required=True)
    town: Town = part(Town, required=True)
    year: int | None = calendar_year(required=True)
    title: str = text(required=True)
    document_number: str = text()
    issued_on: date | None = day()
    issuer: str = text()
    basis: list[str] = words()
    summary: str = text()
    divisions: list[Place] = parts(Place)
    offices: list[Unit] = parts(Unit)
    terms: list[DictionaryTerm] = parts(DictionaryTerm)
    ladders: list[LadderDoc] = parts(LadderDoc)
    town_ladders: dict = free()  # kind: ladder, where this town climbs another one
    kinds: list[KindDoc] = parts(KindDoc)
    targets: list[TargetDoc] = parts(TargetDoc)
    splits: list[SplitDoc] = parts(SplitDoc)
    entries: list[EntryDoc] = parts(EntryDoc)
    red_lines: list[RedLineDoc] = parts(RedLineDoc)
    statements: list[StatementDoc] = parts(StatementDoc)
    phases: list[PhaseDoc] = parts(PhaseDoc)
    milestones: list[MilestoneDoc] = parts(MilestoneDoc)  # dated steps the plan puts in no phase
    cadences: list[CadenceDoc] = parts(CadenceDoc)
    duties: list[DutyDoc] = parts(DutyDoc)
    rules: list[RuleDoc] = parts(RuleDoc)
    programs: list[ProgramDoc] = parts(ProgramDoc)
    ledgers: list[LedgerDoc] = parts(LedgerDoc)
    annexes: list[AnnexDoc] = parts(AnnexDoc)
    outline: list[OutlineDoc] = parts(OutlineDoc)
    questions: list[QuestionDoc] = parts(QuestionDoc)

    def every_milestone(self) -> Iterator[tuple[PhaseDoc | None, MilestoneDoc]]:
        """All dated steps, each with its phase; those outside the phases with None."""
        for phase in self.phases:
            yield from ((phase, milestone) for milestone in phase.milestones)
        yield from ((None, milestone) for milestone in self.milestones)

    def places(self) -> Iterator[Place]:
        for division in self.divisions:
            yield from division.walk()
