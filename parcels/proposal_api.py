"""The list of self-chosen parcels: what villages propose, what the town and the county said to it."""

from farmland.lib.api.columns import Column, day, decimal, moment, whole
from farmland.lib.api.filters import Filter, Whole
from farmland.lib.api.lists import ListView
from farmland.places.api import Subtree, town_filter
from parcels.models import Proposal

STATES = "proposed 待镇审核，town_approved 待县审批，approved 已批准，refused 未通过，withdrawn 已撤回"


class ProposalList(ListView):
    """自选图斑：村提出，镇审核，县批准后列入 parcels。"""

    name = "proposals"
    label = "自选图斑"
    model = Proposal
    columns = (
        Column("code", "图斑编号"),
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度"),
        Column("kind", "任务类型", "kind_id"),
        Column("division", "村", "division__code", help="行政区划代码"),
        Column("division_name", "村名", "division__name"),
        Column("group", "组"),
        whole("planned_order", "实施次序"),
        decimal("area_mu", "面积（亩）"),
        Column("land_class", "地类", help="提出时的国土变更调查地类"),
        decimal("slope", "坡度（度）"),
        Column("in_redline", "在生态红线内", kind="yes"),
        day("consented_on", "权利人同意日期"),
        Column("state", "状态", help=STATES),
        Column("reason", "原因", help="未通过或撤回的原因"),
        Column("approval_number", "批复文号"),
        day("approved_on", "批复日期"),
        Column("parcel", "图斑（id）", "parcel_id", kind="id", help="批准后列入的图斑"),
        Column("note", "说明"),
        moment("proposed_at", "提出时间"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("kind", "任务类型", "kind_id"),
        Subtree(),
        Filter("state", "状态"),
        Filter("approval_number", "批复文号"),
    )
    ordering = ("town", "year", "kind", "division", "planned_order", "area_mu", "state", "approved_on")
    default_ordering = ("division__path", "planned_order")
