"""C15: the parts a rate is made of (复耕 300 + 复种 200) against the rate. Registered in ``AppConfig.ready``."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from tasks.check.case import Case, figure
from tasks.check.registry import Remark, error

TITLE = "组成部分加总不等于补助标准"
EXPLANATION = "补助标准写明由几部分组成的（如复耕 300 元、复种 200 元），各部分相加应当等于标准。"


def parts_against_rate(case: Case) -> Iterator[Remark]:
    for program in case.doc.programs:
        for rate in program.rates:
            yield from parts_off(rate)


def parts_off(rate) -> Iterator[Remark]:
    """One remark for every price of a rate that its parts do not add up to."""
    for name, price, components in _priced(rate):
        total = sum(components.values())
        if total == price:
            continue
        parts = " + ".join(f"{part}{figure(value)}" for part, value in components.items())
        yield error(
            f"{rate.clause}·{rate.name}{name}",
            rate.clause,
            f"{figure(price)}元/亩",
            f"{' + '.join(figure(value) for value in components.values())} = {figure(total)}元/亩",
            f"“{rate.name}”{name}标准为{figure(price)}元/亩，组成部分{parts}加总为{figure(total)}元/亩，"
            f"相差{figure(abs(total - price))}元/亩，请核对。",
        )


def _priced(rate) -> Iterator[tuple[str, Decimal, dict[str, Decimal]]]:
    """(row of the table or "", price, parts) for every price of a rate whose parts are given.

    ``components`` is {part: figure}, or {row: {part: figure}} beside a price read from a table.
    """
    components = rate.components or {}
    readings = rate.readings if isinstance(rate.readings, dict) else {}
    named = [("", line) for line in rate.lines or []]
    named += [(f"（读法{key}）", line) for key, lines in readings.items() for line in lines or []]
    for reading, line in named:
        price = line.get("price") if isinstance(line, dict) else None
        if isinstance(price, dict):
            table = price.get("table") or {}
            for row, value in table.items():
                yield from _pair(f"{reading}（{row}）", value, components.get(row))
        else:
            yield from _pair(reading, price, components)


def _pair(name: str, price, components) -> Iterator[tuple[str, Decimal, dict[str, Decimal]]]:
    parts = {part: _decimal(value) for part, value in components.items()} if isinstance(components, dict) else {}
    price = _decimal(price)
    if price is not None and parts and None not in parts.values():
        yield name, price, parts


def _decimal(value) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
