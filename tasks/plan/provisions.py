"""What a plan file's decision rules and rates may say: closed facts, known terms, the one rate shape of the model."""

import re
from collections.abc import Iterable
from decimal import Decimal

from farmland.lib.conditions import Condition, ConditionError
from farmland.lib.documents import NUMBER, Node, Problem
from tasks.plan.dictionary import DictionaryDoc, circular, twice, unknown
from tasks.plan.document import PlanDoc, ProgramDoc, RateDoc, RuleDoc
from tasks.plan.facts import GUARDS, RULE_FACTS, SEVERITIES, THEN_KEYS, rate_facts

TERMS_OF = {  # facts whose values are codes of a dictionary
    "state": "ground_state",
    "source": "source",
    "problem_kind": "problem_kind",
    "measure": "measure",
    "treatment": "treatment",
    "crop": "crop",
    "season": "season",
    "land_class": "land_class",
    "payee_kind": "payee_kind",
}
YES_NO = {
    "on_pbf", "homestead", "key_project", "structure", "hardened", "in_ecological_redline", "restorable",
    "intercroppable", "met", "met_on_time", "kept", "failed_by_neglect", "second_year_planted",
}  # fmt: skip
CLAIMED = {"declared_mu", "verified_mu", "still_planted_mu"}
GRAINS = {"subject", "division", "payee", "season", "year", "block", "crop"}
ROUNDING = {"half_up", "down", "up"}
EDGES = {"[)", "[]", "(]", "()"}


def rule_problems(doc: PlanDoc, dictionary: DictionaryDoc) -> list[Problem]:
    problems = twice([(one, one.key) for one in doc.rules], "规则键")
    facts = {*RULE_FACTS, *dictionary.codes("attribute")}
    for one in doc.rules:
        problems += conditions(one, "when", one.when, facts, dictionary) + _then(one, dictionary)
        if isinstance(one.then, dict):
            problems += conditions(one, "then.require", one.then.get("require"), facts, dictionary)
    return problems


def _then(one: RuleDoc, dictionary: DictionaryDoc) -> list[Problem]:
    then = one.then or {}
    if not isinstance(then, dict):
        return [_problem(one, "then", "应为一组“键: 值”。")]
    problems = [unknown(one, "then", key, set(THEN_KEYS), "项") for key in then if key not in THEN_KEYS]
    measures = dictionary.codes("measure")
    if then.get("measure") and then["measure"] not in measures:
        problems.append(unknown(one, "then.measure", str(then["measure"]), measures, "整改方式"))
    if one.purpose == "measure" and not then.get("measure"):
        problems.append(_problem(one, "then", "整改方式规则要写 measure。"))
    if "require" in then and one.purpose != "standard":
        problems.append(_problem(one, "then.require", "只有标准（purpose: standard）可以写 require。"))
    if one.purpose == "warning" and not then.get("warn") and not one.quote:
        problems.append(_problem(one, "then", "提醒规则要写 warn 或 quote。"))
    return problems


def conditions(node: Node, name: str, rows, facts: Iterable[str], dictionary: DictionaryDoc) -> list[Problem]:
    """Problems of a list of ``[fact, op, value]``: shape, facts, and values that are no codes of their dictionary."""
    if rows is None:
        return []
    if not isinstance(rows, list):
        return [_problem(node, name, "应为条件的列表，每个条件写成 [事实, 比较, 值]。")]
    problems = []
    for row in rows:
        try:
            problems += _values(node, name, Condition.read(row, facts), dictionary)
        except ConditionError as error:
            problems.append(_problem(node, name, str(error)))
    return problems


def _values(node: Node, name: str, condition: Condition, dictionary: DictionaryDoc) -> list[Problem]:
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    known = {"yes", "no"} if condition.fact in YES_NO else None
    what = "回答"
    if condition.fact in TERMS_OF:
        known, what = dictionary.codes(TERMS_OF[condition.fact]), RULE_FACTS.get(condition.fact, condition.fact)
    elif condition.fact == "kind":
        known, what = set(dictionary.kinds_by_code), "任务类型"
    if known is None:
        return []
    return [
        unknown(node, name, one, known, what) for one in values if isinstance(one, str) and not _is_known(one, known)
    ]


def _is_known(value: str, known: set[str]) -> bool:
    return value in known or value.startswith("$")


def program_problems(doc: PlanDoc, dictionary: DictionaryDoc) -> list[Problem]:
    problems = twice([(one, one.key) for one in doc.programs], "政策键")
    for program in doc.programs:
        problems += twice([(one, one.key) for one in program.rates], "标准键")
        if program.publicity_days is not None and not 0 < program.publicity_days <= 365:
            problems.append(_problem(program, "publicity_days", "公示期应为 1 至 365 天。"))
        for rate in program.rates:
            problems += rate_problems(rate, program, dictionary)
    return problems


def rate_problems(rate: RateDoc, program: ProgramDoc, dictionary: DictionaryDoc) -> list[Problem]:
    facts = rate_facts(dictionary)
    problems = []
    for name in ("where", "unless", "when"):
        problems += conditions(rate, name, getattr(rate, name), facts, dictionary)
    for kind in rate.kinds:
        if kind not in dictionary.kinds_by_code:
            problems.append(unknown(rate, "kinds", kind, set(dictionary.kinds_by_code), "任务类型"))
    if rate.treatment and rate.treatment not in dictionary.codes("treatment"):
        problems.append(unknown(rate, "treatment", rate.treatment, dictionary.codes("treatment"), "处置类别"))
    for name in ("base", "base_cap", "at_most"):
        problems += _fact(rate, name, getattr(rate, name), facts)
    for one in rate.per:
        if one not in GRAINS:
            problems.append(unknown(rate, "per", one, GRAINS, "计算单元"))
    return (
        problems
        + _claimed(rate)
        + _times(rate)
        + _less(rate, program)
        + _amounts(rate, facts)
        + _parts(rate)
        + _guards(rate)
    )


def _fact(rate: RateDoc, name: str, value: str, facts: set[str]) -> list[Problem]:
    if not value or NUMBER.fullmatch(value):
        return []
    if value.startswith("$") and value[1:] in facts:
        return []
    return [unknown(rate, name, value, {f"${fact}" for fact in facts}, "事实（以 $ 开头）")]


def _claimed(rate: RateDoc) -> list[Problem]:
    """Areas of claims are known in rounds that take claims: those of ``years``."""
    for name in ("base", "base_cap"):
        if getattr(rate, name).removeprefix("$") in CLAIMED and not rate.years:
            message = "按申报或核实的面积计算的，要写 years（哪些年申报）；只申报一年的起止写同一年，如 [2025, 2025]。"
            return [_problem(rate, name, message)]
    return []


def _times(rate: RateDoc) -> list[Problem]:
    problems = []
    if rate.years and not (len(rate.years) == 2 and all(re.fullmatch(r"\d{4}", year) for year in rate.years)):
        problems.append(_problem(rate, "years", "应写成 [起年, 止年]，如 [2025, 2027]。"))
    elif rate.years and rate.years[0] > rate.years[1]:
        problems.append(_problem(rate, "years", f"止年 {rate.years[1]} 早于起年 {rate.years[0]}。"))
    if rate.due and not re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", rate.due):
        problems.append(_problem(rate, "due", f"“{rate.due}”应写成月-日，如 10-31。"))
    if rate.valid_from and rate.valid_to and rate.valid_from > rate.valid_to:
        problems.append(_problem(rate, "valid_to", f"止日 {rate.valid_to} 早于起日 {rate.valid_from}。"))
    if rate.round and not (len(rate.round) == 2 and rate.round[0] in ROUNDING and rate.round[1].isdigit()):
        problems.append(_problem(rate, "round", "应写成 [half_up 或 down 或 up, 小数位]，如 [half_up, 2]。"))
    return problems


def _less(rate: RateDoc, program: ProgramDoc) -> list[Problem]:
    keys = {one.key for one in program.rates}
    problems = [unknown(rate, "less", key, keys, "标准") for key in rate.less if key not in keys]
    following = {one.key: one.less[0] for one in program.rates if one.less}
    if circular(rate.key, following):
        problems.append(_problem(rate, "less", f"标准“{rate.key}”的扣减绕回了自己。"))
    return problems


def _amounts(rate: RateDoc, facts: set[str]) -> list[Problem]:
    """Lines, or readings of which one is chosen, or the reason why the rate stays open."""
    given = [name for name in ("lines", "readings", "open") if getattr(rate, name)]
    if not given:
        return [_problem(rate, "lines", "没有金额：请写 lines 或 readings；原文没有写标准的，用 open 写明原因。")]
    if len(given) > 1:
        return [_problem(rate, given[1], f"{'、'.join(given)}只能写一种。")]
    if rate.open:
        return []
    if rate.lines:
        return _lines(rate, "lines", rate.lines, facts)
    if not isinstance(rate.readings, dict):
        return [_problem(rate, "readings", "应为一组“名称: lines”。")]
    problems = []
    if rate.chosen not in rate.readings:
        names = "、".join(rate.readings)
        message = f"要从读法 {names} 中选一种写在 chosen，现为“{rate.chosen}”。"
        problems.append(_problem(rate, "chosen", message))
    for name, lines in rate.readings.items():
        problems += _lines(rate, f"readings.{name}", lines, facts)
    return problems


def _lines(rate: RateDoc, name: str, lines, facts: set[str]) -> list[Problem]:
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        return [_problem(rate, name, "应为列表，每项如 {price: 500} 或 {lump: 5000, from: 100}。")]
    return [problem for i, line in enumerate(lines) for problem in _line(rate, f"{name}[{i}]", line, facts)]


def _line(rate: RateDoc, name: str, line: dict, facts: set[str]) -> list[Problem]:
    allowed = {"price", "lump", "from", "to", "edges"}
    problems = [unknown(rate, name, key, allowed, "项") for key in line if key not in allowed]
    if ("price" in line) == ("lump" in line):
        problems.append(_problem(rate, name, "price（每亩）和 lump（一次性）写一个，且只写一个。"))
    for end in ("from", "to"):
        problems += _fact(rate, f"{name}.{end}", str(line.get(end) or ""), facts)
    if line.get("edges") and line["edges"] not in EDGES:
        problems.append(unknown(rate, f"{name}.edges", str(line["edges"]), EDGES, "边界写法"))
    return problems + _price(rate, f"{name}.price", line.get("price", line.get("lump")), facts)


def _price(rate: RateDoc, name: str, price, facts: set[str]) -> list[Problem]:
    if price is None:
        return []
    if isinstance(price, dict) and "pool" in price:
        return _fact(rate, f"{name}.pool", str(price["pool"]), facts)
    if isinstance(price, dict):
        by, table = price.get("by") or [], price.get("table")
        problems = [unknown(rate, f"{name}.by", str(one), facts, "事实") for one in by if one not in facts]
        if not by or not isinstance(table, dict) or not table:
            problems.append(_problem(rate, name, "按事实定价要写 by 和 table。"))
        return problems + _table(rate, name, table if isinstance(table, dict) else {})
    return [] if _amount(price) is not None else [_problem(rate, name, f"“{price}”不是金额，应为最多四位小数的数。")]


def _table(rate: RateDoc, name: str, table: dict) -> list[Problem]:
    """Prices by fact; several facts nest."""
    problems = []
    for key, value in table.items():
        if isinstance(value, dict):
            problems += _table(rate, f"{name}.{key}", value)
        elif _amount(value) is None:
            problems.append(_problem(rate, f"{name}.{key}", f"“{value}”不是金额，应为最多四位小数的数。"))
    return problems


def _parts(rate: RateDoc) -> list[Problem]:
    """Components and shares are numbers; that components add up to the price is C15."""
    problems = []
    for name in ("components", "payees"):
        parts = getattr(rate, name) or {}
        if not isinstance(parts, dict):
            problems.append(_problem(rate, name, "应为一组“名称: 数”。"))
            continue
        wrong = {key: value for key, value in parts.items() if _amount(value) is None}
        problems += [_problem(rate, f"{name}.{key}", f"“{value}”不是数。") for key, value in wrong.items()]
    payees = rate.payees if isinstance(rate.payees, dict) else {}
    shares = [_amount(value) for value in payees.values()]
    if shares and None not in shares and sum(shares) != 1:
        problems.append(_problem(rate, "payees", f"各收款人的份额应合计为 1，现为 {sum(shares)}。"))
    return problems


def _guards(rate: RateDoc) -> list[Problem]:
    if not isinstance(rate.guards or {}, dict):
        return [_problem(rate, "guards", "应为一组“名称: block、warn 或 off”。")]
    problems = []
    for name, severity in (rate.guards or {}).items():
        if name not in GUARDS:
            problems.append(unknown(rate, "guards", name, set(GUARDS), "核查"))
        elif severity not in SEVERITIES:
            problems.append(unknown(rate, f"guards.{name}", str(severity), set(SEVERITIES), "处理"))
    return problems


def _amount(value) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and NUMBER.fullmatch(value) else None


def _problem(node: Node, name: str, message: str) -> Problem:
    return Problem(node.line, f"{node.path}.{name}", message)
