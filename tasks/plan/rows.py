"""The rows of a plan: targets, splits, accounts, red lines, statements, dates, ledgers."""

from django.db.models import F, Q

from farmland.places.models import Division
from parcels.models import Step, Work
from parcels.progress import Ladders
from tasks.models import Entry, Milestone, Plan, RedLine, Share, Statement, Target
from tasks.plan.document import MilestoneDoc, PhaseDoc, PlanDoc
from tasks.plan.ledgers import write_ledgers
from tasks.plan.sync import ASIDE, Differences, Wanted, sync


def write_rows(plan: Plan, doc: PlanDoc, offices: dict, differences: Differences) -> None:
    targets = _targets(plan, doc, offices, differences)
    places = division_names(plan)
    _shares(plan, doc, targets, places, differences)
    _entries(plan, doc, targets, differences)
    _red_lines(plan, doc, targets, differences)
    _statements(plan, doc, differences)
    _milestones(plan, doc, targets, differences)
    write_ledgers(plan, doc, places, differences)


def division_names(plan: Plan) -> dict:
    names: dict = {}
    # one that went into another since still has its share of the plan that names it
    for one in Division.objects.filter(
        Q(valid_to=None) | Q(merged_into__isnull=False), path__startswith=plan.town.path
    ):
        names |= {name: one for name in [*one.aliases, one.name] if name not in names or name == one.name}
    return names


def _targets(plan: Plan, doc: PlanDoc, offices: dict, differences: Differences) -> dict[str, Target]:
    wanted = []
    for order, one in enumerate(doc.targets):
        lead = offices.get(one.lead)
        values = {
            "kind_id": one.kind, "tranche": one.tranche, "rule": one.rule, "comparison": one.comparison,
            "amount": one.amount, "unit": one.unit, "from_year": one.from_year or doc.year,
            "to_year": one.to_year or doc.year, "selected": one.selected, "expected": one.expected,
            "maximum": one.maximum, "maximum_reason": one.maximum_reason, "due_on": one.due_on,
            "due_printed": one.due_printed, "counted_level": one.counted_level,
            "lead_office_id": lead.pk if lead else None, "responsible": one.responsible, "origin": one.origin,
            "clause": one.clause, "note": one.note, "order": order,
        }  # fmt: skip
        wanted.append(Wanted((one.key,), values))
    fixed = {"plan": plan, "town": plan.town}
    rows = sync(Target.objects.filter(plan=plan), ("key",), wanted, fixed, differences)
    targets = {key: row for (key,), row in rows.items()}
    for one in doc.targets:
        parent = targets.get(one.parent)
        row = targets[one.key]
        if row.parent_id != (parent.pk if parent else None):
            row.parent = parent
            row.save()
    return targets


def _shares(plan: Plan, doc: PlanDoc, targets: dict, places: dict, differences: Differences) -> None:
    wanted = []
    for split in doc.splits:
        for order, one in enumerate(split.rows):
            stated = one.stated or (format(one.amount, "f") if one.amount is not None else "")
            values = {
                "amount": one.amount, "potential": one.potential, "stated": stated,
                "clause": one.clause or split.clause, "order": order,
            }  # fmt: skip
            wanted.append(Wanted((targets[split.target].pk, places[one.division].pk), values))
    rows = Share.objects.filter(target__plan=plan).select_related("target__kind", "division")
    sync(rows, ("target_id", "division_id"), wanted, {"town": plan.town}, differences)


def _entries(plan: Plan, doc: PlanDoc, targets: dict, differences: Differences) -> None:
    """Entries stay in the account; what the plan reports as accepted becomes a step of the town's own work."""
    wanted = []
    for order, one in enumerate(doc.entries):
        if one.role != "accepted":
            key = (targets[one.target].pk, one.role, one.on, one.clause)
            wanted.append(Wanted(key, {"amount": one.amount, "reason": one.reason, "order": order}))
    rows = Entry.objects.filter(target__plan=plan, by=None).select_related("target__kind").order_by("order", "pk")
    if [(row.target_id, row.order) for row in rows] != [(one.key[0], one.values["order"]) for one in wanted]:
        rows.order_by().update(order=F("order") + ASIDE)  # two entries never hold one place, not even on the way
    sync(rows.all(), ("target_id", "role", "on", "clause"), wanted, {"town": plan.town}, differences)
    ladders = Ladders(plan.town)
    for one in doc.entries:
        if one.role == "accepted":
            _accepted(plan, targets[one.target], one, ladders, differences)


def _accepted(plan: Plan, target: Target, entry, ladders: Ladders, differences: Differences) -> None:
    """Bring the Σ of the plan's own steps of this clause to the amount it states; append-only, so by a difference."""
    rung = ladders.of_level(target.kind_id, target.level)
    place = {"town": plan.town, "division": plan.town, "kind": target.kind, "parcel": None}
    work, _ = Work.objects.get_or_create(**place, year=plan.year, tranche=target.tranche)
    stated = Step.objects.filter(work=work, rung=rung, by=None, clause=entry.clause, is_demo=False)
    steps = list(stated)
    missing = entry.amount - sum((step.area_mu for step in steps), start=entry.amount * 0)
    if missing:
        verdict = {"verdict": "passed"} if missing > 0 else {"verdict": "revoked", "reverses": steps[0]}
        on = entry.on or plan.issued_on
        reason = entry.reason or "方案所述"
        Step.objects.create(
            town=plan.town, work=work, rung=rung, area_mu=missing, on=on, clause=entry.clause, reason=reason, **verdict
        )
        differences.add(f"登记方案所述已认定面积：{target} {format(entry.amount, 'f')} 亩")


def _red_lines(plan: Plan, doc: PlanDoc, targets: dict, differences: Differences) -> None:
    wanted = []
    for order, one in enumerate(doc.red_lines):
        target = targets.get(one.target)
        values = {
            "target_id": target.pk if target else None, "formula": one.formula, "feeds": one.feeds,
            "assumption": one.assumption, "reason": one.reason, "clause": one.clause, "order": order,
        }  # fmt: skip
        wanted.append(Wanted((one.line_,), values))
    fixed = {"plan": plan, "town": plan.town}
    sync(RedLine.objects.filter(plan=plan), ("line",), wanted, fixed, differences)


def _statements(plan: Plan, doc: PlanDoc, differences: Differences) -> None:
    wanted = {}
    for order, one in enumerate(doc.statements):
        values = {
            "printed": one.printed, "unit": one.unit, "magnitude": one.magnitude,
            "is_approximate": one.approximate, "formula": one.is_, "order": order,
        }  # fmt: skip
        key = (one.key, one.clause, one.value)
        wanted.setdefault(key, Wanted(key, values))  # the same figure twice in one clause is one statement
    fixed = {"plan": plan, "town": plan.town}
    sync(Statement.objects.filter(plan=plan), ("key", "clause", "value"), wanted.values(), fixed, differences)


def _milestones(plan: Plan, doc: PlanDoc, targets: dict, differences: Differences) -> None:
    """Phases and the steps inside and outside them: rows of one table, a phase is a row with children."""
    wanted, links = [], {}
    for phase in doc.phases:
        wanted.append(_phase(phase, len(wanted)))
        for one in phase.milestones:
            wanted.append(_milestone(one, len(wanted)))
            links[one.key] = (phase.key, one.targets)
    for one in doc.milestones:
        wanted.append(_milestone(one, len(wanted)))
        links[one.key] = (None, one.targets)
    fixed = {"plan": plan, "town": plan.town}
    rows = sync(Milestone.objects.filter(plan=plan), ("key",), wanted, fixed, differences)
    for key, (phase, names) in links.items():
        row = rows[(key,)]
        parent = rows[(phase,)] if phase else None
        if row.parent_id != (parent.pk if parent else None):
            row.parent = parent
            row.save()
        if {one.key for one in row.targets.all()} != set(names):
            row.targets.set([targets[name] for name in names])


def _phase(one: PhaseDoc, order: int) -> Wanted:
    values = {"starts_on": one.from_, "ends_on": one.to, "rung": "", "repeats": ""}
    common = {"name": one.name, "printed": one.printed, "clause": one.clause, "order": order}
    return Wanted((one.key,), {**values, **common})


def _milestone(one: MilestoneDoc, order: int) -> Wanted:
    values = {"starts_on": one.from_, "ends_on": one.on, "rung": one.rung, "repeats": one.repeats}
    common = {"name": one.name, "printed": one.printed, "clause": one.clause, "order": order}
    return Wanted((one.key,), {**values, **common})
