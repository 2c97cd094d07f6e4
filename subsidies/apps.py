from django.apps import AppConfig


class SubsidiesConfig(AppConfig):
    name = "subsidies"
    verbose_name = "补助"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from subsidies import check
        from subsidies.load import write_programs
        from tasks.check import register
        from tasks.plan.load import register_section

        register("C15", check.TITLE, check.parts_against_rate, explanation=check.EXPLANATION)
        register_section(write_programs)
