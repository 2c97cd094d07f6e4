"""总览: are we safe? Everything on the page comes from rows the recompute wrote; no figure is computed here anew."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Max, Q
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from farmland.agenda import milestones, todo
from farmland.lib.numbers import fixed
from farmland.places.models import Division
from farmland.templatetags.words import STATES
from parcels.models import Kind
from parcels.progress import Ladders
from tasks.models import Plan, Progress, RedLineResult, Share, Submission, Target, TownYear
from tasks.pages import town_page
from tasks.red_lines import LINES, TIERS

ORDER = list(LINES)
SEVERITIES = ("error", "warning", "note")
LONG = 12  # villages from which the matrix is printed without its bars, so that all fits on two sheets
UNSAFE = ("infeasible", "overdue")


@town_page
@require_safe
def dashboard_town(request, town_year: TownYear):
    """总览 of a town and year; who answers for a part of the town only is led to that part."""
    if not request.user.sees_whole(town_year.town):
        own = Division.objects.visible_to(request.user).filter(town=town_year.town).first()
        return redirect("village_detail", town=town_year.town.slug, year=town_year.year, code=own.code)
    rows = list(_progress(town_year))
    plan = _plan(town_year)
    if plan is None:
        return render(request, "dashboard/no_plan.html", {"town_year": town_year})
    lines = red_line_rows(town_year)
    findings = {severity: getattr(plan, severity) for severity in SEVERITIES}
    ladders = Ladders(town_year.town)
    table = matrix(town_year, rows)
    page = {
        "plan": plan,
        "town_year": town_year,
        "year_end": year_end(town_year),
        "lines": lines,
        "assumptions": [line for line in lines if line["assumption"] and line["result"].margin is not None],
        "verdict": verdict(lines),
        "findings": findings,
        "cards": cards(rows, ladders, lines=lines),
        "matrix": table,
        "milestones": milestones(town_year, plan, rows),
        "todo": todo(town_year, lines, rows, findings, ladders=ladders, silent=silent_villages(table)),
    }
    return render(request, "dashboard/town.html", page)


def _progress(town_year: TownYear):
    return (
        Progress.objects.filter(town=town_year.town, year=town_year.year)
        .select_related("target__kind", "division")
        .order_by("target__order")
    )


def _plan(town_year: TownYear) -> Plan | None:
    """The plan, with the number of its findings that stand, by severity."""
    found = Plan.objects.filter(town=town_year.town, year=town_year.year).defer("source")
    standing = {one: Count("findings", filter=Q(findings__severity=one, findings__waived=False)) for one in SEVERITIES}
    return found.annotate(**standing).first()


def year_end(town_year: TownYear) -> tuple[date, int]:
    """The reference day of the assessment (31 December) and how many days are left."""
    last = date(town_year.year, 12, 31)
    return last, (last - town_year.today()).days


def red_line_rows(town_year: TownYear) -> list[dict]:
    found = RedLineResult.objects.filter(town=town_year.town, year=town_year.year).select_related("red_line")
    rows = sorted(found, key=lambda one: ORDER.index(one.line) if one.line in ORDER else len(ORDER))
    return [_red_line(one) for one in rows]


def _red_line(one: RedLineResult) -> dict:
    pending = [(tier, Decimal(one.tiers[tier]["area"] or 0)) for tier in TIERS if tier in one.tiers]
    dead = Decimal(one.tiers.get("dead", {}).get("area") or 0)
    planned = one.tiers.get("planned", {}).get("margin")
    is_count = one.unit != "mu"
    is_stock = one.line in ("retention", "pbf")
    short = -one.margin if one.margin is not None and one.margin < 0 else None
    segments = [pair for pair in pending if pair[1] and not (is_stock and pair[0] == "accepted")]
    if dead:
        segments.append(("dead", dead))
    return {
        "result": one,
        "name": LINES[one.line],
        "assumption": one.red_line.assumption if one.red_line else "",
        "segments": segments,
        "bar_target": (short if is_stock else one.target) if one.margin is not None else None,
        "bar_label": _bar_label(one, short, is_stock),
        "is_count": is_count,
        "is_stock": is_stock,
        "feeds": one.red_line.feeds if one.red_line else [],
        "done": int(Decimal(one.tiers["accepted"]["area"] or 0)) if is_count and one.tiers else 0,
        "total": int(one.actual + Decimal(one.tiers["accepted"]["area"] or 0)) if is_count and one.tiers else 0,
        "best": Decimal(planned) if planned is not None and short is not None and not is_count else None,
        "tone": _tone(one),
    }


def _bar_label(one: RedLineResult, short: Decimal | None, is_stock: bool) -> str:
    if one.margin is None:
        return ""
    if is_stock:
        return f"还需 {fixed(short)}" if short else ""
    return f"任务 {fixed(one.target)}"


def _tone(one: RedLineResult) -> str:
    if one.margin is None or one.margin >= 0:
        return ""
    return "broken" if one.state in UNSAFE else "risk"


def verdict(lines: list[dict]) -> dict:
    """The one sentence a mayor reads: safe, at risk, not safe; and why, in figures."""
    broken = [line for line in lines if line["result"].state in UNSAFE]
    risky = [line for line in lines if line["result"].state == "at_risk"]
    silent = [line for line in lines if line["result"].state == "no_data"]
    reasons = [f"{line['name']}：{line['result'].reason}" for line in (*broken, *risky) if line["result"].reason]
    parts = []
    if broken:
        parts.append(f"{len(broken)} 条守不住")
    if risky:
        parts.append(f"{len(risky)} 条有风险")
    if silent:
        parts.append(f"{len(silent)} 条没有数据")
    tone = "broken" if broken else "risk" if risky or silent else ""
    word = "不安全" if broken else "有风险" if risky else "数据不全" if silent else "安全"
    text = f"五条红线 {'，'.join(parts)}" if parts else "五条红线都守得住"
    if silent and not broken and not risky:
        reasons = [f"{line['name']}：{line['result'].reason}" for line in silent[:2]]
    return {"tone": tone, "word": word, "text": text, "why": "；".join(reason.rstrip("。") for reason in reasons[:3])}


def cards(rows: list[Progress], ladders: Ladders, division: Division | None = None, lines=()) -> list[dict]:
    """A card for every target that is worked off; children of the same kind (tranches) are notes of their parent.

    ``lines``: the red lines; a card says when the line its work feeds is out of reach.
    """
    unsafe = {
        kind: line for line in lines if line["result"].state in UNSAFE and line["feeds"] for kind in line["feeds"]
    }
    chosen = [one for one in rows if one.division_id == (division and division.pk)]
    found = []
    for one in chosen:
        target = one.target
        if target.kind.nature == Kind.STOCK or target.tranche or _is_silent(one):
            continue
        leaf = ladders.leaves(target.kind_id)[0]
        found.append(
            {
                "row": one,
                "name": str(target.kind),
                "ladder": _levels(one, ladders, leaf),
                "notes": [
                    *_notes(one, chosen, ladders.level_names),
                    *_line_note(unsafe.get(target.kind_id), target.kind_id),
                ],
                "is_count": one.unit != "mu",
                "has_share": one.amount is not None or one.unit != "mu",
            }
        )
    return found


def _line_note(line: dict | None, kind: str) -> list[str]:
    """What a red line says of the work that feeds it; a line of the kind itself says so in its own card."""
    if line is None or line["result"].line == kind:
        return []
    return [f"计入的红线“{line['name']}”：{line['result'].reason.rstrip('。')}"]


def _levels(one: Progress, ladders: Ladders, kind: str) -> list[dict]:
    if one.unit != "mu":
        return []
    counted = one.target.level
    rows = []
    for rung in ladders.rungs(kind):
        if rung.level:
            area = one.counted if rung.level == counted else Decimal(one.reached.get(rung.code, "0"))
            rows.append({"label": ladders.level_names[rung.level], "area": area, "counted": rung.level == counted})
    return rows


def _notes(one: Progress, rows: list[Progress], names: dict) -> list[str]:
    target, notes = one.target, []
    if not target.counted_level and one.unit == "mu":
        notes.append(f"方案没有写认定层级，按{names.get(target.level, target.level)}计")
    parts = [row for row in rows if row.target.parent_id == target.pk]
    if parts:
        joined = " + ".join(
            f"{row.target.tranche or row.target.kind} {fixed(row.amount)}" for row in parts if row.amount
        )
        whole = f"{fixed(one.amount)} = " if one.amount is not None else "分项："  # a split may name the parts only
        notes.append(f"{whole}{joined}" if joined else "")
    if target.selected and one.division_id is None and one.amount:
        notes.append(f"选定 {fixed(target.selected)}，任务占 {fixed(one.amount / target.selected * 100)}%")
    if one.potential is not None:
        notes.append(f"潜力 {fixed(one.potential)} 亩")
    if one.reason:
        notes.insert(0, one.reason)
    return [note for note in notes if note]


@dataclass(frozen=True)
class Column:
    target: Target
    unit: str
    due: date | None
    whole: Progress


def matrix(town_year: TownYear, rows: list[Progress]) -> dict:
    """Villages × kinds: the leaf targets that are worked off, each village that has a share or facts.

    What a village had that has ended stands in the row of what no village has.
    """
    leaves = [one for one in rows if one.division_id is None and _is_column(one, rows)]
    columns = [Column(one.target, one.unit, one.target.due_on, one) for one in leaves]
    cells: dict = defaultdict(dict)
    for one in rows:
        if one.division_id:
            cells[one.division_id][one.target_id] = one
    shares = Share.objects.filter(target__in={one.target_id for one in rows}).order_by("target__order", "order")
    order = {division: number for number, division in enumerate(shares.values_list("division", flat=True))}
    today = town_year.today()
    divisions = {one.division_id: one.division for one in rows if one.division_id and one.division.is_alive(today)}
    latest = dict(
        Submission.objects.filter(town=town_year.town, year=town_year.year, state="applied")
        .values_list("division")
        .annotate(last=Max("submitted_at"))
    )
    ordered = sorted(divisions.values(), key=lambda one: (order.get(one.pk, 9999), one.path))
    body = [
        {
            "division": division,
            "cells": [_cell(cells[division.pk].get(column.target.pk)) for column in columns],
            "reported_at": latest.get(division.pk),
        }
        for division in ordered
    ]
    return {
        "columns": columns,
        "rows": body,
        "rest": _rest(columns, divisions, cells) if body else [],
        "totals": [_cell(column.whole) for column in columns],
        "is_narrow": len(columns) <= 6,
        "is_long": len(body) > LONG,
        "states": _states(body),
    }


def _states(body: list[dict]) -> list[str]:
    """The states that occur in the cells, in the order of the shapes' own table: what the legend explains."""
    there = {cell["state"] for row in body for cell in row["cells"] if cell}
    return [state for state in STATES if state in there]


def _rest(columns: list[Column], divisions: dict, cells: dict) -> list[dict]:
    """What the whole town has beyond its divisions, by column; nothing when all of it is split."""
    every = list(divisions.values())
    top = [one for one in every if not any(other.contains(one) for other in every if other.pk != one.pk)]
    found = []
    for column in columns:
        parts = [_cell(cells[one.pk][column.target.pk]) for one in top if column.target.pk in cells[one.pk]]
        counted = sum((one["row"].counted or Decimal(0) for one in parts), Decimal(0))
        counted = (column.whole.counted or Decimal(0)) - counted
        split = sum((one["amount"] for one in parts if one["amount"] is not None), Decimal(0))
        amount = None if column.whole.amount is None else column.whole.amount - split
        found.append({"counted": counted, "amount": amount, "unit": column.unit})
    return found if any(one["counted"] or one["amount"] for one in found) else []


def silent_villages(table: dict) -> list[Division]:
    """The villages with a task of their own that have not reported this year."""
    return [
        row["division"]
        for row in table["rows"]
        if row["reported_at"] is None and any(cell and cell["amount"] for cell in row["cells"])
    ]


def _is_column(one: Progress, rows: list[Progress]) -> bool:
    target = one.target
    if target.kind.nature == Kind.STOCK or target.tranche or _is_silent(one):
        return False
    return not any(row.target.parent_id == target.pk and not row.target.tranche for row in rows)


def _is_silent(one: Progress) -> bool:
    """A task without a figure that nobody has begun: the plan page names it, the dashboard has nothing to show."""
    return one.amount is None and not one.planned and not one.counted


def _cell(one: Progress | None) -> dict | None:
    if one is None:
        return None
    done = max((Decimal(one.reached.get(code, "0")) for code in ("planted", "rectified")), default=Decimal(0))
    amount = one.planned if one.amount is None and one.unit != "mu" else one.amount
    state = "" if one.state == "on_track" and not amount else one.state  # nothing asked: nothing to be on track with
    return {"row": one, "state": state, "amount": amount, "done": max(done, one.counted or Decimal(0))}
