"""The problem ledger: issues, what became of each, and the cases that lie with other authorities."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import Evidence, InScope, Kind, Parcel


class Issue(Row):
    """One row of a problem ledger (整改问题); a row may name several parcels. Counted by row, never by parcel.

    States move by ``tasks.issues.MOVES``; every move leaves an IssueEvent.
    """

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
    parcels = models.ManyToManyField(Parcel, related_name="issues", blank=True, verbose_name="图斑")
    photos = models.ManyToManyField(Evidence, related_name="issues", blank=True, verbose_name="照片和材料")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="决定人"
    )
    decided_on = models.DateField("决定日期", null=True, blank=True)
    decision_reason = models.CharField("决定理由", max_length=300, blank=True)  # must: another measure than suggested
    review_on = models.DateField("复查日期", null=True, blank=True)  # where no deadline is set ("/")
    is_excluded = models.BooleanField("不在整治范围", default=False)  # 农村宅基地: shown, not counted
    version = models.PositiveIntegerField("版本", default=1)
    state = models.CharField("状态", max_length=20, default="open")  # open, decided, done, accepted, closed, reopened
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


class IssueEvent(Row):
    """One move of an issue (整改记录): who, when, from which state to which, why; append-only."""

    ACTIONS = [
        ("opened", "立项"), ("decided", "确定方式"), ("done", "完成整改"), ("accepted", "验收"), ("returned", "退回"),
        ("closed", "销号"), ("reopened", "重新打开"), ("changed", "修改"),
    ]  # fmt: skip

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    issue = models.ForeignKey(Issue, models.PROTECT, related_name="events", verbose_name="问题")
    action = models.CharField("动作", max_length=12, choices=ACTIONS)
    before = models.CharField("原状态", max_length=20, blank=True)
    after = models.CharField("新状态", max_length=20)
    on = models.DateField("日期")
    reason = models.CharField("理由", max_length=300, blank=True)
    facts = models.JSONField("内容", default=dict, blank=True)  # name: [before, after] in words
    warnings = models.JSONField("当时的提醒", default=list, blank=True)
    upload = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="附件")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="登记人"
    )
    recorded_at = models.DateTimeField("登记时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "整改记录"
        ordering = ["recorded_at", "pk"]

    def __str__(self):
        return f"{self.issue} {self.get_action_display()}"


class Deliberation(Row):
    """A meeting that decided on an issue (一事一议): when, where, how many, what came out."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    issue = models.ForeignKey(Issue, models.PROTECT, related_name="deliberations", verbose_name="问题")
    level = models.CharField("层级", max_length=20)  # Term of list "level"
    held_on = models.DateField("会议日期")
    place = models.CharField("地点", max_length=120, blank=True)
    present = models.PositiveIntegerField("到会人数")
    agreed = models.PositiveIntegerField("同意人数")
    conclusion = models.CharField("结论", max_length=300)
    minutes = models.ForeignKey(
        Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="会议记录"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    recorded_at = models.DateTimeField("登记时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "一事一议"
        ordering = ["held_on"]
        constraints = [
            models.CheckConstraint(
                name="deliberation_agreed_of_present",
                condition=Q(agreed__lte=models.F("present"), present__gt=0),
                violation_error_message="同意人数不能多于到会人数。",
            )
        ]

    def __str__(self):
        return f"{self.issue} {self.held_on}"


class OfIssue(models.QuerySet):
    """Rows that hang on an issue."""

    def visible_to(self, user):
        return self.filter(issue__division__in=user.divisions())


class PermitCase(Row):
    """An application that lies with another authority (外部审批): 农转用, 确权, 设施备案; number, dates, outcome."""

    OUTCOMES = [("pending", "办理中"), ("approved", "已批准"), ("refused", "未批准")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    issue = models.ForeignKey(Issue, models.PROTECT, related_name="permits", verbose_name="问题")
    permit = models.CharField("事项", max_length=40)  # Term of list "permit"
    number = models.CharField("文号或受理号", max_length=60, blank=True)
    authority = models.CharField("办理单位", max_length=60, blank=True)
    applied_on = models.DateField("申请日期")
    decided_on = models.DateField("办结日期", null=True, blank=True)
    outcome = models.CharField("结果", max_length=10, choices=OUTCOMES, default="pending")
    note = models.CharField("说明", max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    version = models.PositiveIntegerField("版本", default=1)
    is_demo = models.BooleanField("演示", default=False)

    objects = OfIssue.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "外部审批"
        ordering = ["applied_on"]
        constraints = [
            models.CheckConstraint(
                name="permit_decided_has_number_and_day",
                condition=Q(outcome="pending") | (Q(decided_on__isnull=False) & ~Q(number="")),
                violation_error_message="办结须填文号和日期。",
            )
        ]

    def __str__(self):
        return f"{self.issue} {self.permit}"
