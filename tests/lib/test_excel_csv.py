"""CSV: strict decoding, no lost row, formulas made harmless and given back unchanged."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmland.lib.excel import FileRefused, harmless, read_csv, restore

TABLE = "图斑编号,面积（亩）,备注\n0012,3.50,新四村\n\n0013,7,“好”\n"


def read(tmp_path, data, **limits):
    path = tmp_path / "upload.csv"
    path.write_bytes(data)
    return read_csv(path, **limits)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_usual_encoding_gives_the_same_rows(encoding, tmp_path):
    sheet = read(tmp_path, TABLE.encode(encoding))
    assert [row.number for row in sheet.rows] == [1, 2, 4]
    assert [cell.text for cell in sheet.rows[1].cells] == ["0012", "3.50", "新四村"]
    assert sheet.cell("C4").text == "“好”"


def test_tabs_separate_where_there_are_no_commas(tmp_path):
    assert read(tmp_path, "甲\t乙\n1\t2\n".encode("utf-16")).cell("B2").text == "2"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "empty-file", id="empty"),
        pytest.param('甲,"乙\n1,2\n3,4\n'.encode(), "csv-quotes", id="open quote"),
        pytest.param('甲,"乙"丙\n'.encode(), "csv-quotes", id="text behind a quote"),
        pytest.param("甲,乙\n1,\0\n".encode(), "csv-nul", id="nul"),
        pytest.param("甲\n".encode() + "乙甲丙\n".encode("gb18030") + b"\xff\xff\n", "csv-encoding", id="mixed"),
        pytest.param(b"\xef\xbb\xbf" + "乙".encode("gb18030"), "csv-encoding", id="mark of another encoding"),
        pytest.param(b"1\n" * 5001, "too-many-rows", id="rows"),
        pytest.param(b"1," * 60 + b"1\n", "too-many-columns", id="columns"),
        pytest.param(b'"' + b"x" * 50_000 + b'"\n', "csv-quotes", id="long field"),
    ],
)
def test_what_would_lose_rows_is_refused(data, code, tmp_path):
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, data)
    assert refusal.value.code == code
    assert refusal.value.message.endswith("。")


def test_control_characters_are_a_fault_of_the_cell(tmp_path):
    assert [error.cell for error in read(tmp_path, b"a\x01,b\n").problems()] == ["A1"]


def test_formulas_are_made_harmless_and_come_back(tmp_path):
    texts = ["=1+1", "+7", "-", "@x", "\tx", "'=1", "''-", "＝1", "普通", "'引"]
    out = io.StringIO()
    csv.writer(out).writerow(harmless(text) for text in texts)
    assert [harmless(text)[0] for text in texts[:8]] == ["'"] * 8
    sheet = read(tmp_path, out.getvalue().encode())
    assert [cell.text for cell in sheet.rows[0].cells] == texts


@given(st.text())
def test_restoring_undoes_making_harmless(text):
    assert restore(harmless(text)) == text
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
