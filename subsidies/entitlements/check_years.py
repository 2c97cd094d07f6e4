"""C20: land of this year that another year has counted or paid, by parcel and by code; registered in ``AppConfig``.

Invented land does not exist for the plan check. Work that goes on from one year into the next is not counted twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Sum

from farmland.lib.fields import QuantityField
from farmland.lib.numbers import plain
from parcels.models import Step, Work
from parcels.same_code import plain_code
from subsidies.entitlements.ground import PAID
from subsidies.models import Entitlement
from tasks.check.case import Case
from tasks.check.ledgers import codes_of
from tasks.check.registry import Remark, warning

TITLE = "图斑在别的年度已计入或已补助"
EXPLANATION = "一块地只计一次、只补一次：本年度的图斑（按图斑、按编号）不应是别的年度已认定或已补助的图斑。"
CLAUSE = "本年度图斑"


@dataclass
class Elsewhere:
    """What other years have done on a piece of land: year → words; and the works it was done by."""

    years: dict[int, str] = field(default_factory=dict)
    works: dict[int, set] = field(default_factory=lambda: defaultdict(set))

    def add(self, year: int, words: str, work) -> None:
        self.years.setdefault(year, words)
        self.works[year].add(work)


def counted_in_two_years(case: Case) -> Iterator[Remark]:
    if case.plan is None:
        return
    town, year = case.plan.town_id, case.plan.year
    elsewhere = _elsewhere(town, year)
    if not elsewhere:
        return
    yield from _works(town, year, elsewhere)
    for ledger, row in case.rows():
        for code in codes_of(row.codes):
            if found := elsewhere.get(plain_code(code)):
                place = f"{case.row_place(ledger, row)}·{code}"
                yield _remark(place, ledger.clause, code, found.years, f"{case.row_place(ledger, row)}的图斑 {code}")


def _elsewhere(town: int, year: int) -> dict:
    """Parcel id or code → what other years have of it; two queries."""
    found: dict = defaultdict(Elsewhere)
    steps = Step.objects.acceptances().filter(town=town, is_demo=False, work__parcel__is_demo=False)
    steps = steps.exclude(work__year=year).order_by().values_list(
        "work", "work__year", "work__parcel", "work__parcel__codes"
    )  # fmt: skip
    for work, when, parcel, codes, area in steps.annotate(area=Sum("area_mu", output_field=QuantityField())):
        if area > 0:
            for key in (parcel, *map(plain_code, codes or [])):
                found[key].add(when, f"{when} 年已认定", work)
    paid = Entitlement.objects.filter(town=town, state__in=PAID, amount__gt=0, adjusts=None, is_demo=False)
    paid = paid.filter(work__parcel__isnull=False, round__is_yearly=False).exclude(program__year=year)
    fields = ("work", "program__year", "work__parcel", "work__parcel__codes", "amount")
    for work, when, parcel, codes, amount in paid.values_list(*fields):
        for key in (parcel, *map(plain_code, codes or [])):
            found[key].years[when] = f"{when} 年已补助 {plain(amount)} 元"
            found[key].works[when].add(work)
    return found


def _works(town: int, year: int, elsewhere: dict) -> Iterator[Remark]:
    rows = Work.objects.filter(town=town, year=year, exit="", parcel__isnull=False, is_demo=False)
    rows = rows.filter(parcel__is_demo=False).select_related("parcel", "division", "kind")
    goes_on = dict(Work.objects.filter(town=town, replaces__year=year).values_list("replaces", "pk"))
    told = set()
    for work in rows.order_by("division__path", "pk"):
        if work.parcel_id in told:
            continue
        own = {work.replaces_id, goes_on.get(work.pk)}
        years = _years(elsewhere, (work.parcel_id, *map(plain_code, work.parcel.codes)), own)
        if years:
            told.add(work.parcel_id)
            name = str(work.parcel)
            yield _remark(f"{work.division}·图斑 {name}", CLAUSE, name, years, f"{work.division}的图斑 {name}")


def _years(elsewhere: dict, keys: Iterable, own: set) -> dict[int, str]:
    """The years that have the land by another work than the one that goes on."""
    years: dict[int, str] = {}
    for key in keys:
        found = elsewhere.get(key)
        if found:
            years |= {when: words for when, words in found.years.items() if found.works[when] - own}
    return years


def _remark(place: str, clause: str, code: str, years: dict[int, str], head: str) -> Remark:
    words = "、".join(years[when] for when in sorted(years))
    return warning(place, clause, code, words, f"{head}{words}，不能再计入或再补助，请核对。")
