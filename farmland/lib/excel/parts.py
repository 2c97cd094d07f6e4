"""The parts of an .xlsx around its sheets: list of sheets, shared texts, date formats. Runs in the child."""

import posixpath
import re
import zipfile
from dataclasses import dataclass, field

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.gate import SAVE_AS, corrupt
from farmland.lib.excel.workbook import TOO_LONG_TEXT, UNSEEN_TEXT, Cell
from farmland.lib.excel.xml import elements, scan

MAX_TEXTS = 300_000  # 5,000 rows of 60 cells
MAX_TEXT = 32_767  # Excel's own limit for one cell
MAX_SHEETS = 200
BUILT_IN_DATES = {
    *range(14, 23),
    *range(27, 37),
    *range(45, 48),
    *range(50, 59),
}  # with the Chinese ones, ECMA-376 18.8.30
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class SheetEntry:
    name: str
    state: str
    part: str


@dataclass(frozen=True)
class Outline:
    """The workbook part: sheets in order, whether days count from 1904, and the addresses of the shared parts."""

    sheets: list[SheetEntry]
    from_1904: bool
    strings: str | None
    styles: str | None


def read_outline(archive: zipfile.ZipFile) -> Outline:
    """Raises ``FileRefused`` when a named sheet has no part: another sheet must not slip into its place."""
    names = set(archive.namelist())
    main = first_target(relations(archive, "_rels/.rels", names), "/officeDocument") or "xl/workbook.xml"
    if main not in names:
        raise corrupt()
    folder, base = posixpath.split(main)
    links = relations(archive, f"{folder}/_rels/{base}.rels", names)
    by_id = {link[0]: link for link in links}
    sheets, from_1904 = [], False
    for name, given in elements(archive, main, {"sheet", "workbookPr"}):
        if name == "workbookPr":
            from_1904 = given.get("date1904") in ("1", "true")
            continue
        _, kind, part = by_id.get(given.get("id", ""), ("", "", ""))
        if kind.endswith(("/chartsheet", "/dialogsheet", "/xlMacrosheet")):
            continue
        title = given.get("name", "")
        if part not in names:
            raise FileRefused("sheet-part-missing", f"工作表“{title}”的内容在文件里找不到，{SAVE_AS}。")
        sheets.append(SheetEntry(title, given.get("state", "visible"), part))
    check_sheets(sheets)
    strings, styles = first_target(links, "/sharedStrings"), first_target(links, "/styles")
    return Outline(sheets, from_1904, strings if strings in names else None, styles if styles in names else None)


def check_sheets(sheets: list[SheetEntry]) -> None:
    if not sheets:
        raise FileRefused("no-sheets", f"文件里没有工作表，{SAVE_AS}。")
    if len(sheets) > MAX_SHEETS:
        raise FileRefused(
            "too-many-sheets", f"文件有 {len(sheets)} 个工作表，最多 {MAX_SHEETS} 个，请删除多余的工作表。"
        )
    if len({sheet.name for sheet in sheets}) != len(sheets) or len({sheet.part for sheet in sheets}) != len(sheets):
        raise FileRefused("repeated-sheets", f"文件里有重复的工作表，可能被改动过，{SAVE_AS}。")


def relations(archive: zipfile.ZipFile, part: str, names: set[str]) -> list[tuple[str, str, str]]:
    """(id, type, part address) of a relations part; targets outside the file are left out."""
    if part not in names:
        return []
    folder = posixpath.dirname(posixpath.dirname(part))
    found = []
    for _, given in elements(archive, part, {"Relationship"}):
        if given.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, given.get("Target", "")))
            found.append((given.get("Id", ""), given.get("Type", ""), target.lstrip("/")))
    return found


def first_target(links: list[tuple[str, str, str]], ending: str) -> str | None:
    return next((part for _, kind, part in links if kind.endswith(ending)), None)


@dataclass
class TextReader:
    """Collects the shared texts: rich runs joined, phonetic hints left out."""

    texts: list[Cell] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    phonetic: bool = False

    def start(self, name: str, given: dict) -> None:
        if name == "si":
            self.runs.clear()
        elif name == "rPh":
            self.phonetic = True

    def end(self, name: str, text: str) -> None:
        if name == "t" and not self.phonetic:
            self.runs.append(text)
        elif name == "rPh":
            self.phonetic = False
        elif name == "si":
            self.add(text_cell("".join(self.runs)))

    def add(self, cell: Cell) -> None:
        if len(self.texts) >= MAX_TEXTS:
            raise FileRefused("too-many-texts", f"文件里的文字条目超过 {MAX_TEXTS} 条，请删除无关内容后重新上传。")
        self.texts.append(cell)


def read_texts(archive: zipfile.ZipFile, part: str | None) -> list[Cell]:
    """The shared texts as cells, in the order in which sheets refer to them."""
    reader = TextReader()
    if part:
        scan(archive, part, reader.start, reader.end)
    return reader.texts


def text_cell(text: str) -> Cell:
    """A text cell; control characters and over-long texts become error cells, never data."""
    if "_x" in text:
        text = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if UNSEEN.search(text):
        return Cell("error", UNSEEN_TEXT)
    if len(text) > MAX_TEXT:
        return Cell("error", TOO_LONG_TEXT)
    return Cell("text", text) if text.strip() else Cell("empty")


def read_date_styles(archive: zipfile.ZipFile, part: str | None) -> set[int]:
    """Indexes of the cell styles that show a number as a date."""
    if not part:
        return set()
    formats: dict[str, str] = {}
    styles: list[str] = []
    inside = [False]

    def start(name: str, given: dict) -> None:
        if name == "numFmt":
            formats[given.get("numFmtId", "")] = given.get("formatCode", "")
        elif name == "cellXfs":
            inside[0] = True
        elif name == "xf" and inside[0]:
            styles.append(given.get("numFmtId", "0"))

    def end(name: str, text: str) -> None:
        if name == "cellXfs":
            inside[0] = False

    scan(archive, part, start, end)
    return {index for index, number in enumerate(styles) if is_date_format(number, formats.get(number))}


def is_date_format(number: str, code: str | None) -> bool:
    """A built-in date number, or an own format with year, month or day letters outside quotes and brackets."""
    if code is None:
        return number.isdigit() and int(number) in BUILT_IN_DATES
    shown = re.sub(r'"[^"]*"|\\.|_.|\[[^\]]*\]', "", code.split(";")[0]).lower()
    return "general" not in shown and any(letter in shown for letter in "ymdhs")
