"""The columns of a parcel list, found by heading: our own words, the export's, and the fields of survey layers."""

import re
from dataclasses import dataclass

from farmland.lib.excel.header import split_unit, tidy

CODE, TEXT, AREA, WORD, NUMBER = "code", "text", "area", "word", "number"
AREA_UNITS = {
    "亩": "mu", "m2": "square_metre", "平方米": "square_metre", "公顷": "hectare", "hm2": "hectare",
}  # fmt: skip

AREA_NAMES = {"mu": "mu", "square_metre": "m2", "hectare": "hectare"}  # as farmland.lib.area calls them
TOTAL = re.compile(r"\s*(合\s*计|总\s*计|小\s*计)\s*[:：]?")  # of a line that adds up the others
PLACES = 4
ISSUED_PLACES = 12  # a list computed by a map program prints many decimals; they are kept in the raw cells


@dataclass(frozen=True)
class Column:
    """``field`` is the parcel's field it fills; ``kind`` says how a cell is read (WORD: looked up in a dictionary).

    ``survey``: names in survey and monitoring layers, the first one preferred; their areas are square metres.
    """

    field: str
    heading: str
    kind: str = TEXT
    aliases: tuple[str, ...] = ()
    survey: tuple[str, ...] = ()
    is_required: bool = False


COLUMNS = (
    Column("codes", "图斑编号", CODE, ("图斑号", "编号", "地块编号", "监测编号"), ("TBBH", "JCBH", "TBYBH"),
           is_required=True),
    Column("division", "村", WORD, ("所在村", "村（社区）", "村居"), ("ZLDWDM",), is_required=True),
    Column("location", "坐落", WORD, ("坐落位置", "地块坐落")),
    Column("group", "组", TEXT, ("村民小组", "社")),
    Column("kind", "任务", WORD, ("任务类型",), is_required=True),
    Column("gross_mu", "图斑面积", AREA, ("面积",), ("TBMJ", "MJ")),
    Column("cultivated_mu", "耕地面积", AREA, ("耕地",)),
    Column("pbf_mu", "永农面积", AREA, ("永农", "永久基本农田", "永久基本农田面积")),
    Column("net_mu", "净面积", AREA, ("图斑净面积", "图斑地类面积"), ("TBDLMJ",)),
    Column("land_class", "地类", WORD, ("地类编码", "地类代码"), ("DLBM", "DLMC")),
    Column("ground_state", "现状", WORD, ("地面现状",)),
    Column("source", "问题来源", WORD, ("来源",)),
    Column("slope", "坡度", NUMBER, ("坡度（度）",)),
    Column("slope_class", "坡度级", TEXT, ("坡度级别",), ("GDPDJB", "GDPDJ")),
    Column("in_pbf", "是否永农", WORD, ("是否永久基本农田",), ("SFYN",)),
    Column("in_redline", "是否生态红线", WORD, ("是否在生态红线内", "是否生态保护红线"), ("SFHX",)),
    Column("note", "备注", TEXT, ("说明",), ("BZ",)),
    Column("serial", "序号", TEXT),
    Column("village_name", "村名", TEXT, ("division_name", "坐落单位名称"), ("ZLDWMC",)),  # stands in for 村
    Column("town", "乡镇", TEXT),
    Column("year", "年度", TEXT, (), ("SJNF",)),
)  # fmt: skip
BY_FIELD = {column.field: column for column in COLUMNS}
AREAS = tuple(column.field for column in COLUMNS if column.kind == AREA)
REQUIRED = tuple(column for column in COLUMNS if column.is_required)
STAND_INS = {"division": ("village_name", "location")}


@dataclass(frozen=True)
class Hit:
    """A heading that names a column: the unit as printed ("" where none is); of several the lowest rank counts."""

    column: Column
    unit: str
    rank: int


def _by_heading() -> dict[str, Hit]:
    found: dict[str, Hit] = {}
    for column in COLUMNS:
        is_area = column.kind == AREA
        found.setdefault(tidy(column.heading), Hit(column, "", 0))
        for name in column.aliases:
            found.setdefault(tidy(name), Hit(column, "", 1))
        found.setdefault(column.field, Hit(column, "亩" if is_area else "", 1))  # as the GeoJSON export names it
        for rank, name in enumerate(column.survey, 2):
            found.setdefault(tidy(name), Hit(column, "m2" if is_area else "", rank))
    return found


BY_HEADING = _by_heading()
FIELD_BYTES = 10  # of a field name in a .dbf; what is longer was cut when the table became a Shapefile
CUT, LOST = 9, "?"  # rank; unit


def _cut_short() -> dict[str, Hit]:
    """The beginnings of Chinese headings as a .dbf holds them; one that fits two columns names neither."""
    found: dict[str, set[Hit]] = {}
    for column in COLUMNS:
        units = ("", *(f"({one})" for one in AREA_UNITS), "(㎡)") if column.kind == AREA else ("",)
        for name in (column.heading, *column.aliases):
            for whole in (f"{name}{unit}" for unit in (*units, *(one.replace("(", "（") for one in units))):
                for encoding in ("gb18030", "utf-8"):
                    raw = whole.encode(encoding)
                    cut = raw[:FIELD_BYTES].decode(encoding, "ignore")
                    if len(raw) > FIELD_BYTES and tidy(cut) not in BY_HEADING:
                        found.setdefault(tidy(cut), set()).add(Hit(column, _unit_left(tidy(cut), column), CUT))
    return {name: next(iter(hits)) for name, hits in found.items() if len(hits) == 1}


def _unit_left(cut: str, column: Column) -> str:
    """The unit of which at least the beginning is left; LOST where an area has none."""
    left = cut.partition("(")[2]
    fitting = [one for one in AREA_UNITS if left and one.startswith(left)]
    return "" if column.kind != AREA else fitting[0] if len(fitting) == 1 else LOST


CUT_SHORT = _cut_short()


def column_of(printed: str) -> Hit | None:
    """What a printed heading names: 图斑面积(㎡) → gross_mu in m2."""
    name = tidy(printed)
    if name in BY_HEADING:
        return BY_HEADING[name]
    whole, unit = split_unit(name)
    hit = BY_HEADING.get(whole)
    return Hit(hit.column, unit, hit.rank) if hit else CUT_SHORT.get(name)
