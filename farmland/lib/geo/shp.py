"""A zipped Shapefile laid out under names of ours, its parts held against each other. Runs in the child."""

import struct
import zipfile
from pathlib import Path

from farmland.lib.excel.errors import FileRefused
from farmland.lib.geo.archive import SHAPE_MAGIC, TOGETHER, Part, inflated

HEAD, ENTRY = 100, 8  # bytes of an .shx: its header, one shape


def laid_out(archive: zipfile.ZipFile, part: Part, max_inflated: int) -> str:
    """The path of the .shp. Raises ``FileRefused`` where it is none, or has another number of shapes than of rows."""
    for suffix, info in part.members.items():
        if suffix != ".cpg":
            with Path(f"layer{suffix}").open("wb") as file:
                inflated(archive, info, file, max_inflated)
    with Path("layer.shp").open("rb") as file:
        if file.read(4) != SHAPE_MAGIC:
            raise FileRefused("shapefile-broken", f"“{part.name}.shp”不是 Shapefile 文件，{TOGETHER}。")
    shapes = max(Path("layer.shx").stat().st_size - HEAD, 0) // ENTRY
    with Path("layer.dbf").open("rb") as file:
        head = file.read(8)
    rows = struct.unpack("<I", head[4:])[0] if len(head) == 8 else 0
    if shapes != rows:  # GDAL reads as many as both have and says nothing of the others
        told = f"“{part.name}”的 .shx 有 {shapes} 个图形，.dbf 有 {rows} 行，对不上，文件可能不是同一次导出的"
        raise FileRefused("shapefile-broken", f"{told}，请重新导出。")
    return "layer.shp"
