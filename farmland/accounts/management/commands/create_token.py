"""``create_token USER``: a new API token on standard output, and nothing else there."""

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from farmland.accounts.models import ApiToken, User, record


class Command(BaseCommand):
    help = "Make an API token for a user and print it; it is shown this once."

    def add_arguments(self, parser):
        parser.add_argument("user", help="user name")
        parser.add_argument("--name", default="", help="what the token is for")

    def handle(self, *, user, name, **options):
        owner = User.objects.filter(username=user).first()
        if owner is None:
            raise CommandError(f"没有用户“{user}”，请核对用户名。")
        if not owner.is_active:
            raise CommandError(f"用户“{user}”已停用，请先启用再生成令牌。")
        with transaction.atomic():
            key = ApiToken.issue(owner, name)
            record("生成接口令牌", owner.username, after={"name": name})
        self.stdout.write(key)
