"""What must hold of a batch's rows: every part has its account, every paper is there, every sum is the sum."""

from collections import Counter, defaultdict
from decimal import Decimal

from django.db.models import F, OuterRef, Q, Subquery

from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from parcels.models import Step
from subsidies.entitlements import still
from subsidies.models import Batch, BatchLine, Calculation, Claim, Entitlement, Payee, Rate
from subsidies.paying.payees import shared_accounts, waiting_changes

VILLAGE = "village"
SHOWN = 5


class Accounts:
    """The accounts in use of some villages, read once: invented ones for a batch of the demo, real ones else."""

    def __init__(self, town_id, divisions, is_demo: bool):
        self._found: dict = defaultdict(list)
        rows = Payee.objects.filter(town=town_id, state="active", is_demo=is_demo)
        for one in rows.filter(Q(division__in=divisions) | Q(kind="town")).order_by("pk"):
            self._found["town" if one.kind == "town" else one.division_id, one.kind].append(one)

    def of(self, entitlement: Entitlement, kind: str) -> Payee | None:
        """The account a part goes to; None where there is none, or several and nobody has said which."""
        claimed = entitlement.claim.payee if entitlement.claim_id else None
        if claimed and claimed.state == "active" and claimed.kind == kind:
            return claimed
        found = self.choices(entitlement.division_id, kind)
        return found[0] if len(found) == 1 else None

    def choices(self, division_id, kind: str) -> list[Payee]:
        return self._found["town" if kind == "town" else division_id, kind]


def fits(line: BatchLine, payee: Payee) -> bool:
    if payee.town_id != line.town_id or payee.kind != line.payee_kind or payee.is_demo != line.is_demo:
        return False
    if payee.state != "active":
        return False
    return payee.kind == "town" or payee.division_id == line.division_id


def parts_of(entitlement: Entitlement) -> list[tuple[str, Decimal]]:
    """(payee kind, amount) of an amount owed; Refused when the parts are not the whole."""
    parts: Counter = Counter()
    for one in entitlement.parts or [{"payee_kind": VILLAGE, "amount": plain(entitlement.amount)}]:
        parts[one["payee_kind"]] += Decimal(one["amount"])
    if sum(parts.values(), Decimal(0)) != entitlement.amount:
        raise Refused(f"{entitlement} 的收款构成加起来不等于金额，请重新核算。", code="parts")
    return [(kind, amount) for kind, amount in parts.items() if amount]


def required_papers(batch: Batch) -> dict[str, str]:
    """Name → clause of the papers the plan asks for: for the program, and for the rates the batch pays by."""
    rows = Entitlement.objects.filter(lines__batch=batch, adjusts=None)
    rates = Rate.objects.filter(pk__in=rows.values("rate_version__rate")).order_by("order")
    found = dict.fromkeys(batch.program.documents, batch.program.clause)
    for rate in rates.only("shape", "clause"):
        for name in rate.shape.get("documents") or ():
            found.setdefault(name, rate.clause)
    return found


def missing_papers(batch: Batch) -> list[str]:
    there = set(batch.papers.values_list("name", flat=True))
    return [name for name in required_papers(batch) if name not in there]


def incomplete(batch: Batch) -> list[str]:
    """What keeps a draft from being reviewed, each a clause in Chinese."""
    found = []
    lines = list(batch.lines.select_related("payee", "division"))
    if not lines:
        return ["批次没有明细"]
    if open_ones := [one for one in lines if one.payee is None or not fits(one, one.payee)]:
        places = list(dict.fromkeys(str(one.division) for one in open_ones))
        found.append(f"{_some(places)}共 {len(open_ones)} 行没有使用中的收款账户，请先登记、复核或指定")
    if papers := missing_papers(batch):
        found.append(f"缺材料：{'、'.join(papers)}")
    return found + sums(batch) + changed(batch)


def sums(batch: Batch) -> list[str]:
    """Σ lines = total, and every amount owed stands whole in its lines."""
    per: dict = defaultdict(Decimal)
    for key, amount in batch.lines.values_list("entitlement", "amount"):
        per[key] += amount
    found = []
    if (total := sum(per.values(), Decimal(0))) != batch.total:
        found.append(f"明细合计 {plain(total)} 元，批次合计 {plain(batch.total)} 元，不一致")
    rows = Entitlement.objects.filter(lines__batch=batch).distinct().select_related("division")
    wrong = [one for one in rows if one.amount != per[one.pk]]
    if wrong:
        found.append(f"{_some([str(one.division) for one in wrong])}有 {len(wrong)} 条应补的明细与金额不一致")
    return found


def changed(batch: Batch) -> list[str]:
    """What is no longer as it was computed: the rule, the acceptances, the claims, a calculation not yet settled."""
    rows = Entitlement.objects.filter(lines__batch=batch)
    found = []
    if rows.exclude(rate_version__state="published").exists():
        found.append("有的标准版本已撤回")
    if places := _accepted_since(batch):
        found.append(f"{_some(places)}在核算以后又有验收或冲销，请退回后重新核算")
    moved = Claim.objects.filter(entitlements__lines__batch=batch).exclude(state="verified")
    if moved.exists():
        found.append("有的管护申报已不是已核实状态")
    if stale := _stale_calculation(batch, set(rows.values_list("subject", "rate_key"))):
        found.append(stale)
    return found + still.off(batch)


def _accepted_since(batch: Batch) -> list[str]:
    """Works whose acceptances changed after their row was computed."""
    computed = Entitlement.objects.filter(lines__batch=batch, adjusts=None, work=OuterRef("work"))
    since = Subquery(computed.order_by("created_at").values("created_at")[:1])
    later = Step.objects.exclude(rung__level="").filter(work__entitlements__lines__batch=batch)
    later = later.annotate(since=since).filter(recorded_at__gt=F("since")).distinct()
    return [str(one.work) for one in later.select_related("work__division", "work__kind")]


def _stale_calculation(batch: Batch, subjects: set) -> str:
    last = Calculation.objects.filter(round=batch.round, state="ready").order_by("-made_at").first()
    names = {subject for subject, _ in subjects}
    for one in last.differences if last else ():
        if one.get("subject") in names and one.get("change") in ("changed", "gone"):
            return "最近一次核算对其中的应补有差异，还没有采用或放弃"
    return ""


def blocked_accounts(batch: Batch) -> list[str]:
    """Accounts that are out of use, or about to change."""
    lines = batch.lines.select_related("payee")
    payees = {one.payee_id: one.payee for one in lines if one.payee}
    found = [
        f"{one.name}（尾号 {one.tail}）{one.get_state_display()}"
        for one in payees.values()
        if one.state != "active"
    ]  # fmt: skip
    waiting = Payee.objects.filter(waiting_changes(payees.values())) if payees else ()
    return found + [f"{one.name}的账户变更待复核" for one in waiting]


def one_card(batch: Batch) -> dict:
    """payee id → other names on the same account among the batch's payees and the town's (一卡多名)."""
    return shared_accounts({one.payee for one in batch.lines.select_related("payee") if one.payee})


def _some(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    return "、".join(names[:SHOWN]) + (f"等 {len(names)} 处" if len(names) > SHOWN else "")
