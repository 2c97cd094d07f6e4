"""What a money service shares with the others: refusals that stay on record, rights, the lock of a town's year."""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.db import DatabaseError, IntegrityError, transaction

from farmland.accounts.models import User
from farmland.lib.refused import Refused
from farmland.places.models import Division
from subsidies.attempts import attempted
from tasks.models import TownYear


def logged(action: str) -> Callable:
    """A service ``f(row, …, by=)`` in one transaction; a refusal changes nothing, is an event, and is raised.

    What the database refuses (a constraint, a frozen row) is a refusal too: never a page of errors.
    """

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def service(row, *args, by: User, **words):
            about = row.pk if isinstance(row.pk, UUID) else None
            with attempted(action, str(row), by=by, town=row.town, about=about):
                try:
                    with transaction.atomic():
                        return function(row, *args, by=by, **words)
                except IntegrityError as error:
                    raise Refused(told(error), code="conflict") from error

        return service

    return decorate


def told(error: DatabaseError) -> str:
    """The Chinese sentence of a trigger, else a plain one; never a name of a table."""
    text = str(error).split("\n")[0].strip()
    return text if text.endswith("。") else "与别人同时办理的结果冲突，没有改动，请刷新后再办。"


def may(by: User, action: str, place: Division, what: str) -> None:
    if not by.can(action, place):
        raise Refused(f"您没有在“{place}”{what}的权限。", code="permission_denied")


def lock_year(town_id, year: int) -> TownYear:
    """The first lock every money service takes; a closed year still pays what it owes."""
    rows = TownYear.objects.select_for_update(of=("self",)).select_related("town")
    return rows.get(town=town_id, year=year)
