"""What is owed, held, in batches and paid, added up in the database from the rows as they stand (Σ rows)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Q, Sum

from farmland.lib.fields import MoneyField
from subsidies.claiming.claims import closed_text
from subsidies.models import Batch, BatchLine, Calculation, Claim, Entitlement, Payment, Round
from tasks.models import TownYear

ZERO = Decimal(0)
AMOUNT = MoneyField()
OWED = (Entitlement.DUE, Entitlement.BATCHED, Entitlement.SETTLED)


@dataclass
class Sums:
    """Of one village or round. Held and ineligible rows have no amount: they are counted."""

    owed: Decimal = ZERO  # all that is due, in a batch or settled
    waiting: Decimal = ZERO  # due, in no batch yet
    batched: Decimal = ZERO  # in a batch or settled, not yet paid out
    paid: Decimal = ZERO
    held: int = 0
    ineligible: int = 0
    rows: int = 0
    latest: datetime | None = None  # when a row last changed

    def add(self, other: "Sums") -> None:
        for name in ("owed", "waiting", "batched", "paid", "held", "ineligible", "rows"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latest = max(filter(None, (self.latest, other.latest)), default=None)


def rounds_of(town_year: TownYear):
    """The rounds a page of this year is about: those of the year's plan, and those that pay in the year."""
    rows = Round.objects.filter(town=town_year.town)
    rows = rows.filter(Q(program__year=town_year.year) | Q(year=town_year.year))
    return rows.select_related("program").order_by("program__year", "program__order", "year", "label", "version")


def live(user, rounds):
    return Entitlement.objects.visible_to(user).filter(round__in=rounds, state__in=Entitlement.LIVE)


def sums(user, rounds: Iterable[Round]) -> dict[tuple[Any, Any], Sums]:
    """(round id, division id) → sums. Two queries."""
    ids = [one.pk for one in rounds]
    found: dict = defaultdict(Sums)
    rows = live(user, ids).order_by().values_list("round", "division", "state")
    rows = rows.annotate(a=Sum("amount", output_field=AMOUNT), n=Count("pk"), at=Max("updated_at"))
    for round, division, state, amount, count, at in rows:
        one = found[round, division]
        one.latest = max(filter(None, (one.latest, at)))
        one.rows += count
        if state == Entitlement.HELD:
            one.held += count
        elif state == Entitlement.INELIGIBLE:
            one.ineligible += count
        else:
            one.owed += amount
            one.waiting += amount if state == Entitlement.DUE else ZERO
            one.batched += amount if state != Entitlement.DUE else ZERO
    paid = (
        Payment.objects.visible_to(user).filter(line__entitlement__round__in=ids).exclude(result="failed").order_by()
    )
    for round, division, amount in paid.values_list("line__entitlement__round", "division").annotate(
        a=Sum("amount", output_field=AMOUNT)
    ):
        found[round, division].paid += amount
        found[round, division].batched -= amount
    return found


def added(found: dict, at: int) -> dict[Any, Sums]:
    """The same by round (0) or by division (1)."""
    by: dict = defaultdict(Sums)
    for key, one in found.items():
        by[key[at]].add(one)
    return by


def total(found: dict) -> Sums:
    whole = Sums()
    for one in found.values():
        whole.add(one)
    return whole


def computed_at(user, rounds: Iterable[Round], whole: Sums) -> datetime | None:
    """When the figures that stand were computed, for those who see the calculations; else when a row last changed."""
    ids = [one.pk for one in rounds]
    applied = Calculation.objects.visible_to(user).filter(round__in=ids, state="applied").aggregate(at=Max("as_of"))
    return applied["at"] or whole.latest


@dataclass(frozen=True)
class Task:
    """Something that waits for this person: what, how many, on which page with which query."""

    text: str
    count: int
    page: str
    query: str = ""


NEXT_HAND = {  # state of a batch → the right that takes it further, and in what words
    "draft": ("review_payment", "个批次待审核"),
    "reviewed": ("prepare_payment", "个批次待公示"),
    "published": ("approve_payment", "个批次公示中，期满后批准"),
    "approved": ("pay", "个批次待支付"),
    "paid": ("pay", "个批次待对账"),
}


def needs(user, town_year: TownYear, rounds: Iterable[Round], found: Sums) -> list[Task]:
    """What needs this person today. A few queries, more by one for each round a village has not declared in."""
    ids = [one.pk for one in rounds]
    tasks = _claims(user, ids) + _open_claims(user, rounds)
    if user.can("prepare_payment", town_year.town):
        tasks.append(Task("笔应补暂缓，等资料或认定", found.held, "entitlement_list", "state=held"))
    tasks += _batches(user, town_year.town, ids)
    return [one for one in tasks if one.count]


def _claims(user, ids: list) -> list[Task]:
    if not (user.can("verify_claim") or user.can("claim")):
        return []
    mine = Claim.objects.visible_to(user).filter(round__in=ids)
    submitted = Q(state="submitted", division__in=user.divisions_for("verify_claim")) & ~Q(submitted_by=user)
    returned = Q(state="returned", division__in=user.divisions_for("claim"))
    counts = mine.aggregate(submitted=Count("pk", filter=submitted), returned=Count("pk", filter=returned))
    return [
        Task("项管护申报待核实", counts["submitted"], "claim_list", "state=submitted"),
        Task("项管护申报被退回，请补报", counts["returned"], "claim_list", "state=returned"),
    ]


def _open_claims(user, rounds: Iterable[Round]) -> list[Task]:
    """What a village may still declare, by the year's last day."""
    if not user.can("claim"):
        return []
    yearly = {one.pk: one for one in rounds if one.is_yearly}
    mine = Claim.objects.filter(
        round__in=yearly, state="draft", cap_mu__gt=0, division__in=user.divisions_for("claim")
    )
    tasks = []
    for pk, count in mine.order_by().values_list("round").annotate(n=Count("pk")):
        one = yearly[pk]
        if closed_text(one, one.today()):
            continue
        last = f"，{one.closes_on:%Y-%m-%d} 截止" if one.closes_on else ""
        text = f"项 {one.year} 年管护还没有申报{last}"
        tasks.append(Task(text, count, "claim_list", f"for={one.year}&state=draft"))
    return tasks


def _batches(user, town, ids: list) -> list[Task]:
    acts = {state: words for state, (right, words) in NEXT_HAND.items() if user.can(right, town)}
    if not acts:
        return []
    unanswered = Count("publicities__objections", filter=Q(publicities__objections__state="open"), distinct=True)
    rows = Batch.objects.visible_to(user).filter(round__in=ids, state__in=list(NEXT_HAND)).order_by()
    mine = Q(prepared_by=user) | Q(reviewed_by=user) | Q(approved_by=user)  # who may not take it further
    free = Q(state__in=("reviewed", "paid")) | Q(pk__in=Batch.objects.filter(round__in=ids).exclude(mine))
    rows = list(rows.values_list("state").annotate(n=Count("pk", filter=free, distinct=True), o=unanswered))
    counted = {state: count for state, count, _ in rows}
    tasks = [Task(words, counted.get(state, 0), "batch_list", f"state={state}") for state, words in acts.items()]
    if user.can("review_payment", town):
        tasks.append(Task("条公示异议待答复", sum(open for *_, open in rows), "batch_list", "state=published"))
    return tasks


def batch_numbers(user, entitlements: Iterable) -> dict:
    """Entitlement → its live line with its batch, for whoever sees the money of that row."""
    lines = BatchLine.objects.visible_to(user).filter(entitlement__in=[one.pk for one in entitlements], is_live=True)
    return {one.entitlement_id: one for one in lines.select_related("batch")}
