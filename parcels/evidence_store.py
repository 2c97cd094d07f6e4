"""举证 in: photos and papers kept as they came, of a photo a copy fit to be shown; the same key again is one row."""

import hashlib
import zipfile
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from itertools import chain

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge, display_name
from farmland.lib import photos
from farmland.places.models import Division, Term
from parcels.evidence_flags import flags_of
from parcels.models import Evidence, Parcel

ORIGINAL, SHOWN, THUMBNAIL = "evidence", "evidence_shown", "evidence_thumbnail"
PAPER_FORMATS = "PDF、DOCX 或 JPG"
TOO_LARGE = "“{}”超过 20 MB 的上限，请在手机上缩小照片后再传。"


class EvidenceRefused(ValueError):
    """What is wrong, in Chinese, at which field; ``code`` tells a script why. The raw file is kept, nothing else."""

    def __init__(self, message: str, *, field: str = "file", code: str = "invalid"):
        super().__init__(message)
        self.message, self.field, self.code = message, field, code


@dataclass(frozen=True)
class Position:
    """Where the phone says it is, in degrees of WGS 84; it says so where EXIF is silent."""

    longitude: float
    latitude: float
    accuracy_m: float | None = None
    azimuth: float | None = None

    @property
    def is_sane(self) -> bool:
        on_globe = abs(self.longitude) <= 180 and abs(self.latitude) <= 90  # False for NaN
        return on_globe and (self.longitude, self.latitude) != (0, 0)


@dataclass(frozen=True)
class Place:
    """What the material is about."""

    division: Division
    parcel: Parcel | None
    by: User
    key: str

    @property
    def words(self) -> str:
        return f"图斑 {self.parcel}" if self.parcel else str(self.division)


def add(file, *, category: str, view: str = "", position: Position | None = None, taken_at=None, **common) -> Evidence:
    """``add_paper`` or ``add_photo``, by the category; a paper has no view and was taken nowhere."""
    if category == "paper":
        return add_paper(file, **common)
    return add_photo(file, **common, view=view, position=position, taken_at=taken_at)


def add_photo(
    file,
    *,
    division: Division,
    parcel: Parcel | None = None,
    by: User,
    key: str,
    phase: str = "",
    view: str = "",
    note: str = "",
    position: Position | None = None,
    taken_at: datetime | None = None,
) -> Evidence:
    """Take in a photo; ``position`` and ``taken_at`` are what the phone read before it shrank the picture.

    Call outside a transaction: a refused file stays on record as an upload. Raises EvidenceRefused. The answer's
    ``notes`` tell what EXIF said and was not believed.
    """
    place = Place(division, parcel, by, key)
    check_words(place, phase, view, note)
    if again := earlier(place, sha256_of(file)):
        return again
    upload = kept(file, place)
    try:
        photo = photos.read_photo(upload.full_path, upload.name)
    except photos.PhotoRefused as refusal:
        raise EvidenceRefused(str(refusal), code="not_a_photo") from refusal
    said = {"phase": phase, "view": view, "note": note, **said_by(photo, position, taken_at)}
    evidence = save(place, upload, category="photo", photo=photo, **said)
    evidence.notes = list(photo.notes)
    return evidence


def add_paper(
    file, *, division: Division, parcel: Parcel | None = None, by: User, key: str, phase: str = "", note: str = ""
) -> Evidence:
    """Take in a paper (PDF, DOCX or a scan as JPG), kept and given out as it is, never shown in a page."""
    place = Place(division, parcel, by, key)
    check_words(place, phase, "", note)
    if again := earlier(place, sha256_of(file)):
        return again
    upload = kept(file, place)
    check_paper(upload)
    return save(place, upload, category="paper", phase=phase, note=note)


def check_words(place: Place, phase: str, view: str, note: str) -> None:
    if phase and phase not in dict(Evidence.PHASES):
        raise EvidenceRefused(f"阶段应为整改前、整改中或整改后，现为“{phase[:20]}”。", field="phase")
    if view and not Term.objects.of("photo_view", place.division.town).filter(code=view).exists():
        raise EvidenceRefused(f"没有名为“{view[:20]}”的拍摄内容，请从列表中选择。", field="view")
    if len(note) > 300:
        raise EvidenceRefused(f"说明最多 300 字，现有 {len(note)} 字。", field="note")
    if len(place.key) > 100:
        raise EvidenceRefused("照片的编号超过 100 个字符，请换一个。", field="key")
    if place.parcel is not None and place.parcel.division_id != place.division.pk:
        raise ValueError("the parcel lies in another division")


def sha256_of(file) -> str:
    """Of the whole file, which is left at its beginning."""
    digest = hashlib.sha256()
    for piece in file.chunks() if hasattr(file, "chunks") else iter(lambda: file.read(64 * 1024), b""):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def earlier(place: Place, sha256: str) -> Evidence | None:
    """The row this person's key stands for already; EvidenceRefused when it stands for something else."""
    if not place.key:
        return None
    found = Evidence.objects.filter(town=place.division.town_id, by=place.by, key=place.key).first()
    if found is None:
        return None
    same = (sha256, place.division.pk, place.parcel and place.parcel.pk)
    if (found.sha256, found.division_id, found.parcel_id) != same:
        raise EvidenceRefused(
            "这个编号已用于另一个文件，请为每张照片生成新的编号。", field="Idempotency-Key", code="key_reused"
        )
    found.notes = []
    return found


def kept(file, place: Place) -> Upload:
    division = place.division
    try:
        return Upload.objects.store(
            file, town=division.town, division=division, user=place.by, purpose=ORIGINAL, limit=photos.MAX_BYTES
        )
    except TooLarge as error:
        name = display_name(getattr(file, "name", ""))
        raise EvidenceRefused(TOO_LARGE.format(name), code="too_large") from error


def said_by(photo: photos.Photo, position: Position | None, taken_at: datetime | None) -> dict:
    """Time and place: EXIF of the file first, else what the phone said."""
    when = photo.taken_at or taken_at
    if when is not None and timezone.is_naive(when):
        when = timezone.make_aware(when)
    found = {"taken_at": when}
    if photo.longitude is not None:
        here = Position(photo.longitude, photo.latitude, photo.accuracy_m, photo.azimuth)
        found["position_from"] = "exif"
    elif position is not None and position.is_sane:
        here = position
        found["position_from"] = "phone"
    else:
        return found | {"azimuth": exact(photo.azimuth, 360)}
    azimuth = here.azimuth if photo.azimuth is None else photo.azimuth
    return found | {
        "longitude": here.longitude,
        "latitude": here.latitude,
        "accuracy_m": exact(here.accuracy_m),
        "azimuth": exact(azimuth, 360),
    }


def exact(value: float | None, most: float = 100_000) -> Decimal | None:
    """Rounded to hundredths; what is not between 0 and ``most`` (NaN neither) says nothing."""
    return Decimal(str(round(value, 2))) if value is not None and 0 <= value < most else None


def check_paper(upload: Upload) -> None:
    with upload.open() as file:
        head = file.read(64)
    if head.startswith(b"%PDF-") or photos.picture_format(head) == "JPEG":
        return
    if head.startswith(b"PK\x03\x04") and is_docx(upload):
        return
    found = photos.true_kind(head) if head else "空文件"
    if head.startswith(b"PK"):
        found = "压缩包、带宏的文件或其他 Office 文件"
    raise EvidenceRefused(
        f"“{upload.name}”实际是{found}，材料只收 {PAPER_FORMATS}，请另存后再传。", code="not_a_paper"
    )


def is_docx(upload: Upload) -> bool:
    """By the directory of the zip alone; nothing in it is unpacked."""
    try:
        with zipfile.ZipFile(upload.full_path) as archive:
            names = {name.lower() for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False
    has_macros = any(name.endswith("vbaproject.bin") for name in names)
    return {"[content_types].xml", "word/document.xml"} <= names and not has_macros


@transaction.atomic
def save(place: Place, upload: Upload, *, category: str, photo: photos.Photo | None = None, **said) -> Evidence:
    """The row with its copies and its event. The town's lock keeps a key sent twice at once from making two."""
    town = Division.objects.select_for_update(of=("self",)).get(pk=place.division.town_id)
    if again := earlier(place, upload.sha256):
        return again
    evidence = Evidence(
        town=town, division=place.division, parcel=place.parcel, category=category, original=upload,
        sha256=upload.sha256, by=place.by, key=place.key, received_at=timezone.now(), is_demo=place.by.is_demo, **said,
    )  # fmt: skip
    if photo is not None:
        evidence.width, evidence.height, evidence.look = photo.width, photo.height, photo.look
        evidence.shown = copy(photo.shown, SHOWN, place)
        evidence.thumbnail = copy(photo.thumbnail, THUMBNAIL, place)
        evidence.flags = flags_of(evidence)
    evidence.save(force_insert=True)
    words = dict(chain(Evidence.PHASES, [("", "")]))[evidence.phase]
    after = {"file": upload.name, "sha256": upload.sha256[:16], "phase": words}
    about = place.parcel.pk if place.parcel else evidence.pk
    record(
        f"上传{evidence.get_category_display()}", place.words, user=place.by, town=town, after=after, about=about,
        reason=evidence.note,
    )  # fmt: skip
    evidence.notes = []
    return evidence


def copy(data: bytes, purpose: str, place: Place) -> Upload:
    division = place.division
    return Upload.objects.store(
        BytesIO(data), town=division.town, division=division, user=place.by, purpose=purpose, limit=photos.MAX_BYTES,
        name=f"{purpose}.jpg",
    )  # fmt: skip
