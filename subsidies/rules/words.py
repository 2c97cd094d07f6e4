"""Facts, values and conditions of rates in words a village head can read. Pure: labels are handed in."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from farmland.lib.conditions import Condition, Partly
from farmland.lib.numbers import plain
from tasks.plan.facts import RATE_FACTS

DICTIONARY = {  # facts whose values are codes of a dictionary
    "treatment": "treatment", "measure": "measure", "crop": "crop", "season": "season", "land_class": "land_class",
    "payee_kind": "payee_kind", "kind": "kind",
}  # fmt: skip
FINDINGS = {"not_abandoned": "未撂荒", "": "还没有核查"}
OPERATORS = {
    "=": "为", "!=": "不是", "<": "小于", "<=": "不超过", ">": "大于", ">=": "不少于", "in": "属于",
    "not_in": "不属于", "has": "包含", "contains": "含有",
}  # fmt: skip
MOST_PLACES = 20
SHORT = {"base": "计算面积"}
NOT_IMPORTED = {
    "on_list": "这份清单还没有导入（或这块地没有落图），请导入，或由经办人认定",
    "paid_by": "兑付清单还没有导入（或这块地没有落图），请导入，或由经办人认定",
}
REMEDIES = {
    "treatment": "请在图斑的治理中填写处置类别（未落图的在“补充资料”里填）",
    "net_mu": "请在图斑上填写净面积（未落图的在“补充资料”里填）",
    "still_planted_mu": "请村里申报、镇里核实当年的种植面积",
    "verified_mu": "请镇里核实申报面积",
    "share": "方案没有分解到本村的任务数，请核对",
    "met": "方案没有分解到本村的任务数，请核对",
    "met_on_time": "方案没有写任务或时限，请核对",
    "allotted": "请先登记本轮下达的资金",
    "land_class": "请在图斑上填写地类（未落图的在“补充资料”里填）",
    "finding": "请先核查图斑",
}


class Words:
    """``labels``: dictionary → code → label; ``lists``: name of a list or policy → title; ``extra``: more facts."""

    def __init__(
        self,
        labels: Mapping[str, Mapping[str, str]] | None = None,
        lists: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ):
        self.labels, self.lists, self.extra = labels or {}, lists or {}, extra or {}

    def fact(self, name: str) -> str:
        name = name.removeprefix("$")
        if name in SHORT:
            return SHORT[name]
        return RATE_FACTS.get(name) or self.extra.get(name) or self.labels.get("attribute", {}).get(name, name)

    def value(self, fact: str, value: Any) -> str:
        if value is None:
            return "不知道"
        if isinstance(value, bool):
            return "是" if value else "否"
        if isinstance(value, Decimal | Fraction):
            return number_text(value)
        if isinstance(value, Partly):
            return self.names(sorted(value.members)) or "无"
        if isinstance(value, list | tuple | set | frozenset):
            return "、".join(self.value(fact, one) for one in value) or "无"
        return self._text(fact, str(value))

    def _text(self, fact: str, text: str) -> str:
        if text.startswith("$"):
            return self.fact(text)
        if text in ("yes", "no"):
            return "是" if text == "yes" else "否"
        if fact in ("on_list", "paid_by"):
            return self.lists.get(text, text)
        if fact == "finding":
            return FINDINGS.get(text) or self.labels.get("finding", {}).get(text, text)
        return self.labels.get(DICTIONARY.get(fact, ""), {}).get(text, text)

    def names(self, keys: Iterable[str]) -> str:
        return "、".join(f"“{self.lists.get(key, key)}”" for key in keys)

    def condition(self, one: Condition) -> str:
        """“核查结论不是“未撂荒””."""
        value = self.value(one.fact, one.value)
        if one.fact == "on_list":
            return f"列入“{value}”"
        if one.fact == "paid_by":
            return f"已享受“{value}”"
        if one.value in ("yes", "no"):
            return f"{self.fact(one.fact)}：{value}"
        quoted = value if isinstance(one.value, str) and one.value.startswith("$") else f"“{value}”"
        return f"{self.fact(one.fact)}{OPERATORS[one.op]}{quoted}"

    def unknown(self, fact: str) -> str:
        """What is missing, and how to supply it."""
        if fact in NOT_IMPORTED:
            return NOT_IMPORTED[fact]
        remedy = REMEDIES.get(fact, "")
        if not remedy and fact.endswith("_net_mu"):
            remedy = REMEDIES["net_mu"]
        return f"{self.fact(fact)}不知道，{remedy or '请在“补充资料”里填写'}"


def number_text(value: Decimal | Fraction | int) -> str:
    """A number in plain text; a fraction that has no end stays a fraction."""
    if isinstance(value, Decimal):
        return plain(value)
    value, places = Fraction(value), 0
    while value.denominator != 1 and places < MOST_PLACES:
        value, places = value * 10, places + 1
    if value.denominator != 1:
        value /= 10**places
        return f"{value.numerator}/{value.denominator}"
    sign = 1 if value < 0 else 0
    return plain(Decimal((sign, tuple(map(int, str(abs(value.numerator)))), -places)))


def inner(text: str) -> str:
    """A text that will stand in quotation marks: those inside it are the single ones."""
    return text.translate({ord("“"): "‘", ord("”"): "’"})


def canonical(group: str, one: Condition) -> str:
    """The name a ruling knows a condition by."""
    value = ",".join(map(str, one.value)) if isinstance(one.value, list) else str(one.value)
    return f"{group}:{one.fact} {one.op} {value}"[:200]
