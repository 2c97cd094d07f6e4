"""The form as a workbook: sheet 进度 to fill in, 说明 to read, the hidden ``_form`` that says whose it is."""

import hashlib
import io
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from openpyxl.styles import Alignment, Font

from farmland.lib.excel import Column, new_sheet, new_workbook, write_identity
from farmland.lib.numbers import plain
from tasks.forms.values import AREAS, Facts, Item
from tasks.models import Form

PROGRESS, GUIDE = "进度", "说明"
FIRST_ROW = 2
SPARE_ROWS = 10
FORMAT = "1"
CODES, GROUP, GROSS, TASK = "图斑编号", "组", "图斑面积", "任务"
STAGE, AREA, ON, CROP, NOTE = "环节", "面积（亩）", "完成日期", "作物", "备注"
HEADINGS = {
    "parcels": (CODES, GROUP, GROSS, TASK, STAGE, AREA, ON, CROP, NOTE),
    "areas": (TASK, STAGE, AREA, ON, NOTE),
}
LOCKED = {"parcels": (CODES, GROUP, GROSS, TASK), "areas": (TASK, STAGE)}


@dataclass(frozen=True)
class Sheet:
    """What the workbook says beside the facts. ``offices``: (task, lead office) pairs."""

    town: str
    slug: str
    division: str
    code: str
    year: int
    today: date
    crops: tuple[str, ...]
    offices: tuple[tuple[str, str], ...]


def write_form(form: Form, facts: Facts, sheet: Sheet) -> bytes:
    """The .xlsx of an issued form."""
    book = new_workbook()
    rows = [row_values(facts, item, stage) for item in facts.items for _, stage in item.rows]
    spare = 0 if facts.layout == AREAS else SPARE_ROWS
    page = new_sheet(book, PROGRESS, columns(facts, sheet), rows, spare_rows=spare)
    page.oddHeader.left.text = f"{sheet.town} {sheet.division} {sheet.year} 年耕地保护进度表"
    page.oddHeader.right.text = f"第 {form.number} 版，{timezone.localtime(form.issued_at):%Y-%m-%d %H:%M} 下载"
    write_guide(book, form, facts, sheet)
    write_identity(book, identity_values(form, facts, sheet))
    book.active = 0
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def columns(facts: Facts, sheet: Sheet) -> list[Column]:
    """The columns of the sheet 进度, in the contract's order."""
    names = list(dict.fromkeys(stage.name for ladder in facts.stages.values() for stage in ladder))
    is_areas = facts.layout == AREAS
    every = {
        CODES: Column(CODES, 24, locked=True),
        GROUP: Column(GROUP, 9, locked=True),
        GROSS: Column(GROSS, 10, "number", locked=True),
        TASK: Column(TASK, 20, locked=True),
        STAGE: Column(STAGE, 11, "choice", locked=is_areas, choices=names, help="做到哪一步，从下拉列表里选。"),
        AREA: Column(AREA, 12, "number", help="到完成日期为止一共做了多少亩（累计数）。"),
        ON: Column(ON, 13, "date", minimum=date(sheet.year, 1, 1), help=f"按 {sheet.today.isoformat()} 的样子填写。"),
        CROP: Column(CROP, 12, "choice", choices=sheet.crops or ("",), help="种了什么，从下拉列表里选；没种不填。"),
        NOTE: Column(NOTE, 30, help="面积比上次少，或环节退回，须在这里写原因。"),
    }
    return [every[heading] for heading in HEADINGS[facts.layout]]


def row_values(facts: Facts, item: Item, stage: str) -> list:
    """The cells of one row; a stage without area is left blank, never 0."""
    said = item.of(stage)
    every = {
        CODES: item.label,
        GROUP: item.group,
        GROSS: item.gross,
        TASK: item.task,
        STAGE: facts.stage_name(item.kind, stage) if stage else "",
        AREA: said.area or None,
        ON: said.on,
        CROP: said.crop,
        NOTE: "",
    }
    return [every[heading] for heading in HEADINGS[facts.layout]]


def identity_values(form: Form, facts: Facts, sheet: Sheet) -> dict[str, str]:
    """What ``_form`` holds: whose form, which version, and a fingerprint of the facts behind each row."""
    rows = {
        f"row {number}": f"{item.key}:{stage} {fingerprint(item, stage)}"
        for item in facts.items
        for number, stage in item.rows
    }
    return {
        "format": FORMAT,
        "form": str(form.pk),
        "town": sheet.slug,
        "year": str(form.year),
        "division": sheet.code,
        "version": str(form.number),
        "issued_at": timezone.localtime(form.issued_at).isoformat(timespec="seconds"),
        "digest": form.digest,
        **rows,
    }


def fingerprint(item: Item, stage: str) -> str:
    said = item.of(stage)
    text = "|".join([item.key, stage, plain(said.area), str(said.on or ""), said.crop])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_guide(book, form: Form, facts: Facts, sheet: Sheet) -> None:
    """The sheet 说明, in words a village head uses."""
    page = book.create_sheet(GUIDE)
    for number, text in enumerate(guide_lines(form, facts, sheet), 1):
        cell = page.cell(number, 1, text)
        cell.data_type = "s"
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=number == 1, size=14 if number == 1 else 12)
    page.column_dimensions["A"].width = 92
    page.page_setup.orientation, page.page_setup.paperSize = "portrait", page.PAPERSIZE_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.protection.sheet = True


def guide_lines(form: Form, facts: Facts, sheet: Sheet) -> list[str]:
    what = "灰色的格由系统填好，不用改，改了也不收。" if facts.items else "本村目前没有要填的任务。"
    where = "每行是一项任务的一个环节，填做到这个环节的面积。" if facts.layout == AREAS else (
        "每行是一块图斑。选好做到哪一步（环节），填面积、完成日期、作物。"
        "同一块图斑有两个环节的，在最后的空行里再写一次图斑编号和任务。"
    )  # fmt: skip
    lines = [
        f"{sheet.town} {sheet.division} {sheet.year} 年进度表（第 {form.number} 版）怎么填",
        f"1. 只填“{PROGRESS}”这一页。{what}",
        f"2. {where}",
        "3. 面积填累计数：到完成日期为止一共做了多少亩，不是这一周新做的。没有变化的行不用动。",
        f"4. 日期按 {sheet.today.isoformat()} 的样子填，不要写“9月底”。面积只写数字，最多四位小数。",
        "5. 面积比上次少了，或环节往回退，要在备注里写明原因。要撤销，面积填 0 并写原因，不要清空。",
        "6. 不要改工作表的名字和表头，不要合并格子，不要写公式。用 WPS、Excel 或手机都可以。",
        "7. 填好保存，登录系统，在“填报”页上传。系统先核对给您看，您点“确认写入”以后才算数，并给出回执编号。",
        "8. 填错了不要紧：系统会指出是哪一格，改好再传。同一份表传几遍也只算一遍。",
        "9. 村里填报的是进度，完成数以验收认定为准。",
    ]
    asks = [f"    {task}：{office}" for task, office in sheet.offices]
    return [
        *lines,
        "有不清楚的，请找牵头单位：" if asks else f"有不清楚的，请找{sheet.town}耕地保护专班办公室。",
        *asks,
    ]
