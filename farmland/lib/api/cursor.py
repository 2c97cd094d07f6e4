"""Keyset paging: a page starts after the last row of the one before, at any depth for the same price.

A cursor is a signed text that holds the ordering's values of one row; it is bound to its list and ordering.
Absent values sort last upwards and first downwards, on every database.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Q

from farmland.lib.api.errors import wrong_parameter


@dataclass(frozen=True)
class Key:
    """One term of an ordering."""

    source: str
    descending: bool = False
    nullable: bool = False

    def expression(self, backward: bool):
        """What ``order_by`` takes, turned round when walking backwards."""
        descending = self.descending != backward
        if not self.nullable:
            return f"-{self.source}" if descending else self.source
        return F(self.source).desc(nulls_first=True) if descending else F(self.source).asc(nulls_last=True)

    def same(self, value) -> Q:
        return Q(**{f"{self.source}__isnull": True}) if value is None else Q(**{self.source: value})

    def beyond(self, value, backward: bool) -> Q | None:
        """Rows strictly after ``value`` in walking direction; None if there can be none."""
        descending = self.descending != backward
        if value is None:
            return Q(**{f"{self.source}__isnull": False}) if descending else None
        if descending:
            return Q(**{f"{self.source}__lt": value})
        after = Q(**{f"{self.source}__gt": value})
        return after | Q(**{f"{self.source}__isnull": True}) if self.nullable else after


def after(keys: list[Key], values: list, backward: bool) -> Q:
    """Rows after the row with these ordering values: a > x, or a = x and b > y, or …"""
    choices, ties = [], Q()
    for key, value in zip(keys, values, strict=True):
        if (step := key.beyond(value, backward)) is not None:
            choices.append(ties & step)
        ties &= key.same(value)
    condition = choices[0]
    for choice in choices[1:]:
        condition |= choice
    return condition


def is_nullable(model, source: str) -> bool:
    """Whether a source such as "division__code" can be null; an annotation is taken to be nullable."""
    nullable = False
    for part in source.split("__"):
        try:
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except FieldDoesNotExist:
            return True
        nullable = nullable or field.null
        model = field.related_model or model
    return nullable


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: after (or, walking backwards, before) the row with these ordering values."""

    values: list
    backward: bool = False

    def text(self, salt: str) -> str:
        return signing.dumps([self.backward, [stored(value) for value in self.values]], salt=salt)

    @classmethod
    def read(cls, text: str, salt: str) -> "Cursor":
        try:
            backward, values = signing.loads(text, salt=salt)
        except (signing.BadSignature, ValueError, TypeError) as error:
            detail = "参数 cursor 无效，或与本列表、本排序不符。请从第一页重新开始，并原样使用 next 给出的地址。"
            raise wrong_parameter("cursor", detail) from error
        return cls(values, backward)


def stored(value: Any) -> Any:
    """An ordering value as JSON holds it; the model field reads the text back."""
    return str(value) if isinstance(value, Decimal | date | datetime | UUID) else value
