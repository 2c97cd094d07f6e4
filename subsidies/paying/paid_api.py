"""``payments/``, ``publicities/``, ``funds/``: what left, what hung on the wall, what the money came out of.

A payment tells the kind of payee and the bank's voucher, never a name or an account.
"""

from django.db.models import Count, Q

from farmland.lib.api.columns import Column, day, decimal, whole
from farmland.lib.api.filters import Filter, Id, Whole
from farmland.lib.api.lists import ListView
from farmland.places.api import Subtree, town_filter
from subsidies.models import Fund, Payment, Publicity
from subsidies.paying.money_api import IS_DEMO


class PaymentList(ListView):
    """支付：一次发出一行；退回的留着，重新支付另起一行。不含户名和账号。"""

    name = "payments"
    label = "支付"
    model = Payment
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度", "line__batch__year"),
        Column("division", "行政区划代码", "division__code"),
        Column("division_name", "村", "division__name"),
        Column("batch", "批次（id）", "line__batch_id", kind="id"),
        Column("batch_number", "批次号", "line__batch__number"),
        Column("entitlement", "应补（id）", "line__entitlement_id", kind="id"),
        Column("program", "政策（id）", "line__batch__program_id", kind="id"),
        Column("payee_kind", "收款人类型", "line__payee_kind", help="字典 payee_kind 的代码"),
        whole("attempt", "第几次"),
        decimal("amount_yuan", "金额（元）", "amount", places=2),
        Column("state", "结果", "result", help="sent 已发出，paid 到账，failed 退回"),
        Column("reason", "退回原因"),
        Column("reference", "凭证号"),
        day("on", "日期"),
        IS_DEMO,
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "line__batch__year"),
        Subtree(),
        Filter("state", "结果", "result"),
        Id("batch", "批次的 id", "line__batch_id"),
        Id("entitlement", "应补的 id", "line__entitlement_id"),
        Id("program", "政策的 id", "line__batch__program_id"),
    )
    ordering = ("town", "year", "division", "amount_yuan", "state", "on")


class PublicityList(ListView):
    """公示：一次张贴一行，失效的也留着；起止含首尾两日。"""

    name = "publicities"
    label = "公示"
    model = Publicity
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度", "batch__year"),
        Column("batch", "批次（id）", "batch_id", kind="id"),
        Column("batch_number", "批次号", "batch__number"),
        Column("program", "政策（id）", "batch__program_id", kind="id"),
        whole("number", "第几次"),
        day("published_from", "公示起", "starts_on"),
        day("published_to", "公示止", "ends_on"),
        whole("required_days", "应公示天数"),
        Column("counting", "计日", help="calendar 日历日，working 工作日"),
        Column("place", "地点"),
        Column("state", "状态", help="running 公示中，passed 无异议，void 已失效"),
        Column("void_reason", "失效原因"),
        whole("objections", "异议条数", "objected"),
        whole("open_objections", "待答复的异议", "unanswered"),
        IS_DEMO,
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "batch__year"),
        Filter("state", "状态"),
        Id("batch", "批次的 id", "batch_id"),
        Id("program", "政策的 id", "batch__program_id"),
    )
    ordering = ("town", "year", "published_from", "published_to", "state")

    def rows(self, user):
        return Publicity.objects.visible_to(user).annotate(
            objected=Count("objections"), unanswered=Count("objections", filter=Q(objections__state="open"))
        )


class FundList(ListView):
    """资金：只增不改的流水；一个来源的结余是它各行金额之和，支付和调出为负数。"""

    name = "funds"
    label = "资金"
    model = Fund
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "方案年度", "program__year"),
        Column("program", "政策（id）", "program_id", kind="id"),
        Column("program_name", "政策", "program__name"),
        Column("round", "轮次（id）", "round_id", kind="id", help="整项政策的资金为空"),
        Column("source", "资金来源", help="字典 fund_source 的代码"),
        Column("role", "性质", help="allotted 下达，carried_in 结转入，moved_out 调出，rebooked 调账，paid 支付"),
        decimal("amount_yuan", "金额（元）", "amount", places=2),
        day("on", "日期"),
        Column("document", "文号"),
        Column("reason", "说明"),
        Column("batch", "批次（id）", "batch_id", kind="id", help="支付和批次冲减的有"),
        IS_DEMO,
    )
    filters = (
        town_filter(),
        Whole("year", "方案年度", "program__year"),
        Filter("source", "资金来源"),
        Filter("role", "性质"),
        Id("program", "政策的 id", "program_id"),
        Id("round", "轮次的 id", "round_id"),
        Id("batch", "批次的 id", "batch_id"),
    )
    ordering = ("town", "year", "amount_yuan", "on")
