"""方案体检: every finding with the printed words beside what comes out; a named person says why one stays as it is."""

from collections import Counter, defaultdict
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count
from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from farmland.accounts.models import record
from tasks import findings as service
from tasks.check.registry import RULES, SEVERITIES
from tasks.models import Finding, Plan, TownYear, Waiver
from tasks.pages import town_page
from tasks.views.common import case_of, export_query, no_plan, plan_of, where
from tasks.views.quotes import Quotes

FILTERS = ("severity", "rule", "waived")
TOLD = {"yes": "true", "no": "false"}  # the filter as the export spells it
MANY = 3  # more findings of one rule than this are shown as one group
HEADINGS = {
    "error": ("错误", "前后矛盾，须更正"),
    "warning": ("警告", "须答复"),
    "note": ("提示", "供参考"),
}


@town_page(whole=True)
@require_safe
def plan_check(request, town_year: TownYear):
    """``severity``, ``rule`` and ``waived`` (yes, no) filter; ``answer`` opens the form of one finding."""
    plan = plan_of(town_year)
    if plan is None:
        return no_plan(request, town_year)
    chosen = {name: request.GET.get(name, "") for name in FILTERS}
    every = list(Finding.objects.filter(plan=plan).order_by("order"))
    shown = [one for one in every if _matches(one, chosen)]
    answer = request.GET.get("answer", "")
    dress(plan, shown, answer)
    page = {
        "town_year": town_year,
        "plan": plan,
        "tally": _tally(every),
        "towns": _other_towns(request.user, town_year),
        "sections": _sections(shown, request.GET.get("open", "") or answer),
        "chosen": chosen,
        "rules": [RULES[id] for id in sorted(RULES)],
        "found_rules": _found_rules(every),
        "query": urlencode({name: value for name, value in chosen.items() if value}),
        "export": export_query(town_year, chosen | {"waived": TOLD.get(chosen["waived"], "")}),
        "can_waive": request.user.can("waive", town_year.town),
        "can_recheck": request.user.can("plan", town_year.town),
        "shown": len(shown),
        "every": len(every),
    }
    if request.htmx and answer:
        one = next((one for one in shown if str(one.pk) == answer), None)
        if one is None:
            raise Http404
        return render(request, "tasks/_finding.html", page | {"one": one})
    return render(request, "tasks/plan_check.html", page)


def _matches(one: Finding, chosen: dict) -> bool:
    if chosen["severity"] and one.severity != chosen["severity"]:
        return False
    if chosen["rule"] and one.rule != chosen["rule"]:
        return False
    return not chosen["waived"] or one.waived == (chosen["waived"] == "yes")


def dress(plan: Plan, findings: list[Finding], answer: str = "") -> None:
    """Hang on each finding what the page shows beside the row: rule, quotation, waiver, whether its form is open."""
    quotes = Quotes(case_of(plan))
    waivers = Waiver.objects.filter(town=plan.town, year=plan.year, withdrawn_at=None).select_related("by")
    by_place = {(one.rule, one.place): one for one in waivers}
    for one in findings:
        one.heading = RULES[one.rule].title if one.rule in RULES else one.rule
        one.quote = quotes.of(one.place, one.clause, one.stated)
        one.cite = quotes.cite(one.place, one.clause)
        one.waiver = by_place.get((one.rule, one.place)) if one.waived else None
        one.is_answering = str(one.pk) == answer


def _tally(every: list[Finding]) -> list[tuple]:
    counts = Counter(one.severity for one in every)
    waived = sum(one.waived for one in every)
    return [
        ("发现", len(every), "条"),
        ("错误，前后矛盾", counts["error"]),
        ("警告，须答复", counts["warning"]),
        ("提示，供参考", counts["note"]),
        ("已说明", waived),
        ("还没答复", len(every) - waived),
    ]


def _found_rules(every: list[Finding]) -> list[dict]:
    counts = Counter(one.rule for one in every)
    return [{"id": id, "title": RULES[id].title if id in RULES else id, "count": counts[id]} for id in sorted(counts)]


def _other_towns(user, town_year: TownYear) -> list[dict]:
    """The plans this user may check, with their counts; nothing where this one is the only one."""
    counts: dict = defaultdict(Counter)
    rows = Finding.objects.visible_to(user).order_by().values_list("town__slug", "town__name", "year", "severity")
    for slug, name, year, severity, count in rows.annotate(count=Count("pk")):
        counts[slug, name, year][severity] += count
    if len(counts) < 2:
        return []
    here = (town_year.town.slug, town_year.town.name, town_year.year)
    return [
        {
            "name": name,
            "year": year,
            "url": reverse("plan_check", kwargs={"town": slug, "year": year}),
            "counts": found,
            "current": (slug, name, year) == here,
        }
        for (slug, name, year), found in sorted(counts.items(), key=lambda one: (one[0][1], -one[0][2]))
    ]


def _sections(findings: list[Finding], opened: str) -> list[dict]:
    sections = []
    for severity in SEVERITIES:
        rows = [one for one in findings if one.severity == severity]
        if rows:
            name, why = HEADINGS[severity]
            sections.append(
                {"severity": severity, "name": name, "why": why, "count": len(rows), "items": _items(rows, opened)}
            )
    return sections


def _items(rows: list[Finding], opened: str) -> list[dict]:
    """Single findings and groups, in the order of their first finding."""
    items: dict = {}
    for key, members in _grouped(rows):
        if len(members) > MANY:
            items[key] = _group(members, opened)
        else:
            items |= {one.pk: {"one": one, "order": one.order} for one in members}
    return sorted(items.values(), key=lambda item: item["order"])


def _grouped(rows: list[Finding]):
    """Findings of one rule that come out alike are one group; what is left of the rule is another."""
    by_rule: dict = defaultdict(list)
    for one in rows:
        by_rule[one.rule].append(one)
    for rule, members in by_rule.items():
        alike = Counter(one.computed for one in members)
        left = [one for one in members if alike[one.computed] <= MANY]
        for computed, count in alike.items():
            if count > MANY:
                yield (rule, computed), [one for one in members if one.computed == computed]
        yield (rule, None), left


def _group(members: list[Finding], opened: str) -> dict:
    first = members[0]
    alike = len({one.computed for one in members}) == 1
    return {
        "first": first,
        "order": first.order,
        "members": members,
        "computed": first.computed if alike else "",
        "places": [one.cite if one.cite in one.place else one.place for one in members[:6]],
        "waived": sum(one.waived for one in members),
        "left": [one for one in members if not one.waived],
        "is_open": opened in {str(one.pk) for one in members},
    }


# Writes


def back(request, town_year: TownYear, finding: str = ""):
    """Back to the page with its filters, at the finding."""
    query = QueryDict(request.POST.get("query", "")[:300])
    kept = {name: query[name] for name in FILTERS if query.get(name)}
    kept |= {"open": finding} if finding else {}
    address = reverse("plan_check", kwargs=where(town_year))
    return redirect(f"{address}{f'?{urlencode(kept)}' if kept else ''}{f'#f-{finding}' if finding else ''}")


@town_page(whole=True)
@require_POST
def finding_waive(request, town_year: TownYear):
    """One reason for one finding or a whole group: ``finding`` is ``id|updated_at`` as the person saw it."""
    if not request.user.can("waive", town_year.town):
        raise PermissionDenied
    seen = dict(value.partition("|")[::2] for value in request.POST.getlist("finding"))
    reason, basis = request.POST.get("reason", "").strip()[:300], request.POST.get("basis", "").strip()[:120]
    with transaction.atomic():
        chosen = _locked(town_year, list(seen))
        changed = [one for one in chosen if one.updated_at.isoformat() != seen[str(one.pk)]]
        if not chosen or changed or len(chosen) < len(seen):
            messages.error(request, "这条发现刚才有变化，没有记录。请核对后再说明。")
            return back(request, town_year)
        if not reason:
            messages.error(request, "没有写原因，没有记录。请写明不改的原因。")
            return back(request, town_year, str(chosen[0].pk))
        for one in chosen:
            service.waive(one, by=request.user, reason=reason, basis=basis)
    messages.success(request, f"已记录 {len(chosen)} 条说明。")
    return back(request, town_year, str(chosen[0].pk))


@town_page(whole=True)
@require_POST
def finding_withdraw(request, town_year: TownYear, pk):
    if not request.user.can("waive", town_year.town):
        raise PermissionDenied
    with transaction.atomic():
        found = _locked(town_year, [str(pk)])
        if not found:
            raise Http404
        service.withdraw(found[0], by=request.user)
    messages.success(request, "已撤回说明，这条发现重新待答复。")
    return back(request, town_year, str(pk))


@town_page(whole=True)
@require_POST
def plan_recheck(request, town_year: TownYear):
    if not request.user.can("plan", town_year.town):
        raise PermissionDenied
    plan = plan_of(town_year)
    if plan is None:
        raise Http404
    with transaction.atomic():
        lines = service.check(plan)
        record("重新体检", plan.title, user=request.user, town=town_year.town, after={"changes": lines[:200]})
    text = f"体检完成，{len(lines)} 处变化。" if lines else "体检完成，没有变化。"
    messages.success(request, text)
    return back(request, town_year)


def _locked(town_year: TownYear, ids: list[str]) -> list[Finding]:
    """The findings of this town and year with these ids; what is no id is left out."""
    known = {str(one) for one in _scope(town_year).values_list("pk", flat=True)}
    rows = _scope(town_year).filter(pk__in=[one for one in ids if one in known])
    return list(rows.select_for_update(of=("self",)).order_by("order"))


def _scope(town_year: TownYear):
    return Finding.objects.filter(town=town_year.town, year=town_year.year)
