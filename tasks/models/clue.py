"""What comes in beside the ledgers: a patrol's clue, and problems that are no land but people's conduct."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import Evidence, InScope
from tasks.models.issue import Issue
from tasks.models.plan import WholeTown


class ClueQuerySet(InScope):
    def visible_to(self, user):
        """The clues of the divisions in scope, and a grid worker's own where they still patrol."""
        own = Q(by=user, division__in=user.divisions_for("patrol"))
        return self.filter(Q(division__in=user.divisions()) | own)


class Clue(Row):
    """A grid worker's report (巡查线索): where, what, a photo. It becomes an issue or is dismissed with a reason."""

    STATES = [("new", "待处理"), ("issue", "已转整改"), ("dismissed", "不予处理"), ("duplicate", "重复线索")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")
    year = models.PositiveSmallIntegerField("年度")
    category = models.CharField("类型", max_length=40)  # Term of list "clue_kind"
    place = models.CharField("地点", max_length=120)
    note = models.CharField("说明", max_length=300, blank=True)
    longitude = models.FloatField("经度", null=True, blank=True)
    latitude = models.FloatField("纬度", null=True, blank=True)
    accuracy_m = QuantityField("位置精度（米）", null=True, blank=True)
    photos = models.ManyToManyField(Evidence, related_name="clues", blank=True, verbose_name="照片")
    state = models.CharField("状态", max_length=12, choices=STATES, default="new")
    reason = models.CharField("处理理由", max_length=300, blank=True)
    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="duplicates", verbose_name="与之重复"
    )
    issue = models.ForeignKey(
        Issue, models.PROTECT, null=True, blank=True, related_name="clues", verbose_name="整改问题"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="上报人")
    reported_at = models.DateTimeField("上报时间", auto_now_add=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="处理人"
    )
    handled_at = models.DateTimeField("处理时间", null=True, blank=True)
    key = models.CharField("幂等键", max_length=100, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = ClueQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "巡查线索"
        ordering = ["-reported_at"]
        constraints = [
            models.UniqueConstraint(fields=["town", "by", "key"], condition=~Q(key=""), name="clue_key_unique"),
            models.CheckConstraint(
                name="clue_state_explained",
                condition=Q(state="new")
                | Q(state="issue", issue__isnull=False)
                | (Q(state="dismissed") & ~Q(reason=""))
                | Q(state="duplicate", duplicate_of__isnull=False),
                violation_error_message="不予处理须写明理由，转整改须指明问题。",
            ),
        ]

    def __str__(self):
        return f"{self.division} {self.place}"


class Referral(Row):
    """A problem of duty, conduct or corruption handed on (问题移交; 北呈乡第六类): never a parcel."""

    OUTCOMES = [("pending", "办理中"), ("answered", "已反馈"), ("closed", "已办结")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    year = models.PositiveSmallIntegerField("年度")
    subject = models.CharField("问题", max_length=300)
    source = models.CharField("来源", max_length=40, blank=True)  # Term of list "source"
    found_on = models.DateField("发现日期")
    referred_to = models.CharField("移交单位", max_length=60)
    referred_on = models.DateField("移交日期")
    number = models.CharField("文号", max_length=60, blank=True)
    outcome = models.CharField("状态", max_length=10, choices=OUTCOMES, default="pending")
    answer = models.CharField("反馈", max_length=300, blank=True)
    answered_on = models.DateField("反馈日期", null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    version = models.PositiveIntegerField("版本", default=1)
    is_demo = models.BooleanField("演示", default=False)

    objects = WholeTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "问题移交"
        ordering = ["-referred_on"]
        constraints = [
            models.CheckConstraint(
                name="referral_answered_has_answer",
                condition=Q(outcome="pending") | (~Q(answer="") & Q(answered_on__isnull=False)),
                violation_error_message="反馈须写内容和日期。",
            )
        ]

    def __str__(self):
        return self.subject[:40]
