"""The sheet as a Word document: A4, 仿宋 by name, a table whose head repeats, lines to sign on.

No font is embedded: 仿宋_GB2312 and 小标宋 are named, and a machine without them takes what it has for these names.
"""

from decimal import Decimal
from io import BytesIO

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from farmland.lib.excel.parts import UNSEEN
from farmland.lib.numbers import fixed
from tasks.inspections.sheet import DEMO, Sheet

BODY, HEAD = "仿宋_GB2312", "方正小标宋简体"
WIDTHS = {"序号": 11, "村": 20, "组": 16, "图斑编号": 48, "抽中": 12, "实测": 36, "结论": 20, "原因": 46}
OTHER = 22
ACROSS = 261  # mm between the margins
RIGHT = WD_ALIGN_PARAGRAPH.RIGHT
CENTER = WD_ALIGN_PARAGRAPH.CENTER


def as_docx(sheet: Sheet) -> BytesIO:
    document = Document()
    _page(document)
    _say(document.add_paragraph(), sheet.title, 22, HEAD).alignment = CENTER
    if sheet.is_demo:
        _say(document.add_paragraph(), f"（{DEMO}）", 12).alignment = CENTER
    _say(document.add_paragraph(), "　　".join(f"{name}：{value}" for name, value in sheet.facts), 12)
    _table(document, sheet)
    _say(document.add_paragraph(), sheet.summary, 12).paragraph_format.space_before = Pt(8)
    for post in sheet.posts:
        _say(document.add_paragraph(), f"{post}（签字）：________________　　　　年　　月　　日", 14)
    if sheet.copies:
        _say(document.add_paragraph(), f"抄送：{'、'.join(sheet.copies)}", 12)
    data = BytesIO()
    document.save(data)
    data.seek(0)
    return data


def _page(document) -> None:
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin = section.bottom_margin = Mm(18)
    style = document.styles["Normal"]
    style.font.size = Pt(12)
    _name(style, BODY)
    style.paragraph_format.space_after = Pt(4)


def _name(thing, font: str) -> None:
    """Latin and East Asian letters in one font; python-docx sets the Latin one only."""
    thing.font.name = font
    fonts = thing.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(name), font)


def _say(paragraph, text: str, size: float, font: str = BODY):
    run = paragraph.add_run(UNSEEN.sub("", text))
    run.font.size = Pt(size)
    _name(run, font)
    return paragraph


def _table(document, sheet: Sheet) -> None:
    table = document.add_table(rows=1, cols=len(sheet.headings))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, _widths(sheet.headings), strict=True):
        column.width = width  # some programs read the grid, others the cells
    _row(table.rows[0], sheet.headings, sheet.headings, head=True)
    _repeat(table.rows[0])
    for values in sheet.rows:
        _row(table.add_row(), sheet.headings, values)
    _row(table.add_row(), sheet.headings, _totals(sheet))


def _totals(sheet: Sheet) -> list:
    values = []
    for name in sheet.headings:
        if name.startswith(("送验", "现有")):
            values.append(sheet.totals.declared)
        elif name.startswith(("认定", "复核后")):
            values.append(sheet.totals.accepted)
        else:
            values.append({"序号": "合计", "图斑编号": f"{sheet.totals.count} 项"}.get(name, ""))
    return values


def _row(row, headings: list[str], values: list, *, head: bool = False) -> None:
    cannot_split = OxmlElement("w:cantSplit")
    row._tr.get_or_add_trPr().append(cannot_split)
    for cell, width, value in zip(row.cells, _widths(headings), values, strict=True):
        cell.width = width
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(0)
        _say(paragraph, _text(value), 10.5)
        if head:
            paragraph.alignment = CENTER
        elif isinstance(value, Decimal):
            paragraph.alignment = RIGHT


def _widths(headings: list[str]) -> list[Mm]:
    """The whole line, shared by weight."""
    weights = [WIDTHS.get(name, OTHER) for name in headings]
    return [Mm(round(ACROSS * weight / sum(weights))) for weight in weights]


def _text(value) -> str:
    if value is None:
        return ""
    return fixed(value) if isinstance(value, Decimal) else str(value)


def _repeat(row) -> None:
    """The head row on every page."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)
