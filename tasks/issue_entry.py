"""Issues typed in and corrected by people: new rows, edits with both values when two people edit, links to parcels."""

from datetime import date
from typing import Any

from django.db import transaction

from farmland.accounts.models import User, record
from farmland.lib.numbers import plain
from tasks.acceptance import Refused
from tasks.issue_links import link_parcels
from tasks.issues import Moved, Stale, add_event, locked, locked_year
from tasks.models import Issue, TownYear
from tasks.rulebook import Rulebook, rulebook
from tasks.services import request_recompute

OWN_LEDGER = ("added", "日常新增问题台账")
CELLS = ("use", "key_project", "restorable", "homestead", "note")  # facts kept among the raw cells
YES_NO = {"yes": "是", "no": "否", True: "是"}


def described(issue: Issue, book: Rulebook) -> dict[str, str]:
    """Everything a person may correct, in words."""
    cells = issue.cells
    return {
        "图斑编号": "、".join(issue.codes),
        "项目名称": issue.project,
        "坐落": issue.location,
        "责任单位": issue.division.name,
        "图斑面积": _area(issue.area_mu),
        "耕地": _area(issue.cultivated_mu),
        "永久基本农田": _area(issue.pbf_mu),
        "问题来源": book.label("source", issue.source) or cells.get("source", ""),
        "问题类型": book.label("problem_kind", issue.problem_kind) or cells.get("problem_kind", ""),
        "整改方式": book.label("measure", issue.measure) or issue.measure_stated,
        "整改时限": issue.due_on.isoformat() if issue.due_on else "",
        "地面现状": book.label("ground_state", cells.get("use", "")),
        "重点工程": YES_NO.get(cells.get("key_project"), ""),
        "能否恢复": YES_NO.get(cells.get("restorable"), ""),
        "宅基地": YES_NO.get(cells.get("homestead"), ""),
        "备注": cells.get("note", ""),
        "不在整治范围": "是" if issue.is_excluded else "",
    }


def _area(value) -> str:
    return "" if value is None else f"{plain(value)} 亩"


def lay(issue: Issue, values: dict[str, Any]) -> None:
    """``values`` onto the row: names of fields, of ``CELLS``, and ``cells`` with raw cells; the caller saves."""
    cells = {**issue.cells, **values.get("cells", {})}
    for name, value in values.items():
        if name in CELLS:
            cells.pop(name, None)
            cells |= {name: value} if value else {}
        elif name == "division":
            issue.division = issue.responsible_division = value
        elif name != "cells":
            setattr(issue, name, value)
    issue.cells = cells


@transaction.atomic
def create(
    town_year: TownYear, values: dict[str, Any], *, by: User, on: date, reason: str = "",
    ledger: tuple[str, str] = OWN_LEDGER,
) -> Moved:  # fmt: skip
    """A new row at the end of a ledger, advised by the rules. ``values`` names ``kind`` and ``division`` at least."""
    year = locked_year(town_year.town, town_year.year)
    same = Issue.objects.filter(town=year.town, year=year.year, ledger=ledger[0])
    serials = [int(text) for text in same.values_list("serial", flat=True) if text.isascii() and text.isdigit()]
    issue = Issue(
        town=year.town, year=year.year, ledger=ledger[0], ledger_title=ledger[1], order=10_000 + len(serials),
        serial=str(max(serials, default=0) + 1), is_demo=by.is_demo,
    )  # fmt: skip
    lay(issue, values | {"cells": {"entered": True}})
    return _keep(issue, "opened", rulebook(year.town, year.year), by=by, on=on, reason=reason, facts={}, counts=True)


@transaction.atomic
def edit(
    issue: Issue, values: dict[str, Any], *, by: User, on: date, reason: str = "", version: int | None = None
) -> Moved | None:
    """Correct a row; None when nothing differs. The second of two editors is told both values."""
    _, issue = locked(issue)
    book = rulebook(issue.town, issue.year)
    if issue.state == "closed":
        raise Refused("已销号的问题不能修改。确需修改，请先重新打开。", code="conflict")
    before, was_out = described(issue, book), issue.is_excluded
    lay(issue, values)
    after = described(issue, book)
    facts = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if version is not None and version != issue.version:
        last = issue.events.select_related("by").last()
        pairs = [(name, *pair) for name, pair in facts.items()] or [("内容", "与您填的相同", "相同")]
        raise Stale(str(last.by) if last and last.by else "别人", pairs)
    if not facts:
        return None
    if was_out != issue.is_excluded and not reason.strip():
        raise Refused("移出或移回整治范围须写明理由。", field="reason")
    issue.version += 1
    counts = was_out != issue.is_excluded or "责任单位" in facts
    return _keep(issue, "changed", book, by=by, on=on, reason=reason, facts=facts, counts=counts)


def _keep(issue: Issue, action: str, book: Rulebook, *, by: User, on: date, reason: str, facts: dict, counts: bool):
    before = "" if action == "opened" else issue.state
    book.advise(issue)
    issue.save()
    link_parcels([issue], issue.town)
    event = add_event(issue, action, before=before, on=on, by=by, reason=reason.strip(), facts=facts)
    said = {name: pair[0] for name, pair in facts.items()}, {name: pair[1] for name, pair in facts.items()}
    after = said[1] or {name: text for name, text in described(issue, book).items() if text}
    record(
        f"问题{event.get_action_display()}", str(issue), user=by, town=issue.town, before=said[0] or None, after=after,
        reason=reason, about=issue.pk,
    )  # fmt: skip
    return Moved(issue, event, request_recompute(issue.town, issue.year, by) if counts else None)
