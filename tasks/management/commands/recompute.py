"""Recompute progress now, in this process."""

from django.core.management.base import BaseCommand, CommandError

from tasks.models import Plan
from tasks.services import recompute


class Command(BaseCommand):
    help = "Recompute progress and red lines of every town-year, or of one town."

    def add_arguments(self, parser):
        parser.add_argument("--town", help="slug of the town")

    def handle(self, *, town, **options):
        plans = Plan.objects.select_related("town")
        if town:
            plans = plans.filter(town__slug=town)
            if not plans:
                raise CommandError(f"没有标识为“{town}”的乡镇，或它还没有方案。")
        for plan in plans:
            changed = recompute(plan.town, plan.year)
            self.stdout.write(f"{plan.town} {plan.year} 年：{changed} 行有变化。")
