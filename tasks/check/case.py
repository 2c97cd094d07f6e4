"""One plan under check, with its names resolved: units, targets, offices, villages, ledger rows, printed texts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from farmland.lib.area import rounded
from farmland.lib.numbers import MINUS, narrow, parse_stated, plain
from tasks.plan.document import (
    LedgerDoc,
    LedgerRowDoc,
    OutlineDoc,
    Place,
    PlanDoc,
    ShareDoc,
    SplitDoc,
    StatementDoc,
    TargetDoc,
    Unit,
)

MAGNITUDES = {"": 1, "千": 1_000, "万": 10_000, "百万": 1_000_000, "亿": 100_000_000}
LONGEST = 40  # characters of a printed text inside the name of a place


@dataclass(frozen=True)
class Quote:
    """A piece of printed text and where it stands."""

    place: str
    text: str


class Case:
    """``dictionary`` is the common one; ``ledgers`` takes the place of the plan's own when given.

    ``plan`` is the loaded one, None while a file is checked that nobody has loaded.
    """

    def __init__(self, doc: PlanDoc, dictionary, ledgers: list[LedgerDoc] | None = None, plan=None):
        self.doc = doc
        self.plan = plan
        self.dictionary = dictionary.with_plan(doc)
        self.ledgers = doc.ledgers if ledgers is None else ledgers
        self.targets = {target.key: target for target in doc.targets}

    # figures

    @cached_property
    def _units(self) -> dict[str, tuple[str, Decimal]]:
        """Every word for a unit → (base, factor)."""
        found = {}
        for term in self.dictionary.by_dictionary.get("unit", {}).values():
            attrs = term.attrs or {}
            meaning = (attrs.get("base") or term.code, Decimal(attrs.get("factor") or "1"))
            for word in (term.code, term.label, *term.synonyms, *(attrs.get("names") or [])):
                found[narrow(word)] = meaning
        return found

    def base(self, unit: str) -> str:
        """The unit that amounts printed in ``unit`` are compared in; an unknown unit is its own."""
        return self._units.get(narrow(unit), (narrow(unit), None))[0]

    def in_base(self, value: Decimal, unit: str, magnitude: str = "") -> Decimal:
        return value * self._units.get(narrow(unit), ("", Decimal(1)))[1] * MAGNITUDES[magnitude]

    def unit_name(self, unit: str) -> str:
        term = self.dictionary.term("unit", unit)
        return term.label if term else unit

    def amount(self, value: Decimal | Fraction | None, unit: str) -> str:
        """“16,057.05亩”."""
        return "" if value is None else f"{figure(value)}{self.unit_name(unit)}"

    # targets and statements

    def kind_name(self, code: str) -> str:
        kind = self.dictionary.kinds_by_code.get(code)
        return kind.name if kind else code

    def is_acceptance(self, kind: str, rung: str) -> bool:
        """Whether a rung of the kind's ladder is reached by an acceptance."""
        name = (self.doc.town_ladders or {}).get(kind) or getattr(
            self.dictionary.kinds_by_code.get(kind), "ladder", ""
        )
        ladder = self.dictionary.ladders_by_code.get(name)
        return any(one.code == rung and bool(one.level) for one in ladder.rungs) if ladder else False

    def target_name(self, target: TargetDoc) -> str:
        name = self.kind_name(target.kind)
        return f"{name}（{target.tranche}）" if target.tranche else name

    def target_place(self, target: TargetDoc) -> str:
        return f"{target.clause}·{self.target_name(target)}"

    def children(self, target: TargetDoc) -> list[TargetDoc]:
        return [one for one in self.doc.targets if one.parent == target.key]

    @cached_property
    def _headings(self) -> dict[str, str]:
        return {_plain_clause(where): item.title for where, item in self.outline()}

    def clause(self, clause: str) -> str:
        """A clause as a reader finds it: “三、工作目标”, “二（一）耕地恢复补足工作组”."""
        title = self._headings.get(_plain_clause(clause), "")
        top = re.fullmatch(r"[一二三四五六七八九十]+", clause)
        if not title or title == clause or len(title) > LONGEST // 2:
            return f"第{clause}部分" if top else clause
        return f"{clause}{'、' if top else ''}{title}"

    def statement_place(self, statement: StatementDoc) -> str:
        return f"{statement.clause}·{short(statement.printed)}"

    def shares(self) -> Iterator[tuple[SplitDoc, TargetDoc, ShareDoc]]:
        for split in self.doc.splits:
            target = self.targets.get(split.target)
            if target is not None:
                yield from ((split, target, row) for row in split.rows)

    def subtotals(self, split: SplitDoc, column: str) -> dict[int, list[ShareDoc]]:
        """The rows of a split by the row they are part of (its place in ``split.rows``, -1 for none).

        A row for an area (片) beside rows of its villages is their sum, not one more share; without a figure it sums
        up nothing.
        """
        lines = [self.division(row.division) or () for row in split.rows]
        holders = {
            id(line[-1]): at
            for at, line in enumerate(lines)
            if line and getattr(split.rows[at], column) is not None
        }  # fmt: skip
        found: dict[int, list[ShareDoc]] = {}
        for row, line in zip(split.rows, lines, strict=True):
            above = [holders[id(place)] for place in line[:-1] if id(place) in holders]
            found.setdefault(above[-1] if above else -1, []).append(row)
        return found

    # names

    @cached_property
    def _offices(self) -> dict[str, Unit]:
        return {name: unit for unit in self.doc.offices for name in (*unit.aliases, unit.name)}

    def office(self, name: str) -> Unit | None:
        """The unit of that name or alias; a leading 镇 or the town's own name may stand before it or be missing."""
        bare = self.bare(name)
        return next((unit for one, unit in self._offices.items() if self.bare(one) == bare), None)

    def bare(self, name: str) -> str:
        """An office name without the town before it: 镇司法所 and 西河镇司法所 → 司法所."""
        town = self.doc.town.name
        name, kind = narrow(name).removeprefix(town), "街道" if town.endswith("街道") else town[-1:]
        return name.removeprefix(kind) if len(name) > len(kind) + 1 else name

    @cached_property
    def _divisions(self) -> dict[str, tuple[Place, ...]]:
        """Every name used once in the tree → the divisions from the top down to it."""
        found: dict[str, list[tuple[Place, ...]]] = {}

        def enter(place: Place, above: tuple[Place, ...]):
            for name in {place.name, *place.aliases}:
                found.setdefault(narrow(name), []).append((*above, place))
            for child in place.divisions:
                enter(child, (*above, place))

        for top in self.doc.divisions:
            enter(top, ())
        return {name: lines[0] for name, lines in found.items() if len(lines) == 1}

    def division(self, words: str) -> tuple[Place, ...] | None:
        """The line of divisions down to the one named in ``words`` (双永村七组 → 双永村): the first name wins."""
        words = narrow(words)
        names = [name for name in self._divisions if name in words]
        return self._divisions[min(names, key=lambda name: (words.index(name), -len(name)))] if names else None

    # ledgers and texts

    def rows(self) -> Iterator[tuple[LedgerDoc, LedgerRowDoc]]:
        for ledger in self.ledgers:
            yield from ((ledger, row) for row in ledger.rows)

    def row_place(self, ledger: LedgerDoc, row: LedgerRowDoc) -> str:
        return f"{ledger.clause} 第{row.serial}行"

    def outline(self) -> Iterator[tuple[str, OutlineDoc]]:
        """Every outline item with the numbers above it: “五（三）2.”."""

        def below(items, above):
            for item in items:
                here = f"{above}{item.number.rstrip('、')}" or item.title
                yield here, item
                yield from below(item.items, here)

        yield from below(self.doc.outline, "")

    @cached_property
    def quotes(self) -> list[Quote]:
        """Every text that stands printed in the plan, as far as the file has it, each with its place."""
        doc, found = self.doc, [Quote("标题", self.doc.title)]
        for where, item in self.outline():
            found += [Quote(where, text) for text in (item.title, item.quote)]
        for one in (*doc.statements, *doc.phases, *(stone for _, stone in doc.every_milestone())):
            found.append(Quote(one.clause or one.name, one.printed))
        for one in (*doc.duties, *doc.rules, *doc.cadences):
            found.append(Quote(one.clause, one.quote))
        for ledger, row in self.rows():
            found += [Quote(self.row_place(ledger, row), text) for text in cells(row)]
        return [quote for quote in found if quote.text]


def cells(row: LedgerRowDoc) -> list[str]:
    """The cells of a row that hold words."""
    return [row.project, row.location, row.source, row.problem_kind, row.responsible, row.measure, row.due, row.note]


def number(cell: str) -> Decimal | None:
    """The number in a printed cell; None when it says there is none or cannot be read."""
    try:
        return parse_stated(cell)[0]
    except ValueError:
        return None


def figure(value: Decimal | Fraction, places: int = 4) -> str:
    """For a message: thousands separators, no trailing zeros, at most ``places`` decimals."""
    text = f"{Decimal(plain(rounded(Fraction(value), places))):,f}"
    return text.replace("-", MINUS)


def _plain_clause(clause: str) -> str:
    return re.sub(r"[\s、.]", "", narrow(clause))


def short(text: str) -> str:
    text = re.sub(r"\s+", "", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def listed(words, most: int = 6) -> str:
    """“甲、乙、丙 等 9 处” of many different words; rows of one ledger stand together: “附件2 第3、4行”."""
    words = list(dict.fromkeys(words))
    groups: dict[str, list[str]] = {}
    for word in words[:most]:
        row = re.fullmatch(r"(.+ 第)(.+)行", word)
        groups.setdefault(row[1] if row else word, []).append(row[2] if row else "")
    shown = "、".join(f"{head}{'、'.join(rows)}行" if rows[0] else head for head, rows in groups.items())
    return shown if len(words) <= most else f"{shown} 等 {len(words)} 处"
