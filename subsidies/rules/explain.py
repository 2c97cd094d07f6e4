"""The explanation an entitlement keeps (计算说明): every step and every condition, numbers as text. Pure."""

from fractions import Fraction

from subsidies.rules.amounts import Priced, Shares, as_number, money, rounded
from subsidies.rules.rule import Rule, number, pairs
from subsidies.rules.words import Words, number_text


def explained(rule: Rule, group, priced: Priced | None, shares: Shares | None, tests: list, words: Words) -> dict:
    return {
        "rate": {
            "key": rule.key, "name": rule.name, "clause": rule.clause, "document": rule.document,
            "chosen": rule.chosen,
        },
        "base": _base(rule, group, words),
        "lines": _shown(priced),
        "pool": _pool(priced, words),
        "readings": [_reading(rule, group, name) for name in sorted(rule.readings) if len(rule.readings) > 1],
        "components": _components(rule, priced),
        "less": priced.less if priced else [],
        "at_most": _ceiling(priced, words),
        "exact": None if priced is None else number_text(priced.exact),
        "rounding": None if priced is None else _rounding(priced),
        "tests": tests,
        "parts": shares.parts if shares else [],
        "sources": shares.sources if shares else [],
        "works": sorted({work for row in group.rows for work in row.works}),
        "facts": _facts(rule, group, words),
    }  # fmt: skip


def _base(rule: Rule, group, words: Words) -> dict | None:
    if rule.base is None:
        return None
    name = rule.base.removeprefix("$") if isinstance(rule.base, str) else ""
    value = as_number(group.facts.get(name)) if name else rule.base
    cap = None
    if rule.base_cap is not None:
        of = rule.base_cap.removeprefix("$") if isinstance(rule.base_cap, str) else ""
        most = as_number(group.facts.get(of)) if of else rule.base_cap
        cap = {"fact": of, "label": words.fact(of) if of else "", "value": _text(most)}
    return {
        "fact": name, "label": words.fact(name) if name else "", "value": _text(value), "cap": cap,
        "used": _text(group.base),
    }  # fmt: skip


def _text(value: Fraction | None) -> str | None:
    return None if value is None else number_text(value)


def _shown(priced: Priced | None) -> list[dict]:
    return (
        [{name: value for name, value in line.items() if name != "exact"} for line in priced.lines if line]
        if (priced)
        else []
    )


def _pool(priced: Priced | None, words: Words) -> dict | None:
    if priced is None or priced.pool is None:
        return None
    pool = priced.pool
    return {
        "fact": pool.fact, "label": words.fact(pool.fact), "value": money(pool.whole), "area": number_text(pool.area),
        "price": number_text(pool.price), "rounded_down": priced.is_down,
    }  # fmt: skip


def _reading(rule: Rule, group, name: str) -> dict:
    priced = group.sum.readings.get(name) if group.sum else None
    return {
        "key": name, "chosen": name == rule.chosen, "amount": money(priced.rounded) if priced else None,
        "lines": _shown(priced),
    }  # fmt: skip


def _components(rule: Rule, priced: Priced | None) -> list[dict]:
    """The parts a plain price is made of; the last takes what rounding leaves."""
    plain = [(name, value) for name, value in rule.components if not isinstance(value, dict | list)]
    if priced is None or not plain or len(priced.lines) != 1 or "area" not in priced.lines[0]:
        return []
    area, rest, found = Fraction(priced.lines[0]["area"]), priced.rounded, []
    for name, value in pairs(plain[:-1]):
        part = rounded(area * number(value), "down", 2)
        rest -= part
        found.append({"name": name, "price": str(value), "amount": money(part)})
    name, value = plain[-1]
    return [*found, {"name": name, "price": str(value), "amount": money(rest)}]


def _ceiling(priced: Priced | None, words: Words) -> dict | None:
    if priced is None or priced.ceiling is None:
        return None
    return priced.ceiling | {"label": words.fact(priced.ceiling["fact"])}


def _rounding(priced: Priced) -> dict:
    mode = "down" if priced.is_down else priced.mode
    return {"mode": mode, "places": priced.places, "rounded": money(priced.rounded)}


def _facts(rule: Rule, group, words: Words) -> dict[str, str]:
    """What the rule asked for, of the one row or of the group, in words."""
    names = sorted(rule.facts)
    facts = group.facts or (group.rows[0].facts if len(group.rows) == 1 else {})
    return {words.fact(name): words.value(name, facts.get(name)) for name in names if name in facts}
