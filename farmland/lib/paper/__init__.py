"""Sheets that are printed and signed: one content, written as .xlsx and .docx, A4."""

from farmland.lib.paper.content import DEMO, Column, Paper
from farmland.lib.paper.sheet import as_xlsx
from farmland.lib.paper.word import as_docx

WRITERS = {
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "docx": (as_docx, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
}

__all__ = ["DEMO", "WRITERS", "Column", "Paper", "as_docx", "as_xlsx"]
