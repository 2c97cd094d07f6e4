"""自选图斑: land a village proposes itself, from the holder's consent to the county bureau's approval."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models.kinds import Kind
from parcels.models.parcel import InScope, Parcel


class Proposal(Row):
    """A parcel a village proposes (自选图斑); refused above 25° or in 红线, a parcel once the county has approved."""

    STATES = [
        ("proposed", "待镇审核"), ("town_approved", "待县审批"), ("approved", "已批准"), ("refused", "未通过"),
        ("withdrawn", "已撤回"),
    ]  # fmt: skip

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")
    year = models.PositiveSmallIntegerField("年度")
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="+", verbose_name="任务类型")
    code = models.CharField("图斑编号", max_length=80)
    group = models.CharField("组", max_length=40, blank=True)
    area_mu = QuantityField("面积（亩）")
    land_class = models.CharField("地类", max_length=10)  # of the base survey; cultivated land cannot be restored
    slope = QuantityField("坡度（度）")
    in_redline = models.BooleanField("在生态红线内")
    planned_order = models.PositiveIntegerField("实施次序")
    consented_on = models.DateField("权利人同意日期")
    consent = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="同意书")
    wkb = models.BinaryField("边界", null=True, blank=True)  # EPSG:4490; the parcel's once it is approved
    issued_crs = models.CharField("原坐标系", max_length=40, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    state = models.CharField("状态", max_length=20, choices=STATES, default="proposed")
    reason = models.CharField("未通过原因", max_length=300, blank=True)
    approval_number = models.CharField("批复文号", max_length=60, blank=True)
    approved_on = models.DateField("批复日期", null=True, blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="提出人")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="镇审核人"
    )
    proposed_at = models.DateTimeField("提出时间", auto_now_add=True)
    parcel = models.OneToOneField(
        Parcel, models.PROTECT, null=True, blank=True, related_name="proposal", verbose_name="图斑"
    )
    version = models.PositiveIntegerField("版本", default=1)
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "自选图斑"
        ordering = ["division", "planned_order"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "year", "code"],
                condition=~Q(state__in=["refused", "withdrawn"]),
                name="proposal_code_unique",
                violation_error_message="这个编号已经提出过。",
            ),
            models.CheckConstraint(
                name="proposal_refused_with_reason",
                condition=~Q(state="refused") | ~Q(reason=""),
                violation_error_message="未通过须写明原因。",
            ),
            models.CheckConstraint(
                name="proposal_approved_with_number",
                condition=~Q(state="approved")
                | (~Q(approval_number="") & Q(approved_on__isnull=False, parcel__isnull=False)),
                violation_error_message="批准须有批复文号和日期。",
            ),
            models.CheckConstraint(
                name="proposal_reviewer_is_another",
                condition=Q(reviewed_by=None) | ~Q(reviewed_by=models.F("proposed_by")),
                violation_error_message="提出人不能审核自己提出的图斑。",
            ),
        ]

    def __str__(self):
        return f"{self.division} {self.code}"
