"""Parcels as received: lists, the polygons or clues in them, and the codes they stand under."""

from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models.kinds import Kind


class InScope(models.QuerySet):
    """Rows that carry a division."""

    def visible_to(self, user):
        """The rows inside the divisions the user answers for: the one door for pages, API, files and jobs."""
        return self.filter(division__in=user.divisions())

    def of_year(self, town, year):
        return self.filter(town=town, year=year)


class ParcelListQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The lists of the towns that lie in the scope as a whole."""
        return self.filter(town__in=user.divisions())


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
    """One code of one row of a list (列入); a printed row with two codes is two listings of one serial.

    Without a parcel: of a layer or another program's list, which is only looked at.
    """

    list = models.ForeignKey(ParcelList, models.PROTECT, related_name="listings", verbose_name="清单")
    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    serial = models.CharField("序号", max_length=40)
    code = models.CharField("编号", max_length=80)  # raw text, never "corrected"
    parcel = models.ForeignKey(
        Parcel, models.PROTECT, null=True, blank=True, related_name="listings", verbose_name="图斑"
    )
    cells = models.JSONField("原始单元格", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "列入"
        indexes = [models.Index(fields=["town", "code"], name="listing_town_code")]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "list", "code"],
                name="listing_code_unique_in_list",
                violation_error_message="清单中编号重复。",
            ),
        ]

    def __str__(self):
        return self.code
