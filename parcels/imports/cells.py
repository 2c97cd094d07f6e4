"""One cell of a parcel list: what its text means, or why it means nothing, in Chinese."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from farmland.lib.excel import Cell, cell_code
from farmland.lib.numbers import is_not_applicable, narrow, parse_decimal
from farmland.places.models import Division
from parcels.imports.columns import BY_FIELD
from parcels.models import Kind

SEPARATORS = re.compile(r"[、,，;；\n]+")
LENGTHS = {"group": 40, "note": 300, "serial": 40, "ground_state": 40, "source": 40, "slope_class": 10}
CODE_LENGTH = 80
STEEPEST = 90
YES, NO = {"是", "1", "y", "yes", "true", "在"}, {"否", "0", "n", "no", "false", "不在"}
COMMITTEE = re.compile(r"(村民|民|居民)?委员会$|(村|居)委会$")


@dataclass(frozen=True)
class Known:
    """What a cell may name. ``divisions`` and ``kinds`` by code, name and alias; the words of dictionaries likewise.

    ``outside`` are names of the town's divisions beyond the user's scope.
    """

    town: Division
    year: int
    divisions: Mapping[str, Division]
    outside: frozenset[str]
    kinds: Mapping[str, Kind]
    offered_kinds: tuple[str, ...]  # those named in an error
    land_classes: Mapping[str, str]
    ground_states: Mapping[str, str]
    sources: Mapping[str, str]

    def by_code(self, text: str) -> Division | None:
        """The division of this code or name; of a survey's 19 digits the first 12 name the village."""
        found = self.divisions.get(text)
        if found is None and len(text) >= 12 and text.isdigit():
            found = self.divisions.get(text[:12])
        return found


def codes(cell: Cell) -> list[str]:
    text = cell_code(cell)
    codes = [part.strip() for part in SEPARATORS.split(text) if part.strip()]
    if not codes:
        raise ValueError("缺图斑编号，请填写；不是图斑的行请删去。")
    if too_long := next((code for code in codes if len(code) > CODE_LENGTH), None):
        raise ValueError(f"编号最长 {CODE_LENGTH} 个字，“{too_long[:20]}…”太长，请核对。")
    if len(set(codes)) < len(codes):
        raise ValueError(f"同一格里编号重复：“{text}”，请核对。")
    return codes


def yes_or_no(text: str) -> bool | None:
    if is_not_applicable(text) and text != "否":
        return None
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise ValueError(f"应为“是”或“否”，现为“{text}”。")


def slope(cell: Cell) -> Decimal | None:
    if is_not_applicable(cell):
        return None
    return parse_decimal(cell, minimum=0, maximum=STEEPEST)


def same_town(cell: Cell, known: Known) -> None:
    text = narrow(cell.text)
    if text and text not in (known.town.slug, known.town.code, known.town.name, *known.town.aliases):
        raise ValueError(f"是“{text}”的图斑，这里只能导入{known.town}的，请删去或到该镇导入。")


def same_year(cell: Cell, known: Known) -> None:
    text = narrow(cell.text).removesuffix("年")
    if text and text != str(known.year):
        raise ValueError(f"是 {text} 年的图斑，这里导入的是 {known.year} 年，请核对年度。")


def division(known: Known) -> Callable[[str], Division]:
    def read(text: str) -> Division:
        if not text:
            raise ValueError("缺村名，请填写。")
        if found := known.by_code(text) or known.divisions.get(village_name(text, known)):
            return found
        if text in known.outside or village_name(text, known) in known.outside:
            raise ValueError(f"“{text}”不在您的范围内，请删去这一行，或请有权限的人导入。")
        raise ValueError(f"没有名为“{text}”的村，{known.town}的有：{offer(names(known.divisions.values()))}。")

    return read


def village_name(text: str, known: Known) -> str:
    """西河镇双永村民委员会 → 双永村: the town before the name and the committee behind it say nothing."""
    name = text.removeprefix(known.town.name)
    if name in known.divisions or name in known.outside:
        return name
    short = COMMITTEE.sub("", name)
    return short if short in known.divisions or short in known.outside else f"{short}村"


def names(rows: Iterable) -> list[str]:
    return list(dict.fromkeys(str(row) for row in rows))


def offer(names: Iterable[str]) -> str:
    names = list(names)
    return "、".join(names[:30]) + (f" 等 {len(names)} 个" if len(names) > 30 else "")


def kind(known: Known) -> Callable[[str], Kind]:
    def read(text: str) -> Kind:
        if not text:
            raise ValueError(f"缺任务，可用的有：{offer(known.offered_kinds)}。")
        if text not in known.kinds:
            raise ValueError(f"没有名为“{text}”的任务，可用的有：{offer(known.offered_kinds)}。")
        return known.kinds[text]

    return read


def land_class(known: Known) -> Callable[[str], str]:
    """0103, 旱地, 0103旱地, 旱地（0103）, and 103 where a spreadsheet lost the first zero; a letter suffix stays."""

    def read(text: str) -> str:
        if is_not_applicable(text):
            return ""
        words = known.land_classes
        code = re.search(r"\d{3,4}[A-Z]?", text)
        name = re.sub(r"[\s()（）\-—]|\d{3,4}[A-Z]?", "", text)
        if code:
            found = code[0] if len(code[0].rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 4 else f"0{code[0]}"
            base = found[:4]
            if base in words and (not name or words.get(name) == base or len(found) > 4):
                return found
            if base in words:
                raise ValueError(f"“{text}”的代码和名称不一致，{base} 在字典里是另一个名称，请核对。")
        elif text in words:
            return words[text]
        raise ValueError(f"没有“{text}”这一地类，可用的有：{offer(classes(words))}。")

    return read


def classes(words: Mapping[str, str]) -> list[str]:
    return [f"{code} {name}" for name, code in words.items() if name != code]


def word_of(words: Mapping[str, str], length: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if is_not_applicable(text):
            return ""
        if len(text) > length:
            raise ValueError(f"最长 {length} 个字，现为 {len(text)} 个字，请缩短。")
        return words.get(text, text)

    return read


def text_of(name: str) -> Callable[[Cell], str]:
    length = LENGTHS[name]

    def read(cell: Cell) -> str:
        text = cell.text.strip()
        if len(text) > length:
            raise ValueError(f"“{BY_FIELD[name].heading}”最长 {length} 个字，现为 {len(text)} 个字，请缩短。")
        return text

    return read


def location(known: Known) -> Callable[[str], tuple[Division, str]]:
    """双永村十四组: the village its text begins with, and the rest as the group."""

    def read(text: str) -> tuple[Division, str]:
        place = text.removeprefix(known.town.name)
        names = [name for name in known.divisions if place.startswith(name)]
        if names:
            name = max(names, key=len)
            return known.divisions[name], place.removeprefix(name)[: LENGTHS["group"]]
        return division(known)(text), ""

    return read


def group_in(text: str, known: Known) -> str:
    try:
        return location(known)(text)[1]
    except ValueError:
        return ""
