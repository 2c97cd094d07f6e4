"""补充资料: what a rate asks for and only people can tell (invoice, density, crop …), entered for each row of a round.

It stands on the claim where the row is one, else on the work, and counts when the round is computed again. What the
parcel, the target or an acceptance tells is not asked here. Locks: the town-year, then works and claims by their ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from farmland.accounts.models import Line, User, record_all
from farmland.lib.numbers import parse_decimal, plain
from farmland.lib.refused import Refused
from farmland.places.models import Division, Term
from parcels.models import Work
from subsidies import invented
from subsidies.claiming.claims import name_of
from subsidies.entitlements.computing import rates_of, words_of
from subsidies.entitlements.facts import OF_CLAIM, OF_TARGET, Owed, RoundFacts
from subsidies.models import Claim, Round
from subsidies.rates import versions
from subsidies.refusals import lock_year, logged, may
from subsidies.rules.rule import Rule, RuleError
from subsidies.rules.words import DICTIONARY, Words
from tasks.plan.provisions import YES_NO

KNOWN_ELSEWHERE = {"kind", "division", "year", "finding", "on_list", "paid_by", "allotted", *OF_CLAIM, *OF_TARGET}
OF_PARCEL = {
    "land_class",
    "slope",
    "gross_mu",
    "net_mu",
    "treatment",
    "measure",
}  # asked of land without a parcel only
OF_WORK = ("treatment", "measure")  # columns, not attributes
NUMBERS = {"invoiced", "density", "slope"}
LONGEST = 60


@dataclass(frozen=True)
class Blank:
    """One fact of one work or claim. ``value`` as it was entered, "" where nobody has; ``choices`` code → label."""

    work: Work
    claim: Claim | None
    fact: str
    label: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    is_number: bool = False
    bounds: tuple[Decimal | None, Decimal | None] = (Decimal(0), None)

    @property
    def key(self) -> str:
        return f"{self.claim.pk if self.claim else self.work.pk}.{self.fact}"

    @property
    def name(self) -> str:
        """柳村 图斑 500151… 发票金额, for messages."""
        village = f"{self.work.division} " if self.work.parcel_id else ""
        return f"{village}{name_of(self.work)} {self.label}"

    def read(self, text: str) -> str:
        """The value to keep, "" to take it away. ValueError with the Chinese reason."""
        if not text:
            return ""
        if self.choices:
            found = next((code for code, label in self.choices if text in (code, label)), None)
            if found is None:
                raise ValueError(f"应为{'、'.join(label for _, label in self.choices)}之一，现为“{text}”。")
            return found
        if self.is_number:
            return plain(parse_decimal(text, minimum=self.bounds[0], maximum=self.bounds[1]))
        if len(text) > LONGEST:
            raise ValueError(f"最多 {LONGEST} 个字，现为 {len(text)} 个。")
        return text


def blanks(round_: Round) -> list[Blank]:
    """What a round asks people for, the empty ones first, then by village."""
    rules = _rules(round_)
    facts = RoundFacts(round_, round_.today(), rules)
    words, terms = words_of(round_.program, facts), _Terms(round_.town)
    found: dict[str, Blank] = {}
    for rule in rules:
        for owed in facts.rows(rule):
            for name in sorted(_names(rule)):
                if _is_asked(facts, owed, name):
                    one = _blank(owed, name, words, terms)
                    found.setdefault(one.key, one)
    return sorted(found.values(), key=lambda one: (bool(one.value), one.work.division.path, one.fact, one.key))


def _rules(round_: Round) -> list[Rule]:
    found = []
    for rows in versions.paying(rates_of(round_)).values():
        for version in rows:
            try:
                found.append(versions.rule_of(version))
            except RuleError:
                continue  # named by the computing
    return found


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
    return owed.row.facts.get(name) is None or bool(_entered(owed, name))


def _entered(owed: Owed, name: str) -> str:
    if name in OF_WORK:
        return getattr(owed.work, name)
    return str((owed.claim or owed.work).attrs.get(name) or "")


def _blank(owed: Owed, name: str, words: Words, terms: "_Terms") -> Blank:
    bounds = terms.bounds(name)
    choices = (("yes", "是"), ("no", "否")) if name in YES_NO else terms.choices(name)
    is_number = not choices and (name.endswith("_mu") or name in NUMBERS or terms.has_unit(name))
    return Blank(owed.work, owed.claim, name, words.fact(name), _entered(owed, name), choices, is_number, bounds)


class _Terms:
    """What the dictionaries say of a fact."""

    def __init__(self, town: Division):
        self.town = town
        self.attributes = {one.code: one.attrs or {} for one in Term.objects.of("attribute", town)}
        self._choices: dict[str, tuple] = {}

    def choices(self, name: str) -> tuple[tuple[str, str], ...]:
        dictionary = DICTIONARY.get(name)
        if dictionary is None:
            return ()
        if name not in self._choices:
            rows = Term.objects.of(dictionary, self.town)
            self._choices[name] = tuple((one.code, one.label) for one in rows)
        return self._choices[name]

    def has_unit(self, name: str) -> bool:
        return bool(self.attributes.get(name, {}).get("unit"))

    def bounds(self, name: str) -> tuple[Decimal | None, Decimal | None]:
        told = self.attributes.get(name, {})
        least, most = told.get("minimum"), told.get("maximum")
        return Decimal(least or 0), Decimal(most) if most else None


@logged("补充资料")
def supply(round_: Round, given: Mapping[str, str], *, reason: str, by: User) -> int:
    """``given``: key of a blank → text, "" takes a value away. How many changed; all refused where one is wrong."""
    may(by, "prepare_payment", round_.town, "补充资料")
    if not reason.strip():
        raise Refused("请写明资料的来源（如发票号、测量记录、合同）。", field="reason")
    lock_year(round_.town_id, round_.program.year)
    asked = {one.key: one for one in blanks(round_)}
    if set(given) - set(asked):
        raise Refused("打开以后这一轮要填的资料有变，请刷新后再填。", code="conflict")
    values, wrong = {}, []
    for key, text in given.items():
        try:
            values[key] = asked[key].read(text.strip())
        except ValueError as error:
            wrong.append(f"{asked[key].name}：{error}".rstrip("。"))
    if wrong:
        raise Refused("；".join(wrong[:6]) + "。", field="values")
    changed = [asked[key] for key, value in values.items() if value != asked[key].value]
    made_up = invented.works_of(round_.town, round_.program.year)
    for one in changed:
        is_demo = str(one.work.pk) in made_up or bool(one.claim and one.claim.is_demo)
        invented.check_hand(by, is_demo, "资料")
    _write(changed, values)
    told = [
        Line(one.name[:120], {one.label: one.value}, {one.label: values[one.key]}, reason.strip()[:300], one.work.pk)
        for one in changed
    ]
    if told:
        record_all("补充资料", told, user=by, town=round_.town)
    return len(changed)


def _write(changed: list[Blank], values: Mapping[str, str]) -> None:
    for model in (Work, Claim):
        mine = [one for one in changed if (one.claim is not None) == (model is Claim)]
        keys = {(one.claim or one.work).pk for one in mine}
        rows = {
            row.pk: row for row in model.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk")
        }
        for one in mine:
            row, value = rows[(one.claim or one.work).pk], values[one.key]
            if one.fact in OF_WORK:
                setattr(row, one.fact, value)
            else:
                row.attrs = {name: old for name, old in row.attrs.items() if name != one.fact}
                row.attrs |= {one.fact: value} if value else {}
        for row in rows.values():
            row.save()
