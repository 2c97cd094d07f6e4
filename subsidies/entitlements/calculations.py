"""核算: a round computed and laid beside what stands; a named person applies it, and only what is not settled changes.

Locks, in this order: the town-year, the calculation, the entitlements of the round by their ids.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.jobs.models import Job
from farmland.jobs.services import enqueue
from farmland.lib.numbers import fixed, plain
from farmland.lib.refused import Refused
from farmland.places.models import Division
from subsidies import invented
from subsidies.entitlements.computing import Computed, Paid, compute, rates_of
from subsidies.models import Calculation, Entitlement, Round, Ruling
from subsidies.refusals import lock_year, logged, may
from subsidies.rules.amounts import money
from subsidies.rules.judging import ALL

JOB = "compute_subsidies"
ZERO = Decimal(0)
OPEN = (Entitlement.DUE, Entitlement.HELD, Entitlement.INELIGIBLE)
CHUNK = 500
STALE = "核算以后数据又有变化（验收、申报、标准、清单或认定），请重新核算。"


def request(round_: Round, *, by: User) -> Job:
    """Queue the computing of a round; one runs at a time in a town. Refused while another round waits."""
    may(by, "prepare_payment", round_.town, "核算补助")
    key = f"subsidies:{round_.town_id}"
    with transaction.atomic():
        job = enqueue(JOB, town=round_.town, args={"round": str(round_.pk)}, user=by, dedupe_key=key)
        if job.args != {"round": str(round_.pk)}:
            raise Refused("本镇另一个轮次的核算正在排队，请等它做完再核算这一轮。", code="conflict")
    return job


def make(
    round_: Round, *, by: User | None, progress: Callable | None = None, fence: Callable | None = None
) -> Calculation:
    """Compute a round and keep the result for a person to look at; an earlier one nobody applied is let go.

    ``fence``, of a job, is the first statement of the one writing transaction.
    """
    moment = timezone.now()
    by_demo = by is not None and by.is_demo
    found = compute(round_, round_.today(), progress, by_demo=by_demo)
    with transaction.atomic():
        if fence:
            fence()
        Calculation.objects.filter(round=round_, state="ready").update(state="discarded", updated_at=moment)
        return Calculation.objects.create(
            town=round_.town, round=round_, facts_digest=found.digest, as_of=moment, total=found.total, made_by=by,
            awards=[_award_text(one) for one in found.paid] + [{"note": note} for note in found.notes],
            differences=differences(round_, found), asks=found.asks, is_demo=by_demo,
        )  # fmt: skip


def _award_text(one: Paid) -> dict:
    award = one.award
    return {
        "rate": one.rate.key, "version": one.version.number, "subject": award.subject, "state": award.state,
        "base": None if award.base is None else plain(award.base), "amount": money(award.amount),
        "reason": award.reason, "digest": one.digest,
    }  # fmt: skip


# what stands


@dataclass(frozen=True)
class Standing:
    """A live entitlement, and what it has come to with its adjustments."""

    row: Entitlement
    adjusted: Decimal

    @property
    def is_settled(self) -> bool:
        return self.row.state not in OPEN

    def is_same(self, one: Paid) -> bool:
        """Nothing it rests on has changed. Real money takes the place of what a demo user had computed of it."""
        return self.row.facts_digest == one.digest and (one.is_invented or not self.row.is_demo)


def standing(round_: Round, rates: Iterable[str], *, lock: bool = False) -> dict[tuple[str, str], Standing]:
    """What stands of these rates in a round by (rate, subject). Of a rate the plan no longer has, all stays."""
    rows = Entitlement.objects.filter(round=round_, rate_key__in=list(rates), state__in=Entitlement.LIVE)
    rows = rows.order_by("pk")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    found, more = [], defaultdict(lambda: ZERO)
    for row in rows:
        if row.adjusts_id:
            more[row.adjusts_id] += row.amount
        else:
            found.append(row)
    return {(row.rate_key, row.subject): Standing(row, row.amount + more[row.pk]) for row in found}


def differences(round_: Round, found: Computed) -> list[dict]:
    """new, changed, gone, same; ``adjust`` is the signed amount a settled row is off by."""
    stands = standing(round_, found.rates)
    lines = [_difference(one, stands.pop(one.key, None)) for one in found.paid]
    for (key, subject), one in stands.items():
        line = {"change": "gone", "rate": key, "name": found.rates[key], "subject": subject}
        line |= {"division": one.row.division_id, "before": money(one.adjusted), "after": "0.00"}
        line |= {"state_before": one.row.state, "state": "", "settled": one.is_settled, "reason": "已没有这笔的依据"}
        lines.append(line | {"adjust": money(-one.adjusted) if one.is_settled and one.adjusted else None})
    return lines


def _difference(one: Paid, old: Standing | None) -> dict:
    award = one.award
    line = {
        "rate": one.rate.key, "name": one.rate.name, "subject": award.subject, "division": award.division,
        "before": None, "after": money(award.amount), "state_before": "", "state": award.state, "settled": False,
        "reason": award.reason, "adjust": None, "change": "new",
    }  # fmt: skip
    if old is None:
        return line
    line |= {"before": money(old.adjusted), "state_before": old.row.state, "settled": old.is_settled}
    if old.is_settled:
        off = award.amount - old.adjusted
        return line | {"change": "changed" if off else "same", "adjust": money(off) if off else None}
    return line | {"change": "same" if old.is_same(one) else "changed"}


# a person decides


@logged("采用核算")
def apply(calculation: Calculation, *, by: User) -> dict[str, int]:
    """Let a computed round stand; how many rows came, changed and went. Refused where the facts have moved since."""
    may(by, "prepare_payment", calculation.town, "采用核算")
    lock_year(calculation.town_id, calculation.round.program.year)
    now = _open(calculation)
    if now.is_demo and not by.is_demo:
        raise Refused("这次核算是演示用户做的，请用本人的账号重新核算。", code="demo")
    round_ = Round.objects.select_related("program__plan", "town").get(pk=now.round_id)
    stands = standing(round_, [one.key for one in rates_of(round_)], lock=True)
    found = compute(round_, round_.today(), by_demo=by.is_demo)
    if found.digest != now.facts_digest:
        raise Refused(STALE, code="stale")
    counts = _write(round_, now, found, stands, by)
    now.state, now.applied_by, now.applied_at = "applied", by, timezone.now()
    now.is_demo = now.is_demo or by.is_demo
    now.save()
    after = counts | {"total_yuan": money(found.total), "digest": now.facts_digest}
    record("采用核算", f"{round_}", user=by, town=now.town, after=after, about=now.pk)
    return counts


def _open(calculation: Calculation) -> Calculation:
    now = Calculation.objects.select_for_update(of=("self",)).select_related("town", "round").get(pk=calculation.pk)
    if now.state != "ready":
        raise Refused(f"这次核算{now.get_state_display()}，不能再办理。", code="conflict")
    return now


def _write(round_: Round, now: Calculation, found: Computed, stands: dict, by: User) -> dict[str, int]:
    replaced, made, counts = [], [], {"new": 0, "changed": 0, "gone": 0, "same": 0, "settled": 0}
    for one in found.paid:
        old = stands.pop(one.key, None)
        if old is not None and old.is_settled:
            counts["settled"] += 1
        elif old is not None and old.is_same(one):
            counts["same"] += 1
        else:
            counts["new" if old is None else "changed"] += 1
            replaced += [] if old is None else [old.row]
            made.append(_entitlement(round_, now, one, by))
    gone = [old.row for old in stands.values() if not old.is_settled]
    counts["gone"], counts["settled"] = len(gone), counts["settled"] + len(stands) - len(gone)
    for row in (*replaced, *gone):
        invented.check_hand(by, row.is_demo, "应补")
    keys = [row.pk for row in (*replaced, *gone)]
    for start in range(0, len(keys), CHUNK):
        some = Entitlement.objects.filter(pk__in=keys[start : start + CHUNK])
        some.update(state=Entitlement.REPLACED, updated_at=timezone.now())
    Entitlement.objects.bulk_create(made, batch_size=CHUNK)
    return counts


def _entitlement(round_: Round, now: Calculation, one: Paid, by: User) -> Entitlement:
    award = one.award
    rate = award.explanation["rate"] | {"version": one.version.number, "version_id": str(one.version.pk)}
    works = award.works
    return Entitlement(
        town_id=round_.town_id, division_id=award.division or round_.town_id, program_id=round_.program_id,
        rate_version=one.version, rate_key=one.rate.key, round=round_, year=round_.year,
        work_id=UUID(works[0]) if len(works) == 1 and award.subject.startswith("work:") else None,
        claim_id=UUID(award.claim) if award.claim else None, subject=award.subject, base_mu=award.base,
        amount=award.amount, parts=award.parts, sources=award.sources, state=award.state, reason=award.reason,
        explanation=award.explanation | {"rate": rate}, exclusions=award.exclusions, facts_digest=one.digest,
        calculation=now, created_by=by, is_demo=one.is_invented,
    )  # fmt: skip


@logged("放弃核算")
def discard(calculation: Calculation, *, by: User) -> None:
    """Let a computed round go; nothing has changed by it."""
    may(by, "prepare_payment", calculation.town, "放弃核算")
    now = _open(calculation)
    now.state = "discarded"
    now.save(update_fields=["state", "updated_at"])
    record("放弃核算", f"{now.round}", user=by, town=now.town, about=now.pk)


@logged("认定")
def rule(
    entitlement: Entitlement, test: str, *, holds: bool, reason: str, by: User, everywhere: bool = False
) -> Ruling:
    """Answer a condition nobody could test, or a warning, for one row or for every row of the rate in its round.

    What is known is not overruled. The round must be computed again for it to count.
    """
    may(by, "review_payment", entitlement.division, "认定")
    invented.check_hand(by, entitlement.is_demo, "应补")
    if not reason.strip():
        raise Refused("请写明认定的依据。", field="reason")
    tests = [one for one in entitlement.explanation.get("tests", []) if one["key"] == test and one.get("asks")]
    if not tests:
        raise Refused("这一条不需要认定：已有确切的结果，或不是这笔的条件。", field="test")
    if entitlement.state not in OPEN:
        raise Refused(f"这笔应补{entitlement.get_state_display()}，不能再认定。", code="conflict")
    if everywhere:
        may(by, "review_payment", entitlement.town, "全镇认定")
    subject = ALL if everywhere else tests[0]["subject"]
    made = Ruling.objects.create(
        town=entitlement.town, division=entitlement.town if everywhere else entitlement.division,
        round=entitlement.round, rate_key=entitlement.rate_key, subject=subject, test=test, holds=holds,
        reason=reason.strip()[:300], by=by, is_demo=by.is_demo,
    )  # fmt: skip
    after = {"test": tests[0]["text"], "holds": holds, "subject": "本轮全部" if everywhere else entitlement.subject}
    record("认定", str(entitlement), user=by, town=made.town, after=after, reason=reason, about=entitlement.pk)
    return made


def place_of(division_id: int | None, names: dict[int, str], town: Division) -> str:
    return names.get(division_id, str(town)) if division_id else str(town)


def sums(calculation: Calculation) -> dict[str, str]:
    """How many lines of each change, and the money they move; for the page."""
    counts = defaultdict(int)
    for line in calculation.differences:
        counts["adjust" if line["adjust"] else line["change"]] += 1
    return {name: str(count) for name, count in counts.items()} | {"total": fixed(calculation.total)}
