"""What a finding quotes: the printed sentence or ledger row it is about, with the operative words marked."""

import re

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tasks.check.case import Case, Quote
from tasks.plan.document import LedgerRowDoc

PARTS = re.compile(r"[，；、]")
FIGURES = re.compile(r"\d[\d,.]*\d|\d")
CELLS = (
    ("图斑编号", "codes"), ("", "location"), ("", "project"), ("图斑", "area"), ("耕地", "cultivated"),
    ("永农", "pbf"), ("", "source"), ("", "problem_kind"), ("责任单位：", "responsible"), ("", "measure"),
    ("整改时限：", "due"),
)  # fmt: skip


class Quotes:
    """The printed texts of one plan, asked for by the place, the clause and the stated words of a finding."""

    def __init__(self, case: Case):
        self._case = case
        self._texts = case.quotes
        self._rows = {case.row_place(ledger, row): row for ledger, row in case.rows()}

    def of(self, place: str, clause: str, stated: str) -> SafeString:
        """The quotation as HTML; the stated words themselves where no printed text holds them."""
        row = self._rows.get(place.partition("·")[0])
        if row is not None:
            return marked(row_text(row), words(stated))
        text = self._titled(place) or self._several(stated) or self._best(clause, stated)
        return marked(text, words(stated)) if text else marked(stated, [stated])

    def cite(self, place: str, clause: str) -> str:
        """Where it stands, as a reader finds it: 附件2 第5行, or the clause with its heading."""
        head = place.partition("·")[0]
        return head if head in self._rows else self._case.clause(clause)

    def _titled(self, place: str) -> str:
        """The statement a place is named after (“一·耕地保量任务缺口仍有62.35亩”)."""
        clause, _, tail = place.partition("·")
        tail = tail.rstrip("…")
        if len(tail) < 6:
            return ""
        return next((one.text for one in self._near(clause) if re.sub(r"\s+", "", one.text).startswith(tail)), "")

    def _several(self, stated: str) -> str:
        """Two printed sentences set against each other: both, whole."""
        pieces = stated.split("；")
        if len(pieces) < 2 or not all(self._holding(piece) for piece in pieces):
            return ""
        return "……".join(self._holding(piece) for piece in pieces)

    def _holding(self, piece: str) -> str:
        return next((one.text for one in self._texts if len(piece) > 3 and piece in one.text), "")

    def _best(self, clause: str, stated: str) -> str:
        near = self._near(clause)
        for pool, tokens in (
            (near, [stated]),
            (self._texts, [stated] if len(stated) > 3 else []),
            (near, [part for part in PARTS.split(stated) if len(part) > 1]),
            (near, FIGURES.findall(stated)),
        ):
            hits = [(sum(token in one.text for token in tokens), one.text) for one in pool]
            most = max(hits, default=(0, ""), key=lambda hit: hit[0])
            if most[0]:
                return most[1]
        return ""

    def _near(self, clause: str) -> list[Quote]:
        clauses = set(clause.split("、"))
        return [one for one in self._texts if one.place in clauses]


def words(stated: str) -> list[str]:
    """What to mark: the whole stated text, else its parts, else its figures."""
    return [stated, *(part for part in PARTS.split(stated) if part), *FIGURES.findall(stated)]


def row_text(row: LedgerRowDoc) -> str:
    """A ledger row as one line: what is printed in its cells, "/" included."""
    return "，".join(f"{name}{getattr(row, field)}" for name, field in CELLS if getattr(row, field))


def marked(text: str, tokens: list[str]) -> SafeString:
    """``text`` escaped, with the first tokens that occur in it marked; later ones fill in only where none did."""
    spans: list[tuple[int, int]] = []
    whole, rest = tokens[:1], tokens[1:]
    for group in (whole, rest):
        for token in group:
            spans += _found(text, token, spans)
        if spans:
            break
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces += [("", text[at:start]), ("mark", text[start:end])]
        at = end
    pieces.append(("", text[at:]))
    return format_html_join("", "{}", ((format_html("<mark>{}</mark>", one) if tag else one,) for tag, one in pieces))


def _found(text: str, token: str, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where ``token`` stands first and overlaps nothing that is marked already."""
    if not token:
        return []
    for match in re.finditer(re.escape(token), text):
        if all(match.end() <= start or match.start() >= end for start, end in taken):
            return [match.span()]
    return []
