"""The list of parcels, also as GeoJSON, and the list of acceptances."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import StreamingHttpResponse

from farmland.lib.api.columns import Column, day, decimal, plain, texts, whole
from farmland.lib.api.filters import Filter, Id, Whole
from farmland.lib.api.lists import CHUNK, ListView, batches
from farmland.places.api import Subtree, town_filter
from parcels.layers import overlapping
from parcels.models import Listing, Parcel, Step
from parcels.shapes import boundaries, with_coordinates


@dataclass(frozen=True)
class Coded(Filter):
    """``code=TEXT``: parcels that stand under exactly this code in any list."""

    def apply(self, rows, text, user):
        return rows.filter(pk__in=Listing.objects.filter(code=text).values("parcel"))


@dataclass(frozen=True)
class Listed(Filter):
    """``list=TITLE``: parcels that stand in the list of exactly this title (首次下发, 自选图斑 …号)."""

    def apply(self, rows, text, user):
        return rows.filter(pk__in=Listing.objects.filter(list__title=text).values("parcel"))


@dataclass(frozen=True)
class Overlapping(Filter):
    """``overlap=any|forbid|parcel`` or the id of a layer: parcels that share land or a code with others."""

    def apply(self, rows, text, user):
        return overlapping(rows, text)


class ParcelList(ListView):
    """图斑：面积为下发数，未知为空。"""

    name = "parcels"
    label = "图斑"
    model = Parcel
    formats = ("json", "csv", "xlsx", "geojson")
    columns = (
        texts("codes", "图斑编号", help="原文，按清单次序"),
        Column("town", "乡镇", "town__slug"),
        Column("division", "村", "division__code", help="行政区划代码"),
        Column("division_name", "村名", "division__name"),
        Column("group", "组"),
        whole("year", "年度"),
        Column("kind", "任务类型", "kind_id"),
        Column("source", "问题来源"),
        decimal("gross_mu", "图斑面积（亩）"),
        decimal("cultivated_mu", "耕地面积（亩）"),
        decimal("pbf_mu", "永农面积（亩）"),
        decimal("net_mu", "净面积（亩）"),
        Column("land_class", "地类"),
        Column("ground_state", "现状"),
        Column("finding", "核查结论"),
        Column("stage", "环节", help="未完治理中最靠后的环节"),
        whole("version", "版本", help="修改时带回，别人已改过会回 409"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("kind", "任务类型", "kind_id"),
        Subtree(),
        Filter("source", "问题来源"),
        Filter("land_class", "地类"),
        Filter("finding", "核查结论"),
        Filter("stage", "环节"),
        Coded("code", "图斑编号"),
        Listed("list", "所在清单的标题"),
        Overlapping("overlap", "重叠：any 有，forbid 在不得恢复的图层上，parcel 与其他图斑"),
    )
    ordering = ("year", "kind", "town", "division", "gross_mu", "stage")

    def as_file(self, rows, query):
        if query.format != "geojson":
            return super().as_file(rows, query)
        answer = StreamingHttpResponse(self.features(rows, query.keys), content_type="application/geo+json")
        answer["Content-Disposition"] = 'attachment; filename="parcels.geojson"'
        answer["Cache-Control"] = "private, no-cache"
        return answer

    def features(self, rows, keys) -> Iterator[bytes]:
        """A FeatureCollection in pieces; a boundary nobody drew or the user may not see is null (RFC 7946 §3.2)."""
        seen = {one.code for one in with_coordinates(self.request.user)}
        yield b'{"type":"FeatureCollection","features":['
        comma = ""
        for chunk in batches(self.stream(rows, keys), CHUNK):
            finished = self.finished(chunk)
            shapes = boundaries(row["id"] for row in finished if row["division"] in seen)
            found = [feature(self.table.as_json(row), shapes.get(row["id"])) for row in finished]
            yield (comma + ",".join(found)).encode()
            comma = ","
        yield b"]}"


def feature(row: dict, geometry: str | None) -> str:
    """One feature; the geometry is GeoJSON already and is not read again."""
    properties = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=plain)
    return f'{{"type":"Feature","id":"{row["id"]}","geometry":{geometry or "null"},"properties":{properties}}}'


class AcceptanceList(ListView):
    """验收：各层级认定的面积；冲销为负数行，指明所冲的行。"""

    name = "acceptances"
    label = "验收"
    model = Step
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度", "work__year"),
        Column("kind", "任务类型", "work__kind_id"),
        Column("division", "行政区划代码", "work__division__code", help="未写明村的为乡镇本身"),
        Column("division_name", "行政区划名称", "work__division__name"),
        Column("parcel", "图斑编号（id）", "work__parcel_id", kind="id"),
        Column("tranche", "批次", "work__tranche"),
        Column("level", "认定层级", "rung__level"),
        decimal("declared_mu", "送验面积（亩）"),
        decimal("accepted_mu", "认定面积（亩）", "area_mu", help="本次认定；各行相加为累计"),
        Column("verdict", "结论"),
        Column("reason", "原因"),
        day("accepted_on", "认定日期", "on"),
        Column("reverses", "冲销的行（id）", "reverses_id", kind="id"),
        Column("clause", "出处"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "work__year"),
        Filter("kind", "任务类型", "work__kind_id"),
        Subtree(source="work__division"),
        Id("parcel", "图斑的 id", "work__parcel_id"),
        Filter("level", "认定层级", "rung__level"),
        Filter("verdict", "结论"),
    )
    ordering = ("accepted_on", "town", "year", "kind", "division", "level", "accepted_mu")

    def rows(self, user):
        return Step.objects.visible_to(user).acceptances()
