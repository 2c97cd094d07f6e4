"""The money: programs and their rates, loaded, checked and shown; entitlements and batches come with the payments."""

from django.db import models

from farmland.lib.fields import RateField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import Kind
from tasks.models.plan import OfTown, Plan


class Program(Row):
    """A subsidy policy (补助政策) of a plan."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="programs", verbose_name="方案")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    key = models.CharField("键", max_length=60)
    name = models.CharField("名称", max_length=120)
    document = models.CharField("文件", max_length=200, blank=True)
    clause = models.CharField("出处", max_length=200, blank=True)
    exclusive_group = models.CharField("互斥组", max_length=60, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    objects = OfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "补助政策"
        ordering = ["plan", "order"]
        constraints = [models.UniqueConstraint(fields=["town", "plan", "key"], name="program_key_unique")]

    def __str__(self):
        return self.name


class Rate(Row):
    """A rate (补助标准) in the one rate shape; ``shape`` is checked on loading and evaluated with the payments."""

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
