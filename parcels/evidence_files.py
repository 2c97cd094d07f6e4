"""The files of 举证 going out: copies into pages, originals as downloads; a browser runs nothing that is in them."""

from django.http import FileResponse, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from farmland.accounts.models import User
from farmland.jobs.models import Upload
from farmland.lib.photos import picture_format
from parcels.models import Evidence

COPIES = ("shown", "thumbnail", "original")
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "HEIF": "image/heic"}
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ISOLATED = "default-src 'none'; sandbox; frame-ancestors 'none'"
WITH_POSITION = "原件带有拍摄位置，您没有查看坐标的权限；请看去掉位置的展示件。"


def may_have(user: User, evidence: Evidence, which: str) -> bool:
    """An original photo carries its position in EXIF: it goes to those who may see coordinates."""
    return which != "original" or evidence.category != "photo" or user.can("coordinates", evidence.division)


def file_answer(request, evidence: Evidence, which: str) -> HttpResponse | None:
    """The file as an answer; None where this material has no such copy (a paper is never shown)."""
    upload: Upload | None = getattr(evidence, which)
    if upload is None:
        return None
    etag = f'"{upload.sha256}"'
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        return unchanged
    is_copy = which != "original"
    answer = FileResponse(upload.open(), content_type="image/jpeg" if is_copy else type_of(upload))
    name = f"{evidence.pk}.jpg" if is_copy else upload.name
    answer["Content-Disposition"] = content_disposition_header(not is_copy, name)
    answer["Content-Security-Policy"] = ISOLATED
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-cache"
    answer["ETag"] = etag
    return answer


def type_of(upload: Upload) -> str:
    """By the first bytes, of the kinds that are let in."""
    with upload.open() as file:
        head = file.read(64)
    if found := picture_format(head):
        return TYPES[found]
    return "application/pdf" if head.startswith(b"%PDF-") else DOCX
