"""``entitlements/`` and ``batches/``: what is owed and why, and the batches that pay it."""

from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, Subquery, UUIDField

from farmland.lib.api.columns import Column, day, decimal, moment, texts, whole
from farmland.lib.api.filters import Filter, Id, Whole, Yes
from farmland.lib.api.lists import ListView
from farmland.places.api import Subtree, town_filter
from subsidies.models import Batch, BatchLine, Entitlement, Publicity, Rate

STATES = (
    "due 应补，held 暂缓，ineligible 不予补助，batched 批次中，settled 已核定，replaced 已更替；"
    "不写 state 时不含已更替的，写了 updated_since 时含，供增量同步"
)
IS_DEMO = Column("is_demo", "演示数据", kind="yes", help="演示的钱不与正式的相加")


@dataclass(frozen=True)
class OfKind(Filter):
    """Rows for land of this kind; of a village as a whole, where its rate is for this kind."""

    def apply(self, rows, text, user):
        rates = Rate.objects.filter(kinds=text).values("pk")
        return rows.filter(Q(work__kind=text) | Q(work=None, rate_version__rate__in=rates))


@dataclass(frozen=True)
class AboutYear(Whole):
    """Of plans of this year or paid in this year: the rows a page of the year shows."""

    def apply(self, rows, text, user):
        year = self.parse(text)
        return rows.none() if year is None else rows.filter(Q(program__year=year) | Q(round__year=year))


class IsAdjustment(Yes):
    """Signed rows that correct another one, or all but those."""

    def apply(self, rows, text, user):
        wanted = self.parse(text)
        return rows.none() if wanted is None else rows.filter(adjusts__isnull=not wanted)


def named(subject: str, division: int, code: str) -> str:
    """The subject of an amount with its division by its code, as everywhere outside."""
    head, slash, season = subject.partition("/")
    return f"division:{code}{slash}{season}" if head == f"division:{division}" else subject


class EntitlementList(ListView):
    """应补：一行一个对象、一项标准、一个轮次，金额只在行上取一次整；不予补助和暂缓的行写明原因。"""

    name = "entitlements"
    label = "应补"
    model = Entitlement
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "兑付年度"),
        Column("parcel", "图斑（id）", "work__parcel_id", kind="id", help="按村计算的、未落图的为空"),
        texts("codes", "图斑编号", source="work__parcel__codes"),
        Column("division", "行政区划代码", "division__code"),
        Column("division_name", "单位", "division__name"),
        Column("kind", "任务类型", "work__kind_id", help="按村计算的为空"),
        Column("program", "政策（id）", "program_id", kind="id"),
        Column("program_name", "政策", "program__name"),
        Column("rate", "标准（id）", "rate_version__rate_id", kind="id", help="rates/ 中的一行"),
        Column("rate_name", "标准", "rate_version__rate__name"),
        whole("rate_version", "标准版次", "rate_version__number"),
        Column("round", "轮次（id）", "round_id", kind="id"),
        Column("round_name", "轮次", "round__label"),
        Column(
            "subject", "对象", ("subject", "division_id", "division__code"), compute=named,
            help="work:<id> 为治理，division:<行政区划代码> 为全村",
        ),
        decimal("area_mu", "计算面积（亩）", "base_mu"),
        decimal("amount_yuan", "金额（元）", "amount", places=2),
        Column("state", "状态", help=STATES),
        Column("reason", "原因"),
        Column("explanation", "计算说明", kind="data"),
        Column("exclusions", "排除条件", kind="data"),
        Column("batch", "批次（id）", "held_by", kind="id", help="现在所在的批次；作废的不算"),
        Column("adjusts", "更正的行（id）", "adjusts_id", kind="id"),
        IS_DEMO,
    )  # fmt: skip
    filters = (
        town_filter(),
        Whole("year", "兑付年度"),
        AboutYear("about_year", "方案年度或兑付年度"),
        OfKind("kind", "任务类型"),
        Subtree(),
        Filter("state", "状态"),
        Id("program", "政策的 id", "program_id"),
        Id("round", "轮次的 id", "round_id"),
        Id("parcel", "图斑的 id", "work__parcel_id"),
        Id("batch", "批次的 id", "held_by"),
        Id("adjusts", "更正的行的 id", "adjusts_id"),
        IsAdjustment("adjustment", "是否调整"),
    )
    ordering = ("town", "year", "division", "amount_yuan", "state")

    def rows(self, user):
        live = BatchLine.objects.filter(entitlement=OuterRef("pk"), is_live=True)
        held_by = Subquery(live.values("batch")[:1], output_field=UUIDField())
        return Entitlement.objects.visible_to(user).annotate(held_by=held_by)

    def chosen(self, user, wanted):
        rows = super().chosen(user, wanted)
        asked = {one.name for one, _ in wanted}
        return rows if asked & {"state", "updated_since"} else rows.exclude(state=Entitlement.REPLACED)

    def enrich(self, rows):
        """The rate as ``rates/`` names it: with the kind of the land, else the first kind it is for."""
        wanted = {row["rate"] for row in rows}
        rates = Rate.objects.filter(pk__in=wanted).prefetch_related("kinds") if wanted else []
        kinds = {one.pk: [kind.pk for kind in one.kinds.all()] for one in rates}
        for row in rows:
            own = kinds[row["rate"]]
            kind = row["kind"] if row["kind"] in own else next(iter(own), None)
            row["rate"] = f"{row['rate']}.{kind}" if kind else str(row["rate"])


class BatchList(ListView):
    """拨付批次；只给看全镇资金的用户。公示起止为现行的一次公示，含首尾两日。"""

    name = "batches"
    label = "拨付批次"
    model = Batch
    columns = (
        Column("number", "批次号"),
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度"),
        Column("program", "政策（id）", "program_id", kind="id"),
        Column("program_name", "政策", "program__name"),
        Column("round", "轮次（id）", "round_id", kind="id"),
        Column("round_name", "轮次", "round__label"),
        Column("state", "状态", help="draft、reviewed、published、approved、paid、reconciled、voided"),
        decimal("total_yuan", "合计（元）", "total", places=2),
        whole("lines", "笔数", "line_count"),
        day("published_from", "公示起", "notice_from"),
        day("published_to", "公示止", "notice_to"),
        moment("prepared_at", "编制时间"),
        moment("reviewed_at", "审核时间"),
        moment("approved_at", "批准时间"),
        moment("paid_at", "支付时间"),
        moment("reconciled_at", "对账时间"),
        Column("void_reason", "作废原因"),
        IS_DEMO,
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("state", "状态"),
        Id("program", "政策的 id", "program_id"),
        Id("round", "轮次的 id", "round_id"),
        Filter("number", "批次号"),
    )
    ordering = ("town", "year", "number", "state", "total_yuan")

    def rows(self, user):
        notice = Publicity.objects.filter(batch=OuterRef("pk")).exclude(state="void").order_by("-number")
        return Batch.objects.visible_to(user).annotate(
            line_count=Count("lines"),
            notice_from=Subquery(notice.values("starts_on")[:1]),
            notice_to=Subquery(notice.values("ends_on")[:1]),
        )
