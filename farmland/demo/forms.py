"""Progress forms of the demo villages, handed in through the real door: one written, one with a wrong cell."""

from datetime import timedelta
from io import BytesIO

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from farmland.accounts.models import User
from farmland.places.models import Division
from tasks.forms.facts import file_name, issue_form
from tasks.forms.incoming import Expected, receive
from tasks.forms.services import submit
from tasks.forms.workbook import PROGRESS
from tasks.models import TownYear

FROM, TO = "已翻耕", "已种植"
MOST = 3  # rows that move on


def hand_in(user: User, division: Division, town_year: TownYear) -> None:
    """What was ploughed is reported as planted; then a second form with a figure nobody can read."""
    form, blank = issue_form(division, town_year.year, user)
    on = (town_year.today() - timedelta(days=2)).isoformat()
    for area in (None, "约两亩"):
        book = load_workbook(BytesIO(blank))
        if _fill(book[PROGRESS], on, area):
            _submit(book, file_name(form), user, division, town_year)
        form, blank = issue_form(division, town_year.year, user)


def _fill(sheet: Worksheet, on: str, area: str | None) -> int:
    """Move ploughed rows on; ``area`` in place of the right one. The number of rows filled."""
    at = {cell.value: cell.column for cell in sheet[1]}
    filled = 0
    rows = [row for row in range(2, sheet.max_row + 1) if sheet.cell(row, at["环节"]).value]
    for row in rows:
        stage, area_cell = sheet.cell(row, at["环节"]), sheet.cell(row, at["面积（亩）"])
        if "图斑编号" in at:
            moves = stage.value == FROM and area_cell.value is not None
            stage.value = TO if moves else stage.value
        else:
            moves = stage.value == TO
            ploughed = sheet.cell(row - 1, at["面积（亩）"]).value
            area_cell.value = max(area_cell.value or 0, ploughed or 0) if moves else area_cell.value
        if moves and filled < MOST:
            sheet.cell(row, at["完成日期"]).value = on
            area_cell.value = area or area_cell.value
            filled += 1
        if filled == MOST:
            break
    return filled


def _submit(book, name: str, user: User, division: Division, town_year: TownYear) -> None:
    file = BytesIO()
    book.save(file)
    file.seek(0)
    upload = receive(file, user=user, division=division, name=name)
    submit(upload, user, Expected(division=division, year=town_year.year))
