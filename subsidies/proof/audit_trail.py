"""审计线索: of every line of a batch the rule, the land, the acceptances, the evidence, the hands and the payments.

Two tables: the lines, and what was done to the batch, refused attempts too, with the number and digest of each record.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.db.models import Count, Q
from django.utils import timezone

from farmland.accounts.log import changes
from farmland.accounts.models import Event
from farmland.lib.numbers import plain
from parcels.models import Evidence, Step
from subsidies.entitlements import explaining
from subsidies.files.rows import lines_of, payee_of
from subsidies.models import Batch, BatchLine, Entitlement
from subsidies.paying import accounts
from subsidies.paying.hands import HANDS
from tasks.views.common import Labels

LINES = [
    "批次", "村", "图斑编号", "对象", "金额（元）", "应补（元）", "标准", "条款", "标准版次", "版本校验值",
    "版本发布人", "计算面积（亩）", "怎么算的", "条件", "验收", "举证（份）", "管护申报", "收款人类型", "户名",
    "账号尾号", *(f"{word}人" for _, word in HANDS), "公示", "支付", "更正的行", "行编号", "输入校验值",
]  # fmt: skip
EVENTS = ["序号", "时间", "操作人", "操作", "对象", "变化", "原因", "校验值", "上一条校验值"]
FEW = 500  # ids asked for at once


def lines(batch: Batch, labels: Labels) -> Iterator[list]:
    """One list a line, in the order of the batch's page, under ``LINES``."""
    people = [f"entitlement__{name}" for name in ("claim__submitted_by", "claim__verified_by",
                                                  "rate_version__published_by")]  # fmt: skip
    rows = list(lines_of(batch).select_related(*people))
    works = {pk for row in rows for pk in explaining.works_of(row.entitlement)}
    accepted, evidence = _accepted(works), _evidence(works)
    hands, notice = [_hand(batch, name) for name, _ in HANDS], _notices(batch)
    for row in rows:
        yield [
            batch.number, str(row.division), *_land(row.entitlement), row.amount, *_rule(row.entitlement),
            *_grounds(row.entitlement, accepted, evidence),
            labels.of("payee_kind", row.payee_kind), *_payee(row), *hands, notice, _payments(row),
            str(row.entitlement.adjusts_id or ""), str(row.entitlement_id), row.entitlement.facts_digest,
        ]  # fmt: skip


def events(batch: Batch, user) -> Iterator[list]:
    """What the log tells of the batch and of the amounts in it, the oldest first, under ``EVENTS``."""
    about = [batch.pk, *batch.lines.values_list("entitlement", flat=True)]
    for one in sorted(_about(about, user), key=lambda event: (event.is_demo, event.number)):
        told = [f"{each['name']} {each['before']}→{each['after']}" for each in changes(one.before, one.after)]
        yield [
            one.number, f"{timezone.localtime(one.at):%Y-%m-%d %H:%M:%S}", str(one.user or "系统"), one.action,
            one.subject, "；".join(told), one.reason, one.digest, one.previous,
        ]  # fmt: skip


def _about(ids: list, user) -> Iterator[Event]:
    seen = Event.objects.visible_to(user).select_related("user")
    for some in _pieces(list(dict.fromkeys(ids))):
        yield from seen.filter(about__in=some)


def _pieces(ids: Iterable) -> Iterator[list]:
    ids = list(ids)
    return (ids[start : start + FEW] for start in range(0, len(ids), FEW))


def _accepted(works: set[str]) -> dict[str, list[str]]:
    """Work → each acceptance and reversal: level, area, day, who, why."""
    found = defaultdict(list)
    for some in _pieces(sorted(works)):
        rows = Step.objects.acceptances().filter(work__in=some).select_related("rung", "by").order_by("on", "pk")
        for one in rows:
            why = f"（{one.reason}）" if one.reason else ""
            text = f"{one.rung} {plain(one.area_mu)} 亩 {one.on:%Y-%m-%d} {one.by or '方案'}{why}"
            found[str(one.work_id)].append(text)
    return found


def _evidence(works: set[str]) -> dict[str, int]:
    """Work → how much evidence stands for its parcel."""
    found: dict[str, int] = {}
    for some in _pieces(sorted(works)):
        rows = Evidence.objects.filter(parcel__works__in=some, withdrawn_at=None).order_by()
        found |= {
            str(pk): count for pk, count in rows.values_list("parcel__works").annotate(Count("pk", distinct=True))
        }
    return found


def _land(one: Entitlement) -> list[str]:
    parcel = one.work.parcel if one.work_id else None
    return ["、".join(parcel.codes) if parcel else "", one.subject]


def _rule(one: Entitlement) -> list:
    version = one.rate_version
    tests = "；".join(f"{test['text']}：{test['word']}" for test in explaining.tests(one))
    return [
        one.amount, str(version.rate), one.explanation.get("rate", {}).get("clause") or version.rate.clause,
        version.number, version.digest, str(version.published_by or "方案"), one.base_mu, explaining.sentence(one),
        tests,
    ]  # fmt: skip


def _grounds(one: Entitlement, accepted: dict, evidence: dict) -> list:
    works = explaining.works_of(one)
    claim = one.claim
    claimed = ""
    if claim:
        area = "" if claim.verified_mu is None else f"核实 {plain(claim.verified_mu)} 亩 {claim.verified_by or ''}"
        claimed = f"申报 {plain(claim.declared_mu or Decimal(0))} 亩 {claim.submitted_by or ''}；{area}"
    return ["；".join(text for pk in works for text in accepted.get(pk, ())),
            sum(evidence.get(pk, 0) for pk in works), claimed]  # fmt: skip


def _payee(row: BatchLine) -> list[str]:
    payee = payee_of(row)
    return [payee.name, accounts.masked(payee)] if payee else ["", ""]


def _hand(batch: Batch, name: str) -> str:
    at = getattr(batch, f"{name}_at")
    return f"{getattr(batch, f'{name}_by')} {timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def _notices(batch: Batch) -> str:
    rows = batch.publicities.annotate(objected=Count("objections"), open=Count(
        "objections", filter=Q(objections__state="open"))).order_by("number")  # fmt: skip
    return "；".join(
        f"第 {one.number} 次 {one.starts_on:%Y-%m-%d} 至 {one.ends_on:%Y-%m-%d} {one.place}，"
        f"{one.get_state_display()}，异议 {one.objected} 条" + (f"，{one.open} 条待答复" if one.open else "")
        for one in rows
    )


def _payments(row: BatchLine) -> str:
    return "；".join(
        f"第 {one.attempt} 次 {one.on:%Y-%m-%d} {plain(one.amount)} 元 {one.get_result_display()}"
        f" 尾号 {one.payee.tail} {one.reference}{one.reason}".rstrip()
        for one in row.attempts
    )
