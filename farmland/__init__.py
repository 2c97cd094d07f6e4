"""守田 Farmland: a township's farmland-protection year. This package wires the apps together."""

from farmland.celery import app as celery_app

__all__ = ["celery_app"]
