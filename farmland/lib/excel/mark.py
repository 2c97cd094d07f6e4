"""Give an uploaded workbook back with its wrong cells marked. The hostile file is opened in the sandbox only."""

import base64
import json
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from farmland.lib.excel import gate
from farmland.lib.excel.errors import CellError
from farmland.lib.excel.read import in_child

MARKING_MEMORY = 400 * gate.MB


def mark_errors(
    path_in: Path | str,
    errors: Sequence[CellError],
    path_out: Path | str,
    *,
    wall_seconds: float = 20,
    max_bytes: int = gate.MAX_BYTES,
    max_inflated: int = gate.MAX_INFLATED,
) -> None:
    """Write a copy with wrong cells amber, the reason as a comment, and a first sheet ``错误`` that lists them all.

    Formulas become texts, links to other files go. Marks of an earlier round are taken off. A file whose styles cannot
    be read is built anew from its values. Raises ``FileRefused`` as ``read_workbook`` does.
    """
    gate.check_envelope(path_in, max_bytes=max_bytes, max_inflated=max_inflated)
    order = json.dumps({"errors": [astuple(error) for error in errors], "max_inflated": max_inflated}).encode()
    payload = len(order).to_bytes(8, "big") + order + Path(path_in).read_bytes()
    answer = in_child("mark", payload, {}, wall_seconds, module="marking", memory_bytes=MARKING_MEMORY)
    Path(path_out).write_bytes(base64.b64decode(answer))
