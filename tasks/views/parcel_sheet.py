"""图斑 on paper: the filtered list as one map sheet, drawn here, with legend, scale bar and totals (A4 or A3)."""

from dataclasses import dataclass, field
from decimal import Decimal

from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.places.models import Division
from parcels import drawing
from parcels.models import Parcel
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.common import Labels
from tasks.views.parcel_groups import groups, totals_of
from tasks.views.parcel_map import MOST, Looks, layers_of, places, seen_divisions
from tasks.views.parcels import Stages, choices_of, chosen_of, filtered, in_force

MM = 96 / 25.4  # CSS pixels in a millimetre
ORDER = ("accepted", "evidenced", "planted", "ploughed", "planned", "dead", "idle")


@dataclass(frozen=True)
class Paper:
    """A landscape sheet in millimetres: what drawing and table share, a row of the table, the least for a drawing."""

    name: str
    width: int
    room: int
    row: float
    least: int

    def height(self, villages: int) -> tuple[int, bool]:
        """Of the drawing, and whether the table stands below it; a long one has the next sheet to itself."""
        left = int(self.room - self.row * (villages + 2))
        return (left, True) if left >= self.least else (self.room, False)


PAPERS = {"a4": Paper("A4", 277, 157, 6.4, 85), "a3": Paper("A3", 400, 240, 8.2, 140)}
CODE_WIDTH = 24  # pixels a code takes


@town_page
@require_safe
def parcel_sheet(request, town_year: TownYear):
    """``?paper=a4|a3`` with the filters of the list; a parcel without boundary is counted and said to be missing."""
    size = request.GET.get("paper") if request.GET.get("paper") in PAPERS else "a4"
    paper, chosen = PAPERS[size], chosen_of(request)
    mine = Parcel.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    rows = filtered(mine, request.user, town_year, chosen)
    sums = totals_of(groups(rows))
    page = {
        "town_year": town_year,
        "paper": paper,
        "size": size,
        "sums": sums,
        "words": _words(request, town_year, mine, chosen),
        "query": _without_paper(request),
        "most": MOST,
    }
    if sums["count"] <= MOST:
        page |= _sheet(rows, request.user, town_year, paper)
    return render(request, "parcels/sheet.html", page)


def _words(request, town_year: TownYear, mine, chosen: dict) -> list[str]:
    """The filters in force as the list says them."""
    if not any(chosen.values()):
        return []
    labels, stages = Labels(town_year.town), Stages(town_year)
    places = Division.objects.visible_to(request.user).filter(town=town_year.town).order_by("path")
    names = choices_of(list(places), groups(mine), labels, stages.names, town_year.today())
    return [one["text"] for one in in_force(request.GET, chosen, names)]


def _without_paper(request) -> str:
    query = request.GET.copy()
    query.pop("paper", None)
    return query.urlencode()


COLUMNS = ("pk", "codes", "kind_id", "stage", "finding", "division__name", "gross_mu", "kind__name")


def _sheet(rows, user, town_year: TownYear, paper: Paper) -> dict:
    looks, table = Looks(town_year, rows), Table()
    found = list(rows.order_by("division__path", "kind", "pk").values_list(*COLUMNS, "division_id", "shape__wkb"))
    tiers = [looks.found[looks.number(one[0].hex, *one[2:5])]["tier"] for one in found]
    for one, tier in zip(found, tiers, strict=True):
        table.add(one[5], one[7], tier, one[6])
    seen = seen_divisions(user, town_year)
    there = [
        (one, tier) for one, tier in zip(found, tiers, strict=True) if one[9] and (seen is None or one[8] in seen)
    ]
    layers = list(layers_of(user, town_year).select_related("layer"))
    height, is_below = paper.height(len(table.rows) - 1)
    room = paper.width, height
    picture = _picture([one for one, _ in there], [tier for _, tier in there], layers, room) if there else None
    return {"table": table, "picture": picture, "is_below": is_below, "missing": len(found) - len(there)}


def _picture(there: list, tiers: list[str], layers: list, room: tuple[int, int]) -> dict:
    width, height = (side * MM for side in room)
    wkbs = [*(one[9] for one in there), *(one.wkb for one in layers)]
    land = drawing.rings(wkbs, drawing.grid(len(wkbs)))
    frame, one_to = drawing.Frame.neat(land.box(0, len(there)), width, height, 5 * MM, MM)
    lines = drawing.paths(land, frame, len(wkbs))
    grounds = {tier: "".join(line for line, own in zip(lines, tiers, strict=False) if own == tier) for tier in ORDER}
    bar = drawing.round_metres(60 * MM / frame.scale)
    names = [(name, *frame.at(x, y)) for name, x, y in places([one[5] for one in there], land)]
    return {
        "width": round(width),
        "height": round(height),
        "mm": room,
        "grounds": [(tier, line) for tier, line in grounds.items() if line],
        "layers": _inside(layers, lines[len(there) :], land, len(there), frame, (width, height)),
        "names": names,
        "codes": _codes(there, land, frame),
        "bar": {"metres": bar, "width": round(bar * frame.scale, 1)},
        "one_to": one_to,
    }


def _inside(layers: list, lines: list[str], land: drawing.Rings, first: int, frame: drawing.Frame, size) -> list:
    """The layers that reach into the drawing, each with its path."""
    found = []
    for at, (layer, line) in enumerate(zip(layers, lines, strict=True), first):
        west, south, east, north = land.box(at, at + 1)
        (left, top), (right, bottom) = frame.at(west, north), frame.at(east, south)
        if left < size[0] and right > 0 and top < size[1] and bottom > 0:
            found.append((layer, line))
    return found


def _codes(there: list, land: drawing.Rings, frame: drawing.Frame) -> list[tuple[str, float, float]]:
    """The last four figures of a code in the middle of its land, where there is room for them."""
    found, points = {}, frame.place(land.points)
    for start, end, of in zip(land.starts[:-1].tolist(), land.starts[1:].tolist(), land.of.tolist(), strict=True):
        ring = points[start:end]
        if of < len(there) and of not in found and ring[:, 0].max() - ring[:, 0].min() > CODE_WIDTH:
            found[of] = ring.mean(axis=0).round(1).tolist()
    if len(found) * 4 < len(there):
        return []  # a few codes among many bare shapes help nobody
    return [(there[of][1][0][-4:], *at) for of, at in found.items() if there[of][1]]


@dataclass
class Table:
    """合计 by village, kind and ground: number and area of parcels; columns only for grounds that occur.

    Kinds stand in lines of their own, also in the sums; an area that is not known adds nothing.
    """

    rows: dict[tuple[str, str], dict[str, list]] = field(default_factory=dict)

    def add(self, village: str, kind: str, tier: str, area: Decimal | None) -> None:
        for name in (village, ""):
            cells = self.rows.setdefault((name, kind), {})
            for column in (tier, ""):
                cell = cells.setdefault(column, [0, None])
                cell[0] += 1
                if area is not None:
                    cell[1] = (cell[1] or Decimal(0)) + area

    @property
    def villages(self) -> list[tuple[str, str]]:
        return [name for name in self.rows if name[0]]

    @property
    def sums(self) -> list[tuple[str, str]]:
        return [name for name in self.rows if not name[0]]

    @property
    def tiers(self) -> list[str]:
        return [tier for tier in ORDER if any(tier in self.rows[name] for name in self.sums)]

    @property
    def lines(self) -> list[tuple[str, str, list]]:
        """(village, kind where there are several, [all, each ground]) in the order of the list, the sums last."""
        columns, several = ["", *self.tiers], len(self.sums) > 1
        names = [*self.villages, *self.sums]
        return [
            (village, kind if several else "", [self.rows[village, kind].get(column) for column in columns])
            for village, kind in names
        ]
