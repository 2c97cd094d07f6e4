from celery.schedules import crontab
from django.apps import AppConfig
from django.db.models.signals import post_migrate


def write_common_dictionary(**kwargs) -> None:
    """The words, ladders and kinds every plan may use stand in the database as soon as its tables do."""
    from tasks.plan.common import common_dictionary
    from tasks.plan.dictionary_rows import write_dictionary
    from tasks.plan.sync import Differences

    write_dictionary(common_dictionary(), differences=Differences())


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "方案与任务"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from farmland.jobs.schedule import register_periodic

        post_migrate.connect(write_common_dictionary, sender=self)
        register_periodic("nightly", crontab(hour=2, minute=15), "nightly")
