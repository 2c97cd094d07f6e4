"""What holds for every test: quick static files and passwords, and which tests share a process."""

import pytest


def pytest_configure(config):
    """Pages under test name static files as they are: hashed names exist only after collectstatic.

    Passwords of made-up people are hashed quickly; the hasher of the product has tests of its own.
    """
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items):
    """With several processes a file stays together, and so do the files that walk the attacker's land: it is made
    and walked once for all of them, which takes a quarter of a minute.
    """
    for item in items:
        parts = item.nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py").split("/")
        item.add_marker(pytest.mark.xdist_group("security" if parts[0] == "security" else ".".join(parts)))
