"""What is derived: progress, its daily snapshots, red lines and findings. Recomputed from facts, never counted up."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import Kind
from tasks.models.plan import Plan, RedLine, Target, WholeTown

STATES = [
    ("met", "已完成"),
    ("infeasible", "不可达"),
    ("overdue", "逾期"),
    ("at_risk", "有风险"),
    ("no_data", "无数据"),
    ("on_track", "正常"),
]


class ProgressQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Rows of divisions in scope; whole-town rows (no division) where the whole town is in scope."""
        scope = user.divisions()
        return self.filter(Q(division__in=scope) | Q(division=None, town__in=scope))

    def towns(self):
        return self.filter(division=None)


class Figures(Row):
    """The figures of one target in one division (null: the whole town), shared by Progress and Snapshot."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="+", verbose_name="任务类型")
    tranche = models.CharField("批次", max_length=40, blank=True)
    unit = models.CharField("单位", max_length=20)
    amount = QuantityField("目标", null=True, blank=True)
    counted = QuantityField("已认定", null=True, blank=True)  # null: a stock nobody surveyed
    planned = QuantityField("计划", default=0)
    potential = QuantityField("潜力", null=True, blank=True)
    stages = models.JSONField("各环节面积", default=dict)  # rung code: area as text, whose furthest stage this is
    reached = models.JSONField("各环节累计", default=dict)  # rung code: area as text that reached it or further
    parcel_total = models.PositiveIntegerField("图斑数", default=0)
    parcel_counted = models.PositiveIntegerField("已认定图斑数", default=0)
    state = models.CharField("状态", max_length=12, choices=STATES)
    reason = models.CharField("原因", max_length=300, blank=True)
    forecast_on = models.DateField("预计完成", null=True, blank=True)
    as_of = models.DateTimeField("数据截至")

    class Meta:
        abstract = True

    @property
    def gap(self):
        return None if self.amount is None else self.amount - self.counted

    @property
    def rate(self):
        """counted ÷ target, or None when the target is 0 or absent."""
        return self.counted / self.amount if self.amount else None


class Progress(Figures):
    """Progress of a target in a division (完成情况), as last computed."""

    target = models.ForeignKey(Target, models.CASCADE, related_name="progress", verbose_name="指标")
    division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="progress", verbose_name="单位"
    )

    objects = ProgressQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "完成情况"
        constraints = [
            models.UniqueConstraint(fields=["town", "target", "division"], name="progress_unique"),
            models.UniqueConstraint(
                fields=["town", "target"], condition=Q(division=None), name="progress_unique_whole_town"
            ),
        ]

    def __str__(self):
        return f"{self.target} {self.division or self.town}"


class Snapshot(Figures):
    """Progress as it stood at the end of a day (快照); a report quotes this, not the running figure."""

    target = models.ForeignKey(Target, models.CASCADE, related_name="snapshots", verbose_name="指标")
    division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="单位"
    )
    day = models.DateField("日期")
    is_demo = models.BooleanField("演示", default=False)

    objects = ProgressQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "完成情况快照"
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["town", "target", "division", "day"], name="snapshot_unique"),
            models.UniqueConstraint(
                fields=["town", "target", "day"], condition=Q(division=None), name="snapshot_unique_whole_town"
            ),
        ]

    def __str__(self):
        return f"{self.target} {self.division or self.town} {self.day}"


class RedLineResult(Row):
    """How one of the five lines stands (红线结果), by tier of certainty."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    line = models.CharField("红线", max_length=20)
    red_line = models.ForeignKey(
        RedLine, models.CASCADE, null=True, blank=True, related_name="results", verbose_name="红线定义"
    )
    unit = models.CharField("单位", max_length=20)
    target = QuantityField("目标", null=True, blank=True)
    actual = QuantityField("现有", null=True, blank=True)
    margin = QuantityField("余量", null=True, blank=True)  # on the safe side; negative is broken
    formula = models.CharField("算式", max_length=300)
    shown = models.CharField("代入数字的算式", max_length=300, blank=True)
    tiers = models.JSONField("各档", default=dict)  # tier: {"area": text, "margin": text}
    parts = models.JSONField("构成", default=list)
    state = models.CharField("状态", max_length=12, choices=STATES)
    reason = models.CharField("原因", max_length=300, blank=True)
    as_of = models.DateTimeField("数据截至")

    objects = WholeTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "红线结果"
        constraints = [models.UniqueConstraint(fields=["town", "year", "line"], name="red_line_result_unique")]

    def __str__(self):
        return f"{self.town} {self.year} {self.line}"


class Finding(Row):
    """A remark of the plan check (方案体检发现): rule, place, as printed, as computed."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="findings", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    rule = models.CharField("规则", max_length=10)
    severity = models.CharField("程度", max_length=10)
    place = models.CharField("位置", max_length=200)
    clause = models.CharField("原文", max_length=500, blank=True)
    stated = models.CharField("印发稿", max_length=300, blank=True)
    computed = models.CharField("核算", max_length=300, blank=True)
    message = models.CharField("说明", max_length=500)
    waived = models.BooleanField("已说明", default=False)
    order = models.PositiveIntegerField("次序", default=0)

    objects = WholeTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "方案体检发现"
        ordering = ["town", "-year", "order"]
        constraints = [models.UniqueConstraint(fields=["town", "plan", "rule", "place"], name="finding_unique")]

    def __str__(self):
        return f"{self.rule} {self.place}"


class Waiver(Row):
    """A named person's reason for leaving a finding as it is (说明). It lapses when either value changes."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    rule = models.CharField("规则", max_length=10)
    place = models.CharField("位置", max_length=200)
    stated = models.CharField("印发稿", max_length=300, blank=True)
    computed = models.CharField("核算", max_length=300, blank=True)
    reason = models.CharField("不改的原因", max_length=300)
    basis = models.CharField("依据文号", max_length=120, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="说明人")
    at = models.DateTimeField("时间", auto_now_add=True)
    withdrawn_at = models.DateTimeField("撤销时间", null=True, blank=True)

    objects = WholeTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "说明"
        constraints = [
            models.UniqueConstraint(
                fields=["town", "year", "rule", "place"],
                condition=Q(withdrawn_at=None),
                name="waiver_one_in_force",
                violation_error_message="这条发现已有说明。",
            )
        ]

    def __str__(self):
        return f"{self.rule} {self.place}：{self.reason}"
