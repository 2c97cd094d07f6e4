"""举证: photos and papers about land, written once, and what the official app answered."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.jobs.models import Upload
from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models.parcel import InScope, Parcel
from parcels.models.work import Work


class Evidence(Row):
    """A photo or a paper (举证材料), write-once: the original with its SHA-256, a copy to show without its position.

    Times, places and directions are what the file or the phone said; ``flags`` are remarks, never accusations. What
    was added by mistake is withdrawn with a reason and stays on record. Without a parcel: of an issue or a clue.
    """

    CATEGORIES = [("photo", "照片"), ("paper", "材料")]
    PHASES = [("before", "整改前"), ("during", "整改中"), ("after", "整改后")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")
    parcel = models.ForeignKey(
        Parcel, models.PROTECT, null=True, blank=True, related_name="evidence", verbose_name="图斑"
    )
    work = models.ForeignKey(Work, models.PROTECT, null=True, blank=True, related_name="evidence", verbose_name="治理")
    category = models.CharField("类别", max_length=10, choices=CATEGORIES)
    phase = models.CharField("阶段", max_length=10, choices=PHASES, blank=True)
    view = models.CharField("拍摄内容", max_length=40, blank=True)  # Term of list "photo_view"
    original = models.ForeignKey(Upload, models.PROTECT, related_name="+", verbose_name="原件")
    shown = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="展示件")
    thumbnail = models.ForeignKey(
        Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="缩略图"
    )
    sha256 = models.CharField("校验值", max_length=64)
    look = models.CharField("图像指纹", max_length=16, blank=True)  # perceptual hash, 64 bits in hex
    width = models.PositiveIntegerField("宽", null=True, blank=True)
    height = models.PositiveIntegerField("高", null=True, blank=True)
    taken_at = models.DateTimeField("拍摄时间", null=True, blank=True)
    longitude = models.FloatField("经度", null=True, blank=True)
    latitude = models.FloatField("纬度", null=True, blank=True)
    position_from = models.CharField("位置来源", max_length=10, blank=True)  # exif, phone
    accuracy_m = QuantityField("位置精度（米）", null=True, blank=True)
    azimuth = QuantityField("方位角（度）", null=True, blank=True)
    flags = models.JSONField("提示", default=list, blank=True)  # codes of list "evidence_flag"
    note = models.CharField("说明", max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="上传人")
    received_at = models.DateTimeField("收到时间", auto_now_add=True)
    key = models.CharField("幂等键", max_length=100, blank=True)  # the phone's id of this photo
    withdrawn_at = models.DateTimeField("撤下时间", null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="撤下人"
    )
    withdrawn_reason = models.CharField("撤下原因", max_length=300, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "举证材料"
        ordering = ["taken_at", "received_at", "pk"]
        indexes = [
            models.Index(fields=["town", "sha256"], name="evidence_town_sha256"),
            models.Index(fields=["parcel", "phase"], name="evidence_parcel_phase"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["town", "by", "key"], condition=~Q(key=""), name="evidence_key_unique"),
            models.CheckConstraint(
                name="evidence_withdrawn_with_reason",
                condition=Q(withdrawn_at=None) | ~Q(withdrawn_reason=""),
                violation_error_message="撤下须写明原因。",
            ),
        ]

    def __str__(self):
        return f"{self.parcel or self.division} {self.get_category_display()} {self.received_at:%Y-%m-%d}"


class EvidenceOutcome(Row):
    """What the official app answered for a parcel at one level (举证审核结果); append-only, the newest holds."""

    VERDICTS = [("passed", "通过"), ("returned", "退回")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")
    parcel = models.ForeignKey(Parcel, models.PROTECT, related_name="outcomes", verbose_name="图斑")
    level = models.CharField("层级", max_length=20)  # Term of list "level"
    verdict = models.CharField("结果", max_length=10, choices=VERDICTS)
    reason = models.CharField("原因", max_length=40, blank=True)  # Term of list "reason"
    note = models.CharField("说明", max_length=300, blank=True)
    on = models.DateField("日期")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    recorded_at = models.DateTimeField("登记时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = InScope.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "举证审核结果"
        ordering = ["on", "recorded_at"]
        constraints = [
            models.CheckConstraint(
                name="outcome_return_has_reason",
                condition=~Q(verdict="returned") | ~Q(reason=""),
                violation_error_message="退回须选原因。",
            )
        ]

    def __str__(self):
        return f"{self.parcel} {self.level} {self.get_verdict_display()}"

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise TypeError("answers are append-only: enter the next one")
        super().save(*args, **kwargs)
