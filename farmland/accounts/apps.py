from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "farmland.accounts"
    verbose_name = "用户与授权"
    default_auto_field = "django.db.models.BigAutoField"
