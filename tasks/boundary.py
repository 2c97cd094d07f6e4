"""The boundary of one parcel (图形) given, replaced or taken away by a person: its own file, its version, its trace.

The issued area stays whatever the boundary measures; where the two are apart the person is told before anything is
written and says so again.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib.excel import FileRefused
from farmland.lib.geo.files import read_layer
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from farmland.places.models import Division
from parcels.changes import check_version, lock, touch
from parcels.imports.compare import is_apart
from parcels.models import Overlap, Parcel, Shape
from parcels.shapes import drop_shape, place_shape
from tasks.land import changing
from tasks.models import TownYear
from tasks.overlaps import request_overlaps

PURPOSE, LIMIT = "parcel_boundary", 5 * 1024 * 1024
FIELD = "boundary"


@dataclass(frozen=True)
class Drawn:
    """One boundary read from a file: checked, in EPSG:4490."""

    wkb: bytes
    area_mu: Decimal
    crs: str
    upload: Upload


@dataclass(frozen=True)
class Wish:
    """``drawn`` None takes the boundary away. ``sure``: an area apart from the issued one has been seen."""

    drawn: Drawn | None
    reason: str = ""
    version: int | None = None
    sure: bool = False


def keep(file, place: Division, user: User, *, purpose: str = PURPOSE) -> Upload:
    try:
        return Upload.objects.store(file, town=place.town, division=place, user=user, purpose=purpose, limit=LIMIT)
    except TooLarge as refusal:
        raise Refused(str(refusal), field=FIELD) from refusal


def read_one(upload: Upload, *, zone: int | None = None) -> Drawn:
    """The only boundary of a stored file, read in the limited child process; Refused with the reason."""
    limits = {"max_rows": 1, "max_bytes": LIMIT, "max_inflated": 10 * LIMIT}
    try:
        layer = read_layer(upload.full_path, upload.name, zone=zone, **limits)
    except FileRefused as refusal:
        raise Refused(refusal.message, field=FIELD, code="zone" if refusal.code == "zone" else "invalid") from refusal
    if problem := next(iter(layer.problems.values()), "" if layer.outlines else "文件里没有图形。"):
        raise Refused(problem, field=FIELD)
    (outline,) = layer.outlines.values()
    return Drawn(bytes(outline.wkb), outline.area_mu, layer.crs, upload)


def set_boundary(town_year: TownYear, parcel: Parcel, wish: Wish, *, by: User) -> bool:
    """Write what ``wish`` says; False where it stands already. Overlaps are looked for again."""
    with changing(town_year) as now:
        locked = lock(parcel)
        stands = Shape.objects.filter(parcel=locked).first()
        if not _changes(stands, wish):
            return False
        before, after = _shown(stands), _area(wish.drawn)
        check_version(locked, wish.version, [("图形", *_told(stands, wish.drawn))])
        _check(locked, stands, wish)
        if wish.drawn:
            one = wish.drawn
            place_shape(locked, one.wkb, crs=one.crs, upload=one.upload, is_demo=by.is_demo)
        else:
            drop_shape(locked)
            Overlap.objects.filter(parcel=locked, by="area").delete()
            Overlap.objects.filter(other=locked, by="area").delete()
        touch(locked)
        record("修改图形", f"图斑 {locked}", user=by, town=locked.town, before={"图形面积（亩）": before},
               after={"图形面积（亩）": after}, reason=wish.reason.strip(), about=locked.pk)  # fmt: skip
        request_overlaps(now.year.town, now.year.year, by)
        return True


def _changes(stands: Shape | None, wish: Wish) -> bool:
    if stands is None or wish.drawn is None:
        return stands is not None or wish.drawn is not None
    return bytes(stands.wkb) != wish.drawn.wkb


def _check(parcel: Parcel, stands: Shape | None, wish: Wish) -> None:
    if stands is not None and not wish.reason.strip():
        raise Refused("更换或去掉已有的图形须写明原因。", field="reason")
    if wish.drawn and not wish.sure and (told := apart(parcel, wish.drawn)):
        raise Refused(f"{told}确认无误请勾选“面积相差也保存”再保存。", field="sure", code="apart")


def apart(parcel: Parcel, drawn: Drawn) -> str:
    """In words that the boundary and the issued area are apart; "" where they agree or nothing was issued."""
    issued = parcel.gross_mu
    if issued is None or not is_apart(drawn.area_mu, issued):
        return ""
    return (
        f"图形面积 {plain(drawn.area_mu)} 亩，下发面积 {plain(issued)} 亩，"
        f"相差 {plain(abs(drawn.area_mu - issued))} 亩，超过 1%。"
    )


def _told(stands: Shape | None, drawn: Drawn | None) -> tuple[str, str]:
    """What stands and what was sent, told apart even where both are as large."""
    now = f"{_shown(stands)} 亩，{timezone.localtime(stands.updated_at):%Y-%m-%d %H:%M} 登记" if stands else ""
    return now, f"{_area(drawn)} 亩，文件 {drawn.upload.name}" if drawn else ""


def _area(drawn: Drawn | None) -> str:
    return plain(drawn.area_mu) if drawn else ""


def _shown(shape: Shape | None) -> str:
    return plain(shape.computed_mu) if shape else ""
