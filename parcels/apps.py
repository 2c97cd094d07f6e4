from django.apps import AppConfig


class ParcelsConfig(AppConfig):
    name = "parcels"
    verbose_name = "图斑与治理"
    default_auto_field = "django.db.models.BigAutoField"
