"""What is done on the land: works, and the signed steps that are the only source of progress."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models.kinds import Kind, Rung
from parcels.models.parcel import InScope, Parcel


class Work(Row):
    """Work of one kind on one parcel, or not yet placed on any (治理). It counts for ``year``."""

    EXITS = [("disproved", "核查无问题"), ("blocked", "不可整改"), ("substituted", "已调换"), ("deferred", "暂缓")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="works", verbose_name="村")
    parcel = models.ForeignKey(
        Parcel, models.PROTECT, null=True, blank=True, related_name="works", verbose_name="图斑"
    )
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="works", verbose_name="任务类型")
    year = models.PositiveSmallIntegerField("计入年度")
    tranche = models.CharField("批次", max_length=40, blank=True)
    measure = models.CharField("措施", max_length=40, blank=True)
    treatment = models.CharField("处置类别", max_length=40, blank=True)
    area_mu = QuantityField("计划面积（亩）", null=True, blank=True)
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", verbose_name="替换"
    )
    exit = models.CharField("退出", max_length=20, blank=True, choices=EXITS)
    exit_reason = models.CharField("退出原因", max_length=300, blank=True)
    attrs = models.JSONField("其他", default=dict, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "治理"
        indexes = [models.Index(fields=["town", "year", "kind"], name="work_town_year_kind")]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "division", "kind", "year", "tranche"],
                condition=Q(parcel=None),
                name="work_one_unplaced",
            ),
            models.CheckConstraint(
                name="work_area_not_negative",
                condition=Q(area_mu=None) | Q(area_mu__gte=0),
                violation_error_message="计划面积不能为负数。",
            ),
            models.CheckConstraint(
                name="work_exit_needs_reason",
                condition=Q(exit="") | ~Q(exit_reason=""),
                violation_error_message="退出须写明原因。",
            ),
        ]

    def __str__(self):
        return f"{self.division} {self.kind} {self.year}"


class StepQuerySet(models.QuerySet):
    """Append-only: rows are neither changed nor deleted, except demo facts when the demo data go."""

    def of_demo(self):
        """Entered by a demo user, or about land or a village that is invented."""
        return self.filter(Q(is_demo=True) | Q(work__parcel__is_demo=True) | Q(work__division__is_demo=True))

    def update(self, **kwargs):
        raise TypeError("steps are append-only: write a reversing row")

    def delete(self):
        if self.exclude(pk__in=Step.objects.of_demo().values("pk")).exists():
            raise TypeError("steps are append-only: write a reversing row")
        return super().delete()

    def visible_to(self, user):
        return self.filter(work__division__in=user.divisions())

    def acceptances(self):
        """The steps on rungs with a level: what ``acceptances/`` lists."""
        return self.exclude(rung__level="")


class Step(Row):
    """A signed area of one work on one rung (进展), append-only. The only source of progress.

    ``on`` is the day it happened, ``recorded_at`` the moment it became known. A mistake is corrected by a negative row
    naming the one it ``reverses``. A return (退回) adds no area.
    """

    VERDICTS = [
        ("reached", "填报"), ("passed", "通过"), ("partial", "部分通过"), ("returned", "退回"), ("revoked", "冲销"),
    ]  # fmt: skip

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    work = models.ForeignKey(Work, models.PROTECT, related_name="steps", verbose_name="治理")
    rung = models.ForeignKey(Rung, models.PROTECT, related_name="steps", verbose_name="环节")
    area_mu = QuantityField("面积（亩）")
    declared_mu = QuantityField("送验面积（亩）", null=True, blank=True)
    verdict = models.CharField("结论", max_length=10, choices=VERDICTS)
    on = models.DateField("日期")
    recorded_at = models.DateTimeField("登记时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="登记人"
    )
    crop = models.CharField("作物", max_length=40, blank=True)
    reason = models.CharField("原因", max_length=300, blank=True)
    note = models.CharField("备注", max_length=300, blank=True)
    clause = models.CharField("出处", max_length=200, blank=True)  # of a fact the plan itself reports
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversals", verbose_name="冲销"
    )
    upload = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="原件")
    submission = models.UUIDField("回执", null=True, blank=True, db_index=True)  # of the form that brought it
    key = models.CharField("幂等键", max_length=100, blank=True)  # a repeated request finds its row
    is_demo = models.BooleanField("演示", default=False)

    objects = StepQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "进展"
        ordering = ["recorded_at", "pk"]
        indexes = [
            models.Index(fields=["work", "rung", "on"], name="step_work_rung_on"),
            # all the recompute of a town reads, in the order in which it adds it up
            models.Index(fields=["town", "work", "rung", "on", "area_mu"], name="step_of_town"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["town", "by", "key"], condition=~Q(key=""), name="step_key_unique"),
            models.CheckConstraint(
                name="step_return_has_reason_and_no_area",
                condition=~Q(verdict="returned") | (Q(area_mu=0) & ~Q(reason="")),
                violation_error_message="退回须写原因，且不计面积。",
            ),
            models.CheckConstraint(
                name="step_reversal_names_its_row",
                condition=~Q(verdict="revoked") | (Q(area_mu__lte=0) & Q(reverses__isnull=False) & ~Q(reason="")),
                violation_error_message="冲销须指明原记录、写明原因，面积为负数。",
            ),
            models.CheckConstraint(
                name="step_passed_adds_area",
                condition=~Q(verdict__in=["passed", "partial"]) | Q(area_mu__gt=0),
                violation_error_message="通过的面积须大于 0。",
            ),
        ]

    def __str__(self):
        return f"{self.work} {self.rung} {self.area_mu}"

    @property
    def told_by(self) -> str:
        """Who says so: a person, the plan where it has a clause, else the system (area carried over, an import)."""
        if self.by_id:
            return str(self.by)
        return "方案" if self.clause else "系统"

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise TypeError("steps are append-only: write a reversing row")
        super().save(*args, **kwargs)
