"""应补: what is owed to whom under which version of which rate, with every step of the sum."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from farmland.lib.fields import MoneyField, QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import Work
from subsidies.models.claim import Claim
from subsidies.models.program import Program, RateVersion, Round
from subsidies.models.scope import MoneyOfDivision, MoneyOfTown


class Calculation(Row):
    """One computing of a round (核算): what it found against what stands; nothing stands changed until it is applied.

    ``differences`` are rows {"change": new|changed|gone|same, "subject", "division", "before", "after", "settled"}.
    ``facts_digest`` is of all inputs: when it is no longer theirs, the calculation is stale and must be made again.
    """

    STATES = [("ready", "待确认"), ("applied", "已采用"), ("discarded", "已放弃")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    round = models.ForeignKey(Round, models.PROTECT, related_name="calculations", verbose_name="轮次")
    state = models.CharField("状态", max_length=10, choices=STATES, default="ready")
    facts_digest = models.CharField("输入校验值", max_length=64)
    awards = models.JSONField("结果", default=list)
    differences = models.JSONField("差异", default=list)
    asks = models.JSONField("要补充的资料", default=list)  # [work, claim or "", fact], see entitlements.asking
    total = MoneyField("应补合计（元）", default=0)
    as_of = models.DateTimeField("数据截至")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="核算人"
    )
    made_at = models.DateTimeField("核算时间", auto_now_add=True)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="采用人"
    )
    applied_at = models.DateTimeField("采用时间", null=True, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "核算"
        ordering = ["-made_at"]

    def __str__(self):
        return f"{self.round} {timezone.localtime(self.made_at):%Y-%m-%d %H:%M}"


class Entitlement(Row):
    """One amount owed (应补): a version of a rate × a subject × a round, rounded once to the 分, with its explanation.

    ``subject`` is the canonical text of what it is for ("work:<id>", "division:<id>", with "/<season>"). Rows that do
    not qualify stay, with the reason. A row in a live batch or settled never changes: what must change afterwards is
    an adjustment, a signed row of its own that names the row it ``adjusts``.
    """

    DUE, HELD, INELIGIBLE, BATCHED, SETTLED, REPLACED = (
        "due", "held", "ineligible", "batched", "settled", "replaced",
    )  # fmt: skip
    STATES = [
        (DUE, "应补"), (HELD, "暂缓"), (INELIGIBLE, "不予补助"), (BATCHED, "批次中"), (SETTLED, "已核定"),
        (REPLACED, "已更替"),
    ]  # fmt: skip
    LIVE = (DUE, HELD, INELIGIBLE, BATCHED, SETTLED)

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="entitlements", verbose_name="村")
    program = models.ForeignKey(Program, models.PROTECT, related_name="entitlements", verbose_name="政策")
    rate_version = models.ForeignKey(RateVersion, models.PROTECT, related_name="entitlements", verbose_name="标准版本")
    rate_key = models.CharField("标准", max_length=60)  # of the rate: versions of one rate do not pay twice
    round = models.ForeignKey(Round, models.PROTECT, related_name="entitlements", verbose_name="轮次")
    year = models.PositiveSmallIntegerField("年度")
    work = models.ForeignKey(
        Work, models.PROTECT, null=True, blank=True, related_name="entitlements", verbose_name="治理"
    )
    claim = models.ForeignKey(
        Claim, models.PROTECT, null=True, blank=True, related_name="entitlements", verbose_name="申报"
    )
    subject = models.CharField("对象", max_length=120)
    base_mu = QuantityField("计算面积（亩）", null=True, blank=True)  # null: unknown, or not by area
    amount = MoneyField("金额（元）", default=0)
    parts = models.JSONField("收款构成", default=list)  # [{"payee_kind", "amount"}], Σ = amount
    sources = models.JSONField("资金构成", default=list)  # [{"source", "amount"}], Σ = amount
    explanation = models.JSONField("计算说明", default=dict)  # subsidies.rules.engine.Award.explanation
    exclusions = models.JSONField("排除条件", default=list)  # [{"text", "result": yes|no|unknown, "clause"}]
    reason = models.CharField("原因", max_length=500, blank=True)  # why held, ineligible or adjusted
    state = models.CharField("状态", max_length=10, choices=STATES)
    facts_digest = models.CharField("输入校验值", max_length=64)  # of the facts of this row alone
    calculation = models.ForeignKey(
        Calculation, models.PROTECT, null=True, blank=True, related_name="entitlements", verbose_name="核算"
    )
    adjusts = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="adjustments", verbose_name="调整"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="登记人"
    )
    created_at = models.DateTimeField("生成时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfDivision.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "应补"
        ordering = ["division", "program", "subject", "created_at"]
        indexes = [models.Index(fields=["town", "round", "state"], name="entitlement_round_state")]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "program", "rate_key", "round", "subject"],
                condition=~Q(state="replaced") & Q(adjusts=None),
                name="entitlement_one_live",
                violation_error_message="同一对象、同一标准、同一轮次只能有一条应补。",
            ),
            models.CheckConstraint(
                name="entitlement_pays_only_when_due",
                condition=Q(state__in=["due", "batched", "settled", "replaced"]) | Q(amount=0),
                violation_error_message="暂缓或不予补助的，金额须为 0。",
            ),
            models.CheckConstraint(
                name="entitlement_not_negative",
                condition=Q(amount__gte=0) | Q(adjusts__isnull=False),
                violation_error_message="只有调整可以是负数。",
            ),
            models.CheckConstraint(
                name="entitlement_reason_given",
                condition=~Q(state__in=["held", "ineligible"]) & Q(adjusts=None) | ~Q(reason=""),
                violation_error_message="暂缓、不予补助和调整须写明原因。",
            ),
        ]

    def __str__(self):
        return f"{self.division} {self.rate_version.rate} {self.amount} 元"


class Ruling(Row):
    """A named person's decision on a condition nobody could test or on a warning (认定). Append-only, newest holds."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")
    round = models.ForeignKey(Round, models.PROTECT, related_name="rulings", verbose_name="轮次")
    rate_key = models.CharField("标准", max_length=60)
    subject = models.CharField("对象", max_length=120)
    test = models.CharField("条件", max_length=200)  # canonical text of the condition, or the name of the guard
    holds = models.BooleanField("成立")
    reason = models.CharField("依据", max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="认定人")
    at = models.DateTimeField("时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfDivision.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "认定"
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="ruling_has_reason", condition=~Q(reason=""), violation_error_message="认定须写依据。"
            ),
        ]

    def __str__(self):
        return f"{self.test}：{'成立' if self.holds else '不成立'}"
