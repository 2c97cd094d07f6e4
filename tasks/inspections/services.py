"""Writes of a batch before its result: put together, edited, drawn, cancelled, its signed sheet kept."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.jobs.models import Upload
from farmland.places.models import Division
from parcels.models import Inspection, InspectionItem, Kind
from parcels.progress import Ladders
from parcels.sampling import draw as drawn_of
from parcels.sampling import size_of
from tasks.acceptance import Refused, open_year
from tasks.inspections.queue import Ready, Wanted, ready
from tasks.inspections.risk import risks
from tasks.models import TownYear

MOST = 500  # works in one batch: what one request confirms in some seconds (19 queries a row)
BY_SAMPLE = "按抽样结果认定"  # how the reason of a result taken over from the sample begins
SIGNED = "inspection_signed"
SIGNED_LIMIT = 20 * 1024 * 1024
MAGIC = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}


class Stale(Exception):
    """Somebody changed the batch since the page was shown. ``rows``: (item as it stands, what was typed)."""

    def __init__(self, rows: Iterable[tuple] = ()):
        super().__init__("stale")
        self.rows = list(rows)


@dataclass(frozen=True)
class Head:
    """What stands above the rows: when, by whom (posts, perhaps with an account), to whom it is copied."""

    on: date | None = None
    members: tuple[dict, ...] = ()  # {"post": …, "user": id or None}
    copies_to: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Sample:
    percent: Decimal
    seed: str
    by_risk: bool = False


@dataclass(frozen=True)
class Order:
    """A batch as asked for. ``works``: chosen ids, or None for everything that answers ``wanted``."""

    kind: Kind
    wanted: Wanted
    works: frozenset[str] | None = None
    head: Head = field(default_factory=Head)
    sample: Sample | None = None


@contextmanager
def exclusive(town_year: TownYear) -> Iterator[TownYear]:
    """One transaction under the town-year's lock; a closed year is refused."""
    with transaction.atomic():
        yield open_year(town_year)


def year_of(batch: Inspection) -> TownYear:
    return TownYear.objects.select_related("town").get(town=batch.town_id, year=batch.year)


def create(town_year: TownYear, order: Order, *, by: User) -> Inspection:
    """Put a batch together; the areas are what stands to be presented now."""
    with exclusive(town_year) as year:
        rows = _chosen(ready(by, year, Ladders(year.town), order.wanted), order.works)
        place = _common(year.town, {one.division for one in rows})
        if not by.can("accept", place, order.kind.pk):
            raise Refused(f"您没有在“{place}”验收“{order.kind}”的权限。")
        numbers = Inspection.objects.filter(town=year.town, year=year.year)
        batch = Inspection.objects.create(
            town=year.town, division=place, year=year.year, kind=order.kind, level=order.wanted.level,
            number=(numbers.aggregate(last=Max("number"))["last"] or 0) + 1, is_recheck=order.wanted.is_recheck,
            created_by=by, is_demo=by.is_demo, **_head(year, order.head),
        )  # fmt: skip
        InspectionItem.objects.bulk_create(
            (InspectionItem(town=year.town, inspection=batch, work_id=one.work, declared_mu=one.area) for one in rows),
            batch_size=500,
        )
        log("建立验收批次", batch, by, {"level": batch.level, "items": len(rows)})
        if order.sample:
            _draw(batch, order.sample, by)
    return batch


def edit(batch: Inspection, head: Head, *, version: int, by: User) -> None:
    """Change what stands above the rows; Stale when somebody did meanwhile."""
    with exclusive(year_of(batch)) as year:
        now = locked(batch)
        before = {name: getattr(now, name) for name in ("members", "copies_to", "note")}
        check_draft(now, version)
        values = _head(year, head)
        save(now, **values)
        after = {name: values[name] for name in before}
        log("修改验收批次", now, by, after | {"on": _iso(head.on)}, before | {"on": _iso(now.on)})


def redraw(batch: Inspection, sample: Sample, *, version: int, by: User) -> None:
    """Draw (again); every draw stays on record with its seed. Results taken over from an earlier sample go."""
    with exclusive(year_of(batch)):
        now = locked(batch)
        check_draft(now, version)
        _draw(now, sample, by)
        save(now)


def cancel(batch: Inspection, *, reason: str, version: int, by: User) -> None:
    if not reason.strip():
        raise Refused("请写明取消的原因。", field="reason")
    with exclusive(year_of(batch)):
        now = locked(batch)
        check_draft(now, version)
        save(now, state="cancelled")
        log("取消验收批次", now, by, {"state": "cancelled"}, reason=reason.strip())


def keep_signed(batch: Inspection, file, *, by: User) -> Upload:
    """Keep the scan of the signed sheet; an earlier one stays on file and in the log."""
    head = file.read(16)
    file.seek(0)
    if not any(head.startswith(magic) for magic in MAGIC):
        raise Refused("扫描件应为 PDF、JPG 或 PNG，请另存后再传。", field="file")
    with exclusive(year_of(batch)):
        now = locked(batch)
        if now.state != "done":
            raise Refused("批次还没有完成，完成后再上传签字扫描件。", field="file")
        upload = Upload.objects.store(
            file, town=now.town, division=now.division, user=by, purpose=SIGNED, limit=SIGNED_LIMIT
        )
        before = {"sha256": now.signed.sha256} if now.signed else None
        save(now, signed=upload)
        log("上传签字扫描件", now, by, {"file": upload.name, "sha256": upload.sha256}, before)
    return upload


def locked(batch: Inspection) -> Inspection:
    rows = Inspection.objects.select_for_update(of=("self",)).select_related("town", "division", "kind", "signed")
    return rows.get(pk=batch.pk)


def check_draft(batch: Inspection, version: int) -> None:
    if batch.state != "draft":
        raise Refused(
            f"第 {batch.number} 批{batch.get_state_display()}，不能再改；已登记的用冲销更正。", code="conflict"
        )
    if batch.version != version:
        raise Stale


def _chosen(rows: list[Ready], works: frozenset[str] | None) -> list[Ready]:
    if works is not None:
        rows = [one for one in rows if str(one.work) in works]
        if missing := len(works) - len(rows):
            raise Refused(
                f"所选的有 {missing} 项已不在待验收之列（可能刚列入别的批次），请刷新后重新选择。", code="conflict"
            )
    if not rows:
        raise Refused("没有选中任何一项，请先勾选，或选“全部”。", field="works")
    if len(rows) > MOST:
        raise Refused(f"一批最多 {MOST} 项，现有 {len(rows)} 项，请按村分批。", field="works")
    return rows


def _common(town: Division, keys: set[int]) -> Division:
    """The smallest division that contains all of these, the town at most."""
    places = list(Division.objects.filter(pk__in=keys))
    paths = [one.path.split("/")[:-1] for one in places]
    shared = [parts[0] for parts in zip(*paths, strict=False) if len(set(parts)) == 1]
    return next((one for one in places if one.path == "/".join(shared) + "/"), None) or Division.objects.get(
        pk=shared[-1] if shared else town.pk
    )


def _head(year: TownYear, head: Head) -> dict:
    if head.on and head.on > year.today():
        message = f"日期 {head.on:%Y-%m-%d} 晚于工作日期 {year.today():%Y-%m-%d}，请改为当日或以前。"
        raise Refused(message, field="on")
    return {
        "on": head.on, "members": list(head.members), "copies_to": list(head.copies_to), "note": head.note,
    }  # fmt: skip


def _draw(batch: Inspection, sample: Sample, by: User) -> None:
    try:
        size_of(1, sample.percent)
    except ValueError as error:
        raise Refused(str(error), field="percent") from error
    items = list(batch.items.order_by("pk"))
    points = risks(batch)
    ids = [str(one.work_id) for one in items]
    drawn = drawn_of(ids, sample.percent, sample.seed, points if sample.by_risk else None)
    for one in items:
        one.is_drawn, one.risk = str(one.work_id) in drawn, points[str(one.work_id)]
        if one.reason.startswith(BY_SAMPLE):
            one.verdict, one.accepted_mu, one.reason = "", None, ""
    names = ["is_drawn", "risk", "verdict", "accepted_mu", "reason"]
    InspectionItem.objects.bulk_update(items, names, batch_size=200)
    values = {"sample_percent": sample.percent, "by_risk": sample.by_risk, "seed": sample.seed}
    Inspection.objects.filter(pk=batch.pk).update(**values)
    after = {"seed": sample.seed, "percent": f"{sample.percent:f}", "by_risk": sample.by_risk, "drawn": len(drawn)}
    log("抽样", batch, by, after | {"of": len(items)})


def save(batch: Inspection, **values) -> None:
    rows = Inspection.objects.filter(pk=batch.pk)
    rows.update(version=F("version") + 1, updated_at=timezone.now(), **values)


def log(action: str, batch: Inspection, by: User, after: dict, before: dict | None = None, reason: str = "") -> None:
    record(action, str(batch), user=by, town=batch.town, before=before, after=after, reason=reason, about=batch.pk)


def _iso(on: date | None) -> str | None:
    return on.isoformat() if on else None
