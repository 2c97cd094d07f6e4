"""``verify_audit``: whether every record of the audit trail is as it was written; exit 1 where one is not."""

from django.core.management.base import BaseCommand, CommandError

from farmland.accounts.log import broken_links
from farmland.accounts.models import Event


class Command(BaseCommand):
    help = "Check the hash chain of the audit trail of every town."

    def handle(self, **options):
        broken = list(broken_links())
        if broken:
            raise CommandError("\n".join(["操作记录对不上：", *broken, "请用最近的备份核对。"]))
        chains = Event.objects.order_by().values("town", "is_demo").distinct().count()
        self.stdout.write(f"{Event.objects.count()} 条操作记录，{chains} 条链，全部相符。")
