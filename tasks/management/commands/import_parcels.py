"""``manage.py import_parcels TOWN YEAR FILE``: a parcel list into the database, all of it or nothing."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib.excel import FileRefused
from farmland.lib.numbers import fixed
from parcels.imports.services import PURPOSE, ListFacts
from parcels.models import ImportTemplate
from tasks.models import TownYear
from tasks.parcel_import import NotWritten, Preview, import_now, preview, title_for

SHOWN = 50


class Command(BaseCommand):
    help = (
        "导入一份图斑清单：XLSX、XLS、CSV，或打包的 Shapefile、GeoPackage、GeoJSON、KML、KMZ；"
        "表头用常用列名，或用 --template 按本镇已存的模板读。有一处错误就全部不写；同一文件再导一次不改变数据。"
    )

    def add_arguments(self, parser):
        parser.add_argument("town", help="乡镇标识，如 xihe")
        parser.add_argument("year", type=int)
        parser.add_argument("file", type=Path)
        parser.add_argument("--title", default="", help="清单名称，不写则用文件名")
        parser.add_argument("--template", default="", help="本镇已存的导入模板的名称")
        parser.add_argument("--layer", default="", help="文件里有几个图层时，要导入的一个")
        parser.add_argument("--dry-run", action="store_true", help="只预览，不写入")

    def handle(self, *, town, year, file: Path, title, dry_run, **how):
        town_year = TownYear.objects.select_related("town").filter(town__slug=town, year=year).first()
        if town_year is None:
            raise CommandError(f"没有标识为“{town}”的乡镇的 {year} 年度，请先载入方案。")
        try:
            with transaction.atomic():
                upload = self._keep(town_year, file)
                chosen = {"template": self._template(town_year, how["template"]), "layer": how["layer"]}
                found = preview(town_year, upload, None, **chosen)
                self._show(found)
                written = 0
                if not dry_run:
                    facts = ListFacts(title=title or title_for(town_year, upload), upload=upload)
                    _, written = import_now(town_year, found.checked, found.known, facts, by=None)
                transaction.set_rollback(dry_run)
        except (OSError, FileRefused, TooLarge, NotWritten) as error:
            raise CommandError(getattr(error, "message", str(error))) from error
        done = f"已写入 {written} 个图斑，完成情况由后台重新计算。" if written else "没有变化，没有写入。"
        self.stdout.write("只是预览，没有写入。" if dry_run else done)

    def _template(self, town_year: TownYear, name: str) -> str:
        if not name:
            return ""
        found = ImportTemplate.objects.filter(town=town_year.town, name=name).first()
        if found is None:
            raise CommandError(f"{town_year.town}没有名为“{name}”的导入模板。")
        return str(found.pk)

    def _keep(self, town_year: TownYear, file: Path) -> Upload:
        with file.open("rb") as data:
            return Upload.objects.store(
                data, town=town_year.town, user=None, purpose=PURPOSE, limit=settings.BULK_MAX_BYTES, name=file.name
            )

    def _show(self, found: Preview) -> None:
        done = found.comparison
        for note in done.notes:
            self.stdout.write(f"提示：{note}")
        for error in done.errors[:SHOWN]:
            self.stderr.write(str(error))
        if done.errors:
            raise CommandError(f"共 {len(done.errors)} 处错误，没有写入。")
        area = done.totals()["gross_mu"]
        self.stdout.write(
            f"新增 {len(done.new)} 个，变化 {len(done.changed)} 个，相同 {len(done.same)} 个；"
            + ("没有写图斑面积。" if area is None else f"图斑面积合计 {fixed(area)} 亩。")
        )
