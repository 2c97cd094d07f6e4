"""Policies, their rates in the words of the plan, the published versions that pay, and the rounds they pay in."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from farmland.lib.fields import RateField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import Kind
from tasks.models.plan import OfTown, Plan, TownYear

CALENDAR, WORKING = "calendar", "working"


class Program(Row):
    """A subsidy policy (补助政策) of a plan."""

    COUNTING = [(CALENDAR, "日历日"), (WORKING, "工作日")]

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="programs", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    key = models.CharField("键", max_length=60)
    name = models.CharField("名称", max_length=120)
    document = models.CharField("文件", max_length=200, blank=True)
    clause = models.CharField("出处", max_length=200, blank=True)
    exclusive_group = models.CharField("互斥组", max_length=60, blank=True)
    publicity_days = models.PositiveSmallIntegerField("公示天数", null=True, blank=True)  # null: the plan is silent
    publicity_counting = models.CharField("公示计日", max_length=10, choices=COUNTING, default=CALENDAR)
    approvals = models.JSONField("审批", default=list, blank=True)  # as printed, in their order
    documents = models.JSONField("申报材料", default=list, blank=True)  # names of the papers a batch needs
    order = models.PositiveIntegerField("次序", default=0)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "补助政策"
        ordering = ["plan", "order"]
        constraints = [models.UniqueConstraint(fields=["town", "plan", "key"], name="program_key_unique")]

    def __str__(self):
        return self.name


class Rate(Row):
    """A rate (补助标准) as the plan states it now, in the one rate shape; what pays is a published version of it."""

    program = models.ForeignKey(Program, models.CASCADE, related_name="rates", verbose_name="政策")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    key = models.CharField("键", max_length=60)
    name = models.CharField("名称", max_length=120)
    clause = models.CharField("出处", max_length=200)
    kinds = models.ManyToManyField(Kind, related_name="rates", blank=True, verbose_name="任务类型")
    treatment = models.CharField("处置类别", max_length=40, blank=True)
    yuan_per_mu = RateField("元/亩", null=True, blank=True)  # null where not a plain rate
    components = models.JSONField("构成", default=dict, blank=True)
    basis = models.CharField("计算基数", max_length=60, blank=True)
    method = models.CharField("计算方式", max_length=40, blank=True)  # per_area, over_target, pool_share …
    years = models.JSONField("年度", default=list, blank=True)
    shape = models.JSONField("规则", default=dict)
    open_reason = models.CharField("未定的原因", max_length=300, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "补助标准"
        ordering = ["program", "order"]
        constraints = [models.UniqueConstraint(fields=["town", "program", "key"], name="rate_key_unique")]

    def __str__(self):
        return self.name


class RateVersion(Row):
    """A rate as it may pay (标准版本): a draft, then published and never changed again.

    ``rule`` is the whole shape (with name, clause, kinds, treatment, components, years, document), frozen; ``chosen``
    the reading of an ambiguous clause, decided by a named person. Two published versions of one rate never hold on
    the same day: [valid_from, valid_to], both inclusive, null open. The plan's own first version has no publisher.
    """

    STATES = [("draft", "草稿"), ("published", "已发布"), ("withdrawn", "已撤回")]

    rate = models.ForeignKey(Rate, models.PROTECT, related_name="versions", verbose_name="标准")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    number = models.PositiveIntegerField("版次")
    rule = models.JSONField("规则")
    digest = models.CharField("校验值", max_length=64)  # SHA-256 of the canonical text of ``rule`` and ``chosen``
    chosen = models.CharField("所选读法", max_length=20, blank=True)
    reason = models.CharField("说明", max_length=300, blank=True)
    valid_from = models.DateField("生效日", null=True, blank=True)
    valid_to = models.DateField("止日", null=True, blank=True)
    state = models.CharField("状态", max_length=10, choices=STATES, default="draft")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="起草人"
    )
    created_at = models.DateTimeField("起草时间", auto_now_add=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发布人"
    )
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "标准版本"
        ordering = ["rate", "number"]
        constraints = [
            models.UniqueConstraint(fields=["town", "rate", "number"], name="rate_version_number_unique"),
            models.CheckConstraint(
                name="rate_version_dates_in_order",
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                violation_error_message="止日早于生效日。",
            ),
            models.CheckConstraint(
                name="rate_version_published_has_time",
                condition=~Q(state="published") | Q(published_at__isnull=False),
                violation_error_message="已发布的版本须有发布时间。",
            ),
        ]

    def __str__(self):
        return f"{self.rate} 第 {self.number} 版"


class Round(Row):
    """One time a policy pays (轮次): a year, a season, a window. A new survey is a new version of the round.

    Claims are taken from ``opens_on`` to ``closes_on``, both whole days of Asia/Shanghai.
    """

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    program = models.ForeignKey(Program, models.PROTECT, related_name="rounds", verbose_name="政策")
    year = models.PositiveSmallIntegerField("兑付年度")
    label = models.CharField("名称", max_length=60)
    version = models.PositiveIntegerField("版次", default=1)
    season = models.CharField("季节", max_length=40, blank=True)  # Term of list "season"
    opens_on = models.DateField("申报起", null=True, blank=True)
    closes_on = models.DateField("申报止", null=True, blank=True)
    is_yearly = models.BooleanField("逐年", default=False)  # for the rates that pay by year, by claim
    note = models.CharField("说明", max_length=300, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "轮次"
        ordering = ["program", "year", "label", "version"]
        constraints = [
            models.UniqueConstraint(fields=["town", "program", "label", "version"], name="round_unique"),
            models.CheckConstraint(
                name="round_dates_in_order",
                condition=Q(opens_on=None) | Q(closes_on=None) | Q(closes_on__gte=F("opens_on")),
                violation_error_message="申报止日早于起日。",
            ),
        ]

    def __str__(self):
        return f"{self.program} {self.label}"

    def today(self) -> date:
        """The working date of the round's own year where the town has it, else of the year of its plan."""
        years = TownYear.objects.filter(town=self.town_id, year__in=[self.year, self.program.year])
        found = years.order_by("-year").first()
        return found.today() if found else timezone.localdate()
