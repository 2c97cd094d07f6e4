"""The algebra of progress: what of each target is counted, and why it stands as it does. No writes here.

counted(t, d) = Σ reached(w, counted rung) over the works of the target + Σ entries (carry, offset, correction)
stock(t)      = survey + Σ entries + Σ over kinds feeding t [reached now − reached at the survey]
open(t)       = issues in scope not closed; counted = closed ones
A parent is met only when its own comparison holds and, with rule "every", every child is met.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from farmland.lib.numbers import fixed, plain
from farmland.places.models import Division
from parcels.models import Kind
from parcels.progress import Group, Ladders, groups, groups_and_stages
from tasks.models import Entry, Issue, Milestone, Plan, Share, Target

ZERO = Decimal(0)
COMPARE = {
    "gte": lambda counted, amount: counted >= amount,
    "lte": lambda counted, amount: counted <= amount,
    "eq": lambda counted, amount: counted == amount,
}
ADDED = ("carry", "offset", "correction")  # entries that count beside the works of a flow
STOCK_ENTRIES = ("deduction", "outflow", "inflow", "carry", "offset", "correction")


@dataclass
class Figure:
    """One row of Progress before it is written; ``division`` None is the whole town."""

    target: Target
    division: Division | None
    amount: Decimal | None
    counted: Decimal | None = None
    planned: Decimal = ZERO
    potential: Decimal | None = None
    stages: dict[str, str] = field(default_factory=dict)
    reached: dict[str, str] = field(default_factory=dict)
    parcel_total: int = 0
    parcel_counted: int = 0
    has_facts: bool = False
    late: int = 0  # problems past their own date
    state: str = "no_data"
    reason: str = ""

    @property
    def asks(self) -> bool:
        """Whether there is something to do: an amount, or problems still open."""
        is_open = self.target.kind.nature == Kind.OPEN
        return self.amount is not None or (is_open and self.planned > (self.counted or ZERO))

    @property
    def is_met(self) -> bool:
        if self.amount is None or self.counted is None:
            return False
        return COMPARE[self.target.comparison](self.counted, self.amount)


class TownFacts:
    """Everything the figures of a town-year are made of, loaded with a fixed number of queries."""

    def __init__(self, plan: Plan, today: date):
        self.plan, self.town, self.today = plan, plan.town, today
        self.ladders = Ladders(self.town)
        self.kinds = {kind.code: kind for kind in Kind.objects.select_related("parent").prefetch_related("feeds")}
        self.targets = list(Target.objects.filter(plan=plan).select_related("kind", "parent").order_by("order"))
        self.shares: dict = defaultdict(dict)
        for share in Share.objects.filter(target__plan=plan).select_related("target"):
            self.shares[share.target_id][share.division_id] = share
        self.entries: dict = defaultdict(list)
        for entry in Entry.objects.filter(target__plan=plan).order_by("on", "order"):
            self.entries[entry.target_id].append(entry)
        self.milestones: dict = defaultdict(list)
        for milestone in Milestone.objects.filter(plan=plan).exclude(rung="").prefetch_related("targets"):
            for target in milestone.targets.all():
                self.milestones[target.pk].append(milestone)
        self.divisions = {
            one.pk: one for one in Division.objects.filter(path__startswith=self.town.path).order_by("path")
        }
        self.issues: dict = defaultdict(lambda: [0, 0, 0])  # (division, kind): all, closed, open past their date
        counted = Issue.objects.of_year(self.town, plan.year).filter(is_excluded=False)
        for division, kind, state, due in counted.values_list("division", "kind", "state", "due_on"):
            is_closed = state in Issue.CLOSED
            for at, more in enumerate((1, is_closed, not is_closed and due is not None and due < today)):
                self.issues[(division, kind)][at] += more
        self._groups: dict[date, dict] = {}
        self._add_up_merged()

    def _add_up_merged(self) -> None:
        """What the plan split to villages that were merged since is the successor's task, which is not written."""
        for one in self.divisions.values():
            if (at := one.merged_into_id) in self.divisions:
                for shares in self.shares.values():
                    if one.pk in shares:
                        shares[at] = joined(shares.get(at), shares[one.pk], self.divisions[at])

    def stale_stages(self) -> dict[str, list[str]]:
        """The parcels whose stored stage is out of date, by what it should be; read together with today's sums."""
        self._groups[self.today], stale = groups_and_stages(self.ladders, self.today, self.plan.year)
        return stale

    def groups(self, day: date) -> dict:
        """Sums of today, or of an earlier day without what has been taken back since."""
        if day not in self._groups:
            self._groups[day] = groups(self.town, day, self.ladders, as_known_now=day < self.today)
        return self._groups[day]

    def leaves(self, kind: str) -> list[str]:
        return self.ladders.leaves(kind)

    def sums(self, target: Target, day: date) -> dict[int, dict[str, Group]]:
        """division → leaf kind → Group, each division with what lies below it."""
        leaves = set(self.leaves(target.kind_id))
        totals: dict = defaultdict(lambda: defaultdict(Group))
        for (division, kind, year, tranche), group in self.groups(day).items():
            matches = kind in leaves and target.from_year <= year <= target.to_year
            if matches and target.tranche in ("", tranche):
                for ancestor in self._upwards(division):
                    totals[ancestor][kind].add(group)
        return totals

    def _upwards(self, division: int) -> list[int]:
        return [int(key) for key in self.divisions[division].path.split("/") if key and int(key) in self.divisions]

    def issue_counts(self, target: Target) -> dict[int, list[int]]:
        leaves = set(self.leaves(target.kind_id))
        totals: dict = defaultdict(lambda: [0, 0, 0])
        for (division, kind), counts in self.issues.items():
            if kind in leaves:
                for ancestor in self._upwards(division):
                    totals[ancestor] = [one + more for one, more in zip(totals[ancestor], counts, strict=True)]
        return totals

    def counted_rank(self, target: Target, kind: str) -> int:
        rung = self.ladders.of_level(kind, target.level)
        return rung.rank if rung else len(self.ladders.rungs(kind))

    def survey(self, target: Target) -> Entry | None:
        surveys = [one for one in self.entries[target.pk] if one.role == "survey" and one.on and one.on <= self.today]
        return surveys[-1] if surveys else None

    def entry_sum(self, target: Target, roles: tuple[str, ...]) -> Decimal:
        dated = [one for one in self.entries[target.pk] if one.role in roles and (not one.on or one.on <= self.today)]
        return sum((one.amount for one in dated), ZERO)


def joined(into: Share | None, share: Share, division: Division) -> Share:
    """One share of two: what only one of them states stands, what both state is added."""
    parts = [one for one in (into, share) if one is not None]
    sums = {}
    for name in ("amount", "potential"):
        stated = [getattr(one, name) for one in parts if getattr(one, name) is not None]
        sums[name] = sum(stated, ZERO) if stated else None
    return Share(town_id=share.town_id, target=share.target, division=division, **sums)


def figures(facts: TownFacts) -> list[Figure]:
    """Every figure of the town-year: each target for the whole town and for every division with a share or facts."""
    found: list[Figure] = []
    for target in facts.targets:
        if target.kind.nature == Kind.STOCK:
            found.append(_stock(facts, target))
        elif target.kind.nature == Kind.OPEN:
            found += _open(facts, target)
        else:
            found += _flow(facts, target)
    by_target = {(one.target.pk, one.division and one.division.pk): one for one in found}
    for figure in reversed(found):  # children stand after their parents
        _judge(facts, figure, by_target)
    return found


def _flow(facts: TownFacts, target: Target) -> list[Figure]:
    sums = facts.sums(target, facts.today)
    rows = [_figure(facts, target, None, sums.get(facts.town.pk, {}))]
    rows[0].counted += facts.entry_sum(target, ADDED)
    shares = facts.shares[target.pk]
    for key, division in facts.divisions.items():
        if key != facts.town.pk and (_has_task(shares.get(key)) or key in sums):
            rows.append(_figure(facts, target, division, sums.get(key, {})))
    return rows


def _has_task(share: Share | None) -> bool:
    """Whether a split gives a division something to do or to draw from; "/" does not."""
    return share is not None and (share.amount is not None or share.potential is not None)


def _figure(facts: TownFacts, target: Target, division: Division | None, by_kind: dict[str, Group]) -> Figure:
    share = facts.shares[target.pk].get(division.pk) if division else None
    amount = target.effective_amount() if division is None else (share.amount if share else None)
    figure = Figure(target, division, amount, counted=ZERO)
    figure.potential = share.potential if share else None
    stages: dict[str, Decimal] = defaultdict(Decimal)
    reached: dict[str, Decimal] = defaultdict(Decimal)
    for kind, group in by_kind.items():
        rank = facts.counted_rank(target, kind)
        figure.counted += group.reached(rank)
        figure.planned += group.reached(0)
        figure.parcel_total += sum(group.parcels.values())
        figure.parcel_counted += sum(count for lowest, count in group.parcels.items() if lowest >= rank)
        figure.has_facts |= not group.is_empty
        for rung in facts.ladders.rungs(kind):
            stages[rung.code] += group.at.get(rung.rank, ZERO)
            reached[rung.code] += group.reached(rung.rank)
    figure.stages = {code: plain(area) for code, area in stages.items() if area}
    figure.reached = {code: plain(area) for code, area in reached.items() if area}
    return figure


def _open(facts: TownFacts, target: Target) -> list[Figure]:
    """Issues of a ledger: counted are the closed ones; a correction of −1 is one closed that no row names."""
    counts = facts.issue_counts(target)
    shares = facts.shares[target.pk]
    rows = []
    for division in (None, *facts.divisions.values()):
        key = division.pk if division else facts.town.pk
        if division is None or (key != facts.town.pk and (_has_task(shares.get(key)) or key in counts)):
            share = shares.get(key) if division else None
            amount = target.effective_amount() if division is None else (share.amount if share else None)
            every, closed, late = counts.get(key, (0, 0, 0))
            figure = Figure(target, division, amount, counted=Decimal(closed), planned=Decimal(every), late=late)
            figure.has_facts = every > 0
            rows.append(figure)
    rows[0].counted -= facts.entry_sum(target, ("correction",))
    return rows


def _stock(facts: TownFacts, target: Target) -> Figure:
    figure = Figure(target, None, target.effective_amount())
    survey = facts.survey(target)
    if survey is not None:
        figure.has_facts = True
        more = sum((gained(facts, source, survey.on) for source in feeding(facts, target)), ZERO)
        figure.counted = survey.amount + facts.entry_sum(target, STOCK_ENTRIES) + more
        figure.planned = figure.counted
    return figure


def feeding(facts: TownFacts, target: Target) -> list[Target]:
    """The root targets whose accepted area raises this stock: the red line's ``feeds``, else the kinds' own."""
    line = target.red_lines.first()
    kinds = set(line.feeds) if line else {code for code, one in facts.kinds.items() if target.kind in one.feeds.all()}
    return [one for one in facts.targets if one.kind_id in kinds and one.parent_id is None]


def gained(facts: TownFacts, source: Target, survey_on: date) -> Decimal:
    """What works of ``source`` accepted after a survey add to the stock; area inside the survey counts once."""
    now = facts.sums(source, facts.today).get(facts.town.pk, {})
    then = facts.sums(source, survey_on).get(facts.town.pk, {})
    total = ZERO
    for kind, group in now.items():
        rank = facts.counted_rank(source, kind)
        total += group.reached(rank) - (then[kind].reached(rank) if kind in then else ZERO)
    return total


def _judge(facts: TownFacts, figure: Figure, by_target: dict) -> None:
    """State and reason, tested in the order of contract §2."""
    target, today = figure.target, facts.today
    children = [
        by_target.get((child.pk, figure.division and figure.division.pk))
        for child in facts.targets
        if child.parent_id == target.pk
    ]
    children = [child for child in children if child is not None and child.amount is not None]
    unmet = [child for child in children if child.state != "met"] if target.rule == "every" else []
    if figure.is_met and not unmet:
        figure.state, figure.reason = "met", ""
    elif reason := _infeasible(figure):
        figure.state, figure.reason = "infeasible", reason
    elif figure.asks and target.due_on and target.due_on < today:
        days = (today - target.due_on).days
        figure.state, figure.reason = "overdue", f"时限 {target.due_on:%Y-%m-%d} 已过 {days} 天。"
    elif reason := _late_milestone(facts, figure):
        figure.state, figure.reason = "at_risk", reason
    elif not figure.has_facts:
        figure.state = "no_data"
        figure.reason = "方案没有现状数据。" if target.kind.nature == Kind.STOCK else "还没有任何填报或验收。"
    elif figure.is_met:
        names = "、".join(str(child.target.kind) for child in unmet)
        figure.state, figure.reason = "on_track", f"合计已够，但{names}尚未完成。"
    else:
        figure.state, figure.reason = "on_track", _remark(figure)


def _remark(figure: Figure) -> str:
    """A stock has no stages to be late at: its shortfall is said in words, and so are problems past their dates."""
    if figure.late:
        return f"{figure.late} 个问题已过整改时限。"
    if figure.target.kind.nature != Kind.STOCK or figure.amount is None:
        return ""
    return f"低于目标 {fixed(figure.amount - figure.counted)} 亩。"


def _infeasible(figure: Figure) -> str:
    """The most that can be done is below the amount: the plan says so, or the potential, and no work offers more."""
    target = figure.target
    if figure.amount is None or target.comparison != "gte" or target.kind.nature == Kind.STOCK:
        return ""
    if figure.division is None and target.maximum is not None and target.maximum < figure.amount:
        reason = (target.maximum_reason or "方案写明").rstrip("。")
        short = figure.amount - target.maximum
        return f"最多可完成 {_words(target, target.maximum)}，差 {_words(target, short)}（{reason}）。"
    offered = max(figure.planned, figure.counted or ZERO)
    if figure.potential is not None and max(figure.potential, offered) < figure.amount:
        short = figure.amount - max(figure.potential, offered)
        potential, amount = _words(target, figure.potential), _words(target, figure.amount)
        return f"潜力 {potential}小于任务 {amount}，差 {_words(target, short)}。"
    return ""


def _words(target: Target, number: Decimal) -> str:
    return f"{fixed(number)} 亩" if target.unit == "mu" else plain(number)


def _late_milestone(facts: TownFacts, figure: Figure) -> str:
    if figure.amount is None:
        return ""
    dated = [one for one in facts.milestones[figure.target.pk] if one.ends_on and one.ends_on < facts.today]
    for milestone in sorted(dated, key=lambda one: one.ends_on, reverse=True):  # the latest one tells most
        done = Decimal(figure.reached.get(milestone.rung, "0"))
        if done < figure.amount:
            short = _words(figure.target, figure.amount - done)
            return f"节点“{milestone.name}”（{milestone.ends_on:%m-%d}）已过，还差 {short}。"
    return ""
