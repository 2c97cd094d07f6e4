"""Papers as a workbook: a sheet each, A4, numbers as numbers, rows as high as their text, lines to sign on."""

import re
from collections.abc import Sequence
from io import BytesIO
from math import ceil

from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from farmland.lib.excel.write import BORDER, new_sheet, new_workbook, put
from farmland.lib.excel.write import Column as Ruled
from farmland.lib.paper.content import Column, Paper, Value

LINE_HEIGHT = 16  # points; programs do not grow a row for text that wraps
FORMATS = {"whole": "0", "area": "0.00##", "money": "#,##0.00"}
BODY, BOLD = Font(name="宋体", size=11), Font(name="宋体", size=11, bold=True)
TITLE = Font(name="宋体", size=16, bold=True)
MIDDLE = Alignment(horizontal="center", vertical="center")
RIGHT = Alignment(horizontal="right", vertical="center", indent=1)
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
LONGEST_NAME = 31


def as_xlsx(papers: Paper | Sequence[Paper]) -> BytesIO:
    papers = [papers] if isinstance(papers, Paper) else papers
    book = new_workbook()
    for paper in papers:
        _sheet(book, paper)
    data = BytesIO()
    book.save(data)
    data.seek(0)
    return data


def _sheet(book, paper: Paper) -> None:
    ruled = [Ruled(one.heading, one.width, "number" if one.is_number else "text") for one in paper.columns]
    above = [paper.title, *([paper.told] if paper.facts else []), *([paper.mark] if paper.mark else [])]
    page = new_sheet(book, _free_name(book, paper), ruled, paper.rows, above=above, protect=False)
    head = len(above) + 1
    if paper.is_form:
        page.delete_rows(head)
        page.print_title_rows, page.freeze_panes = None, None
    last = head + len(paper.rows) - paper.is_form
    if paper.totals:
        last += 1
        _totals(page, last, paper)
    for number in range(head, last + 1):
        _row(page, number, paper.columns, is_head=number == head and not paper.is_form)
    _above(page, paper, len(above))
    _foot(page, last + 1, paper)
    page.page_setup.orientation = "portrait" if paper.is_tall else "landscape"


def _free_name(book, paper: Paper) -> str:
    """A name a workbook allows and no other sheet has."""
    wanted = NOT_IN_A_NAME.sub("", paper.name or paper.title).strip()[:LONGEST_NAME] or "表"
    name, number = wanted, 1
    while name.casefold() in {one.casefold() for one in book.sheetnames}:
        number += 1
        name = f"{wanted[: LONGEST_NAME - 4]} {number}"
    return name


def _row(page: Worksheet, number: int, columns: list[Column], *, is_head: bool) -> None:
    cells = [page.cell(number, index) for index in range(1, len(columns) + 1)]
    lines = max(_lines(cell.value, column.width) for cell, column in zip(cells, columns, strict=True))
    page.row_dimensions[number].height = max(lines, 1 + is_head) * LINE_HEIGHT
    for cell, column in zip(cells, columns, strict=True):
        cell.font = BOLD if is_head or cell.font.b else BODY
        if not is_head and column.is_number and not isinstance(cell.value, str):
            cell.number_format = FORMATS[column.kind]
            cell.alignment = MIDDLE if column.kind == "whole" else RIGHT


def _lines(value: Value, width: float) -> int:
    """How many lines a text takes in a column; a Chinese letter is as wide as two others."""
    text = value if isinstance(value, str) else ""
    wide = [sum(1 if one.isascii() else 2 for one in line) for line in text.split("\n")]
    return sum(max(1, ceil(one / max(width - 1, 1))) for one in wide)


def _totals(page: Worksheet, number: int, paper: Paper) -> None:
    for index, (column, value) in enumerate(zip(paper.columns, paper.totals, strict=True), 1):
        is_number = column.is_number and not isinstance(value, str)
        cell = put(page.cell(number, index), value, "number" if is_number else "text")
        cell.font, cell.border = BOLD, BORDER
        cell.alignment = Alignment(vertical="center", wrap_text=index > 1, shrink_to_fit=index == 1)


def _above(page: Worksheet, paper: Paper, count: int) -> None:
    width = sum(one.width for one in paper.columns)
    for number in range(1, count + 1):
        page.merge_cells(start_row=number, end_row=number, start_column=1, end_column=len(paper.columns))
        cell = page.cell(number, 1)
        cell.alignment = Alignment(horizontal="center" if number == 1 else "left", vertical="center", wrap_text=True)
        cell.font = BODY if number > 1 else TITLE
        page.row_dimensions[number].height = (_lines(cell.value, width) * LINE_HEIGHT + 4) if number > 1 else 30


def _foot(page: Worksheet, number: int, paper: Paper) -> None:
    width = sum(one.width for one in paper.columns)
    lines = [*paper.notes]
    lines += [f"{post}（签字）：　　　　　　　　　　　　　　日期：　　　　年　　月　　日" for post in paper.posts]
    lines += paper.below
    for at, text in enumerate(lines, number):
        cell = put(page.cell(at, 1), text)
        cell.alignment, cell.font = Alignment(vertical="center", wrap_text=True), BODY
        page.merge_cells(start_row=at, end_row=at, start_column=1, end_column=len(paper.columns))
        page.row_dimensions[at].height = max(24, _lines(text, width) * LINE_HEIGHT + 4)
