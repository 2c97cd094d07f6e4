"""``manage.py check_plan FILE``: every mistake of the file, or every contradiction of the plan. Needs no database."""

import json
from dataclasses import asdict
from pathlib import Path

from django.core.management.base import BaseCommand

from farmland.lib.documents import DocumentError, text_of
from tasks.check import run
from tasks.check.registry import RULES, SEVERITIES, Remark
from tasks.plan.common import common_dictionary
from tasks.plan.validate import read_plan

NAMES = {"error": "错误，前后矛盾", "warning": "警告，须答复", "note": "提示，供参考"}
UNREADABLE, CONTRADICTS = 2, 1


class Command(BaseCommand):
    help = "检查一份方案文件：先查格式，再做方案体检。退出码 0 没有错误，1 有错误，2 文件有问题。"
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, help="方案文件，如 plans/xihe-2024.yaml")
        parser.add_argument("--json", action="store_true", help="输出 JSON")

    def handle(self, *args, file: Path, **options):
        as_json = options["json"]
        try:
            doc = read_plan(text_of(file), common_dictionary())
        except OSError as fault:
            message = f"文件打不开（{fault.strerror or fault}）。"
            self._refuse([{"line": 0, "path": str(file), "message": message}], as_json)
        except DocumentError as fault:
            self._refuse([asdict(problem) for problem in fault.problems], as_json)
        remarks = run(doc, common_dictionary())
        if as_json:
            self._dump({"title": doc.title, "findings": [asdict(remark) for remark in remarks]})
        else:
            self._show(doc.title, remarks)
        if any(remark.severity == "error" for remark in remarks):
            raise SystemExit(CONTRADICTS)

    def _refuse(self, problems: list[dict], as_json: bool):
        if as_json:
            self._dump({"problems": problems})
        else:
            for one in problems:
                self.stderr.write(f"第 {one['line']} 行 {one['path']}：{one['message']}")
        raise SystemExit(UNREADABLE)

    def _dump(self, data: dict):
        self.stdout.write(json.dumps(data, ensure_ascii=False, indent=2))

    def _show(self, title: str, remarks: list[Remark]):
        lines = [f"{title}：发现 {len(remarks)} 条"]
        for severity in SEVERITIES:
            found = [remark for remark in remarks if remark.severity == severity]
            lines += ["", f"{NAMES[severity]}（{len(found)} 条）"] if found else []
            for remark in found:
                lines += [
                    f"  {remark.rule} {RULES[remark.rule].title}｜{remark.place}",
                    f"      原文 {remark.clause}：{remark.stated}",
                    f"      核算：{remark.computed}",
                    f"      {remark.message}",
                ]
        self.stdout.write("\n".join(lines))
