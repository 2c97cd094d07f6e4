"""What each piece of a batch came to: filled in by people while it is a draft, or taken over from the sample."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256

from farmland.accounts.models import User
from farmland.lib.numbers import plain
from farmland.places.models import Term
from parcels.models import Inspection, InspectionItem
from tasks.acceptance import Refused
from tasks.inspections.guide import Guide
from tasks.inspections.services import BY_SAMPLE, Stale, check_draft, exclusive, locked, log, save, year_of

COLON = "："
FIELDS = ("verdict", "accepted_mu", "reason", "measured")


@dataclass(frozen=True)
class Result:
    """One row as filled in. ``seen``: the fingerprint of what the page showed."""

    verdict: str = ""
    area: Decimal | None = None
    reason: str = ""  # label of a Term of list "reason"
    note: str = ""
    measured: Mapping[str, str] = field(default_factory=dict)
    seen: str = ""


class NotAll(Exception):
    """What is wrong, by row; nothing was written. ``rows``: (item or None for the whole batch, field, message)."""

    def __init__(self, rows: list[tuple]):
        super().__init__("not all rows are right")
        self.rows = rows


def fingerprint(item: InspectionItem) -> str:
    """Changes when anybody changes the row."""
    area = "" if item.accepted_mu is None else plain(item.accepted_mu)
    facts = [item.verdict, area, item.reason, *(f"{key}={item.measured[key]}" for key in sorted(item.measured))]
    return sha256("\n".join(facts).encode()).hexdigest()[:16]


def join_reason(label: str, note: str) -> str:
    return COLON.join(one for one in (label, note) if one)[:300]


def split_reason(text: str, labels) -> tuple[str, str]:
    """A stored reason as (label of the dictionary or "", the rest)."""
    label, _, note = text.partition(COLON)
    return (label, note) if label in labels else ("", text)


def in_order(batch: Inspection):
    """The rows as page, sheet and refusals number them: by place, then by age of the work."""
    return batch.items.order_by("work__division__path", "work_id")


def fill(batch: Inspection, results: Mapping[str, Result], *, by: User) -> int:
    """Keep the rows that changed, all or nothing. NotAll names every wrong row, Stale those changed meanwhile."""
    with exclusive(year_of(batch)):
        now = locked(batch)
        check_draft(now, now.version)
        rows = now.items.filter(pk__in=list(results)).select_related("work__parcel")
        changed = [one for one in (Change(item, results[str(item.pk)]) for item in rows) if one.is_new]
        if stale := [(one.item, one.result) for one in changed if one.result.seen != fingerprint(one.item)]:
            raise Stale(stale)
        guide = Guide(now, Term.objects.of("attribute", now.town))
        if wrong := [(one.item, *told) for one in changed for told in one.wrong(guide)]:
            raise NotAll(wrong)
        items = [one.applied() for one in changed]
        if items:
            InspectionItem.objects.bulk_update(items, FIELDS, batch_size=200)
            save(now)
            log("填写验收结论", now, by, {"rows": len(items), "verdicts": Counter(one.verdict for one in items)})
    return len(items)


class Change:
    """A row and what is to become of it."""

    def __init__(self, item: InspectionItem, result: Result):
        self.item, self.result = item, result
        self.values = _values(item, result)

    @property
    def is_new(self) -> bool:
        return any(getattr(self.item, name) != value for name, value in self.values.items())

    def applied(self) -> InspectionItem:
        for name, value in self.values.items():
            setattr(self.item, name, value)
        return self.item

    def wrong(self, guide: Guide) -> list[tuple[str, str]]:
        """(field, message) of everything that cannot stand."""
        verdict = self.result.verdict
        if verdict not in WRONG:
            return [("verdict", f"没有名为“{verdict}”的结论。")]
        found = WRONG[verdict](self.values["accepted_mu"], self.item.declared_mu)
        if verdict == "returned" and not self.result.reason:
            found.append(("reason", "退回须从列表选原因。"))
        if verdict == "partial" and not self.values["reason"]:
            found.append(("reason", "部分通过须写明原因。"))
        if verdict in ("passed", "partial") and not self.values["reason"]:
            found += self._against_the_standard(guide)
        return found

    def _against_the_standard(self, guide: Guide) -> list[tuple[str, str]]:
        advice = guide.advice(self.item, self.values["measured"])
        if not advice.sentences or advice.verdict == "passed":
            return []
        told = "；".join(advice.sentences)
        if advice.verdict == "returned":
            return [("reason", f"实测没有达到标准（{told}），仍要通过的须写明理由。")]
        return [("measured", f"标准要求实测（{told}），没有测的须写明理由。")]


def _of_passed(area: Decimal | None, declared: Decimal) -> list[tuple[str, str]]:
    if area == declared:
        return []
    return [("area", f"通过的面积应等于送验的 {plain(declared)} 亩，现为 {_shown(area)}；不足的请选部分通过。")]


def _of_partial(area: Decimal | None, declared: Decimal) -> list[tuple[str, str]]:
    if area is not None and 0 < area < declared:
        return []
    return [("area", f"部分通过的面积应大于 0、小于送验的 {plain(declared)} 亩，现为{_shown(area)}。")]


def _of_returned(area: Decimal | None, declared: Decimal) -> list[tuple[str, str]]:
    return [("area", f"退回不计面积，应为空或 0，现为 {_shown(area)}。")] if area else []


def _of_nothing(area: Decimal | None, declared: Decimal) -> list[tuple[str, str]]:
    return [] if area is None else [("verdict", "填了面积，还没有选结论。")]


def _shown(area: Decimal | None) -> str:
    return "空" if area is None else plain(area)


WRONG = {"passed": _of_passed, "partial": _of_partial, "returned": _of_returned, "": _of_nothing}


def _values(item: InspectionItem, result: Result) -> dict:
    area = result.area
    if result.verdict == "passed" and area is None:
        area = item.declared_mu
    if result.verdict in ("", "returned") and not area:
        area = None if result.verdict == "" else Decimal(0)
    measured = {code: text for code, text in result.measured.items() if text != ""}
    return {
        "verdict": result.verdict,
        "accepted_mu": area,
        "reason": join_reason(result.reason, result.note),
        "measured": measured,
    }


def sample_answer(items: list[InspectionItem]) -> tuple[bool, str]:
    """Whether the sample speaks for the rest, and the rule in words with its figures."""
    drawn = [one for one in items if one.is_drawn]
    failed = [one for one in drawn if one.verdict in ("partial", "returned")]
    open_ = [one for one in drawn if not one.verdict]
    rule = f"抽 {len(drawn)} 项"
    if open_:
        return False, f"{rule}，还有 {len(open_)} 项没有结论，验完才能认定其余。"
    if failed:
        return False, f"{rule}，{len(failed)} 项没有全部通过：其余不能按抽样认定，请逐项验收或扩大比例重新抽样。"
    return True, f"{rule}，全部通过：其余按送验面积认定通过。"


def adopt_sample(batch: Inspection, *, version: int, by: User) -> int:
    """不抽中的按抽样结果认定: an explicit choice, written on every row it decides."""
    with exclusive(year_of(batch)):
        now = locked(batch)
        check_draft(now, version)
        if now.sample_percent is None or now.is_recheck:
            raise Refused("这一批没有抽样，或是复核批次，不能按抽样认定。")
        items = list(in_order(now))
        speaks, rule = sample_answer(items)
        if not speaks:
            raise Refused(rule)
        rest = [one for one in items if not one.is_drawn and not one.verdict]
        for one in rest:
            one.verdict, one.accepted_mu = "passed", one.declared_mu
            one.reason = f"{BY_SAMPLE}：{rule}（种子 {now.seed}）"[:300]
        InspectionItem.objects.bulk_update(rest, ["verdict", "accepted_mu", "reason"], batch_size=200)
        save(now)
        log(BY_SAMPLE, now, by, {"rows": len(rest), "seed": now.seed}, reason=rule)
    return len(rest)
