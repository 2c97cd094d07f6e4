"""C10 to C14: the rows of a ledger (台账): their parcel codes, places, measures and what should not be listed."""

import re
from collections import Counter
from collections.abc import Iterator

from farmland.lib.numbers import narrow
from tasks.check.case import Case, cells, listed
from tasks.check.registry import Remark, note, rule, warning
from tasks.decisions import Warning, common_rules, facts_of, suggest, warned
from tasks.plan.document import LedgerDoc, LedgerRowDoc

SEPARATORS = re.compile(r"[、,;/\s]+")
LETTERS = re.compile(r"[A-Z]+")
COUNTY_DIGITS = 6  # a code with fewer digits at its head names no county
ENOUGH = 3  # codes of one shape that make it the usual one


@rule(
    "C10",
    "图斑编号有疑问",
    explanation="一格应当只有一个编号；编号应当以本区县代码开头，与同类编号的位数一致，不重复。",
)
def doubtful_codes(case: Case) -> Iterator[Remark]:
    for ledger in case.ledgers:
        usual = _examples(ledger)
        counts = Counter(code for row in ledger.rows for code in codes_of(row.codes))
        for row in ledger.rows:
            place, codes = case.row_place(ledger, row), codes_of(row.codes)
            if len(codes) > 1:
                message = f"{place}一格填了 {len(codes)} 个图斑编号，已按 {len(codes)} 个图斑分开登记，原文保留。"
                yield note(place, ledger.clause, row.codes, f"{len(codes)} 个编号", message)
            for code in dict.fromkeys(codes):
                faults = _code_faults(case, ledger, code, usual)
                if counts[code] > 1:
                    faults.append(f"在台账中出现 {counts[code]} 次")
                if faults:
                    text = "；".join(faults)
                    yield warning(
                        f"{place}·{code}", ledger.clause, code, text, f"{place}的图斑编号“{code}”{text}，请核对。"
                    )


def codes_of(cell: str) -> list[str]:
    """The codes in one cell, in their usual letters: “26966、26947” → two; "/" and empty → none."""
    return [code for code in SEPARATORS.split(narrow(cell).upper()) if any(sign.isdigit() for sign in code)]


def _code_faults(case: Case, ledger: LedgerDoc, code: str, usual: dict[str, str]) -> list[str]:
    faults = []
    prefixes = [narrow(prefix).upper() for prefix in ledger.code_prefixes] or _county(case)
    digits = re.match(r"\d*", _without_letters(code))[0]
    known = any(code.startswith(prefix) or digits.startswith(prefix) for prefix in prefixes)
    if prefixes and len(digits) >= COUNTY_DIGITS and not known:
        faults.append(f"不以{'或'.join(prefixes)}开头，疑为外区县编号或漏写数字")
    example = usual.get(_family(code))
    if example and _shape(example) != _shape(code):
        faults.append(f"与同类编号（如{example}）的写法不一致，疑有漏写或错写")
    return faults


def _without_letters(code: str) -> str:
    return re.sub(r"^[A-Z]+", "", code)


def _county(case: Case) -> list[str]:
    """The first six digits of the town's own code, where it has a real one."""
    code = narrow(case.doc.town.code)
    return [code[:COUNTY_DIGITS]] if re.fullmatch(r"\d{9,}", code) else []


def _examples(ledger: LedgerDoc) -> dict[str, str]:
    """A code of the shape that most codes of a family have, for families large enough to have a usual one."""
    families: dict[str, list[str]] = {}
    for row in ledger.rows:
        for code in codes_of(row.codes):
            families.setdefault(_family(code), []).append(code)
    found = {}
    for family, codes in families.items():
        shape, count = Counter(map(_shape, codes)).most_common(1)[0]
        if family and count >= ENOUGH and count * 2 > len(codes):
            found[family] = next(code for code in codes if _shape(code) == shape)
    return found


def _family(code: str) -> str:
    """Codes with the same first letters are of one kind; plain numbers are of none."""
    letters = LETTERS.search(code)
    return letters[0] if letters else ""


def _shape(code: str) -> str:
    """“500152404SC0107635-G2” → “9位数字SC7位数字-G1位数字”."""
    return re.sub(r"\d+", lambda digits: f"{len(digits[0])}位数字", code)


@rule(
    "C11",
    "坐落与责任单位不是一个村",
    explanation="图斑坐落的村应当就是责任单位；不同的，须核对坐落或责任单位。",
)
def located_elsewhere(case: Case) -> Iterator[Remark]:
    for ledger, row in case.rows():
        located, owner = case.division(row.location), case.division(row.responsible)
        if not located or not owner or located[-1] in owner or owner[-1] in located:
            continue
        place = case.row_place(ledger, row)
        yield warning(
            place,
            ledger.clause,
            f"坐落{row.location}，责任单位{row.responsible}",
            f"坐落属{located[-1].name}",
            f"{place}坐落在{row.location}，责任单位却是{row.responsible}，请核对。",
        )


@rule(
    "C12",
    "整改方式与地类不合",
    explanation="整改方式应当与是否占永久基本农田、地面现状相合；依据是方案的处置规则和字典中整改方式的适用范围。",
)
def measure_not_allowed(case: Case) -> Iterator[Remark]:
    for ledger, row in case.rows():
        facts = facts_of(row, case.dictionary, unit=ledger.unit, kind=ledger.kind)
        faults = _warned(case, facts, about_problem=False) + _other_measure_wanted(case, facts)
        yield from _measure_remark(case, ledger, row, faults, f"永农{row.pbf}，{row.measure}")


@rule(
    "C14",
    "问题类型与整改方式不符",
    explanation="“非农化”“非粮化”问题各有适用的整改方式；依据是方案的处置规则和字典中整改方式的适用范围。",
)
def measure_against_problem(case: Case) -> Iterator[Remark]:
    for ledger, row in case.rows():
        facts = facts_of(row, case.dictionary, unit=ledger.unit, kind=ledger.kind)
        faults = _warned(case, facts, about_problem=True)
        yield from _measure_remark(case, ledger, row, faults, f"{row.problem_kind}，{row.measure}")


def _warned(case: Case, facts: dict, *, about_problem: bool) -> list[Warning]:
    found = warned(case.doc.rules, common_rules(case.dictionary), facts)
    return [one for one in found if one.about_problem == about_problem]


def _other_measure_wanted(case: Case, facts: dict) -> list[Warning]:
    """The plan's own measure row that looks at 永农 and wants another measure than the one written."""
    rules = [one for one in case.doc.rules if {condition[0] for condition in one.when} & {"on_pbf", "pbf_mu"}]
    suggestion = suggest(rules, facts)
    if suggestion is None or facts["measure"] in (None, suggestion.measure):
        return []
    wanted = case.dictionary.term("measure", suggestion.measure)
    text = f"按方案的处置规则应“{wanted.label if wanted else suggestion.measure}”"
    return [Warning(text, suggestion.basis, suggestion.clause, suggestion.rule_key)]


def _measure_remark(case: Case, ledger: LedgerDoc, row: LedgerRowDoc, faults: list[Warning], stated: str):
    """One warning for all that is said against the measure of one row."""
    if not faults:
        return
    place = case.row_place(ledger, row)
    text = "；".join(dict.fromkeys(fault.text.rstrip("。") for fault in faults))
    basis = listed(fault.basis or fault.clause for fault in faults if fault.basis or fault.clause)
    message = f"{place}（{row.location}，{row.project}）{text}{f'（依据：{basis}）' if basis else ''}。"
    yield warning(place, ledger.clause, stated, text, message)


@rule(
    "C13",
    "列入了方案排除的类别",
    explanation="方案写明不属于本次整治范围的类别（如农村宅基地），不应列入台账。",
)
def excluded_class_listed(case: Case) -> Iterator[Remark]:
    for ledger, row in case.rows():
        for word in ledger.excluded:
            cell = next((cell for cell in cells(row) if _names(cell, word)), None)
            if cell is None:
                continue
            place, clause = case.row_place(ledger, row), ledger.excluded_clause or ledger.clause
            message = f"{place}的项目写有“{word}”，{clause}写明{word}除外，请核对是否移出台账。"
            yield warning(place, ledger.clause, word, f"{clause}写明{word}除外", message)
            break


def _names(cell: str, word: str) -> bool:
    return word in cell and f"非{word}" not in cell
