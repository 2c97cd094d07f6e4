"""The five assessed lines (五条红线): what stands, what is missing, and what each tier of certainty would give.

Tiers go from the surest to the least sure: accepted ⊂ evidenced ⊂ planted ⊂ ploughed ⊂ planned. The planned tier holds
the plan's own target where it is more than what is registered as work, but no more than the plan says can be done.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise

from farmland.lib.numbers import fixed, plain
from parcels.models import Kind
from tasks.models import RedLine, Target
from tasks.progress import ADDED, STOCK_ENTRIES, ZERO, Figure, TownFacts, feeding, gained

LINES = {
    "retention": "耕地保有量",
    "pbf": "永久基本农田",
    "offset": "占补平衡",
    "in_out": "进出平衡",
    "illegal_use": "违法占用耕地",
}
TIERS = ["accepted", "evidenced", "planted", "ploughed", "planned"]
TIER_NAMES = {
    "accepted": "已认定",
    "evidenced": "已举证",
    "planted": "已种植",
    "ploughed": "已翻耕",
    "planned": "计划",
}


@dataclass
class Line:
    """One line of one town-year. ``pending`` holds, per tier, only what that tier adds to the surer ones."""

    line: str
    unit: str = "mu"
    red_line: RedLine | None = None
    target: Decimal | None = None
    actual: Decimal | None = None
    margin: Decimal | None = None
    formula: str = ""
    shown: str = ""
    pending: dict[str, Decimal] = field(default_factory=dict)
    dead: Decimal = ZERO  # what the plan says cannot be done
    counted: Decimal | None = None  # of a flow: already in ``actual``
    parts: list[dict] = field(default_factory=list)
    state: str = "no_data"
    reason: str = ""

    def margin_at(self, tier: str) -> Decimal | None:
        """The margin if everything down to ``tier`` were accepted."""
        if self.margin is None:
            return None
        more = sum((self.pending.get(one, ZERO) for one in TIERS[1 : TIERS.index(tier) + 1]), ZERO)
        return self.margin + more


def red_lines(facts: TownFacts, rows: list[Figure]) -> list[Line]:
    """All five lines, in their order, for every plan; what the plan is silent about is no_data with the reason."""
    stated = {one.line: one for one in RedLine.objects.filter(plan=facts.plan).select_related("target__kind")}
    whole = {row.target.pk: row for row in rows if row.division is None}
    found = []
    for name in LINES:
        red_line = stated.get(name)
        if red_line is None or red_line.target is None:
            reason = (red_line and red_line.reason) or f"方案没有写{LINES[name]}的指标。"
            unit = "count" if name == "illegal_use" else "mu"
            formula = red_line.formula if red_line else ""
            if name == "illegal_use" and (entered := sum(one[0] for one in facts.issues.values())):
                reason = f"{reason.rstrip('。')}。台账已录 {entered} 个问题，未计入。"
            found.append(Line(name, unit, red_line, formula=formula, shown=formula, reason=reason))
            continue
        nature = red_line.target.kind.nature
        build = {Kind.STOCK: _stock_line, Kind.OPEN: _open_line}.get(nature, _flow_line)
        line = Line(name, red_line.target.unit, red_line, formula=red_line.formula, shown=red_line.formula)
        build(facts, line, whole[red_line.target_id])
        found.append(line)
    return found


def pending_by_tier(facts: TownFacts, source: Target) -> tuple[dict[str, Decimal], Decimal]:
    """What each tier adds beyond what is counted, and the area the plan or an exit says cannot be done."""
    by_kind = facts.sums(source, facts.today).get(facts.town.pk, {})
    reached: dict[str, Decimal] = defaultdict(Decimal)
    dead = ZERO
    for kind, group in by_kind.items():
        counted = facts.counted_rank(source, kind)
        reached["accepted"] += group.reached(counted)
        for tier in TIERS[1:]:
            reached[tier] += group.reached(min(facts.ladders.of_tier(kind, tier), counted))
        dead += group.blocked
    amount = source.effective_amount()
    if amount is not None and source.kind.nature == Kind.FLOW:
        possible = amount if source.maximum is None else min(amount, source.maximum)
        reached["planned"] = max(reached["planned"], possible - dead)
        dead += max(amount - possible, ZERO)
    pending = {}
    for surer, tier in pairwise(TIERS):
        pending[tier] = max(reached[tier] - reached[surer], ZERO)
    return pending, dead


def _stock_line(facts: TownFacts, line: Line, row: Figure) -> None:
    target = row.target
    line.target = row.amount
    survey = facts.survey(target)
    if survey is None or row.amount is None:
        line.reason = line.red_line.reason or "方案没有给出现状数据，无法计算。"
        return
    line.actual = row.counted
    line.margin = row.counted - row.amount
    line.parts = [_part("现状调查", survey.amount, survey.clause, survey.on)]
    for entry in facts.entries[target.pk]:
        if entry.role in STOCK_ENTRIES and (entry.on is None or entry.on <= facts.today):
            line.parts.append(_part(entry.reason or entry.role, entry.amount, entry.clause, entry.on))
    for source in feeding(facts, target):
        more = gained(facts, source, survey.on)
        line.parts.append(_part(f"{source.kind}（调查日后认定）", more, source.clause))
        pending, dead = pending_by_tier(facts, source)
        line.dead += dead
        for tier, area in pending.items():
            line.pending[tier] = line.pending.get(tier, ZERO) + area
    line.shown = _sum_shown(line.parts)
    _judge(facts, line, row.target.due_on)


def _flow_line(facts: TownFacts, line: Line, row: Figure) -> None:
    line.target, line.actual, line.counted = row.amount, row.counted, row.counted
    if row.amount is None:
        line.reason = line.red_line.reason or "方案没有写任务数。"
        return
    line.margin = row.counted - row.amount
    line.pending, line.dead = pending_by_tier(facts, row.target)
    extra = facts.entry_sum(row.target, ADDED)
    line.parts = [_part("已认定", row.counted - extra, row.target.clause)]
    if extra:
        line.parts.append(_part("结转与调剂", extra, row.target.clause))
    line.shown = f"任务 {fixed(row.amount)} − 认定 {fixed(row.counted)}"
    _judge(facts, line, row.target.due_on, infeasible=row.state == "infeasible" and row.reason)


def _open_line(facts: TownFacts, line: Line, row: Figure) -> None:
    every = row.planned
    still_open = every - row.counted
    line.unit, line.target = "count", ZERO
    if not row.has_facts:
        line.reason = line.red_line.reason or "没有问题台账。"
        return
    line.actual, line.margin, line.counted = still_open, -still_open, row.counted
    line.parts = [_part("台账问题", every, row.target.clause), _part("已销号", -row.counted, row.target.clause)]
    line.shown = f"问题 {plain(every)} − 已销号 {plain(row.counted)}"
    due = row.target.due_on
    if still_open <= 0:
        line.state = "met"
    elif due and due < facts.today:
        line.state, line.reason = "overdue", f"时限 {due:%Y-%m-%d} 已过 {(facts.today - due).days} 天。"
    else:
        line.state, line.reason = "at_risk", f"还有 {plain(still_open)} 个问题没有销号。"


def _judge(facts: TownFacts, line: Line, due: date | None, *, infeasible: str = "") -> None:
    """Safe, or short but within reach, or late, or out of reach even if all work in hand is accepted."""
    best = line.margin_at("planned")
    if line.margin >= 0:
        line.state = "met"
    elif infeasible:
        line.state, line.reason = "infeasible", infeasible
    elif best < 0 and (line.dead or line.pending):
        line.state, line.reason = "infeasible", f"待办全部认定后仍差 {fixed(-best)} 亩。"
    elif due and due < facts.today:
        line.state, line.reason = "overdue", f"时限 {due:%Y-%m-%d} 已过 {(facts.today - due).days} 天。"
    else:
        line.state, line.reason = "at_risk", f"还差 {fixed(-line.margin)} 亩，全部认定后余 {fixed(best)} 亩。"


def _part(name: str, amount: Decimal, clause: str, on: date | None = None) -> dict:
    return {"name": name, "amount": plain(amount), "clause": clause, "on": on.isoformat() if on else None}


def _sum_shown(parts: list[dict]) -> str:
    """``16,117.10 − 121.95 + 0.00``: the figures of the parts, in order, parts of 0 left out after the first."""
    text = f"{parts[0]['name']} {fixed(Decimal(parts[0]['amount']))}"
    for part in parts[1:]:
        amount = Decimal(part["amount"])
        if amount:
            text += f" {'−' if amount < 0 else '+'} {part['name']} {fixed(abs(amount))}"
    return text
