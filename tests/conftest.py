"""Shared fixtures. Factories live in tests/factories.py."""


def pytest_configure(config):
    """Pages under test name static files as they are: hashed names exist only after collectstatic."""
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
