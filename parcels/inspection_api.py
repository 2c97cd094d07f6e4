"""The list of acceptance batches with the sums of their rows."""

from django.db.models import BooleanField, Case, Count, Q, Sum, Value, When

from farmland.lib.api.columns import Column, day, decimal, texts, whole
from farmland.lib.api.filters import Filter, Whole, Yes
from farmland.lib.api.lists import ListView
from farmland.lib.fields import QuantityField
from farmland.places.api import Subtree, town_filter
from parcels.models import Inspection

AREA = QuantityField()


class InspectionList(ListView):
    """验收批次：一批一行，附项数和面积；每一项的验收记录在 acceptances。"""

    name = "inspections"
    label = "验收批次"
    model = Inspection
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度"),
        whole("number", "批次号"),
        Column("kind", "任务类型", "kind_id"),
        Column("level", "认定层级"),
        Column("division", "行政区划代码", "division__code", help="包含全部明细的最小区划"),
        Column("division_name", "范围", "division__name"),
        Column("state", "状态", help="draft 待验收，done 已完成，cancelled 已取消"),
        Column("is_recheck", "抽查复核", kind="yes"),
        day("accepted_on", "验收日期", "on"),
        whole("items", "项数", "item_count"),
        whole("drawn", "抽中项数", "drawn_count"),
        whole("returned", "退回项数", "returned_count"),
        decimal("declared_mu", "送验面积（亩）", "declared_sum"),
        decimal("accepted_mu", "认定面积（亩）", "accepted_sum"),
        decimal("sample_percent", "抽样比例（%）"),
        Column("seed", "抽样种子"),
        texts("copies_to", "抄送"),
        Column("signed", "已传签字扫描件", "has_scan", kind="yes"),
        Column("note", "说明"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("kind", "任务类型", "kind_id"),
        Filter("level", "认定层级"),
        Subtree(),
        Filter("state", "状态"),
        Yes("is_recheck", "抽查复核的"),
    )
    ordering = ("accepted_on", "town", "year", "kind", "division", "level", "number", "state")

    def rows(self, user):
        scanned = Case(When(signed=None, then=Value(False)), default=Value(True), output_field=BooleanField())
        return Inspection.objects.visible_to(user).annotate(
            item_count=Count("items"),
            drawn_count=Count("items", filter=Q(items__is_drawn=True)),
            returned_count=Count("items", filter=Q(items__verdict="returned")),
            declared_sum=Sum("items__declared_mu", output_field=AREA),
            accepted_sum=Sum("items__accepted_mu", output_field=AREA),
            has_scan=scanned,
        )
