"""Remove all demo data and everything demo users did."""

from django.core.management.base import BaseCommand

from farmland.demo.services import remove_demo


class Command(BaseCommand):
    help = "Remove demo users, demo divisions and every invented or demo-entered fact."

    def handle(self, **options):
        removed = remove_demo()
        parts = "，".join(f"{name} {count}" for name, count in removed.items())
        self.stdout.write(f"已删除演示数据：{parts}。" if removed else "没有演示数据。")
