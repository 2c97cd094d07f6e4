"""Excel and CSV in and out (untrusted in, harmless out). The names other rooms use; the rest is inside.

Writers are loaded when first asked for: openpyxl takes a third of a second to import and the readers do without it.
"""

from importlib import import_module

from farmland.lib.excel.csvfile import harmless, restore
from farmland.lib.excel.errors import CellError, FileRefused
from farmland.lib.excel.gate import check_envelope
from farmland.lib.excel.workbook import Cell, Row, Sheet, Workbook

LATER = {
    "read_workbook": "read",
    "read_csv": "read",
    "read_xls": "read",
    "SheetSpec": "read",
    "find_header": "header",
    "Header": "header",
    "cell_code": "codes",
    "Column": "write",
    "new_sheet": "write",
    "new_workbook": "write",
    "write_identity": "owner",
    "identity": "owner",
    "mark_errors": "mark",
}
__all__ = [
    "Cell", "CellError", "Column", "FileRefused", "Header", "Row", "Sheet", "SheetSpec", "Workbook", "cell_code",
    "check_envelope", "find_header", "harmless", "identity", "mark_errors", "new_sheet", "new_workbook", "read_csv",
    "read_workbook", "read_xls", "restore", "write_identity",
]  # fmt: skip


def __getattr__(name: str):
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{LATER[name]}"), name)
