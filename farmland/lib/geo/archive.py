"""What an uploaded file of land is, and a zip opened safely: told by its bytes, never by its name. Standard library.

Members of a zip are never unpacked under their own names: each comes out under a name of ours, counted as it inflates.
"""

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.gate import BROKEN, CHUNK, MAX_RATIO, MB

MAX_ENTRIES = 500
SHAPE_MAGIC = b"\x00\x00\x27\x0a"
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
TOGETHER = "请把 .shp、.shx、.dbf、.prj 一起打包成 ZIP 后重新上传"
KINDS = {".gpkg": "gpkg", ".geojson": "geojson", ".json": "geojson", ".kml": "kml"}
UTF8_NAME = 0x800


@dataclass(frozen=True)
class Part:
    """One layer to read: ``kind`` is shp, gpkg, geojson or kml; ``members`` the zip entries by suffix."""

    name: str
    kind: str
    members: dict[str, zipfile.ZipInfo]


def kind_of(head: bytes) -> str:
    """zip, gpkg, geojson or kml by the first bytes; "" for what this room does not read."""
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"SQLite format 3\0"):
        return "gpkg"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "geojson"
    if text.startswith(b"<") and b"<kml" in text[:4000]:
        return "kml"
    return ""


def parts_of(archive: zipfile.ZipFile, max_inflated: int) -> list[Part]:
    """The layers in a zip. Raises ``FileRefused`` for unsafe entries and for a Shapefile with a piece missing."""
    entries = [info for info in archive.infolist() if not info.is_dir()]
    if len(entries) > MAX_ENTRIES:
        raise FileRefused(
            "too-many-parts", f"压缩包里有 {len(entries)} 个文件，最多 {MAX_ENTRIES} 个，请只留图层文件。"
        )
    if sum(info.file_size for info in entries) > max_inflated:
        raise too_much(max_inflated)
    named = [(path_of(info), info) for info in entries]
    for path, info in named:
        _check_entry(path, info)
    kept = [(path, info) for path, info in named if "__MACOSX" not in path.parts and not path.name.startswith("._")]
    return _shapefiles(kept) + [
        Part(path.stem, KINDS[path.suffix.lower()], {path.suffix.lower(): info})
        for path, info in kept
        if path.suffix.lower() in KINDS
    ]


def path_of(info: zipfile.ZipInfo) -> PurePosixPath:
    """The entry's path; a name without UTF-8 mark was written by a Chinese Windows, as GBK."""
    name = info.orig_filename
    if not info.flag_bits & UTF8_NAME:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return PurePosixPath(name.replace("\\", "/"))


def _check_entry(path: PurePosixPath, info: zipfile.ZipInfo) -> None:
    if path.is_absolute() or ".." in path.parts or ":" in str(path) or "\0" in info.orig_filename:
        raise FileRefused("unsafe-names", "压缩包里有越界的路径，可能被改动过，没有打开，请重新打包。")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise FileRefused("symlink", "压缩包里有链接文件，没有打开，请重新打包。")
    if info.flag_bits & 0x1:
        raise FileRefused("encrypted-parts", "压缩包加了密码，请去掉密码后重新打包。")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileRefused("odd-compression", "压缩方式不常用，读不了，请用系统自带的压缩功能打成 ZIP。")
    if info.file_size > MB and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise FileRefused("bomb", "压缩比异常（疑似压缩炸弹），没有打开，请重新打包。")


def _shapefiles(named: list[tuple[PurePosixPath, zipfile.ZipInfo]]) -> list[Part]:
    """The .shp with the files of the same name beside it."""
    stems: dict[tuple[str, str], dict[str, zipfile.ZipInfo]] = {}
    shown: dict[tuple[str, str], str] = {}
    for path, info in named:
        suffix = path.suffix.lower()
        if suffix in PARTS:
            key = (str(path.parent), path.stem.casefold())
            if suffix in stems.setdefault(key, {}):
                raise FileRefused("repeated-parts", f"压缩包里有重名的文件“{path.name}”，请重新打包。")
            stems[key][suffix] = info
            shown[key] = path.stem
    for key, members in stems.items():
        _check_shapefile(shown[key], members)
    return [Part(shown[key], "shp", members) for key, members in stems.items()]


def _check_shapefile(name: str, members: dict[str, zipfile.ZipInfo]) -> None:
    needed = (".shp", ".shx", ".dbf")
    if missing := [suffix for suffix in needed if suffix not in members]:
        raise FileRefused("shapefile-incomplete", f"图层“{name}”缺 {'、'.join(missing)} 文件，{TOGETHER}。")
    if empty := [suffix for suffix in needed if members[suffix].file_size == 0]:
        raise FileRefused("shapefile-empty", f"图层“{name}”的 {empty[0]} 是空的（0 字节），{TOGETHER}。")


def inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: BinaryIO, max_inflated: int) -> None:
    """Write one entry out in bounded pieces; what the directory says of its size is not believed."""
    total = 0
    try:
        with archive.open(info) as part:
            while piece := part.read(CHUNK):
                total += len(piece)
                if total > max_inflated:
                    raise too_much(max_inflated)
                file.write(piece)
    except (*BROKEN, zlib.error, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the sandbox's own limit on files
        raise FileRefused("corrupt", "压缩包已损坏或没有传完整，请重新打包后上传。") from error


def too_much(max_inflated: int) -> FileRefused:
    return FileRefused("inflates-too-far", f"压缩包解开后超过 {max_inflated // MB or 1} MB，请拆分后上传。")
