"""C09: dates that cannot be kept, are missing, have no year, overlap, or fall outside their phase."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations

from farmland.lib.dates import MISSING_DASH, PrintedDate, arabic, days_in, parse_date
from farmland.lib.numbers import narrow
from tasks.check.case import Case, short
from tasks.check.registry import Remark, error, rule, warning
from tasks.plan.document import MilestoneDoc, PhaseDoc

YEAR = re.compile(r"(19|20)\d{2}")
REMARK = re.compile(r"\([^()]*\)")  # （预计10月底下发）: not the day itself
DATE_LIKE = re.compile(r"\d")


@rule(
    "C09",
    "时间安排有误",
    explanation="整改时限不能早于印发日期，不能是没有的日子；时限不能空缺、缺年份；阶段不能重叠，节点应在所属阶段和指标时限之内；"
    "同一件事不能有两种频次。前后阶段在同一天相接不算重叠。",
)
def dates_that_do_not_hold(case: Case) -> Iterator[Remark]:
    yield from _ledger_deadlines(case)
    yield from _target_deadlines(case)
    yield from _rule_deadlines(case)
    for phase in case.doc.phases:
        yield from _phase(case, phase)
    for phase, stone in case.doc.every_milestone():
        yield from _milestone(case, phase, stone)
    yield from _overlaps(case)
    yield from _cadences(case)


def _ledger_deadlines(case: Case) -> Iterator[Remark]:
    for ledger, row in case.rows():
        place = case.row_place(ledger, row)
        if _says_none(case, row.due):
            message = f"{place}（{row.location}）没有整改时限，请补写时限或下次复核的日期。"
            yield warning(place, ledger.clause, row.due or "空白", "缺整改时限", message)
        elif not _by_word(case, row.due):
            yield from _deadline(case, place, ledger.clause, row.due, yearless=True)


def _target_deadlines(case: Case) -> Iterator[Remark]:
    for target in case.doc.targets:
        yield from _against_print(
            case, f"{case.target_place(target)}·时限原文", target.clause, target.due_printed, target.due_on
        )  # fmt: skip
        printed = target.due_printed or (target.due_on.isoformat() if target.due_on else "")
        if target.due_on and _before_issue(case, target.due_on):
            yield _past(case, f"{case.target_place(target)}·完成时限", target.clause, printed, target.due_on)
        elif printed and not target.due_on and not _by_word(case, printed):
            yield from _deadline(case, f"{case.target_place(target)}·完成时限", target.clause, printed)


def _against_print(case: Case, place: str, clause: str, printed: str, day: date | None) -> Iterator[Remark]:
    """The day entered against the words it was read from: a day that does not exist, or another one."""
    if day is None or not printed:
        return
    try:
        found = days_in(REMARK.sub("", narrow(printed)), year=case.doc.year)
    except ValueError as fault:
        yield error(place, clause, printed, "不是可用的日期", f"{place}：{fault}")
        return
    if found and not any(_means(one, day) for one in found):
        message = f"{place}“{printed}”与登记的日期 {day} 不同，请核对。"
        yield warning(place, clause, printed, f"登记为 {day}", message)


def _means(one: PrintedDate, day: date) -> bool:
    """Whether a printed point in time may be entered as that day: within the day, the part of a month or the month."""
    return one.first <= day <= one.last


def _rule_deadlines(case: Case) -> Iterator[Remark]:
    said = {stone.clause for _, stone in case.doc.every_milestone()}
    for one in case.doc.rules:
        printed = str((one.then or {}).get("due") or "")
        if printed and one.clause not in said and not _by_word(case, printed):
            yield from _deadline(case, f"{one.clause}·{short(printed)}", one.clause, printed)


def _deadline(case: Case, place: str, clause: str, printed: str, *, yearless: bool = False) -> Iterator[Remark]:
    """Faults of one deadline as printed; without a year it is read in the plan's year and said when asked to."""
    try:
        found = parse_date(printed, year=case.doc.year, issued_on=case.doc.issued_on)
    except ValueError as fault:
        yield error(place, clause, printed, "不是可用的日期", f"{place}：{fault}")
        return
    if found is None or found.last is None:
        return
    if _before_issue(case, found.last):
        yield _past(case, place, clause, printed, found.last)
    elif (yearless or not _year_known(case)) and _without_year(printed):
        message = f"{place}的“{printed}”没有写年份，请补写（暂按 {case.doc.year} 年）。"
        yield warning(place, clause, printed, "缺年份", message)


def _past(case: Case, place: str, clause: str, printed: str, due: date) -> Remark:
    issued = case.doc.issued_on
    days = (issued - due).days
    message = f"{place}“{printed}”早于方案印发日期 {issued}，早 {days} 天，无法按时完成，请改定时限。"
    return error(place, clause, printed, f"早于印发日期 {issued}，早 {days} 天", message)


def _phase(case: Case, phase: PhaseDoc) -> Iterator[Remark]:
    place = f"{phase.clause}·{phase.name}"
    if phase.from_ and phase.to and phase.to < phase.from_:
        message = f"{place}的结束日期 {phase.to} 早于开始日期 {phase.from_}，请核对。"
        yield error(place, phase.clause, phase.printed, "结束早于开始", message)
        return
    missing = [name for name, day in (("开始", phase.from_), ("结束", phase.to)) if day is None]
    faults = [f"没有{'和'.join(missing)}日期"] if missing and DATE_LIKE.search(narrow(phase.printed)) else []
    if "即日起" in phase.printed and case.doc.issued_on is None:
        faults = ["写“即日起”，方案却没有印发日期，起点不明"]
    faults += _print_faults(case, phase.printed)
    if faults:
        text = "；".join(faults)
        yield warning(place, phase.clause, phase.printed, text, f"{place}“{phase.printed}”{text}，请补正。")
    yield from _already_over(case, f"{place}·已过", phase.clause, phase.printed, phase.to)


def _milestone(case: Case, phase: PhaseDoc | None, stone: MilestoneDoc) -> Iterator[Remark]:
    clause = stone.clause or (phase.clause if phase else "")
    place = f"{clause}·{stone.name}"
    days = [day for day in (stone.from_, stone.on) if day]
    if not stone.repeats:
        yield from _against_print(case, f"{place}·原文", clause, stone.printed, stone.on)
    faults = _print_faults(case, stone.printed)
    if phase and not stone.repeats and any(_outside(phase, day) for day in days):
        faults.append(f"不在“{phase.name}”（{phase.from_ or '……'} 至 {phase.to or '……'}）之内")
    if not (days or faults or stone.repeats or _by_word(case, stone.printed)):
        faults.append("没有日期")
    faults += _after_due(case, stone)
    if faults:
        text = "；".join(faults)
        yield warning(place, clause, stone.printed, text, f"{place}“{stone.printed}”{text}，请补正。")
    if not (phase and phase.to and _before_issue(case, phase.to)):  # else the phase says so
        yield from _already_over(case, f"{place}·已过", clause, stone.printed, stone.on)


def _after_due(case: Case, stone: MilestoneDoc) -> list[str]:
    """Work that ends after the deadline of its own target; an acceptance may come later."""
    if stone.on is None or stone.repeats:
        return []
    targets = [case.targets[key] for key in stone.targets if key in case.targets]
    return [
        f"晚于{case.target_name(target)}的时限 {target.due_on}"
        for target in targets
        if target.due_on and stone.on > target.due_on and not case.is_acceptance(target.kind, stone.rung)
    ]


def _outside(phase: PhaseDoc, day: date) -> bool:
    return bool((phase.from_ and day < phase.from_) or (phase.to and day > phase.to))


def _already_over(case: Case, place: str, clause: str, printed: str, last: date | None) -> Iterator[Remark]:
    """A step that was over when the plan was issued may have been done: a warning, unlike a deadline."""
    if last and _before_issue(case, last):
        issued = case.doc.issued_on
        found = f"印发之日 {issued} 已过 {(issued - last).days} 天"
        message = f"{place.removesuffix('·已过')}“{printed}”在方案{found}，请说明是否已经完成。"
        yield warning(place, clause, printed, found, message)


def _print_faults(case: Case, printed: str) -> list[str]:
    """What is missing in a date or span as printed: the dash between its ends, the year."""
    faults = []
    if MISSING_DASH.search(arabic(re.sub(r"\s+", "", narrow(printed)))):
        faults.append("起止日期之间缺“至”")
    if not _year_known(case) and _without_year(printed):
        faults.append(f"没有年份（暂按 {case.doc.year} 年）")
    return faults


def _overlaps(case: Case) -> Iterator[Remark]:
    dated = [phase for phase in case.doc.phases if phase.from_ and phase.to and phase.from_ <= phase.to]
    for first, second in combinations(sorted(dated, key=lambda one: (one.from_, one.to)), 2):
        days = (min(first.to, second.to) - second.from_ + timedelta(days=1)).days
        if days > 1:
            yield warning(
                f"{second.clause}·{first.name}与{second.name}",
                second.clause,
                f"{first.printed}；{second.printed}",
                f"重叠 {days} 天",
                f"“{first.name}”（{first.printed}）与“{second.name}”（{second.printed}）重叠 {days} 天，"
                "请核对起止日期。",
            )


def _cadences(case: Case) -> Iterator[Remark]:
    """Two frequencies for the same meeting or report of the same holder."""
    for first, second in combinations(case.doc.cadences, 2):
        same = (first.topic or first.name) == (second.topic or second.name)
        if same and first.every != second.every:
            name = first.name if first.name == second.name else f"{first.name}与{second.name}"
            yield warning(
                f"{second.clause}·{name}",
                second.clause,
                f"{first.quote or first.every}；{second.quote or second.every}",
                "两种频次",
                f"{name}的频次前后不一：{first.clause}写“{first.quote or first.every}”，"
                f"{second.clause}写“{second.quote or second.every}”，请明确一种，或分别写明是哪项工作的调度。",
            )


def _says_none(case: Case, printed: str) -> bool:
    term = case.dictionary.term("due_words", printed)
    if term is not None:
        return term.code == "none"
    return _read(printed) is None and not DATE_LIKE.search(narrow(printed))


def _by_word(case: Case, printed: str) -> bool:
    """Whether a due date is given by a word of the dictionary (立即, 按台账时限) or by no figure at all."""
    return case.dictionary.term("due_words", printed) is not None or not DATE_LIKE.search(arabic(narrow(printed)))


def _read(printed: str) -> PrintedDate | None:
    try:
        return parse_date(printed)
    except ValueError:
        return None


def _without_year(printed: str) -> bool:
    text = arabic(narrow(printed))
    return bool(DATE_LIKE.search(text)) and not YEAR.search(text) and "每" not in text and "各年" not in text


def _year_known(case: Case) -> bool:
    """Whether title or day of issue say which year the plan's dates belong to."""
    return case.doc.issued_on is not None or bool(YEAR.search(narrow(case.doc.title)))


def _before_issue(case: Case, day: date) -> bool:
    return case.doc.issued_on is not None and day < case.doc.issued_on
