from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "farmland.jobs"
    verbose_name = "后台作业"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from farmland.jobs import schedule, worker  # noqa: F401  worker connects Celery's signals

        schedule.register_sweep()
