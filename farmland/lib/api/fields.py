"""Serializer fields that take what the house takes: exact numbers in plain notation."""

import re

from rest_framework import serializers

PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class PlainDecimalField(serializers.DecimalField):
    """A number as 12.50, in a text or as a JSON number; 1e2, 1_0, ١٢ and NaN are refused with 400."""

    def to_internal_value(self, data):
        if isinstance(data, bool) or not PLAIN.fullmatch(str(data).strip()):
            self.fail("invalid")
        return super().to_internal_value(data)
