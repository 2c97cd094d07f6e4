"""Rows of money as ``subsidies.rules.engine`` writes them, for pages and REST that show them."""

from decimal import Decimal

from django.utils import timezone

from subsidies.models import Batch, BatchLine, Entitlement, Payee, Payment, Rate, RateVersion, Round


def explanation(work, area="2.77", price="500", amount="1385.00") -> dict:
    return {
        "rate": {"key": "shrub", "name": "低矮灌木复耕复种", "clause": "五（二）4", "document": "某府〔2024〕9号",
                 "version": 1, "chosen": ""},
        "base": {"fact": "county_mu", "label": "区县级认定面积", "value": area, "cap": None, "used": area},
        "lines": [{"text": f"{area} 亩 × {price} 元/亩", "price": price, "from": None, "to": None, "area": area,
                   "amount": amount}],
        "pool": None, "readings": [], "components": [{"name": "复耕", "price": "300", "amount": "831.00"}],
        "less": [], "at_most": None, "exact": amount,
        "rounding": {"mode": "half_up", "places": 2, "rounded": amount},
        "tests": [
            {"group": "unless", "text": "与 2023 年整治图斑重合的不补", "fact": "on_list", "op": "has",
             "value": "rectified-2023", "found": "不在清单", "result": "no", "clause": "五（二）4", "ruled": None},
        ],
        "parts": [{"payee_kind": "village", "amount": amount}], "sources": [], "works": [str(work.pk)],
        "facts": {"county_mu": area},
    }  # fmt: skip


def add_rows(world) -> dict[str, Entitlement]:
    """Of the one-off rate: due (东村, 1,385.00), held, ineligible, batched (西村, 2,000.00, paid)."""
    rate = Rate.objects.create(
        program=world.program, town=world.town, year=2024, key="shrub", name="低矮灌木复耕复种", clause="五（二）4",
        yuan_per_mu=Decimal(500), shape={}, order=1,
    )  # fmt: skip
    rate.kinds.set(world.rate.kinds.all())
    version = RateVersion.objects.create(
        rate=rate, town=world.town, number=1, rule={"name": rate.name}, digest="0" * 64, state="published",
        published_at=timezone.now(),
    )  # fmt: skip
    once = Round.objects.create(town=world.town, program=world.program, year=2024, label="2024 年")
    world.once, world.version = once, version
    states = [("due", 0, "1385.00", ""), ("held", 1, "0", "没有导入“盘活撂荒地”名册"),
              ("ineligible", 2, "0", "处置类别不是低矮灌木"), ("batched", 3, "2000.00", "")]  # fmt: skip
    found = {}
    for state, at, amount, reason in states:
        work = world.works[at]
        told = explanation(work, str(work.area_mu.normalize()), amount=amount)
        if state == "held":
            told["tests"][0] |= {"result": "unknown", "found": None}
        found[state] = Entitlement.objects.create(
            town=world.town, division=work.division, program=world.program, rate_version=version, rate_key="shrub",
            round=once, year=2024, work=work, subject=f"work:{work.pk}", base_mu=work.area_mu,
            amount=Decimal(amount), parts=[{"payee_kind": "village", "amount": amount}], explanation=told,
            exclusions=[{"text": "一地一补", "result": "no", "clause": "五（二）4"}], reason=reason, state=state,
            facts_digest="0" * 64,
        )  # fmt: skip
    return found


def add_batch(world, one: Entitlement) -> Batch:
    batch = Batch.objects.create(
        town=world.town, program=one.program, round=one.round, year=2024, number="QX-2024-B01", state="draft",
        total=one.amount, prepared_by=world.agri, prepared_at=timezone.now(), reviewed_by=world.official,
        reviewed_at=timezone.now(), approved_by=world.land.person("leader", name="boss"),
        approved_at=timezone.now(),
    )  # fmt: skip
    payee = Payee.objects.create(
        town=world.town, division=one.division, kind="village", name="西村集体", account=b"x", tail="0001",
        fingerprint="f", state="pending", entered_by=world.official,
    )  # fmt: skip
    line = BatchLine.objects.create(
        town=world.town, division=one.division, batch=batch, entitlement=one, payee_kind="village", payee=payee,
        amount=one.amount,
    )  # fmt: skip
    batch.paid_by, batch.paid_at = world.land.person("finance", name="purse"), timezone.now()
    for batch.state in ("reviewed", "published", "approved", "paid"):
        batch.save()  # from the approval on its lines are frozen
    Payment.objects.create(
        town=world.town, division=one.division, line=line, attempt=1, payee=payee, amount=one.amount,
        result="paid", on=world.land.year.today(), by=world.official,
    )  # fmt: skip
    return batch
