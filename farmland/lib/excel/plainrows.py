"""The rows of a sheet as spreadsheets write them, by string operations; whatever is unusual goes to expat.

A row ``<row r="2"><c r="A2" t="s"><v>7</v></c>…</row>`` of known form is taken apart by splitting, and what stands
behind an address is looked at once for all cells that say the same. A row of any other form (a formula, an escaped
letter, a repeated address) is parsed by expat alone and answered or refused there. What stands before and after the
rows always is. Anything by which a row could not be told from its text (comments, other encodings, too many rows)
raises ``NotPlain``: then the whole sheet goes to expat. Runs in the child.
"""

import codecs
import re
import zipfile
from itertools import pairwise
from typing import BinaryIO

from farmland.lib.excel.gate import BROKEN, CHUNK, corrupt
from farmland.lib.excel.workbook import split_address
from farmland.lib.excel.xml import Scanner

OPEN, CLOSE, END = "<sheetData>", "</sheetData>", "</row>"
LONGEST = 4 * 1024 * 1024  # of one row
TEXT = "[^<>&\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*"
CELL = re.compile(
    rf'(?: s="([0-9]{{1,7}})")?(?: t="([A-Za-z]{{1,9}})")?>'
    rf'(?:<v>({TEXT})</v>|<is><t(?: xml:space="preserve")?>({TEXT})</t></is>)?'
)
CLOSED = re.compile(r'(<c r="[A-Z]{1,3}[0-9]{1,7}"(?: s="[0-9]{1,7}")?)/>')
ATTRIBUTE = re.compile(r' ([A-Za-z][A-Za-z0-9]*(?::[A-Za-z][A-Za-z0-9]*)?)="[A-Za-z0-9:. -]*"')
NUMBER = re.compile("[1-9][0-9]{0,6}")
NOTHING = -1  # the place of a cell that holds nothing


class NotPlain(Exception):
    """This sheet is not written the usual way; nothing is wrong with it."""


class PlainRows:
    """Fills ``reader`` (``sheetxml.SheetReader``), which keeps the rules and the refusals."""

    def __init__(self, reader):
        self.reader = reader
        self.places: dict[str, int | None] = {}  # what stands behind an address → its place; None: not of known form
        self.attributes: dict[str, bool] = {}
        self.columns: list[int] = []  # of the row before, and their letters
        self.letters: list[str] = []

    def read(self, archive: zipfile.ZipFile, part: str) -> None:
        """Raises ``NotPlain`` or ``FileRefused``."""
        around = self.reader.scanner = Scanner(self.reader.start, self.reader.end)
        try:
            with archive.open(part) as stream:
                text = self._head(stream, around)
                text = self._rows(stream, text)
                self.reader.scanner, self.reader.in_data = around, True
                around.parse(text.encode() + self.decoder.getstate()[0])  # with the bytes of half a letter
                while piece := stream.read(CHUNK):
                    around.parse(piece)
                around.parse(b"", True)
        except UnicodeDecodeError as error:
            raise NotPlain from error
        except (*BROKEN, NotImplementedError) as error:
            raise corrupt() from error

    def _head(self, stream: BinaryIO, around: Scanner) -> str:
        """Up to the first row, to expat; what was read behind it."""
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        text = ""
        while OPEN not in text:
            piece = stream.read(CHUNK)
            text += self.decoder.decode(piece)
            if not piece or len(text) > LONGEST:
                raise NotPlain
        head, _, text = text.partition(OPEN)
        declared = re.match(r"\ufeff?(<\?xml [^<>?]*\?>)?", head)
        rest = head[declared.end() :]
        is_utf8 = "encoding" not in declared[0] or re.search("encoding=[\"']utf-8[\"']", declared[0], re.IGNORECASE)
        if "<!" in rest or "<?" in rest or not is_utf8:
            raise NotPlain
        around.parse((head + OPEN).encode())
        return text

    def _rows(self, stream: BinaryIO, text: str) -> str:
        """All rows; the text from the end of the rows on."""
        while True:
            if "<!" in text or "<?" in text:
                raise NotPlain
            data, close, tail = text.partition(CLOSE)
            *rows, left = data.split(END)
            for row in rows:
                self._row(row.lstrip(" \r\n\t"))
            if close:
                return left + close + tail
            piece = stream.read(CHUNK)
            text = left + self.decoder.decode(piece)
            if not piece or len(text) > LONGEST:
                raise NotPlain

    def _row(self, text: str) -> None:
        """One row without its end tag, empty ones (``<row r="5"/>``) before it."""
        head, _, body = text.partition(">")
        while head.endswith("/"):
            self._skip(head.removesuffix("/"))
            text = body.lstrip(" \r\n\t")
            head, _, body = text.partition(">")
        number = self._number(head)
        cells = [one.split('"', 2) for one in self._closed(body).split("</c>")] if number else []
        if not cells or cells.pop() != [""] or not self._is_in_order(cells, head.split('"', 2)[1]):
            self._by_events(text)
            return
        places = [self._place(behind) for _, _, behind in cells]
        if None in places:
            self._by_events(text)
        else:
            self.reader.number = number
            self._add(number, places)

    def _skip(self, head: str) -> None:
        """An empty row."""
        number = self._number(head)
        if not number:
            raise NotPlain
        self.reader.number = number

    def _number(self, head: str) -> int:
        """The row's number, 0 when its tag is not of known form or the number does not grow."""
        name, _, behind = head.partition('"')
        shown, quote, attributes = behind.partition('"')
        if name != "<row r=" or not quote or not NUMBER.fullmatch(shown) or not self._are_plain(attributes):
            return 0
        number = int(shown)
        if number > self.reader.max_rows:
            raise NotPlain
        return number if number > self.reader.number else 0

    def _are_plain(self, text: str) -> bool:
        if text not in self.attributes:
            names = ATTRIBUTE.findall(text)
            is_all = ATTRIBUTE.sub("", text) == "" and len({"r", *names}) == len(names) + 1
            self.attributes[text] = is_all
        return self.attributes[text]

    def _closed(self, body: str) -> str:
        """Cells without content with an end tag like the others."""
        return CLOSED.sub(r"\1></c>", body) if "/>" in body else body

    def _is_in_order(self, cells: list[list[str]], number: str) -> bool:
        """Whether every piece begins with an address of this row, each to the right of the one before."""
        if any(len(one) != 3 or one[0] != "<c r=" for one in cells):
            return False
        addresses = [one[1] for one in cells]
        if addresses == [letters + number for letters in self.letters]:
            return True
        letters = [one.removesuffix(number) for one in addresses]
        if not all(one.isascii() and one.isupper() and one.isalpha() and len(one) <= 3 for one in letters):
            return False
        columns = [split_address(f"{one}1")[0] for one in letters]
        if any(one >= other for one, other in pairwise(columns)):
            return False
        self.letters, self.columns = letters, columns
        return addresses == [one + number for one in letters]

    def _place(self, behind: str) -> int | None:
        try:
            return self.places[behind]
        except KeyError:
            found = self.places[behind] = self._judged(behind)
            return found

    def _judged(self, behind: str) -> int | None:
        match = CELL.fullmatch(behind)
        if not match:
            return None
        style, kind, value, text = match.groups()
        if value is None and text is None:
            return NOTHING
        cell = self.reader.cell_of({"t": kind or "n", "s": style or "0"}, value, None, [] if text is None else [text])
        return NOTHING if cell.kind == "empty" else self.reader.sheet.place(cell)

    def _add(self, number: int, places: list[int]) -> None:
        columns = self.columns
        if NOTHING in places:
            filled = [(at, place) for at, place in zip(columns, places, strict=True) if place != NOTHING]
            columns, places = [at for at, _ in filled], [place for _, place in filled]
        if not places:
            return
        if columns[-1] >= self.reader.max_cols:
            self.reader.column = next(at for at in columns if at >= self.reader.max_cols)
            self.reader.check_place()
        if columns[-1] >= len(columns):
            spread = [0] * (columns[-1] + 1)
            for at, place in zip(columns, places, strict=True):
                spread[at] = place
            places = spread
        self.reader.add_row(number, places)

    def _by_events(self, text: str) -> None:
        self.reader.scanner = Scanner(self.reader.start, self.reader.end)
        self.reader.scanner.parse(f"{OPEN}{text}{END}{CLOSE}".encode(), True)
