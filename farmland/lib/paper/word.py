"""Papers as a Word document: A4, 仿宋 by name, a table whose head repeats, page numbers, lines to sign on.

No font is embedded: 仿宋_GB2312 and 小标宋 are named, and a machine without them takes what it has for these names.
"""

from collections.abc import Sequence
from copy import deepcopy
from io import BytesIO

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from farmland.lib.excel.parts import UNSEEN
from farmland.lib.paper.content import Column, Paper

BODY, HEAD = "仿宋_GB2312", "方正小标宋简体"
MARGIN = 18
LONG, SHORT = 297, 210
CENTER, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT


def as_docx(papers: Paper | Sequence[Paper]) -> BytesIO:
    """Each paper begins on a page of its own; the first says whether the sheets stand or lie."""
    papers = [papers] if isinstance(papers, Paper) else papers
    document = Document()
    across = _page(document, is_tall=papers[0].is_tall)
    for number, paper in enumerate(papers):
        _paper(document, paper, across, is_next=number > 0)
    data = BytesIO()
    document.save(data)
    data.seek(0)
    return data


def _paper(document, paper: Paper, across: int, *, is_next: bool) -> None:
    title = _say(document.add_paragraph(), paper.title, 22, HEAD)
    title.alignment, title.paragraph_format.page_break_before = CENTER, is_next
    if paper.mark:
        _say(document.add_paragraph(), f"（{paper.mark}）", 12).alignment = CENTER
    if paper.facts:
        _say(document.add_paragraph(), paper.told, 12)
    _table(document, paper, across)
    for number, text in enumerate(paper.notes):
        _say(document.add_paragraph(), text, 12).paragraph_format.space_before = Pt(0 if number else 8)
    for post in paper.posts:
        _say(document.add_paragraph(), f"{post}（签字）：________________　　　　年　　月　　日", 14)
    for text in paper.below:
        _say(document.add_paragraph(), text, 12)


def _page(document, *, is_tall: bool) -> int:
    """The millimetres between the margins."""
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT if is_tall else WD_ORIENT.LANDSCAPE
    wide, high = (SHORT, LONG) if is_tall else (LONG, SHORT)
    section.page_width, section.page_height = Mm(wide), Mm(high)
    section.left_margin = section.right_margin = Mm(MARGIN)
    section.top_margin = section.bottom_margin = Mm(MARGIN)
    section.footer_distance = Mm(9)
    style = document.styles["Normal"]
    style.font.size = Pt(12)
    _name(style, BODY)
    style.paragraph_format.space_after = Pt(4)
    _number(section.footer.paragraphs[0])
    return wide - 2 * MARGIN


def _number(paragraph) -> None:
    paragraph.alignment = CENTER
    for text, code in (("第 ", "PAGE"), (" 页，共 ", "NUMPAGES"), (" 页", "")):
        _say(paragraph, text, 10.5)
        if code:
            field = OxmlElement("w:fldSimple")
            field.set(qn("w:instr"), code)
            paragraph._p.append(field)


def _name(thing, font: str) -> None:
    """Latin and East Asian letters in one font; python-docx sets the Latin one only."""
    thing.font.name = font
    fonts = thing.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(name), font)


def _say(paragraph, text: str, size: float, font: str = BODY, *, bold: bool = False):
    run = paragraph.add_run(UNSEEN.sub("", text))
    run.font.size = Pt(size)
    run.font.bold = bold or None
    _name(run, font)
    return paragraph


def _table(document, paper: Paper, across: int) -> None:
    widths = _widths(paper.columns, across)
    table = document.add_table(rows=0, cols=len(paper.columns))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    _tighten(table)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width  # some programs read the grid, others the cells
    if not paper.is_form:
        head = _model(table, paper, widths, is_head=True)
        _fill(head, [one.heading for one in paper.columns])
        _repeat(head)
    model = _model(table, paper, widths) if paper.rows else None
    for number, values in enumerate(paper.rows):
        if number:  # rows of one look are copied: python-docx takes a second for a hundred new ones
            model = deepcopy(model)
            table._tbl.append(model)
        _fill(model, [column.text(value) for column, value in zip(paper.columns, values, strict=True)])
    if paper.totals:
        last = _model(table, paper, widths, bold=True)
        _fill(last, [column.text(value) for column, value in zip(paper.columns, paper.totals, strict=True)])


def _model(table, paper: Paper, widths: list[Mm], *, is_head: bool = False, bold: bool = False):
    """A row with everything but its texts; its element."""
    row = table.add_row()
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    for cell, width, column in zip(row.cells, widths, paper.columns, strict=True):
        cell.width, cell.vertical_alignment = width, WD_CELL_VERTICAL_ALIGNMENT.CENTER
        paragraph = _say(cell.paragraphs[0], " ", 12 if paper.is_form else 10.5, bold=bold)
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(3 * paper.is_form)
        if is_head or column.kind == "whole":
            paragraph.alignment = CENTER
        elif column.is_number:
            paragraph.alignment = RIGHT
    return row._tr


def _fill(row, texts: list[str]) -> None:
    for run, text in zip(row.iter(qn("w:r")), texts, strict=True):
        run.text = UNSEEN.sub("", text)


def _tighten(table) -> None:
    """A millimetre beside the text, so that codes and amounts keep to their line."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("w:left", "w:right"):
        mark = OxmlElement(side)
        mark.set(qn("w:w"), "57")
        mark.set(qn("w:type"), "dxa")
        margins.append(mark)
    table._tbl.tblPr.append(margins)


def _widths(columns: list[Column], across: int) -> list[Mm]:
    """The whole line, shared by weight."""
    whole = sum(one.width for one in columns)
    return [Mm(round(across * one.width / whole)) for one in columns]


def _repeat(row) -> None:
    """The head row on every page."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row.get_or_add_trPr().append(mark)
