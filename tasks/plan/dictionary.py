"""The common dictionary (公共字典) as a document: the terms, ladders and kinds every plan may use.

Described for writers in docs/plan-format.md; the file itself is plans/dictionary.yaml.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from farmland.lib.documents import DocumentError, Node, Problem, choice, parts, read
from tasks.plan.document import DictionaryTerm, KindDoc, LadderDoc


@dataclass(frozen=True)
class DictionaryDoc(Node):
    """``with_plan`` gives the dictionary as one plan sees it: the common rows and its own."""

    format: str = choice("1", required=True)
    terms: list[DictionaryTerm] = parts(DictionaryTerm)
    ladders: list[LadderDoc] = parts(LadderDoc)
    kinds: list[KindDoc] = parts(KindDoc)

    @cached_property
    def by_dictionary(self) -> dict[str, dict[str, DictionaryTerm]]:
        """Terms by dictionary and code."""
        found: dict[str, dict[str, DictionaryTerm]] = {}
        for term in self.terms:
            found.setdefault(term.dictionary, {})[term.code] = term
        return found

    @cached_property
    def kinds_by_code(self) -> dict[str, KindDoc]:
        return {kind.code: kind for kind in self.kinds}

    @cached_property
    def ladders_by_code(self) -> dict[str, LadderDoc]:
        return {ladder.code: ladder for ladder in self.ladders}

    def codes(self, dictionary: str) -> set[str]:
        return set(self.by_dictionary.get(dictionary, {}))

    def term(self, dictionary: str, words: str) -> DictionaryTerm | None:
        """The term of that code, label, synonym or variant, by exact text after stripping; None if there is none."""
        words = words.strip()
        for term in self.by_dictionary.get(dictionary, {}).values():
            if words in (term.code, term.label, *term.synonyms, *term.variants):
                return term
        return None

    def with_plan(self, plan) -> "DictionaryDoc":
        """The common rows, with a plan's own rows added or in the place of common ones of the same code."""
        terms = {(one.dictionary, one.code): one for one in [*self.terms, *plan.terms]}
        ladders = {one.code: one for one in [*self.ladders, *plan.ladders]}
        kinds = {one.code: one for one in [*self.kinds, *plan.kinds]}
        return DictionaryDoc(
            format=self.format,
            terms=list(terms.values()),
            ladders=list(ladders.values()),
            kinds=list(kinds.values()),
        )


def read_dictionary(source: str) -> DictionaryDoc:
    """``source`` is the YAML text. Raises DocumentError with every problem found."""
    doc = read(source, DictionaryDoc)
    problems = dictionary_problems(doc)
    if problems:
        raise DocumentError(problems)
    return doc


def load_dictionary(path: str | Path) -> DictionaryDoc:
    return read_dictionary(Path(path).read_text(encoding="utf-8"))


def dictionary_problems(doc: DictionaryDoc) -> list[Problem]:
    """Codes written twice and references between ladders, kinds, units and levels that lead nowhere."""
    problems = [
        *twice([(term, f"{term.dictionary}.{term.code}") for term in doc.terms], "字典代码"),
        *twice([(ladder, ladder.code) for ladder in doc.ladders], "阶梯代码"),
        *twice([(kind, kind.code) for kind in doc.kinds], "任务类型代码"),
    ]
    for ladder in doc.ladders:
        problems += ladder_problems(ladder, doc.codes("level"))
    for kind in doc.kinds:
        problems += kind_problems(kind, doc)
    return problems


def twice(named: list[tuple[Node, str]], what: str) -> list[Problem]:
    """A problem at the second and every later part of the same name."""
    first: Counter = Counter()
    problems = []
    for node, name in named:
        first[name] += 1
        if first[name] > 1:
            problems.append(Problem(node.line, node.path, f"{what}“{name}”写了 {first[name]} 次，请只留一个。"))
    return problems


def ladder_problems(ladder: LadderDoc, levels: set[str]) -> list[Problem]:
    problems = twice([(rung, rung.code) for rung in ladder.rungs], "环节代码")
    for rung in ladder.rungs:
        if rung.level and rung.level not in levels:
            problems.append(unknown(rung, "level", rung.level, levels, "层级"))
        if rung.level and rung.reported:
            message = f"环节“{rung.name}”由验收认定，不能由村填报，请删去 level 或 reported。"
            problems.append(Problem(rung.line, f"{rung.path}.reported", message))
    return problems


def kind_problems(kind: KindDoc, doc: DictionaryDoc) -> list[Problem]:
    """What a kind names that the dictionary does not have, and a circle of parents."""
    checks = [
        ("parent", kind.parent, set(doc.kinds_by_code), "任务类型"),
        ("unit", kind.unit, doc.codes("unit"), "计量单位"),
        ("ladder", kind.ladder, set(doc.ladders_by_code), "阶梯"),
        ("counted_level", kind.counted_level, doc.codes("level"), "层级"),
        *(("feeds", name, set(doc.kinds_by_code), "任务类型") for name in kind.feeds),
    ]
    problems = [
        unknown(kind, name, value, known, what) for name, value, known, what in checks if value and value not in known
    ]
    if circular(kind.code, {one.code: one.parent for one in doc.kinds}):
        problems.append(Problem(kind.line, f"{kind.path}.parent", f"任务类型“{kind.code}”的上级绕回了自己，请改正。"))
    return problems


def circular(start: str, parents: dict[str, str]) -> bool:
    """Whether following parents from ``start`` comes back to ``start``."""
    seen, name = set(), parents.get(start, "")
    while name and name != start and name not in seen:
        seen.add(name)
        name = parents.get(name, "")
    return name == start


def unknown(node: Node, name: str, value: str, known: set[str], what: str) -> Problem:
    options = "、".join(sorted(known)) or "（没有）"
    return Problem(node.line, f"{node.path}.{name}", f"没有名为“{value}”的{what}，可用的有：{options}。")
