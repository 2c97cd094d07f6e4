"""What a round asks people for: the facts its rules need that no parcel, target, claim or acceptance tells."""

from collections.abc import Iterable

from parcels.models import Work
from subsidies.entitlements.facts import OF_CLAIM, OF_TARGET, Owed, RoundFacts
from subsidies.models import Claim
from subsidies.rules.rule import Rule

KNOWN_ELSEWHERE = {"kind", "division", "year", "finding", "on_list", "paid_by", "allotted", *OF_CLAIM, *OF_TARGET}
OF_WORK = ("treatment", "measure")  # columns, not attributes
OF_PARCEL = {"land_class", "slope", "gross_mu", "net_mu", *OF_WORK}  # asked of land without a parcel only


def asked(facts: RoundFacts, rules: Iterable[Rule]) -> list[tuple[str, str, str]]:
    """(work, claim or "", fact) of each, once; also of what was entered, so that it can be corrected."""
    found = dict.fromkeys(
        (str(owed.work.pk), str(owed.claim.pk) if owed.claim else "", name)
        for rule in rules
        for owed in facts.rows(rule)
        for name in sorted(_names(rule))
        if _is_asked(facts, owed, name)
    )
    return list(found)


def entered(work: Work, claim: Claim | None, name: str) -> str:
    """What somebody filled in, "" where nobody has."""
    if name in OF_WORK:
        return getattr(work, name)
    return str((claim or work).attrs.get(name) or "")


def _names(rule: Rule) -> set[str]:
    """The facts of a rule; an accepted net area needs the net area."""
    return rule.facts | ({"net_mu"} if any(name.endswith("_net_mu") for name in rule.facts) else set())


def _is_asked(facts: RoundFacts, owed: Owed, name: str) -> bool:
    work = owed.work
    if name in KNOWN_ELSEWHERE or name.endswith("_used") or (name in OF_PARCEL and work.parcel_id):
        return False
    stem = name.removesuffix("_mu").removesuffix("_net")
    if name.endswith("_mu") and (name == "accepted_mu" or facts.rank_at(work.kind_id, stem) is not None):
        return False
    return owed.row.facts.get(name) is None or bool(entered(work, owed.claim, name))
