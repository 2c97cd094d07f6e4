"""Forms out, filled in, read back, marked: nothing changes that nobody changed."""

import shutil
import subprocess
import time
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmland.lib import excel
from farmland.lib.dates import parse_day
from farmland.lib.excel import Cell, CellError, Column, FileRefused, Row, Sheet
from farmland.lib.excel.workbook import letters, split_address
from farmland.lib.numbers import parse_decimal
from tests.lib import corpus

COLUMNS = [
    Column("图斑编号", 22, locked=True),
    Column("组", 8, locked=True),
    Column("图斑面积", 10, "number", locked=True),
    Column("环节", 12, "choice", choices=("翻耕", "种植", "举证")),
    Column("面积（亩）", 12, "number", maximum=Decimal("99.5")),
    Column("完成日期", 14, "date", minimum=date(2024, 1, 1), maximum=date(2024, 12, 31)),
    Column("备注", 30),
]
ROWS = [
    ["500151202400000001", "3组", Decimal("28.1"), "种植", Decimal("12.34"), date(2024, 9, 30), "=1+1"],
    ["500151202400000002", "4组", Decimal("0.1235"), None, None, None, "-"],
]
IDENTITY = {"town": "xihe", "division": "500151000001", "version": "3", "hash": "=cmd"}


def form(path, rows=ROWS):
    book = excel.new_workbook()
    excel.new_sheet(book, "进度", COLUMNS, rows, above=["西河镇新四村"], spare_rows=2)
    excel.write_identity(book, IDENTITY)
    book.save(path)
    return path


def one_sheet(*rows, merged=()):
    cells = [tuple(Cell("text", text) if text else excel.workbook.EMPTY for text in row) for row in rows]
    return Sheet("进度", rows=tuple(Row(number, row) for number, row in enumerate(cells, 1)), merged=merged)


def check_form(book):
    sheet = book["进度"]
    header = excel.find_header(sheet, [column.heading for column in COLUMNS])
    assert header.row_number == 2
    first, second = sheet.rows[2:4]
    assert excel.cell_code(first[header["图斑编号"]]) == "500151202400000001"
    assert parse_decimal(first[header["图斑面积"]]) == Decimal("28.1")
    assert parse_decimal(first[header["面积（亩）"]]) == Decimal("12.34")
    assert parse_day(first[header["完成日期"]]) == date(2024, 9, 30)
    assert first[header["备注"]] == Cell("text", "=1+1")
    assert parse_decimal(second[header["图斑面积"]]) == Decimal("0.1235")
    assert parse_decimal(second[header["面积（亩）"]]) is None
    assert sheet.problems() == []
    assert excel.identity(book) == IDENTITY


def test_a_form_is_read_back_as_it_was_written(tmp_path):
    check_form(excel.read_workbook(form(tmp_path / "form.xlsx")))


def test_a_form_locks_what_is_given_and_leaves_the_rest_open(tmp_path):
    sheet = openpyxl.load_workbook(form(tmp_path / "form.xlsx"))["进度"]
    assert sheet.protection.sheet
    assert sheet["A3"].protection.locked
    assert not sheet["E3"].protection.locked
    assert not sheet["A5"].protection.locked  # a spare row
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("D3", "$2:$2")
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet["G3"].data_type == "s"
    assert sheet["G3"].quotePrefix


def test_dropdowns_and_limits_cover_given_and_spare_rows(tmp_path):
    book = openpyxl.load_workbook(form(tmp_path / "form.xlsx"))
    rules = {str(rule.sqref): rule for rule in book["进度"].data_validations.dataValidation}
    assert set(rules) == {"D3:D6", "E3:E6", "F3:F6"}
    assert rules["D3:D6"].formula1 == "_lists!$A$1:$A$3"
    assert book["_lists"].sheet_state == "veryHidden"
    assert (rules["E3:E6"].formula1, rules["E3:E6"].formula2) == ("0", "99.5")
    assert rules["F3:F6"].error == "应为日期，2024-01-01 到 2024-12-31 之间。"


def test_one_list_is_written_once():
    book = excel.new_workbook()
    twice = [Column("甲", kind="choice", choices=("是", "否")), Column("乙", kind="choice", choices=("是", "否"))]
    sheet = excel.new_sheet(book, "表", twice, spare_rows=1)
    assert {rule.formula1 for rule in sheet.data_validations.dataValidation} == {"_lists!$A$1:$A$2"}


def test_a_float_is_not_written():
    with pytest.raises(TypeError, match="not exact"):
        excel.new_sheet(excel.new_workbook(), "表", [Column("面积", kind="number")], [[12.1]])


def test_three_hundred_rows_are_read_in_time(tmp_path):
    path = form(tmp_path / "form.xlsx", ROWS * 150)
    excel.read_workbook(path)  # warms the disk cache
    started = time.monotonic()
    excel.read_workbook(path)
    assert time.monotonic() - started < 2  # 0.15 s on an idle machine; the goal is 0.6 s


def test_our_reader_agrees_with_openpyxl(tmp_path):
    book = openpyxl.Workbook()
    values = [
        "甲",
        7,
        12.1,
        0.1 + 0.2,
        -3.5,
        True,
        date(2024, 2, 29),
        datetime.fromisoformat("2024-07-31T08:30"),
        "７",
        1e15,
        "0012",
    ]
    for number, value in enumerate(values, 1):
        book.active.cell(number, 2, value)
    book.active["B20"] = 0.5
    book.active["B20"].number_format = "0%"
    book.save(tmp_path / "book.xlsx")
    found = [row[1] for row in excel.read_workbook(tmp_path / "book.xlsx")["Sheet"].rows]
    assert [(cell.kind, cell.text) for cell in found] == [
        ("text", "甲"),
        ("number", "7"),
        ("number", "12.1"),
        ("number", "0.3"),
        ("number", "-3.5"),
        ("bool", "TRUE"),
        ("date", "2024-02-29"),
        ("date", "2024-07-31T08:30:00"),
        ("text", "７"),
        ("number", "1000000000000000"),
        ("text", "0012"),
        ("number", "0.5"),
    ]


def test_days_of_a_1904_workbook_are_not_four_years_off(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active["A1"] = date(2024, 7, 31)
    book.save(tmp_path / "book.xlsx")
    assert excel.read_workbook(tmp_path / "book.xlsx")["Sheet"].cell("A1") == Cell("date", "2024-07-31")


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_a_form_saved_again_by_libreoffice_is_the_same_and_can_be_marked(tmp_path):
    form(tmp_path / "form.xlsx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", tmp_path / "out", "form.xlsx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    saved = tmp_path / "out" / "form.xlsx"
    check_form(excel.read_workbook(saved))
    excel.mark_errors(saved, [CellError("进度", "E3", "应为数字。")], tmp_path / "marked.xlsx")
    check_form(excel.read_workbook(tmp_path / "marked.xlsx"))


def test_a_marked_copy_shows_cell_reason_and_list(tmp_path):
    errors = [
        CellError("进度", "E3", "应为数字，现为“三亩”。"),
        CellError("进度", "E3", "缺少日期。"),
        CellError("进度", "", "少了一列。"),
        CellError("没有的表", "A1", "看不见。"),
    ]
    excel.mark_errors(form(tmp_path / "form.xlsx"), errors, tmp_path / "marked.xlsx")
    book = openpyxl.load_workbook(tmp_path / "marked.xlsx")
    assert book["进度"]["E3"].fill.fgColor.rgb == "00FFD27F"
    assert book["进度"]["E3"].comment.text == "应为数字，现为“三亩”。\n缺少日期。"
    listed = list(book["错误"].iter_rows(min_row=3, values_only=True))
    assert listed[0] == ("进度!E3", "12.34", "应为数字，现为“三亩”。")
    assert [row[0] for row in listed] == ["进度!E3", "进度!E3", "进度", "没有的表!A1"]
    assert book["错误"]["A3"].hyperlink.location == "'进度'!E3" or book["错误"]["A3"].hyperlink.ref == "A3"
    assert book.sheetnames[0] == "错误"
    check_form(excel.read_workbook(tmp_path / "marked.xlsx"))


def test_marks_of_an_earlier_round_are_taken_off(tmp_path):
    form(tmp_path / "form.xlsx")
    excel.mark_errors(tmp_path / "form.xlsx", [CellError("进度", "E3", "错。")], tmp_path / "once.xlsx")
    excel.mark_errors(tmp_path / "once.xlsx", [CellError("进度", "F4", "错。")], tmp_path / "twice.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "twice.xlsx")["进度"]
    assert sheet["E3"].comment is None
    assert sheet["F4"].comment.text == "错。"


def test_formulas_and_merged_cells_of_a_hostile_file_come_back_harmless(tmp_path):
    corpus.workbook(tmp_path / "in.xlsx", lambda book: book["进度"].merge_cells("B2:B3"))
    book = openpyxl.load_workbook(tmp_path / "in.xlsx")
    book["进度"]["C4"] = '=HYPERLINK("http://127.0.0.1:9999/","x")'
    book.save(tmp_path / "in.xlsx")
    errors = excel.read_workbook(tmp_path / "in.xlsx")["进度"].problems()
    excel.mark_errors(tmp_path / "in.xlsx", [*errors, CellError("进度", "B3", "合并。")], tmp_path / "marked.xlsx")
    marked = excel.read_workbook(tmp_path / "marked.xlsx")
    assert [cell.kind for sheet in marked.sheets.values() for row in sheet.rows for cell in row.cells].count(
        "formula"
    ) == 0
    assert openpyxl.load_workbook(tmp_path / "marked.xlsx")["进度"]["B2"].comment.text.count("合并") >= 2


def test_a_file_that_openpyxl_cannot_open_is_marked_all_the_same(tmp_path):
    corpus.pack(tmp_path / "in.xlsx", corpus.parts())  # no content types: openpyxl finds no workbook part
    excel.mark_errors(tmp_path / "in.xlsx", [CellError("进度", "B2", "错。")], tmp_path / "marked.xlsx")
    marked = openpyxl.load_workbook(tmp_path / "marked.xlsx")["进度"]
    assert (marked["B2"].value, marked["B2"].comment.text) == ("2.5", "错。")


def test_a_cell_far_away_costs_nothing(tmp_path):
    corpus.workbook(tmp_path / "in.xlsx", lambda book: book["进度"].cell(1_048_576, 16_384, "x"))
    excel.mark_errors(tmp_path / "in.xlsx", [CellError("进度", "C2", "错。")], tmp_path / "marked.xlsx")
    assert openpyxl.load_workbook(tmp_path / "marked.xlsx")["进度"]["C2"].comment.text == "错。"


def test_a_bomb_is_not_marked_but_refused(tmp_path):
    corpus.ratio_bomb(tmp_path / "in.xlsx")
    with pytest.raises(FileRefused, match="压缩"):
        excel.mark_errors(tmp_path / "in.xlsx", [], tmp_path / "marked.xlsx")
    assert not (tmp_path / "marked.xlsx").exists()


@pytest.mark.parametrize(
    "printed", ["面积（亩）", "面积(亩)", "面积", " 面 积\n（亩）", "面积（填数字）", "＊面积（亩）"]
)
def test_headings_are_found_however_they_are_typed(printed):
    sheet = one_sheet(["说明"], ["图斑编号", printed])
    assert excel.find_header(sheet, ["图斑编号", "面积（亩）"]) == {"图斑编号": 0, "面积（亩）": 1}


def test_another_unit_is_another_column():
    with pytest.raises(FileRefused, match="面积（亩）"):
        excel.find_header(one_sheet(["图斑编号", "面积（公顷）"]), ["图斑编号", "面积（亩）"])


def test_aliases_and_optional_headings():
    sheet = one_sheet(["图斑号", "图斑面积"])
    header = excel.find_header(sheet, ["图斑编号"], {"图斑编号": ["图斑号"]}, optional=["图斑面积", "备注"])
    assert header == {"图斑编号": 0, "图斑面积": 1}
    assert header.row_number == 1


def test_a_heading_twice_is_refused():
    with pytest.raises(FileRefused, match="A1、C1") as refusal:
        excel.find_header(one_sheet(["面积", "组", "面积（亩）"]), ["面积（亩）"])
    assert refusal.value.code == "header-repeated"


def test_codes_stay_texts():
    assert excel.cell_code(Cell("text", " ５００１５１")) == "500151"
    assert excel.cell_code(Cell("number", "500151")) == "500151"
    with pytest.raises(ValueError, match="末几位已经改变"):
        excel.cell_code(Cell("number", "500151202400000000"))
    with pytest.raises(ValueError, match="应为编号文字"):
        excel.cell_code(Cell("number", "1.5"))


@given(st.integers(min_value=0, max_value=16383), st.integers(min_value=1, max_value=1_048_576))
def test_addresses_go_there_and_back(column, row):
    assert split_address(f"{letters(column)}{row}") == (column, row)
