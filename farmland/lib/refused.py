"""A refusal a person can act on: what every service raises and every door shows."""


class Refused(Exception):
    """What is wrong, in Chinese, at which field; ``code`` tells a script why, ``rows`` are ids of rows in the way."""

    def __init__(self, message: str, *, field: str = "", code: str = "invalid", rows: tuple = ()):
        super().__init__(message)
        self.message, self.field, self.code, self.rows = message, field, code, rows


class Stale(Refused):
    """Somebody else changed the row since it was read: ``pairs`` are (what, as it stands, as sent)."""

    def __init__(self, message: str, pairs: list[tuple[str, str, str]]):
        super().__init__(message, code="conflict")
        self.pairs = pairs
