"""The sheet of a batch for signature (验收表); its figures are the page's."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from farmland.lib.numbers import fixed, plain
from farmland.lib.paper import DEMO, Column, Paper
from parcels.models import Inspection, InspectionItem
from tasks.inspections.guide import Guide
from tasks.inspections.results import in_order

ZERO = Decimal(0)
WIDTHS = {"序号": 5, "图斑编号": 22, "实测": 30, "原因": 28, "结论": 10, "抽中": 6, "村": 10, "组": 7}


@dataclass(frozen=True)
class Totals:
    """What page and sheet say below the rows; areas in 亩."""

    count: int
    drawn: int
    declared: Decimal
    accepted: Decimal
    verdicts: dict[str, int]  # "" for rows without a result

    @classmethod
    def of(cls, rows: list[tuple[str, bool, Decimal, Decimal | None]]) -> "Totals":
        """``rows``: (verdict, is drawn, declared, accepted) of every item."""
        verdicts: dict[str, int] = {}
        for verdict, *_ in rows:
            verdicts[verdict] = verdicts.get(verdict, 0) + 1
        return cls(
            len(rows),
            sum(1 for _, drawn, *_ in rows if drawn),
            sum((declared for _, _, declared, _ in rows), ZERO),
            sum((accepted or ZERO for *_, accepted in rows), ZERO),
            verdicts,
        )

    @property
    def text(self) -> str:
        told = [f"共 {self.count} 项，送验 {fixed(self.declared)} 亩，认定 {fixed(self.accepted)} 亩"]
        names = [*InspectionItem.VERDICTS, ("", "未填")]
        told += [f"{name} {self.verdicts[code]} 项" for code, name in names if self.verdicts.get(code)]
        return "，".join(told) + "。"


def sheet_of(batch: Inspection, guide: Guide, label: Callable[[str, str], str]) -> Paper:
    items = list(in_order(batch).select_related("work__division", "work__parcel", "inspection"))
    verdicts = dict(InspectionItem.VERDICTS)
    with_measures = any(one.measured for one in items)
    headings = [
        "序号",
        "村",
        "组",
        "图斑编号",
        "图斑面积（亩）",
        "现有认定（亩）" if batch.is_recheck else "送验面积（亩）",
    ]
    headings += ["抽中"] * (batch.sample_percent is not None) + ["实测"] * with_measures
    headings += ["结论", "复核后认定（亩）" if batch.is_recheck else "认定面积（亩）", "原因"]
    rows = []
    for number, one in enumerate(items, 1):
        parcel = one.work.parcel
        row = [
            number,
            str(one.work.division),
            parcel.group if parcel else "",
            "、".join(parcel.codes) if parcel else "",
        ]
        row += [parcel.gross_mu if parcel else None, one.declared_mu]
        row += ["是" if one.is_drawn else ""] * (batch.sample_percent is not None) + [guide.told(one)] * with_measures
        rows.append([*row, verdicts.get(one.verdict, ""), one.accepted_mu, one.reason])
    what = "抽查复核表" if batch.is_recheck else "验收表"
    level = label("level", batch.level)
    totals = Totals.of([(one.verdict, one.is_drawn, one.declared_mu, one.accepted_mu) for one in items])
    return Paper(
        name="验收表",
        title=f"{batch.town}{batch.year}年{batch.kind}{level}{what}",
        facts=_facts(batch, level),
        columns=[Column(one, WIDTHS.get(one, 15), _kind(one)) for one in headings],
        rows=rows,
        totals=[_total(one, totals) for one in headings],
        notes=[totals.text],
        posts=[one["post"] for one in batch.members],
        below=[f"抄送：{'、'.join(batch.copies_to)}"] if batch.copies_to else [],
        mark=f"{DEMO}，不作为验收依据" if batch.is_demo else "",
    )


def _kind(heading: str) -> str:
    return "whole" if heading == "序号" else "area" if "（亩）" in heading else "text"


def _total(heading: str, totals: Totals) -> str | Decimal | None:
    if heading.startswith(("送验", "现有")):
        return totals.declared
    if heading.startswith(("认定", "复核后")):
        return totals.accepted
    return {"序号": "合计", "图斑编号": f"{totals.count} 项"}.get(heading)


def _facts(batch: Inspection, level: str) -> list[tuple[str, str]]:
    facts = [
        ("批次", f"{batch.year} 年第 {batch.number} 批"),
        ("任务", str(batch.kind)),
        ("层级", level),
        ("范围", str(batch.division)),
        ("验收日期", batch.on.isoformat() if batch.on else ""),
        ("状态", batch.get_state_display()),
    ]
    if batch.sample_percent is not None:
        how = "按风险加权" if batch.by_risk else "随机"
        facts.append(("抽样", f"{plain(batch.sample_percent)}%，{how}，种子 {batch.seed}"))
    if batch.note:
        facts.append(("说明", batch.note))
    return facts


def file_name(batch: Inspection, suffix: str) -> str:
    return f"{batch.town}{batch.year}年第{batch.number}批验收表.{suffix}"
