"""补充资料: what a rate asks for and only people can tell (invoice, density, crop …), entered for each row of a round.

It stands on the claim where the row is one, else on the work, and counts when the round is computed again. What the
parcel, the target or an acceptance tells is not asked here. Locks: the town-year, then works and claims by their ids.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from farmland.accounts.models import Line, User, record_all
from farmland.lib.numbers import parse_decimal, plain
from farmland.lib.refused import Refused
from farmland.places.models import Term
from parcels.models import Work
from subsidies import invented
from subsidies.claiming.claims import name_of
from subsidies.entitlements.asking import OF_WORK, asked, entered
from subsidies.entitlements.computing import rates_of, rules_of
from subsidies.entitlements.facts import RoundFacts
from subsidies.models import Calculation, Claim, Round
from subsidies.rates import versions
from subsidies.refusals import lock_year, logged, may
from subsidies.rules.words import DICTIONARY, Words
from tasks.plan.provisions import YES_NO

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
    """What a round asks people for as its facts stand now: it is computed for this. The empty ones first."""
    rates = rates_of(round_)
    rules = rules_of(rates, versions.paying(rates))[0].values()
    return _blanks(round_, asked(RoundFacts(round_, round_.today(), rules), rules))


def last_blanks(round_: Round) -> list[Blank] | None:
    """What its last computing asked for, with what has been filled in since; None where it was never computed."""
    last = Calculation.objects.filter(round=round_).order_by("-made_at").values_list("asks", flat=True).first()
    return None if last is None else _blanks(round_, last)


def _blanks(round_: Round, asks: Iterable) -> list[Blank]:
    """By village within the empty and the filled ones. A work or claim that is gone is left out. Three queries."""
    asks = [(UUID(work), UUID(claim) if claim else None, fact) for work, claim, fact in asks]
    works = Work.objects.select_related("parcel", "division").in_bulk({work for work, _, _ in asks})
    claims = Claim.objects.in_bulk({claim for _, claim, _ in asks if claim})
    terms = _Terms(round_.town_id)
    found = [
        _blank(works[work], claims.get(claim), fact, terms)
        for work, claim, fact in asks
        if work in works and (claim is None or claim in claims)
    ]
    return sorted(found, key=lambda one: (bool(one.value), one.work.division.path, one.fact, one.key))


def _blank(work: Work, claim: Claim | None, name: str, terms: "_Terms") -> Blank:
    choices = (("yes", "是"), ("no", "否")) if name in YES_NO else terms.choices(name)
    is_number = not choices and (name.endswith("_mu") or name in NUMBERS or terms.has_unit(name))
    label, value = terms.words.fact(name), entered(work, claim, name)
    return Blank(work, claim, name, label, value, choices, is_number, terms.bounds(name))


class _Terms:
    """What the dictionaries say of a fact; a town's own word stands before the common one. One query."""

    def __init__(self, town: int):
        rows = Term.objects.filter(Q(town=None) | Q(town=town), dictionary__in=["attribute", *DICTIONARY.values()])
        labels: dict[str, dict[str, str]] = defaultdict(dict)
        self._attributes: dict[str, dict] = {}
        for one in rows.order_by("order", "pk"):
            labels[one.dictionary][one.code] = one.label
            if one.dictionary == "attribute":
                self._attributes[one.code] = one.attrs or {}
        self.words = Words(labels)

    def choices(self, name: str) -> tuple[tuple[str, str], ...]:
        return tuple(self.words.labels.get(DICTIONARY.get(name, ""), {}).items())

    def has_unit(self, name: str) -> bool:
        return bool(self._attributes.get(name, {}).get("unit"))

    def bounds(self, name: str) -> tuple[Decimal | None, Decimal | None]:
        told = self._attributes.get(name, {})
        least, most = told.get("minimum"), told.get("maximum")
        return Decimal(least or 0), Decimal(most) if most else None


@logged("补充资料")
def supply(round_: Round, given: Mapping[str, str], *, reason: str, by: User) -> int:
    """``given``: key of a blank → text, "" takes a value away. How many changed; all refused where one is wrong."""
    may(by, "prepare_payment", round_.town, "补充资料")
    if not reason.strip():
        raise Refused("请写明资料的来源（如发票号、测量记录、合同）。", field="reason")
    lock_year(round_.town_id, round_.program.year)
    there = {one.key: one for one in blanks(round_)}
    if set(given) - set(there):
        raise Refused("打开以后这一轮要填的资料有变，请刷新后再填。", code="conflict")
    values, wrong = {}, []
    for key, text in given.items():
        try:
            values[key] = there[key].read(text.strip())
        except ValueError as error:
            wrong.append(f"{there[key].name}：{error}".rstrip("。"))
    if wrong:
        raise Refused("；".join(wrong[:6]) + "。", field="values")
    changed = [there[key] for key, value in values.items() if value != there[key].value]
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
