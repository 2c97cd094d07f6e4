"""Whether a code that stands on two lists is the same land: a long one is, a short one only within its village."""

from collections.abc import Iterable, Mapping

from farmland.lib.numbers import narrow
from farmland.places.models import Division
from parcels.imports.columns import column_of

LONG_CODE, LAYER_CODE = 10, 5  # characters: a shorter code may be unique in its village only, or in its list
PLACES = ("division", "village_name", "location")


def plain_code(code: str) -> str:
    """The code as it is held against others: width and case of its letters, and spaces, say nothing."""
    text = code if code.isascii() else narrow(code)  # nothing in ASCII is wide
    return "".join(text.upper().split())


class Villages:
    """The villages of a town by what a list may call them; one query."""

    def __init__(self, town: Division):
        rows = Division.objects.filter(town=town).exclude(pk=town.pk)
        self.names = {name: one.pk for one in rows for name in (one.code, one.name, *one.aliases) if name}
        self.town = town.name
        self.known: dict[str, int | None] = {}

    def of(self, cells: Mapping[str, str]) -> int | None:
        """The village that a row's cells name under a heading for it; None where they name none."""
        for heading, text in cells.items():
            hit = column_of(heading)
            if hit and hit.column.field in PLACES and (found := self.named(text)):
                return found
        return None

    def named(self, text: str) -> int | None:
        """西河镇双永村十四组, or the 19 digits of a survey, begin with their village."""
        if text not in self.known:
            place = narrow(text).removeprefix(self.town)
            self.known[text] = self.names.get(max(self._beginning(place), key=len, default=""))
        return self.known[text]

    def _beginning(self, place: str) -> Iterable[str]:
        return [name for name in self.names if place.startswith(name)]

    def same(self, code: str, cells: Mapping[str, str], division: int) -> bool:
        """Whether a row of a layer or of another program's list names a parcel of the division by its code."""
        if len(code) >= LONG_CODE:
            return True
        village = self.of(cells)
        return village == division if village else len(code) >= LAYER_CODE
