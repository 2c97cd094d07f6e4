"""The towns of real plans with people in them, loaded once for a module of page tests."""

from contextlib import contextmanager
from datetime import date

from django.conf import settings
from django.db import transaction

from farmland.accounts.models import Grant, User
from farmland.places.models import Division
from tasks.findings import check
from tasks.models import Plan, TownYear
from tasks.plan.load import load_plan
from tasks.services import recompute

DAYS = {"xihe": date(2024, 10, 12), "erping": date(2023, 9, 12)}


@contextmanager
def towns(blocker, *names: str):
    """The plans of ``names`` (xihe-2024) loaded, checked and computed; all gone at the end."""
    with blocker.unblock():
        outer = transaction.atomic()
        outer.__enter__()
        for name in names:
            load_town(name)
        yield {one.slug: one for one in Division.objects.filter(is_tenant=True)}
        transaction.set_rollback(True)
        outer.__exit__(None, None, None)


def load_town(name: str) -> Plan:
    source = (settings.BASE_DIR / "plans" / f"{name}.yaml").read_text(encoding="utf-8")
    plan = load_plan(source).plan
    TownYear.objects.filter(town=plan.town).update(working_date=DAYS.get(plan.town.slug))
    check(plan)
    recompute(plan.town, plan.year)
    return plan


def person(role: str, division: Division, name: str = "") -> User:
    user = User.objects.create(username=name or f"{role}-{division.code}")
    Grant.objects.create(user=user, role=role, division=division)
    return user


def village(town: Division, name: str) -> Division:
    return Division.objects.get(town=town, name=name)


def sign_in(client, user: User):
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(client, address: str, **headers) -> str:
    """The page's HTML; it must be there."""
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()
