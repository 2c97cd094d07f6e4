"""What was asked for and refused is a fact too: it changes nothing and is logged."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from farmland.accounts.models import User, record
from farmland.lib.refused import Refused
from farmland.places.models import Division


@contextmanager
def attempted(action: str, subject: str, *, by: User, town: Division, about=None) -> Iterator[None]:
    """One transaction. A refusal undoes it, is logged in a transaction of its own, and goes on to the door."""
    try:
        with transaction.atomic():
            yield
    except Refused as refusal:
        refuse(action, subject, refusal.message, by=by, town=town, about=about)
        raise


def refuse(action: str, subject: str, reason: str, *, by: User, town: Division, about=None) -> None:
    """Log an attempt that a door turned away itself, such as a row of another village (for the asker a plain 404)."""
    record(f"{action}（未准）", subject, user=by, town=town, reason=reason, about=about)
