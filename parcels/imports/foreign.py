"""What a file is that is neither a list nor a layer, and what to send instead."""

import zipfile
from pathlib import Path

from farmland.lib.excel import FileRefused
from farmland.lib.geo.archive import KINDS, PARTS, SHAPE_MAGIC, TOGETHER

UNSAID = ("archive", "text-renamed", "csv-renamed", "not-a-workbook", "xml-table")  # the gate knows tables alone
WANTED = "表格可用 XLSX、XLS、CSV；图形可用打包成 ZIP 的 Shapefile、GeoPackage、GeoJSON、KML、KMZ"
PACKED = ((b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"))
DRAWINGS = {".dwg": "CAD 图", ".dxf": "CAD 图", ".mdb": "Access 数据库", ".gdb": "文件地理数据库"}


def in_words(refusal: FileRefused, head: bytes, name: str, path: Path) -> FileRefused:
    """The refusal of the workbook reader, with the way out for somebody who has land in other formats."""
    if refusal.code not in UNSAID:
        return refusal
    return FileRefused(refusal.code, _message(refusal, head, Path(name).suffix.lower(), path))


def _message(refusal: FileRefused, head: bytes, suffix: str, path: Path) -> str:
    for magic, packed in PACKED:
        if head.startswith(magic):
            return f"{packed} 压缩包打不开，请解压后改用 ZIP 打包；表格请直接上传。"
    if head.startswith(SHAPE_MAGIC) or suffix in PARTS:
        return f"单独一个 {suffix or '.shp'} 文件不够，{TOGETHER}。"
    if suffix in (*KINDS, ".kmz"):
        return f"内容不是 {suffix} 后缀所说的格式，请重新导出。{WANTED}。"
    if drawing := _drawing(head, suffix, path):
        return f"{drawing}读不了，请导出为 Shapefile（打包成 ZIP）或 GeoPackage 后上传。"
    if head.startswith(b"PK"):
        return f"压缩包里没有图层，也不是表格，请把图层文件打包，或把表格直接上传。{WANTED}。"
    return refusal.message if refusal.code == "csv-renamed" else f"不是能读的清单。{WANTED}。"


def _drawing(head: bytes, suffix: str, path: Path) -> str:
    """What it is, of the formats of other programs; "" for none of them."""
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:  # opened by the reader before
            names = [one.lower().replace("\\", "/") for one in archive.namelist()]
        return "文件地理数据库（.gdb）" if any(".gdb/" in one for one in names) else ""
    return DRAWINGS.get(suffix, "CAD 图" if head.startswith(b"AC10") else "")
