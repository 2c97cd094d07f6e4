"""Run queued jobs in this process, without Celery: at start-up, from cron, in tests."""

from django.core.management.base import BaseCommand

from farmland.jobs import services


class Command(BaseCommand):
    help = "处理排队的后台作业。"

    def add_arguments(self, parser):
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--once", action="store_true", help="只做一项")
        how.add_argument("--drain", action="store_true", help="做完所有到期的作业")

    def handle(self, *args, once, drain, **options):
        services.sweep()
        count = services.run_pending(limit=1 if once else None)
        self.stdout.write(f"处理了 {count} 项后台作业。")
