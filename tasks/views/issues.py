"""整改: the problem ledger as annexes print it; what is late first, what the rules advise beside."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Case, F, QuerySet, Value, When
from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.templatetags.formats import mu
from tasks.former import at_or_before
from tasks.issues import STATE_WORDS
from tasks.models import Issue, TownYear
from tasks.pages import town_page
from tasks.views.common import Labels, export_query

PER_PAGE = 100
ZERO = Decimal(0)
FILTERS = ("division", "measure", "state", "source", "kind", "warning")
ORDERS = {"overdue": "逾期在前", "ledger": "台账顺序", "area": "面积从大到小"}
LOOKS = {"open": "no_data", "done": "pending"}  # the shapes of states that another thing's state shares its name with
STATE_NAMES = {"overdue": "逾期", **STATE_WORDS}


@town_page
@require_safe
def issue_list(request, town_year: TownYear):
    """The issues of the year in the user's scope; filters and order stand in the address."""
    chosen = {name: request.GET.get(name, "").replace("\0", "")[:80] for name in FILTERS}
    order = request.GET.get("order", "")
    order = order if order in ORDERS else "overdue"
    labels = Labels(town_year.town)
    today = town_year.today()
    every = Issue.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    options = _options(every, labels)
    found = _filtered(every, chosen, today)
    facts = Facts(found, today)
    paginator = Paginator(_ordered(found, order, today), PER_PAGE)
    paginator.count = facts.whole.count + facts.excluded  # known already
    page = paginator.get_page(request.GET.get("page"))
    rows = [dress(one, labels, today) for one in page.object_list]
    context = {
        "town_year": town_year,
        "page": page,
        "rows": rows,
        "totals": facts.whole,
        "kinds": list(facts.kinds.values()),
        "villages": list(facts.villages.values()),
        "chosen": chosen,
        "order": order,
        "orders": ORDERS,
        "options": options,
        "tally": facts.tally(),
        "query": urlencode({name: value for name, value in chosen.items() if value}),
        "export": export_query(town_year, _exported(chosen)),
        "ledgers": list(options["ledger"]),
        "can_decide": not town_year.closed_on and request.user.can("decide"),
        "can_import": not town_year.closed_on and request.user.can("import"),
        "sees_whole": request.user.sees_whole(town_year.town),
    }
    return render(request, "tasks/issue_list.html", context)


def late(rows: QuerySet, today: date) -> QuerySet:
    """Past its date, in scope and not closed."""
    return rows.filter(due_on__lt=today, is_excluded=False).exclude(state__in=Issue.CLOSED)


def _filtered(rows: QuerySet, chosen: dict, today: date) -> QuerySet:
    if chosen["division"]:
        rows = rows.filter(at_or_before(chosen["division"]))
    for name in ("measure", "source", "kind"):
        if chosen[name]:
            rows = rows.filter(**{name: chosen[name]})
    if chosen["state"] == "overdue":
        rows = late(rows, today)
    elif chosen["state"]:
        rows = rows.filter(state=chosen["state"])
    return rows.exclude(warnings=[]) if chosen["warning"] else rows


def _ordered(rows: QuerySet, order: str, today: date) -> QuerySet:
    rows = rows.select_related("division", "responsible_division")
    if order == "area":
        return rows.order_by(F("area_mu").desc(nulls_last=True), "ledger", "order", "pk")
    if order == "ledger":
        return rows.order_by("ledger", "order", "pk")
    is_late = Case(
        When(due_on__lt=today, state__in=Issue.CLOSED, then=Value(1)),
        When(is_excluded=True, then=Value(1)),
        When(due_on__lt=today, then=Value(0)),
        default=Value(1),
    )
    return rows.order_by(is_late, F("due_on").asc(nulls_last=True), "ledger", "order", "pk")


def dress(one: Issue, words, today: date) -> Issue:
    """Hang on an issue the words of its codes and whether it is late. ``words.label(dictionary, code)`` knows them."""
    one.is_late = not one.is_excluded and is_late(one.due_on, one.state, today)
    one.late_days = (today - one.due_on).days if one.is_late else 0
    one.state_name = "不在范围" if one.is_excluded else STATE_WORDS.get(one.state, one.state)
    one.look = "watch" if one.is_excluded else LOOKS.get(one.state, one.state)
    one.source_name = words.label("source", one.source)
    one.problem_name = words.label("problem_kind", one.problem_kind)
    one.measure_name = words.label("measure", one.measure)
    one.suggested_name = words.label("measure", one.suggested_measure)
    one.differs = not one.is_excluded and bool(one.suggested_measure) and one.suggested_measure != one.measure
    return one


def _options(rows: QuerySet, labels: Labels) -> dict:
    """What the filters offer: the values that occur, with how many rows each has."""
    counts: dict = {name: Counter() for name in ("division", "measure", "source", "state", "kind")}
    names, ledgers = {}, {}
    fields = ("division__code", "division__name", "measure", "source", "state", "kind", "kind__name", "ledger")
    every = rows.order_by("division__path").values_list(*fields, "ledger_title")
    for code, village, measure, source, state, kind, kind_name, ledger, title in every:
        names |= {("division", code): village, ("kind", kind): kind_name}
        ledgers[ledger] = title or ledger
        found = {"division": code, "measure": measure, "source": source, "state": state, "kind": kind}
        for name, value in found.items():
            counts[name][value] += 1
    for dictionary in ("measure", "source"):
        names |= {(dictionary, code): labels.label(dictionary, code) for code in counts[dictionary]}
    names |= {("state", code): STATE_NAMES.get(code, code) for code in counts["state"]}
    options = {
        name: [(code, names[name, code], count) for code, count in found.items() if code]
        for name, found in counts.items()
    }
    return options | {"ledger": sorted(ledgers.items())}


@dataclass
class Sums:
    """Sums of some rows of a ledger; an area nobody printed adds nothing, and is None where none is printed."""

    code: str = ""
    name: str = ""
    count: int = 0
    codes: int = 0
    warned: int = 0
    late: int = 0
    area: Decimal | None = None
    cultivated: Decimal | None = None
    pbf: Decimal | None = None


class Facts:
    """The sums of a filtered ledger, of each of its divisions and of each kind, exact and with one query.

    Areas of different kinds are not added together: with several kinds only ``kinds`` has areas that mean something.
    """

    FIELDS = (
        "division__code", "division__name", "kind", "kind__name", "is_excluded", "codes", "warnings", "due_on",
        "state", "area_mu", "cultivated_mu", "pbf_mu",
    )  # fmt: skip

    def __init__(self, rows: QuerySet, today: date):
        self.whole, self.villages, self.kinds = Sums(), {}, {}
        self.excluded = 0
        for code, name, kind, kind_name, is_out, *row in rows.order_by("division__path").values_list(*self.FIELDS):
            if is_out:
                self.excluded += 1
                continue
            village = self.villages.setdefault(code, Sums(code, name))
            for sums in (self.whole, village, self.kinds.setdefault(kind, Sums(kind, kind_name))):
                _add(sums, today, *row)

    def tally(self) -> list[tuple]:
        whole, areas = self.whole, []
        if len(self.kinds) < 2:
            told = (("图斑面积", whole.area), ("耕地", whole.cultivated), ("永久基本农田", whole.pbf))
            areas = [(name, mu(area), "亩" if area is not None else "") for name, area in told]
        out = [("不在范围", self.excluded, "个")] if self.excluded else []
        return [
            ("问题", whole.count, "个"),
            *out,
            ("图斑编号", whole.codes, "个"),
            ("逾期", whole.late, "个", "risk" if whole.late else ""),
            ("有提醒", whole.warned, "个"),
            *areas,
        ]


def _add(sums: Sums, today: date, codes, warnings, due_on, state, area, cultivated, pbf) -> None:
    sums.count += 1
    sums.codes += len(codes)
    sums.warned += bool(warnings)
    sums.late += is_late(due_on, state, today)
    sums.area = _added(sums.area, area)
    sums.cultivated = _added(sums.cultivated, cultivated)
    sums.pbf = _added(sums.pbf, pbf)


def _added(known: Decimal | None, more: Decimal | None) -> Decimal | None:
    return known if more is None else (known or ZERO) + more


def is_late(due_on: date | None, state: str, today: date) -> bool:
    return bool(due_on and due_on < today and state not in Issue.CLOSED)


def _exported(chosen: dict) -> dict:
    """The filters the export knows; it has no 逾期 and no 有提醒."""
    kept = {name: chosen[name] for name in ("division", "measure", "source", "kind")}
    return kept | {"state": "" if chosen["state"] == "overdue" else chosen["state"]}
