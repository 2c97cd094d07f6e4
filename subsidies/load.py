"""The programs of a plan into rows: every rate in the one rate shape, evaluated when money is due."""

from decimal import Decimal

from subsidies.models import Program, Rate
from tasks.models import Plan
from tasks.plan.document import PlanDoc, RateDoc
from tasks.plan.sync import Differences, Wanted, sync

SHAPE = (
    "per", "base", "base_cap", "where", "unless", "when", "lines", "readings", "chosen", "less", "at_most", "round",
    "payees", "sources", "due", "note",
)  # fmt: skip


def write_programs(plan: Plan, doc: PlanDoc, differences: Differences) -> None:
    """The plan section of this app (registered in ``AppConfig.ready``)."""
    wanted = [
        Wanted(
            (one.key,),
            {
                "name": one.name,
                "document": one.document,
                "clause": one.clause,
                "exclusive_group": one.exclusive_group,
                "order": order,
            },
        )
        for order, one in enumerate(doc.programs)
    ]
    fixed = {"plan": plan, "town": plan.town, "year": plan.year}
    programs = sync(Program.objects.filter(plan=plan), ("key",), wanted, fixed, differences)
    for one in doc.programs:
        _write_rates(programs[(one.key,)], one.rates, differences)


def _write_rates(program: Program, rates: list[RateDoc], differences: Differences) -> None:
    wanted = [Wanted((one.key,), _values(one) | {"order": order}) for order, one in enumerate(rates)]
    fixed = {"program": program, "town": program.town, "year": program.year}
    rows = sync(Rate.objects.filter(program=program), ("key",), wanted, fixed, differences)
    for one in rates:
        row = rows[(one.key,)]
        if set(row.kinds.values_list("pk", flat=True)) != set(one.kinds):
            row.kinds.set(one.kinds)


def _values(one: RateDoc) -> dict:
    shape = {name: getattr(one, name) for name in SHAPE if getattr(one, name)}
    dates = {name: getattr(one, name).isoformat() for name in ("valid_from", "valid_to") if getattr(one, name)}
    return {
        "name": one.name,
        "clause": one.clause,
        "treatment": one.treatment,
        "yuan_per_mu": plain_rate(one),
        "components": one.components or {},
        "basis": one.base.removeprefix("$"),
        "method": one.basis,
        "years": every_year(one.years),
        "shape": shape | dates,
        "open_reason": one.open,
    }


def plain_rate(one: RateDoc) -> Decimal | None:
    """元 per 亩 where the rate is one price on the whole base; None where it has readings, slices, lumps or tables."""
    if one.readings or len(one.lines or []) != 1 or one.less:
        return None
    line = one.lines[0]
    price = line.get("price") if isinstance(line, dict) and set(line) == {"price"} else None
    return Decimal(price) if isinstance(price, str) else None


def every_year(span: list[str]) -> list[int]:
    """``[2025, 2027]`` is from … to: 2025, 2026, 2027; one year stands for itself."""
    years = [int(year) for year in span]
    return list(range(years[0], years[-1] + 1)) if years else []
