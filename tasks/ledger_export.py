"""A problem ledger in its own twelve columns as a workbook to print and sign; it imports again unchanged."""

from collections.abc import Iterable
from decimal import Decimal
from io import BytesIO

from farmland.lib.excel import Column, new_sheet, new_workbook
from farmland.lib.numbers import parse_decimal
from tasks.ledger_columns import AREAS, COLUMNS, printed
from tasks.models import Issue
from tasks.rulebook import Rulebook

WIDTHS = {
    "serial": 6, "codes": 24, "project": 26, "location": 18, "area": 10, "cultivated": 10, "pbf": 12, "source": 18,
    "problem_kind": 16, "responsible": 12, "measure": 26, "due": 12,
}  # fmt: skip


def workbook(title: str, issues: Iterable[Issue], book: Rulebook, year: int, *, a3: bool = False) -> bytes:
    """``title`` above, the headings, the rows as printed and 合计; numbers stay numbers, "/" stays "/"."""
    kinds = {name: "number" if name in AREAS else "text" for name in COLUMNS}
    columns = [Column(heading, WIDTHS[name], kinds[name]) for name, heading in COLUMNS.items()]
    rows, sums = [], dict.fromkeys(AREAS, Decimal(0))
    for issue in issues:
        texts = printed(issue, book, year)
        for name, field in AREAS.items():
            sums[name] += getattr(issue, field) or Decimal(0)
        rows.append([_cell(name, text) for name, text in texts_in_order(texts)])
    rows.append([{"serial": "合计"}.get(name) or sums.get(name) for name in COLUMNS])
    made = new_workbook()
    sheet = new_sheet(made, "整改台账", columns, rows, above=(title, "单位：亩"), protect=False)
    sheet.data_validations.dataValidation = []  # a cell of a printed ledger may hold "/"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A3 if a3 else sheet.PAPERSIZE_A4
    data = BytesIO()
    made.save(data)
    return data.getvalue()


def texts_in_order(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, texts[name]) for name in COLUMNS]


def _cell(name: str, text: str) -> str | Decimal | None:
    """An area as a number where it is one; everything else as it is printed."""
    if name not in AREAS:
        return text
    try:
        return parse_decimal(text)
    except ValueError:
        return text
