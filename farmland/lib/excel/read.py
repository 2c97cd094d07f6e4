"""Untrusted tables in: checked here, parsed in the sandbox, answered as plain values. Raises ``FileRefused`` only."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from farmland.lib import sandbox
from farmland.lib.excel import gate
from farmland.lib.excel.errors import FileRefused
from farmland.lib.excel.transfer import unpacked
from farmland.lib.excel.workbook import Sheet, Workbook

CHILD_MEMORY = 280 * gate.MB
OUTPUT_LIMIT = 64 * gate.MB
SANDBOX_CODES = {sandbox.TimedOut: "too-slow", sandbox.TooLarge: "too-much-memory", sandbox.Crashed: "corrupt"}


@dataclass(frozen=True)
class SheetSpec:
    """What is wanted of one sheet; None means the workbook's own limits."""

    required: bool = True
    max_rows: int | None = None
    max_cols: int | None = None


def read_workbook(
    path: Path | str,
    *,
    sheets: Mapping[str, SheetSpec] | None = None,
    max_rows: int = 5000,
    max_cols: int = 60,
    wall_seconds: float = 20,
    max_bytes: int = gate.MAX_BYTES,
    max_inflated: int = gate.MAX_INFLATED,
    memory_bytes: int = CHILD_MEMORY,
) -> Workbook:
    """Read an .xlsx in a child process: the named sheets, or all (hidden ones too) when ``sheets`` is None.

    Raises ``FileRefused`` for everything that is wrong with the file as a whole; formulas, error values and merged
    ranges come back as such (``Sheet.problems``), never as 0 or nothing.
    """
    gate.check_envelope(path, max_bytes=max_bytes, max_inflated=max_inflated)
    options = {
        "sheets": None if sheets is None else {name: asdict(spec) for name, spec in sheets.items()},
        "max_rows": max_rows,
        "max_cols": max_cols,
        "max_inflated": max_inflated,
    }
    return Workbook.of(in_child("read_xlsx", path, options, wall_seconds, memory_bytes=memory_bytes))


def read_xls(
    path: Path | str,
    *,
    max_rows: int = 5000,
    max_cols: int = 60,
    wall_seconds: float = 20,
    max_bytes: int = gate.MAX_BYTES,
    memory_bytes: int = CHILD_MEMORY,
) -> Workbook:
    """Read an old .xls in a child process; formulas come as last computed, the format's reader tells no more."""
    gate.check_size(Path(path).stat().st_size, max_bytes)
    try:
        gate.refuse_ole2(Path(path).read_bytes())
    except FileRefused as refusal:
        if refusal.code != "old-xls":
            raise
    options = {"max_rows": max_rows, "max_cols": max_cols}
    found = in_child("read_xls", path, options, wall_seconds, module="xls", memory_bytes=memory_bytes)
    return Workbook.of(found)


def read_csv(
    path: Path | str,
    *,
    max_rows: int = 5000,
    max_cols: int = 60,
    wall_seconds: float = 20,
    max_bytes: int = gate.MAX_BYTES,
    memory_bytes: int = CHILD_MEMORY,
) -> Sheet:
    """Read a CSV (UTF-8, GB18030 or UTF-16) as a sheet ``CSV`` whose cells are all texts, ``harmless`` undone."""
    gate.check_size(Path(path).stat().st_size, max_bytes)
    options = {"max_rows": max_rows, "max_cols": max_cols}
    return Workbook.of(in_child("read_csv", path, options, wall_seconds, memory_bytes=memory_bytes))["CSV"]


def in_child(
    function: str,
    payload: Path | str | bytes,
    options: dict,
    wall_seconds: float,
    *,
    module: str = "child",
    memory_bytes: int = CHILD_MEMORY,
):
    """Call ``farmland.lib.excel.<module>:<function>`` in the sandbox; its refusals are raised here."""
    target = [f"farmland.lib.excel.{module}:{function}", json.dumps(options, ensure_ascii=False)]
    try:
        answer = sandbox.run_child(
            target,
            payload,
            wall_seconds=wall_seconds,
            cpu_seconds=max(1, int(wall_seconds)),
            memory_bytes=memory_bytes,
            output_limit=max(OUTPUT_LIMIT, memory_bytes // 4),
        )
    except tuple(SANDBOX_CODES) as error:
        raise FileRefused(SANDBOX_CODES[type(error)], str(error)) from error
    found = unpacked(answer)
    if "refused" in found:
        raise FileRefused(*found["refused"])
    return found["answer"]
