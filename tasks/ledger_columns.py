"""The twelve columns of a problem ledger (西河镇附件2): an issue as printed texts, and printed texts as values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from farmland.lib.numbers import narrow, parse_stated, plain
from farmland.places.models import Division
from tasks.decisions import day_of
from tasks.models import Issue
from tasks.plan.ledgers import printed_codes
from tasks.rulebook import Rulebook

COLUMNS = {
    "serial": "序号",
    "codes": "图斑编号",
    "project": "项目名称",
    "location": "坐落",
    "area": "图斑面积",
    "cultivated": "耕地",
    "pbf": "永久基本农田",
    "source": "问题来源",
    "problem_kind": "问题类型",
    "responsible": "责任单位",
    "measure": "整改方式",
    "due": "整改时限",
}
ALIASES = {
    "图斑编号": ("图斑号", "编号"),
    "项目名称": ("项目",),
    "坐落": ("位置", "地点"),
    "图斑面积": ("面积",),
    "耕地": ("耕地面积", "其中耕地"),
    "永久基本农田": ("永农", "永久基本农田面积", "其中永久基本农田"),
    "问题来源": ("来源",),
    "责任单位": ("责任村", "村"),
    "整改方式": ("整改措施",),
    "整改时限": ("时限", "完成时限"),
}
AREAS = {"area": "area_mu", "cultivated": "cultivated_mu", "pbf": "pbf_mu"}
LENGTHS = {
    "serial": 20, "project": 200, "location": 120, "source": 40, "problem_kind": 40, "measure": 120, "due": 60,
    "codes": 300, "responsible": 60,
}  # fmt: skip
MOST = 9_999_999
RAW = ("area", "cultivated", "pbf", "codes", "source", "problem_kind", "responsible")  # kept as printed
NO_DATE = {"", "/", "-", "—", "无", "无时限"}


class Places:
    """The divisions of a town by all their names, found inside an address such as 双永村十四组."""

    def __init__(self, town: Division, divisions: Iterable[Division]):
        self.town = town
        self.names = {narrow(name): one for one in divisions for name in (one.name, *one.aliases) if name}

    @classmethod
    def of(cls, town: Division) -> "Places":
        return cls(town, Division.objects.filter(town=town).exclude(pk=town.pk).order_by("path"))

    def find(self, words: str) -> tuple[Division | None, str]:
        """The division named first and what follows its name (the group); the town itself for its bare name."""
        words = narrow(words)
        found = [name for name in self.names if name in words]
        if not found:
            return (self.town, "") if words == narrow(self.town.name) else (None, "")
        name = min(found, key=lambda one: (words.index(one), -len(one)))
        return self.names[name], words.split(name, 1)[1].strip()


@dataclass
class Line:
    """A printed row read: ``values`` as ``issue_entry.lay`` takes them, ``errors`` and ``notes`` by column."""

    texts: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def meaning(self) -> dict[str, Any]:
        """What two printed rows are compared by: not how something is written but what it says."""
        values = {name: value for name, value in self.values.items() if name not in ("cells", "group", "due_stated")}
        for name, raw in (("source", "source"), ("problem_kind", "problem_kind"), ("measure", "measure")):
            values[name] = values.get(name) or _squeezed(self.texts[raw])
        values.pop("measure_stated", None)
        if values.get("due_on") is None and _squeezed(self.texts["due"]) not in NO_DATE:
            values["due_on"] = _squeezed(self.texts["due"])
        return values


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", narrow(text))


def read_line(texts: dict[str, str], book: Rulebook, places: Places, year: int) -> Line:
    """Printed texts by column → values. "/" is unknown; unknown words are kept as printed and remarked."""
    line = Line(texts)
    values = line.values
    for name, most in LENGTHS.items():
        if len(texts[name]) > most:
            line.errors[name] = f"最多 {most} 字，现有 {len(texts[name])} 字，请缩短。"
    values["codes"] = printed_codes(narrow(texts["codes"]).replace("\n", "、"))
    values |= {"project": texts["project"], "location": texts["location"]}
    for name, field_name in AREAS.items():
        values[field_name] = _area(line, name)
    _place(line, places)
    for name in ("source", "problem_kind", "measure"):
        words = texts[name].strip()
        values[name] = book.code(name, words)
        if words and words not in NO_DATE and not values[name]:
            line.notes.append(f"{COLUMNS[name]}“{words}”不在字典里，照原文保留。")
    values["measure_stated"], values["due_stated"] = texts["measure"], texts["due"]
    values["due_on"] = day_of(texts["due"], year=year)
    says_no_date = _squeezed(texts["due"]) in NO_DATE or book.code("due_words", texts["due"])
    if values["due_on"] is None and not says_no_date:
        line.errors["due"] = f"不是日期：“{texts['due']}”，请写成 2024.7.31，没有时限的写“/”。"
    values["cells"] = {name: texts[name] for name in RAW if texts[name]}
    return line


def _area(line: Line, name: str):
    try:
        value = parse_stated(line.texts[name])[0]
    except ValueError as error:
        line.errors[name] = str(error)
        return None
    if value is not None and not 0 <= value <= MOST:
        line.errors[name] = f"面积应不小于 0，现为“{line.texts[name]}”。"
        return None
    return value


def _place(line: Line, places: Places) -> None:
    located, group = places.find(line.texts["location"])
    words = line.texts["responsible"].strip()
    owner = places.find(words)[0] if words and words not in NO_DATE else located
    if owner is None:
        name = "responsible" if words else "location"
        said = f"本镇没有“{words or line.texts['location']}”，请写村的全称。"
        line.errors[name] = said if words or line.texts["location"] else "请写责任单位，或在坐落写明村名。"
        return
    line.values |= {"division": owner, "group": group if located else ""}


def printed(issue: Issue, book: Rulebook, year: int) -> dict[str, str]:
    """An issue as its ledger prints it: the printed words as long as they still say what holds, else ours."""
    cells = issue.cells
    texts = {"serial": issue.serial, "project": issue.project, "location": issue.location}
    texts["codes"] = "、".join(issue.codes) or cells.get("codes", "")
    for name, field_name in AREAS.items():
        value = getattr(issue, field_name)
        texts[name] = cells.get(name, "/") if value is None else plain(value)
    for name in ("source", "problem_kind"):
        texts[name] = _kept(name, cells.get(name, ""), getattr(issue, name), book)
    texts["measure"] = _kept("measure", issue.measure_stated, issue.measure, book)
    texts["due"] = _due(issue, year)
    texts["responsible"] = issue.division.name if issue.division_id != issue.town_id else cells.get("responsible", "")
    if not texts["responsible"] and issue.division_id == issue.town_id:
        texts["responsible"] = issue.town.name
    return texts


def _due(issue: Issue, year: int) -> str:
    if day_of(issue.due_stated, year=year) == issue.due_on:
        return issue.due_stated or "/"
    return f"{issue.due_on.year}.{issue.due_on.month}.{issue.due_on.day}" if issue.due_on else "/"


def _kept(dictionary: str, words: str, code: str, book: Rulebook) -> str:
    return words if not code or book.code(dictionary, words) == code else book.label(dictionary, code)
