"""推算费用: what the rates of a policy would cost at the targets, by what is accepted or planned, or as typed.

Computed by the engine that pays, under every reading. What cannot be known beforehand is taken to qualify, and that is
said beside the figures. Nothing is written.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from farmland.lib.conditions import Condition
from farmland.places.models import Division
from subsidies.entitlements.facts import Climbed, RoundFacts
from subsidies.models import Fund, Program, Rate, RateVersion, Round
from subsidies.rates import versions
from subsidies.rules.engine import Row, evaluate
from subsidies.rules.judging import Ruled
from subsidies.rules.rule import Rule, RuleError
from tasks.models import Share, Target

ZERO, STEP = Decimal(0), Decimal("0.01")
SCENARIOS = {"targets": "正好完成任务", "accepted": "按现已认定", "pending": "计划的全部认定", "typed": "自己填面积"}
BY_WORK = ("accepted", "pending")


@dataclass(frozen=True)
class Land:
    """An area of one kind in a village; ``work`` and ``facts`` where it is a real one."""

    division: int
    kind: str
    area: Decimal
    treatment: str = ""
    work: str = ""
    facts: Mapping = field(default_factory=dict)


@dataclass
class VillageCost:
    division: int
    area: Decimal = ZERO
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    reason: str = ""


@dataclass
class RateCost:
    """What one rate costs a year, by reading; ``is_choice``: another treatment of the same land excludes it."""

    rate: Rate
    version: RateVersion
    rule: Rule
    villages: list[VillageCost]
    assumed: str = ""

    @property
    def years(self) -> int:
        return len(self.rule.years) or 1

    @property
    def is_choice(self) -> bool:
        return bool(self.rule.treatment)

    @cached_property
    def totals(self) -> dict[str, Decimal]:
        return {name: sum((one.amounts[name] for one in self.villages), ZERO) for name in sorted(self.rule.readings)}

    @property
    def chosen(self) -> Decimal:
        return self.totals[self.rule.chosen]


@dataclass(frozen=True)
class Cliff:
    """What a village gets of the policy just below its share, and at it."""

    division: int
    share: Decimal
    below: Decimal
    at: Decimal


@dataclass
class Simulation:
    rates: list[RateCost]
    notes: list[str]
    cliffs: list[Cliff]

    @property
    def least(self) -> Decimal:
        return self._sum(min)

    @property
    def most(self) -> Decimal:
        return self._sum(max)

    def _sum(self, pick) -> Decimal:
        """All years together; of the treatments that one piece of land can have, one."""
        choices: dict[tuple, list[Decimal]] = defaultdict(list)
        total = ZERO
        for one in self.rates:
            cost = one.chosen * one.years
            if one.is_choice and not self.is_by_work:
                choices[one.rule.kinds].append(cost)
            else:
                total += cost
        return total + sum((pick(costs) for costs in choices.values()), ZERO)

    is_by_work: bool = False


class Assumed(dict):
    """Rulings that let everything nobody can know yet qualify."""

    def get(self, key, default=None):
        _, test = key
        return Ruled(not test.startswith(("unless:", "guard:")), "推算", "假定符合", "")


def simulate(
    program: Program, scenario: str, day: date, *, typed: Mapping[int, Decimal] | None = None,
    instead: RateVersion | None = None, pool: Decimal | None = None,
) -> Simulation:  # fmt: skip
    """``typed``: village → 亩. ``instead``: a draft in the place of what is published. ``pool``: 元 to be shared."""
    rates = [one for one in Rate.objects.filter(program=program).order_by("order") if not one.open_reason]
    held_by, found, notes, land = versions.paying(rates), [], [], _Land(program, day)
    for rate in rates:
        version = instead if instead and instead.rate_id == rate.pk else versions.on(held_by[rate.pk], None)
        try:
            rule = versions.rule_of(version) if version else None
        except RuleError as error:
            notes.append(f"“{rate}”不能计算：{error}")
            continue
        if rule is None:
            notes.append(f"“{rate}”没有已发布的版本，没有推算。")
            continue
        found.append(_cost(rate, version, rule, land.rows(rule, scenario, typed or {}), land, pool))
    cliffs = _cliffs([one for one in found if not one.is_choice], land)
    return Simulation(found, notes, cliffs, is_by_work=scenario in BY_WORK)


class _Land:
    """The areas of a policy's kinds: shares of the targets, or the works of the year."""

    def __init__(self, program: Program, day: date):
        self.program, self.town, self.day = program, program.town, day
        self.shares: dict[tuple[int, str], Decimal] = {}
        targets = Target.objects.filter(plan=program.plan_id, tranche="").order_by("order")
        for share in Share.objects.filter(target__in=targets, amount__isnull=False).select_related("target"):
            self.shares[share.division_id, share.target.kind_id] = share.amount
        split = {kind for _, kind in self.shares}
        self.whole = {one.kind_id: one.amount for one in targets if one.amount and one.kind_id not in split}
        self.allotted = Fund.objects.filter(program=program, batch=None).values_list("amount", flat=True)

    def rows(self, rule: Rule, scenario: str, typed: Mapping[int, Decimal]) -> list[Land]:
        if scenario in BY_WORK:
            return self._works(rule, scenario)
        if scenario == "typed":
            kind = rule.kinds[0] if rule.kinds else ""
            return [Land(division, kind, area) for division, area in sorted(typed.items()) if area]
        rows = [Land(place, kind, area) for (place, kind), area in sorted(self.shares.items()) if kind in rule.kinds]
        return rows + [Land(self.town.pk, kind, area) for kind, area in self.whole.items() if kind in rule.kinds]

    def _works(self, rule: Rule, scenario: str) -> list[Land]:
        round_ = Round(town=self.town, program=self.program, year=self.program.year, label="推算")
        facts, found = RoundFacts(round_, self.day, [rule]), []
        for work in facts.works:
            rank = facts.rank_at(work.kind_id, facts.levels[work.kind_id]) if rule.years else facts.rank_of(rule, work)
            area = (facts.climbed.get(work.pk) or Climbed()).reached(rank) if rank is not None else ZERO
            if scenario == "pending":
                area = max(area, work.area_mu or ZERO)
            if area and rule.treatment in ("", work.treatment):
                known = facts.facts_of(rule, work, None)
                home = facts.home(rule, work)
                found.append(Land(home, work.kind_id, area, work.treatment, str(work.pk), known))
        return found

    def share(self, division: int, kinds: Iterable[str]) -> Decimal | None:
        amounts = [self.shares[division, kind] for kind in kinds if (division, kind) in self.shares]
        return sum(amounts, ZERO) if amounts else None


def _cost(rate: Rate, version, rule: Rule, rows: list[Land], land: _Land, pool: Decimal | None) -> RateCost:
    villages: dict[int, VillageCost] = {}
    for one in rows:
        here = villages.setdefault(one.division, VillageCost(one.division))
        here.area += one.area
    assumed = _dearest(rule)
    for award in _awards(rule, rows, land, assumed, pool):
        here = villages[award.division]
        for name, amount in _by_reading(rule, award).items():
            here.amounts[name] += amount
        here.reason = here.reason or award.reason
    told = "、".join(f"{value}" for value in assumed.values())
    return RateCost(rate, version, rule, list(villages.values()), told and f"按标准最高的“{told}”推算")


def _by_reading(rule: Rule, award) -> dict[str, Decimal]:
    if award.state != "due":
        return {}
    shown = {one["key"]: Decimal(one["amount"]) for one in award.explanation["readings"] if one["amount"]}
    return shown or {rule.chosen: award.amount}


def _awards(rule: Rule, rows: list[Land], land: _Land, assumed: Mapping, pool: Decimal | None):
    """Land that is not real qualifies; real land is tested by what is known of it."""
    by_division: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for one in rows:
        by_division[one.division][one.kind] += one.area
    made = []
    for at, one in enumerate(rows):
        facts = _facts(rule, one, land, by_division[one.division], pool) | assumed | {
            name: value for name, value in one.facts.items() if name in assumed and value is not None
        }  # fmt: skip
        made.append(Row(f"work:{one.work or at}", one.division, facts))
    per = ("subject",) if rule.by_subject else ("division",)
    where = tuple(test for test in rule.where if _is_testable(test, rows))
    return evaluate(replace(rule, where=where, unless=(), sources=(), less=(), per=per), made, rulings=Assumed())


def _is_testable(test: Condition, rows: list[Land]) -> bool:
    return bool(rows) and all(one.work for one in rows) and test.fact in ("kind", "treatment", "finding")


def _facts(rule: Rule, one: Land, land: _Land, here: Mapping[str, Decimal], pool: Decimal | None) -> dict:
    """Every area the rule asks for is the area; the village's target is met when each of its kinds is."""
    facts = dict(one.facts) | {name: one.area for name in rule.facts if name.endswith("_mu")}
    shares = {kind: land.shares.get((one.division, kind)) for kind in rule.kinds}
    met = all(here.get(kind, ZERO) >= amount for kind, amount in shares.items() if amount is not None)
    share = land.share(one.division, rule.kinds)
    facts |= {"kind": one.kind, "share": share, "counted": sum(here.values(), ZERO)}
    known = share is not None
    facts |= {"met": met if known else None, "met_on_time": met if known else None}
    if rule.pool:
        facts[rule.pool] = pool if pool is not None else sum(land.allotted, ZERO) or None
    return facts


def _dearest(rule: Rule) -> dict[str, str]:
    """For prices by a fact nobody knows yet: the row of the table that costs most."""
    tables = [line.price for line in rule.lines if line.price.by]
    if not tables:
        return {}
    key = max(tables[0].table, key=lambda one: (tables[0].table[one], one))
    return {fact: value for fact, value in zip(tables[0].by, key, strict=True) if fact not in ("division", "kind")}


def _cliffs(costs: list[RateCost], land: _Land) -> list[Cliff]:
    """Every village that has a share in a rate that looks at it, 0.01 亩 below the share and at it."""
    looking = [one for one in costs if not one.rule.by_subject and one.rule.facts & {"share", "met", "met_on_time"}]
    kinds = {kind for one in looking for kind in one.rule.kinds}
    found = []
    for division in sorted({place for place, kind in land.shares if kind in kinds}):
        mine = {kind: area for (place, kind), area in land.shares.items() if place == division and kind in kinds}
        largest = max(mine, key=lambda kind: mine[kind])
        if mine[largest] <= STEP:
            continue
        below, at = (_village(costs, land, division, mine | {largest: area}) for area in (
            mine[largest] - STEP, mine[largest],
        ))  # fmt: skip
        if at != below:
            found.append(Cliff(division, sum(mine.values(), ZERO), below, at))
    return found


def _village(costs: list[RateCost], land: _Land, division: int, areas: Mapping[str, Decimal]) -> Decimal:
    """What the rates that are no choice of treatment, and pay once, come to for one village."""
    total = ZERO
    for one in costs:
        if one.rule.years or one.rule.pool:
            continue
        rows = [Land(division, kind, area) for kind, area in sorted(areas.items()) if kind in one.rule.kinds]
        total += sum((award.amount for award in _awards(one.rule, rows, land, _dearest(one.rule), None)), ZERO)
    return total


def names_of(simulation: Simulation) -> dict[int, str]:
    """Division → name; one query."""
    asked = {one.division for rate in simulation.rates for one in rate.villages}
    asked |= {one.division for one in simulation.cliffs}
    return dict(Division.objects.filter(pk__in=asked).values_list("pk", "name"))
