"""操作记录: who did what to which thing, before, after and why; and whether the chain of records still holds."""

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
    "basis": "依据", "rows": "行数", "area": "面积（亩）", "level": "层级", "verdict": "结论", "kind": "任务",
    "on": "日期", "state": "状态", "receipt": "回执", "year": "年度", "changed_rows": "变更行数",
    "file": "文件", "sha256": "文件校验值", "phase": "阶段", "new": "新增", "changed": "修改", "same": "不变",
    "items": "项数", "members": "成员", "copies_to": "抄送", "note": "说明", "seed": "抽样种子",
    "percent": "抽样比例（%）", "by_risk": "按风险抽", "drawn": "抽中", "of": "总项数", "verdicts": "结论",
    "area_mu": "面积（亩）", "areas_mu": "面积（亩）", "stage": "环节", "version": "表格版本", "tranche": "批次",
    "closed_on": "关账日期", "counted_mu": "已认定（亩）", "rest_mu": "结转（亩）", "moved": "整项结转",
    "split": "部分结转", "parcels": "图斑", "issues": "问题", "mapping": "列名对照", "defaults": "缺省值",
    "post": "岗位", "total_yuan": "合计（元）", "amount_yuan": "金额（元）", "added": "列入", "removed": "移出",
    "number": "第几次", "from": "起", "to": "止", "place": "地点", "moment": "哪一张", "payee": "收款账户",
    "row": "行", "attempt": "第几次", "source": "资金来源", "document": "文号", "tail": "尾号", "bank": "开户行",
    "events": "操作记录条数", "broken": "操作记录不符", "wrong": "资金不符",
    "holds": "成立", "subject": "对象", "test": "条件", "chosen": "所选读法", "valid_from": "生效日",
}  # fmt: skip
INSIDE = ("step", "issue", "user", "adjusts")  # ids of rows, for programs: the line's own subject names the thing
DIGESTS = ("digest", "sha256")
SHORT = 12
FILTERS = ("who", "action", "q", "since", "until")
AUDITS: list[Callable[[], tuple[str, list[str]]]] = []


def register_audit(audit: Callable[[], tuple[str, list[str]]]) -> None:
    """What ``verify_audit`` checks besides the chain: gives (a line about what was checked, what is wrong)."""
    if audit not in AUDITS:
        AUDITS.append(audit)


@require_safe
def audit_list(request, town_year, *, tell=None):
    """``who`` (user name), ``action``, ``q`` (in the subject), ``since`` and ``until`` (dates) filter the events.

    ``tell(events)`` gives each its ``changes``, ``thing`` and ``url``: the rooms above know the names of things.
    """
    town = town_year.town
    if not request.user.can("read_log", town):
        raise PermissionDenied
    every = Event.objects.visible_to(request.user).filter(town=town)
    chosen = {name: request.GET.get(name, "").replace("\0", "").strip()[:60] for name in FILTERS}
    page = Paginator(_filtered(every, chosen).select_related("user"), PER_PAGE).get_page(request.GET.get("page"))
    (tell or _tell)(page.object_list)
    context = {
        "town_year": town_year,
        "page": page,
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "actions": every.order_by("action").values_list("action", flat=True).distinct(),
        "people": User.objects.filter(events__in=every).order_by("username").distinct(),
    }
    return render(request, "accounts/audit_list.html", context)


def _tell(events) -> None:
    for one in events:
        one.thing, one.url = one.subject, ""
        one.changes = changes(one.before, one.after)


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


def as_stored(name: str, code: str) -> str:
    """The word for a code among the values named ``name``, where no dictionary is at hand."""
    return code


def changes(before, after, word=as_stored) -> list[dict]:
    """What a record changed, value by value, as texts; values that stayed and ids of rows are left out.

    ``word(name, code)`` gives the word for a code.
    """
    before, after = _named(before), _named(after)
    names = [name for name in dict.fromkeys([*before, *after]) if name not in INSIDE]
    told = [(name, _text(name, before.get(name), word), _text(name, after.get(name), word)) for name in names]
    return [{"name": KEYS.get(name, name), "before": old, "after": new} for name, old, new in told if old != new]


def _named(value) -> dict:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"": value}


def _text(name: str, value, word) -> str:
    text = _words(name, value, word)
    if name in DIGESTS:
        return text[:SHORT]
    return text if len(text) <= 200 else f"{text[:199]}…"


def _words(name: str, value, word) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "；".join(_words(name, one, word) for one in value)
    if isinstance(value, dict):
        pairs = [(key, _words(name, one, word)) for key, one in value.items() if key not in INSIDE]
        return "；".join(f"{KEYS.get(key) or word(name, key)} {one}" for key, one in pairs if one)
    return word(name, str(value))


def broken_links(town=None, progress: Callable[[int], None] | None = None) -> Iterator[str]:
    """Every place where a chain does not hold, in Chinese; nothing when all do. Reads all events, one at a time.

    ``town``: its chains only. ``progress`` is told how many events were read.
    """
    chain, number, digest = None, 0, ""
    rows = Event.objects.filter(town=town) if town else Event.objects.all()
    rows = rows.select_related("town").order_by("town_id", "is_demo", "number")
    for count, one in enumerate(rows.iterator(chunk_size=500), 1):
        if progress and count % 500 == 0:
            progress(count)
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
