"""Papers that come with an act (consent, minutes): kept as they came, given back only as downloads."""

from django.http import FileResponse

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge
from farmland.lib import photos
from farmland.lib.refused import Refused
from parcels.evidence_store import EvidenceRefused, check_paper


def keep_paper(file, division, user, *, purpose: str, field: str) -> Upload | None:
    """The paper as it came, by its bytes one of the formats papers have; Refused at ``field``; None for no file."""
    if not file:
        return None
    limit = {"limit": photos.MAX_BYTES, "purpose": purpose}
    try:
        upload = Upload.objects.store(file, town=division.town, division=division, user=user, **limit)
        check_paper(upload)
    except (TooLarge, EvidenceRefused) as refusal:
        raise Refused(str(refusal), field=field) from refusal
    return upload


def given_back(upload: Upload) -> FileResponse:
    answer = FileResponse(upload.open(), as_attachment=True, filename=upload.name)
    answer["Content-Type"] = "application/octet-stream"
    answer["Cache-Control"] = "private, no-cache"
    return answer
