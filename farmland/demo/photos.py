"""Invented evidence: painted fields marked 演示, with time and place in EXIF, and answers of the official app."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from random import Random

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from farmland.accounts.models import Grant, User
from farmland.jobs.models import Upload
from farmland.lib import photos
from farmland.places.models import Division
from parcels.evidence_store import ORIGINAL, Place, said_by, save
from parcels.models import Evidence, EvidenceOutcome, Parcel, Shape
from tasks.models import Issue

SIZE = (1200, 900)
# 演 and 示 as strokes on a grid of 24
MARKS = (
    "3,4,5,6 2,10,4,12 2,20,6,14 14,2,14,4 8,5,8,8 8,5,21,5 21,5,20,8 10,8,19,8 10,10,19,10 19,10,19,17 10,10,10,17"
    " 10,17,19,17 10,13,19,13 14,8,14,17 12,18,8,22 17,18,21,22",
    "5,4,19,4 2,10,22,10 12,10,12,21 12,21,9,20 7,13,3,19 17,13,21,18",
)
GROUNDS = {"before": ("#7d7a55", "#8f8a60"), "during": ("#8a6a48", "#7a5b3c"), "after": ("#5f8f4a", "#4a7a3a")}


@dataclass(frozen=True)
class Picture:
    """A photo to be made. ``days`` before the working date; ``bare``: without EXIF, as WeChat passes it on."""

    phase: str
    view: str
    days: int
    bare: bool = False
    again: bool = False  # the file of the first picture once more
    side: int = SIZE[0]


FULL = [
    Picture("before", "overall", 66),
    Picture("after", "overall", 13),
    Picture("after", "overall", 13),
    Picture("after", "near", 12),
    Picture("after", "near", 12),
]
POOR = [Picture("after", "overall", 10), Picture("after", "near", 9, bare=True, side=640)]
ODD = [Picture("after", "near", 300), Picture("after", "near", 8, again=True)]
# by town: pictures and answers (level, verdict, reason, days ago) for one parcel after the other that is evidenced
SCENES = {
    "xihe": [
        (FULL, [("town", "passed", "", 10), ("county", "passed", "", 6)]),
        (POOR, [("town", "passed", "", 9), ("county", "returned", "no_crop", 4)]),
        (ODD, [("town", "returned", "too_far", 7), ("town", "passed", "", 3)]),
    ],
    "erping": [(POOR, [("county", "returned", "location_missing", 5)]), (POOR[:1], [])],
}
# by town: serials of the printed ledger whose codes no list has, and their pictures
ISSUES = {"xihe": {"8": [FULL[0], Picture("before", "near", 66)], "14": [FULL[0]]}}


def write_evidence(town: Division, working_date: date, official: User | None) -> None:
    """Photos and answers for a few evidenced parcels of a town that has a scene, photos for a few of its issues."""
    heads = {one.division_id: one.user for one in Grant.objects.filter(role="village_head", division__town=town)}
    _of_parcels(town, working_date, official, heads)
    for serial, pictures in ISSUES.get(town.slug, {}).items():
        issue = Issue.objects.select_related("division__town").get(town=town, year=working_date.year, serial=serial)
        for order, picture in enumerate(pictures):
            data = paint(picture, None, working_date, Random(f"{town.slug} issue {serial} {order}"))
            place = Place(issue.division, None, heads[issue.division_id], f"demo-issue-{serial}-{order}")
            issue.photos.add(keep(data, picture, place, f"演示_{serial}_{order}.jpg"))


def _of_parcels(town: Division, working_date: date, official: User | None, heads: dict[int, User]) -> None:
    parcels = Parcel.objects.filter(town=town, is_demo=True, stage__in=["planted", "evidenced"]).order_by(
        "-stage", "pk"
    )
    scenes = SCENES.get(town.slug, [])
    first = b""
    near = sorted(
        parcels.select_related("division__town", "town", "kind"), key=lambda one: one.division_id not in heads
    )
    for number, ((pictures, answers), parcel) in enumerate(zip(scenes, near, strict=False)):
        by = heads.get(parcel.division_id) or official
        for order, picture in enumerate(pictures):
            random = Random(f"{town.slug}{number}{order}")
            shape = Shape.objects.filter(parcel=parcel).first()
            data = first if picture.again else paint(picture, shape, working_date, random)
            first = first or data
            place = Place(parcel.division, parcel, by, f"demo-{number}-{order}")
            keep(data, picture, place, f"演示_{parcel.codes[0]}_{order}.jpg")
        answer(parcel, answers, working_date, official)


def keep(data: bytes, picture: Picture, place: Place, name: str) -> Evidence:
    """As the door keeps a photo; our own painting needs no sandbox."""
    file, division = SimpleUploadedFile(name, data), place.division
    upload = Upload.objects.store(
        file, town=division.town, division=division, user=place.by, purpose=ORIGINAL, limit=photos.MAX_BYTES
    )
    photo = photos.photo_of(photos.made_ready(BytesIO(data), "JPEG"), file.name)
    said = said_by(photo, None, None)
    return save(
        place, upload, category="photo", photo=photo, phase=picture.phase, view=picture.view, note="演示", **said
    )


def answer(parcel: Parcel, answers: list, working_date: date, by: User | None) -> None:
    for level, verdict, reason, days in answers:
        EvidenceOutcome.objects.create(
            town=parcel.town, division=parcel.division, parcel=parcel, level=level, verdict=verdict, reason=reason,
            on=working_date - timedelta(days=days), by=by, is_demo=True,
        )  # fmt: skip


def paint(picture: Picture, shape: Shape | None, working_date: date, random: Random) -> bytes:
    """A field below a sky, rows of plants, a hill; small and marked."""
    width = picture.side
    height = width * 3 // 4
    image = Image.new("RGB", (width, height), random.choice(["#b8cfe0", "#cdd7dc", "#a9c2d8"]))
    pen = ImageDraw.Draw(image)
    horizon = height * random.randint(25, 45) // 100
    peak = random.randint(0, width)
    pen.polygon([(0, horizon), (peak, random.randint(height // 9, horizon)), (width, horizon)], fill="#5d7360")
    light, dark = GROUNDS[picture.phase]
    pen.rectangle((0, horizon, width, height), fill=light)
    vanish = random.randint(-width // 2, width * 3 // 2)
    for at in range(-width, 2 * width, random.randint(50, 140)):
        pen.line((vanish, horizon, at, height), fill=dark, width=random.randint(8, 26))
    for _ in range(random.randint(3, 9)):
        x, y, size = random.randint(0, width), random.randint(horizon, height), random.randint(40, 160)
        pen.ellipse((x, y, x + size, y + size // 2), fill=random.choice(["#3f5f36", "#a58a5c", "#71864f"]))
    stamp(pen, width // 24, width // 300 + 2)
    out = BytesIO()
    more = {} if picture.bare else {"exif": exif(picture, shape, working_date, random)}
    image.save(out, "JPEG", quality=60, **more)
    return out.getvalue()


def stamp(pen: ImageDraw.ImageDraw, unit: int, thick: int) -> None:
    for place, strokes in enumerate(MARKS):
        for stroke in strokes.split():
            x1, y1, x2, y2 = (int(number) * unit // 5 for number in stroke.split(","))
            left = unit + place * unit * 26 // 5
            pen.line((left + x1, unit + y1, left + x2, unit + y2), fill="white", width=thick)


def exif(picture: Picture, shape: Shape | None, working_date: date, random: Random) -> bytes:
    tags = Image.Exif()
    moment = datetime.combine(working_date - timedelta(days=picture.days), time(8 + random.randint(0, 8), 30))
    inside = tags.get_ifd(0x8769)
    inside[0x9003], inside[0x9011] = moment.strftime("%Y:%m:%d %H:%M:%S"), "+08:00"
    if shape is not None:
        gps = {1: "N", 2: parts((shape.south + shape.north) / 2), 3: "E", 4: parts((shape.west + shape.east) / 2)}
        tags.get_ifd(0x8825).update(gps | {16: "T", 17: float(random.randint(0, 359))})
    return tags.tobytes()


def parts(degrees: float) -> tuple[float, float, float]:
    whole, minutes = int(degrees), degrees % 1 * 60
    return float(whole), float(int(minutes)), round(minutes % 1 * 60, 4)
