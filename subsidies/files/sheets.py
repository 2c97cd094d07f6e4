"""The four papers of a batch. Whole account numbers come from ``payees.reveal_for`` only; a wall never sees any."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import timezone

from farmland.lib.amount_in_words import amount_in_words
from farmland.lib.numbers import fixed
from farmland.lib.paper import DEMO, Column, Paper
from subsidies.entitlements import explaining
from subsidies.files.rows import ZERO, Owed, Village, area_of, lines_of, payee_of, total_of, villages_of
from subsidies.models import Batch, BatchLine, Entitlement, Publicity
from subsidies.paying import accounts, publicity
from subsidies.paying.hands import HANDS

BLANK = "　　　　年　　月　　日"
ENTERED = "系统经办（登记时间）："
PUBLIC = {"coop", "company"}  # shown by name on a wall
COMMON = {"village", "group", "town"}  # shown by what they are: such an account may be in a person's name
SHORTEST = 5  # letters of an organisation's name; a shorter one is a person's, whatever its kind says


@dataclass
class Figures:
    """A batch read once for all its papers. ``label(dictionary, code)`` gives the word for a code."""

    batch: Batch
    label: Callable[[str, str], str]
    lines: list[BatchLine] = field(init=False)

    def __post_init__(self):
        self.lines = list(lines_of(self.batch))

    @property
    def total(self) -> Decimal:
        return total_of(self.lines)

    @property
    def villages(self) -> list[Village]:
        return villages_of(self.lines)

    @property
    def owed(self) -> list[Owed]:
        return [one for village in self.villages for one in village.owed]

    @property
    def in_words(self) -> str:
        return f"合计 {fixed(self.total)} 元，大写：{amount_in_words(self.total)}。"

    def head(self, what: str) -> str:
        return f"{self.batch.town}{self.batch.program}{what}"

    def facts(self) -> list[tuple[str, str]]:
        batch = self.batch
        told = [("批次", batch.number), ("轮次", batch.round.label), ("状态", batch.get_state_display())]
        return [*told, ("文件", batch.program.document)] if batch.program.document else told

    def mark(self, what: str = "") -> str:
        """Of the demo; ``what`` a batch that is not approved is no ground for."""
        marks = [DEMO] if self.batch.is_demo else []
        if self.batch.state == "voided":
            marks.append("批次已作废")
        elif what and self.batch.state not in Batch.FROZEN:
            marks.append(f"批次未批准，不作{what}")
        return "；".join(marks)

    def hands(self) -> str:
        """Who did what in the system."""
        told = []
        for name, word in HANDS:
            at = getattr(self.batch, f"{name}_at")
            if at:
                told.append(f"{word} {getattr(self.batch, f'{name}_by')}（{timezone.localtime(at):%Y-%m-%d}）")
        return f"{ENTERED}{'，'.join(told)}。" if told else ""


def payment(figures: Figures, numbers: Mapping | None = None) -> list[Paper]:
    """支付明细表. ``numbers``: payee id → whole account; others show four figures."""
    numbers = numbers or {}
    rows = []
    for number, line in enumerate(figures.lines, 1):
        payee = payee_of(line)
        account = numbers.get(payee.pk) if payee else None
        last = line.attempts[-1] if line.attempts else None
        note = last.reference or f"退回：{last.reason}" * (last.result == "failed") if last else ""
        rows.append([
            number, str(line.division), payee.name if payee else "（未指定）",
            figures.label("payee_kind", line.payee_kind), payee.bank if payee else "",
            account or accounts.masked(payee), _what_for(line.entitlement), line.amount, note,
        ])  # fmt: skip
    columns = [
        Column("序号", 7, "whole"), Column("村", 11), Column("户名", 22), Column("收款人", 10), Column("开户行", 16),
        Column("账号", 23), Column("事由", 36), Column("金额（元）", 17, "money"), Column("凭证号", 14),
    ]  # fmt: skip
    return [
        Paper(
            title=figures.head("支付明细表"), name="支付明细", columns=columns, rows=rows, facts=figures.facts(),
            totals=["合计", f"{len(rows)} 笔", *[""] * 5, figures.total, ""],
            notes=[one for one in (figures.in_words, figures.hands()) if one],
            posts=["编制", "审核", "批准", "支付"], mark=figures.mark("支付依据"),
        )
    ]  # fmt: skip


def statement(figures: Figures) -> list[Paper]:
    """分村明细: the villages in a table, then each on a sheet of its own."""
    return [summary(figures), *(_of_village(figures, one) for one in figures.villages)]


def summary(figures: Figures, title: str = "分村汇总表", *, is_tall: bool = False) -> Paper:
    villages = figures.villages
    rows = [
        [number, str(one.division), len(one.owed), one.area, one.amount] for number, one in enumerate(villages, 1)
    ]  # fmt: skip
    columns = [
        Column("序号", 8, "whole"), Column("村", 24), Column("笔数", 10, "whole"), Column("面积（亩）", 18, "area"),
        Column("金额（元）", 20, "money"),
    ]  # fmt: skip
    whole = area_of(figures.owed)
    return Paper(
        title=figures.head(title), name="分村汇总", columns=columns, rows=rows, facts=figures.facts(),
        totals=["合计", f"{len(rows)} 个村", len(figures.owed), whole, figures.total],
        notes=[figures.in_words, *_twice(whole)], mark=figures.mark("支付依据"), is_tall=is_tall,
    )  # fmt: skip


def _of_village(figures: Figures, village: Village) -> Paper:
    rows = []
    for number, owed in enumerate(village.owed, 1):
        one = owed.entitlement
        who = "\n".join(_account(line) + (f" {fixed(line.amount)}" if owed.lines[1:] else "") for line in owed.lines)
        rows.append([
            number, _group(one), _codes(one), str(one.rate_version.rate), one.base_mu, explaining.sentence(one),
            owed.amount, who,
        ])  # fmt: skip
    columns = [
        Column("序号", 7, "whole"), Column("组", 9), Column("图斑编号", 26), Column("补助标准", 18),
        Column("面积（亩）", 13, "area"), Column("怎么算的", 38), Column("金额（元）", 17, "money"),
        Column("收款账户", 30),
    ]  # fmt: skip
    words = f"合计 {fixed(village.amount)} 元，大写：{amount_in_words(village.amount)}。"
    return Paper(
        title=f"{village.division}{figures.batch.program}明细表", name=str(village.division), columns=columns,
        rows=rows, facts=figures.facts(),
        totals=["合计", "", f"{len(rows)} 笔", "", village.area, "", village.amount, ""],
        notes=[words, *_twice(village.area)], posts=["村负责人", "经办"], mark=figures.mark("支付依据"),
    )  # fmt: skip


def notice(figures: Figures) -> list[Paper]:
    """公示表: no account, no number of any person, no reason anybody typed; persons by surname only."""
    rows = []
    for number, owed in enumerate(figures.owed, 1):
        one = owed.entitlement
        who = "、".join(dict.fromkeys(_public(figures, line) for line in owed.lines))
        rows.append([
            number, str(one.division), _group(one), _codes(one), who, one.base_mu, str(one.rate_version.rate),
            price_of(one), owed.amount,
        ])  # fmt: skip
    columns = [
        Column("序号", 7, "whole"), Column("村", 11), Column("组", 9), Column("图斑编号", 26),
        Column("补助对象", 18), Column("面积（亩）", 13, "area"), Column("补助项目", 22), Column("标准", 18),
        Column("金额（元）", 17, "money"),
    ]  # fmt: skip
    whole = area_of(figures.owed)
    return [
        Paper(
            title=figures.head("公示表"), name="公示", columns=columns, rows=rows, facts=_notice_facts(figures),
            totals=["合计", "", "", f"{len(rows)} 笔", "", whole, "", "", figures.total],
            notes=[figures.in_words, *_twice(whole), "对以上内容有异议的，请在公示期内向下列单位反映。"],
            below=[
                f"受理单位：{figures.batch.town}　　　　　　监督电话：________________",
                f"{figures.batch.town}（盖章）{BLANK}",
            ],
            mark=figures.mark(),
        )
    ]  # fmt: skip


def application(figures: Figures) -> list[Paper]:
    """资金拨付申请表, with the sums by village behind it."""
    batch, program = figures.batch, figures.batch.program
    villages = figures.villages
    ground = "，".join(one for one in (program.document, program.clause) if one)
    rows = [
        ["申请单位", str(batch.town)],
        ["补助政策", f"{program}{f'（{ground}）' if ground else ''}"],
        ["批次", f"{batch.number}（轮次 {batch.round.label}），{batch.get_state_display()}"],
        ["申请金额", f"{fixed(figures.total)} 元\n大写：{amount_in_words(figures.total)}"],
        ["资金来源", "\n".join(_sources(figures))],
        ["补助范围", f"{len(villages)} 个村，{len(figures.owed)} 笔，详见分村汇总表"],
        ["公示情况", _posted(publicity.in_force(batch))],
        ["附件", _papers(batch)],
        ["系统经办\n（登记时间）", figures.hands().removeprefix(ENTERED) or "—"],
    ]
    posts = program.approvals or ["经办单位", "审核", "批准", "财政"]
    rows += [[f"{post}\n意见", f"\n\n\n\n签字（盖章）：　　　　　　　　　　{BLANK}"] for post in posts]
    form = Paper(
        title=figures.head("资金拨付申请表"), name="申请表", columns=[Column("项目", 18), Column("内容", 72)],
        rows=rows,
        below=[f"批次校验值：{batch.digest}"] if batch.digest else [], mark=figures.mark(), is_form=True, is_tall=True,
    )  # fmt: skip
    return [form, summary(figures, "拨付分村汇总表", is_tall=True)]


def price_of(one: Entitlement) -> str:
    """What a 亩 brings, as the rule had it; an adjustment's own words stay inside."""
    if one.adjusts_id:
        return "调整"
    told = [
        f"{line['price']} 元/亩" if line.get("price") else f"一次性 {line['lump']} 元"
        for line in one.explanation.get("lines", [])
        if line.get("price") or line.get("lump")
    ]
    return "；".join(dict.fromkeys(told))


def _public(figures: Figures, line: BatchLine) -> str:
    name, kind = line.payee.name if line.payee else "", line.payee_kind
    label = figures.label("payee_kind", kind)
    if kind in COMMON or (kind in PUBLIC and not name):
        return label
    if kind in PUBLIC and len(name) >= SHORTEST:
        return name
    return f"{name[0]}**" if name else "某村民"


def _what_for(one: Entitlement) -> str:
    told = [str(one.rate_version.rate), _codes(one), "调整" if one.adjusts_id else ""]
    return " ".join(text for text in told if text)


def _codes(one: Entitlement) -> str:
    parcel = one.work.parcel if one.work_id else None
    return "、".join(parcel.codes) if parcel else "" if one.work_id else "全村"


def _group(one: Entitlement) -> str:
    return one.work.parcel.group if one.work_id and one.work.parcel_id else ""


def _account(line: BatchLine) -> str:
    payee = payee_of(line)
    return f"{payee.name} {accounts.masked(payee)}" if payee else "（未指定）"


def _twice(area: Decimal | None) -> list[str]:
    return ["同一地块有几项补助的，面积不重复相加，合计不写。"] if area is None else []


def _notice_facts(figures: Figures) -> list[tuple[str, str]]:
    standing = publicity.in_force(figures.batch)
    told = [one for one in figures.facts() if one[0] != "状态"]
    if standing is None:
        return [*told, ("公示期", f"{BLANK}至{BLANK}")]
    days = "工作日" if standing.counting == "working" else "天"
    when = f"{standing.starts_on:%Y-%m-%d} 至 {standing.ends_on:%Y-%m-%d}（{standing.required_days} {days}，首尾都算）"
    return [*told, ("公示期", when), ("地点", standing.place)]


def _posted(standing: Publicity | None) -> str:
    if standing is None:
        return "尚未公示"
    count = standing.objections.count()
    told = f"{standing.starts_on:%Y-%m-%d} 至 {standing.ends_on:%Y-%m-%d}，{standing.place}，第 {standing.number} 次"
    return f"{told}；{f'异议 {count} 条' if count else '没有登记异议'}"


def _papers(batch: Batch) -> str:
    names: Iterable[str] = dict.fromkeys(batch.papers.order_by("at").values_list("name", flat=True))
    return "\n".join(f"{number}. {name}" for number, name in enumerate(names, 1)) or "无"


def _sources(figures: Figures) -> list[str]:
    sums: dict[str, Decimal] = {}
    for owed in figures.owed:
        for one in owed.entitlement.sources or [{"source": "", "amount": owed.amount}]:
            sums[one["source"]] = sums.get(one["source"], ZERO) + Decimal(one["amount"])
    return [
        f"{figures.label('fund_source', code) if code else '未分来源'} {fixed(amount)} 元"
        for code, amount in sums.items()
    ]


SHEETS = {"payment": payment, "statement": statement, "publicity": notice, "application": application}
NAMES = {"payment": "支付明细表", "statement": "分村明细表", "publicity": "公示表", "application": "资金拨付申请表"}
