"""The columns of a plain parcel list, found by heading; the same words as the export of ``parcels/``."""

from dataclasses import dataclass

from farmland.lib.excel.header import split_unit, tidy

CODE, TEXT, AREA, WORD = "code", "text", "area", "word"
AREA_UNITS = {
    "亩": "mu", "m2": "square_metre", "平方米": "square_metre", "公顷": "hectare", "hm2": "hectare",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """``field`` is the parcel's field it fills; ``kind`` says how a cell is read (WORD: looked up in a dictionary)."""

    field: str
    heading: str
    kind: str = TEXT
    aliases: tuple[str, ...] = ()
    is_required: bool = False


COLUMNS = (
    Column("codes", "图斑编号", CODE, ("图斑号", "编号", "地块编号"), is_required=True),
    Column("division", "村", WORD, ("所在村", "村（社区）", "村居"), is_required=True),
    Column("group", "组", TEXT, ("村民小组", "社")),
    Column("kind", "任务", WORD, ("任务类型",), is_required=True),
    Column("gross_mu", "图斑面积", AREA, ("面积",)),
    Column("cultivated_mu", "耕地面积", AREA, ("耕地",)),
    Column("pbf_mu", "永农面积", AREA, ("永农", "永久基本农田", "永久基本农田面积")),
    Column("net_mu", "净面积", AREA, ("图斑净面积",)),
    Column("land_class", "地类", WORD, ("地类编码", "地类代码")),
    Column("ground_state", "现状", WORD, ("地面现状",)),
    Column("source", "问题来源", WORD, ("来源",)),
    Column("note", "备注", TEXT, ("说明",)),
    Column("serial", "序号", TEXT),
    Column("village_name", "村名", TEXT),  # of the export: stands in for an absent 村
    Column("town", "乡镇", TEXT),
    Column("year", "年度", TEXT),
)
BY_FIELD = {column.field: column for column in COLUMNS}
AREAS = tuple(column.field for column in COLUMNS if column.kind == AREA)
REQUIRED = tuple(column for column in COLUMNS if column.is_required)
BY_HEADING = {tidy(name): column for column in COLUMNS for name in (column.heading, *column.aliases)}


@dataclass(frozen=True)
class Hit:
    """A heading that names a column: the unit as printed ("" where none is), and whether by its own name."""

    column: Column
    unit: str
    is_own: bool


def column_of(printed: str) -> Hit | None:
    """What a printed heading names: 图斑面积(㎡) → gross_mu in m2."""
    name, unit = tidy(printed), ""
    if name not in BY_HEADING:
        name, unit = split_unit(name)
    column = BY_HEADING.get(name)
    return Hit(column, unit, name == tidy(column.heading)) if column else None
