"""Which land is the same land: by parcel, by code, by area; what stands on lists, what was paid or done before."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from farmland.lib.conditions import Partly
from farmland.places.models import Term
from parcels.models import Listing, Overlap, Parcel, ParcelList, Step, Work
from parcels.same_code import LONG_CODE, plain_code
from subsidies.models import Entitlement, Program

PAID = (Entitlement.DUE, Entitlement.BATCHED, Entitlement.SETTLED)
ROLE_NAMES = {"done_earlier": "rectified", "paid_elsewhere": "paid"}  # rectified-2023 is the list of what 2023 did
PAID_ROLE = "paid_elsewhere"


@dataclass(frozen=True)
class Match:
    """Another piece of land that is the same: ``how`` is same, code or area."""

    name: str
    how: str
    area: Decimal | None = None


@dataclass
class Marked:
    """Parcels with a mark of some kind, found again under another row by their codes or by overlap."""

    ids: dict = field(default_factory=dict)  # parcel → name
    codes: dict[str | tuple, str] = field(default_factory=dict)  # see ``code_key``
    layers: dict = field(default_factory=dict)  # list → name, for constraint layers without parcels

    def add(self, parcel, codes: Iterable[str], name: str, division=None) -> None:
        if parcel is not None:
            self.ids[parcel] = name
        for code in codes:
            self.codes.setdefault(code_key(code, division), name)


def code_key(code: str, division) -> str | tuple:
    """By what a code is found again: a short one is the same land in its village only.

    A short code of a list that names no parcel is found through the overlaps, which know the list's village.
    """
    plain = plain_code(str(code))
    return plain if len(plain) >= LONG_CODE else (plain, division)


@dataclass(frozen=True)
class Payment:
    """An amount that a piece of land already has."""

    program: str
    group: str
    program_id: object
    rate: str
    round: object
    year: int
    is_yearly: bool


class Ground:
    """The land of one town: its overlaps, its lists, what it was paid; a fixed number of queries."""

    def __init__(self, town, *, but_round=None):
        self.town = town
        self._overlaps: dict = defaultdict(list)
        rows = Overlap.objects.filter(town=town).values_list("parcel", "other", "layer", "by", "area_mu")
        for parcel, other, layer, by, area in rows:
            self._overlaps[parcel].append((other, layer, by, area))
            if other is not None:
                self._overlaps[other].append((parcel, None, by, area))
        self.names: dict[str, str] = {}  # every name of a list → its title
        self.lists: dict[str, Marked] = {}
        self.paid_lists: dict[str, Marked] = {}
        self._load_lists()
        self.payments: list[tuple[Marked, Payment]] = []
        self.programs = set(Program.objects.filter(town=town).values_list("key", flat=True))
        self._load_payments(but_round)

    def _load_lists(self) -> None:
        rows: dict = defaultdict(list)
        listings = Listing.objects.filter(town=self.town).values_list("list", "parcel", "code", "parcel__division")
        for pk, *listed in listings:
            rows[pk].append(listed)
        aliases = self._aliases()
        for one in ParcelList.objects.filter(town=self.town):
            head = ROLE_NAMES.get(one.role, one.role)
            for name in {one.title, f"{head}-{one.year}", f"{one.role}-{one.year}", *aliases[one.title]}:
                self.names[name] = one.title
                marked = (self.paid_lists if one.role == PAID_ROLE else self.lists).setdefault(name, Marked())
                marked.layers[one.pk] = one.title
                for parcel, code, division in rows[one.pk]:
                    marked.add(parcel, [code], one.title, division)

    def _aliases(self) -> dict[str, list[str]]:
        """The key a plan names a list or a policy by, from the title it was issued under."""
        found = defaultdict(list)
        for dictionary in ("list", "policy"):
            for term in Term.objects.of(dictionary, self.town):
                for word in (term.label, *term.synonyms):
                    found[word].append(term.code)
        return found

    def _load_payments(self, but_round) -> None:
        rows = Entitlement.objects.filter(
            town=self.town, state__in=PAID, adjusts=None, amount__gt=0, work__isnull=False
        )
        if but_round is not None:
            rows = rows.exclude(round=but_round)
        fields = (
            "work__parcel", "work__parcel__codes", "program__key", "program__exclusive_group", "program", "rate_key",
            "round", "year", "round__is_yearly", "program__name", "work__parcel__division",
        )  # fmt: skip
        grouped: dict = {}
        for parcel, codes, key, group, program, rate, round_, year, yearly, name, place in rows.values_list(*fields):
            if parcel is None:
                continue
            payment = Payment(key, group, program, rate, round_, year, yearly)
            marked = grouped.setdefault(payment, Marked())
            marked.add(parcel, codes or [], f"{name} {year} 年", place)
        self.payments = [(marked, payment) for payment, marked in grouped.items()]

    def match(self, parcel: Parcel | None, marked: Marked) -> Match | None:
        """How the parcel is on marked land, the surest way first."""
        if parcel is None:
            return None
        if parcel.pk in marked.ids:
            return Match(marked.ids[parcel.pk], "same")
        for code in parcel.codes:
            if name := marked.codes.get(code_key(code, parcel.division_id)):
                return Match(name, "code")
        for other, layer, by, area in self._overlaps.get(parcel.pk, ()):
            name = marked.ids.get(other) or marked.layers.get(layer)
            if name:
                return Match(name, "code" if by == "code" else "area", area)
        return None

    def overlapping(self, parcel: Parcel | None) -> list[tuple]:
        """(other parcel, by, area) of what lies on it."""
        return [
            (other, by, area) for other, _, by, area in self._overlaps.get(getattr(parcel, "pk", None), ()) if other
        ]

    def on_lists(self, parcel: Parcel | None) -> Partly | None:
        """The names of the lists it stands on, of those that were imported; None for land that is nowhere."""
        if parcel is None:
            return None
        here = {name for name, marked in self.lists.items() if self.match(parcel, marked)}
        return Partly(frozenset(here), frozenset(self.lists))

    def paid_by(self, parcel: Parcel | None, program_id) -> Partly | None:
        """The other policies, and lists of payments elsewhere, that have paid for it."""
        if parcel is None:
            return None
        asked = self.programs | set(self.paid_lists)
        here = {name for name, marked in self.paid_lists.items() if self.match(parcel, marked)}
        here |= {
            one.program
            for marked, one in self.payments
            if one.program_id != program_id and one.program not in here and self.match(parcel, marked)
        }
        return Partly(frozenset(here), frozenset(asked))


def done_before(town, year: int) -> Marked:
    """The parcels of which something was accepted in the year before, unless the work goes on in this year."""
    done = Step.objects.acceptances().filter(town=town, work__year=year - 1, area_mu__gt=0, reversals=None)
    carried = Work.objects.filter(town=town, year=year, replaces__isnull=False).values("replaces")
    marked = Marked()
    rows = done.exclude(work__in=carried).exclude(work__parcel=None)
    fields = ("work__parcel", "work__parcel__codes", "work__parcel__division")
    for parcel, codes, division in rows.values_list(*fields).distinct():
        marked.add(parcel, codes or [], f"{year - 1} 年已认定的图斑", division)
    return marked
