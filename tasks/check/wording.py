"""C16 to C19: numbering and annexes, offices and duties, and words that are not written one way."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from farmland.lib.dates import chinese_to_number, number_to_chinese
from farmland.lib.numbers import narrow
from tasks.check.case import Case, listed, short
from tasks.check.registry import Remark, note, rule, warning
from tasks.plan.document import OutlineDoc, Unit

CHINESE = "[〇零一二三四五六七八九十百]+"
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
STYLES = [  # (pattern of a number as printed, how that style is written)
    (re.compile(rf"({CHINESE})、?"), "{}、"),
    (re.compile(rf"\(({CHINESE})\)"), "（{}）"),
    (re.compile(rf"({CHINESE})是[:,]?"), "{}是"),
    (re.compile(rf"第({CHINESE})[章节条、]?"), "第{}"),
    (re.compile(r"([0-9]{1,3})[.、]?"), "{}."),
    (re.compile(r"\(([0-9]{1,3})\)"), "（{}）"),
    (re.compile(r"([0-9]{1,3})\)"), "{}）"),
    (re.compile(f"([{CIRCLED}])"), CIRCLED),
]
NAMED_ANNEX = re.compile(r"附(?:件|表|图)\s*([0-9]{1,2}|[一二三四五六七八九十]{1,2})(?![0-9年月])")


@dataclass(frozen=True)
class Numbered:
    """An item number read: how it is written, whether in Arabic digits, and its value."""

    style: str
    arabic: bool
    value: int

    def written(self, value: int) -> str:
        if self.style == CIRCLED:
            return CIRCLED[value - 1]
        return self.style.format(value if self.arabic else number_to_chinese(value))


@rule(
    "C16",
    "序号或附件缺失",
    explanation="同级序号应当连续、不重复；正文点名的附件应当附上。",
)
def number_or_annex_missing(case: Case) -> Iterator[Remark]:
    yield from _siblings(case.doc.outline, "", "正文")
    for where, item in case.outline():
        yield from _siblings(item.items, where, case.clause(where))
    yield from _annexes(case)


def _siblings(items: list[OutlineDoc], above: str, name: str) -> Iterator[Remark]:
    """Gaps and repeats among the items of one level; each style of number counts for itself."""
    last: dict[tuple[str, bool], int] = {}
    for item in items:
        number = numbered(item.number)
        if number is None:
            continue
        if number.style == "{}、" and not number.arabic and last.get(("{}是", False)):  # “二负责” after “一是”
            number = Numbered("{}是", False, number.value)
        style = number.style, number.arabic
        before = last.get(style, 0)
        last[style] = max(number.value, before)
        if number.value == before + 1:
            continue
        place, printed = f"{above}{item.number}", number.written(number.value)
        clause = short(name)
        if number.value <= before:
            message = f"“{clause}”下的序号“{printed}”在“{number.written(before)}”之后又出现，请核对编号。"
            yield warning(place, clause, f"{number.written(before)}之后又写{printed}", "序号重复", message)
            continue
        gaps = "".join(number.written(value) for value in range(before + 1, number.value))
        stated = f"{number.written(before)} 后接 {printed}" if before else f"从{printed}开始"
        message = f"“{clause}”下 {stated}，缺 {gaps}，请核对是否漏印一项。"
        yield warning(place, clause, stated, f"缺 {gaps}", message)


def numbered(text: str) -> Numbered | None:
    """“（四）” → 4 in the style （一）, “2.” → 2 in the style 1.; None for what is no number."""
    text = narrow(re.sub(r"\s+", "", text))
    for pattern, style in STYLES:
        match = pattern.fullmatch(text)
        if match and style == CIRCLED:
            return Numbered(style, False, CIRCLED.index(match[1]) + 1)
        if match:
            return Numbered(style, match[1].isdigit(), chinese_to_number(match[1]))
    return None


def _annexes(case: Case) -> Iterator[Remark]:
    there = set()
    for annex in case.doc.annexes:
        digits = re.search(r"[0-9]+|[一二三四五六七八九十]+", narrow(annex.number))
        there.add(chinese_to_number(digits[0]) if digits else 0)
        if not annex.present:
            name = f"附件{annex.number.removeprefix('附件')}" if digits else f"附件《{annex.title}》"
            called = f"列有{name}《{annex.title}》" if digits else f"引用了《{annex.title}》"
            message = f"文中{called}，但没有附上，请补附。"
            yield warning(name, annex.clause or "附件", annex.title, "没有附件正文", message)
    reported = set()
    for quote in case.quotes:
        for match in NAMED_ANNEX.finditer(narrow(quote.text)):
            value = chinese_to_number(match[1])
            if value not in there and value not in reported:
                reported.add(value)
                there_are = "附件没有编号" if there == {0} else "附件中没有这一个" if there else "方案没有附件"
                message = f"{case.clause(quote.place)}提到“{match[0]}”，但{there_are}，请核对。"
                yield warning(match[0], quote.place, match[0], there_are, message)


@rule(
    "C17",
    "有单位无职责，或有职责无单位",
    explanation="列为成员的单位应当在方案里有职责；写了职责的单位应当是方案列出的单位。泛指（各村、其他部门）除外。",
)
def office_without_duty(case: Case) -> Iterator[Remark]:
    busy = _busy(case)
    for unit in case.doc.offices:
        if unit.external or unit.hosted_by or unit.kind == "post" or unit.name in busy:
            continue
        named = [one.name for one in case.doc.offices if _is_member(case, unit, one)]
        where = f"列为{'、'.join(named)}成员" if named else "列入单位"
        clause = unit.clause or next((one.clause for one in case.doc.offices if one.name in named), "")
        message = f"{unit.name}{where}，方案没有写它的职责，请补写或删去。"
        yield warning(unit.name, clause, where, "没有职责", message)
    strangers: dict[str, list[str]] = {}
    for name, clause in _named_holders(case):
        if case.office(name) is None and not _exempt(case, name):
            strangers.setdefault(name, []).append(clause)
    for name, clauses in strangers.items():
        message = f"{listed(clauses)}给“{name}”安排了职责，但方案列出的单位中没有它，请核对名称或补列。"
        yield warning(name, clauses[0], name, "列出的单位中没有", message)


def _named_holders(case: Case) -> Iterator[tuple[str, str]]:
    for duty in case.doc.duties:
        if duty.holder_kind == "office":
            yield duty.holder, duty.clause
    for where, item in case.outline():
        yield from ((name, where) for name in item.offices)


def _busy(case: Case) -> set[str]:
    """Units that have something to do: duties of their own, a role in a task, a group or office they host."""
    found = {unit.name for unit in case.doc.offices if unit.duties}
    names = [duty.holder for duty in case.doc.duties if duty.role != "member"]
    for target in case.doc.targets:
        names += [target.lead, *target.responsible]
    for unit in case.doc.offices:
        names.append(unit.hosted_by)
        if unit.part_of:  # a part that works makes its whole work
            names.append(unit.part_of)
    names += [cadence.holder for cadence in case.doc.cadences]
    return found | {unit.name for name in names if name and (unit := case.office(name))}


def _is_member(case: Case, unit: Unit, group: Unit) -> bool:
    return any(case.office(name) is unit for name in (*group.members, *group.deputies))


def _exempt(case: Case, name: str) -> bool:
    return case.dictionary.term("exempt_holder", name) is not None or case.division(name) is not None


@rule(
    "C18",
    "一项职责两个牵头单位",
    explanation="一项工作应当只有一个牵头单位；有两个的，须明确主次。",
)
def one_duty_two_owners(case: Case) -> Iterator[Remark]:
    leads: dict[str, list[tuple[str, str]]] = {}
    for duty in case.doc.duties:
        if duty.role == "lead":
            unit = case.office(duty.holder)
            leads.setdefault(duty.topic, []).append((unit.name if unit else duty.holder, duty.clause))
    for topic, holders in leads.items():
        names = list(dict.fromkeys(name for name, _ in holders))
        if len(names) > 1:
            clauses = listed(clause for _, clause in holders)
            yield warning(
                f"{holders[0][1]}·{topic}",
                clauses,
                "、".join(names),
                f"{len(names)} 个牵头单位",
                f"“{topic}”写了 {len(names)} 个牵头单位：{'、'.join(names)}（{clauses}），请明确由谁牵头。",
            )


@rule(
    "C19",
    "用词不一致",
    explanation="同一个词、同一个单位应当只有一种写法；别字和旧称按字典给出规范写法，改不改由镇上定。",
)
def words_written_two_ways(case: Case) -> Iterator[Remark]:
    texts = [(quote.place, re.sub(r"\s+", "", narrow(quote.text))) for quote in case.quotes]
    variants = _variants(case, texts)
    found: dict[str, list[str]] = {}
    for place, text in texts:
        for variant in variants:
            if variant in text:
                found.setdefault(variant, []).append(place)
    for variant, places in found.items():
        if any(other != variant and other in variant for other in found):
            continue  # 编制进出平横方案 is said by 进出平横
        (label, together), where = variants[variant], listed(places)
        message = f"“{variant}”（{where}）{'与' if together else '规范写法是'}“{label}”{'混用' * together}，请统一。"
        computed = f"文中也写“{label}”" if together else f"应作“{label}”"
        yield note(f"“{variant}”", where, variant, computed, message)
    yield from _office_names(case)


def _variants(case: Case, texts: list[tuple[str, str]]) -> dict[str, tuple[str, bool]]:
    """Variant → (the word it stands for, whether each is right by itself: told only where both are used)."""
    found = {}
    for terms in case.dictionary.by_dictionary.values():
        for term in terms.values():
            together = (term.attrs or {}).get("only_together") == "yes"
            if not together or any(narrow(term.label) in text for _, text in texts):
                found |= {narrow(variant): (term.label, together) for variant in term.variants}
    return found


def _office_names(case: Case) -> Iterator[Remark]:
    """Offices printed under several names. The town before a name, or only the tail of it (工作专班), is no other."""
    printed: dict[str, dict[str, list[str]]] = {}
    for name, clause in _printed_names(case):
        unit = case.office(name)
        if (
            unit is not None
            and unit.kind != "post"
            and (case.bare(name) == case.bare(unit.name) or not unit.name.endswith(case.bare(name)))
        ):
            printed.setdefault(unit.name, {}).setdefault(case.bare(name), []).append(clause)
    for unit, names in printed.items():
        if len(names) > 1:
            where = "、".join(f"“{name}”（{listed(filter(None, clauses), 3)}）" for name, clauses in names.items())
            message = f"同一个单位写了 {len(names)} 种名称：{where}，请统一为“{unit}”。"
            yield note(unit, "全文", "、".join(names), f"{len(names)} 种名称", message)


def _printed_names(case: Case) -> Iterator[tuple[str, str]]:
    """Names of offices as printed, each with its clause."""
    for where, item in case.outline():
        yield from ((name, where) for name in item.offices)
    for duty in case.doc.duties:
        yield duty.holder, duty.clause
    for unit in case.doc.offices:
        yield from ((name, unit.clause or f"{unit.name}成员") for name in (*unit.members, *unit.deputies))
