"""验收批次: what one team looked at on one day, drawn and measured, and what each piece came to."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models.kinds import Kind
from parcels.models.parcel import InScope
from parcels.models.work import Step, Work


class Inspection(Row):
    """A batch of works put to one level's acceptance (验收批次). Its sample can be drawn again from ``seed``."""

    STATES = [("draft", "待验收"), ("done", "已完成"), ("cancelled", "已取消")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="范围")
    year = models.PositiveSmallIntegerField("年度")
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="+", verbose_name="任务类型")
    level = models.CharField("层级", max_length=20)  # Term of list "level"
    number = models.PositiveIntegerField("批次号")
    on = models.DateField("验收日期", null=True, blank=True)
    members = models.JSONField("验收人员", default=list, blank=True)  # posts, never private persons
    copies_to = models.JSONField("抄送", default=list, blank=True)  # names of offices
    is_recheck = models.BooleanField("抽查复核", default=False)
    sample_percent = QuantityField("抽样比例（%）", null=True, blank=True)
    by_risk = models.BooleanField("按风险加权", default=False)
    seed = models.CharField("抽样种子", max_length=40, blank=True)
    state = models.CharField("状态", max_length=10, choices=STATES, default="draft")
    note = models.CharField("说明", max_length=300, blank=True)
    signed = models.ForeignKey(
        Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="签字扫描件"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="建批人")
    created_at = models.DateTimeField("建批时间", auto_now_add=True)
    version = models.PositiveIntegerField("版本", default=1)
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "验收批次"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["town", "year", "number"], name="inspection_number_unique"),
            models.CheckConstraint(
                name="inspection_done_has_date",
                condition=~Q(state="done") | Q(on__isnull=False),
                violation_error_message="完成的批次须有验收日期。",
            ),
        ]

    def __str__(self):
        return f"{self.year} 年第 {self.number} 批 {self.kind}"


class InspectionItemQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The rows of the batches the user may see."""
        return self.filter(inspection__in=Inspection.objects.visible_to(user))


class InspectionItem(Row):
    """One work in a batch (批次明细): what was presented, whether it was drawn, what was measured and accepted."""

    VERDICTS = [("passed", "通过"), ("partial", "部分通过"), ("returned", "退回")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    inspection = models.ForeignKey(Inspection, models.CASCADE, related_name="items", verbose_name="批次")
    work = models.ForeignKey(Work, models.PROTECT, related_name="inspected", verbose_name="治理")
    declared_mu = QuantityField("送验面积（亩）")
    is_drawn = models.BooleanField("抽中", default=True)
    risk = models.PositiveSmallIntegerField("风险分", default=0)
    measured = models.JSONField("实测", default=dict, blank=True)  # attribute code: text
    verdict = models.CharField("结论", max_length=10, choices=VERDICTS, blank=True)
    accepted_mu = QuantityField("认定面积（亩）", null=True, blank=True)
    reason = models.CharField("原因", max_length=300, blank=True)
    step = models.OneToOneField(
        Step, models.PROTECT, null=True, blank=True, related_name="inspected_in", verbose_name="验收记录"
    )

    objects = InspectionItemQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "批次明细"
        constraints = [
            models.UniqueConstraint(fields=["town", "inspection", "work"], name="inspection_work_unique"),
            models.CheckConstraint(
                name="inspection_return_has_reason",
                condition=Q(verdict__in=["", "passed"]) | ~Q(reason=""),
                violation_error_message="退回或部分通过须写明原因。",
            ),
        ]

    def __str__(self):
        return f"{self.inspection} {self.work}"
