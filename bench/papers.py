"""A village's progress form as a village head fills it in."""

import io

import openpyxl

from bench.land import working_day

PROGRESS = "进度"


def filled(data: bytes, stage: str = "已种植", crop: str = "油菜") -> bytes:
    """The blank workbook with every row reported at ``stage``, with the whole of its area."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    page = book[PROGRESS]
    at = {cell.value: cell.column for cell in page[1]}
    values = {"环节": stage, "完成日期": working_day(), "作物": crop}
    for number in range(2, page.max_row + 1):
        if page.cell(number, at["图斑编号"]).value:
            area = page.cell(number, at["图斑面积"]).value
            for name, value in {**values, "面积（亩）": area}.items():
                page.cell(number, at[name]).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
