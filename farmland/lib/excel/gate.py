"""The gate before any parser: is this a sound .xlsx of bearable size? Standard library only.

``check_envelope`` reads the first bytes and the zip directory and may run in the web process; ``check_contents``
inflates every part (counting, in small pieces) in the child. Each refusal says what the file is and what to do.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from farmland.lib.excel.errors import FileRefused

MB = 1024 * 1024
MAX_BYTES = 5 * MB
MAX_INFLATED = 50 * MB
MAX_ENTRIES = 2000
MAX_RATIO = 200  # deflate reaches 1032; a sheet of a million bare rows about 15
CHUNK = 64 * 1024
SAVE_AS = "请用 WPS 或 Excel 打开，另存为“Excel 工作簿（.xlsx）”后重新上传"

FOREIGN = (
    (b"%PDF", "pdf", "这是 PDF 文件"),
    (b"\x89PNG", "picture", "这是图片"),
    (b"\xff\xd8\xff", "picture", "这是图片"),
    (b"Rar!", "archive", "这是 RAR 压缩包"),
    (b"7z\xbc\xaf", "archive", "这是 7z 压缩包"),
    (b"\x1f\x8b", "archive", "这是 gzip 压缩包"),
)
HTML_MARKS = (b"<html", b"<!doctype html", b"<table", b"<head", b"<meta", b"<body")
DOCTYPES = tuple("<!DOCTYPE".encode(name) for name in ("ascii", "utf-16-le", "utf-16-be"))
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, IndexError, RuntimeError)


def check_envelope(path: Path | str, *, max_bytes: int = MAX_BYTES, max_inflated: int = MAX_INFLATED) -> None:
    """Size, first bytes and zip directory. Raises ``FileRefused``; inflates nothing."""
    path = Path(path)
    check_size(path.stat().st_size, max_bytes)
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        refuse_foreign(head, path)
    with opened(path) as archive:
        check_directory(archive, max_inflated)


def check_size(size: int, max_bytes: int) -> None:
    """Refuse an empty or oversized upload; the limit is the caller's (form 5 MB, bulk 100 MB)."""
    if size == 0:
        raise FileRefused("empty-file", "文件是空的（0 字节），请重新选择填好的表格。")
    if size > max_bytes:
        raise FileRefused(
            "too-large", f"文件有 {size / MB:.1f} MB，最大 {max_bytes / MB:g} MB，请删除无关的工作表和图片。"
        )


def check_contents(path: Path | str | BinaryIO, *, max_inflated: int = MAX_INFLATED) -> None:
    """Inflate every part piece by piece: real size, checksums, DOCTYPE, files inside. Raises ``FileRefused``."""
    with opened(path) as archive:
        total = 0
        for info in archive.infolist():
            for piece in pieces(archive, info):
                total += len(piece)
                if total > max_inflated:
                    raise too_much(max_inflated)


def opened(path: Path | BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (*BROKEN, NotImplementedError) as error:
        raise corrupt() from error


def corrupt() -> FileRefused:
    return FileRefused("corrupt", f"文件已损坏或没有传完整，{SAVE_AS}。")


def too_much(max_inflated: int) -> FileRefused:
    limit = max_inflated // MB or 1
    return FileRefused("inflates-too-far", f"文件解开后超过 {limit} MB，请删除空白行、多余的格式和图片后重新上传。")


def refuse_foreign(head: bytes, path: Path) -> None:
    """Say what a file that is no zip really is."""
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        refuse_ole2(path.read_bytes())
    for magic, code, what in FOREIGN:
        if head.startswith(magic):
            raise FileRefused(code, f"{what}，不是 Excel 表格，请上传 .xlsx 文件。")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(HTML_MARKS) or b"<html" in text:
        raise FileRefused("html", f"这是网页（HTML）改名的表格，{SAVE_AS}。")
    if text.startswith(b"<?xml"):
        raise FileRefused("xml-table", f"这是 XML 表格或 XML 文件，{SAVE_AS}。")
    if looks_like_text(head):
        if b"," in head or b"\t" in head or "，".encode() in head:
            raise FileRefused("csv-renamed", f"这是文本或 CSV 文件改名的 .xlsx，{SAVE_AS}。")
        raise FileRefused("text-renamed", "这是普通文本文件，不是 Excel 表格，请上传 .xlsx 文件。")
    raise FileRefused("not-a-workbook", "这不是 Excel 表格，请上传 .xlsx 文件。")


def refuse_ole2(data: bytes) -> None:
    """An OLE2 container: password-protected .xlsx, old .xls, or something else of old Office."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise FileRefused("encrypted", "文件设了打开密码，请在 WPS 或 Excel 中去掉密码后重新上传。")
    if any(name.encode("utf-16-le") in data for name in ("Workbook", "Book")):
        raise FileRefused("old-xls", f"这是旧格式的 .xls 表格，{SAVE_AS}。")
    raise FileRefused("old-office", f"这是旧版 Office 文件，不是 .xlsx 表格，{SAVE_AS}。")


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes are text in UTF-8, GB18030 or UTF-16 with a mark."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\0" in head:
        return False
    for encoding in ("utf-8", "gb18030"):
        text = head.decode(encoding, errors="ignore")
        if len(text.encode(encoding)) >= len(head) - 3:
            return all(letter.isprintable() or letter in "\t\r\n\f" for letter in text.removeprefix("\ufeff"))
    return False


def check_directory(archive: zipfile.ZipFile, max_inflated: int) -> None:
    """The zip directory alone: names, counts, declared sizes, overlaps, and that it is a workbook at all."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise FileRefused("too-many-parts", f"文件内含 {len(entries)} 个部件，最多 {MAX_ENTRIES} 个，{SAVE_AS}。")
    names = [info.filename for info in entries]
    if len({name.casefold() for name in names}) != len(names):
        raise FileRefused("repeated-parts", f"文件内有重名的部件，可能被改动过，{SAVE_AS}。")
    check_kind(set(names), archive)
    for info in entries:
        check_entry(info)
    if sum(info.file_size for info in entries) > max_inflated:
        raise too_much(max_inflated)
    check_overlap(entries)


def check_kind(names: set[str], archive: zipfile.ZipFile) -> None:
    if "xl/workbook.bin" in names:
        raise FileRefused("xlsb", f"这是二进制工作簿（.xlsb），{SAVE_AS}。")
    if any(name.startswith("word/") for name in names):
        raise FileRefused("word", "这是 Word 文档，不是 Excel 表格，请上传 .xlsx 文件。")
    if "content.xml" in names and "mimetype" in names:
        raise FileRefused("ods", f"这是 ODF 文件（.ods），{SAVE_AS}。")
    if "[Content_Types].xml" not in names:
        if not any(name.startswith(("xl/", "xl\\")) for name in names):
            raise FileRefused("archive", "这是 ZIP 压缩包，不是 Excel 表格，请解压后上传里面的 .xlsx 文件。")
        raise corrupt()


def check_entry(info: zipfile.ZipInfo) -> None:
    name = info.filename
    unsafe = name.startswith("/") or "\\" in info.orig_filename or ":" in name or "\0" in info.orig_filename
    if unsafe or ".." in name.split("/"):
        raise FileRefused("unsafe-names", f"文件内有越界的路径，可能被改动过，{SAVE_AS}。")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise FileRefused("symlink", f"文件内含链接，不是正常的表格，{SAVE_AS}。")
    if info.flag_bits & 0x1:
        raise FileRefused("encrypted-parts", "文件内的部件加了密码，请去掉密码后重新上传。")
    if name.lower().endswith("vbaproject.bin"):
        raise FileRefused("macros", f"文件带有宏，{SAVE_AS}（不要选“启用宏的工作簿”）。")
    if name.lower().endswith((".zip", ".xlsx", ".xls", ".docx", ".bin.zip")):
        raise FileRefused("nested-file", "文件里嵌有别的文件，请删除嵌入的对象后重新上传。")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileRefused("odd-compression", f"文件的压缩方式不是表格常用的，{SAVE_AS}。")
    if info.file_size > MB and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise FileRefused("bomb", "文件的压缩比异常（疑似压缩炸弹），没有打开，请重新制作表格。")


def check_overlap(entries: list[zipfile.ZipInfo]) -> None:
    """Two entries that share bytes are how a small file pretends to be a large one."""
    ordered = sorted(entries, key=lambda info: info.header_offset)
    for before, after in pairwise(ordered):
        if before.header_offset + 30 + before.compress_size > after.header_offset:
            raise FileRefused("overlap", f"文件内的部件互相重叠，可能被改动过，{SAVE_AS}。")


def pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """One part inflated in bounded pieces, looked through for what must not be in it."""
    tail = b""
    is_text = info.filename.lower().endswith((".xml", ".rels", ".vml"))
    try:
        with archive.open(info) as part:
            while piece := part.read(CHUNK):
                seen = tail + piece
                if not tail and piece.startswith(b"PK\x03\x04"):
                    raise FileRefused("nested-file", "文件里嵌有别的文件，请删除嵌入的对象后重新上传。")
                if is_text and any(mark in seen for mark in DOCTYPES):
                    raise FileRefused("doctype", f"文件内含 DOCTYPE 声明，表格不应有，{SAVE_AS}。")
                tail = seen[-32:]
                yield piece
    except (*BROKEN, NotImplementedError) as error:
        raise corrupt() from error
