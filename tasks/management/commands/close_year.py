"""Close a town's year: afterwards nothing of it can be entered."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from farmland.places.models import Division
from tasks.years import YearRefused, close_year


class Command(BaseCommand):
    help = "Freeze a town's year."

    def add_arguments(self, parser):
        parser.add_argument("town", help="slug of the town")
        parser.add_argument("year", type=int)
        parser.add_argument("--reason", default="")

    def handle(self, *, town, year, reason, **options):
        place = Division.objects.filter(slug=town).first()
        if place is None:
            raise CommandError(f"没有标识为“{town}”的乡镇。")
        try:
            close_year(place, year, by=None, on=timezone.localdate(), reason=reason)
        except YearRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{place} {year} 年已关账。")
