"""What a division's form states now, read from works and steps; and the form issued with it."""

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from farmland.lib.dates import group_name
from farmland.places.models import Division, Office, Term
from parcels.models import Kind, Parcel, Step, Work
from parcels.progress import Ladders
from tasks.forms.doubts import Goal
from tasks.forms.values import AREAS, PARCELS, Facts, Item, Said, Stage, numbered
from tasks.forms.workbook import FIRST_ROW, Sheet, write_form
from tasks.models import Form, Plan, Share, Target, TownYear
from tasks.progress import joined

LEFT_OUT = {Kind.STOCK, Kind.OPEN}  # a stock is surveyed, open issues are closed one by one: no areas by stage


class NothingToReport(Exception):
    """The division has neither parcels nor a task in 亩: a form for it would hold no row. The text is for the page."""

    def __init__(self, division: Division, year: int):
        super().__init__(f"{division.town} {year} 年方案没有{division}按亩的任务，也没有图斑，没有表可填。")


@transaction.atomic
def issue_form(division: Division, year: int, user) -> tuple[Form, bytes]:
    """Hand out the division's workbook: the form as recorded and the .xlsx file.

    While nothing has changed since the last one was issued, that version is given out again. Raises
    NothingToReport, and TownYear.DoesNotExist when the town has no such year.
    """
    town_year = TownYear.objects.select_related("town").get(town=division.town_id, year=year)
    Division.objects.select_for_update(of=("self",)).get(pk=division.pk)
    facts = division_facts(division, year)
    if not facts.items:
        raise NothingToReport(division, year)
    last = Form.objects.filter(town=division.town_id, division=division, year=year).order_by("-number").first()
    form, is_demo = last, division.is_demo or user.is_demo
    if last is None or (last.digest, last.is_demo) != (facts.digest, is_demo):
        form = Form.objects.create(
            town_id=division.town_id, division=division, year=year, number=last.number + 1 if last else 1,
            facts=facts.as_json(), digest=facts.digest, issued_to=user, is_demo=is_demo,
        )  # fmt: skip
    sheet = Sheet(
        town=town_year.town.name,
        slug=town_year.town.slug,
        division=division.name,
        code=division.code,
        year=year,
        today=town_year.today(),
        crops=tuple(crops(town_year.town)),
        offices=tuple(offices(division.town, year, facts)),
    )
    return form, write_form(form, facts, sheet)


def file_name(form: Form) -> str:
    """双永村_2024年_进度_第7版.xlsx"""
    return f"{form.division.name}_{form.year}年_进度_第{form.number}版.xlsx"


def division_facts(division: Division, year: int) -> Facts:
    """All that the division can report of the year, as it stands now. A fixed number of queries."""
    town = division.town
    stages = reported_stages(town)
    own, place = division.and_former(), {"town": town, "year": year, "kind__in": stages}
    parcels = list(Parcel.objects.filter(own, **place).order_by("pk"))
    works = list(Work.objects.filter(own, **place).select_related("kind", "parcel", "division").order_by("pk"))
    said = said_by_work(works)
    items = parcel_items(parcels, works, said) if parcels else []
    layout = PARCELS if parcels else AREAS
    covered = {item.kind for item in items}
    items += [one for one in task_items(division, year, works, said) if one.kind not in covered and one.kind in stages]
    items += former_items(division, works, said)
    return numbered(layout, items, {item.kind: stages[item.kind] for item in items}, FIRST_ROW)


def reported_stages(town: Division) -> dict[str, tuple[Stage, ...]]:
    """By kind of flow in 亩, the stages a village reports in this town; kinds without any are left out."""
    ladders = Ladders(town)
    found = {}
    for kind in Kind.objects.filter(unit="mu").exclude(nature__in=LEFT_OUT):
        rungs = [one for one in ladders.rungs(kind.pk) if one.is_reported and not one.level]
        if rungs:
            found[kind.pk] = tuple(Stage(one.code, one.name, one.rank) for one in rungs)
    return found


def parcel_items(parcels: list[Parcel], works: list[Work], said: dict) -> list[Item]:
    """One item for each open work on a parcel, one for each parcel without any work; in the order of groups."""
    by_parcel = defaultdict(list)
    for work in works:
        if work.parcel_id:
            by_parcel[work.parcel_id].append(work)
    names = dict(Kind.objects.values_list("code", "name"))
    items = []
    for parcel in parcels:
        place = {
            "parcel": str(parcel.pk),
            "codes": tuple(parcel.codes),
            "group": parcel.group,
            "gross": parcel.gross_mu,
        }
        if parcel.pk not in by_parcel:
            items.append(Item(f"parcel:{parcel.pk}", names[parcel.kind_id], parcel.kind_id, **place))
        for work in by_parcel[parcel.pk]:
            if not work.exit:
                task = task_name(work.kind.name, work.tranche)
                key = f"work:{work.pk}"
                items.append(Item(key, task, work.kind_id, work.tranche, said=said.get(work.pk, {}), **place))
    return sorted(items, key=lambda item: (item.kind, *group_order(item.group), item.codes))


def group_order(group: str) -> tuple[int, str]:
    """Groups by their number, however it is written: 二组, 3组, 十一组."""
    name = group_name(group)
    digits = re.match(r"[0-9]+", name)
    return (int(digits[0]) if digits else 1000), name


def task_items(division: Division, year: int, works: list[Work], said: dict) -> list[Item]:
    """One item for each task of the plan that the division shares in; all tasks where none is split to it."""
    unplaced = {(work.kind_id, work.tranche): work for work in unplaced_of(works) if work.division_id == division.pk}
    items = []
    for kind, tranche in tasks_of(division, year):
        work = unplaced.get((kind.pk, tranche))
        there = said.get(work.pk, {}) if work else {}
        items.append(Item(f"task:{kind.pk}:{tranche}", task_name(kind.name, tranche), kind.pk, tranche, said=there))
    return items


def former_items(division: Division, works: list[Work], said: dict) -> list[Item]:
    """Areas that villages since merged into this one had reported without a parcel, each in a row of its own."""
    found = [work for work in unplaced_of(works) if work.division_id != division.pk]
    return [
        Item(
            f"work:{work.pk}", f"{task_name(work.kind.name, work.tranche)}（原{work.division}）", work.kind_id,
            work.tranche, said=said.get(work.pk, {}),
        )
        for work in found
    ]  # fmt: skip


def unplaced_of(works: list[Work]) -> list[Work]:
    return [work for work in works if work.parcel_id is None and not work.exit]


def goals(division: Division, year: int) -> dict[tuple[str, str], Goal]:
    """By (kind, tranche) the division's share and potential; a kind below a shared one is measured by that."""
    shares = Share.objects.filter(division.and_former(), target__plan__year=year, target__unit="mu")
    stated: dict = {}
    for share in shares.select_related("target"):
        stated[share.target_id] = joined(stated.get(share.target_id), share, division)
    found = {(one.target.kind_id, one.target.tranche): Goal(one.amount, one.potential) for one in stated.values()}
    parents = dict(Kind.objects.exclude(parent=None).values_list("code", "parent"))
    for kind, parent in parents.items():
        if (parent, "") in found:
            found.setdefault((kind, ""), found[parent, ""])
    return found


def task_name(kind: str, tranche: str) -> str:
    return f"{kind}（{tranche}）" if tranche else kind


def has_rows(division: Division, year: int) -> bool:
    """Whether a form for the division would hold any row; for a town, whether any of its villages' forms would."""
    place = Q() if division.pk == division.town_id else division.and_former()
    stages = reported_stages(division.town)
    if Parcel.objects.filter(place, town=division.town_id, year=year, kind__in=stages).exists():
        return True
    return any(kind.pk in stages for kind, _ in tasks_of(division, year))


def tasks_of(division: Division, year: int) -> list[tuple[Kind, str]]:
    """(kind, tranche) of the plan's flows in 亩, in the plan's order: those with a share here, else every leaf."""
    plan = Plan.objects.filter(town=division.town_id, year=year).first()
    if plan is None:
        return []
    targets = list(plan.targets.select_related("kind").order_by("order"))
    shared = set(
        plan.targets.filter(division.and_former("shares__division"), shares__amount__isnull=False).values_list(
            "pk", flat=True
        )
    )
    children = defaultdict(list)
    for target in targets:
        children[target.parent_id].append(target)
    wanted = [one for one in targets if one.pk in shared] or targets
    below = defaultdict(list)
    for kind in Kind.objects.exclude(parent=None):
        below[kind.parent_id].append(kind)
    found: dict[tuple[str, str], Kind] = {}
    for target in wanted:
        for leaf in leaves(target, children, shared):
            for kind in leaf_kinds(leaf.kind, below):
                found.setdefault((kind.pk, leaf.tranche), kind)
    return [(kind, tranche) for (_, tranche), kind in found.items()]


def leaves(target: Target, children: dict, shared: set) -> list[Target]:
    """The targets at the bottom below ``target``; where some of them are shared out themselves, only those."""
    if not children[target.pk]:
        return [target]
    below = [leaf for child in children[target.pk] for leaf in leaves(child, children, shared)]
    return [one for one in below if one.pk in shared] or below


def leaf_kinds(kind: Kind, below: dict[str, list[Kind]]) -> list[Kind]:
    found = [leaf for child in below.get(kind.pk, ()) for leaf in leaf_kinds(child, below)]
    return found or [kind]


@dataclass
class Account:
    """The steps of one work on one rung while they are added up."""

    area: Decimal = Decimal(0)
    last: Step | None = None


def said_by_work(works: list[Work]) -> dict:
    """By work and stage code: the sum of all steps, and day, crop and remark of the last one that still stands."""
    steps = list(
        Step.objects.filter(work__in=[work.pk for work in works], rung__is_reported=True, rung__level="")
        .select_related("rung", "by")
        .order_by("recorded_at", "pk")
    )
    dead = fallen(steps)
    accounts: dict = defaultdict(lambda: defaultdict(Account))
    for step in steps:
        account = accounts[step.work_id][step.rung.code]
        account.area += step.area_mu
        if step.reverses_id is None and step.pk not in dead:
            account.last = step
    return {
        work: {code: said(one) for code, one in by_stage.items() if one.area or one.last}
        for work, by_stage in accounts.items()
    }


def fallen(steps: list[Step]) -> set:
    """The steps that a later one reverses; a reversal that was itself reversed does not count."""
    dead: set = set()
    for step in reversed(steps):
        if step.pk not in dead and step.reverses_id:
            dead.add(step.reverses_id)
    return dead


def said(account: Account) -> Said:
    last = account.last
    if last is None or not account.area:
        return Said(account.area, by=str(last.by or "") if last else "", at=last.recorded_at if last else None)
    return Said(account.area, last.on, last.crop, last.note, str(last.by or ""), last.recorded_at)


def crops(town: Division) -> list[str]:
    return list(Term.objects.of("crop", town).values_list("label", flat=True))


def offices(town: Division, year: int, facts: Facts) -> list[tuple[str, str]]:
    """(task, lead office) of the tasks in the form: whom to ask."""
    kinds = {item.kind: item.task for item in facts.items}
    found = {}
    for kind, office in (
        Target.objects.filter(town=town, plan__year=year, lead_office__isnull=False)
        .order_by("order")
        .values_list("kind", "lead_office")
    ):
        found.setdefault(kind, office)
    names = dict(Office.objects.filter(pk__in=found.values()).values_list("pk", "name"))
    parents = dict(Kind.objects.values_list("code", "parent"))
    lines = [(task, names.get(found.get(kind) or found.get(parents.get(kind)))) for kind, task in kinds.items()]
    return [(task, office) for task, office in lines if office]
