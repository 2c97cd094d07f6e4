"""What holds for every test: quick static files and passwords, and which tests share a process."""

import gc
import os
from collections import Counter

import pytest

LONGEST = ("security", "test_backup", "jobs.test_kills", "tasks.test_forms_cells", "lib.test_geo_files",
           "tasks.test_land_import", "test_demo", "test_queries", "lib.test_excel_corpus")  # fmt: skip


def pytest_configure(config):
    """Pages under test name static files as they are: hashed names exist only after collectstatic.

    Passwords of made-up people are hashed quickly; the hasher of the product has tests of its own.
    """
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    if settings.REDIS_URL:
        settings.CACHES["default"] |= {
            "BACKEND": "tests.own_cache.OwnKeys",
            "KEY_PREFIX": os.environ.get("PYTEST_XDIST_WORKER", "alone"),
        }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config, items):
    """With several processes a file stays together, and so do the files that walk the attacker's land: it is made
    and walked once for all of them, which takes a quarter of a minute. Long groups begin first, so that no process
    is left with one at the end.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    if getattr(config.option, "loadgroup", False):
        sizes = Counter(map(group_of, items))
        first = {name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: (first.get(group_of(item), len(first)), -sizes[group_of(item)], group_of(item)))


def group_of(item) -> str:
    parts = item.nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py").split("/")
    return "security" if parts[0] == "security" else ".".join(parts)


def pytest_collection_finish():
    """What is imported by now stays: garbage is looked for among the objects of the tests only, and less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
