"""An old .xls made byte by byte: no package writes them any more. One sheet, texts and numbers (BIFF8 in OLE2)."""

import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def text(value: str, length: str = "<H") -> bytes:
    return struct.pack(length, len(value)) + b"\x01" + value.encode("utf-16-le")


def cell(row: int, column: int, value) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, str):
        return record(0x0204, place + text(value))
    return record(0x0203, place + struct.pack("<d", value))


def workbook(rows, name: str) -> bytes:
    start = lambda kind: record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0))  # noqa: E731
    end = record(0x000A, b"")
    width = max(map(len, rows))
    cells = record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for number, values in enumerate(rows):
        cells += b"".join(cell(number, at, one) for at, one in enumerate(values) if one not in (None, ""))
    sheet = start(0x0010) + cells + end
    bound = lambda at: record(0x0085, struct.pack("<IBB", at, 0, 0) + text(name, "<B"))  # noqa: E731
    globals_ = start(0x0005) + record(0x0042, struct.pack("<H", 1200))
    offset = len(globals_) + len(bound(0)) + len(end)
    return globals_ + bound(offset) + end + sheet


def entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
    raw = (name + "\0").encode("utf-16-le")
    return (
        raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, FREE, FREE, child) + b"\0" * 36
        + struct.pack("<IQ", first, size)
    )  # fmt: skip


def xls(*rows, name: str = "清单") -> bytes:
    stream = workbook(rows, name)
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    count = len(stream) // 512
    chain = [FAT, END, *range(3, count + 2), END]
    fat = b"".join(struct.pack("<I", one) for one in chain).ljust(512, b"\xff")
    assert len(chain) <= 128
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, END, 0, END, 0) + struct.pack("<I", 0) + b"\xff" * 432
    folder = entry("Root Entry", 5, 1, END, 0) + entry("Workbook", 2, FREE, 2, len(stream)) + b"\0" * 256
    return head + fat + folder + stream
