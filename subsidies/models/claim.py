"""管护申报: what a village says is still planted in a year, and what the town found."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from farmland.lib.fields import QuantityField
from farmland.lib.models import Row
from farmland.places.models import Division
from parcels.models import Work
from subsidies.models.payee import Payee
from subsidies.models.program import Round
from subsidies.models.scope import MoneyOfDivision


class Claim(Row):
    """A claim of a round for one work (申报), pre-filled with the accepted area; never above it.

    ``declared_mu`` is the village's word, ``verified_mu`` the town's; a person who declared does not verify.
    ``key`` makes a repeated request find its row.
    """

    STATES = [
        ("draft", "待申报"), ("submitted", "已申报"), ("verified", "已核实"), ("returned", "已退回"),
        ("withdrawn", "已撤回"),
    ]  # fmt: skip

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="claims", verbose_name="村")
    round = models.ForeignKey(Round, models.PROTECT, related_name="claims", verbose_name="轮次")
    year = models.PositiveSmallIntegerField("年度")
    work = models.ForeignKey(Work, models.PROTECT, related_name="claims", verbose_name="治理")
    payee = models.ForeignKey(
        Payee, models.PROTECT, null=True, blank=True, related_name="claims", verbose_name="收款账户"
    )
    cap_mu = QuantityField("认定面积（亩）")  # accepted when the claim was opened: the ceiling
    declared_mu = QuantityField("申报面积（亩）", null=True, blank=True)
    verified_mu = QuantityField("核实面积（亩）", null=True, blank=True)
    crop = models.CharField("作物", max_length=40, blank=True)
    season = models.CharField("季节", max_length=40, blank=True)
    attrs = models.JSONField("其他", default=dict, blank=True)
    reason = models.CharField("减少的原因", max_length=300, blank=True)
    verdict_reason = models.CharField("核实说明", max_length=300, blank=True)
    state = models.CharField("状态", max_length=10, choices=STATES, default="draft")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="申报人"
    )
    submitted_at = models.DateTimeField("申报时间", null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="核实人"
    )
    verified_at = models.DateTimeField("核实时间", null=True, blank=True)
    key = models.CharField("幂等键", max_length=100, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfDivision.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "管护申报"
        ordering = ["round", "division", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "round", "work", "crop", "season"],
                condition=~Q(state="withdrawn"),
                name="claim_once",
                violation_error_message="这块地本轮已申报。",
            ),
            models.CheckConstraint(
                name="claim_within_accepted",
                condition=(Q(declared_mu=None) | Q(declared_mu__gte=0, declared_mu__lte=F("cap_mu")))
                & (Q(verified_mu=None) | Q(verified_mu__gte=0, verified_mu__lte=F("cap_mu"))),
                violation_error_message="申报和核实的面积不得超过认定面积。",
            ),
            models.CheckConstraint(
                name="claim_decrease_has_reason",
                condition=Q(declared_mu=None) | Q(declared_mu=F("cap_mu")) | ~Q(reason=""),
                violation_error_message="申报面积比认定面积少的，须写原因。",
            ),
            models.CheckConstraint(
                name="claim_verified_by_another",
                condition=Q(verified_by=None) | ~Q(verified_by=F("submitted_by")),
                violation_error_message="申报人不得核实自己的申报。",
            ),
            models.CheckConstraint(
                name="claim_states_have_their_facts",
                condition=(Q(state__in=["draft", "withdrawn"]))
                | (Q(state="submitted", declared_mu__isnull=False, submitted_by__isnull=False))
                | (Q(state="returned") & ~Q(verdict_reason=""))
                | (Q(state="verified", verified_mu__isnull=False, verified_by__isnull=False)),
                violation_error_message="申报的状态与内容不一致。",
            ),
        ]

    def __str__(self):
        return f"{self.work} {self.year} 年管护"
