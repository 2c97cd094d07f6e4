"""The list of divisions, and the parameters ``town`` and ``division`` for every list that has a place."""

from dataclasses import dataclass

from farmland.lib.api.columns import Column
from farmland.lib.api.filters import Filter
from farmland.lib.api.lists import ListView
from farmland.places.models import Division


@dataclass(frozen=True)
class Subtree(Filter):
    """``division=CODE``: the division of that code and all below it, where the user may see it."""

    name: str = "division"
    label: str = "行政区划代码，含其下级"
    source: str = "division"

    def apply(self, rows, text, user):
        path = Division.objects.visible_to(user).filter(code=text).values_list("path", flat=True).first()
        if path is None:
            return rows.none()
        inside = f"{self.source}__path__startswith" if self.source else "path__startswith"
        return rows.filter(**{inside: path})


def town_filter(source: str = "town__slug") -> Filter:
    return Filter("town", "乡镇标识，如 xihe", source)


class DivisionList(ListView):
    """行政区划：范围内的镇、村、组。"""

    name = "divisions"
    label = "行政区划"
    model = Division
    columns = (
        Column("code", "代码"),
        Column("name", "名称"),
        Column("kind", "类型"),
        Column("parent", "上级代码", "parent__code"),
        Column("town", "乡镇标识", "town__slug"),
        Column("is_provisional", "临时代码", kind="yes", help="国家代码未知时的临时代码"),
        Column("is_demo", "演示数据", kind="yes"),
    )
    filters = (
        town_filter(),
        Filter("kind", "类型"),
        Filter("code", "代码"),
        Filter("parent", "上级代码", "parent__code"),
        Subtree(source=""),
    )
    ordering = ("code", "name", "kind", "town")
