"""Sums, differences, products and ratios over named figures: ``quota - (survey - excluded)``. No other language.

Names are letters, digits, underscores, dots and Chinese; constants are plain decimals. All arithmetic is Decimal or
exact fractions; nothing is rounded here.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[^\W\d][\w.]*)|(?P<sign>[-+*/()]))")


class FormulaError(ValueError):
    """A formula that cannot be read, with the Chinese reason."""


class Formula:
    """A parsed formula: ``names`` it uses, ``is_sum`` (only additions of names), ``value(figures)``."""

    def __init__(self, source: str):
        self.source = source.strip()
        self.names: list[str] = []
        self.signs: set[str] = set()
        self._tokens = self._split(self.source)
        self._position = 0
        self._evaluate = self._sum()
        if self._position != len(self._tokens):
            raise FormulaError(f"算式“{self.source}”在第 {self._position + 1} 个记号处多出内容。")

    @property
    def is_sum(self) -> bool:
        return self.signs <= {"+"}

    def value(self, figures: Mapping[str, Decimal]) -> Fraction:
        """The exact result; KeyError when a figure is missing, ZeroDivisionError when a divisor is 0."""
        return self._evaluate(figures)

    def shown(self, figures: Mapping[str, Decimal]) -> str:
        """The formula with its numbers: ``16,057.05 − 15,995.15``."""
        signs = {"-": " − ", "+": " + ", "*": " × ", "/": " ÷ ", "(": "（", ")": "）"}
        return "".join(
            signs[text] if kind == "sign" else f"{Decimal(figures[text] if kind == 'name' else text):,f}"
            for kind, text in self._tokens
        )

    def _split(self, source: str) -> list[tuple[str, str]]:
        tokens, position = [], 0
        while position < len(source):
            match = TOKEN.match(source, position)
            if match is None:
                raise FormulaError(f"算式“{source}”中有不认识的字符“{source[position]}”。")
            tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()
        return tokens

    def _next(self, *signs: str) -> str | None:
        if self._position < len(self._tokens):
            kind, text = self._tokens[self._position]
            if kind == "sign" and text in signs:
                self._position += 1
                return text
        return None

    def _sum(self) -> Callable:
        left = self._product()
        while sign := self._next("+", "-"):
            self.signs.add(sign)
            left = _combine(sign, left, self._product())
        return left

    def _product(self) -> Callable:
        left = self._atom()
        while sign := self._next("*", "/"):
            self.signs.add(sign)
            left = _combine(sign, left, self._atom())
        return left

    def _atom(self) -> Callable:
        if self._next("("):
            inner = self._sum()
            if not self._next(")"):
                raise FormulaError(f"算式“{self.source}”少一个右括号。")
            return inner
        if self._position >= len(self._tokens) or self._tokens[self._position][0] == "sign":
            raise FormulaError(f"算式“{self.source}”不完整。")
        kind, text = self._tokens[self._position]
        self._position += 1
        if kind == "number":
            constant = Fraction(text)
            return lambda figures: constant
        if text not in self.names:
            self.names.append(text)
        return lambda figures: Fraction(figures[text])


def _combine(sign: str, left: Callable, right: Callable) -> Callable:
    if sign == "+":
        return lambda figures: left(figures) + right(figures)
    if sign == "-":
        return lambda figures: left(figures) - right(figures)
    if sign == "*":
        return lambda figures: left(figures) * right(figures)
    return lambda figures: left(figures) / right(figures)
