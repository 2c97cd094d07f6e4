"""An entitlement's explanation in the order in which a village head reads it: the sum, the rule, the area, the tests.

Reads what ``subsidies.rules.engine`` wrote (numbers as plain decimal text); what is missing is left out, never
guessed.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from farmland.lib.numbers import MINUS, fixed, plain
from subsidies.models import Entitlement

HOLDS = {"yes": "符合", "no": "不符合", "unknown": "查不清"}
OCCURS = {"yes": "有", "no": "没有", "unknown": "查不清"}
TROUBLES = {"yes": "有问题", "no": "没有问题", "unknown": "查不清"}
WORDS = {"unless": ("no", OCCURS), "guard": ("no", TROUBLES)}  # the good answer, and the words
GROUPS = {"where": "适用条件", "when": "兑现条件", "unless": "排除条件", "guard": "核查"}
ROUNDING = {
    "half_up": "四舍五入", "half_even": "四舍六入五成双", "down": "舍去尾数", "up": "进位", "floor": "舍去尾数",
    "ceiling": "进位",
}  # fmt: skip


def money(text) -> str:
    return f"{fixed(Decimal(text))} 元"


def sentence(one: Entitlement) -> str:
    """12.4 亩 × 500 元/亩 = 6,200.00 元; held and ineligible rows say why."""
    if one.adjusts_id:
        return f"调整 {fixed(one.amount)} 元：{one.reason}"
    if one.state in (Entitlement.HELD, Entitlement.INELIGIBLE):
        return f"{one.get_state_display()}：{one.reason}"
    told = one.explanation
    texts = [line["text"] for line in told.get("lines", []) if line.get("text")]
    if not texts:
        return money(one.amount)
    sum_text = " + ".join(texts)
    for less in told.get("less", []):
        sum_text += f" {MINUS} {money(less['amount'])}（{less['rate']}已补）"
    if at_most := told.get("at_most"):
        sum_text += f"，最多 {money(at_most['value'])}"
    return f"{sum_text} = {money(one.amount)}"


def tests(one: Entitlement) -> list[dict[str, Any]]:
    """Each condition tested, with its result in words and whether that is well; a named person's ruling beside it."""
    found = []
    for test in one.explanation.get("tests", []):
        group, result = test.get("group", "where"), test.get("result", "unknown")
        ruled = test.get("ruled")
        if ruled:
            result = "yes" if ruled.get("holds") else "no"
        good, words = WORDS.get(group, ("yes", HOLDS))
        state = "no_data" if result == "unknown" else "met" if result == good else "at_risk"
        found.append(test | {"group": GROUPS.get(group, group), "word": words[result], "state": state, "ruled": ruled})
    return found


def gathered(rows: list[dict], names: Mapping[str, str]) -> list[dict]:
    """``tests`` of an amount for many parcels: once where all is well, and by name each parcel of which it is not.

    ``names``: subject of a test → words for its land.
    """
    by_condition: dict[tuple, list[dict]] = defaultdict(list)
    for test in rows:
        by_condition[test["group"], test.get("key", test["text"])].append(test)
    found = []
    for same in by_condition.values():
        if len(same) == 1:
            found += same
            continue
        well = [test for test in same if test["state"] == "met" and not test["ruled"]]
        others = [test for test in same if test not in well]
        found += [_once(well, is_all=not others)] if well else []
        found += [
            test | {"found": f"{names.get(test['subject'], '')}：{test['found']}".lstrip("：")} for test in others
        ]
    return found


def _once(tests: list[dict], *, is_all: bool) -> dict:
    texts = {test["found"] for test in tests}
    told = texts.pop() if len(texts) == 1 else "逐块核过"
    return tests[0] | {"found": f"{told}（{'' if is_all else '其余 '}{len(tests)} 块）"}


def rounding(one: Entitlement) -> str:
    """尾数怎么取的; "" where nothing had to be rounded."""
    told = one.explanation.get("rounding") or {}
    exact = one.explanation.get("exact")
    if not told:
        return ""
    how = ROUNDING.get(told.get("mode"), told.get("mode", ""))
    places = {2: "分", 1: "角", 0: "元"}.get(int(told.get("places", 2)), f"{told.get('places')} 位小数")
    text = f"{how}到{places}"
    rounded = told.get("rounded")
    return f"{text}：{exact} 元 → {rounded} 元" if exact and Fraction(exact) != Fraction(rounded) else text


def base(one: Entitlement) -> dict | None:
    """The area the rate is counted on, and the ceiling that made it smaller."""
    told = one.explanation.get("base")
    if not told:
        return {"label": "计算面积", "used": plain(one.base_mu)} if one.base_mu is not None else None
    cap = told.get("cap")
    is_cut = bool(cap) and told.get("value") is not None and told.get("used") != told.get("value")
    return told | {"is_cut": is_cut}


def missing(one: Entitlement) -> list[dict[str, Any]]:
    """What a held row waits for: the tests nobody could answer and no person has ruled on."""
    if one.state != Entitlement.HELD:
        return []
    return [test for test in one.explanation.get("tests", []) if test.get("result") == "unknown" and not test["ruled"]]


def works_of(one: Entitlement) -> list[str]:
    told = [str(pk) for pk in one.explanation.get("works", [])]
    return told or ([str(one.work_id)] if one.work_id else [])
