"""Exact decimal columns: whole numbers in the database, Decimal in Python, so that SQL sums are exact.

SQLite adds decimal columns as binary floats; 270 of 1,000 exactly met targets came out unmet.
"""

from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.db import models


class ScaledField(models.BigIntegerField):
    """A Decimal with ``places`` decimals, stored as a whole number of 10^-places; finer values are refused."""

    places = 4
    default_error_messages = {
        "finer": "“%(value)s”的小数多于 %(places)s 位。",
        "number": "“%(value)s”不是数。",
    }

    def to_python(self, value):
        if value is None or value == "":
            return None
        if isinstance(value, float):
            raise TypeError(f"{self.name}: float {value!r} is not exact; give a Decimal or a text")
        try:
            number = Decimal(value)
        except (InvalidOperation, ValueError, TypeError) as error:
            raise ValidationError(self.error_messages["number"], code="number", params={"value": value}) from error
        if not number.is_finite():
            raise ValidationError(self.error_messages["number"], code="number", params={"value": value})
        if number != number.quantize(Decimal(1).scaleb(-self.places)):
            params = {"value": value, "places": self.places}
            raise ValidationError(self.error_messages["finer"], code="finer", params=params)
        return number

    def from_db_value(self, value, expression, connection):
        return None if value is None else Decimal(int(value)).scaleb(-self.places)

    def get_prep_value(self, value):
        if value is None or hasattr(value, "resolve_expression"):
            return value
        number = self.to_python(value)
        return None if number is None else int(number.scaleb(self.places))

    def value_to_string(self, obj):
        value = self.value_from_object(obj)
        return "" if value is None else format(value, "f")

    @property
    def validators(self):
        return []  # BigIntegerField's range validators compare the unscaled value

    def formfield(self, **kwargs):
        from django import forms

        return models.Field.formfield(self, form_class=forms.DecimalField, decimal_places=self.places, **kwargs)


class QuantityField(ScaledField):
    """An area in 亩 or a count in 个: ten-thousandths."""

    places = 4


class RateField(ScaledField):
    """元 per unit: ten-thousandths of a 元."""

    places = 4


class MoneyField(ScaledField):
    """元: whole 分."""

    places = 2
