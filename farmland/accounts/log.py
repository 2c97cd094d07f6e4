"""操作记录: who did what to which thing, before, after and why; and whether the chain of records still holds."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, time

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from farmland.accounts.models import Event, User

PER_PAGE = 50
KEYS = {
    "digest": "校验值", "changes": "变化", "name": "姓名", "role": "角色", "division": "范围", "office": "单位",
    "kinds": "限任务", "active": "在用", "tokens_deleted": "作废令牌", "stated": "原文", "computed": "核算",
    "basis": "依据", "rows": "行数", "area": "面积", "level": "层级", "verdict": "结论", "kind": "任务",
    "on": "日期", "state": "状态", "receipt": "回执", "year": "年度", "changed_rows": "变更行数",
}  # fmt: skip
FILTERS = ("who", "action", "q", "since", "until")
AUDITS: list[Callable[[], tuple[str, list[str]]]] = []


def register_audit(audit: Callable[[], tuple[str, list[str]]]) -> None:
    """What ``verify_audit`` checks besides the chain: gives (a line about what was checked, what is wrong)."""
    if audit not in AUDITS:
        AUDITS.append(audit)


@require_safe
def audit_list(request, town_year):
    """``who`` (user name), ``action``, ``q`` (in the subject), ``since`` and ``until`` (dates) filter the events."""
    town = town_year.town
    if not request.user.can("read_log", town):
        raise PermissionDenied
    every = Event.objects.visible_to(request.user).filter(town=town)
    chosen = {name: request.GET.get(name, "").replace("\0", "").strip()[:60] for name in FILTERS}
    page = Paginator(_filtered(every, chosen).select_related("user"), PER_PAGE).get_page(request.GET.get("page"))
    for one in page.object_list:
        one.changes = changes(one.before, one.after)
    context = {
        "town_year": town_year,
        "page": page,
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "actions": every.order_by("action").values_list("action", flat=True).distinct(),
        "people": User.objects.filter(events__in=every).order_by("username").distinct(),
    }
    return render(request, "accounts/audit_list.html", context)


def _filtered(rows, chosen: dict):
    if chosen["who"]:
        rows = rows.filter(user__username=chosen["who"])
    if chosen["action"]:
        rows = rows.filter(action=chosen["action"])
    if chosen["q"]:
        rows = rows.filter(subject__icontains=chosen["q"])
    for name, lookup, clock in (("since", "at__gte", time.min), ("until", "at__lte", time.max)):
        if day := _day(chosen[name]):
            rows = rows.filter(**{lookup: timezone.make_aware(datetime.combine(day, clock))})
    return rows


def _day(text: str):
    """A date as written 2024-10-12; anything else, and a year no record can have, is no filter."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and 1900 < day.year < 9000 else None


def changes(before, after) -> list[dict]:
    """What a record changed, value by value, as texts; values that stayed are left out."""
    before, after = _named(before), _named(after)
    told = [(name, _text(before.get(name)), _text(after.get(name))) for name in dict.fromkeys([*before, *after])]
    return [{"name": KEYS.get(name, name), "before": old, "after": new} for name, old, new in told if old != new]


def _named(value) -> dict:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"": value}


def _text(value) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        text = "；".join(_text(one) for one in value)
    else:
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"


def broken_links() -> Iterator[str]:
    """Every place where a chain does not hold, in Chinese; nothing when all do. Reads all events, one at a time."""
    chain, number, digest = None, 0, ""
    for one in Event.objects.select_related("town").order_by("town_id", "is_demo", "number").iterator(chunk_size=500):
        if chain != (one.town_id, one.is_demo):
            chain, number, digest = (one.town_id, one.is_demo), 0, ""
        name = f"{one.town or '全系统'}{'（演示）' if one.is_demo else ''}第 {one.number} 条"
        if one.number != number + 1:
            yield f"{name}之前缺 {one.number - number - 1} 条，或编号被改动。"
        if one.previous != digest:
            yield f"{name}与上一条接不上，中间有记录被改动或删去。"
        if one.digest != one.fingerprint():
            yield f"{name}的内容与校验值不符，记录被改动：{one.action} {one.subject}。"
        number, digest = one.number, one.digest
