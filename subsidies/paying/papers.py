"""申报材料: the papers of a batch's checklist, kept with the batch until it is approved."""

from farmland.accounts.models import User
from farmland.jobs.models import Upload
from farmland.lib import photos
from farmland.lib.refused import Refused
from subsidies.models import Batch, BatchPaper
from subsidies.paying.batches import log, opened, save
from subsidies.refusals import logged

PURPOSE = "batch_paper"
OTHER = (b"%PDF-", b"PK\x03\x04")  # beside pictures; the last: docx, xlsx
OPEN = ("draft", "reviewed", "published")


@logged("上传批次材料")
def keep(batch: Batch, *, name: str, file, by: User) -> BatchPaper:
    """A file under a name of the checklist, or another; a newer one stands beside the older."""
    now = opened(batch, by, "prepare_payment")
    if now.state not in OPEN:
        raise Refused(f"批次{now.get_state_display()}，不能再加材料。", code="conflict")
    if not name.strip():
        raise Refused("请选择或填写材料名称。", field="name")
    head = file.read(12)
    file.seek(0)
    if photos.picture_format(head) not in ("JPEG", "PNG") and not head.startswith(OTHER):
        raise Refused("材料应为 PDF、JPG、PNG、Word 或 Excel 文件，请另存后再传。", field="file")
    upload = Upload.objects.store(file, town=now.town, user=by, purpose=PURPOSE, limit=photos.MAX_BYTES)
    made = BatchPaper.objects.create(
        town=now.town, batch=now, name=name.strip()[:120], upload=upload, by=by, is_demo=now.is_demo
    )
    save(now)
    log("上传批次材料", now, by, {"name": made.name, "file": upload.name, "sha256": upload.sha256})
    return made
