"""C04, C07, C08, C21, C22: areas inside areas, tasks against what the land can give, targets without an owner."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from tasks.check.case import Case, figure, number
from tasks.check.registry import Remark, error, note, rule, warning
from tasks.plan.document import LedgerRowDoc, SplitDoc, TargetDoc

THIN = Fraction(10, 100)  # the margin below which C07 warns
DISTRIBUTED = {"flow", "open"}  # natures of kinds that are shared out to villages


@rule(
    "C04",
    "部分大于整体",
    explanation="台账每行应当永久基本农田 ≤ 耕地 ≤ 图斑面积。永久基本农田大于图斑面积是错误，其余须说明。",
)
def part_above_whole(case: Case) -> Iterator[Remark]:
    for ledger, row in case.rows():
        area, cultivated, pbf = number(row.area), number(row.cultivated), number(row.pbf)
        faults = [
            f"{part_name}{figure(part)}大于{whole_name}{figure(whole)}，超出{case.amount(part - whole, ledger.unit)}"
            for part_name, part, whole_name, whole in (
                ("永久基本农田", pbf, "图斑面积", area),
                ("永久基本农田", pbf, "耕地", cultivated),
                ("耕地", cultivated, "图斑面积", area),
            )
            if part is not None and whole is not None and part > whole
        ]
        if faults:
            make = error if pbf is not None and area is not None and pbf > area else warning
            place = case.row_place(ledger, row)
            stated = f"图斑{row.area}，耕地{row.cultivated}，永农{row.pbf}"
            found = "；".join(faults)
            yield make(place, ledger.clause, stated, found, f"{place}（{row.location}）{found}，请核对三个面积。")


@rule(
    "C07",
    "任务超过潜力或余量不足",
    explanation="各村任务不应超过其潜力，指标不应超过预计能完成的面积和选取的图斑面积；余量不足 10% 的，须有备选。",
)
def task_above_potential(case: Case) -> Iterator[Remark]:
    for split, target, row in case.shares():
        if row.amount is not None and row.potential is not None:
            place = f"{split.clause}·{case.target_name(target)}·{row.division}"
            yield from _margin(
                case, place, row.clause or split.clause, row.division, row.amount, row.potential, target
            )
    for target in case.doc.targets:
        if target.amount is not None and target.expected is not None and target.comparison != "lte":
            place = f"{case.target_place(target)}·预计"
            name = case.target_name(target)
            yield from _margin(case, place, target.clause, name, target.amount, target.expected, target, "预计完成")
        if target.amount is not None and target.selected is not None and target.selected < target.amount:
            place = f"{case.target_place(target)}·选取"
            name = case.target_name(target)
            yield from _margin(case, place, target.clause, name, target.amount, target.selected, target, "选取图斑")


def _margin(case: Case, place: str, clause: str, name: str, task: Decimal, offer: Decimal, target, offered="潜力"):
    """An error when the task exceeds what is offered, a warning when less than a tenth is to spare."""
    unit, left = target.unit, offer - task
    chosen = f"（已选取{case.amount(target.selected, unit)}）" if target.selected and offered == "预计完成" else ""
    stated = f"任务{figure(task)}，{offered}{case.amount(offer, unit)}"
    if left < 0:
        message = f"{name}任务{case.amount(task, unit)}超过{offered}{case.amount(offer, unit)}"
        short = f"缺{case.amount(-left, unit)}"
        yield error(place, clause, stated, short, f"{message}，{short}，请调整任务或补充图斑。")
    elif task > 0 and Fraction(left) / Fraction(task) < THIN:
        share = f"余量{figure(Fraction(left) / Fraction(task) * 100, 2)}%"
        message = f"{name}任务{case.amount(task, unit)}，{offered}{case.amount(offer, unit)}"
        yield warning(place, clause, stated, share, f"{message}，{share}，不足 10%{chosen}，请准备备选图斑或说明。")


@rule(
    "C08",
    "指标没有分解到村",
    explanation="要靠各村完成的指标，应当有分解表或台账写明每个村的任务；同一类任务只提示一次。",
)
def target_without_village(case: Case) -> Iterator[Remark]:
    owned = {target.key for _, target, row in case.shares() if row.amount is not None}
    kinds = {ledger.kind for ledger, row in case.rows() if row.responsible}
    for target in case.doc.targets:
        kind = case.dictionary.kinds_by_code.get(target.kind)
        if kind is None or kind.nature not in DISTRIBUTED or not target.amount or target.kind in kinds:
            continue
        if _root_of_kind(case, target) is target and not _owned(case, target, owned) and _is_last(case, target):
            amount = case.amount(target.amount, target.unit)
            yield warning(
                case.target_place(target),
                target.clause,
                f"{case.target_name(target)}{amount}",
                "没有一个村的任务数",
                f"{case.target_name(target)}{amount}没有分解到村，{_who(case, target)}请补充任务分解表。",
            )


def _who(case: Case, target: TargetDoc) -> str:
    names = target.responsible or [
        duty.holder for duty in case.doc.duties if duty.target == target.key and duty.holder_kind == "villages"
    ]
    return f"只写了责任单位“{'、'.join(dict.fromkeys(names))}”，" if names else ""


def _root_of_kind(case: Case, target: TargetDoc) -> TargetDoc:
    """The highest target above of the same kind: tranches are reported once, at their root."""
    while (parent := case.targets.get(target.parent)) and parent.kind == target.kind and parent is not target:
        target = parent
    return target


def _is_last(case: Case, target: TargetDoc) -> bool:
    """Whether no target of another kind stands below: a parent of kinds is shared out through its children."""
    children = case.children(target)
    return all(child.kind == target.kind and _is_last(case, child) for child in children)


def _owned(case: Case, target: TargetDoc, owned: set[str]) -> bool:
    return target.key in owned or any(_owned(case, child, owned) for child in case.children(target))


@rule(
    "C21",
    "小于最小上图面积",
    explanation="小于国土调查最小上图面积的图斑，整改后也可能不单独上图。最小面积按地面现状取自字典。",
)
def below_mapping_unit(case: Case) -> Iterator[Remark]:
    for ledger, row in case.rows():
        area = number(row.area)
        least, name, basis = _least(case, row)
        if area is None or least is None or case.base(ledger.unit) != "mu":
            continue
        if 0 < case.in_base(area, ledger.unit) < least:
            place = case.row_place(ledger, row)
            found = f"{name}最小上图面积{case.amount(least, 'mu')}"
            message = f"{place}图斑面积{case.amount(area, ledger.unit)}，小于{found}（{basis}），可能不单独上图。"
            yield note(place, ledger.clause, case.amount(area, ledger.unit), found, message)


def _least(case: Case, row: LedgerRowDoc) -> tuple[Decimal | None, str, str]:
    """The smallest area mapped for what stands on the ground, its class and the standard that says so."""
    state = case.dictionary.term("ground_state", row.use) if row.use else None
    unit = case.dictionary.term("mapping_unit", (state.attrs or {}).get("mapping_unit", "")) if state else None
    if unit is None:
        return None, "", ""
    attrs = unit.attrs or {}
    least = attrs.get("minimum_mu")
    return Decimal(least) if least else None, unit.label, attrs.get("basis", "")


@rule(
    "C22",
    "指标无法完成",
    explanation="方案自己写明最多能完成的面积，或者各村潜力合计、扣除无法整改的面积之后，达不到指标的，须报上级调整。",
)
def target_out_of_reach(case: Case) -> Iterator[Remark]:
    for target in case.doc.targets:
        most, why = _reachable(case, target)
        if target.amount is None or most is None or target.comparison == "lte" or most >= target.amount:
            continue
        missing = target.amount - most
        share = figure(Fraction(missing) / Fraction(target.amount) * 100, 2)
        unit = target.unit
        yield warning(
            case.target_place(target),
            target.clause,
            f"任务{case.amount(target.amount, unit)}",
            f"最多{case.amount(most, unit)}，差{case.amount(missing, unit)}",
            f"{case.target_name(target)}任务{case.amount(target.amount, unit)}，{why}，最多能完成"
            f"{case.amount(most, unit)}，差{case.amount(missing, unit)}（{share}%），请报上级核减或另行补足。",
        )


def _reachable(case: Case, target: TargetDoc) -> tuple[Decimal | None, str]:
    """The most that can be done and why: the plan's own word, else the villages' potential, less what is blocked."""
    if target.maximum is not None:
        return target.maximum, f"方案写明{target.maximum_reason.rstrip('。') or '实际能完成的有限'}"
    blocked = sum(entry.amount for entry in case.doc.entries if _blocks(entry, target))
    potential = [_potential(case, split) for split in case.doc.splits if split.target == target.key]
    known = [value for value in potential if value is not None]
    if known:
        minus = f"扣除无法整改的{case.amount(blocked, target.unit)}" if blocked else ""
        return sum(known) - blocked, f"潜力{case.amount(sum(known), target.unit)}{minus}"
    if blocked and target.amount is not None:
        offer = target.selected if target.selected is not None else target.amount
        return offer - blocked, f"其中{case.amount(blocked, target.unit)}无法整改"
    return None, ""


def _potential(case: Case, split: SplitDoc) -> Decimal | None:
    """The potential of all villages: as printed, else the sum when every row has one."""
    values = [row.potential for row in case.subtotals(split, "potential").get(-1, [])]
    if split.printed_potential is not None or None in values:
        return split.printed_potential
    return sum(values, Decimal(0))


def _blocks(entry, target: TargetDoc) -> bool:
    return entry.role == "blocked" and entry.target == target.key and entry.amount is not None
