"""Who is paid and out of what: accounts that are masked and encrypted, and the funds of a round by source."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from farmland.lib.fields import MoneyField
from farmland.lib.models import Row
from farmland.places.models import Division
from subsidies.models.program import Program, Round
from subsidies.models.scope import MoneyOfDivision, MoneyOfTown


class Payee(Row):
    """An account money is paid to (收款账户). Never edited: a change is a new row that a second person confirms.

    ``account`` is ciphertext (``subsidies.paying.accounts``); pages show ``tail``, and each full look is an event.
    """

    STATES = [("pending", "待复核"), ("active", "使用中"), ("retired", "已停用"), ("refused", "未通过")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="payees", verbose_name="村")
    kind = models.CharField("收款人类型", max_length=40)  # Term of list "payee_kind"
    name = models.CharField("户名", max_length=120)
    bank = models.CharField("开户行", max_length=120, blank=True)
    account = models.BinaryField("账号（密文）")
    tail = models.CharField("账号尾号", max_length=4)
    fingerprint = models.CharField("账号指纹", max_length=64)  # keyed hash: one account under two names shows
    state = models.CharField("状态", max_length=10, choices=STATES, default="pending")
    reason = models.CharField("变更原因", max_length=300, blank=True)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    entered_at = models.DateTimeField("登记时间", auto_now_add=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="复核人"
    )
    confirmed_at = models.DateTimeField("复核时间", null=True, blank=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfDivision.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "收款账户"
        ordering = ["division", "kind", "entered_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "division", "kind", "name"],
                condition=Q(state="active"),
                name="payee_one_active",
                violation_error_message="该收款人已有使用中的账户。",
            ),
            models.CheckConstraint(
                name="payee_confirmed_by_another",
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("entered_by")),
                violation_error_message="账户须由登记人以外的人复核。",
            ),
            models.CheckConstraint(
                name="payee_active_is_confirmed",
                condition=~Q(state="active") | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                violation_error_message="使用中的账户须经复核。",
            ),
        ]

    def __str__(self):
        return f"{self.name}（尾号 {self.tail}）"


class Fund(Row):
    """A signed amount of a source's money (资金), append-only; the balance of a source is the sum of its rows.

    Without a round it belongs to the policy as a whole.
    """

    ROLES = [
        ("allotted", "下达"), ("carried_in", "结转入"), ("moved_out", "调出"), ("rebooked", "调账"), ("paid", "支付"),
    ]  # fmt: skip

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    program = models.ForeignKey(Program, models.PROTECT, related_name="funds", verbose_name="政策")
    round = models.ForeignKey(Round, models.PROTECT, null=True, blank=True, related_name="funds", verbose_name="轮次")
    source = models.CharField("资金来源", max_length=40)  # Term of list "fund_source"
    role = models.CharField("性质", max_length=12, choices=ROLES)
    amount = MoneyField("金额（元）")
    on = models.DateField("日期")
    document = models.CharField("文号", max_length=200, blank=True)
    reason = models.CharField("说明", max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    at = models.DateTimeField("登记时间", auto_now_add=True)
    batch = models.ForeignKey(
        "subsidies.Batch", models.PROTECT, null=True, blank=True, related_name="funds", verbose_name="批次"
    )
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "资金"
        ordering = ["on", "at"]
        constraints = [
            models.CheckConstraint(
                name="fund_sign_fits_role",
                condition=Q(role__in=["allotted", "carried_in"], amount__gt=0)
                | Q(role__in=["moved_out", "paid"], amount__lt=0)
                | Q(role="rebooked"),
                violation_error_message="下达、结转入应为正数，调出、支付应为负数。",
            ),
        ]

    def __str__(self):
        return f"{self.get_role_display()} {self.amount} 元"
