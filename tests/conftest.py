"""Shared fixtures. Factories live in tests/factories.py."""


def pytest_configure(config):
    """Pages under test name static files as they are: hashed names exist only after collectstatic.

    Passwords of made-up people are hashed quickly; the hasher of the product has tests of its own.
    """
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
