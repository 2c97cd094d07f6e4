"""The land is made once for the whole package and walked once; every test works in a savepoint of its own."""

import pytest
from django.core.cache import cache

from tests.security import world
from tests.security.crawl import ROLES, crawl


@pytest.fixture(scope="package")
def standing(django_db_setup, django_db_blocker, tmp_path_factory):
    with world.land(django_db_blocker, tmp_path_factory.mktemp("land")) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh_throttles():
    cache.clear()


@pytest.fixture
def land(standing, db):
    return standing


@pytest.fixture(scope="package")
def answers(standing, django_db_blocker):
    """What every role gets at every address."""
    with django_db_blocker.unblock():
        return crawl(standing, ROLES)
