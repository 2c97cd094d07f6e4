"""Many new rows at once, past the ORM's compiler: COPY on PostgreSQL, one prepared statement on SQLite.

For rows that were checked already and have their keys: no signals, no defaults of the database, no returning. What a
value looks like in the database is still the field's own business. Columns are turned as a whole, rows never are.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO

from django.db import connection, models, transaction
from django.utils import timezone

from farmland.lib.fields import ScaledField

CHUNK = 5_000  # rows of one COPY
ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))  # the backslash before those it is used in
AS_IT_IS = json.JSONEncoder(ensure_ascii=False).encode


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model, all or none; ``auto_now`` fields get this moment."""
    if not rows:
        return
    fields = type(rows[0])._meta.concrete_fields
    moment = timezone.now()
    for field in fields:
        if _is_moment(field):
            for row in rows:
                setattr(row, field.attname, moment)
    with transaction.atomic():
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            insert_columns(
                type(rows[0]), {field.attname: [getattr(row, field.attname) for row in some] for field in fields}
            )
    for row in rows:
        row._state.adding = False


def insert_columns(model: type[models.Model], columns: Mapping[str, list], **same) -> None:
    """New rows by column: attribute → the value of each row; ``same`` of all rows, else the field's own default.

    Keys may be UUIDs or their 32 digits. ``CHUNK`` rows are a good size.
    """
    count = len(next(iter(columns.values())))
    if not count:
        return
    moment, names, found = timezone.now(), [], []
    for field in model._meta.concrete_fields:
        write, name = _written(field), field.attname
        names.append(connection.ops.quote_name(field.column))
        if name in columns:
            found.append(list(map(write, columns[name])))
        else:
            one = same[name] if name in same else moment if _is_moment(field) else field.get_default()
            found.append([write(one)] * count)
    into = f"{connection.ops.quote_name(model._meta.db_table)} ({', '.join(names)})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            lines = map("\t".join, zip(*[_texts(one) for one in found], strict=True))
            cursor.copy_expert(f"COPY {into} FROM STDIN", StringIO("\n".join(lines) + "\n"))
        else:
            places = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {into} VALUES ({places})", zip(*found, strict=True))


def _is_moment(field: models.Field) -> bool:
    return getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)


def _texts(values: Sequence) -> list[str]:
    """A column as COPY reads it; escaped all at once, between NULs, which PostgreSQL takes in no text."""
    joined = "\0".join([value if type(value) is str else _text(value) for value in values])
    for letter, escape in ESCAPES:
        joined = joined.replace(letter, escape)
    texts = joined.split("\0")
    if None in values:
        texts = ["\\N" if value is None else text for value, text in zip(values, texts, strict=True)]
    return texts


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (bytes, memoryview)):
        return f"\\x{bytes(value).hex()}"
    return str(value)


def _written(field: models.Field) -> Callable:
    """From the attribute to what the driver takes."""
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    is_postgres = connection.vendor == "postgresql"
    if isinstance(target, models.UUIDField):
        return lambda value: value if value is None or type(value) is str else value.hex
    if isinstance(target, ScaledField):
        return _scaled(target)
    if isinstance(target, models.JSONField):
        is_plain = is_postgres and target.encoder is None  # jsonb keeps the letters, not how they were written
        return AS_IT_IS if is_plain else lambda value: json.dumps(value, cls=target.encoder)
    if isinstance(target, models.DateTimeField):
        return _moment if is_postgres else connection.ops.adapt_datetimefield_value
    if is_postgres or isinstance(target, models.DateField):
        return _same if is_postgres else connection.ops.adapt_datefield_value
    return _same


def _same(value):
    return value


def _scaled(field: ScaledField) -> Callable:
    """Whole numbers of the smallest part; every value is looked at once, most are one of few."""
    known: dict[Decimal, int] = {}

    def write(value):
        if value is None:
            return None
        if value not in known or isinstance(value, float):
            known[value] = field.get_prep_value(value)
        return known[value]

    return write


def _moment(value: datetime | None) -> str | None:
    return value and value.isoformat()
