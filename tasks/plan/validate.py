"""The second pass over a plan file: names that lead nowhere, things written twice, formulas that cannot be read.

What cannot be loaded is a problem here, with its line; what merely contradicts itself is loaded as printed and left
to the plan check. Pure: no database.
"""

from collections.abc import Iterable

from farmland.lib.documents import DocumentError, Node, Problem, read_partly
from farmland.lib.formula import Formula, FormulaError
from tasks.plan.dictionary import (
    DictionaryDoc,
    circular,
    kind_problems,
    ladder_problems,
    twice,
    unknown,
)
from tasks.plan.document import MilestoneDoc, Place, PlanDoc, StatementDoc, TargetDoc
from tasks.plan.facts import FORMULA_WORDS
from tasks.plan.lengths import length_problems
from tasks.plan.provisions import program_problems, rule_problems


def read_plan(source: str, dictionary: DictionaryDoc) -> PlanDoc:
    """``source`` is YAML text. Raises DocumentError with all problems of both passes, in order of their lines.

    A file that lost a whole list or part is told about its shape first: nothing could be said of names in it.
    """
    doc, problems, lost = read_partly(source, PlanDoc)
    if not lost and doc.town is not None:
        told = {(one.line, one.path) for one in problems}
        problems += [one for one in validate(doc, dictionary) if (one.line, one.path) not in told]
    if problems:
        raise DocumentError(problems)
    return doc


def validate(doc: PlanDoc, dictionary: DictionaryDoc) -> list[Problem]:
    """``dictionary`` is the common one; the plan's own terms, ladders and kinds are added here."""
    own = dictionary.with_plan(doc)
    return sorted(
        {
            *_dictionary(doc, own),
            *_common_codes(doc, dictionary),
            *_places(doc, own),
            *_offices(doc),
            *_targets(doc, own),
            *_splits(doc),
            *_entries(doc),
            *_red_lines(doc, own),
            *_statements(doc, own),
            *_dates(doc, own),
            *_duties(doc),
            *rule_problems(doc, own),
            *program_problems(doc, own),
            *_ledgers(doc, own),
            *_keys(doc),
            *length_problems(doc),
        }
    )


def _known(node: Node, name: str, value: str, known: Iterable[str], what: str) -> list[Problem]:
    """A problem when ``value`` is given and not among ``known``."""
    return [unknown(node, name, value, set(known), what)] if value and value not in set(known) else []


def _problem(node: Node, name: str, message: str) -> Problem:
    return Problem(node.line, f"{node.path}.{name}".strip("."), message)


def _dictionary(doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    problems = twice([(one, f"{one.dictionary}.{one.code}") for one in doc.terms], "字典代码")
    problems += twice([(one, one.code) for one in doc.ladders], "阶梯代码")
    problems += twice([(one, one.code) for one in doc.kinds], "任务类型代码")
    for ladder in doc.ladders:
        problems += ladder_problems(ladder, own.codes("level"))
    for kind in doc.kinds:
        problems += kind_problems(kind, own)
    for kind, ladder in (doc.town_ladders or {}).items():
        problems += _known(doc, "town_ladders", kind, own.kinds_by_code, "任务类型")
        problems += _known(doc, f"town_ladders.{kind}", ladder, own.ladders_by_code, "阶梯")
    return problems


def _common_codes(doc: PlanDoc, dictionary: DictionaryDoc) -> list[Problem]:
    """Ladders and kinds hold for all towns: a plan may repeat a common one word for word, not change it."""
    known = [(dictionary.ladders_by_code, doc.ladders, "阶梯"), (dictionary.kinds_by_code, doc.kinds, "任务类型")]
    return [
        _problem(one, "code", f"“{one.code}”是公共字典的{what}，各镇共用，不能改成别的内容，请换一个代码。")
        for common, own, what in known
        for one in own
        if one.code in common and one != common[one.code]
    ]


def _places(doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    kinds = own.codes("division_kind")
    problems = _known(doc.town, "kind", doc.town.kind, kinds, "行政区划类型")
    if not doc.town.above:
        problems.append(_problem(doc.town, "above", "缺少上级行政区划，应从最上级写到直接上级。"))
    everyone = [*doc.town.above, *doc.places()]
    for place in everyone:
        problems += _known(place, "kind", place.kind, kinds, "行政区划类型")
    problems += twice([(place, place.code) for place in everyone if place.code], "行政区划代码")
    problems += _siblings(doc.divisions)
    for place in doc.places():
        problems += _siblings(place.divisions)
    return problems


def _siblings(places: list[Place]) -> list[Problem]:
    return twice([(place, name) for place in places for name in {place.name, *place.aliases}], "同一上级下的名称")


def _offices(doc: PlanDoc) -> list[Problem]:
    names = [(one, name) for one in doc.offices for name in dict.fromkeys([one.name, *one.aliases])]
    problems = twice(names, "单位名称")
    known = {name for _, name in names}
    for one in doc.offices:
        problems += _known(one, "hosted_by", one.hosted_by, known, "单位")
        problems += _known(one, "part_of", one.part_of, known, "单位")
    return problems


def _targets(doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    problems = twice([(one, one.key) for one in doc.targets], "指标键")
    by_key = {one.key: one for one in doc.targets}
    parents = {one.key: one.parent for one in doc.targets}
    for one in doc.targets:
        problems += _known(one, "kind", one.kind, own.kinds_by_code, "任务类型")
        problems += _known(one, "unit", one.unit, own.codes("unit"), "计量单位")
        problems += _known(one, "parent", one.parent, by_key, "指标")
        problems += _known(one, "counted_level", one.counted_level, _levels(doc, own, one.kind), "认定层级")
        if circular(one.key, parents):
            problems.append(_problem(one, "parent", f"指标“{one.key}”的上级绕回了自己，请改正。"))
        if one.from_year and one.to_year and one.from_year > one.to_year:
            problems.append(_problem(one, "to_year", f"止年 {one.to_year} 早于起年 {one.from_year}。"))
        if one.carried_from and not (one.tranche and doc.year and one.carried_from < doc.year):
            problems.append(_problem(one, "carried_from", "只写在结转批次（tranche）上，且应早于方案年度。"))
        problems += _target_unit(one, own) + _root(one, by_key)
    return problems


def _levels(doc: PlanDoc, own: DictionaryDoc, kind: str) -> set[str]:
    """The levels at which area of a kind can be accepted, by the ladder it climbs in this town."""
    found = own.kinds_by_code.get(kind)
    ladder = own.ladders_by_code.get((doc.town_ladders or {}).get(kind) or (found.ladder if found else ""))
    return {rung.level for rung in ladder.rungs if rung.level} if ladder else own.codes("level")


def _target_unit(one: TargetDoc, own: DictionaryDoc) -> list[Problem]:
    kind = own.kinds_by_code.get(one.kind)
    if kind and one.unit in own.codes("unit") and _base(own, one.unit) != _base(own, kind.unit):
        message = f"“{kind.name}”按“{kind.unit}”计，不能用“{one.unit}”，请改为能折算的单位。"
        return [_problem(one, "unit", message)]
    return []


def _base(own: DictionaryDoc, unit: str) -> str:
    term = own.by_dictionary.get("unit", {}).get(unit)
    return ((term.attrs or {}).get("base") or term.code) if term else unit


def _root(one: TargetDoc, by_key: dict[str, TargetDoc]) -> list[Problem]:
    """One root target per kind: its key is the kind's code and it has no tranche; the rest hang below it."""
    parent = by_key.get(one.parent)
    if parent is not None and parent.kind == one.kind:
        return []
    if one.key != one.kind:
        message = f"每个任务类型要有一个总指标，键与类型同名：请改为“{one.kind}”，或用 parent 挂在“{one.kind}”下。"
        return [_problem(one, "key", message)]
    return [_problem(one, "tranche", "总指标不分批次，请把批次写成下级指标。")] if one.tranche else []


def _splits(doc: PlanDoc) -> list[Problem]:
    targets = {one.key for one in doc.targets}
    problems, shares = [], []
    names = [name for place in doc.places() for name in {place.name, *place.aliases}]
    for split in doc.splits:
        problems += _known(split, "target", split.target, targets, "指标")
        for row in split.rows:
            if row.division not in names:
                message = f"“{row.division}”不在行政区划树里，请在 divisions 中补上，或改正名称。"
                problems.append(_problem(row, "division", message))
            elif names.count(row.division) > 1:
                message = (
                    f"行政区划树里有 {names.count(row.division)} 个“{row.division}”，请给它们写不同的别名来区分。"
                )
                problems.append(_problem(row, "division", message))
            for name, value in (("amount", row.amount), ("potential", row.potential)):
                if value is not None and value < 0:
                    problems.append(_problem(row, name, f"应不小于 0，现为 {value}。"))
            shares.append((row, f"{split.target}·{row.division}"))
    return problems + twice(shares, "任务分解")


def _entries(doc: PlanDoc) -> list[Problem]:
    targets = {one.key for one in doc.targets}
    problems = []
    for one in doc.entries:
        problems += _known(one, "target", one.target, targets, "指标")
        if one.role in {"survey", "accepted"} and one.on is None:
            problems.append(
                _problem(one, "on", "现状调查和已认定的面积要写日期，原文没有写的，写上假定的日期并列入 questions。")
            )
    surveys = [(one, f"{one.target} {one.on}") for one in doc.entries if one.role == "survey"]
    return problems + twice(surveys, "同一天的现状调查")


def _red_lines(doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    targets = {one.key for one in doc.targets}
    problems = twice([(one, one.line_) for one in doc.red_lines], "红线")
    for one in doc.red_lines:
        problems += _known(one, "target", one.target, targets, "指标")
        for name in one.feeds:
            problems += _known(one, "feeds", name, own.kinds_by_code, "任务类型")
        problems += _formula(one, "formula", one.formula, FORMULA_WORDS, "算式用词")
        if not one.target and not one.reason:
            problems.append(_problem(one, "reason", "没有指标的红线要写明原因。"))
    return problems


def _formula(node: Node, name: str, source: str, known: Iterable[str], what: str) -> list[Problem]:
    try:
        formula = Formula(source)
    except FormulaError as error:
        return [_problem(node, name, str(error))]
    return [problem for word in formula.names for problem in _known(node, name, word, known, what)]


def _statements(doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    targets = {one.key for one in doc.targets}
    names = {*(one.key for one in doc.statements), *targets}
    units = _unit_words(own)
    problems = twice([(one, f"{one.key}（{one.clause}）{one.value}") for one in doc.statements], "表述")
    for one in doc.statements:
        problems += _known(one, "target", one.target, targets, "指标")
        if one.unit and one.unit not in units:
            problems.append(unknown(one, "unit", one.unit, units, "计量单位"))
        if one.is_:
            problems += _formula(one, "is", one.is_, names, "表述或指标") + _itself(one)
    return problems


def _itself(one: StatementDoc) -> list[Problem]:
    try:
        names = Formula(one.is_).names
    except FormulaError:
        return []
    return [_problem(one, "is", f"“{one.key}”的算式用到了它自己。")] if one.key in names else []


def _unit_words(own: DictionaryDoc) -> set[str]:
    """Every word a unit may be printed as."""
    terms = own.by_dictionary.get("unit", {}).values()
    return {
        word for one in terms for word in (one.code, one.label, *one.synonyms, *((one.attrs or {}).get("names") or []))
    }


def _dates(doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    steps = [one for _, one in doc.every_milestone()]
    problems = twice([(one, one.key) for one in [*doc.phases, *steps]], "阶段或节点键")
    for phase in doc.phases:
        if phase.from_ and phase.to and phase.from_ > phase.to:
            problems.append(_problem(phase, "to", f"止日 {phase.to} 早于起日 {phase.from_}。"))
    for one in steps:
        if one.from_ and one.on and one.from_ > one.on:
            problems.append(_problem(one, "on", f"截止日 {one.on} 早于起日 {one.from_}。"))
        problems += _step(one, doc, own)
    return problems


def _step(one: MilestoneDoc, doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    """A step's targets, and its rung on the ladder of each of them."""
    targets = {target.key: target for target in doc.targets}
    problems = []
    for key in one.targets:
        problems += _known(one, "targets", key, targets, "指标")
        kind = own.kinds_by_code.get(targets[key].kind) if key in targets else None
        code = ((doc.town_ladders or {}).get(kind.code) or kind.ladder) if kind else ""
        ladder = own.ladders_by_code.get(code)
        if ladder:
            problems += _known(one, "rung", one.rung, [rung.code for rung in ladder.rungs], f"“{kind.name}”环节")
    return problems


def _duties(doc: PlanDoc) -> list[Problem]:
    """Holders are not looked up here: a duty without an office is a finding of the plan check (C17)."""
    targets = {one.key for one in doc.targets}
    return [problem for one in doc.duties for problem in _known(one, "target", one.target, targets, "指标")]


def _ledgers(doc: PlanDoc, own: DictionaryDoc) -> list[Problem]:
    """Cells stay as printed; only what the loader must resolve is checked."""
    problems = []
    for ledger in doc.ledgers:
        problems += _known(ledger, "kind", ledger.kind, own.kinds_by_code, "任务类型")
        problems += _known(ledger, "unit", ledger.unit, own.codes("unit"), "计量单位")
        problems += twice([(row, row.serial) for row in ledger.rows], "序号")
        for row in ledger.rows:
            problems += _known(row, "use", row.use, own.codes("ground_state"), "地面现状")
    return problems


def _keys(doc: PlanDoc) -> list[Problem]:
    """Keys that must be unique in their list."""
    lists = [(doc.ledgers, "台账键"), (doc.cadences, "调度键"), (doc.questions, "问题键")]
    return [problem for rows, what in lists for problem in twice([(one, one.key) for one in rows], what)]
