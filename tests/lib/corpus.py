"""Odd and hostile workbooks, made on the spot: ``CASES`` maps a name to its maker and the code of its refusal.

A code of None means that the file is read and the test says what must come out.
"""

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEADINGS = ["图斑编号", "组", "面积（亩）", "完成日期"]
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

CASES: dict[str, tuple[Callable[[Path], None], str | None]] = {}


def case(name: str, code: str | None = None):
    def remember(maker: Callable[[Path], None]) -> Callable[[Path], None]:
        CASES[name] = (maker, code)
        return maker

    return remember


def workbook(path: Path, change: Callable[[openpyxl.Workbook], None] = lambda book: None) -> None:
    """A sound three-row form, then changed."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "进度"
    sheet.append(HEADINGS)
    for number in range(1, 4):
        sheet.append([f"50015120240000{number}", "3组", 10 + number / 10, date(2024, 9, number)])
    change(book)
    book.save(path)


def cell_xml(address: str, text: str) -> str:
    return f'<c r="{address}" t="inlineStr"><is><t>{text}</t></is></c>'


ROWS = "".join(
    f'<row r="{number}">{cell_xml(f"A{number}", f"编号{number}")}<c r="B{number}"><v>{number}.5</v></c></row>'
    for number in range(1, 6)
)


def sheet_xml(rows: str = ROWS, *, before: str = "", after: str = "", head: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<worksheet xmlns="{MAIN}">{before}'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def parts(**changes: str | bytes | None) -> dict[str, str | bytes]:
    """A minimal workbook as parts by name; ``changes`` replace (or, with None, remove) sheet, book, rels, texts."""
    given: dict[str, str | bytes | None] = {
        "sheet": sheet_xml(),
        "book": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets><sheet name="进度" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>",
        "rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
        f'Type="{LINKS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "texts": f'<sst xmlns="{MAIN}"/>',
    } | changes
    names = {
        "sheet": "xl/worksheets/sheet1.xml",
        "book": "xl/workbook.xml",
        "rels": "xl/_rels/workbook.xml.rels",
        "texts": "xl/sharedStrings.xml",
    }
    found: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    }
    return found | {names[key]: value for key, value in given.items() if value is not None}


def pack(path: Path, contents: dict[str, str | bytes], more: list[tuple[zipfile.ZipInfo | str, bytes]] = ()) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*contents.items(), *more]:
            archive.writestr(name, data)


# files that are something else


@case("empty", "empty-file")
def empty(path: Path) -> None:
    path.write_bytes(b"")


@case("text renamed", "text-renamed")
def text_renamed(path: Path) -> None:
    path.write_text("这只是一段文字。\n第二行。\n", encoding="utf-8")


@case("csv renamed", "csv-renamed")
def csv_renamed(path: Path) -> None:
    path.write_bytes("图斑编号,面积\n001,3.5\n".encode("gb18030"))


@case("encrypted", "encrypted")
def encrypted(path: Path) -> None:
    path.write_bytes(OLE2 + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(500))


@case("old xls", "old-xls")
def old_xls(path: Path) -> None:
    path.write_bytes(OLE2 + bytes(1000) + "Workbook".encode("utf-16-le") + bytes(500))


@case("html xls", "html")
def html_xls(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf\r\n<html><body><table><tr><td>1</td></tr></table></body></html>")


@case("xml table", "xml-table")
def xml_table(path: Path) -> None:
    path.write_text('<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>')


@case("pdf", "pdf")
def pdf(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n" + bytes(100))


@case("random bytes", "not-a-workbook")
def random_bytes(path: Path) -> None:
    path.write_bytes(b"\x00\x01" + random.Random(1).randbytes(5000))


@case("plain zip", "archive")
def plain_zip(path: Path) -> None:
    pack(path, {"照片/1.jpg": b"x"})


@case("word", "word")
def word(path: Path) -> None:
    pack(path, {"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"})


@case("cut off", "corrupt")
def cut_off(path: Path) -> None:
    workbook(path)
    path.write_bytes(path.read_bytes()[:-300])


@case("bytes flipped", "corrupt")
def bytes_flipped(path: Path) -> None:
    pack(path, parts())
    data = bytearray(path.read_bytes())
    start = data.index(b"xl/worksheets/sheet1.xml") + 40
    data[start : start + 20] = bytes(20)
    path.write_bytes(bytes(data))


# zip tricks


@case("zip slip", "unsafe-names")
def zip_slip(path: Path) -> None:
    pack(path, parts(), [("../../etc/cron.d/x", b"x")])


@case("absolute name", "unsafe-names")
def absolute_name(path: Path) -> None:
    pack(path, parts(), [("/etc/passwd", b"x")])


@case("symlink", "symlink")
def symlink(path: Path) -> None:
    link = zipfile.ZipInfo("xl/link.xml")
    link.external_attr = 0o120777 << 16
    pack(path, parts(), [(link, b"/etc/passwd")])


@case("macros", "macros")
def macros(path: Path) -> None:
    pack(path, parts(), [("xl/vbaProject.bin", b"x")])


@case("nested zip", "nested-file")
def nested_zip(path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a", "b")
    pack(path, parts(), [("xl/embeddings/object1.bin", inner.getvalue())])


@case("same name twice", "repeated-parts")
def same_name_twice(path: Path) -> None:
    pack(path, parts(), [("XL/worksheets/Sheet1.xml", sheet_xml("").encode())])


@case("many entries", "too-many-parts")
def many_entries(path: Path) -> None:
    pack(path, parts(), [(f"xl/media/{number}.xml", b"<a/>") for number in range(2001)])


@case("ratio bomb", "bomb")
def ratio_bomb(path: Path) -> None:
    pack(path, parts(), [("xl/media/zeros.bin", bytes(20 * 1024 * 1024))])


@case("many parts bomb", "inflates-too-far")
def many_parts_bomb(path: Path) -> None:
    noise = random.Random(2).randbytes(9000) * 100
    pack(path, parts(), [(f"xl/media/{number}.bin", noise) for number in range(60)])


@case("size is a lie", "corrupt")
def size_is_a_lie(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml(ROWS + "<!--" + "x" * 200_000 + "-->")))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"xl/worksheets/sheet1.xml"))
    data[at + 24 : at + 28] = (400).to_bytes(4, "little")
    path.write_bytes(bytes(data))


@case("overlap", "overlap")
def overlap(path: Path) -> None:
    pack(path, parts())
    data = bytearray(path.read_bytes())
    first = data.index(b"PK\x01\x02")
    data[first + 20 : first + 24] = (5000).to_bytes(4, "little")
    path.write_bytes(bytes(data))


# XML tricks


@case("entity bomb", "doctype")
def entity_bomb(path: Path) -> None:
    names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    head = f'<!DOCTYPE x [<!ENTITY a0 "ha">{names}]>'
    pack(path, parts(sheet=sheet_xml(f'<row r="1">{cell_xml("A1", "&a8;")}</row>', head=head)))


@case("quadratic entity", "doctype")
def quadratic_entity(path: Path) -> None:
    head = f'<!DOCTYPE x [<!ENTITY a "{"h" * 50_000}">]>'
    pack(path, parts(sheet=sheet_xml(f'<row r="1">{cell_xml("A1", "&a;" * 20_000)}</row>', head=head)))


@case("external dtd", "doctype")
def external_dtd(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml(head='<!DOCTYPE x SYSTEM "http://127.0.0.1:9999/x.dtd">')))


@case("doctype in utf-16", "doctype")
def doctype_in_utf16(path: Path) -> None:
    text = sheet_xml(head='<!DOCTYPE x SYSTEM "file:///etc/passwd">').replace("UTF-8", "UTF-16")
    pack(path, parts(sheet=text.encode("utf-16")))


@case("deep nesting", "too-deep")
def deep_nesting(path: Path) -> None:
    depth = 200_000
    names = random.Random(3)
    tags = [f"a{names.randrange(10**9)}" for _ in range(2000)]
    text = "".join(f"<{tags[n % 2000]}>" for n in range(depth))
    pack(path, parts(sheet=sheet_xml(text)))


@case("nul bytes", "corrupt")
def nul_bytes(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml().replace("编号3", "编\0号").encode()))


@case("huge shared texts", "too-many-texts")
def huge_shared_texts(path: Path) -> None:
    some = random.Random(4)
    texts = "".join(f"<si><t>{some.randrange(10**6)}</t></si>" for _ in range(310_000))
    pack(path, parts(texts=f'<sst xmlns="{MAIN}">{texts}</sst>'))


# sheets that would lose rows


@case("row number twice", "repeated-rows")
def row_number_twice(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml(ROWS.replace('<row r="4">', '<row r="3">'))))


@case("cell twice", "repeated-cells")
def cell_twice(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>')))


@case("sheet part missing", "sheet-part-missing")
def sheet_part_missing(path: Path) -> None:
    pack(path, parts(sheet=None))


@case("no sheets", "no-sheets")
def no_sheets(path: Path) -> None:
    pack(path, parts(book=f'<workbook xmlns="{MAIN}"><sheets/></workbook>'))


@case("other sheet name", "sheet-missing")
def other_sheet_name(path: Path) -> None:
    workbook(path, lambda book: setattr(book["进度"], "title", "Sheet1"))


@case("row 5001 filled", "too-many-rows")
def row_5001_filled(path: Path) -> None:
    workbook(path, lambda book: book["进度"].cell(5001, 1, "x"))


@case("column 61 filled", "too-many-columns")
def column_61_filled(path: Path) -> None:
    workbook(path, lambda book: book["进度"].cell(3, 61, "x"))


@case("many merged", "merged-cells")
def many_merged(path: Path) -> None:
    merged = "".join(f'<mergeCell ref="C{n}:D{n}"/>' for n in range(1, 40_001))
    pack(path, parts(sheet=sheet_xml(after=f"<mergeCells>{merged}</mergeCells>")))


# read, with the oddity visible


@case("million empty rows")
def million_empty_rows(path: Path) -> None:
    rows = "".join(f'<row r="{number}" spans="1:9" ht="15"/>' for number in range(6, 1_000_001))
    pack(path, parts(sheet=sheet_xml(ROWS + rows)))


@case("styled empty cells")
def styled_empty_cells(path: Path) -> None:
    rows = "".join(f'<row r="{n}">{"".join(f"<c r={q}{c}{n}{q} s={q}1{q}/>" for q in [chr(34)] for c in "ABCDEFGHI")}</row>' for n in range(6, 60_000))  # fmt: skip  # noqa: E501
    pack(path, parts(sheet=sheet_xml(ROWS + rows)))


@case("dimension A1")
def dimension_a1(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml(before='<dimension ref="A1"/>')))


@case("dimension of a million rows")
def dimension_million(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml(before='<dimension ref="A1:XFD1048576"/>')))


@case("formulas")
def formulas(path: Path) -> None:
    def change(book):
        book["进度"]["C3"] = "=10+2.2"
        book["进度"]["C4"] = "=[1]表!A1"

    workbook(path, change)


@case("error values")
def error_values(path: Path) -> None:
    pack(path, parts(sheet=sheet_xml('<row r="1"><c r="A1" t="e"><v>#N/A</v></c><c r="B1"><v>NaN</v></c></row>')))


@case("merged cells")
def merged_cells(path: Path) -> None:
    workbook(path, lambda book: book["进度"].merge_cells("B2:B3"))


@case("hidden sheets")
def hidden_sheets(path: Path) -> None:
    def change(book):
        book.create_sheet("旧数据").sheet_state = "hidden"
        book.create_sheet("_lists").sheet_state = "veryHidden"

    workbook(path, change)


@case("wrong headings")
def wrong_headings(path: Path) -> None:
    workbook(path, lambda book: book["进度"].__setitem__("C1", "亩数"))


@case("full-width numbers")
def full_width_numbers(path: Path) -> None:
    workbook(path, lambda book: book["进度"].__setitem__("C2", "１０．５"))


@case("date as text")
def date_as_text(path: Path) -> None:
    workbook(path, lambda book: book["进度"].__setitem__("D2", "2024.9.1"))


@case("external links")
def external_links(path: Path) -> None:
    rels = parts()["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        f'<Relationship Id="rId9" Type="{LINKS}/externalLink" Target="http://127.0.0.1:9999/x.xlsx" '
        'TargetMode="External"/></Relationships>',
    )
    pack(path, parts(rels=rels), [("xl/externalLinks/externalLink1.xml", b"<externalLink/>")])


@case("control characters")
def control_characters(path: Path) -> None:
    rows = f'<row r="1">{cell_xml("A1", "a_x0000_b")}{cell_xml("B1", "_xD800_")}{cell_xml("C1", "a_x000D_b")}</row>'
    pack(path, parts(sheet=sheet_xml(rows)))


@case("prefixed names")
def prefixed_names(path: Path) -> None:
    """Every element with a namespace prefix, as some exporters write."""
    rows = '<x:row><x:c t="inlineStr"><x:is><x:t>甲</x:t></x:is></x:c><x:c><x:v>7</x:v></x:c></x:row>'
    pack(path, parts(sheet=f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'))
