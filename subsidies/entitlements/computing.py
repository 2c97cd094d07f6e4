"""A round computed from the facts as they stand: every rate, every row by the version that held on its day.

No writes. What stands already and what becomes of it is ``subsidies.entitlements.calculations``.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone

from farmland.places.models import Term
from parcels.models import Kind
from parcels.verification import LABELS
from subsidies.entitlements.asking import asked
from subsidies.entitlements.facts import Owed, RoundFacts, earlier_of
from subsidies.entitlements.guards import concerns
from subsidies.models import Program, Rate, RateVersion, Round, Ruling
from subsidies.rates import versions
from subsidies.rules.amounts import money
from subsidies.rules.engine import Award, evaluate, subject_of
from subsidies.rules.judging import BLOCK, Concern, Ruled, Rulings
from subsidies.rules.rule import Rule, RuleError
from subsidies.rules.words import Words

ZERO = Decimal(0)


@dataclass(frozen=True)
class Paid:
    """An award under the version that pays it."""

    rate: Rate
    version: RateVersion
    award: Award
    is_invented: bool = False  # 演示: by its hands, its version, or what it rests on

    @property
    def key(self) -> tuple[str, str]:
        return self.rate.key, self.award.subject

    @property
    def digest(self) -> str:
        """Of everything the award rests on."""
        award, told = self.award, self.award.explanation
        tests = [[one["key"], one["subject"], one["result"], one["found"], one["ruled"]] for one in told["tests"]]
        facts = [
            self.version.digest, award.subject, award.state, money(award.amount), award.base and str(award.base),
            award.facts, tests, told["pool"], told["less"], told["at_most"],
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass
class Computed:
    paid: list[Paid]
    rates: dict[str, str] = field(default_factory=dict)  # key → name of what was looked at
    notes: list[str] = field(default_factory=list)  # rates that could not be computed, in Chinese
    rules: dict[Any, Rule] = field(default_factory=dict)  # version's key → what it says
    facts: RoundFacts | None = None

    @property
    def asks(self) -> list[tuple[str, str, str]]:
        """What only people know, see ``asking``; worked out when it is asked for."""
        return asked(self.facts, self.rules.values()) if self.facts else []

    @property
    def total(self) -> Decimal:
        return sum((one.award.amount for one in self.paid), ZERO)

    @property
    def digest(self) -> str:
        text = "".join(sorted(f"{one.rate.key}{one.digest}" for one in self.paid))
        return hashlib.sha256(text.encode()).hexdigest()


def rates_of(round_: Round) -> list[Rate]:
    """The rates that pay in a round, those that others are less of first."""
    rows = [one for one in Rate.objects.filter(program=round_.program) if not one.open_reason]
    fits = [one for one in rows if (round_.year in one.years if round_.is_yearly else not one.years)]
    ordered: list[Rate] = []
    by_key = {one.key: one for one in fits}

    def enter(rate: Rate) -> None:
        for key in rate.shape.get("less") or ():
            if key in by_key and by_key[key] not in ordered:
                enter(by_key[key])
        if rate not in ordered:
            ordered.append(rate)

    for one in fits:
        enter(one)
    return ordered


def compute(
    round_: Round, day: date, progress: Callable[[int, int, str], None] | None = None, *, by_demo: bool = False
) -> Computed:
    """Every award of a round, and what could not be computed.

    What a demo user ruled counts for invented rows only; for a demo user (``by_demo``) every row is one.
    """
    rates = rates_of(round_)
    held_by = versions.paying(rates)
    rules, notes = rules_of(rates, held_by)
    facts = RoundFacts(round_, day, rules.values())
    done = Computed([], {one.key: one.name for one in rates}, notes, rules, facts)
    words, everybodys, real = words_of(round_.program, facts), rulings_of(round_), rulings_of(round_, is_demo=False)
    earlier = earlier_of(round_.program, round_, {one.key for one in rates})
    for at, rate in enumerate(rates):
        if progress:
            progress(at, len(rates), f"{rate.name}")
        current = [one for one in held_by[rate.pk] if one.pk in rules]
        awards = []
        for version, rows in assigned(facts, current, rules).items():
            invented = by_demo or version.is_demo
            rulings = {"rulings": (everybodys if invented else real)[rate.key], "invented": everybodys[rate.key]}
            found = evaluate(rules[version.pk], rows, words=words, earlier=earlier, **rulings)
            awards += [Paid(rate, version, one, invented or one.is_invented) for one in found]
        done.paid += awards
        _remember(earlier[rate.key], awards)
    return done


def rules_of(rates: Iterable[Rate], held_by: Mapping[Any, list[RateVersion]]) -> tuple[dict[Any, Rule], list[str]]:
    """The rules of the versions that pay, by version, and in Chinese what cannot be computed."""
    rules, notes = {}, []
    for rate in rates:
        for version in held_by[rate.pk]:
            try:
                rules[version.pk] = versions.rule_of(version)
            except RuleError as error:
                notes.append(f"“{rate}”第 {version.number} 版不能计算：{error}")
        if not held_by[rate.pk]:
            notes.append(f"“{rate}”没有已发布的版本，没有核算。")
    return rules, notes


def _remember(given: dict, awards: Iterable[Paid]) -> None:
    for one in awards:
        before = given.get(one.award.subject, ZERO)
        given[one.award.subject] = None if one.award.state == "held" or before is None else before + one.award.amount


def assigned(facts: RoundFacts, current: list[RateVersion], rules: dict) -> dict[RateVersion, list]:
    """Version → its rows. What is paid together is paid by the version of its last day of acceptance."""
    if not current:
        return {}
    newest, found, taken = current[-1], defaultdict(list), set()
    shares_pool = bool(rules[newest.pk].pool)
    for version in reversed(current):
        rule = rules[version.pk]
        groups: dict[str, list[Owed]] = defaultdict(list)
        for owed in facts.rows(rule):
            groups[subject_of(rule, owed.row)].append(owed)
        for subject, members in groups.items():
            days = sorted(day for owed in members for day in owed.days)
            holds = newest if shares_pool else versions.on(current, days[-1] if days else None)
            if subject in taken or (holds or newest) != version:
                continue
            taken.add(subject)
            spans = not shares_pool and len({versions.on(current, day) for day in days}) > 1
            found[version] += [_guarded(facts, rule, one, spans, holds is None) for one in members]
    return found


def _guarded(facts: RoundFacts, rule: Rule, owed: Owed, spans: bool, is_outside: bool):
    looked = concerns(facts, rule, owed, spans=spans and not is_outside)
    if is_outside:
        day = f"{owed.days[-1]:%Y-%m-%d}"
        looked = (*looked, Concern("no_version", "验收日没有有效的标准", f"验收日 {day}", True, BLOCK))
    return replace(owed.row, concerns=looked)


def rulings_of(round_: Round, **chosen) -> dict[str, Rulings]:
    """Rate → (subject, test) → the newest ruling, of those with these values."""
    found: dict[str, dict] = defaultdict(dict)
    for one in Ruling.objects.filter(round=round_, **chosen).select_related("by").order_by("at", "pk"):
        at = timezone.localtime(one.at).isoformat(timespec="minutes")
        found[one.rate_key][one.subject, one.test] = Ruled(one.holds, str(one.by), one.reason, at)
    return found


def words_of(program: Program, facts: RoundFacts) -> Words:
    """Labels of codes, names of lists and policies."""
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    rows = Term.objects.filter(Q(town=None) | Q(town=program.town)).order_by("order", "pk")
    for dictionary, code, label in rows.values_list("dictionary", "code", "label"):
        labels[dictionary][code] = label
    labels["finding"] = dict(LABELS)
    labels["kind"] = dict(Kind.objects.values_list("code", "name"))
    listed = labels["list"] | labels["policy"] | facts.ground.names
    named = dict(Program.objects.filter(town=program.town).order_by("year").values_list("key", "name"))
    levels = {f"{code}_mu": f"{label}认定面积" for code, label in labels["level"].items()}
    levels |= {f"{code}_net_mu": f"{label}认定的净面积" for code, label in labels["level"].items()}
    return Words(labels, listed | named, levels)
