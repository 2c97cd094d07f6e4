"""Rates and their versions in words: what a village head reads, two versions side by side, the text a draft starts."""

import yaml

from farmland.accounts.models import User
from farmland.lib.documents import DocumentError, read
from farmland.lib.refused import Refused
from subsidies.models import Program, Rate, RateVersion
from subsidies.rates import versions
from subsidies.rules.rule import Rule, RuleError
from subsidies.rules.words import number_text
from tasks.plan.common import common_dictionary
from tasks.plan.document import RateDoc
from tasks.plan.facts import GUARDS
from tasks.plan.provisions import rate_problems
from tasks.views.common import case_of
from tasks.views.wording import Words

ROUNDING = {"half_up": "四舍五入", "down": "只舍不入", "up": "只入不舍"}
SEVERITIES = {"block": "不发", "warn": "由经办人认定", "off": "不查"}
NOTHING = "—"


def words_of(program: Program) -> Words:
    return Words(case_of(program.plan))


def told(version: RateVersion, words: Words) -> dict[str, str]:
    """A version as label → text; both sides of a comparison have the same labels."""
    doc = versions.doc_of(version)
    said = words.rate(doc)
    readings = [f"读法 {name}{'（现用）' if chosen else ''}：{lines}" for name, lines, chosen in said["readings"]]
    return {
        "金额": said["price"] or "；".join(readings) or NOTHING,
        "构成": " + ".join(said["components"]) or NOTHING,
        "按什么面积": said["base"] or NOTHING,
        "条件": "；".join([*said["where"], *(f"须{one}" for one in said["when"])]) or NOTHING,
        "不含": "；".join(said["unless"]) or NOTHING,
        "发给谁": said["payees"] or "村集体",
        "何时": said["when_paid"] or NOTHING,
        "扣减和上限": _limits(doc, words),
        "资金来源": _sources(doc, words),
        "取整": _rounding(version),
        "核查": _guards(doc),
        "出处": said["clause"],
        "说明": doc.note or NOTHING,
    }


def _limits(doc: RateDoc, words: Words) -> str:
    parts = [f"扣减已发的{'、'.join(doc.less)}"] if doc.less else []
    parts += [f"最多{words.fact(doc.at_most.removeprefix('$'))}"] if doc.at_most else []
    return "，".join(parts) or NOTHING


def _sources(doc: RateDoc, words: Words) -> str:
    found = []
    for one in doc.sources or ():
        name = words.label("fund_source", str(one.get("from") or ""))
        cap = one.get("per_mu") and f"每亩最多 {one['per_mu']} 元"
        found.append(f"{name}（{cap}）" if cap else name)
    return "、".join(found) or NOTHING


def _rounding(version: RateVersion) -> str:
    try:
        mode, places = versions.rule_of(version).rounding
    except RuleError:
        return NOTHING
    return f"{ROUNDING[mode]}到{('元', '角', '分')[places]}"


def _guards(doc: RateDoc) -> str:
    return "；".join(f"{GUARDS[name]}：{SEVERITIES[how]}" for name, how in (doc.guards or {}).items()) or "照缺省"


def compared(left: RateVersion, right: RateVersion, words: Words) -> list[tuple[str, str, str, bool]]:
    """(what, left, right, whether they differ)."""
    one, two = told(left, words), told(right, words)
    return [(label, one[label], two[label], one[label] != two[label]) for label in one]


def span(version: RateVersion) -> str:
    """自 2025-08-01 至 2025-12-31."""
    start = f"自 {version.valid_from:%Y-%m-%d}" if version.valid_from else ""
    end = f"至 {version.valid_to:%Y-%m-%d}" if version.valid_to else ""
    return " ".join(part for part in (start, end) if part) or "不限期"


def readings_of(version: RateVersion) -> list[tuple[str, str]]:
    names = sorted(version.rule.get("readings") or {})
    return [(name, f"读法 {name}") for name in names if name != version.chosen]


# a draft as text


def text_of(version: RateVersion) -> str:
    """The rule as a plan file would say it."""
    doc = versions.doc_of(version)
    shape = {name: getattr(doc, name) for name in (*versions.FIELDS, *versions.ORDERED) if getattr(doc, name)}
    shape |= {"chosen": version.chosen} if version.chosen else {}
    return yaml.safe_dump(shape, allow_unicode=True, sort_keys=False, width=110)


def read_text(text: str, rate: Rate) -> tuple[dict, str]:
    """(rule, chosen) of a text people wrote. Refused with every mistake and its line."""
    try:
        doc = read(text, RateDoc)
    except DocumentError as error:
        raise Refused(_lines(error.problems), field="text") from error
    plan = rate.program.plan.document
    program = next((one for one in plan.programs if one.key == rate.program.key), None)
    problems = rate_problems(doc, program, common_dictionary().with_plan(plan)) if program else []
    if doc.key != rate.key:
        raise Refused(f"标准的键应为 {rate.key}，现为 {doc.key}：另一项标准请写在方案里。", field="text")
    if problems:
        raise Refused(_lines(problems), field="text")
    if doc.open:
        raise Refused("没有金额的标准不能起草，请写 lines 或 readings。", field="text")
    return versions.frozen(doc, rate.program.document), doc.chosen


def _lines(problems) -> str:
    return "；".join(f"第 {one.line} 行 {one.path}：{one.message.rstrip('。')}" for one in sorted(problems)[:6]) + "。"


def may_publish(user: User, program: Program) -> bool:
    return user.can("publish_rate", program.town)


def short(rule: Rule) -> str:
    """“500 元/亩” for a table of costs; the readings and tables stay with the rate's own page."""
    price = rule.lines[0].price
    if price.amount is None or len(rule.lines) > 1:
        return "见标准"
    return f"{number_text(price.amount)} 元{'' if rule.lines[0].is_lump else '/亩'}"
