from django.db import models

from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import InScope, Kind


class Issue(Row):
    """One row of a problem ledger (整改问题); a row may name several parcels. Counted by row, never by parcel."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="issues", verbose_name="任务类型")
    ledger = models.CharField("台账", max_length=60)
    ledger_title = models.CharField("台账名称", max_length=120, blank=True)
    serial = models.CharField("序号", max_length=20)
    codes = models.JSONField("图斑编号", default=list)  # split, each as printed
    project = models.CharField("项目名称", max_length=200, blank=True)
    location = models.CharField("坐落", max_length=120, blank=True)
    group = models.CharField("组", max_length=40, blank=True)
    division = models.ForeignKey(Division, models.PROTECT, related_name="issues", verbose_name="单位")
    responsible_division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="责任单位"
    )
    area_mu = QuantityField("图斑面积（亩）", null=True, blank=True)
    cultivated_mu = QuantityField("耕地（亩）", null=True, blank=True)
    pbf_mu = QuantityField("永久基本农田（亩）", null=True, blank=True)
    source = models.CharField("问题来源", max_length=40, blank=True)  # Term of list "source"
    problem_kind = models.CharField("问题类型", max_length=40, blank=True)  # Term of list "problem_kind"
    measure = models.CharField("整改方式", max_length=40, blank=True)  # Term of list "measure"
    measure_stated = models.CharField("整改方式原文", max_length=120, blank=True)
    suggested_measure = models.CharField("建议方式", max_length=40, blank=True)
    suggestion = models.JSONField("建议理由", default=dict, blank=True)  # reason, basis, clause, due
    warnings = models.JSONField("提醒", default=list, blank=True)  # texts
    due_on = models.DateField("整改时限", null=True, blank=True)
    due_stated = models.CharField("整改时限原文", max_length=60, blank=True)
    state = models.CharField("状态", max_length=20, default="open")  # open, done, accepted, closed, reopened
    closed_on = models.DateField("销号日期", null=True, blank=True)
    cells = models.JSONField("原始单元格", default=dict, blank=True)
    order = models.PositiveIntegerField("次序", default=0)
    is_demo = models.BooleanField("演示", default=False)

    CLOSED = ("closed",)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改问题"
        ordering = ["town", "year", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "year", "ledger", "serial"],
                name="issue_serial_unique",
                violation_error_message="台账中序号重复。",
            ),
            models.CheckConstraint(
                condition=models.Q(state="closed", closed_on__isnull=False) | ~models.Q(state="closed"),
                name="issue_closed_has_date",
                violation_error_message="销号须填日期。",
            ),
        ]

    def __str__(self):
        return f"{self.ledger_title} 第 {self.serial} 行"
