from django.apps import AppConfig


class PlacesConfig(AppConfig):
    name = "farmland.places"
    verbose_name = "行政区划与单位"
    default_auto_field = "django.db.models.BigAutoField"
