"""Where the land of a file lies, in words: a wrong zone moves all of it, a slip of the pen one piece. Reads only."""

import math
from collections.abc import Sequence
from statistics import median

from django.db.models import Max, Min

from farmland.places.models import Division
from parcels.models import Shape

FAR = 30  # km: no township is wider
KM = 111.2  # of a degree of latitude
NAMED = 5
Box = tuple[float, float, float, float]  # west, south, east, north in degrees


def whereabouts(boxes: Sequence[tuple[str, Box]], town: Division) -> list[str]:
    """What to say of the boxes (name, box) of a file: their middle, those far from it, how far the town's land is."""
    if not boxes:
        return []
    middles = [(name, ((west + east) / 2, (south + north) / 2)) for name, (west, south, east, north) in boxes]
    middle = median(x for _, (x, _) in middles), median(y for _, (_, y) in middles)
    notes = [f"图形的中心在东经 {middle[0]:.4f}°、北纬 {middle[1]:.4f}°。"]
    far = [name for name, one in middles if kilometres(one, middle) > FAR]
    if far:
        more = "等" if len(far) > NAMED else "这"
        notes.append(f"{'、'.join(far[:NAMED])} {more} {len(far)} 个离其余图形 {FAR} 公里以上，请核对坐标。")
    return notes + _too_far([(*middle, *middle)], town)


def of_layer(boxes: Sequence[Box], town: Division) -> list[str]:
    """Of a layer, which may be much larger than the town: whether any of it comes near the town's land."""
    return _too_far(boxes, town) if boxes else []


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """How far two places (longitude, latitude) lie apart, within a percent at such distances."""
    squeeze = math.cos(math.radians((one[1] + other[1]) / 2))
    return KM * math.hypot((one[0] - other[0]) * squeeze, one[1] - other[1])


def _too_far(boxes: Sequence[Box], town: Division) -> list[str]:
    """Where the town has land already and none of the boxes is near it."""
    rows = Shape.objects.filter(town=town, parcel__isnull=False)
    land = rows.aggregate(west=Min("west"), south=Min("south"), east=Max("east"), north=Max("north"))
    if land["west"] is None:
        return []
    away = min(_between(one, (land["west"], land["south"], land["east"], land["north"])) for one in boxes)
    if away <= FAR:
        return []
    return [f"图形离本镇已有图斑约 {away:.0f} 公里，可能选错了中央经线或坐标系，请核对。"]


def _between(one: Box, other: Box) -> float:
    """Kilometres between the nearest sides of two boxes; 0 where they meet."""
    x = max(other[0] - one[2], one[0] - other[2], 0)
    y = max(other[1] - one[3], one[1] - other[3], 0)
    latitude = (one[1] + other[3]) / 2
    return kilometres((0, latitude), (x, latitude + y))
