"""Celery only wakes workers up: the queue of record is the Job table (farmland.jobs)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "farmland.settings")

app = Celery("farmland")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")  # the app `tasks` owns the word task; without this Celery finds none
