"""Plans of real towns loaded once for a module of tests; everything is rolled back when the module ends."""

from datetime import date
from pathlib import Path

import pytest
from django.db import transaction

from tasks.models import TownYear
from tasks.plan.load import load_plan

PLANS = Path(__file__).parents[2] / "plans"


def loaded(name: str, working_date: date):
    """A module-scoped fixture with the town-year of ``plans/<name>.yaml``; tests run inside its transaction."""

    @pytest.fixture(scope="module")
    def town_year(django_db_setup, django_db_blocker):
        with django_db_blocker.unblock(), transaction.atomic():
            plan = load_plan((PLANS / f"{name}.yaml").read_text(encoding="utf-8")).plan
            TownYear.objects.filter(town=plan.town, year=plan.year).update(working_date=working_date)
            yield TownYear.objects.select_related("town").get(town=plan.town, year=plan.year)
            transaction.set_rollback(True)

    return town_year
