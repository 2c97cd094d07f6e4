"""Load plan files. The same file again changes nothing; a wrong one changes nothing and says why, line by line."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from farmland.lib.documents import DocumentError, text_of
from tasks.findings import check
from tasks.plan.load import PlanClosed, load_plan


class Command(BaseCommand):
    help = "Load one or more plan files (plans/<town>-<year>.yaml)."

    def add_arguments(self, parser):
        parser.add_argument("paths", type=Path, nargs="+", metavar="FILE")

    def handle(self, *, paths, **options):
        files = [path for path in paths if path.name != "dictionary.yaml"]
        wrong = sum(not self._load(path) for path in files)
        if wrong:
            raise CommandError(
                f"{wrong} 个文件没有载入，其余的已载入。" if wrong < len(files) else "没有载入任何文件。"
            )

    def _load(self, path: Path) -> bool:
        try:
            loaded = load_plan(text_of(path))
        except OSError as error:
            self.stderr.write(f"{path}：文件打不开（{error.strerror or error}），没有载入，数据没有改变。")
            return False
        except PlanClosed as error:
            self.stderr.write(f"{path}：{error}没有载入，数据没有改变。")
            return False
        except DocumentError as error:
            for problem in error.problems:
                self.stderr.write(f"{path} {problem}")
            self.stderr.write(f"{path}：{len(error.problems)} 处错误，没有载入，数据没有改变。")
            return False
        check(loaded.plan)
        changes = loaded.differences
        self.stdout.write(f"{path}：{loaded.plan.title}，{f'{len(changes)} 处变化' if changes else '没有变化'}。")
        if not loaded.is_new:
            for line in changes:
                self.stdout.write(f"  {line}")
        return True
