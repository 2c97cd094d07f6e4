"""The programs of a plan into rows: every rate in the one rate shape, its versions and the rounds it pays in.

What disappears from a plan goes, unless money was computed by it: then it stays, marked, and pays nothing new.
"""

from decimal import Decimal

from subsidies.models import Batch, Calculation, Claim, Entitlement, Fund, Program, Rate, RateVersion, Round, Ruling
from subsidies.rates import rounds, versions
from subsidies.rules.rule import every_year
from tasks.models import Plan
from tasks.plan.document import PlanDoc, ProgramDoc, RateDoc
from tasks.plan.sync import Differences, Wanted, sync

SHAPE = (
    "per", "base", "base_cap", "where", "unless", "when", "lines", "readings", "chosen", "less", "at_most", "round",
    "payees", "sources", "guards", "due", "documents", "note",
)  # fmt: skip
GONE = "方案已不再列出这项标准，已核算的保留，不再核算新的"
MONEY = (Entitlement, Claim, Batch, Fund, Ruling)


def write_programs(plan: Plan, doc: PlanDoc, differences: Differences) -> None:
    """The plan section of this app (registered in ``AppConfig.ready``)."""
    kept = _part_with_programs(plan, {one.key for one in doc.programs}, differences)
    wanted = [Wanted((one.key,), _program(one) | {"order": order}) for order, one in enumerate(doc.programs)]
    fixed = {"plan": plan, "town": plan.town, "year": plan.year}
    programs = sync(
        Program.objects.filter(plan=plan).exclude(pk__in=kept), ("key",), wanted, fixed, differences
    )  # fmt: skip
    for one in doc.programs:
        program = programs[(one.key,)]
        _write_rates(program, one, differences)
        rounds.from_plan(program, one, differences)


def _program(one: ProgramDoc) -> dict:
    return {
        "name": one.name,
        "document": one.document,
        "clause": one.clause,
        "exclusive_group": one.exclusive_group,
        "publicity_days": one.publicity_days,
        "publicity_counting": one.publicity_counting,
        "approvals": one.approvals,
        "documents": one.documents,
    }


def _write_rates(program: Program, doc: ProgramDoc, differences: Differences) -> None:
    stored = Rate.objects.filter(program=program)
    kept = [one.pk for one in stored.exclude(key__in=[one.key for one in doc.rates]) if _keep(one, differences)]
    wanted = [Wanted((one.key,), _values(one) | {"order": order}) for order, one in enumerate(doc.rates)]
    fixed = {"program": program, "town": program.town, "year": program.year}
    rows = sync(stored.exclude(pk__in=kept), ("key",), wanted, fixed, differences)
    for one in doc.rates:
        row = rows[(one.key,)]
        if set(row.kinds.values_list("pk", flat=True)) != set(one.kinds):
            row.kinds.set(one.kinds)
        versions.from_plan(row, one, doc.document, differences)


def _keep(rate: Rate, differences: Differences) -> bool:
    """A rate the plan no longer has: kept where money names it, told once; else its versions go with it."""
    if not versions.has_money(rate):
        RateVersion.objects.filter(rate=rate).delete()
        return False
    if rate.open_reason != GONE:
        rate.open_reason = GONE
        rate.save(update_fields=["open_reason", "updated_at"])
        differences.add(f"补助标准 {rate} 已不在方案中：已有应补，保留，不再核算新的")
    return True


def _part_with_programs(plan: Plan, wanted: set[str], differences: Differences) -> list:
    """The programs the plan no longer has that hold money; the others are made ready to be deleted."""
    kept = []
    for program in Program.objects.filter(plan=plan).exclude(key__in=wanted):
        if _has_money(program):
            kept.append(program.pk)
            for rate in Rate.objects.filter(program=program).exclude(open_reason=GONE):
                rate.open_reason = GONE
                rate.save(update_fields=["open_reason", "updated_at"])
                differences.add(f"补助标准 {rate} 已不在方案中：“{program}”已有资金往来，保留，不再核算新的")
            continue
        Calculation.objects.filter(round__program=program).delete()
        Round.objects.filter(program=program).delete()
        RateVersion.objects.filter(rate__program=program).delete()
    return kept


def _has_money(program: Program) -> bool:
    of_program = {Claim: "round__program", Ruling: "round__program"}
    return any(model.objects.filter(**{of_program.get(model, "program"): program}).exists() for model in MONEY)


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
        "years": list(every_year(one.years)),
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
