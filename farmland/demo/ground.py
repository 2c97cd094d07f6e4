"""Where the invented land lies: a long list of clues, boundaries for all parcels of the story, two constraint layers.

A clue has no work and counts for nothing; its kind is one a village does not report area by area.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import zip_longest
from random import Random

import shapely

from farmland.demo.stories import DemoLayer, Story
from farmland.demo.terraces import Plot, blob, hillside
from farmland.lib.dates import number_to_chinese
from farmland.places.models import Division
from parcels import overlaps
from parcels.layers import layer_kinds
from parcels.models import ImportTemplate, Listing, Parcel, ParcelList, Shape
from parcels.shapes import new_shape

FINDINGS = ["real"] * 9 + ["no_problem"] * 5 + ["partly"] * 2 + ["blocked"] + [""] * 3
GROUND = ["piled", "road", "pond", "building", "forest_young", "idle", "facility", "yard"]
CRS = "EPSG:4490"
GROUPS = 12
BATCH = 500


def survey(story: Story, town: Division) -> None:
    """Clues and boundaries of a story that has a monitoring list; everything is marked as demo."""
    if story.monitored is None:
        return
    villages = list(Division.objects.filter(parent=town).order_by("path"))
    clues, listings = _clues(story, town, villages)
    placed: dict[int, list[Parcel]] = defaultdict(list)
    worked = Parcel.objects.of_year(town, story.year).filter(is_demo=True)
    for one in sorted(worked, key=lambda one: one.codes):  # ids differ from load to load
        placed[one.division_id].append(one)
    layers = [(one, _area(one, villages, story)) for one in story.layers]
    shapes = []
    for number, village in enumerate(villages):
        seed = f"{story.town}-{story.year}-{number}"
        among = _among(placed[village.pk], clues[village.pk], Random(seed))
        for plot, land in hillside(number, [Plot(one.gross_mu, one) for one in among], seed):
            shapes.append(new_shape(land, town=town, crs=CRS, parcel=plot.of, is_demo=True))
            _lies_on(plot.of, land, layers)
    Parcel.objects.bulk_create([one for found in clues.values() for one in found], batch_size=BATCH)
    Listing.objects.bulk_create(listings, batch_size=BATCH)
    Shape.objects.bulk_create([*shapes, *(_layer(one, land, story, town) for one, land in layers)], batch_size=BATCH)
    _way_of_reading(town)
    overlaps.refresh(town, story.year)


def _way_of_reading(town: Division) -> None:
    """A template as the town would have saved it with its first monitoring list."""
    mapping = {"监测编号": {"field": "codes"}, "坐落单位": {"field": "village_name"}, "图斑类型": {"field": ""}}
    ImportTemplate.objects.create(
        town=town, name="区常规监测清单（演示）", mapping=mapping | {"监测面积": {"field": "gross_mu", "unit": "m2"}},
        defaults={"kind": "违法违规占用耕地"}, is_demo=True,
    )  # fmt: skip


def _clues(story: Story, town: Division, villages: list[Division]) -> tuple[dict[int, list[Parcel]], list[Listing]]:
    """By village its clues, not yet written, and their rows in the list."""
    random, wanted = Random(f"clues-{story.town}-{story.year}"), story.monitored
    received = story.working_date - timedelta(days=120)
    facts = {"town": town, "year": story.year, "is_demo": True}
    source = ParcelList.objects.create(
        kind_id=wanted.kind, source=wanted.source, title=wanted.title, received_on=received, **facts
    )
    found: dict[int, list[Parcel]] = defaultdict(list)
    listings = []
    for number in range(wanted.count):
        village = villages[number * len(villages) // wanted.count]
        area = Decimal(min(random.randint(30, 420), random.randint(30, 900))).scaleb(-2)
        parcel = Parcel(
            division=village, group=f"{number_to_chinese(1 + number % GROUPS)}组", kind_id=wanted.kind,
            source=wanted.source, codes=[f"演示线索{story.year}{number + 1:05d}"], gross_mu=area,
            cultivated_mu=(area * Decimal(random.randint(20, 100)) / 100).quantize(Decimal("0.01")),
            land_class=random.choice(["0103", "0101", "0201", "1006"]), ground_state=random.choice(GROUND),
            finding=random.choice(FINDINGS), **facts,
        )  # fmt: skip
        found[village.pk].append(parcel)
        listings.append(Listing(list=source, town=town, serial=str(number + 1), code=parcel.codes[0], parcel=parcel))
    return found, listings


def _among(worked: list[Parcel], clues: list[Parcel], random: Random) -> list[Parcel]:
    """The parcels with work lie together in the middle of the slope, clues between and around them."""
    random.shuffle(worked)
    random.shuffle(clues)
    first, between, last = clues[::3], clues[1::3], clues[2::3]
    mixed = [one for pair in zip_longest(worked, between) for one in pair if one is not None]
    return [*first, *mixed, *last]


def _area(layer: DemoLayer, villages: list[Division], story: Story) -> shapely.Polygon:
    number = next(at for at, one in enumerate(villages) if one.name == layer.village)
    at, reach = (tuple(float(one) for one in pair) for pair in (layer.at, layer.reach))
    return blob(number, at, reach, f"{story.town}-{story.year}-{layer.kind}")


def _lies_on(parcel: Parcel, land: shapely.Polygon, layers: list[tuple[DemoLayer, shapely.Polygon]]) -> None:
    """A clue is listed with what the layers say of it; a parcel with work was written before."""
    if parcel._state.adding:
        on = {layer.kind for layer, area in layers if area.intersects(land)}
        parcel.in_redline = "redline" in on
        parcel.slope = Decimal(28 if "steep" in on else 4 + len(parcel.codes[0]) % 3 + int(parcel.codes[0][-1]))


def _layer(layer: DemoLayer, land: shapely.Polygon, story: Story, town: Division) -> Shape:
    kept = ParcelList.objects.create(
        town=town, year=story.year, role=layer_kinds(town)[layer.kind].role, source=layer.kind, title=layer.title,
        received_on=story.working_date - timedelta(days=200), is_demo=True,
    )  # fmt: skip
    Listing.objects.bulk_create(
        Listing(list=kept, town=town, serial=str(at), code=code) for at, code in enumerate(layer.codes, 1)
    )
    return new_shape(land, town=town, crs=CRS, layer=kept, name=layer.title, is_demo=True)
