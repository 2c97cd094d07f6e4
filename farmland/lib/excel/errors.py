"""How a file or a cell is refused: one exception for the file, one value for a cell, both in Chinese."""

from dataclasses import dataclass


class FileRefused(Exception):
    """The whole file cannot be used. ``code`` is stable English for programs, ``message`` Chinese for people."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self):
        return FileRefused, (self.code, self.message)


@dataclass(frozen=True)
class CellError:
    """One wrong cell: sheet name, cell such as ``F7`` (or empty for the sheet itself) and the reason in Chinese."""

    sheet: str
    cell: str
    message: str

    @property
    def address(self) -> str:
        """``进度!F7``, as the API's ``attr`` gives it."""
        return f"{self.sheet}!{self.cell}" if self.cell else self.sheet

    def __str__(self) -> str:
        return f"{self.address}：{self.message}"
