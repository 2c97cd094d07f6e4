"""Made-up plans of a few lines, for one rule each."""

from functools import cache
from pathlib import Path
from textwrap import dedent

from farmland.lib.documents import read
from tasks.check import run
from tasks.plan.dictionary import load_dictionary
from tasks.plan.document import PlanDoc

ROOT = Path(__file__).parents[2]
HEAD = """
format: "1"
town: {slug: qingxi, name: 清溪镇, kind: town, code: "530199005000"}
year: 2025
title: 清溪镇2025年耕地保护方案
issued_on: 2025-03-10
"""
TREE = """
divisions:
  - {name: 柳村, kind: village, aliases: [柳树村], divisions: [{name: 一组, kind: group}]}
  - {name: 松村, kind: village}
"""


@cache
def dictionary():
    return load_dictionary(ROOT / "plans" / "dictionary.yaml")


def plan(text: str, head: str = HEAD) -> PlanDoc:
    return read(head + dedent(text), PlanDoc)


def remarks(rule: str, text: str, head: str = HEAD) -> list:
    """What one rule says of a plan."""
    return [remark for remark in run(plan(text, head), dictionary()) if remark.rule == rule]


def ledger(*rows: str, more: str = "") -> str:
    """A plan of two villages with one ledger, 附件2; each row is written without its serial."""
    listed = ", ".join(f"{{serial: '{serial}', {row}}}" for serial, row in enumerate(rows, 1))
    head = f"key: a, title: 台账, clause: 附件2, kind: illegal_use, unit: mu{more}"
    return f"{TREE}\nledgers: [{{{head}, rows: [{listed}]}}]"
