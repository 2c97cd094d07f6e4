"""Parcel lists as they come in, made on the spot."""

import io

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile

HEAD = (
    "图斑编号",
    "村",
    "组",
    "任务",
    "图斑面积（亩）",
    "耕地面积（亩）",
    "永农面积（亩）",
    "净面积（亩）",
    "地类",
    "现状",
    "问题来源",
    "备注",
)


def row(code="500151240722431", village="东村", group="六组", kind="自然撂荒", gross=6.62, cultivated=6.35, pbf=2.2,
        net=6.04, land="0103", state="撂荒", source="存量非粮化", note="") -> tuple:  # fmt: skip
    return code, village, group, kind, gross, cultivated, pbf, net, land, state, source, note


def xlsx(*rows, head=HEAD, above=(), sheet="清单", more=None) -> bytes:
    """A workbook of one sheet; ``more``: {name: rows} for further sheets."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for line in (*above, head, *rows):
        book.active.append(line)
    for name, lines in (more or {}).items():
        added = book.create_sheet(name)
        for line in lines:
            added.append(line)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def csv(*rows, head=HEAD, encoding="utf-8-sig") -> bytes:
    return "\r\n".join(",".join(str(cell) for cell in line) for line in (head, *rows)).encode(encoding)


def upload(data: bytes, name="清单.xlsx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)
