"""The sheet of a batch for signature (验收表); its figures are the page's."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from farmland.lib.numbers import fixed, plain
from farmland.lib.paper import DEMO, Column, Paper
from parcels.models import Inspection, InspectionItem
from tasks.inspections.guide import YES_NO, Guide
from tasks.inspections.results import in_order

ZERO = Decimal(0)
SHEET = "验收表"  # name of the sheet in the workbook
WIDTHS = {"序号": 6.5, "图斑编号": 22, "实测": 30, "原因": 28, "结论": 11.5, "抽中": 6, "村": 10, "组": 7}


@dataclass(frozen=True)
class Totals:
    """What page and sheet say of all rows; areas in 亩. ``accepted`` is None while no row has a result."""

    count: int
    drawn: int
    declared: Decimal
    looked: Decimal  # declared of the rows with a result
    accepted: Decimal | None
    verdicts: dict[str, int]  # "" for rows without a result
    is_recheck: bool = False

    @classmethod
    def of(cls, rows: list[tuple[str, bool, Decimal, Decimal | None]], *, is_recheck: bool = False) -> "Totals":
        """``rows``: (verdict, is drawn, declared, accepted) of every item."""
        verdicts: dict[str, int] = {}
        for verdict, *_ in rows:
            verdicts[verdict] = verdicts.get(verdict, 0) + 1
        seen = [(declared, accepted or ZERO) for verdict, _, declared, accepted in rows if verdict]
        return cls(
            len(rows),
            sum(1 for _, drawn, *_ in rows if drawn),
            sum((declared for _, _, declared, _ in rows), ZERO),
            sum((declared for declared, _ in seen), ZERO),
            sum((accepted for _, accepted in seen), ZERO) if seen else None,
            verdicts,
            is_recheck,
        )

    @property
    def areas(self) -> str:
        """共 3 项，送验 7.20 亩，认定 2.22 亩; of a re-check what was looked at and what it takes back."""
        told = f"共 {self.count} 项，{'现有认定' if self.is_recheck else '送验'} {fixed(self.declared)} 亩"
        if self.accepted is None:
            return told
        if not self.is_recheck:
            return f"{told}，认定 {fixed(self.accepted)} 亩"
        count = self.count - self.verdicts.get("", 0)
        return (
            f"{told}；复核 {count} 项 {fixed(self.looked)} 亩，复核后认定 {fixed(self.accepted)} 亩，"
            f"核减 {fixed(self.looked - self.accepted)} 亩"
        )

    @property
    def results(self) -> list[str]:
        """通过 1 项, 退回 1 项 …"""
        names = [*InspectionItem.VERDICTS, ("", "未复核" if self.is_recheck else "未填")]
        return [f"{name} {self.verdicts[code]} 项" for code, name in names if self.verdicts.get(code)]

    @property
    def text(self) -> str:
        return "，".join([self.areas, *self.results]) + "。"


def declared_heading(batch: Inspection) -> str:
    return "现有认定（亩）" if batch.is_recheck else "送验面积（亩）"


def accepted_heading(batch: Inspection) -> str:
    return "复核后认定（亩）" if batch.is_recheck else "认定面积（亩）"


def sheet_of(batch: Inspection, guide: Guide, label: Callable[[str, str], str], *, to_fill: bool = False) -> Paper:
    """``to_fill``: a column for each thing to be measured, for the sheet that comes back."""
    items = list(in_order(batch).select_related("work__division", "work__parcel", "inspection"))
    verdicts = dict(InspectionItem.VERDICTS)
    measures = guide.columns(items) if to_fill else []
    with_measures = not to_fill and any(one.measured for one in items)
    headings = [
        "序号",
        "村",
        "组",
        "图斑编号",
        "图斑面积（亩）",
        declared_heading(batch),
    ]
    headings += ["抽中"] * (batch.sample_percent is not None) + ["实测"] * with_measures
    headings += [one.heading for one in measures]
    headings += ["结论", accepted_heading(batch), "原因"]
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
        row += ["是" if one.is_drawn else ""] * (batch.sample_percent is not None) + [
            guide.told(one.measured)
        ] * with_measures
        typed = guide.typed(one.measured)
        row += [YES_NO.get(typed.get(each.code, ""), typed.get(each.code, "")) for each in measures]
        rows.append([*row, verdicts.get(one.verdict, ""), one.accepted_mu, one.reason])
    what = "抽查复核表" if batch.is_recheck else "验收表"
    level = label("level", batch.level)
    facts = [(one.verdict, one.is_drawn, one.declared_mu, one.accepted_mu) for one in items]
    totals = Totals.of(facts, is_recheck=batch.is_recheck)
    return Paper(
        name=SHEET,
        title=f"{batch.town}{batch.year}年{batch.kind}{level}{what}",
        facts=_facts(batch, level),
        columns=[Column(one, WIDTHS.get(one, 15), _kind(one), _choices(one)) for one in headings],
        rows=rows,
        totals=[_totals_of(batch, totals).get(one) for one in headings],
        notes=[totals.text],
        posts=[one["post"] for one in batch.members],
        below=[f"抄送：{'、'.join(batch.copies_to)}"] if batch.copies_to else [],
        mark=f"{DEMO}，不作为验收依据" if batch.is_demo else "",
    )


def _kind(heading: str) -> str:
    return "whole" if heading == "序号" else "area" if "（亩）" in heading else "text"


def _choices(heading: str) -> tuple[str, ...]:
    return tuple(label for _, label in InspectionItem.VERDICTS) if heading == "结论" else ()


def _totals_of(batch: Inspection, totals: Totals) -> dict[str, str | Decimal | None]:
    """The cells of the total row by heading; the accepted area of a re-check is no total of the whole batch."""
    return {
        "序号": "合计",
        "图斑编号": f"{totals.count} 项",
        declared_heading(batch): totals.declared,
        accepted_heading(batch): None if batch.is_recheck else totals.accepted,
    }


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
