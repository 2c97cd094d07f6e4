"""How long the texts of a plan file may be: the columns they go into have an end, and PostgreSQL keeps to it."""

import dataclasses
from collections.abc import Iterator

from farmland.lib.documents import Node, Problem
from tasks.plan import document as doc

EVERYWHERE = {"clause": 200, "key": 60, "code": 40}
LIMITS: dict[type, dict[str, int]] = {
    doc.PlanDoc: {"title": 200, "document_number": 60, "issuer": 120},
    doc.Town: {"name": 60, "kind": 20, "code": 30},
    doc.Place: {"name": 60, "kind": 20, "code": 30},
    doc.Unit: {"name": 60},
    doc.DictionaryTerm: {"dictionary": 30, "label": 60},
    doc.LadderDoc: {"name": 60},
    doc.RungDoc: {"name": 40, "level": 20},
    doc.KindDoc: {"name": 60, "unit": 20, "counted_level": 20},
    doc.TargetDoc: {"tranche": 40, "maximum_reason": 300, "due_printed": 80, "origin": 200, "note": 300},
    doc.ShareDoc: {"stated": 40},
    doc.EntryDoc: {"reason": 300},
    doc.RedLineDoc: {"formula": 300, "assumption": 300, "reason": 300},
    doc.StatementDoc: {"printed": 500, "unit": 20, "is_": 300},
    doc.MilestoneDoc: {"name": 120, "printed": 200, "repeats": 60},
    doc.PhaseDoc: {"name": 120, "printed": 200},
    doc.LedgerDoc: {"title": 120},
    doc.LedgerRowDoc: {"serial": 20, "project": 200, "location": 120, "measure": 120, "due": 60},
}


def length_problems(node: Node) -> Iterator[Problem]:
    """A problem for every text below ``node`` that is longer than its column."""
    limits = EVERYWHERE | LIMITS.get(type(node), {})
    for one in dataclasses.fields(node):
        value = getattr(node, one.name)
        limit = limits.get(one.name)
        if limit and isinstance(value, str) and len(value) > limit:
            path = f"{node.path}.{one.name.rstrip('_')}".strip(".")
            yield Problem(node.line, path, f"共 {len(value)} 字，最多 {limit} 字，请缩短。")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, Node):
                yield from length_problems(child)
