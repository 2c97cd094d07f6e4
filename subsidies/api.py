"""The lists of the money: programs and their rates."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from farmland.lib.api.columns import Column, decimal, whole
from farmland.lib.api.computed import ComputedList
from farmland.lib.api.filters import Filter, Id, Whole
from farmland.lib.api.lists import ListView
from farmland.places.api import town_filter
from subsidies.models import Program, Rate


@dataclass(frozen=True)
class OfKind(Filter):
    """Programs with a rate for this kind of task."""

    def apply(self, rows, text, user):
        return rows.filter(pk__in=Rate.objects.filter(kinds=text).values("program"))


class ProgramList(ListView):
    """补助政策。任务类型、元/亩等只在其各项标准一致时写出，细目见 rates/。"""

    name = "programs"
    label = "补助政策"
    model = Program
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度"),
        Column("key", "键"),
        Column("program", "政策", "name"),
        Column("document", "文件"),
        Column("clause", "出处"),
        Column("kind", "任务类型", ()),
        Column("treatment", "处置类别", ()),
        Column("component", "构成", ()),
        decimal("yuan_per_mu", "元/亩", ()),
        Column("basis", "计算基数", ()),
        Column("years", "兑付年度", (), kind="data"),
        Column("exclusive_group", "互斥组"),
    )
    filters = (town_filter(), Whole("year", "年度"), Filter("key", "键"), OfKind("kind", "有该类型标准的"))
    ordering = ("town", "year")
    default_ordering = ("town__slug", "-year", "order")

    def enrich(self, rows):
        """What all rates of a program agree on."""
        rates = defaultdict(list)
        ids = [row["id"] for row in rows]
        for rate in Rate.objects.filter(program__in=ids).prefetch_related("kinds"):
            rates[rate.program_id].append(rate)
        for row in rows:
            own = rates[row["id"]]
            row["kind"] = common({kind.pk for rate in own for kind in rate.kinds.all()})
            for name in ("treatment", "yuan_per_mu", "basis"):
                row[name] = common({getattr(rate, name) for rate in own})
            row["years"] = sorted({year for rate in own for year in rate.years})


def common(values: set):
    """The one value all agree on, else None."""
    return next(iter(values)) if len(values) == 1 else None


class RateList(ComputedList):
    """补助标准：每项标准按任务类型各一行，component 为空；有构成的另列各构成部分，不可再与整项相加。"""

    name = "rates"
    label = "补助标准"
    model = Rate
    columns = (
        Column("town", "乡镇"),
        whole("year", "年度"),
        Column("program", "政策（id）", kind="id"),
        Column("program_name", "政策"),
        Column("key", "键"),
        Column("name", "标准"),
        Column("clause", "出处"),
        Column("kind", "任务类型"),
        Column("treatment", "处置类别"),
        Column("component", "构成", help="空为整项标准"),
        decimal("yuan_per_mu", "元/亩", help="不是单一标准的为空"),
        Column("basis", "计算基数"),
        Column("years", "兑付年度", kind="data"),
        Column("method", "计算方式"),
        Column("open_reason", "未定的原因"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Id("program", "政策的 id", "program_id"),
        Filter("kind", "任务类型"),
        Filter("treatment", "处置类别"),
        Filter("component", "构成"),
    )
    late = ("kind", "component")
    ordering = ("town", "year", "kind", "treatment")

    def made(self, rows):
        rows = rows.select_related("town", "program").prefetch_related("kinds")
        ordered = rows.order_by("town__slug", "-year", "program__order", "order", "pk")
        return [row for rate in ordered for row in rate_rows(rate)]


def rate_rows(rate: Rate) -> list[dict]:
    """The rows of one rate: by kind, first the whole, then its components."""
    shared = {
        "town": rate.town.slug,
        "program": rate.program_id,
        "program_name": rate.program.name,
        "method": rate.method,
        **{name: getattr(rate, name) for name in (
            "year", "key", "name", "clause", "treatment", "basis", "years", "open_reason", "updated_at",
        )},
    }  # fmt: skip
    parts = [(None, rate.yuan_per_mu), *((name, price(text)) for name, text in rate.components.items())]
    rows = []
    for kind in [kind.pk for kind in rate.kinds.all()] or [None]:
        for component, yuan in parts:
            mark = ".".join(part for part in (kind, component) if part)
            ident = f"{rate.pk}.{mark}" if mark else str(rate.pk)
            rows.append({**shared, "id": ident, "kind": kind, "component": component, "yuan_per_mu": yuan})
    return rows


def price(text) -> Decimal | None:
    """A component's price; None where it is not a plain number."""
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None
