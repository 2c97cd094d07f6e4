"""Where land lies: the boundary of a parcel or of a piece of a constraint layer, and what lies on what."""

from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models.parcel import InScope, Parcel, ParcelList


class ShapeQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Boundaries of parcels in scope, layers of towns seen whole; coordinates ask for ``can("coordinates")``."""
        whole = [town.pk for town in user.tenants() if user.sees_whole(town)]
        return self.filter(Q(parcel__division__in=user.divisions()) | Q(parcel=None, town__in=whole))

    def meeting(self, west: float, south: float, east: float, north: float):
        """Those whose bounding box touches the box, in degrees."""
        return self.filter(west__lte=east, east__gte=west, south__lte=north, north__gte=south)


class Shape(Row):
    """One boundary (图形), kept once: WKB in EPSG:4490 (CGCS2000, longitude first), its box in degrees.

    Of a parcel, or a piece of a layer list (生态红线, 25° 坡度 …). The issued area stays the parcel's;
    ``computed_mu`` is the geodesic one beside it.
    """

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    parcel = models.OneToOneField(
        Parcel, models.PROTECT, null=True, blank=True, related_name="shape", verbose_name="图斑"
    )
    layer = models.ForeignKey(
        ParcelList, models.PROTECT, null=True, blank=True, related_name="shapes", verbose_name="图层"
    )
    name = models.CharField("名称", max_length=120, blank=True)
    wkb = models.BinaryField("边界")
    west = models.FloatField("西")
    south = models.FloatField("南")
    east = models.FloatField("东")
    north = models.FloatField("北")
    computed_mu = QuantityField("图形面积（亩）")
    digest = models.CharField("指纹", max_length=64)  # SHA-256 of wkb
    issued_crs = models.CharField("原坐标系", max_length=40, blank=True)  # EPSG:4523
    upload = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="原件")
    is_demo = models.BooleanField("演示", default=False)

    objects = ShapeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "图形"
        indexes = [models.Index(fields=["town", "west", "east"], name="shape_town_box")]
        constraints = [
            models.CheckConstraint(
                name="shape_of_parcel_or_layer",
                condition=Q(parcel__isnull=False, layer=None) | Q(parcel=None, layer__isnull=False),
                violation_error_message="图形须属于一个图斑或一个图层。",
            ),
            models.CheckConstraint(
                name="shape_box_in_order",
                condition=Q(west__lte=models.F("east"), south__lte=models.F("north")),
                violation_error_message="图形的范围不对。",
            ),
        ]

    def __str__(self):
        return self.name or str(self.parcel or self.layer)


class Overlap(Row):
    """Two pieces of land that are, at least partly, the same (重叠): by code, or by area."""

    BY = [("code", "编号相同"), ("area", "图形重叠")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")  # of the parcel
    parcel = models.ForeignKey(Parcel, models.PROTECT, related_name="overlaps", verbose_name="图斑")
    other = models.ForeignKey(
        Parcel, models.PROTECT, null=True, blank=True, related_name="overlapped_by", verbose_name="另一图斑"
    )
    layer = models.ForeignKey(
        ParcelList, models.PROTECT, null=True, blank=True, related_name="overlaps", verbose_name="图层或清单"
    )
    by = models.CharField("依据", max_length=10, choices=BY)
    area_mu = QuantityField("重叠面积（亩）", null=True, blank=True)  # null: by code only
    share = QuantityField("占图斑比例", null=True, blank=True)  # 0–1
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "重叠"
        constraints = [
            models.UniqueConstraint(
                fields=["town", "parcel", "other", "by"], condition=Q(other__isnull=False), name="overlap_unique"
            ),
            models.UniqueConstraint(
                fields=["town", "parcel", "layer", "by"], condition=Q(other=None), name="overlap_of_layer_unique"
            ),
            models.CheckConstraint(
                name="overlap_with_something", condition=Q(other__isnull=False) | Q(layer__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.parcel} {self.other or self.layer}"


class ImportTemplate(Row):
    """How the columns of one source's lists are read (导入模板): kept per town, offered when the headings fit."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    name = models.CharField("名称", max_length=60)
    mapping = models.JSONField("对照", default=dict)  # printed heading: {"field": …, "unit": …}
    defaults = models.JSONField("缺省值", default=dict, blank=True)  # field: text, for what the list does not carry
    used_at = models.DateTimeField("最近使用", null=True, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "导入模板"
        constraints = [
            models.UniqueConstraint(
                fields=["town", "name"], name="import_template_unique", violation_error_message="已有同名模板。"
            )
        ]

    def __str__(self):
        return self.name
