"""Events of an XML part, by expat, in bounded memory: no tree, no entities, no DOCTYPE. Runs in the child.

An own reader because it sees what openpyxl's hides (repeated rows, formulas beside values, merged ranges, a sheet
whose stated size is a lie), is not stopped by styles that other programs wrote askew, and starts at once.
"""

import zipfile
from collections.abc import Callable, Iterator
from xml.parsers import expat

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.gate import BROKEN, CHUNK, SAVE_AS, corrupt

MAX_DEPTH = 64


class Scanner:
    """Feeds one part to ``start(name, attributes)`` and ``end(name, text)``; names come without their prefix."""

    def __init__(self, start: Callable[[str, dict], None], end: Callable[[str, str], None]):
        self.start, self.end = start, end
        self.depth = 0
        self.text: list[str] = []
        self.names: dict[str, str] = {}
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.opened
        self.parser.EndElementHandler = self.closed
        self.parser.CharacterDataHandler = self.text.append
        self.parser.StartDoctypeDeclHandler = refuse_doctype
        self.parser.EntityDeclHandler = refuse_doctype

    def skim(self, start: Callable[[str, dict], None]) -> None:
        """From here on ``start`` alone, names as they are: a million empty rows in a second. ``resume`` ends it."""
        self.parser.StartElementHandler = start
        self.parser.EndElementHandler = self.parser.CharacterDataHandler = None

    def resume(self, depth: int) -> None:
        self.depth = depth
        self.parser.StartElementHandler = self.opened
        self.parser.EndElementHandler = self.closed
        self.parser.CharacterDataHandler = self.text.append

    def opened(self, name: str, attributes: dict) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FileRefused("too-deep", f"文件内部层次过深，不是正常的表格，{SAVE_AS}。")
        self.text.clear()
        self.start(self.local(name), attributes)

    def closed(self, name: str) -> None:
        self.depth -= 1
        self.end(self.local(name), "".join(self.text))
        self.text.clear()

    def local(self, name: str) -> str:
        found = self.names.get(name)
        if found is None:
            found = self.names[name] = name.rpartition(":")[2]
        return found

    def feed(self, archive: zipfile.ZipFile, part: str) -> None:
        """Read the whole part. Raises ``FileRefused``."""
        try:
            with archive.open(part) as stream:
                while piece := stream.read(CHUNK):
                    self.parse(piece)
                self.parse(b"", True)
        except (*BROKEN, NotImplementedError) as error:
            raise corrupt() from error

    def parse(self, piece: bytes, is_last: bool = False) -> None:
        try:
            self.parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            raise corrupt() from error


def refuse_doctype(*declaration) -> None:
    raise FileRefused("doctype", f"文件内含 DOCTYPE 声明，表格不应有，{SAVE_AS}。")


def scan(archive: zipfile.ZipFile, part: str, start, end=lambda name, text: None) -> None:
    Scanner(start, end).feed(archive, part)


def elements(archive: zipfile.ZipFile, part: str, wanted: set[str], limit: int = 20_000) -> Iterator[tuple[str, dict]]:
    """All elements of the wanted names in a small part, with their attributes (prefixes removed)."""
    found = []

    def start(name: str, attributes: dict) -> None:
        if name in wanted:
            if len(found) >= limit:
                raise FileRefused("too-many-parts", f"文件内部的条目超过 {limit} 个，{SAVE_AS}。")
            found.append((name, {key.rpartition(":")[2]: value for key, value in attributes.items()}))

    scan(archive, part, start)
    return iter(found)
