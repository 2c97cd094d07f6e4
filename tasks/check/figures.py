"""C01, C02, C03, C05, C06: printed figures against each other, against their sums and against their formulas."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from farmland.lib.area import rounded
from farmland.lib.formula import Formula, FormulaError
from farmland.lib.numbers import MINUS, decimals, plain
from tasks.check.case import MAGNITUDES, Case, figure, listed, short
from tasks.check.registry import Remark, error, rule
from tasks.plan.document import ShareDoc, SplitDoc, StatementDoc, TargetDoc

ROUGHLY = Fraction(5, 100)  # an approximate figure (约) agrees with one at most this part away
LOST = {Fraction(times): name for name, times in MAGNITUDES.items() if name}


@rule(
    "C01",
    "同一目标写了不同的数",
    explanation="方案在不同地方写的同一个指标应当是同一个数；单位折算后比较，“约”数差 5% 以内不算矛盾。"
    "按个数分解到村的任务，应当与台账中该村的行数相同。",
)
def same_target_two_figures(case: Case) -> Iterator[Remark]:
    for same in _by_key(case).values():
        with_unit = [one for one in same if one.unit and case.base(one.unit) == _base(case, same)]
        expected, places = _agreed(case, with_unit)
        base = _base(case, same)
        for one in with_unit:
            value = _value(case, one)
            if expected is None or _agree(value, expected, one) or _lost(value, expected):
                continue
            yield error(
                case.statement_place(one),
                one.clause,
                _printed(one),
                f"{listed(places)}写的是{case.amount(expected, base)}",
                f"{_name(case, one)}前后不一：{case.clause(one.clause)}写“{short(one.printed)}”，"
                f"{_other(case, with_unit, expected, places)}，"
                f"相差{case.amount(abs(value - expected), base)}，请核实后统一。",
            )
    yield from _against_ledger(case)


def _against_ledger(case: Case) -> Iterator[Remark]:
    """Villages whose number of issues in the split is not the number of rows the ledger has for them."""
    for split, target, share in case.shares():
        ledgers = [one for one in case.ledgers if one.kind == target.kind and one.rows]
        place = case.division(share.division)
        if share.amount is None or not ledgers or not place or case.base(target.unit) != "count":
            continue
        rows = [
            row for ledger in ledgers for row in ledger.rows if place[-1] in (case.division(row.responsible) or ())
        ]
        if len(rows) != share.amount:
            where, clause = (
                f"{split.clause}·{case.target_name(target)}·{share.division}",
                listed(one.clause for one in ledgers),
            )
            stated, found = case.amount(share.amount, target.unit), f"{clause}有 {len(rows)} 行"
            message = f"{split.clause}写{share.division}{case.target_name(target)}{stated}，{found}，请核对。"
            yield error(where, split.clause, stated, found, message)


@rule(
    "C06",
    "单位或数量级有误",
    explanation="数字应当带单位；同一指标各处的单位应当能够折算；差一千倍、一万倍、一亿倍的，多半是多写或漏写了“千”“万”“亿”。",
)
def unit_or_magnitude_lost(case: Case) -> Iterator[Remark]:
    for same in _by_key(case).values():
        base = _base(case, same)
        expected, places = _agreed(case, [one for one in same if one.unit and case.base(one.unit) == base])
        elsewhere = f"，{listed(places)}写的是{case.amount(expected, base)}" if expected is not None else ""
        for one in same:
            wrong = _unit_fault(case, one, base, expected)
            if wrong:
                yield error(
                    case.statement_place(one),
                    one.clause,
                    _printed(one),
                    f"应为{case.amount(expected, base)}" if expected is not None else wrong,
                    f"{case.clause(one.clause)}的“{_printed(one)}”{wrong}{elsewhere}，请补正。",
                )


def _unit_fault(case: Case, one: StatementDoc, base: str, expected: Decimal | None) -> str:
    if not one.unit:
        return f"只写了“{one.magnitude}”，没有单位" if one.magnitude else "没有单位"
    if base and case.base(one.unit) != base:
        return "单位与别处的不能折算"
    times = _lost(_value(case, one), expected) if expected is not None else ""
    return f"与别处相差一{times}倍，“{times}”字多写或漏写" if times else ""


@rule(
    "C02",
    "分项加总不等于总数",
    explanation="由分项相加得到的数、由下级指标组成的上级指标，应当等于分项之和。",
)
def parts_do_not_add_up(case: Case) -> Iterator[Remark]:
    yield from _formula_faults(case, sums=True)
    for parent in case.doc.targets:
        children = case.children(parent)
        if parent.amount is None or not children or any(one.amount is None for one in children):
            continue
        base = case.base(parent.unit)
        if any(case.base(one.unit) != base for one in children):
            continue
        stated = case.in_base(parent.amount, parent.unit)
        total = sum(case.in_base(one.amount, one.unit) for one in children)
        if total != stated:
            parts = " + ".join(figure(case.in_base(one.amount, one.unit)) for one in children)
            yield error(
                case.target_place(parent),
                parent.clause,
                case.amount(parent.amount, parent.unit),
                f"{parts} = {figure(total)}",
                f"{case.target_name(parent)}写{case.amount(stated, base)}，分项"
                f"{'、'.join(case.target_name(one) for one in children)}加总为{case.amount(total, base)}，"
                f"相差{case.amount(abs(total - stated), base)}，请核对。",
            )


@rule(
    "C05",
    "差额或比例与算式不符",
    explanation="由其他数字算得的差额、比例、乘积，按印出的小数位四舍五入后应当与印出的数一致。",
)
def printed_result_differs(case: Case) -> Iterator[Remark]:
    yield from _formula_faults(case, sums=False)


@rule(
    "C03",
    "各村加总不等于合计",
    explanation="分解表各行相加应当等于这张表自己印出的合计，片的小计等于片内各村之和；“/”不是 0，不计入。",
)
def villages_do_not_add_up(case: Case) -> Iterator[Remark]:
    for split in case.doc.splits:
        target = case.targets.get(split.target)
        title = split.title or (case.target_name(target) if target else split.target)
        unit = target.unit if target else ""
        yield from _column_faults(case, split, f"{title}·合计", split.printed_total, "amount", unit)
        yield from _column_faults(case, split, f"{title}·潜力合计", split.printed_potential, "potential", unit)


def _column_faults(case: Case, split: SplitDoc, name: str, printed: Decimal | None, column: str, unit: str):
    parts = case.subtotals(split, column)
    if printed is not None:
        yield from _sum_fault(case, split, name, printed, parts.get(-1, []), column, unit)
    for at, rows in parts.items():
        if at >= 0 and _all_given(case, split.rows[at], rows, column):
            row = split.rows[at]
            yield from _sum_fault(
                case, split, f"{name}·{row.division}", getattr(row, column), rows, column, unit
            )  # fmt: skip


def _sum_fault(case: Case, split: SplitDoc, name: str, printed: Decimal, rows: list[ShareDoc], column: str, unit: str):
    values = [getattr(row, column) for row in rows]
    total = sum((value for value in values if value is not None), Decimal(0))
    if printed != total:
        yield error(
            f"{split.clause}·{name}",
            split.clause,
            case.amount(printed, unit),
            case.amount(total, unit),
            f"{split.clause}“{name}”印的是{case.amount(printed, unit)}，各行加总为{case.amount(total, unit)}，"
            f"相差{case.amount(abs(total - printed), unit)}，请核对各行和合计。",
        )


def _all_given(case: Case, whole: ShareDoc, rows: list[ShareDoc], column: str) -> bool:
    """Whether every division directly below has its row and figure: else the sum says nothing."""
    line = case.division(whole.division)
    given = {case.division(row.division)[-1].name for row in rows if getattr(row, column) is not None}
    return bool(line) and {place.name for place in line[-1].divisions} == given


def _formula_faults(case: Case, *, sums: bool) -> Iterator[Remark]:
    for one in case.doc.statements:
        formula = _formula(one)
        if formula is None or formula.is_sum != sums or one.value is None:
            continue
        figures = _figures(case, formula, one)
        computed = _computed(case, formula, figures, one)
        if computed is None or _matches(one, computed, exactly=sums and one.places is None):
            continue
        result = rounded(computed, max(_places(one), decimals(rounded(computed, 4)) if sums else 0))
        unit = f"{one.magnitude}{one.unit}"
        apart = f"{abs(result - one.value):,f}{'个百分点' if case.base(one.unit) == 'percent' else unit}"
        shown = f"{formula.shown(figures)} = {result:,f}{unit}".replace("-", MINUS)
        yield error(
            case.statement_place(one),
            one.clause,
            _printed(one),
            shown,
            f"{case.clause(one.clause)}的“{_printed(one)}”与原文自己的数不符：{shown}，相差{apart}，请核对。",
        )


def _formula(one: StatementDoc) -> Formula | None:
    try:
        return Formula(one.is_) if one.is_ else None
    except FormulaError:
        return None  # the loader refuses it, with the line


def _figures(case: Case, formula: Formula, asking: StatementDoc) -> dict[str, Decimal]:
    """The figures a formula names, in base units: those printed in the same clause before those printed elsewhere."""
    found = {}
    for name in formula.names:
        same = [one for one in case.doc.statements if one.key == name and one.value is not None]
        same.sort(key=lambda one: (one.clause != asking.clause, not one.unit))
        if same:
            found[name] = Decimal(plain(_value(case, same[0])))
        elif (target := case.targets.get(name)) and target.amount is not None:
            found[name] = Decimal(plain(case.in_base(target.amount, target.unit)))
    return found


def _computed(case: Case, formula: Formula, figures: dict, one: StatementDoc) -> Fraction | None:
    """What the formula gives, in the unit the statement is printed in; a ratio printed in % is a hundredfold."""
    try:
        result = formula.value(figures)
    except (KeyError, ZeroDivisionError):
        return None
    if case.base(one.unit) == "percent":
        return result * 100
    return result / Fraction(case.in_base(Decimal(1), one.unit, one.magnitude))


def _matches(one: StatementDoc, computed: Fraction, *, exactly: bool) -> bool:
    """A sum of printed parts is exact unless the file says ``places``; other results agree at the printed decimals."""
    if one.approximate:
        return _agree(one.value, computed, one)
    return computed == Fraction(one.value) if exactly else rounded(computed, _places(one)) == one.value


def _places(one: StatementDoc) -> int:
    """The decimals as printed: 62.40 has two."""
    return max(0, -one.value.as_tuple().exponent) if one.places is None else one.places


def _by_key(case: Case) -> dict[str, list[StatementDoc]]:
    found: dict[str, list[StatementDoc]] = {}
    for one in case.doc.statements:
        if one.value is not None:
            found.setdefault(one.key, []).append(one)
    return found


def _base(case: Case, same: list[StatementDoc]) -> str:
    """The unit most of the statements of one key can be converted to; the target's own where there is a target."""
    target = _target(case, same)
    if target:
        return case.base(target.unit)
    bases = Counter(case.base(one.unit) for one in same if one.unit)
    return bases.most_common(1)[0][0] if bases else ""


def _target(case: Case, same: Iterable[StatementDoc]) -> TargetDoc | None:
    return next((case.targets[one.target] for one in same if one.target in case.targets), None)


def _agreed(case: Case, same: list[StatementDoc]) -> tuple[Decimal | None, list[str]]:
    """The figure the others are held against, and where it stands: the target's, else the one printed most often."""
    target = _target(case, same)
    if target and target.amount is not None:
        expected, places = case.in_base(target.amount, target.unit), [target.clause]
    elif same:
        values = Counter(_value(case, one) for one in same)
        expected, places = values.most_common(1)[0][0], []
    else:
        return None, []
    return expected, [*places, *(one.clause for one in same if _value(case, one) == expected)]


def _value(case: Case, one: StatementDoc) -> Decimal:
    return case.in_base(one.value, one.unit, one.magnitude)


def _agree(value: Decimal, expected: Decimal | Fraction, one: StatementDoc) -> bool:
    if one.approximate:
        return abs(Fraction(value) - Fraction(expected)) <= ROUGHLY * abs(Fraction(expected))
    return value == expected


def _lost(value: Decimal, expected: Decimal) -> str:
    """The word for the magnitude (万, 亿) when the two differ by exactly that factor."""
    if not value or not expected:
        return ""
    ratio = Fraction(value) / Fraction(expected)
    return LOST.get(ratio, LOST.get(1 / ratio, ""))


def _printed(one: StatementDoc) -> str:
    return f"{'约' if one.approximate else ''}{figure(one.value)}{one.magnitude}{one.unit}"


def _name(case: Case, one: StatementDoc) -> str:
    target = case.targets.get(one.target)
    return f"“{case.target_name(target)}”" if target else "同一件事的数"


def _other(case: Case, same: list[StatementDoc], expected: Decimal, places: list[str]) -> str:
    """What the other places print: their own words where there are any, else the target's figure."""
    words = next((one for one in same if _value(case, one) == expected), None)
    if words is None:
        return f"{listed(places)}写的是{case.amount(expected, _base(case, same))}"
    more = [place for place in places if place != words.clause]
    also = f"（{listed(more)}同）" if more else ""
    return f"{case.clause(words.clause)}写“{short(words.printed)}”{also}"
