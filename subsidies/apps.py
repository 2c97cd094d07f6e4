from django.apps import AppConfig


class SubsidiesConfig(AppConfig):
    name = "subsidies"
    verbose_name = "补助"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from subsidies.entitlements import check_years
        from subsidies.rates import check
        from subsidies.rates.load import write_programs
        from tasks.check import register
        from tasks.plan.load import register_section
        from tasks.views.parcel_sections import Section, register_parcel_section

        register("C15", check.TITLE, check.parts_against_rate, explanation=check.EXPLANATION)
        finder = check_years.counted_in_two_years
        register("C20", check_years.TITLE, finder, explanation=check_years.EXPLANATION)
        register_section(write_programs)
        register_parcel_section(Section("parcel_money", "补助", may_read_money))
        self.watch()

    def watch(self):
        """The freeze of what was approved, and who looks every night whether it held."""
        from celery.schedules import crontab
        from django.db.models.signals import post_migrate, pre_migrate

        from farmland.accounts.log import register_audit
        from farmland.jobs.schedule import register_periodic
        from subsidies.proof import audit, freeze

        register_audit(audit.money)
        register_periodic("money-audit", crontab(hour=3, minute=10), audit.KIND)
        pre_migrate.connect(freeze.before_migrations, sender=self, dispatch_uid="subsidies.freeze")
        post_migrate.connect(freeze.after_migrations, sender=self, dispatch_uid="subsidies.freeze")


def may_read_money(user, parcel) -> bool:
    return user.can("read_money", parcel.division)
