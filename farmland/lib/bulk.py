"""Many new rows at once, past the ORM's compiler: COPY on PostgreSQL, one prepared statement on SQLite.

For rows that were checked already and have their keys: no signals, no defaults of the database, no returning. What a
value looks like in the database is still the field's own business.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO

from django.db import connection, models, transaction
from django.utils import timezone

from farmland.lib.fields import ScaledField

CHUNK = 5_000  # rows of one COPY
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model, all or none; ``auto_now`` fields get this moment."""
    if not rows:
        return
    meta = type(rows[0])._meta
    fields = meta.concrete_fields
    moment = timezone.now()
    for field in fields:
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            for row in rows:
                setattr(row, field.attname, moment)
    columns = [(field.attname, _written(field)) for field in fields]
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    into = f"{connection.ops.quote_name(meta.db_table)} ({names})"
    write = _copy if connection.vendor == "postgresql" else _execute
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(rows), CHUNK):
            write(cursor, into, columns, rows[start : start + CHUNK])
    for row in rows:
        row._state.adding = False


def _execute(cursor, into: str, columns: list, rows: Sequence[models.Model]) -> None:
    places = ", ".join(["%s"] * len(columns))
    values = [[write(getattr(row, name)) for name, write in columns] for row in rows]
    cursor.executemany(f"INSERT INTO {into} VALUES ({places})", values)


def _copy(cursor, into: str, columns: list, rows: Sequence[models.Model]) -> None:
    lines = ["\t".join([_text(write(getattr(row, name))) for name, write in columns]) for row in rows]
    cursor.copy_expert(f"COPY {into} FROM STDIN", StringIO("\n".join(lines) + "\n"))


def _text(value) -> str:
    """A value as COPY reads it."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (bytes, memoryview)):
        return f"\\\\x{bytes(value).hex()}"
    return str(value)


def _written(field: models.Field) -> Callable:
    """From the attribute to what the driver takes."""
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    is_postgres = connection.vendor == "postgresql"
    if isinstance(target, models.UUIDField):
        return (lambda value: value and str(value)) if is_postgres else (lambda value: value and value.hex)
    if isinstance(target, ScaledField):
        return _scaled(target)
    if isinstance(target, models.JSONField):
        return lambda value: json.dumps(value, cls=target.encoder)
    if isinstance(target, models.DateTimeField):
        return _moment if is_postgres else connection.ops.adapt_datetimefield_value
    if is_postgres or isinstance(target, models.DateField):
        return (lambda value: value) if is_postgres else connection.ops.adapt_datefield_value
    return lambda value: value


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
