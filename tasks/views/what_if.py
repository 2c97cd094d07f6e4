"""推演: if everything down to a tier of certainty is accepted, do the five lines hold?

Every figure comes from rows the recompute wrote; a hidden risk (隐患) is shown beside and taken off only when asked.
"""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

from django.db.models import Sum
from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.lib.numbers import fixed, plain, signed
from parcels.models import Kind, Work
from tasks.check.case import Case
from tasks.models import Entry, Plan, Progress, RedLineResult, TownYear
from tasks.pages import town_page
from tasks.plan.document import RungDoc
from tasks.red_lines import LINES, TIER_NAMES, TIERS
from tasks.views.common import case_of, no_plan, plan_of, questions

ZERO = Decimal(0)
FURTHEST = TIERS[-1]


@town_page(whole=True)
@require_safe
def what_if(request, town_year: TownYear):
    """``?tier=planned`` picks the tier, ``?at_risk=1`` takes the hidden risks off; what is not known is ignored."""
    plan = plan_of(town_year)
    if plan is None:
        return no_plan(request, town_year)
    asked = request.GET.get("tier", "")
    tier = asked if asked in TIERS else FURTHEST
    deduct = request.GET.get("at_risk") == "1"
    case = case_of(plan)
    risks, blocked = _entries(plan, case)
    lines = [_line(one, tier, risks if deduct else {}) for one in _results(town_year)]
    page = {
        "town_year": town_year,
        "plan": plan,
        "tier": tier,
        "tier_name": TIER_NAMES[tier],
        "deduct": deduct,
        "choices": [_choice(lines, one) for one in TIERS],
        "lines": lines,
        "verdict": verdict(lines, tier),
        "kinds": _kinds(plan, case, tier),
        "tier_names": [(one, TIER_NAMES[one]) for one in TIERS],
        "risks": [entry for entries in risks.values() for entry in entries],
        "blocked": blocked,
        "questions": questions(case),
    }
    return render(request, "tasks/_what_if.html" if request.htmx else "tasks/what_if.html", page)


def _results(town_year: TownYear) -> list[RedLineResult]:
    rows = RedLineResult.objects.filter(town=town_year.town, year=town_year.year)
    order = list(LINES)
    return sorted(rows.select_related("red_line__target__kind"), key=lambda one: order.index(one.line))


def _entries(plan: Plan, case: Case) -> tuple[dict, list[Entry]]:
    """The plan's hidden risks by target, and what it says cannot be done."""
    risks, blocked = defaultdict(list), []
    found = Entry.objects.filter(target__plan=plan, role__in=["at_risk", "blocked"]).select_related("target__kind")
    for one in found.order_by("target__order", "order"):
        one.clause_name = case.clause(one.clause)
        if one.role == "at_risk":
            risks[one.target_id].append(one)
        else:
            blocked.append(one)
    return dict(risks), blocked


def _line(one: RedLineResult, tier: str, risks: dict) -> dict:
    target = one.red_line.target if one.red_line else None
    entries = risks.get(target.pk, []) if target else []
    off = sum((entry.amount for entry in entries), ZERO)
    known = one.margin is not None
    margins = {name: Decimal(one.tiers[name]["margin"]) - off for name in TIERS} if known else {}
    pending = sum((_area(one, name) for name in TIERS[1 : TIERS.index(tier) + 1]), ZERO)
    is_count = one.unit != "mu"
    return {
        "result": one,
        "name": LINES[one.line],
        "is_count": is_count,
        "assumption": one.red_line.assumption if one.red_line else "",
        "margin": margins.get(tier),
        "margins": [{"tier": name, "margin": margins[name], "picked": name == tier} for name in TIERS]
        if known
        else [],
        "sentence": _sentence(one, pending, off, margins.get(tier)),
        "segments": _segments(one, tier),
        "bar_target": _bar_target(one) if known and not is_count else None,
        "bar_label": _bar_label(one) if known and not is_count else "",
        "done": int(_area(one, "accepted")) if is_count else 0,
        "total": int(one.actual + _area(one, "accepted")) if is_count and known else 0,
        "turns": _turns(margins) if known and one.margin < 0 else "",
    }


def _area(one: RedLineResult, tier: str) -> Decimal:
    return Decimal(one.tiers.get(tier, {}).get("area") or 0)


def _is_stock(one: RedLineResult) -> bool:
    return bool(one.red_line and one.red_line.target and one.red_line.target.kind.nature == Kind.STOCK)


def _sentence(one: RedLineResult, pending: Decimal, off: Decimal, margin: Decimal | None) -> str:
    """The formula with its figures, down to the margin at the tier."""
    if margin is None:
        return one.formula
    if one.unit != "mu":
        return f"{one.shown}；问题须逐个销号，不随档位变化"
    if _is_stock(one):
        is_sum = sum(1 for part in one.parts if Decimal(part["amount"])) > 1
        head = f"{one.shown} = {fixed(one.actual)}；{fixed(one.actual)}" if is_sum else one.shown
    else:
        head = f"已认定 {fixed(one.actual)}"
    more = f" + 待认定 {fixed(pending)}" if pending else ""
    less = f" − 隐患 {fixed(off)}" if off else ""
    return f"{head}{more}{less} − 目标 {fixed(one.target)} = {signed(margin)}"


def _segments(one: RedLineResult, tier: str) -> list[tuple[str, Decimal]]:
    chosen = TIERS[: TIERS.index(tier) + 1]
    areas = [(name, _area(one, name)) for name in chosen if not (_is_stock(one) and name == "accepted")]
    return [*areas, ("dead", _area(one, "dead"))]


def _bar_target(one: RedLineResult) -> Decimal | None:
    if not _is_stock(one):
        return one.target
    return -one.margin if one.margin < 0 else None


def _bar_label(one: RedLineResult) -> str:
    if not _is_stock(one):
        return f"任务 {fixed(one.target)}"
    return f"还需 {fixed(-one.margin)}" if one.margin < 0 else ""


def _turns(margins: dict[str, Decimal]) -> str:
    """From which tier on the line holds."""
    first = next((tier for tier in TIERS if margins[tier] >= 0), None)
    if first is None:
        return "各档都守不住"
    return f"“{TIER_NAMES[first]}”起守得住"


def _choice(lines: list[dict], tier: str) -> dict:
    known = [
        {row["tier"]: row["margin"] for row in line["margins"]}
        for line in lines
        if line["margins"] and not line["is_count"]
    ]
    held = sum(1 for margins in known if margins[tier] >= 0)
    return {"tier": tier, "name": TIER_NAMES[tier], "held": held, "known": len(known)}


def verdict(lines: list[dict], tier: str) -> dict:
    """The one sentence: do we hold at this tier, which lines do not, and by how much."""
    counts = [line for line in lines if line["is_count"] and line["margin"] is not None]  # no tier moves them
    known = [line for line in lines if line["margin"] is not None and not line["is_count"]]
    short = [line for line in known if line["margin"] < 0]
    silent = [line["name"] for line in lines if line["margin"] is None]
    head = "只算已认定的" if tier == TIERS[0] else f"做到“{TIER_NAMES[tier]}”的全部认定后"
    if not known:
        why = ["方案没有给出现状数据", *(f"{line['name']}{_short(line)}" for line in counts if line["margin"] < 0)]
        return _said("risk", "算不出", f"{head}，按亩计的红线都没有数据", why)
    whys = [f"{line['name']}{_short(line)}" for line in short]
    whys += [f"{line['name']}余 {fixed(line['margin'])} 亩" for line in known if line["margin"] > 0]
    whys += [f"{line['name']}{_short(line)}，须逐个销号，不随档位变化" for line in counts if line["margin"] < 0]
    whys += [f"{'、'.join(silent)}没有数据，算不出"] if silent else []
    if short:
        held = len(known) - len(short)
        return _said("broken", "守不住", f"{head}，{len(short)} 条守不住，{held} 条守得住", whys)
    which = f"有数据的 {len(known)} 条" if silent else f"{len(known)} 条"
    return _said("risk" if silent else "", "守得住", f"{head}，{which}都守得住", whys)


def _said(tone: str, word: str, text: str, whys: list[str]) -> dict:
    return {"tone": tone, "word": word, "text": text, "why": f"{'；'.join(whys)}。" if whys else ""}


def _short(line: dict) -> str:
    if line["is_count"]:
        return f"还有 {plain(-line['margin'])} 个未销号"
    return f"差 {fixed(-line['margin'])} 亩"


# By kind: what each tier adds, as the red lines count it


def _kinds(plan: Plan, case: Case, tier: str) -> list[dict]:
    rows = Progress.objects.filter(town=plan.town, year=plan.year, division=None, unit="mu", tranche="")
    rows = list(rows.select_related("target__kind").order_by("target__order"))
    parents = {row.target.kind.parent_id for row in rows}
    leaves = [row for row in rows if row.target.kind.nature == Kind.FLOW and row.kind_id not in parents]
    if not leaves:
        return []
    exits = Work.objects.filter(town=plan.town, year=plan.year, exit="blocked").order_by()
    dead = dict(exits.values_list("kind").annotate(area=Sum("area_mu")))
    return [_kind(row, _rungs(case, row.kind_id), dead.get(row.kind_id) or ZERO, tier) for row in leaves]


def _rungs(case: Case, kind: str) -> list[RungDoc]:
    """The rungs the kind climbs in this town, lowest first, as its dictionary and plan have them."""
    own = (case.doc.town_ladders or {}).get(kind) or case.dictionary.kinds_by_code[kind].ladder
    return case.dictionary.ladders_by_code[own].rungs


def _kind(row: Progress, rungs: list[RungDoc], dead: Decimal, tier: str) -> dict:
    reached, dead = _reached(row, rungs, dead)
    areas = {TIERS[0]: reached[TIERS[0]]}
    for surer, name in pairwise(TIERS):
        areas[name] = max(reached[name] - reached[surer], ZERO)
    chosen = TIERS[: TIERS.index(tier) + 1]
    total = sum((areas[name] for name in chosen), ZERO)
    return {
        "row": row,
        "areas": [{"tier": name, "area": areas[name], "picked": name in chosen} for name in TIERS],
        "segments": [*((name, areas[name]) for name in chosen), ("dead", dead)],
        "dead": dead,
        "total": total,
        "gap": None if row.amount is None else total - row.amount,
    }


def _reached(row: Progress, rungs: list[RungDoc], dead: Decimal) -> tuple[dict[str, Decimal], Decimal]:
    """Area that reached each tier or further, and what cannot be done (as red_lines, from stored rows)."""
    level = row.target.level
    counted = next((rank for rank, rung in enumerate(rungs) if rung.level == level), len(rungs))
    reached = {TIERS[0]: row.counted or ZERO}
    for name in TIERS[1:]:
        lowest = next((rank for rank, rung in enumerate(rungs) if rung.tier == name), len(rungs))
        rank = min(lowest, counted)
        reached[name] = Decimal(row.reached.get(rungs[rank].code, 0)) if rank < len(rungs) else ZERO
    if row.amount is not None:
        maximum = row.target.maximum
        possible = row.amount if maximum is None else min(row.amount, maximum)
        reached[FURTHEST] = max(reached[FURTHEST], possible - dead)
        dead += max(row.amount - possible, ZERO)
    return reached, dead
