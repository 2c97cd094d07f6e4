from django.apps import AppConfig


class FarmlandConfig(AppConfig):
    """The project itself: template tags, the dashboard and the commands that span the apps."""

    name = "farmland"
    label = "farmland"
    verbose_name = "守田"
