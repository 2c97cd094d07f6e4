"""What changed in the parts of a plan that are kept in its document only: two documents against each other.

Rows of the database (targets, splits, entries, dates, ledgers, programs) report themselves when they are brought in
step (``tasks.plan.sync``); dictionaries and divisions do so too.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable

from farmland.lib.documents import Node
from tasks.plan.document import OutlineDoc, PlanDoc
from tasks.plan.sync import Differences, shown

LISTS = {  # part → (what one of it is called, the fields that tell one from another)
    "offices": ("单位", ("name",)),
    "terms": ("本镇用词", ("dictionary", "code")),
    "cadences": ("调度", ("key",)),
    "duties": ("职责", ("topic", "holder", "clause")),
    "rules": ("规则", ("key",)),
    "annexes": ("附件", ("number", "title")),
    "questions": ("待明确事项", ("key",)),
}
PLAIN = {"basis": "依据", "summary": "摘要", "town_ladders": "本镇所用阶梯"}


def tell_changes(before: PlanDoc, after: PlanDoc, differences: Differences) -> None:
    for part, label in PLAIN.items():
        _values(f"方案的{label}", getattr(before, part), getattr(after, part), differences)
    for part, (label, keys) in LISTS.items():
        _lists(label, _keyed(getattr(before, part), keys), _keyed(getattr(after, part), keys), differences)
    _lists(
        "分解表", _keyed(before.splits, ("target", "clause")), _keyed(after.splits, ("target", "clause")), differences
    )
    _lists("提纲", _outline(before), _outline(after), differences)


def _keyed(nodes: Iterable[Node], keys: tuple[str, ...]) -> dict[tuple, Node]:
    """Nodes by what tells them apart, those alike numbered in their order."""
    nth: Counter = Counter()
    found = {}
    for node in nodes:
        name = "·".join(filter(None, (getattr(node, key) for key in keys)))
        nth[name] += 1
        found[name if nth[name] == 1 else f"{name}（{nth[name]}）"] = node
    return found


def _outline(doc: PlanDoc) -> dict[str, Node]:
    """Outline items by the numbers above them and their own."""
    found: dict[str, Node] = {}

    def enter(items: list[OutlineDoc], above: str) -> None:
        for item in items:
            here = f"{above}{item.number.rstrip('、') or item.title}"
            while here in found:
                here += "′"
            found[here] = item
            enter(item.items, here)

    enter(doc.outline, "")
    return found


def _lists(label: str, before: dict[str, Node], after: dict[str, Node], differences: Differences) -> None:
    for name, node in after.items():
        if name not in before:
            differences.add(f"新增{label}：{name}")
            continue
        for one in dataclasses.fields(node):
            old, new = getattr(before[name], one.name), getattr(node, one.name)
            if one.compare and one.name not in ("rows", "items"):
                _values(f"{label} {name} 的 {one.name.rstrip('_')}", old, new, differences)
    for name in before:
        if name not in after:
            differences.add(f"删去{label}：{name}")


def _values(what: str, before, after, differences: Differences) -> None:
    if before != after:
        differences.add(f"{what}：{_words(before)} → {_words(after)}")


def _words(value) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = "、".join(value)
    return shown(value or "")
