"""What a plan says, as rows where rows are asked for; the rest stays in its document (``Plan.document``)."""

from datetime import date
from functools import lru_cache

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from farmland.lib.documents import read
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division, Office
from parcels.models import Kind
from tasks.plan.document import PlanDoc


class OfTown(models.QuerySet):
    """Rows of a plan: the plan is issued to every village of the town, so whoever answers for any part may read."""

    def visible_to(self, user):
        return self.filter(town__in=user.divisions().values("town"))


class WholeTown(models.QuerySet):
    """Rows about the town as a whole: only for those whose scope holds the whole town."""

    def visible_to(self, user):
        return self.filter(town__in=user.divisions())


class TownYear(models.Model):
    """A town's year (乡镇年度): its working date, when its figures were computed, whether it is closed."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="years", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    working_date = models.DateField("工作日期", null=True, blank=True)  # null: today; a fixed one comes with demo data
    as_of = models.DateTimeField("数据截至", null=True, blank=True)
    closed_on = models.DateField("关账日期", null=True, blank=True)
    waiting = models.PositiveIntegerField("待验收", default=0)  # lines of villages, counted with the figures

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "乡镇年度"
        ordering = ["town", "-year"]
        constraints = [models.UniqueConstraint(fields=["town", "year"], name="town_year_unique")]

    def __str__(self):
        return f"{self.town} {self.year} 年"

    def today(self) -> date:
        """The date every rule of this town-year is asked for."""
        return self.working_date or timezone.localdate()


@lru_cache(maxsize=64)
def _parsed(digest: str, source: str) -> PlanDoc:
    return read(source, PlanDoc)


class Plan(Row):
    """A town's plan for a year (方案), with the file it was read from."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="plans", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    title = models.CharField("标题", max_length=200)
    document_number = models.CharField("文号", max_length=60, blank=True)
    issued_on = models.DateField("印发日期", null=True, blank=True)
    issuer = models.CharField("印发单位", max_length=120, blank=True)
    revision = models.PositiveIntegerField("版次", default=1)
    digest = models.CharField(max_length=64)
    source = models.TextField("方案文件")  # YAML as loaded

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "方案"
        ordering = ["town", "-year"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "year"], name="plan_unique", violation_error_message="本镇该年度已有方案。"
            )
        ]

    def __str__(self):
        return self.title

    @property
    def document(self) -> PlanDoc:
        """The plan as read from its file: outline, duties, rules, cadences, annexes, questions."""
        return _parsed(self.digest, self.source)


class PlanRevision(Row):
    """One loading of a plan (版次): the file then, who loaded it, what it changed."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="revisions", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    number = models.PositiveIntegerField("版次")
    digest = models.CharField(max_length=64)
    source = models.TextField("方案文件")
    loaded_at = models.DateTimeField("载入时间", auto_now_add=True)
    loaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="载入人"
    )
    differences = models.JSONField("变化", default=list)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "方案版次"
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["town", "plan", "number"], name="plan_revision_unique")]

    def __str__(self):
        return f"{self.plan} 第 {self.number} 版"


class Target(Row):
    """A target (指标): what must be reached of a kind, by when, counted at which level."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="targets", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    key = models.CharField("键", max_length=60)
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="targets", verbose_name="任务类型")
    tranche = models.CharField("批次", max_length=40, blank=True)
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children", verbose_name="上级指标"
    )
    rule = models.CharField("完成规则", max_length=5, default="sum")  # every child, or their sum
    comparison = models.CharField("比较", max_length=3)  # gte, lte, eq
    amount = QuantityField("目标", null=True, blank=True)
    unit = models.CharField("单位", max_length=20)
    from_year = models.PositiveSmallIntegerField("起始年度")
    to_year = models.PositiveSmallIntegerField("截止年度")
    selected = QuantityField("已选面积", null=True, blank=True)
    expected = QuantityField("预计产出", null=True, blank=True)
    maximum = QuantityField("最多可完成", null=True, blank=True)
    maximum_reason = models.CharField("不可完成的原因", max_length=300, blank=True)
    due_on = models.DateField("时限", null=True, blank=True)
    due_printed = models.CharField("时限原文", max_length=80, blank=True)
    counted_level = models.CharField("认定层级", max_length=20, blank=True)  # "" where the plan is silent
    lead_office = models.ForeignKey(
        Office, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="牵头单位"
    )
    responsible = models.JSONField("责任单位", default=list, blank=True)
    origin = models.CharField("来历", max_length=200, blank=True)
    clause = models.CharField("出处", max_length=200)
    note = models.CharField("说明", max_length=300, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "指标"
        ordering = ["plan", "order"]
        constraints = [
            models.UniqueConstraint(fields=["town", "plan", "key"], name="target_key_unique"),
            models.CheckConstraint(condition=Q(from_year__lte=models.F("to_year")), name="target_years_in_order"),
        ]

    def __str__(self):
        return f"{self.kind}{self.tranche and f'（{self.tranche}）'}"

    def effective_amount(self):
        """The amount in force: the plan's, until an amendment is decided (amendments come with their own issue)."""
        return self.amount

    @property
    def level(self) -> str:
        """The level that makes area count; the kind's own where the plan is silent (shown as assumed)."""
        return self.counted_level or self.kind.counted_level


class Share(Row):
    """A division's share of a target (任务分解). ``stated`` is the cell as printed: "/" is not 0."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    target = models.ForeignKey(Target, models.CASCADE, related_name="shares", verbose_name="指标")
    division = models.ForeignKey(Division, models.PROTECT, related_name="shares", verbose_name="单位")
    amount = QuantityField("任务", null=True, blank=True)
    potential = QuantityField("潜力", null=True, blank=True)
    stated = models.CharField("原文", max_length=40, blank=True)
    clause = models.CharField("出处", max_length=200, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    class ShareQuerySet(models.QuerySet):
        def visible_to(self, user):
            return self.filter(division__in=user.divisions())

    objects = ShareQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "任务分解"
        ordering = ["target", "order"]
        constraints = [models.UniqueConstraint(fields=["town", "target", "division"], name="share_unique")]

    def __str__(self):
        return f"{self.division} {self.target}"


class Entry(Row):
    """A dated, signed amount in a target's account (账目), append-only but for reloads of the plan that states it."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    target = models.ForeignKey(Target, models.CASCADE, related_name="entries", verbose_name="指标")
    role = models.CharField("性质", max_length=20)
    amount = QuantityField("数额")
    on = models.DateField("日期", null=True, blank=True)
    clause = models.CharField("出处", max_length=200)
    reason = models.CharField("说明", max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="登记人"
    )  # null: the plan itself
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversals", verbose_name="冲销"
    )
    order = models.PositiveIntegerField("次序", default=0)

    objects = WholeTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "账目"
        ordering = ["target", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "target", "order"], condition=Q(by=None), name="entry_of_plan_unique"
            )
        ]

    def __str__(self):
        return f"{self.target} {self.role} {self.amount}"


class RedLine(Row):
    """An assessed line (一票否决红线) of a plan: the target it is judged by, its formula as text, what feeds it."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="red_lines", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    line = models.CharField("红线", max_length=20)
    target = models.ForeignKey(
        Target, models.CASCADE, null=True, blank=True, related_name="red_lines", verbose_name="指标"
    )
    formula = models.CharField("算式", max_length=300)
    feeds = models.JSONField("计入的任务类型", default=list)
    assumption = models.CharField("假定", max_length=300, blank=True)
    reason = models.CharField("没有数据的原因", max_length=300, blank=True)
    clause = models.CharField("出处", max_length=200, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    objects = WholeTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "红线"
        ordering = ["plan", "order"]
        constraints = [models.UniqueConstraint(fields=["town", "plan", "line"], name="red_line_unique")]

    def __str__(self):
        return f"{self.plan} {self.line}"


class Statement(Row):
    """A figure as printed (表述), with its clause; contradicting ones stand side by side."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="statements", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    key = models.CharField("键", max_length=60)
    clause = models.CharField("出处", max_length=200)
    printed = models.CharField("原文", max_length=500)
    value = QuantityField("数值", null=True, blank=True)
    unit = models.CharField("单位", max_length=20, blank=True)
    magnitude = models.CharField("量级", max_length=2, blank=True)
    is_approximate = models.BooleanField("约数", default=False)
    formula = models.CharField("算式", max_length=300, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "表述"
        ordering = ["plan", "order"]
        constraints = [
            models.UniqueConstraint(fields=["town", "plan", "key", "clause", "value"], name="statement_unique")
        ]

    def __str__(self):
        return f"{self.key}：{self.printed}"


class Milestone(Row):
    """A phase or a dated step inside one (阶段、节点): a date, what must have reached which rung by then."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="milestones", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="steps", verbose_name="阶段"
    )
    key = models.CharField("键", max_length=60)
    name = models.CharField("名称", max_length=120)
    printed = models.CharField("原文", max_length=200)
    starts_on = models.DateField("起", null=True, blank=True)
    ends_on = models.DateField("止", null=True, blank=True)
    targets = models.ManyToManyField(Target, related_name="milestones", blank=True, verbose_name="指标")
    rung = models.CharField("应达环节", max_length=40, blank=True)
    repeats = models.CharField("重复", max_length=60, blank=True)
    clause = models.CharField("出处", max_length=200, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "节点"
        ordering = ["plan", "order"]
        constraints = [models.UniqueConstraint(fields=["town", "plan", "key"], name="milestone_key_unique")]

    def __str__(self):
        return self.name
