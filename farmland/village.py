"""A village's page: what it has to do, how far it is, what came back. Figures as the recompute wrote them."""

from collections import defaultdict
from decimal import Decimal

from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.dashboard import cards
from farmland.lib.numbers import fixed
from parcels.models import Rung
from parcels.progress import Ladders
from tasks.issues import STATE_WORDS
from tasks.models import Issue, Progress, Submission, TownYear
from tasks.pages import division_in, town_page
from tasks.returns import open_returns
from tasks.views.issues import is_late

ZERO = Decimal(0)
TIERS = ("accepted", "evidenced", "planted", "ploughed", "planned")
UNSAFE = ("infeasible", "overdue")


@town_page
@require_safe
def village_detail(request, town_year: TownYear, code: str):
    """One village: what it has to do, how far it is, what was reported, accepted and given back."""
    division = division_in(request.user, town_year, code)
    user, year = request.user, town_year.year
    rows = Progress.objects.filter(town=town_year.town, year=year, division=division)
    rows = rows.select_related("target__kind", "target__plan").defer("target__plan__source").order_by("target__order")
    found = village_cards(town_year, list(rows), division)
    issues = list(
        Issue.objects.visible_to(user).filter(division__path__startswith=division.path, year=year).order_by("order")
    )
    for one in issues:
        one.is_late = not one.is_excluded and is_late(one.due_on, one.state, town_year.today())
        one.state_name = "不在范围" if one.is_excluded else STATE_WORDS.get(one.state, one.state)
    returns = open_returns(user, division, year)
    submissions = Submission.objects.visible_to(user).filter(division__path__startswith=division.path, year=year)
    page = {
        "town_year": town_year,
        "division": division,
        "cards": found,
        "verdict": verdict(found, issues, len(returns)),
        "returns": returns,
        "submissions": list(submissions.select_related("user")[:8]),
        "issues": issues,
        "may_report": user.can("report", division) and town_year.closed_on is None,
        "sees_whole": user.sees_whole(town_year.town),
    }
    return render(request, "dashboard/village.html", page)


def village_cards(town_year: TownYear, rows: list[Progress], division) -> list[dict]:
    """The dashboard's cards, each with its bar of stages; a card without a share shows its figures and no state."""
    rungs = defaultdict(dict)
    for rung in Rung.objects.all():
        rungs[rung.ladder_id][rung.code] = rung
    found = cards(rows, Ladders(town_year.town), division)
    for card in found:
        row = card["row"]
        card["has_share"] = row.amount is not None
        card["segments"] = [] if card["is_count"] else segments(row, rungs[row.target.kind.ladder_id])
    return found


def segments(row: Progress, rungs: dict[str, Rung]) -> list[tuple[str, Decimal]]:
    """(tier, area) from what is counted to what is only planned; what a lower level accepted counts as evidenced."""
    counted = next((one.rank for one in rungs.values() if one.level and one.level == row.target.level), None)
    areas = dict.fromkeys(TIERS, ZERO)
    for code, area in row.stages.items():
        rung = rungs.get(code)
        if rung is None or (rung.level and counted is not None and rung.rank >= counted):
            continue
        tier = "evidenced" if rung.level else rung.tier
        areas[tier if tier in areas else "planned"] += Decimal(area)
    areas["accepted"] = max(row.counted or ZERO, ZERO)
    return [(tier, area) for tier, area in areas.items() if area]


def verdict(found: list[dict], issues: list[Issue], returned: int) -> dict:
    """The one sentence of the page, and why, in figures."""
    shared = [card for card in found if card["has_share"]]
    left = [card for card in shared if card["row"].gap and card["row"].gap > 0 and not card["is_count"]]
    open_issues = [one for one in issues if not one.is_excluded and one.state not in Issue.CLOSED]
    late = sum(one.is_late for one in open_issues)
    why = [f"{card['name']}还差 {fixed(card['row'].gap)} 亩" for card in left]
    if open_issues:
        why.append(f"{len(open_issues)} 个问题没有销号{f'，其中 {late} 个逾期' if late else ''}")
    if returned:
        why.append(f"{returned} 项被退回")
    tone = "broken" if any(card["row"].state in UNSAFE for card in shared) else "risk" if late or returned else ""
    if any(card["row"].state == "at_risk" for card in shared):
        tone = tone or "risk"
    if not shared and not open_issues:
        text = "没有分村任务"
    elif why:
        text = f"还有 {len(left) + bool(open_issues)} 项没有完成" if left or open_issues else f"{returned} 项要补报"
    else:
        text = "任务都已完成"
    return {"tone": tone, "text": text, "why": "；".join(why)}
