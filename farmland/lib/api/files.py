"""A list as a file: CSV with BOM in pieces, or XLSX written row by row; neither holds the whole set in memory."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rustpy_xlsxwriter import write_worksheet, write_worksheets

from farmland.lib.api.columns import decimal_text
from farmland.lib.api.errors import wrong_parameter
from farmland.lib.excel import harmless

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_MAX_ROWS = 1_048_575
BATCH = 500


def csv_response(title: str, headings: list[str], rows: Iterable[list]) -> StreamingHttpResponse:
    """The rows as a streamed CSV in UTF-8 with BOM, so that WPS and Excel read the Chinese."""
    answer = StreamingHttpResponse(csv_pieces(headings, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(True, f"{title}.csv")
    return answer


def csv_pieces(headings: list[str], rows: Iterable[list]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(headings)
    yield b"\xef\xbb\xbf"
    for number, row in enumerate(rows, 1):
        writer.writerow([csv_cell(value) for value in row])
        if number % BATCH == 0:
            yield take(buffer)
    yield take(buffer)


def take(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return piece


def csv_cell(value: Any) -> Any:
    """Texts that a spreadsheet would run as a formula are marked; numbers and dates stay as they are."""
    if type(value) is str:
        return value if value[:1].isalnum() else harmless(value)
    return decimal_text(value) if type(value) is Decimal else value


def xlsx_response(title: str, headings: list[str], rows: Iterable[list]) -> FileResponse:
    """The rows as a workbook; 400 when a sheet cannot hold them. Texts are text cells, so no formula can arise."""

    def write(file):
        write_worksheet(records(headings, rows), file, sheet_name=title[:31], freeze_row=1, bold_headers=True,
                        datetime_format="yyyy-mm-dd")  # fmt: skip

    return _workbook(title, write)


def tables_response(title: str, tables: dict[str, tuple[list[str], Iterable[list]]]) -> FileResponse:
    """A workbook of several sheets: name → (headings, rows)."""
    sheets = [(name, records(headings, rows)) for name, (headings, rows) in tables.items()]
    return _workbook(title, lambda file: write_worksheets(sheets, file, bold_headers=True))


def _workbook(title: str, write: Callable) -> FileResponse:
    file = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 - FileResponse closes it
    try:
        write(file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{title}.xlsx", content_type=XLSX_TYPE)


def records(headings: list[str], rows: Iterable[list]) -> Iterator[dict[str, Any]]:
    number = 0
    for number, row in enumerate(rows, 1):
        if number > XLSX_MAX_ROWS:
            raise wrong_parameter("format", f"结果超过 {XLSX_MAX_ROWS} 行，一张表放不下，请改用 format=csv。")
        yield dict(zip(headings, row, strict=True))
    if number == 0:
        yield dict.fromkeys(headings)  # the writer takes the headings from the first row
