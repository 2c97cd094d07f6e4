"""拨付批次: the rows paid together, the people who answered for them, the notice on the wall, the payments."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from farmland.jobs.models import Upload
from farmland.lib.fields import MoneyField
from farmland.lib.models import Row
from farmland.places.models import Division
from subsidies.models.entitlement import Entitlement
from subsidies.models.payee import Payee
from subsidies.models.program import CALENDAR, Program, Round
from subsidies.models.scope import MoneyOfDivision, MoneyOfTown


def hand(label: str):
    """The person who did one step of a batch."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=label
    )


def moment(label: str):
    return models.DateTimeField(label, null=True, blank=True)


def other_hands(*names: str) -> Q:
    """No two of the persons in these columns are one."""
    pairs = [(one, two) for at, one in enumerate(names) for two in names[at + 1 :]]
    condition = Q()
    for one, two in pairs:
        condition &= Q(**{one: None}) | Q(**{two: None}) | ~Q(**{one: F(two)})
    return condition


class Batch(Row):
    """Amounts paid together (拨付批次). From approval on its rows are frozen, also against SQL (triggers).

    The four hands of a batch are four people; that none of them claimed or accepted what it pays is checked by
    ``subsidies.paying.batches`` under the lock, and the attempt is logged. ``digest`` seals lines, payees and amounts
    from the review on.
    """

    STATES = [
        ("draft", "草稿"), ("reviewed", "已审核"), ("published", "公示中"), ("approved", "已批准"), ("paid", "已支付"),
        ("reconciled", "已对账"), ("voided", "已作废"),
    ]  # fmt: skip
    FROZEN = ("approved", "paid", "reconciled")

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    program = models.ForeignKey(Program, models.PROTECT, related_name="batches", verbose_name="政策")
    round = models.ForeignKey(Round, models.PROTECT, related_name="batches", verbose_name="轮次")
    year = models.PositiveSmallIntegerField("年度")
    number = models.CharField("批次号", max_length=40)
    state = models.CharField("状态", max_length=12, choices=STATES, default="draft")
    total = MoneyField("合计（元）", default=0)
    digest = models.CharField("校验值", max_length=64, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    prepared_by, prepared_at = hand("编制人"), moment("编制时间")
    reviewed_by, reviewed_at = hand("审核人"), moment("审核时间")
    approved_by, approved_at = hand("批准人"), moment("批准时间")
    paid_by, paid_at = hand("支付人"), moment("支付时间")
    reconciled_by, reconciled_at = hand("对账人"), moment("对账时间")
    voided_by, voided_at = hand("作废人"), moment("作废时间")
    void_reason = models.CharField("作废原因", max_length=300, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "拨付批次"
        ordering = ["-year", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["town", "year", "number"], name="batch_number_unique"),
            models.CheckConstraint(
                name="batch_hands_differ",
                condition=other_hands("prepared_by", "reviewed_by", "approved_by", "paid_by"),
                violation_error_message="编制、审核、批准、支付须由不同的人办理。",
            ),
            models.CheckConstraint(
                name="batch_states_have_their_hands",
                condition=Q(state__in=["draft", "voided"])
                | Q(state__in=["reviewed", "published"], reviewed_by__isnull=False)
                | Q(state="approved", reviewed_by__isnull=False, approved_by__isnull=False)
                | Q(state__in=["paid", "reconciled"], approved_by__isnull=False, paid_by__isnull=False),
                violation_error_message="批次的状态与经办人不一致。",
            ),
            models.CheckConstraint(
                name="batch_void_has_reason",
                condition=~Q(state="voided") | ~Q(void_reason=""),
                violation_error_message="作废须写原因。",
            ),
        ]

    def __str__(self):
        return f"{self.number} {self.program}"


class BatchLine(Row):
    """What a batch pays one payee for one entitlement (批次明细); Σ of the lines is the batch's total.

    ``is_live`` is false once the batch is voided: then the entitlement may stand in another batch.
    """

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="lines", verbose_name="批次")
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, related_name="lines", verbose_name="应补")
    payee_kind = models.CharField("收款人类型", max_length=40)
    payee = models.ForeignKey(
        Payee, models.PROTECT, null=True, blank=True, related_name="lines", verbose_name="收款账户"
    )
    amount = MoneyField("金额（元）")
    is_live = models.BooleanField("有效", default=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfDivision.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "批次明细"
        ordering = ["batch", "division", "entitlement", "payee_kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["town", "entitlement", "payee_kind"],
                condition=Q(is_live=True),
                name="batch_line_one_live",
                violation_error_message="这笔应补已在另一批次中。",
            ),
        ]

    def __str__(self):
        return f"{self.batch} {self.division} {self.amount} 元"


class BatchPaper(Row):
    """A paper of a batch's checklist (申报材料)."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="papers", verbose_name="批次")
    name = models.CharField("材料", max_length=120)
    upload = models.ForeignKey(Upload, models.PROTECT, related_name="+", verbose_name="文件")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="上传人")
    at = models.DateTimeField("上传时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "批次材料"
        ordering = ["batch", "at"]

    def __str__(self):
        return self.name


class Publicity(Row):
    """One posting of a batch's list (公示): from … to, both days inclusive; what it showed is sealed by ``digest``.

    Any change of list, area or rate, and an objection that is upheld, ends it: then the next number is posted.
    """

    STATES = [("running", "公示中"), ("passed", "无异议"), ("void", "已失效")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="publicities", verbose_name="批次")
    number = models.PositiveSmallIntegerField("第几次")
    starts_on = models.DateField("起")
    ends_on = models.DateField("止")
    required_days = models.PositiveSmallIntegerField("应公示天数")
    counting = models.CharField("计日", max_length=10, choices=Program.COUNTING, default=CALENDAR)
    place = models.CharField("地点", max_length=200)
    digest = models.CharField("校验值", max_length=64)
    posted = models.ForeignKey(
        Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="张贴照片"
    )
    taken_down = models.ForeignKey(
        Upload, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="期满照片"
    )
    state = models.CharField("状态", max_length=10, choices=STATES, default="running")
    void_reason = models.CharField("失效原因", max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    at = models.DateTimeField("登记时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "公示"
        ordering = ["batch", "number"]
        constraints = [
            models.UniqueConstraint(fields=["town", "batch", "number"], name="publicity_number_unique"),
            models.UniqueConstraint(
                fields=["town", "batch"], condition=~Q(state="void"), name="publicity_one_in_force"
            ),
            models.CheckConstraint(
                name="publicity_dates_in_order",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message="公示止日早于起日。",
            ),
            models.CheckConstraint(
                name="publicity_void_has_reason",
                condition=~Q(state="void") | ~Q(void_reason=""),
                violation_error_message="公示失效须写原因。",
            ),
        ]

    def __str__(self):
        return f"{self.batch} 第 {self.number} 次公示"


class Objection(Row):
    """What somebody objected during a publicity (异议), and the answer. An open one stops the batch."""

    STATES = [("open", "待答复"), ("upheld", "成立"), ("dismissed", "不成立")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    publicity = models.ForeignKey(Publicity, models.PROTECT, related_name="objections", verbose_name="公示")
    who = models.CharField("提出人", max_length=60)  # 某村民, or a post: never a name on a public sheet
    what = models.CharField("异议内容", max_length=500)
    on = models.DateField("提出日期")
    state = models.CharField("处理", max_length=10, choices=STATES, default="open")
    answer = models.CharField("答复", max_length=500, blank=True)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    answered_by = hand("答复人")
    answered_at = moment("答复时间")
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfTown.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "公示异议"
        ordering = ["on", "pk"]
        constraints = [
            models.CheckConstraint(
                name="objection_answered_in_words",
                condition=Q(state="open") | (~Q(answer="") & Q(answered_by__isnull=False)),
                violation_error_message="异议的处理须写答复。",
            ),
        ]

    def __str__(self):
        return self.what[:40]


class Payment(Row):
    """One attempt to pay a line (支付): append-only; a failed one is issued again, never rewritten.

    ``name`` and ``tail`` are those of the account at the time.
    """

    RESULTS = [("sent", "已发出"), ("paid", "到账"), ("failed", "退回")]

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="村")
    line = models.ForeignKey(BatchLine, models.PROTECT, related_name="payments", verbose_name="批次明细")
    attempt = models.PositiveSmallIntegerField("第几次")
    payee = models.ForeignKey(Payee, models.PROTECT, related_name="payments", verbose_name="收款账户")
    amount = MoneyField("金额（元）")
    result = models.CharField("结果", max_length=10, choices=RESULTS, default="sent")
    reason = models.CharField("退回原因", max_length=300, blank=True)
    reference = models.CharField("凭证号", max_length=80, blank=True)
    on = models.DateField("日期")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="登记人")
    at = models.DateTimeField("登记时间", auto_now_add=True)
    is_demo = models.BooleanField("演示", default=False)

    objects = MoneyOfDivision.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "支付"
        ordering = ["line", "attempt"]
        constraints = [
            models.UniqueConstraint(fields=["town", "line", "attempt"], name="payment_attempt_unique"),
            models.UniqueConstraint(
                fields=["town", "line"],
                condition=~Q(result="failed"),
                name="payment_not_twice",
                violation_error_message="这一笔已支付。",
            ),
            models.CheckConstraint(
                name="payment_failed_has_reason",
                condition=~Q(result="failed") | ~Q(reason=""),
                violation_error_message="退回须写原因。",
            ),
        ]

    def __str__(self):
        return f"{self.line} 第 {self.attempt} 次"
