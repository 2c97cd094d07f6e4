"""``care-forecast/``: what yearly aftercare will cost by village and year, the figures of the forecast's page."""

from collections import defaultdict
from datetime import datetime

from django.db.models import Max

from farmland.lib.api.columns import Column, decimal, texts, whole
from farmland.lib.api.computed import ComputedList
from farmland.lib.api.filters import Whole
from farmland.places.api import Subtree, town_filter
from farmland.places.models import Division
from parcels.models import Work
from subsidies.claiming.forecast import Forecast, forecast
from subsidies.models import Claim, Rate


class ForecastList(ComputedList):
    """管护资金预测：一个村、一个方案、一个兑付年度一行；以后再认定、再减少的会跟着变，以当年核实为准。"""

    name = "care-forecast"
    label = "管护资金预测"
    model = Division
    columns = (
        Column("town", "乡镇"),
        whole("plan_year", "方案年度"),
        whole("year", "兑付年度"),
        Column("division", "行政区划代码"),
        Column("division_name", "单位"),
        decimal("accepted_mu", "已认定面积（亩）"),
        decimal("given_up_mu", "已知减少（亩）", help="当年或以前年度申报、核实比认定少的"),
        decimal("area_mu", "预测面积（亩）", help="已认定面积 − 已知减少"),
        decimal("amount_yuan", "预测金额（元）", places=2, help="每块取到分，合计为各块之和"),
        texts("left_out", "没有算进去的标准", help="不是单一的元/亩标准"),
    )
    filters = (
        town_filter(),
        Whole("plan_year", "方案年度"),
        Whole("year", "兑付年度"),
        Subtree(source=""),
    )
    late = ("plan_year", "year", "updated_since")
    ordering = ("town", "plan_year", "year", "division", "amount_yuan")

    def rows(self, user):
        return user.divisions_for("read_money").exclude(town=None)

    def made(self, rows):
        plans = defaultdict(list)
        rates = Rate.objects.filter(town__in=rows.values("town")).select_related("town").order_by("town__slug", "year")
        for one in rates:
            if one.years:
                plans[one.town, one.year].append(one.updated_at)
        return [
            row
            for (town, year), moments in plans.items()
            for row in _rows(town, year, forecast(town, year, rows), _changed(town, year, max(moments)))
        ]


def _changed(town: Division, year: int, ruled: datetime) -> dict:
    """Division → when what its forecast rests on last changed, no earlier than the rates. Two queries."""
    found: dict = defaultdict(lambda: ruled)
    works = Work.objects.filter(town=town, year=year).order_by().values_list("division")
    claims = Claim.objects.filter(town=town, round__program__year=year).order_by().values_list("division")
    asked = (works.annotate(Max("updated_at"), Max("steps__recorded_at")), claims.annotate(Max("updated_at")))
    for division, *moments in (row for rows in asked for row in rows):
        found[division] = max(found[division], *filter(None, moments))
    return found


def _rows(town: Division, plan_year: int, found: Forecast, changed: dict) -> list[dict]:
    return [
        {
            "id": f"{division.pk}.{plan_year}.{year}", "town": town.slug, "plan_year": plan_year, "year": year,
            "division": division.code, "division_name": division.name, "accepted_mu": one.accepted,
            "given_up_mu": one.less, "area_mu": one.area, "amount_yuan": one.amount,
            "left_out": [str(rate) for rate in found.left_out],
            "updated_at": changed[division.pk],
        }
        for division, by_year in found.rows.items()
        for year, one in by_year.items()
    ]  # fmt: skip
