"""The fact rows of a round: what every rate may ask for, of each work (or claim), as of the working date.

A fact is a value, or None where nobody knows. Everything is loaded with a fixed number of queries, however many works.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone

from farmland.lib.numbers import exact
from parcels.models import Step, Work
from parcels.progress import Ladders
from subsidies import invented
from subsidies.entitlements.ground import Ground, done_before
from subsidies.models import Claim, Entitlement, Fund, Round
from subsidies.rules.engine import Row
from subsidies.rules.rule import Rule
from tasks.models import Target
from tasks.progress import TownFacts, figures

ZERO = Decimal(0)
OF_CLAIM = {"declared_mu", "verified_mu", "still_planted_mu"}
OF_TARGET = {"share", "counted", "met", "met_on_time"}


@dataclass
class Climbed:
    """What of a work stands on its ladder: rank → Σ of its steps, and the days of those that still stand."""

    own: dict[int, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    days: dict[int, list[date]] = field(default_factory=lambda: defaultdict(list))

    def reached(self, rank: int) -> Decimal:
        return max((area for at, area in self.own.items() if at >= rank), default=ZERO)

    def days_of(self, rank: int) -> list[date]:
        """The days of the lowest rung on which the area that counts was accepted."""
        area = self.reached(rank)
        at = min((one for one, own in self.own.items() if one >= rank and own == area), default=None)
        return sorted(self.days.get(at, [])) if area > 0 else []


@dataclass(frozen=True)
class Owed:
    """A row for one rate, with the days that decide which version pays."""

    row: Row
    work: Work
    claim: Claim | None
    days: tuple[date, ...]
    accepted: Decimal | None


class RoundFacts:
    """``rules`` are those that pay in the round; ``day`` is the working date, later acceptances do not exist yet."""

    def __init__(self, round_: Round, day: date, rules: Iterable[Rule]):
        self.round, self.program, self.town, self.day = round_, round_.program, round_.town, day
        self.rules = list(rules)
        asked = set().union(*(rule.facts for rule in self.rules)) if self.rules else set()
        self.ladders = Ladders(self.town)
        self.kinds = {leaf for rule in self.rules for leaf in self.leaves(rule)}
        self.targets = list(
            Target.objects.filter(town=self.town, plan=self.program.plan_id).select_related("kind").order_by("order")
        )
        self.levels = self._counted_levels()
        self.ground = Ground(self.town, but_round=round_)
        self.before = done_before(self.town, self.program.year)
        self.works = self._works()
        self.invented = invented.works_of(self.town, self.program.year)
        self.climbed = self._climbed()
        self.claims = self._claims()
        self.figures = self._figures() if asked & OF_TARGET else {}
        self.allotted = self._allotted() if "allotted" in asked else None
        self.used = self._used() if any(name.endswith("_used") for name in asked) else {}
        self.of_parcel: dict = defaultdict(list)
        for work in self.works:
            if work.parcel_id:
                self.of_parcel[work.parcel_id].append(work)

    # loading

    def _counted_levels(self) -> dict[str, str]:
        own = {one.kind_id: one.level for one in reversed(self.targets) if not one.tranche}
        levels = dict(self.ladders.counted_levels)
        for kind in self.ladders.kinds:
            for leaf in self.ladders.leaves(kind):
                if kind in own and leaf not in own:
                    levels[leaf] = own[kind]
        return levels | own

    def _works(self) -> list[Work]:
        rows = Work.objects.filter(town=self.town, year=self.program.year, exit="", kind__in=self.kinds)
        return list(rows.select_related("division", "parcel", "kind").order_by("pk"))

    def _climbed(self) -> dict:
        """Work → what stands; a step that was taken back whole has no day any more."""
        steps = Step.objects.filter(town=self.town, work__year=self.program.year, work__kind__in=self.kinds)
        steps = steps.filter(on__lte=self.day).exclude(area_mu=0)
        left: dict = defaultdict(lambda: ZERO)
        standing, found = [], defaultdict(Climbed)
        fields = ("pk", "work", "rung__rank", "area_mu", "on", "reverses")
        for pk, work, rank, area, on, reverses in steps.values_list(*fields).order_by("on", "pk"):
            found[work].own[rank] += area
            left[reverses or pk] += area
            if reverses is None and area > 0:
                standing.append((pk, work, rank, on))
        for pk, work, rank, on in standing:
            if left[pk] > 0:
                found[work].days[rank].append(on)
        return found

    def _claims(self) -> dict:
        rows = Claim.objects.filter(round=self.round).exclude(state__in=["draft", "withdrawn"])
        found: dict = defaultdict(list)
        for one in rows.select_related("payee").order_by("pk"):
            found[one.work_id].append(one)
        return found

    def _figures(self) -> dict:
        """(division, kind) → (share, counted, met, met on time)."""
        plan = self.program.plan
        plan.town = self.town
        facts = TownFacts(plan, self.day)
        now = {(one.target.pk, one.division and one.division.pk): one for one in figures(facts)}
        late = {one.due_on for one in self.targets if one.due_on and one.due_on < self.day}
        then = {}
        for due in sorted(late):
            rows = figures(TownFacts(plan, due))
            then[due] = {(one.target.pk, one.division and one.division.pk): one.is_met for one in rows}
        found = {}
        for (target, division), figure in now.items():
            if division is None or figure.target.tranche:
                continue
            due, met = figure.target.due_on, figure.is_met
            on_time = then[due].get((target, division), False) if due in then else met if due else None
            found[division, figure.target.kind_id] = (figure.amount, figure.counted, met, on_time)
        return found

    def _allotted(self) -> Decimal | None:
        """Of the round's own money; invented money counts only where there is no other."""
        given = Fund.objects.filter(round=self.round, batch=None).order_by("is_demo")
        rows = list(given.values_list("is_demo", "amount"))
        return sum((amount for is_demo, amount in rows if is_demo == rows[0][0]), ZERO) if rows else None

    def _used(self) -> dict:
        """(subject, source) → what other rates of the policy take from it for the same work."""
        rows = Entitlement.objects.filter(program=self.program, state__in=["due", "batched", "settled"])
        found: dict = defaultdict(dict)
        for subject, key, sources in rows.values_list("subject", "rate_key", "sources"):
            for one in sources:
                here = found[subject, one["source"]]
                here[key] = here.get(key, ZERO) + Decimal(one["amount"])
        return found

    # rows

    def leaves(self, rule: Rule) -> set[str]:
        """The kinds of work a rate pays for; one that names none pays for all that its conditions let through."""
        return {leaf for kind in rule.kinds or self.ladders.kinds for leaf in self.ladders.leaves(kind)}

    def rows(self, rule: Rule) -> Iterator[Owed]:
        """The rows of one rate: its kinds and its treatment, of what has been accepted or claimed."""
        leaves = self.leaves(rule)
        by_claim = self.round.is_yearly or bool(rule.facts & OF_CLAIM)
        for work in self.works:
            if work.kind_id not in leaves or (rule.treatment and work.treatment not in ("", rule.treatment)):
                continue
            for claim in self.claims.get(work.pk, ()) if by_claim else (None,):
                owed = self._row(rule, work, claim)
                if owed is not None:
                    yield owed

    def _row(self, rule: Rule, work: Work, claim: Claim | None) -> Owed | None:
        facts = self.facts_of(rule, work, claim)
        base = facts.get(rule.base[1:]) if isinstance(rule.base, str) else None
        if claim is None and base == ZERO:
            return None
        rank = self.rank_of(rule, work)
        climbed = self.climbed.get(work.pk) or Climbed()
        days = climbed.days_of(rank) if rank is not None else []
        if claim is not None and claim.verified_at:
            days = [timezone.localdate(claim.verified_at)]
        made_up = self.round.is_demo or str(work.pk) in self.invented or bool(claim and claim.is_demo)
        row = Row(
            f"work:{work.pk}", self.home(rule, work), facts, (str(work.pk),), claim and str(claim.pk),
            is_invented=made_up,
        )  # fmt: skip
        return Owed(row, work, claim, tuple(days), None if rank is None else climbed.reached(rank))

    def home(self, rule: Rule, work: Work) -> int:
        """The division a row is paid in: its own, or for a sum of a village the one above that has the share."""
        if rule.by_subject:
            return work.division_id
        for pk in reversed([int(part) for part in work.division.path.split("/") if part]):
            if any((pk, kind) in self.figures for kind in rule.kinds):
                return pk
        return work.division_id

    def rank_of(self, rule: Rule, work: Work) -> int | None:
        """The rank whose acceptance the rate rests on: its base's level, else its cap's, else the counted one."""
        for bound in (rule.base, rule.base_cap):
            name = bound[1:] if isinstance(bound, str) else ""
            rank = self.rank_at(work.kind_id, name.removesuffix("_mu").removesuffix("_net"))
            if name.endswith("_mu") and rank is not None:
                return rank
        return self.rank_at(work.kind_id, self.levels[work.kind_id])

    def rank_at(self, kind: str, name: str) -> int | None:
        """A level's rung, or a rung by its code."""
        rung = self.ladders.of_level(kind, name) if name else None
        rung = rung or (self.ladders.rung(kind, name) if name else None)
        return rung.rank if rung else None

    def facts_of(self, rule: Rule, work: Work, claim: Claim | None) -> dict[str, Any]:
        parcel = work.parcel
        facts: dict[str, Any] = {
            "kind": work.kind_id,
            "treatment": work.treatment or None,
            "measure": work.measure or None,
            "finding": parcel.finding if parcel else "",
            "land_class": (parcel.land_class if parcel else "") or None,
            "slope": parcel.slope if parcel else None,
            "gross_mu": parcel.gross_mu if parcel else None,
            "net_mu": self._net(work),
            "division": work.division.name,
            "year": self.round.year,
            "season": self.round.season or None,
            "on_list": self.ground.on_lists(parcel),
            "paid_by": self.ground.paid_by(parcel, self.program.pk),
            "allotted": self.allotted,
        }
        facts |= self._of_claim(claim) | self._areas(rule, work)
        if rule.facts & OF_TARGET:
            facts |= self._of_target(rule, self.home(rule, work))
        return self._entered(rule, work, claim, facts)

    def _net(self, work: Work) -> Decimal | None:
        return work.parcel.net_mu if work.parcel else decimal(work.attrs.get("net_mu"))

    def _of_claim(self, claim: Claim | None) -> dict[str, Any]:
        if claim is None:
            return {}
        verified = claim.verified_mu if claim.state == "verified" else None
        facts = {"declared_mu": claim.declared_mu, "verified_mu": verified, "still_planted_mu": verified}
        facts |= {"crop": claim.crop or None}
        if claim.season:
            facts["season"] = claim.season
        if claim.payee:
            facts |= {"payee": str(claim.payee_id), "payee_kind": claim.payee.kind}
        return facts

    def _areas(self, rule: Rule, work: Work) -> dict[str, Decimal | None]:
        """The areas by level the rule asks for; net ones need the net area, unless nothing was accepted."""
        climbed, net, found = self.climbed.get(work.pk) or Climbed(), self._net(work), {}
        for name in rule.facts:
            stem = name.removesuffix("_mu")
            is_net = stem.endswith("_net")
            stem = self.levels[work.kind_id] if name == "accepted_mu" else stem.removesuffix("_net")
            rank = self.rank_at(work.kind_id, stem) if name.endswith("_mu") else None
            if rank is None:
                continue
            area = climbed.reached(rank)
            found[name] = area if not is_net or not area else None if net is None else min(area, net)
        return found

    def _of_target(self, rule: Rule, division: int) -> dict[str, Any]:
        """Share and counted add up over the kinds of the rate; it is met when each of them is."""
        rows = [self.figures[division, kind] for kind in rule.kinds if (division, kind) in self.figures]
        rows = [row for row in rows if row[0] is not None]
        if not rows:
            return dict.fromkeys(OF_TARGET)
        on_time = [row[3] for row in rows]
        return {
            "share": sum((row[0] for row in rows), ZERO),
            "counted": sum((row[1] or ZERO for row in rows), ZERO),
            "met": all(row[2] for row in rows),
            "met_on_time": False if False in on_time else None if None in on_time else True,
        }

    def _entered(self, rule: Rule, work: Work, claim: Claim | None, facts: dict) -> dict:
        """What else the rule asks for is what people entered: on the claim, the work, the parcel."""
        shelves = (claim.attrs if claim else {}, work.attrs, work.parcel.attrs if work.parcel else {})
        for name in rule.facts:
            if facts.get(name) is not None:
                continue
            if name.endswith("_used"):
                used = self.used.get((f"work:{work.pk}", name.removesuffix("_used")), {})
                facts[name] = sum((area for key, area in used.items() if key != rule.key), ZERO)
                continue
            values = (shelf[name] for shelf in shelves if shelf.get(name) not in (None, ""))
            value = next(values, None)
            if value is not None:
                facts[name] = decimal(value) if name.endswith("_mu") else str(value)
        return facts


def decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else exact(str(value).strip())


def earlier_of(program, round_: Round, computed: set[str]) -> dict[str, dict[str, Decimal | None]]:
    """Rate → subject → what it was given so far with its adjustments; None while it is held.

    What this round computes anew (``computed``) is left out: its fresh awards take its place.
    """
    live = Q(state__in=["due", "batched", "settled", "held"])
    found: dict = defaultdict(dict)
    rows = Entitlement.objects.filter(live, program=program).exclude(round=round_, rate_key__in=computed)
    for key, subject, state, amount in rows.values_list("rate_key", "subject", "state", "amount").order_by("pk"):
        here = found[key]
        if state == "held" or (subject in here and here[subject] is None):
            here[subject] = None
        else:
            here[subject] = here.get(subject, ZERO) + amount
    return found
