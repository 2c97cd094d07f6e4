from django.apps import AppConfig


class SubsidiesConfig(AppConfig):
    name = "subsidies"
    verbose_name = "补助"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from subsidies import check, check_years
        from subsidies.load import write_programs
        from tasks.check import register
        from tasks.plan.load import register_section
        from tasks.views.parcel_sections import Section, register_parcel_section

        register("C15", check.TITLE, check.parts_against_rate, explanation=check.EXPLANATION)
        finder = check_years.counted_in_two_years
        register("C20", check_years.TITLE, finder, explanation=check_years.EXPLANATION)
        register_section(write_programs)
        register_parcel_section(Section("parcel_money", "补助", may_read_money))


def may_read_money(user, parcel) -> bool:
    return user.can("read_money", parcel.division)
