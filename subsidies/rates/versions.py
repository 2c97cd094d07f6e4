"""Versions of rates (标准版本): made from the plan or drafted, published by a named person, then never changed.

The text of the plan makes the first version and publishes it; a later change of that text is a draft. Two published
versions never hold on one day: publishing a new one from a day on ends the one before it on the day before.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import date, timedelta

from django.db.models import Max, Q
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.lib.refused import Refused
from subsidies.invented import check_hand
from subsidies.models import Entitlement, Rate, RateVersion
from subsidies.rates.check import parts_off
from subsidies.refusals import logged, may
from subsidies.rules import rule as rules
from tasks.plan.document import RateDoc
from tasks.plan.sync import Differences

FIELDS = (
    "key", "name", "clause", "kinds", "treatment", "basis", "years", "due", "per", "base", "base_cap", "where",
    "unless", "when", "lines", "readings", "less", "at_most", "round", "sources", "guards", "note",
)  # fmt: skip
ORDERED = ("components", "payees")  # mappings whose order matters
STANDING = (Entitlement.BATCHED, Entitlement.SETTLED)
PUBLISHED, DRAFT, WITHDRAWN = "published", "draft", "withdrawn"


# the frozen shape


def frozen(one: RateDoc, document: str) -> dict:
    """A rate of a plan as a version keeps it; which reading is chosen stands beside it."""
    kept = {name: getattr(one, name) for name in FIELDS if getattr(one, name)}
    kept |= {name: _paired(getattr(one, name)) for name in ORDERED if getattr(one, name)}
    return kept | ({"document": document} if document else {})


def _paired(given) -> list:
    return [[name, _paired(value) if isinstance(value, dict) else value] for name, value in given.items()]


def _mapped(pairs) -> dict:
    return {name: _mapped(value) if isinstance(value, list) else value for name, value in pairs}


def doc_of(version: RateVersion) -> RateDoc:
    """A version as the plan would say it, for words and checks."""
    known = {one.name for one in fields(RateDoc)}
    kept = {name: value for name, value in version.rule.items() if name in known}
    kept |= {name: _mapped(kept[name]) for name in ORDERED if name in kept}
    dates = {"valid_from": version.valid_from, "valid_to": version.valid_to}
    return RateDoc(**kept, **dates, chosen=version.chosen)


def digest_of(rule: dict, chosen: str) -> str:
    text = json.dumps({"rule": rule, "chosen": chosen}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def rule_of(version: RateVersion) -> rules.Rule:
    """What the engine computes with. RuleError for a shape that cannot be computed."""
    return rules.read(version.rule | {"chosen": version.chosen})


def faults(rule: dict, chosen: str) -> list[str]:
    """Why a shape cannot pay, in Chinese: parts that do not add up (C15), what the engine cannot read."""
    version = RateVersion(rule=rule, chosen=chosen)
    found = [remark.message for remark in parts_off(doc_of(version))]
    try:
        rule_of(version)
    except rules.RuleError as error:
        found.append(str(error))
    return found


# from the plan


def from_plan(rate: Rate, one: RateDoc, document: str, differences: Differences) -> None:
    """The first version is published as the plan says; another text than last time makes a draft to be published."""
    if one.open:
        return
    rule = frozen(one, document)
    digest = digest_of(rule, one.chosen)
    made = rate.versions.filter(created_by=None).order_by("-number")
    last = made.first()
    if last is not None and last.digest == digest:
        return
    if last is not None and last.state == DRAFT:  # a text nobody published
        last.delete()
        differences.add(f"标准 {rate} 未发布的新版本已由方案的新写法代替")
        last = made.first()
        if last is not None and last.digest == digest:
            return
    facts = {"rule": rule, "digest": digest, "chosen": one.chosen, "valid_from": one.valid_from}
    facts |= {"valid_to": one.valid_to, "reason": "方案原文"}
    wrong = faults(rule, one.chosen)
    if last is None and not wrong:
        now = timezone.now()
        RateVersion.objects.create(
            rate=rate, town=rate.town, number=_next(rate), state=PUBLISHED, published_at=now, **facts
        )
        return
    RateVersion.objects.create(rate=rate, town=rate.town, number=_next(rate), **facts)
    why = "；".join(wrong) or "方案的写法变了"
    differences.add(f"标准 {rate} 的新版本待发布：{why}")


def _next(rate: Rate) -> int:
    return (rate.versions.aggregate(most=Max("number"))["most"] or 0) + 1


# by named people


@logged("起草标准")
def draft(rate: Rate, rule: dict, *, by: User, chosen: str = "", reason: str) -> RateVersion:
    """Another text of a rate, kept as a draft that is not paid by."""
    may(by, "publish_rate", rate.town, "起草标准")
    reason = _reason(reason)
    rate = _locked(rate)
    _check(rule, chosen)
    digest = digest_of(rule, chosen)
    if RateVersion.objects.filter(rate=rate, digest=digest).exclude(state=WITHDRAWN).exists():
        raise Refused("与已有的版本内容相同，不用再起草。", code="conflict")
    made = RateVersion.objects.create(
        rate=rate, town=rate.town, number=_next(rate), rule=rule, digest=digest, chosen=chosen, reason=reason,
        created_by=by, is_demo=by.is_demo,
    )  # fmt: skip
    record("起草标准", str(made), user=by, town=rate.town, after={"digest": digest}, reason=reason, about=made.pk)
    return made


@logged("发布标准")
def publish(version: RateVersion, *, by: User, valid_from: date | None, valid_to: date | None = None, reason: str):
    """Let a draft pay for what is accepted from ``valid_from`` on; an open version before it ends the day before."""
    may(by, "publish_rate", version.town, "发布标准")
    reason = _reason(reason)
    rate = _locked(version.rate)
    _check_hand(by, rate)
    now = RateVersion.objects.select_for_update(of=("self",)).select_related("rate", "town").get(pk=version.pk)
    if now.state != DRAFT:
        raise Refused(f"这一版{now.get_state_display()}，不能再发布。", code="conflict")
    _check(now.rule, now.chosen)
    if valid_from and valid_to and valid_to < valid_from:
        raise Refused(f"止日 {valid_to:%Y-%m-%d} 早于生效日 {valid_from:%Y-%m-%d}，请核对。", field="valid_to")
    _make_room(rate, now, valid_from, valid_to)
    now.valid_from, now.valid_to, now.state = valid_from, valid_to, PUBLISHED
    now.published_by, now.published_at, now.reason = by, timezone.now(), reason
    now.is_demo = now.is_demo or by.is_demo
    now.save()
    after = {"number": now.number, "digest": now.digest, "chosen": now.chosen, "valid_from": _day(valid_from)}
    record("发布标准", str(now), user=by, town=now.town, after=after, reason=reason, about=now.pk)
    return now


def _make_room(rate: Rate, version: RateVersion, start: date | None, end: date | None) -> None:
    """Refused where a published version holds on one of the days; one that began earlier and is open ends before."""
    others = RateVersion.objects.select_for_update(of=("self",)).filter(rate=rate, state=PUBLISHED)
    for other in others.exclude(pk=version.pk).order_by("pk"):
        began_before = start is not None and (other.valid_from is None or other.valid_from < start)
        if other.valid_to is None and began_before:
            other.valid_to = start - timedelta(days=1)
            other.save(update_fields=["valid_to", "updated_at"])
        elif _overlap(other.valid_from, other.valid_to, start, end):
            span = f"{_day(other.valid_from) or '不限'} 至 {_day(other.valid_to) or '不限'}"
            raise Refused(
                f"与第 {other.number} 版的有效期（{span}）重叠，请改生效日，或先撤回那一版。",
                field="valid_from", code="conflict",
            )  # fmt: skip


def _overlap(a_from: date | None, a_to: date | None, b_from: date | None, b_to: date | None) -> bool:
    return (a_from or date.min) <= (b_to or date.max) and (b_from or date.min) <= (a_to or date.max)


@logged("撤回标准")
def withdraw(version: RateVersion, *, by: User, reason: str) -> RateVersion:
    """A draft, or a version by which nothing has been put into a batch."""
    may(by, "publish_rate", version.town, "撤回标准")
    reason = _reason(reason)
    _check_hand(by, _locked(version.rate))
    now = RateVersion.objects.select_for_update(of=("self",)).select_related("rate", "town").get(pk=version.pk)
    _take_back(now)
    record("撤回标准", str(now), user=by, town=now.town, reason=reason, about=now.pk)
    return now


def _take_back(version: RateVersion) -> None:
    if version.state == WITHDRAWN:
        raise Refused("这一版已撤回。", code="conflict")
    standing = Entitlement.objects.filter(rate_version=version, state__in=STANDING).count()
    if standing:
        raise Refused(
            f"已有 {standing} 笔应补按这一版进入批次或核定，不能撤回；请另发布自某日起生效的新版本。", code="conflict"
        )
    version.state = WITHDRAWN
    version.save(update_fields=["state", "updated_at"])


@logged("选定读法")
def choose(version: RateVersion, reading: str, *, by: User, reason: str) -> RateVersion:
    """Another reading of an ambiguous clause: a new version in the place of a published one, by a named person."""
    may(by, "publish_rate", version.town, "选定读法")
    reason = _reason(reason)
    rate = _locked(version.rate)
    _check_hand(by, rate)
    now = RateVersion.objects.select_for_update(of=("self",)).select_related("rate", "town").get(pk=version.pk)
    readings = sorted(now.rule.get("readings") or {})
    if reading not in readings:
        raise Refused(f"读法应为 {'、'.join(readings) or '（没有几种读法）'} 之一，现为“{reading}”。", field="reading")
    if now.state != PUBLISHED:
        raise Refused("只能给已发布的版本选定读法。", code="conflict")
    if reading == now.chosen:
        raise Refused(f"现在用的就是读法 {reading}。", field="reading", code="conflict")
    _take_back(now)
    made = RateVersion.objects.create(
        rate=rate, town=rate.town, number=_next(rate), rule=now.rule, digest=digest_of(now.rule, reading),
        chosen=reading, reason=reason, valid_from=now.valid_from, valid_to=now.valid_to, state=PUBLISHED,
        created_by=by, published_by=by, published_at=timezone.now(), is_demo=by.is_demo,
    )  # fmt: skip
    change = {"before": {"chosen": now.chosen}, "after": {"chosen": reading, "number": made.number}}
    record("选定读法", str(rate), user=by, town=rate.town, reason=reason, about=made.pk, **change)
    return made


def _locked(rate: Rate) -> Rate:
    return Rate.objects.select_for_update(of=("self",)).select_related("town", "program").get(pk=rate.pk)


def _check_hand(by: User, rate: Rate) -> None:
    """What real money is owed by is not moved by a demo user."""
    real = Entitlement.objects.filter(rate_version__rate=rate, is_demo=False, state__in=Entitlement.LIVE)
    check_hand(by, not (by.is_demo and real.exists()), "标准")


def _check(rule: dict, chosen: str) -> None:
    wrong = faults(rule, chosen)
    if wrong:
        raise Refused("；".join(text.rstrip("。") for text in wrong) + "。", field="rule")


def _reason(text: str) -> str:
    if not text.strip():
        raise Refused("请写明理由。", field="reason")
    return text.strip()[:300]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


# which version pays


def paying(rates: Iterable[Rate]) -> dict:
    """Rate → its published versions, the earliest first; one query."""
    found: dict = {one.pk: [] for one in rates}
    for version in RateVersion.objects.filter(rate__in=found, state=PUBLISHED).order_by("rate", "number"):
        found[version.rate_id].append(version)
    return {pk: sorted(rows, key=lambda one: one.valid_from or date.min) for pk, rows in found.items()}


def on(versions: Iterable[RateVersion], day: date | None) -> RateVersion | None:
    """The version that holds on a day; without a day the newest one."""
    versions = list(versions)
    if day is None:
        return versions[-1] if versions else None
    holds = (one for one in versions if (one.valid_from or date.min) <= day <= (one.valid_to or date.max))
    return next(holds, None)


def has_money(rate: Rate) -> bool:
    """Whether an amount of any state names one of the rate's versions."""
    return Entitlement.objects.filter(Q(rate_version__rate=rate)).exists()
