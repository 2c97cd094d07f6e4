"""What an attacker wrote is shown as text: on no page a tag, in no file a formula; and what every answer carries."""

import csv
import io
import re
import zipfile
from decimal import Decimal

import openpyxl
import pytest

from farmland.api import LISTS
from farmland.lib.excel.csvfile import restore
from tests.security.crawl import ROLES, Crawler, body_of, silence
from tests.security.world import HOSTILE, MARK

pytestmark = pytest.mark.django_db
OFFICIAL = next(role for role in ROLES if role.user == "xihe")
RAW = re.compile(rb"ZZ[A-Z]+\d{3}\w*<i")
ESCAPED = re.compile(rb"ZZ[A-Z]+\d{3}\w*&lt;i a=&#x27;&quot;&amp;&gt;")
INLINE = re.compile(rb"<script(?![^>]*\bsrc=)|<style|\son\w+\s*=\s*[\"']|\sstyle\s*=\s*[\"']|javascript:", re.I)
ATTACHED = re.compile(r"""attachment; (filename="([^"\\\r\n]|\\.)*"|filename\*=utf-8''[\w.%~-]+)""")


def pages(answers):
    return [one for one in answers if one.headers.get("Content-Type", "").startswith("text/html")]


@pytest.fixture
def official(land):
    crawler = Crawler(land, OFFICIAL)

    def get(address: str):
        with silence():
            return crawler.call("GET", address)

    return get


def test_no_page_shows_markup_that_a_person_wrote(answers):
    shown = pages(answers)
    assert [str(one) for one in shown if RAW.search(one.body)] == []
    assert len({one.line.name for one in shown if ESCAPED.search(one.body)}) > 12


def test_no_page_carries_a_script_or_style_of_its_own(answers):
    assert [(str(one), INLINE.search(one.body)[0]) for one in pages(answers) if INLINE.search(one.body)] == []


def test_every_answer_forbids_scripts_frames_and_guessing(answers):
    for one in answers:
        policy = one.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, str(one)
        assert "script-src 'self'" in policy or "sandbox" in policy, str(one)
        assert "frame-ancestors 'none'" in policy, str(one)
        assert "unsafe" not in policy, str(one)
        assert one.headers["X-Content-Type-Options"] == "nosniff", str(one)
        assert one.headers["X-Frame-Options"] == "DENY", str(one)
        assert one.headers["Referrer-Policy"] == "same-origin", str(one)


def test_no_cache_may_keep_what_only_its_user_may_see(answers):
    private = [one for one in answers if one.role.user and one.status == 200 and one.line.object != "-"]
    loose = {one.line.name for one in private if "no-" not in one.headers.get("Cache-Control", "")}
    shared = {one.line.name for one in private if "private" not in one.headers.get("Cache-Control", "")}
    assert (loose, shared) == (set(), set())
    assert len(private) > 200


def test_files_are_downloads_whose_names_stay_in_their_header(answers):
    files = [one for one in answers if "openxmlformats" in one.headers.get("Content-Type", "")]
    assert files
    for one in files:
        assert ATTACHED.fullmatch(one.headers["Content-Disposition"]), str(one)


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.name)
def test_no_cell_of_an_export_is_a_formula_and_texts_come_back_whole(official, view):
    address = f"/api/v1/{view.name}/?format="
    lines = list(csv.reader(io.StringIO(body_of(official(address + "csv")).decode("utf-8-sig"))))
    numbers = re.compile(r"-?\d+(\.\d+)?")
    dangerous = [cell for line in lines for cell in line if cell[:1] in "=+-@\t\r＝＋－＠" and cell]
    assert [cell for cell in dangerous if not numbers.fullmatch(cell)] == []

    book_bytes = body_of(official(address + "xlsx"))
    with zipfile.ZipFile(io.BytesIO(book_bytes)) as book:
        sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/")]
        assert not any(name.startswith(("xl/externalLinks", "xl/macros")) for name in book.namelist())
    assert [sheet for sheet in sheets if b"<f" in sheet.replace(b"<formula", b"")] == []

    sheet = openpyxl.load_workbook(io.BytesIO(book_bytes)).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [[restore(cell) for cell in line] for line in lines] == [[text(value) for value in row] for row in rows]


def text(value) -> str:
    """A cell of the workbook as the CSV writes it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return value.date().isoformat() if hasattr(value, "date") else str(value)


def test_the_formula_of_a_hostile_code_is_kept_as_it_was_written(land, official):
    """The control: the exports above do hold texts that begin with an equals sign."""
    code = land.objects["xinsi"].parcel.codes[0]
    assert code == HOSTILE.format(land.objects["xinsi"].words[0])
    cells = [
        cell
        for line in csv.reader(io.StringIO(body_of(official("/api/v1/parcels/?format=csv")).decode("utf-8-sig")))
        for cell in line
        if MARK in cell
    ]
    assert f"'{code}" in cells
    assert restore(f"'{code}") == code


def test_no_blank_or_marked_workbook_holds_a_formula(land, official):
    own = land.objects["xinsi"]
    for address in (
        f"/{own.where}/forms/{own.division.code}/blank/",
        f"/{own.where}/parcels/import/template.xlsx",
        f"/api/v1/forms/workbooks/{own.marked.pk}/",
    ):
        book = openpyxl.load_workbook(io.BytesIO(body_of(official(address))))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert [cell.coordinate for cell in cells if cell.data_type == "f"] == [], address
        assert len(cells) > 5
