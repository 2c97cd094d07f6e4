from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import InScope


class Form(Row):
    """A workbook as handed out (填报表): which division, which version, and every fact as it stood then."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="forms", verbose_name="村")
    year = models.PositiveSmallIntegerField("年度")
    number = models.PositiveIntegerField("版本")
    facts = models.JSONField("下发时的事实", default=dict)
    digest = models.CharField(max_length=64)
    issued_at = models.DateTimeField("下发时间", auto_now_add=True)
    issued_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="下载人"
    )
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "填报表"
        ordering = ["-issued_at"]
        constraints = [
            models.UniqueConstraint(fields=["town", "division", "year", "number"], name="form_number_unique")
        ]

    def __str__(self):
        return f"{self.division} {self.year} 年填报表 第 {self.number} 版"


class Submission(Row):
    """A workbook that came back (填报回执): the raw file, what it would change, what became of it."""

    STATES = [
        ("applied", "已写入"),
        ("duplicate", "重复，未写"),
        ("refused", "有错，未写"),
        ("conflict", "待选择"),
        ("taken_back", "已撤回"),
    ]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="submissions", verbose_name="村")
    year = models.PositiveSmallIntegerField("年度")
    form = models.ForeignKey(
        Form, models.PROTECT, null=True, blank=True, related_name="submissions", verbose_name="填报表"
    )
    upload = models.ForeignKey(Upload, models.PROTECT, related_name="+", verbose_name="原件")
    marked = models.ForeignKey(
        Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="标错的副本"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="上传人"
    )
    key = models.CharField("幂等键", max_length=100, blank=True)
    content = models.CharField(
        "内容指纹", max_length=64
    )  # of the cells, so that saving again in another program is equal
    state = models.CharField("状态", max_length=12, choices=STATES)
    receipt = models.CharField("回执编号", max_length=40, blank=True)
    changed_rows = models.PositiveIntegerField("变更行数", default=0)
    changes = models.JSONField("变化", default=list)
    errors = models.JSONField("错误", default=list)
    job = models.UUIDField("重算作业", null=True, blank=True)
    submitted_at = models.DateTimeField("上传时间", auto_now_add=True)
    taken_back_at = models.DateTimeField("撤回时间", null=True, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "填报回执"
        ordering = ["-submitted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "user", "key"], condition=~Q(key=""), name="submission_key_unique"
            ),
            models.UniqueConstraint(fields=["town", "receipt"], condition=~Q(receipt=""), name="receipt_unique"),
            models.CheckConstraint(
                condition=Q(state__in=["applied", "taken_back"], receipt__gt="") | ~Q(state__in=["applied"]),
                name="submission_applied_has_receipt",
            ),
        ]

    def __str__(self):
        return self.receipt or f"{self.division} {self.submitted_at:%Y-%m-%d %H:%M}"
