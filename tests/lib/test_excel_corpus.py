"""Every odd or hostile workbook gets its own Chinese answer, quickly; nothing else is ever raised."""

import random
import time

import pytest

from farmland.lib import excel
from farmland.lib.excel import FileRefused, read_workbook
from farmland.lib.numbers import parse_decimal
from tests.lib import corpus

FORM = {"进度": excel.SheetSpec()}
REFUSED = [name for name, (_, code) in corpus.CASES.items() if code]


def made(name, tmp_path):
    path = tmp_path / "upload.xlsx"
    corpus.CASES[name][0](path)
    return path


def read(name, tmp_path):
    return read_workbook(made(name, tmp_path), sheets=FORM)["进度"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused_with_its_own_code(name, tmp_path):
    path = made(name, tmp_path)
    started = time.monotonic()
    with pytest.raises(FileRefused) as refusal:
        read_workbook(path, sheets=FORM)
    assert refusal.value.code == corpus.CASES[name][1]
    assert refusal.value.message.endswith("。")
    assert time.monotonic() - started < 15


def test_distinct_faults_get_distinct_words(tmp_path):
    words = {}
    for name in REFUSED:
        if name == "huge shared texts":
            continue
        with pytest.raises(FileRefused) as refusal:
            read_workbook(made(name, tmp_path), sheets=FORM)
        words.setdefault(refusal.value.code, set()).add(refusal.value.message)
    every = [message for messages in words.values() for message in messages]
    assert len(every) == len(set(every))
    assert len(words) >= 25


def test_a_too_large_file_is_refused_before_it_is_opened(tmp_path):
    path = tmp_path / "upload.xlsx"
    path.write_bytes(b"PK\x03\x04" + bytes(5 * 1024 * 1024))
    with pytest.raises(FileRefused, match="最大 5 MB") as refusal:
        read_workbook(path)
    assert refusal.value.code == "too-large"


@pytest.mark.parametrize("name", ["million empty rows", "styled empty cells"])
def test_empty_rows_without_end_are_ignored_with_a_remark(name, tmp_path):
    path = made(name, tmp_path)
    started = time.monotonic()
    sheet = read_workbook(path, sheets=FORM)["进度"]
    assert [row.number for row in sheet.rows] == [1, 2, 3, 4, 5]
    assert "是空行，已忽略" in sheet.note
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("name", ["dimension A1", "dimension of a million rows", "external links"])
def test_what_a_sheet_says_about_its_size_is_not_believed(name, tmp_path):
    sheet = read(name, tmp_path)
    assert [parse_decimal(row[1]) for row in sheet.rows] == [parse_decimal(f"{n}.5") for n in range(1, 6)]


def test_formulas_are_reported_by_address_and_never_become_a_value(tmp_path):
    sheet = read("formulas", tmp_path)
    assert [error.address for error in sheet.problems()] == ["进度!C3", "进度!C4"]
    assert "公式“=10+2.2”" in sheet.problems()[0].message
    with pytest.raises(ValueError, match="应为数字"):
        parse_decimal(sheet.cell("C3"))


def test_error_values_are_reported_and_never_become_zero(tmp_path):
    sheet = read("error values", tmp_path)
    assert [error.message for error in sheet.problems()] == [
        "是错误值“#N/A”，请改为正确的内容。",
        "是错误值“NaN”，请改为正确的内容。",
    ]


def test_merged_cells_are_named_where_they_touch_wanted_columns(tmp_path):
    sheet = read("merged cells", tmp_path)
    assert sheet.merged == ("B2:B3",)
    assert [str(error) for error in sheet.problems([1], from_row=2)] == [
        "进度!B2：与其他单元格合并（B2:B3），请取消合并，每格单独填写。"
    ]
    assert sheet.problems([2]) == []
    assert sheet.problems(from_row=4) == []


def test_hidden_sheets_are_listed(tmp_path):
    book = read_workbook(made("hidden sheets", tmp_path))
    assert book.hidden == ["旧数据", "_lists"]
    assert book["_lists"].state == "veryHidden"


def test_wrong_headings_are_answered_with_what_is_missing_and_what_is_there(tmp_path):
    sheet = read("wrong headings", tmp_path)
    with pytest.raises(FileRefused) as refusal:
        excel.find_header(sheet, corpus.HEADINGS)
    assert refusal.value.code == "header-missing"
    assert "“面积（亩）”" in refusal.value.message
    assert "亩数" in refusal.value.message


def test_full_width_numbers_and_text_dates_come_through(tmp_path):
    assert parse_decimal(read("full-width numbers", tmp_path).cell("C2")) == parse_decimal("10.5")
    assert read("date as text", tmp_path).cell("D2") == excel.Cell("text", "2024.9.1")


def test_control_characters_are_a_fault_of_the_cell(tmp_path):
    sheet = read("control characters", tmp_path)
    assert [error.cell for error in sheet.problems()] == ["A1", "B1"]
    assert sheet.cell("C1").text == "a\nb"


def test_prefixed_names_and_missing_addresses_are_read(tmp_path):
    sheet = read("prefixed names", tmp_path)
    assert [(cell.kind, cell.text) for cell in sheet.rows[0].cells] == [("text", "甲"), ("number", "7")]


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_raise_nothing_but_a_refusal(seed, tmp_path):
    path = tmp_path / "upload.xlsx"
    corpus.workbook(path)
    data = bytearray(path.read_bytes())
    chance = random.Random(seed)
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    path.write_bytes(bytes(data))
    try:
        book = read_workbook(path)
    except FileRefused:
        return
    assert "进度" in book
