"""What is looked at before money goes out: one plot one subsidy, once only, last year's land, areas inside areas.

Each finds a concern that stands, does not, or cannot be told; whether it blocks or asks a named person is the rate's
own ``guards``, else the default below.
"""

from collections.abc import Callable
from decimal import Decimal

from farmland.lib.numbers import plain
from subsidies.entitlements.facts import Climbed, Owed, RoundFacts
from subsidies.rules.judging import BLOCK, WARN, Concern
from subsidies.rules.rule import Rule
from tasks.plan.facts import GUARDS

ZERO = Decimal(0)
DEFAULTS = {
    "abandoned": BLOCK, "one_subsidy": BLOCK, "once": BLOCK, "overlap": WARN, "last_year": WARN,
    "within_parcel": BLOCK, "within_accepted": BLOCK, "accepted": BLOCK, "two_versions": WARN,
}  # fmt: skip
NO_PARCEL = "没有落图，无法比对图斑"
Found = tuple[bool | None, str, str] | None  # stands?, what was found, severity where it is not the rate's


def concerns(facts: RoundFacts, rule: Rule, owed: Owed, *, spans: bool = False) -> tuple[Concern, ...]:
    """Of one row; what found nothing says so, that an auditor sees it was looked at. ``spans``: of two versions."""
    found = []
    for name, look in LOOKS.items():
        result = look(facts, rule, owed)
        if result is not None:
            answer, text, severity = result
            found.append(Concern(name, GUARDS[name], text, answer, severity or severity_of(rule, name)))
    if spans:
        days = "、".join(f"{day:%Y-%m-%d}" for day in dict.fromkeys(owed.days))
        found.append(
            Concern("two_versions", GUARDS["two_versions"], f"验收日 {days}", True, severity_of(rule, "two_versions"))
        )
    return tuple(found)


def severity_of(rule: Rule, name: str) -> str:
    return rule.guards.get(name) or DEFAULTS[name]


def _abandoned(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    if owed.work.parcel is None:
        return None
    stands = owed.work.parcel.finding == "not_abandoned"
    return stands, "核查结论为未撂荒" if stands else "没有这样的核查结论", ""


def _one_subsidy(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    """Another policy of the same group, or this one under another rate in another year; ``_once`` has the rest."""
    if rule.years:
        return None

    def rival(one) -> bool:
        same_group = bool(facts.program.exclusive_group) and one.group == facts.program.exclusive_group
        is_same = (one.rate, one.program) == (rule.key, facts.program.key)
        return not one.is_yearly and not is_same and same_group and one.program_id != facts.program.pk

    return _paid(facts, owed, rival)


def _once(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    """The same rate in another round or year."""
    if rule.years:
        return None

    def same(one) -> bool:
        return not one.is_yearly and one.rate == rule.key and one.program == facts.program.key

    return _paid(facts, owed, same)


def _paid(facts: RoundFacts, owed: Owed, is_meant: Callable) -> Found:
    marks = [marked for marked, one in facts.ground.payments if is_meant(one)]
    if not marks:
        return False, "没有查到", ""
    if owed.work.parcel is None:
        return None, NO_PARCEL, WARN
    matches = [match for marked in marks if (match := facts.ground.match(owed.work.parcel, marked))]
    if not matches:
        return False, "没有查到", ""
    best = min(matches, key=lambda one: ("same", "code", "area").index(one.how))
    if best.how == "area":
        return True, f"与“{best.name}”已补的图斑图形重叠{_area(best.area)}", WARN
    return True, f"“{best.name}”已补{'' if best.how == 'same' else '（编号相同）'}", ""


def _area(area: Decimal | None) -> str:
    return f" {plain(area)} 亩" if area is not None else ""


def _overlap(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    """Another parcel that is worked on in the same year lies on this one."""
    others = [(pk, area) for pk, _, area in facts.ground.overlapping(owed.work.parcel) if pk in facts.of_parcel]
    others = [(pk, area) for pk, area in others if pk != owed.work.parcel_id and _has_accepted(facts, pk)]
    if not others:
        return False, "没有重叠", ""
    names = "、".join(f"{facts.of_parcel[pk][0].parcel}{_area(area)}" for pk, area in others[:3])
    return True, f"与图斑 {names} 重叠", ""


def _has_accepted(facts: RoundFacts, parcel) -> bool:
    return any(_accepted(facts, work) for work in facts.of_parcel[parcel])


def _accepted(facts: RoundFacts, work) -> Decimal:
    rank = facts.rank_at(work.kind_id, facts.levels[work.kind_id])
    return (facts.climbed.get(work.pk) or Climbed()).reached(rank) if rank is not None else ZERO


def _last_year(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    if rule.years or owed.work.parcel is None:
        return None
    match = facts.ground.match(owed.work.parcel, facts.before)
    return (False, "没有查到", "") if match is None else (True, f"{match.name}{_area(match.area)}", "")


def _within_parcel(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    """What is accepted of all works of the parcel against its own area."""
    parcel = owed.work.parcel
    if parcel is None or parcel.gross_mu is None or owed.accepted is None:
        return None
    total = sum((_accepted(facts, work) for work in facts.of_parcel[parcel.pk]), ZERO)
    total = max(total, owed.accepted)
    text = f"认定 {plain(total)} 亩，图斑 {plain(parcel.gross_mu)} 亩"
    return total > parcel.gross_mu, text, ""


def _within_accepted(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    """The claims of one work together against what was accepted of it."""
    if owed.claim is None or owed.accepted is None:
        return None
    claims = facts.claims.get(owed.work.pk, ())
    grouped: dict[str, Decimal] = {}
    for one in claims:
        area = one.verified_mu if one.verified_mu is not None else one.declared_mu
        grouped[one.season] = grouped.get(one.season, ZERO) + (area or ZERO)
    most = max(grouped.values(), default=ZERO)
    return most > owed.accepted, f"申报 {plain(most)} 亩，认定 {plain(owed.accepted)} 亩", ""


def _is_accepted(facts: RoundFacts, rule: Rule, owed: Owed) -> Found:
    """Payment not before acceptance: whatever the base is, something must have been accepted by the working date."""
    accepted = owed.accepted or ZERO
    day = f"，{owed.days[-1]:%Y-%m-%d}" if owed.days else ""
    return accepted <= 0, f"已认定 {plain(accepted)} 亩{day}" if accepted > 0 else "没有认定面积", ""


LOOKS: dict[str, Callable[[RoundFacts, Rule, Owed], Found]] = {
    "accepted": _is_accepted,
    "abandoned": _abandoned,
    "one_subsidy": _one_subsidy,
    "once": _once,
    "overlap": _overlap,
    "last_year": _last_year,
    "within_parcel": _within_parcel,
    "within_accepted": _within_accepted,
}
