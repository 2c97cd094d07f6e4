"""The boundaries of parcels (图形): kept once, read in chunks, never shown without the right to coordinates."""

import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.utils import timezone
from shapely.geometry.base import BaseGeometry

from farmland.accounts.models import User
from farmland.jobs.models import Upload
from farmland.lib import geo
from farmland.lib.api.lists import batches
from farmland.places.models import Division
from parcels.models import Parcel, Shape

CHUNK = 2000


def new_shape(geometry: BaseGeometry, *, town: Division, crs: str, **facts) -> Shape:
    """An unsaved boundary; ``geometry`` has passed ``geo.checked``. ``facts``: parcel or layer, name, upload …"""
    wkb = geo.write_wkb(geometry)
    west, south, east, north = geo.box(geometry)
    return Shape(
        town=town, wkb=wkb, west=west, south=south, east=east, north=north, computed_mu=geo.area_mu(geometry),
        digest=hashlib.sha256(wkb).hexdigest(), issued_crs=crs, **facts,
    )  # fmt: skip


def set_shape(
    parcel: Parcel, geometry: BaseGeometry, *, crs: str, upload: Upload | None = None, is_demo: bool = False
) -> Shape:
    """Give a parcel its boundary, or another one; the same boundary again writes nothing. Raises ``geo.BadShape``."""
    return _put(parcel, geo.checked(geometry), crs=crs, upload=upload, is_demo=is_demo)


def place_shape(parcel: Parcel, wkb: bytes, **facts) -> Shape:
    """``set_shape`` of a boundary that has been checked where it was read."""
    return _put(parcel, geo.read_wkb(wkb), **facts)


def drop_shape(parcel: Parcel) -> None:
    Shape.objects.filter(parcel=parcel).delete()


def _put(parcel: Parcel, geometry: BaseGeometry, *, crs: str, upload: Upload | None, is_demo: bool) -> Shape:
    new = new_shape(geometry, town=parcel.town, crs=crs, parcel=parcel, upload=upload, is_demo=is_demo)
    old = Shape.objects.filter(parcel=parcel).first()
    if old is not None:
        if old.digest == new.digest:
            return old
        new.pk, new._state.adding, new.updated_at = old.pk, False, timezone.now()
    new.save()
    return new


def boundaries(parcels: Iterable, *, places: int | None = None) -> dict:
    """Parcel id → its boundary as GeoJSON text, for those that have one. One query for up to ``CHUNK`` ids."""
    found = {}
    for ids in batches(parcels, CHUNK):
        rows = Shape.objects.filter(parcel__in=ids).values_list("parcel_id", "wkb")
        found |= {parcel: geo.geojson_text(wkb, places) for parcel, wkb in rows}
    return found


def geojson_of(parcels, *, places: int | None = None) -> Iterator[tuple[Parcel, str | None]]:
    """Each parcel of a queryset with its boundary as GeoJSON text (None: none), a chunk at a time."""
    for chunk in batches(parcels.iterator(chunk_size=CHUNK), CHUNK):
        found = boundaries([one.pk for one in chunk], places=places)
        yield from ((one, found.get(one.pk)) for one in chunk)


def metres_to(parcel: Parcel, longitude: float, latitude: float) -> Decimal | None:
    """How far a position lies from the parcel, 0 inside; None where no boundary is known."""
    wkb = Shape.objects.filter(parcel=parcel).values_list("wkb", flat=True).first()
    return None if wkb is None else geo.metres_to(wkb, longitude, latitude)


def with_coordinates(user: User) -> list[Division]:
    """The divisions whose coordinates the user may see."""
    return [one for one in user.divisions() if user.can("coordinates", one)]
