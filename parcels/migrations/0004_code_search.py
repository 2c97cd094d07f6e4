"""A piece of a code is found by its three-letter groups where PostgreSQL offers them; elsewhere by reading along."""

import logging

from django.db import DatabaseError, migrations, transaction

INDEXES = {"listing_code_pieces": ("parcels_listing", "code"), "parcel_codes_pieces": ("parcels_parcel", "codes")}


def index_pieces(apps, schema_editor):
    """pg_trgm may be created by a database's owner (PostgreSQL 13 and later); without it the search stays as it was."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for name, (table, column) in INDEXES.items():
                cursor.execute(
                    f"CREATE INDEX IF NOT EXISTS {name} ON {table} USING gin (UPPER({column}::text) gin_trgm_ops)"
                )
    except DatabaseError as error:
        logging.getLogger(__name__).warning("code search without pg_trgm reason=%s", type(error).__name__)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("parcels", "0003_overlaps")]
    operations = [migrations.RunPython(index_pieces, drop)]
