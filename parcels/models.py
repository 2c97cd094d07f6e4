"""The land: kinds of work and their ladders, parcels and lists, works and the steps they take. Facts, no duties."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division


class Ladder(models.Model):
    """An ordered set of stages (进度阶梯); each kind of task climbs one."""

    code = models.CharField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "进度阶梯"

    def __str__(self):
        return self.name


class Rung(models.Model):
    """A stage (环节). With a level only an acceptance of that level steps on it."""

    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="rungs", verbose_name="阶梯")
    code = models.CharField("代码", max_length=40)
    name = models.CharField("名称", max_length=40)
    rank = models.PositiveSmallIntegerField("次序")  # 0 is the lowest: reached by the planned area itself
    level = models.CharField("认定层级", max_length=20, blank=True)  # Term of list "level"
    tier = models.CharField("推演档", max_length=20)  # planned, ploughed, planted, evidenced, accepted
    is_reported = models.BooleanField("由村填报", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "环节"
        ordering = ["ladder", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["ladder", "rank"], name="rung_rank_unique"),
            models.UniqueConstraint(fields=["ladder", "code"], name="rung_code_unique"),
        ]

    def __str__(self):
        return self.name


class Kind(models.Model):
    """A kind of task (任务类型): a row, never an enum; added together only along ``parent`` and ``feeds``."""

    STOCK, FLOW, BALANCE, OPEN = "stock", "flow", "balance", "open"

    code = models.CharField("代码", max_length=40, primary_key=True)
    name = models.CharField("名称", max_length=60)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级类型"
    )
    nature = models.CharField("性质", max_length=10)  # stock, flow, balance, open
    unit = models.CharField("单位", max_length=20)  # Term of list "unit"
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="kinds", verbose_name="阶梯")
    feeds = models.ManyToManyField("self", symmetrical=False, related_name="fed_by", blank=True, verbose_name="计入")
    counted_level = models.CharField("默认认定层级", max_length=20, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "任务类型"
        ordering = ["order", "code"]

    def __str__(self):
        return self.name

    def leaves(self) -> list[str]:
        """The codes of the kinds without children at or below this one."""
        children = list(self.children.all())
        return [leaf for child in children for leaf in child.leaves()] if children else [self.code]


class LadderChoice(models.Model):
    """Where a town climbs another ladder than the kind's own (本镇阶梯)."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="+", verbose_name="任务类型")
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", verbose_name="阶梯")

    class Meta:
        verbose_name = verbose_name_plural = "本镇阶梯"
        constraints = [models.UniqueConstraint(fields=["town", "kind"], name="ladder_choice_unique")]

    def __str__(self):
        return f"{self.town} {self.kind}：{self.ladder}"


def ladder_of(town: Division, kind: Kind) -> Ladder:
    """The ladder that works of ``kind`` climb in ``town``."""
    choice = LadderChoice.objects.filter(town=town, kind=kind).select_related("ladder").first()
    return choice.ladder if choice else kind.ladder


class InScope(models.QuerySet):
    """Rows that carry a division."""

    def visible_to(self, user):
        """The rows inside the divisions the user answers for: the one door for pages, API, files and jobs."""
        return self.filter(division__in=user.divisions())

    def of_year(self, town, year):
        return self.filter(town=town, year=year)


class ParcelListQuerySet(models.QuerySet):
    def visible_to(self, user):
        whole = [town.pk for town in user.tenants() if user.sees_whole(town)]
        return self.filter(town__in=whole)


class ParcelList(Row):
    """A list of parcels as received (清单): issued by the district, selected, a constraint layer, paid elsewhere …"""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    role = models.CharField("用途", max_length=20, default="issued")
    kind = models.ForeignKey(Kind, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="任务类型")
    source = models.CharField("问题来源", max_length=40, blank=True)  # Term of list "source"
    title = models.CharField("标题", max_length=120)
    received_on = models.DateField("收到日期", null=True, blank=True)
    upload = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="原件")
    is_demo = models.BooleanField("演示", default=False)

    objects = ParcelListQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "清单"
        constraints = [
            models.UniqueConstraint(
                fields=["town", "role", "title", "year"],
                name="parcel_list_unique",
                violation_error_message="本年度已有同名清单。",
            ),
        ]

    def __str__(self):
        return self.title


class Parcel(Row):
    """One polygon of land or clue (图斑): the unit of work. Areas are as issued; what may be wrong is a finding."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="parcels", verbose_name="所在村")
    group = models.CharField("组", max_length=40, blank=True)
    year = models.PositiveSmallIntegerField("年度")
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="parcels", verbose_name="任务类型")
    source = models.CharField("来源", max_length=40, blank=True)  # of the list it first came in
    codes = models.JSONField("图斑编号", default=list)  # as printed, in the order of the lists
    gross_mu = QuantityField("图斑面积（亩）", null=True, blank=True)
    cultivated_mu = QuantityField("耕地面积（亩）", null=True, blank=True)
    pbf_mu = QuantityField("永农面积（亩）", null=True, blank=True)
    net_mu = QuantityField("净面积（亩）", null=True, blank=True)
    unit_issued = models.CharField("原单位", max_length=20, default="mu")
    land_class = models.CharField("地类", max_length=10, blank=True)
    ground_state = models.CharField("现状", max_length=40, blank=True)
    slope = QuantityField("坡度（度）", null=True, blank=True)
    in_redline = models.BooleanField("在生态红线内", null=True, blank=True)
    occurred_on = models.DateField("发生日期", null=True, blank=True)
    finding = models.CharField("核查结论", max_length=20, blank=True)  # what is true; stage says how far
    stage = models.CharField("环节", max_length=40, blank=True)  # cache: least advanced rung of its open works
    attrs = models.JSONField("其他", default=dict, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "图斑"
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["town", "year", "kind", "id"], name="parcel_town_year_kind"),
            models.Index(fields=["division", "year", "id"], name="parcel_division_year"),
        ]
        constraints = [
            models.CheckConstraint(
                name="parcel_areas_not_negative",
                condition=(Q(gross_mu=None) | Q(gross_mu__gte=0))
                & (Q(cultivated_mu=None) | Q(cultivated_mu__gte=0))
                & (Q(pbf_mu=None) | Q(pbf_mu__gte=0))
                & (Q(net_mu=None) | Q(net_mu__gte=0)),
                violation_error_message="图斑的各项面积不能为负数。",
            ),
        ]

    def __str__(self):
        return "、".join(self.codes) or str(self.pk)


class Listing(Row):
    """One code of one row of a list (列入); a printed row with two codes is two listings of one serial."""

    list = models.ForeignKey(ParcelList, models.PROTECT, related_name="listings", verbose_name="清单")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    serial = models.CharField("序号", max_length=40)
    code = models.CharField("编号", max_length=80)  # raw text, never "corrected"
    parcel = models.ForeignKey(Parcel, models.PROTECT, related_name="listings", verbose_name="图斑")
    cells = models.JSONField("原始单元格", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "列入"
        constraints = [
            models.UniqueConstraint(
                fields=["town", "list", "code"],
                name="listing_code_unique_in_list",
                violation_error_message="清单中编号重复。",
            ),
        ]

    def __str__(self):
        return self.code


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

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise TypeError("steps are append-only: write a reversing row")
        super().save(*args, **kwargs)
