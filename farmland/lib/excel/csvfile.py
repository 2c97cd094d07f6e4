"""CSV as a sheet of texts: the whole file decoded strictly, no row lost to an open quote. Standard library only."""

import csv
import io
import re
from typing import BinaryIO

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.parts import text_cell
from farmland.lib.excel.transfer import SheetOut

MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
RISKY = "=+\\-@\t\r＝＋－＠"
TO_ESCAPE = re.compile(f"'*[{RISKY}]")
ESCAPED = re.compile(f"'+[{RISKY}]")


def harmless(text: str) -> str:
    """A text no spreadsheet runs as a formula: a leading = + - @ (also full-width), tab or CR gets a ' before it."""
    return "'" + text if TO_ESCAPE.match(text) else text


def restore(text: str) -> str:
    """The text that ``harmless`` was given."""
    return text[1:] if ESCAPED.match(text) else text


def decode(data: bytes) -> str:
    """Byte-order mark, else UTF-8, else GB18030, else UTF-16 without mark; strictly. Raises ``FileRefused``."""
    marked = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    if not marked and b"\0" in data:
        return decode_utf16(data)
    for encoding in [marked] if marked else ["utf-8", "gb18030"]:
        text = strict(data, encoding)
        if text is not None:
            return text
    return refuse_encoding()


def decode_utf16(data: bytes) -> str:
    """UTF-16 without mark: believed only when the commas and line ends are commas and line ends in it."""
    bytes_seen = data.count(b",") + data.count(b"\n") + data.count(b"\t")
    for encoding in ("utf-16-le", "utf-16-be"):
        text = strict(data, encoding) or "\0"
        separators = text.count(",") + text.count("\n") + text.count("\t")
        if "\0" not in text and 2 * separators > bytes_seen:
            return text
    return refuse_nul()


def strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def refuse_encoding() -> str:
    raise FileRefused("csv-encoding", "文件的文字编码不统一，无法完整读出，请另存为“CSV UTF-8”后重新上传。")


def refuse_nul() -> str:
    raise FileRefused("csv-nul", "文件含有空字符（NUL），可能已损坏，请用 WPS 或 Excel 另存为 CSV 后重新上传。")


def csv_rows(file: BinaryIO, options: dict) -> list[SheetOut]:
    """One sheet named ``CSV``; row numbers as a spreadsheet shows them."""
    text = decode(file.read())
    if "\0" in text:
        refuse_nul()
    first = text.partition("\n")[0]
    delimiter = "\t" if "\t" in first and "," not in first else ","
    csv.field_size_limit(40_000)
    sheet, number = SheetOut("CSV"), 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, values in enumerate(reader, 1):
            cells = [text_cell(restore(value)) for value in values]
            while cells and cells[-1].kind == "empty":
                cells.pop()
            if cells:
                check_limits(number, len(cells), options)
                sheet.add_cells(number, cells)
    except csv.Error as error:
        raise FileRefused(
            "csv-quotes", f"第 {number + 1} 行起的引号没有配对或文字过长，会漏读数据，请检查后重新上传。"
        ) from error
    return [sheet]


def check_limits(number: int, width: int, options: dict) -> None:
    if number > options["max_rows"]:
        limit = options["max_rows"]
        raise FileRefused("too-many-rows", f"第 {number} 行还有内容，最多 {limit} 行，请删除多余的行或拆分后上传。")
    if width > options["max_cols"]:
        limit = options["max_cols"]
        raise FileRefused("too-many-columns", f"第 {number} 行有 {width} 列，最多 {limit} 列，请删除右边多余的列。")
