"""A plan's rows in words a clerk reads: conditions, rates, roles. Pure; unknown codes are shown as they stand."""

from collections.abc import Iterable

from tasks.check.case import Case
from tasks.plan.document import RateDoc, RuleDoc
from tasks.plan.facts import RATE_FACTS, RULE_FACTS

COMPARISONS = {"gte": "≥", "lte": "≤", "eq": "="}
ROLES = {
    "lead": "牵头", "responsible": "责任", "leader": "领导", "support": "配合", "member": "成员",
    "assess": "考核", "supervise": "监督", "fund": "资金",
}  # fmt: skip
ENTRIES = {
    "survey": "现状调查", "deduction": "扣除", "outflow": "流出", "inflow": "流入", "blocked": "不可整改",
    "at_risk": "隐患", "carry": "结转", "offset": "调剂", "correction": "更正", "accepted": "已认定",
}  # fmt: skip
PURPOSES = {
    "measure": "建议整改方式", "warning": "提醒", "scope": "整治范围", "eligibility": "资格", "standard": "标准",
    "exclusion": "排除",
}  # fmt: skip
UNITS = {"office": "办所中心", "task_force": "工作专班", "workgroup": "工作组", "bureau": "上级部门", "post": "岗位"}
SIGNS = {
    "=": "是", "!=": "不是", "in": "是", "not_in": "不是", "has": "有", "contains": "含", "<=": " ≤ ", ">=": " ≥ ",
}  # fmt: skip
MEASURED = ("%", "度", "亩")
PER = {
    "subject": "每个图斑", "division": "每个村", "payee": "每个收款人", "season": "每季", "year": "每年",
    "block": "每片", "town": "全镇", "program": "每项政策",
}  # fmt: skip
DICTIONARY_OF = {  # facts whose values are codes of a dictionary
    "state": "ground_state", "source": "source", "problem_kind": "problem_kind", "measure": "measure",
    "treatment": "treatment", "land_class": "land_class", "crop": "crop", "season": "season",
    "payee_kind": "payee_kind", "on_list": "list", "paid_by": "policy",
}  # fmt: skip
VERBS = "完达按持因第"  # facts that begin with an act: 完成任务, 达到…, 按时完成…
FINDINGS = {"not_abandoned": "未撂荒", "rectified_2023": "与2023年整治图斑重合"}


def yes_or_no(name: str, is_so: bool) -> str:
    """能否恢复 → 能恢复, 不能恢复; 占永久基本农田 → 不占永久基本农田; 完成任务 → 没有完成任务; 宅基地 → 不是宅基地."""
    if name.startswith("能否"):
        return f"{'能' if is_so else '不能'}{name[2:]}"
    if is_so:
        return name
    if name[:1] in "占在":
        return f"不{name}"
    return f"{'没有' if name[:1] in VERBS else '不是'}{name}"


class Words:
    """The words of one plan."""

    def __init__(self, case: Case):
        self._case = case
        self._dictionary = case.dictionary

    def label(self, dictionary: str, code: str) -> str:
        term = self._dictionary.term(dictionary, code) if code else None
        return term.label if term else code

    def fact(self, name: str) -> str:
        told = RATE_FACTS.get(name) or RULE_FACTS.get(name) or self._level_area(name) or self.label("attribute", name)
        return told.split("（")[0].removeprefix("是否")

    def _level_area(self, name: str) -> str:
        """province_mu → 省级认定面积, province_net_mu → 省级认定的净面积."""
        level, net = name.removesuffix("_mu").removesuffix("_net"), name.endswith("_net_mu")
        term = self._dictionary.term("level", level) if name.endswith("_mu") else None
        return f"{term.label}认定{'的净' if net else ''}面积" if term else ""

    def unit(self, name: str) -> str:
        """The unit a fact is measured in, as its description ends: 坡度（度） → 度."""
        told = RATE_FACTS.get(name) or RULE_FACTS.get(name) or ""
        unit = told.partition("（")[2].rstrip("）")
        return unit if unit in MEASURED else ""

    def conditions(self, rows: Iterable) -> list[str]:
        return [self.condition(*row) for row in rows or ()]

    def condition(self, fact: str, op: str, value) -> str:
        """[state, in, [idle, shrub_weed]] → 地面现状是撂荒或低矮灌木或杂草."""
        name = self.fact(fact)
        if value in ("yes", "no") and op in ("=", "!="):
            return yes_or_no(name, (value == "yes") == (op == "="))
        values = value if isinstance(value, list) else [value]
        told = "、".join(self._value(fact, str(one)) for one in values)
        unit = "" if str(value).startswith("$") else self.unit(fact)
        return f"{name}{SIGNS.get(op, f' {op} ')}{told}{'' if unit == '%' else ' '}{unit}".rstrip()

    def _value(self, fact: str, value: str) -> str:
        if value.startswith("$"):
            return self.fact(value[1:])
        if fact == "kind":
            return self._case.kind_name(value)
        if fact == "paid_by" and (own := next((one for one in self._case.doc.programs if one.key == value), None)):
            return own.name
        if fact in DICTIONARY_OF:
            return self.label(DICTIONARY_OF[fact], value)
        return FINDINGS.get(value, value) if fact == "finding" else value

    # rules

    def rule(self, row: RuleDoc) -> dict:
        then = row.then or {}
        needs = then.get("needs") or []
        return {
            "row": row,
            "when": self.conditions(row.when),
            "measure": self.label("measure", then["measure"]) if then.get("measure") else "",
            "warn": then.get("warn", ""),
            "refuse": then.get("refuse", ""),
            "by": then.get("by", ""),
            "due": then.get("due", ""),
            "needs": [needs] if isinstance(needs, str) else needs,
            "require": self.conditions(then.get("require")),
            "clause": self._case.clause(row.clause),
        }

    # rates

    def rate(self, row: RateDoc) -> dict:
        return {
            "row": row,
            "price": self._lines(row.lines),
            "readings": [
                (name, self._lines(lines), name == row.chosen) for name, lines in (row.readings or {}).items()
            ],
            "components": [f"{name} {value}" for name, value in (row.components or {}).items()],
            "basis": self.label("rate_basis", row.basis),
            "kinds": [self._case.kind_name(kind) for kind in row.kinds],
            "base": self._base(row),
            "where": self.conditions(one for one in row.where or () if one[0] != "kind"),
            "unless": self.conditions(row.unless),
            "when": self.conditions(row.when),
            "when_paid": self._when_paid(row),
            "payees": self._payees(row.payees),
            "clause": self._case.clause(row.clause),
        }

    def _lines(self, lines) -> str:
        return "，".join(self._line(line) for line in lines or ())

    def _line(self, line: dict) -> str:
        reach = self._reach(line)
        if "lump" in line:
            return f"{reach}一次性 {line['lump']} 元"
        if "pool" in line:
            return f"{reach}{self._edge(line['pool'])}按面积均分"
        price = line.get("price", "")
        if isinstance(price, dict):
            if "pool" in price:
                return f"{reach}{self._edge(price['pool'])}按面积均分，只舍不入"
            facts = [self.fact(name) for name in price.get("by") or ()]
            keys = [(key, value) for key, value in (price.get("table") or {}).items()]
            told = "、".join(f"{self._table_key(price.get('by'), key)} {value}" for key, value in keys)
            return f"{reach}按{'、'.join(facts)}：{told} 元/亩"
        return f"{reach}{price} 元/亩"

    def _reach(self, line: dict) -> str:
        """Which area a line is for; bounds take in the lower end, the upper one only where ``edges`` says so."""
        low, high = (self._edge(line[name]).strip() if name in line else "" for name in ("from", "to"))
        if "lump" in line:
            upper = "不超过" if str(line.get("edges", "")).endswith("]") else "不足"
            bounds = "、".join(part for part in (low and f"达到 {low}", high and f"{upper} {high}") if part)
            return f"{bounds}的，" if bounds else ""
        if low and high:
            return f"{low}以上、{high}以内的部分 "
        return f"超过{low}的部分 " if low else f"{high}以内 " if high else ""

    def _table_key(self, facts, key: str) -> str:
        return "、".join(self._value(fact, part) for fact, part in zip(facts or (), str(key).split(","), strict=False))

    def _edge(self, value) -> str:
        text = str(value)
        return self.fact(text[1:]) if text.startswith("$") else f" {text} 亩"

    def _base(self, row: RateDoc) -> str:
        base = self.fact(row.base.removeprefix("$")) if row.base else ""
        return f"{base}，不超过{self.fact(row.base_cap.removeprefix('$'))}" if row.base_cap else base

    def _when_paid(self, row: RateDoc) -> str:
        years = f"{'—'.join(row.years)} 年逐年" if row.years else ""
        due = f"每年 {row.due} 前申报" if row.due else ""
        per = "、".join(PER.get(one, one) for one in row.per)
        return "，".join(part for part in (years, due, f"{per}一笔" if per else "") if part)

    def _payees(self, payees) -> str:
        shares = [f"{self.label('payee_kind', kind)} {share}" for kind, share in (payees or {}).items()]
        only = len(shares) == 1 and shares[0].endswith(" 1")
        return shares[0].removesuffix(" 1") if only else "、".join(shares)
