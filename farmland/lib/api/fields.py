"""What a request body holds: exact numbers in plain notation, days, and no field nobody asked for."""

import re

from rest_framework import exceptions, serializers

PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
SHOWN = 40
NO_VALUE = ("required", "null", "blank")


class TellsValue:
    """A field whose refusals say what was sent: 请填写合法的数字，现为“12亩”。"""

    def run_validation(self, data=serializers.empty):
        try:
            return super().run_validation(data)
        except exceptions.ValidationError as refusal:
            raise exceptions.ValidationError([_told(one, data) for one in refusal.detail]) from refusal


def _told(one: exceptions.ErrorDetail, data) -> exceptions.ErrorDetail:
    if one.code in NO_VALUE:
        return one
    return exceptions.ErrorDetail(f"{str(one).rstrip('。')}，现为“{str(data)[:SHOWN]}”。", code=one.code)


class PlainDecimalField(TellsValue, serializers.DecimalField):
    """A number as 12.50, in a text or as a JSON number; 1e2, 1_0, ١٢ and NaN are refused with 400."""

    def to_internal_value(self, data):
        if isinstance(data, bool) or not PLAIN.fullmatch(str(data).strip()):
            self.fail("invalid")
        return super().to_internal_value(data)


class DayField(TellsValue, serializers.DateField):
    """A day as 2024-10-12."""

    default_error_messages = {"invalid": "日期应写成 2024-10-12 的样子。"}


class Body(serializers.Serializer):
    """A body without fields it does not know: a misspelt name is never taken for an absent one.

    ``may_come_back``: what an answer has besides; a client that sends a row back may leave it in.
    """

    may_come_back = frozenset()

    def to_internal_value(self, data):
        known = self.fields.keys() | self.may_come_back
        if wrong := [name for name in data if name not in known]:
            text = f"没有这个字段，或这个字段不能写。可以写的有：{'、'.join(self.fields)}。"
            errors = {name[:SHOWN]: [exceptions.ErrorDetail(text, code="unknown")] for name in wrong}
            raise exceptions.ValidationError(errors)
        return super().to_internal_value(data)
