"""The lists of the duties: plans, targets, shares, progress, red lines, findings, issues."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, Q, Value, When

from farmland.lib.api.columns import Column, day, decimal, moment, texts, whole
from farmland.lib.api.filters import Filter, Id, Whole, Yes
from farmland.lib.api.lists import ListView
from farmland.places.api import Subtree, town_filter
from farmland.places.models import Division
from tasks.models import Finding, Issue, Plan, Progress, RedLineResult, Share, Target
from tasks.red_lines import LINES

TOWN = Column("town", "乡镇", "town__slug")


class PlanList(ListView):
    """方案：各镇各年度的工作方案。"""

    name = "plans"
    label = "方案"
    model = Plan
    columns = (
        TOWN,
        whole("year", "年度"),
        Column("title", "标题"),
        Column("document_number", "文号"),
        day("issued_on", "印发日期"),
        Column("issuer", "印发单位"),
        whole("revision", "版次"),
    )
    filters = (town_filter(), Whole("year", "年度"))
    ordering = ("town", "year", "issued_on")


class TargetList(ListView):
    """指标：方案定下的目标；同一类型的总指标在前，其批次在后。"""

    name = "targets"
    label = "指标"
    model = Target
    columns = (
        Column("key", "键"),
        TOWN,
        whole("year", "年度", "plan__year"),
        Column("kind", "任务类型", "kind_id"),
        Column("nature", "性质", "kind__nature"),
        Column("tranche", "批次"),
        Column("parent", "上级指标", "parent__key", help="上级指标的键"),
        Column("rule", "完成规则", help="有下级的：every 各项都须完成，sum 合计完成"),
        whole("from_year", "起始年度"),
        whole("to_year", "截止年度"),
        Column("comparison", "比较"),
        decimal("amount", "目标"),
        decimal("selected", "已选面积"),
        Column("unit", "单位"),
        day("due_on", "时限"),
        Column("counted_level", "认定层级", help="方案没有写的为空"),
        Column("lead_office", "牵头单位", "lead_office__name"),
        decimal("maximum", "最多可完成"),
        Column("origin", "来历"),
        Column("clause", "出处"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "plan__year"),
        Filter("kind", "任务类型", "kind_id"),
        Filter("key", "键"),
        Filter("tranche", "批次"),
        Filter("nature", "性质", "kind__nature"),
    )
    ordering = ("town", "year", "kind", "amount", "due_on")
    default_ordering = ("town__slug", "-plan__year", "kind__order", "kind_id", "tranche", "order")


class VillageTargetList(ListView):
    """任务分解：各村的任务与潜力；原文是“/”的，任务为空。"""

    name = "village-targets"
    label = "任务分解"
    model = Share
    columns = (
        Column("target", "指标（id）", "target_id", kind="id"),
        TOWN,
        whole("year", "年度", "target__plan__year"),
        Column("kind", "任务类型", "target__kind_id"),
        Column("tranche", "批次", "target__tranche"),
        Column("division", "行政区划代码", "division__code"),
        Column("division_name", "单位", "division__name"),
        decimal("amount", "任务"),
        Column("stated", "原文"),
        decimal("potential_mu", "潜力（亩）", "potential"),
        Column("unit", "计量单位", "target__unit"),
        Column("clause", "出处"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "target__plan__year"),
        Filter("kind", "任务类型", "target__kind_id"),
        Subtree(),
        Id("target", "指标的 id", "target_id"),
    )
    ordering = ("town", "year", "kind", "division", "amount")
    default_ordering = ("town__slug", "-target__plan__year", "target__order", "order")


def gap(amount: Decimal | None, counted: Decimal | None) -> Decimal | None:
    """target − counted; unknown where either is."""
    return None if amount is None or counted is None else amount - counted


def rate(amount: Decimal | None, counted: Decimal | None) -> Decimal | None:
    """counted ÷ target; none where the target is 0 or absent or nothing can be counted."""
    return None if not amount or counted is None else counted / amount


@dataclass(frozen=True)
class SubtreeOrTown(Subtree):
    """The subtree; a town's own row is the one without a division."""

    def apply(self, rows, text, user):
        path = Division.objects.visible_to(user).filter(code=text).values_list("path", flat=True).first()
        if path is None:
            return rows.none()
        return rows.filter(Q(division__path__startswith=path) | Q(division=None, town__path__startswith=path))


class ProgressList(ListView):
    """完成情况：每项指标在全镇（division 为空）和各村的认定数，由已登记的事实重新计算。"""

    name = "progress"
    label = "完成情况"
    model = Progress
    columns = (
        Column("target_id", "指标（id）", kind="id"),
        Column("tranche", "批次"),
        TOWN,
        whole("year", "年度"),
        Column("kind", "任务类型", "kind_id"),
        Column("division", "行政区划代码", "division__code", help="空为全镇"),
        Column("division_name", "单位", "division__name"),
        Column("unit", "计量单位"),
        decimal("target", "目标", "amount"),
        decimal("counted", "已认定"),
        decimal("gap", "缺口", ("amount", "counted"), compute=gap),
        decimal("rate", "完成率", ("amount", "counted"), compute=rate, places=4),
        whole("parcel_total", "图斑数"),
        whole("parcel_counted", "已认定图斑数"),
        Column("stages", "各环节面积", kind="data", help="以该环节为最远环节的面积"),
        Column("state", "状态"),
        Column("reason", "原因"),
        day("forecast_on", "预计完成"),
        moment("as_of", "数据截至"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("kind", "任务类型", "kind_id"),
        SubtreeOrTown(),
        Filter("state", "状态"),
        Filter("tranche", "批次"),
        Id("target_id", "指标的 id"),
    )
    ordering = ("town", "year", "kind", "division", "counted", "state")
    default_ordering = (
        "town__slug", "-year", "target__kind__order", "kind_id", "tranche", "target__order", "has_division",
        "division__path",
    )  # fmt: skip

    def rows(self, user):
        """Whole-town rows come before those of the villages."""
        return Progress.objects.visible_to(user).annotate(has_division=Q(division__isnull=False))


class RedLineList(ListView):
    """红线：每镇每年五条，都在；方案没有写的，状态为 no_data 并说明原因。"""

    name = "red-lines"
    label = "红线"
    model = RedLineResult
    columns = (
        TOWN,
        whole("year", "年度"),
        Column("line", "红线"),
        Column("unit", "计量单位"),
        decimal("target", "目标"),
        decimal("actual", "现有"),
        decimal("margin", "余量", help="安全一侧为正，负数为突破"),
        Column("formula", "算式"),
        Column("calculation", "代入数字的算式", "shown"),
        Column("assumption", "假定", "red_line__assumption"),
        Column("tiers", "各档", kind="data"),
        Column("state", "状态"),
        Column("reason", "原因"),
        moment("as_of", "数据截至"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("line", "红线"),
        Filter("state", "状态"),
    )
    ordering = ("town", "year", "line", "margin", "state")
    default_ordering = ("town__slug", "-year", "place")

    def rows(self, user):
        """The lines stand in their own order."""
        places = [When(line=line, then=Value(place)) for place, line in enumerate(LINES)]
        return RedLineResult.objects.visible_to(user).annotate(place=Case(*places, default=Value(len(LINES))))


class FindingList(ListView):
    """方案体检发现：每处一行，并列原文数与核算数。"""

    name = "findings"
    label = "方案体检"
    model = Finding
    columns = (
        TOWN,
        whole("year", "年度"),
        Column("rule", "规则"),
        Column("severity", "程度"),
        Column("place", "位置"),
        Column("clause", "原文"),
        Column("stated", "印发稿"),
        Column("computed", "核算"),
        Column("message", "说明"),
        Column("waived", "已说明", kind="yes"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("rule", "规则"),
        Filter("severity", "程度"),
        Yes("waived", "已说明的"),
    )
    ordering = ("town", "year", "rule", "severity")
    default_ordering = ("town__slug", "-year", "order")


class IssueList(ListView):
    """整改问题：台账一行一项，一项可有几个图斑。"""

    name = "issues"
    label = "整改问题"
    model = Issue
    columns = (
        TOWN,
        whole("year", "年度"),
        Column("kind", "任务类型", "kind_id"),
        Column("ledger", "台账"),
        Column("serial", "序号"),
        texts("codes", "图斑编号"),
        Column("project", "项目名称"),
        Column("location", "坐落"),
        Column("division", "行政区划代码", "division__code"),
        Column("division_name", "单位", "division__name"),
        Column("group", "组"),
        decimal("area_mu", "图斑面积（亩）"),
        decimal("cultivated_mu", "耕地面积（亩）"),
        decimal("pbf_mu", "永农面积（亩）"),
        Column("source", "问题来源"),
        Column("problem_kind", "问题类型"),
        Column("responsible_division", "责任单位代码", "responsible_division__code"),
        Column("measure", "整改方式"),
        Column("measure_stated", "整改方式原文"),
        Column("suggested_measure", "建议方式"),
        texts("warnings", "提醒"),
        day("due_on", "整改时限"),
        Column("due_stated", "整改时限原文"),
        day("review_on", "复查日期", help="没有时限的，定方式时须定复查日期"),
        Column("state", "状态"),
        day("closed_on", "销号日期"),
        Column("is_excluded", "不在整治范围", kind="yes", help="列出，不计数"),
        whole("version", "版本", help="办理时带上，别人先改过就回 409"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("kind", "任务类型", "kind_id"),
        Subtree(),
        Filter("state", "状态"),
        Filter("measure", "整改方式"),
        Filter("problem_kind", "问题类型"),
        Filter("source", "问题来源"),
        Yes("is_excluded", "不在整治范围"),
    )
    ordering = ("town", "year", "due_on", "area_mu", "state")
    default_ordering = ("town__slug", "-year", "ledger", "order")
