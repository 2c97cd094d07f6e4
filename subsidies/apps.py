from django.apps import AppConfig


class SubsidiesConfig(AppConfig):
    name = "subsidies"
    verbose_name = "补助"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from subsidies import check
        from tasks.check import register

        register("C15", check.TITLE, check.parts_against_rate, explanation=check.EXPLANATION)
