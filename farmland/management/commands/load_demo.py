"""Demo users and invented land, marked as such. Loading again changes nothing."""

from django.core.management.base import BaseCommand

from farmland.demo.services import load_demo


class Command(BaseCommand):
    help = "Load demo users and invented parcels and progress for the towns whose plans are loaded."

    def handle(self, **options):
        made = load_demo()
        self.stdout.write(f"演示数据：{'、'.join(made)}。" if made else "演示数据没有变化。")
