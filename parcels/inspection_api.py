"""The lists of acceptance batches with the sums of their rows, and of the rows."""

from django.db.models import BooleanField, Case, Count, Q, Sum, Value, When

from farmland.lib.api.columns import Column, day, decimal, moment, texts, whole
from farmland.lib.api.filters import Filter, Id, Whole, Yes
from farmland.lib.api.lists import ListView
from farmland.lib.fields import QuantityField
from farmland.places.api import Subtree, town_filter
from parcels.models import Inspection, InspectionItem
from parcels.sampling import reasons_of

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
        whole("drawn", "抽中项数", "drawn_count", help="没有抽样的为全部"),
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


class InspectionItemList(ListView):
    """验收批次的明细：送了什么、抽没抽中、实测、结论。抽样可以照 seed、sample_percent、work、risk 重做一遍。"""

    name = "inspection-items"
    label = "批次明细"
    model = InspectionItem
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度", "inspection__year"),
        Column("inspection", "批次（id）", "inspection_id", kind="id"),
        whole("number", "批次号", "inspection__number"),
        Column("kind", "任务类型", "inspection__kind_id"),
        Column("level", "认定层级", "inspection__level"),
        Column("state", "批次状态", "inspection__state", help="draft 待验收，done 已完成，cancelled 已取消"),
        Column("is_recheck", "抽查复核", "inspection__is_recheck", kind="yes"),
        Column("division", "村", "work__division__code", help="行政区划代码"),
        Column("division_name", "村名", "work__division__name"),
        Column("parcel", "图斑（id）", "work__parcel_id", kind="id"),
        texts("codes", "图斑编号", source="work__parcel__codes"),
        Column("work", "治理（id）", "work_id", kind="id", help="抽样以它为号"),
        decimal("declared_mu", "送验面积（亩）", help="抽查复核的为现有认定"),
        Column("is_drawn", "抽中", kind="yes", help="没有抽样的都为是"),
        whole("risk", "风险分", help="8 曾退回，4 举证有提示，2 面积偏大，1 新填报人；按风险加权时权重为 1 加它"),
        texts("risks", "风险原因", source="risk", compute=reasons_of),
        Column("measured", "实测", kind="data", help="字典 attribute 的代码和所测的值"),
        Column("verdict", "结论", help="passed 通过，partial 部分通过，returned 退回；没有填为空"),
        decimal("accepted_mu", "认定面积（亩）", help="抽查复核的为复核后认定"),
        Column("reason", "原因"),
        Column("acceptance", "验收记录（id）", "step_id", kind="id", help="批次完成后在 acceptances 里的行"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "inspection__year"),
        Filter("kind", "任务类型", "inspection__kind_id"),
        Subtree(source="work__division"),
        Filter("level", "认定层级", "inspection__level"),
        Filter("state", "批次状态", "inspection__state"),
        Id("inspection", "批次的 id", "inspection_id"),
        Id("parcel", "图斑的 id", "work__parcel_id"),
        Filter("verdict", "结论"),
        Yes("is_drawn", "抽中的"),
    )
    ordering = ("town", "year", "number", "division", "declared_mu", "verdict")
    default_ordering = ("inspection_id", "work__division__path", "work_id")
    updated_column = moment("updated_at", "更新时间", "inspection__updated_at")
