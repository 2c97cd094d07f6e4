"""``verify_audit``: whether the audit trail, and what other apps registered, is as it was written; exit 1 if not."""

from django.core.management.base import BaseCommand, CommandError

from farmland.accounts.log import AUDITS, broken_links
from farmland.accounts.models import Event


class Command(BaseCommand):
    help = "Check the hash chain of the audit trail of every town, and the seals and sums of the money."

    def handle(self, **options):
        broken = list(broken_links())
        told = [audit() for audit in AUDITS]
        wrong = [text for _, found in told for text in found]
        if broken or wrong:
            heads = ["操作记录对不上：", *broken] if broken else []
            heads += ["资金对不上：", *wrong] if wrong else []
            raise CommandError("\n".join([*heads, "请用最近的备份核对。"]))
        chains = Event.objects.order_by().values("town", "is_demo").distinct().count()
        self.stdout.write(f"{Event.objects.count()} 条操作记录，{chains} 条链，全部相符。")
        for summary, _ in told:
            self.stdout.write(summary)
