"""What the sandbox calls: a file in, plain values or a refusal out. Nothing here is imported by the web process."""

import json
from collections.abc import Callable
from typing import BinaryIO

from farmland.lib.excel import gate
from farmland.lib.excel.csvfile import csv_rows
from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.parts import read_date_styles, read_outline, read_texts
from farmland.lib.excel.sheetxml import SheetReader
from farmland.lib.excel.transfer import SheetOut, packed
from farmland.lib.packing import pack

PARSER_FAULTS = (*gate.BROKEN, NotImplementedError, RecursionError, OverflowError, ArithmeticError, TypeError)


def answered(work: Callable[..., list[SheetOut] | str], *arguments) -> bytes:
    """The work's answer, or its refusal, packed."""
    try:
        found = work(*arguments)
        return packed(found) if isinstance(found, list) else pack({"answer": found}, [])
    except FileRefused as refusal:
        return pack({"refused": [refusal.code, refusal.message]}, [])
    except PARSER_FAULTS:
        refusal = gate.corrupt()
        return pack({"refused": [refusal.code, refusal.message]}, [])


def read_xlsx(file: BinaryIO, options: str) -> bytes:
    return answered(sheets_of, file, json.loads(options))


def read_csv(file: BinaryIO, options: str) -> bytes:
    return answered(csv_rows, file, json.loads(options))


def sheets_of(file: BinaryIO, options: dict) -> list[SheetOut]:
    """Every wanted sheet (all when ``sheets`` is null)."""
    gate.check_contents(file, max_inflated=options["max_inflated"])
    with gate.opened(file) as archive:
        outline = read_outline(archive)
        entries = wanted_entries(outline.sheets, options["sheets"])
        texts = read_texts(archive, outline.strings)
        dates = read_date_styles(archive, outline.styles)
        found = []
        for entry in entries:
            limits = (options["sheets"] or {}).get(entry.name, {})
            rows, cols = limits.get("max_rows") or options["max_rows"], limits.get("max_cols") or options["max_cols"]
            reader = SheetReader(SheetOut(entry.name, entry.state), texts, dates, outline.from_1904, rows, cols)
            found.append(reader.read(archive, entry.part))
    return found


def wanted_entries(entries: list, sheets: dict | None) -> list:
    if sheets is None:
        return entries
    there = {entry.name for entry in entries}
    missing = [name for name, spec in sheets.items() if spec.get("required", True) and name not in there]
    if missing:
        shown = "、".join(f"“{entry.name}”" for entry in entries if entry.state == "visible")[:200]
        raise FileRefused(
            "sheet-missing",
            f"没有名为“{missing[0]}”的工作表，现有 {shown or '（无）'}。请使用下载的表格，不要改工作表名。",
        )
    return [entry for entry in entries if entry.name in sheets]
