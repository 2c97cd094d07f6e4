"""What is due: the dated steps of the plan on the year's line, and 今天要我办. Read from rows the recompute wrote."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Exists, Min, OuterRef, Q, Value
from django.urls import reverse

from farmland.lib.numbers import fixed
from farmland.places.models import Division
from parcels.models import EvidenceOutcome
from parcels.progress import Ladders
from tasks.models import Issue, Milestone, Plan, Progress, TownYear
from tasks.waiting import to_accept

SOON = timedelta(days=30)
SHOWN = 4


def milestones(town_year: TownYear, plan: Plan, rows: list[Progress]) -> list[dict]:
    """The dated steps of the plan with how each stands: passed and reached, passed and missed, still to come."""
    whole = {one.target_id: one for one in rows if one.division_id is None}
    found = []
    if plan.issued_on:
        found.append({"on": plan.issued_on, "title": "方案印发", "state": "met", "note": ""})
    dated = Milestone.objects.filter(plan=plan, ends_on__lt=date(town_year.year + 2, 1, 1), steps=None)
    targets: dict = defaultdict(list)
    for *one, target in dated.order_by("order").values_list("pk", "name", "ends_on", "rung", "targets"):
        targets[tuple(one)] += [target] if target else []
    for (_, name, on, rung), asked in targets.items():
        found.append({"on": on, "title": name, **standing(on, rung, asked, whole, town_year.today())})
    found.append({"on": date(town_year.year, 12, 31), "title": "国土变更统一时点", "state": "", "note": ""})
    return sorted(found, key=lambda one: one["on"])


def standing(on: date, rung: str, targets: list, whole: dict[UUID, Progress], today: date) -> dict:
    """How a step stands by the area that has reached its stage, or by the problems still open.

    A step without a stage (a tender, a meeting) is nothing an area could tell.
    """
    rows = [whole[target] for target in targets if target in whole and whole[target].amount is not None]
    counts = [row for row in rows if row.unit != "mu"]
    if not rows or (not rung and not counts):
        return {"state": "", "note": "已过日期，完成情况未登记" if targets and on < today else ""}
    short = sum((_short(row, rung) for row in rows), Decimal(0))
    if not short:
        return {"state": "met", "note": "已完成"}
    words = f"{fixed(short, 0)} 个" if len(counts) == len(rows) else f"{fixed(short)} 亩"
    if on < today:
        return {"state": "at_risk", "note": f"逾期 {words}"}
    return {"state": "at_risk" if on - today <= SOON else "", "note": f"还差 {words}"}


def _short(row: Progress, rung: str) -> Decimal:
    is_area = rung and row.unit == "mu"
    reached = Decimal(row.reached.get(rung, "0")) if is_area else row.counted or Decimal(0)
    return max(row.amount - reached, Decimal(0))


def todo(
    town_year: TownYear,
    lines: list[dict],
    rows: list[Progress],
    findings: dict,
    *,
    ladders: Ladders,
    silent: list[Division],
) -> list[dict]:
    """今天要我办: what is late, what waits for a decision, who has not reported; each leads to its rows."""
    where = {"town": town_year.town.slug, "year": town_year.year}
    found = [
        _item(
            f"{line['name']}够不着，须报调整申请", line["result"].reason, reverse("what_if", kwargs=where), late=True
        )
        for line in lines
        if line["result"].state == "infeasible"
    ]
    behind = _behind(town_year)
    found += _late_issues(town_year, lines, *behind["late"], f"{reverse('issue_list', kwargs=where)}?state=overdue")
    found += _waiting(rows, ladders, reverse("acceptance_list", kwargs=where))
    found += _sent_back(*behind["back"], reverse("phone_home", kwargs=where))
    here = [one for one in rows if one.division_id and one.division.is_alive(town_year.today())]
    missed = [one.division for one in here if one.state == "at_risk"]
    found += _villages("个村有节点没赶上", missed, "#h-matrix")
    found += _villages("个村还没有填报", silent, reverse("form_home", kwargs=where))
    beyond = [one.division for one in here if one.state == "infeasible"]
    found += _villages("个村任务超过潜力", beyond, "#h-matrix")
    if open_findings := findings["error"] + findings["warning"]:
        text = f"错误 {findings['error']}，警告 {findings['warning']}"
        found.append(_item(f"方案体检 {open_findings} 条待答复", text, reverse("plan_check", kwargs=where)))
    return found


def _item(title: str, text: str, url: str, *, late: bool = False) -> dict:
    return {"title": title, "text": text, "url": url, "late": late}


def _late_issues(town_year: TownYear, lines: list[dict], count: int, first: date | None, url: str) -> list[dict]:
    """Problems past their date; where the plan says some are closed without naming the row, no more than are open."""
    if not count:
        return []
    text = f"最早的已过 {(town_year.today() - first).days} 天"
    open_ones = next((line["result"].actual for line in lines if line["is_count"] and line["result"].actual), None)
    if open_ones is not None and open_ones < count:
        text = f"台账有 {count} 行未销号，方案说已销 {count - int(open_ones)} 个而未指明；{text}"
        count = int(open_ones)
    return [_item(f"{count} 个问题过了整改时限", text, url, late=True)]


def _waiting(rows: list[Progress], ladders: Ladders, url: str) -> list[dict]:
    """Evidenced area of villages that no acceptance has counted yet."""
    found = to_accept(rows, ladders)
    if not found:
        return []
    area = sum((one.evidenced for one in found), Decimal(0))
    kinds = "、".join(dict.fromkeys(str(one.target.kind) for one in found))
    words = f"{fixed(area)} 亩" if len({one.target.pk for one in found}) == 1 else kinds
    return [_item(f"{len(found)} 项已举证，待验收", words, url)]


def _sent_back(count: int, first: date | None, url: str) -> list[dict]:
    if not count:
        return []
    return [_item(f"{count} 个图斑的举证被退回", f"最早的退回于 {first:%Y-%m-%d}，补拍或整改后重新举证", url)]


def _behind(town_year: TownYear) -> dict[str, tuple[int, date | None]]:
    """(how many, since when) of problems past their date and of parcels whose evidence came back last. One query."""
    year = {"town": town_year.town, "year": town_year.year}
    late = Issue.objects.filter(**year, due_on__lt=town_year.today()).exclude(state__in=Issue.CLOSED)
    newer = EvidenceOutcome.objects.filter(parcel=OuterRef("parcel"), level=OuterRef("level"))
    newer = newer.filter(Q(on__gt=OuterRef("on")) | Q(on=OuterRef("on"), recorded_at__gt=OuterRef("recorded_at")))
    back = EvidenceOutcome.objects.filter(~Exists(newer), verdict="returned", town=town_year.town)
    back = back.filter(parcel__year=town_year.year)
    sums = [
        rows.order_by().values(what=Value(what)).annotate(count=Count(of, distinct=True), first=Min(day))
        for what, rows, of, day in (("late", late, "pk", "due_on"), ("back", back, "parcel", "on"))
    ]
    found = {one["what"]: (one["count"], one["first"]) for one in sums[0].union(sums[1], all=True)}
    return {"late": (0, None), "back": (0, None)} | found


def _villages(what: str, divisions: list[Division], url: str) -> list[dict]:
    if not divisions:
        return []
    names = list(dict.fromkeys(str(one) for one in divisions))
    more = " 等" if len(names) > SHOWN else ""
    return [_item(f"{len(names)} {what}", f"{'、'.join(names[:SHOWN])}{more}", url)]
