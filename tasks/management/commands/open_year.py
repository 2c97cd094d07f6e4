"""Open a town's year from the closed year before."""

from django.core.management.base import BaseCommand, CommandError

from farmland.lib.numbers import plain
from farmland.places.models import Division
from tasks.years import YearRefused, open_year


class Command(BaseCommand):
    help = "Open a year: unfinished works and issues of the closed year before go on."

    def add_arguments(self, parser):
        parser.add_argument("town", help="slug of the town")
        parser.add_argument("year", type=int)

    def handle(self, *, town, year, **options):
        place = Division.objects.filter(slug=town).first()
        if place is None:
            raise CommandError(f"没有标识为“{town}”的乡镇。")
        try:
            carried = open_year(place, year, by=None)
        except YearRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{place} {year} 年已打开：整体结转 {carried.moved} 项，结转剩余 {carried.split} 项，"
            f"未治理图斑 {carried.parcels} 个，问题 {carried.issues} 个，共 {plain(carried.area)} 亩。"
        )
