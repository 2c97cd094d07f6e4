"""The quick way through a sheet finds what expat finds: the same cells, or the same refusal."""

import io
import random
import zipfile

import pytest

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.gate import CHUNK
from farmland.lib.excel.plainrows import NotPlain, PlainRows
from farmland.lib.excel.sheetxml import SheetReader
from farmland.lib.excel.transfer import SheetOut
from farmland.lib.excel.workbook import Cell

TEXTS = [Cell("text", "东村"), Cell("empty"), Cell("text", "旱地"), Cell("error", "不可见字符")]
HEAD = '<?xml version="1.0" encoding="UTF-8"?><worksheet><dimension ref="A1:B9"/><sheetData>'
TAIL = '</sheetData><mergeCells><mergeCell ref="A1:B1"/></mergeCells></worksheet>'
NUMBER, TEXT, INLINE = (
    "<c r=@><v>1.50</v></c>",
    '<c r=@ t="s"><v>0</v></c>',
    '<c r=@ t="inlineStr"><is><t>x</t></is></c>',
)
CELLS = (
    NUMBER, TEXT, INLINE, "<c r=@ s='1'><v>2</v></c>", '<c r=@ s="1"><v>45000</v></c>', '<c r=@ s="1"/>', "<c r=@/>",
    "<c r=@></c>", "<c r=@><v/></c>", "<c r=@><v></v></c>", '<c r=@ t="b"><v>1</v></c>',
    '<c r=@ t="e"><v>#N/A</v></c>',
    '<c r=@ t="str"><v>a&amp;b</v></c>', "<c r=@><f>A1+1</f><v>2</v></c>", '<c r=@ t="s"><v>1</v></c>',
    '<c r=@ t="s"><v>3</v></c>', '<c r=@ t="s"><v>99</v></c>', '<c r=@ t="d"><v>2024-02-29</v></c>',
    '<c r=@ t="inlineStr"><is><t xml:space="preserve"> 两\n行 </t></is></c>', "<c r=@><v>1e3</v></c>",
    '<c r=@ t="inlineStr"><is><r><t>a</t></r><rPh><t>p</t></rPh><r><t>b</t></r></is></c>', "<c r=@><v>NaN</v></c>",
    '<c r=@ t="inlineStr"><is><t>a]]&gt;b>c</t></is></c>', "<c r=@><v>1</v><!-- no --></c>", "\n<c r=@><v>7</v></c>",
)  # fmt: skip


def sheet(*rows: str) -> str:
    return HEAD + "".join(rows) + TAIL


def row(number: int, *cells: str, more: str = "") -> str:
    placed = "".join(one.replace("@", f'"{chr(65 + at)}{number}"') for at, one in enumerate(cells))
    return f'<row r="{number}"{more}>{placed}</row>'


def both(text: str | bytes, *, max_rows=50, max_cols=6) -> tuple:
    """What the plain way, where it takes the sheet, and expat find."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("s.xml", text)
    found = []
    with zipfile.ZipFile(packed) as archive:
        for way in ("read", "read_by_events"):
            reader = SheetReader(SheetOut("表"), TEXTS, {1}, False, max_rows, max_cols)
            try:
                found.append(getattr(reader, way)(archive, "s.xml").sheet())
            except FileRefused as refusal:
                found.append((refusal.code, refusal.message))
    return tuple(found)


def is_plain(text: str, monkeypatch) -> bool:
    """Whether not one row of it went to expat."""
    monkeypatch.setattr(PlainRows, "_by_events", lambda self, text: pytest.fail(f"not plain: {text}"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("s.xml", text)
    with zipfile.ZipFile(packed) as archive:
        try:
            PlainRows(SheetReader(SheetOut("表"), TEXTS, set(), False, 99, 9)).read(archive, "s.xml")
        except NotPlain:
            return False
    return True


@pytest.mark.parametrize("cell", CELLS)
def test_every_form_of_a_cell_is_read_alike(cell):
    quick, slow = both(sheet(row(1, NUMBER, TEXT), row(3, TEXT, cell, NUMBER), row(4, cell), row(5, NUMBER)))
    assert quick == slow
    assert slow.rows[-1].number == 5


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(sheet(row(2, TEXT), row(2, NUMBER)), id="row twice"),
        pytest.param(sheet(row(3, TEXT), row(2, NUMBER)), id="row before"),
        pytest.param(sheet(row(2, TEXT), row(2)), id="empty row twice"),
        pytest.param(sheet(row(2, TEXT), '<row r="2"/>', row(3, TEXT)), id="closed row twice"),
        pytest.param(sheet('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>'), id="cell twice"),
        pytest.param(sheet('<row r="1"><c r="A1"><v>1</v></c><c r="A1" s="1"/></row>'), id="empty cell twice"),
        pytest.param(sheet('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>'), id="cell before"),
        pytest.param(sheet('<row r="1"><c r="A2"><v>1</v></c></row>'), id="cell of another row"),
        pytest.param(sheet('<row r="1"><c r="AAAA1"><v>1</v></c></row>'), id="no address"),
        pytest.param(sheet('<row r="1" r="2"><c r="A1"><v>1</v></c></row>'), id="attribute twice"),
        pytest.param(sheet('<row r="1"><c r="A1" s="1" s="2"><v>1</v></c></row>'), id="style twice"),
        pytest.param(sheet('<row r="1"><c r="A1"><v>1</c></row>'), id="not closed"),
        pytest.param(sheet('<row r="1"><c r="A1" t="str"><v>a\x01</v></c></row>'), id="control letter"),
        pytest.param(sheet('<row r="1"><c r="A1" t="str"><v>a]]>b</v></c></row>'), id="end of CDATA"),
        pytest.param(sheet('<row r="1"><c r="A1" t="str"><v>&other;</v></c></row>'), id="entity"),
        pytest.param(sheet('<row r="1"><c r="A1"><v><![CDATA[</row>]]></v></c></row>'), id="CDATA"),
        pytest.param(sheet("<!-- </row> -->", row(1, TEXT)), id="comment"),
        pytest.param(sheet(row(60, TEXT)), id="too many rows"),
        pytest.param(sheet(row(1, TEXT), row(60, '<c r=@ s="1"/>'), '<row r="61"/>'), id="empty rows behind"),
        pytest.param(sheet('<row r="1"><c r="G1"><v>1</v></c></row>'), id="too many columns"),
        pytest.param(sheet('<row r="1"><c r="G1" s="1"/></row>'), id="empty columns"),
        pytest.param(
            sheet('<row r="1"><c r="C1"><v>1</v></c></row>', '<row r="4"/>', '<row r="6" ht="3"/>'), id="gap"
        ),
        pytest.param(sheet('<row><c><v>1</v></c><c r="C1"><v>2</v></c></row>'), id="no numbers"),
        pytest.param(HEAD + TAIL[:12], id="cut off"),
        pytest.param(HEAD + row(1, TEXT), id="no end"),
        pytest.param(sheet(row(1, TEXT)) + "<more/>", id="two documents"),
        pytest.param(sheet(row(1, TEXT)).replace("</sheetData>", "</sheetData><row r='9'></row>"), id="row outside"),
        pytest.param(sheet(row(1, TEXT)).encode("utf-16"), id="utf-16 that says utf-8"),
        pytest.param(sheet(row(1, INLINE)).replace("UTF-8", "UTF-16").encode("utf-16"), id="utf-16"),
        pytest.param(sheet(row(1, INLINE.replace("x", "镇"))).replace("UTF-8", "GBK").encode("gbk"), id="gbk"),
        pytest.param(sheet(row(1, INLINE.replace("x", "镇"))).encode("gbk"), id="gbk that says utf-8"),
        pytest.param(sheet(row(1, INLINE)).replace("<sheetData>", "<!DOCTYPE a><sheetData>"), id="doctype"),
        pytest.param("\ufeff" + sheet(row(1, INLINE)), id="byte order mark"),
        pytest.param(sheet("\n  ", row(1, TEXT, more=' spans="1:2" x14ac:dyDescent="0.25"'), "\n"), id="spaces"),
        pytest.param(sheet(row(1, TEXT)).replace("<row", "<x:row").replace("</row", "</x:row"), id="prefixes"),
    ],
)
def test_what_is_odd_is_answered_or_refused_alike(text):
    quick, slow = both(text)
    assert quick == slow


@pytest.mark.parametrize("letter", ["a", "镇"])
def test_letters_cut_by_the_reading_are_whole(letter):
    """A piece of the file ends inside a letter, in the rows and behind them."""
    for shift in range(4):
        long = INLINE.replace("x", letter * 3000)
        text = sheet(*(row(at + 1, long) for at in range(shift + 8)))
        text = text.replace("</worksheet>", f"<t>{'-' * shift}{letter * CHUNK}</t></worksheet>")
        quick, slow = both(text)
        assert quick == slow
        assert len(slow.rows) == shift + 8


def test_what_spreadsheets_write_needs_no_expat(monkeypatch):
    usual = [one for one in CELLS[:12] if "'" not in one and "<v/>" not in one]
    rows = [row(at, *usual[:8]) for at in range(1, 9)]
    rows += ['<row r="9" spans="1:8"/>', row(10, NUMBER, more=' spans="1:8" ht="14.25" customHeight="1"')]
    assert is_plain(sheet(*rows), monkeypatch)
    assert not is_plain(sheet(*rows, "<!-- a comment -->"), monkeypatch)


def test_damaged_sheets_are_read_or_refused_alike():
    """Letters of a sound sheet changed, lost and doubled at random."""
    dice = random.Random(7)
    for _ in range(1500):
        text = list(sheet(*(row(at, *dice.sample(CELLS, 4)) for at in range(1, 5))))
        for _ in range(dice.randrange(1, 3)):
            at = dice.randrange(len(HEAD), len(text) - 1)
            text[at] = dice.choice(["", text[at] * 2, "<", ">", '"', "/", " ", "1", "A", "r", "&"])
        quick, slow = both("".join(text))
        assert quick == slow, "".join(text)
