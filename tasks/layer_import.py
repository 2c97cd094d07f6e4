"""The import of a constraint layer with the year around it: what it would change, the lock, the overlaps after."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from farmland.accounts.models import User
from farmland.jobs.models import Job, Upload
from farmland.jobs.registry import JobRefused, handler
from farmland.jobs.services import enqueue
from farmland.lib.excel import FileRefused
from farmland.lib.refused import Refused
from parcels.imports.choices import Choices
from parcels.imports.layers import (
    Difference,
    LayerFacts,
    LayerFile,
    difference,
    read_layer_file,
    remove_layer,
    standing,
    write_layer,
)
from parcels.imports.lying import parcels_on
from parcels.imports.whereabouts import of_layer
from parcels.layers import layer_kinds
from parcels.models import ParcelList
from tasks.land import changing
from tasks.models import TownYear
from tasks.overlaps import request_overlaps

KIND = "import_layer"


@dataclass(frozen=True)
class Preview:
    """``on``: village, how many of its parcels lie on the layer, and the area."""

    found: LayerFile
    difference: Difference
    on: list[tuple[str, int, Decimal]]
    whereabouts: list[str]


def preview(town_year: TownYear, facts: LayerFacts, choices: Choices) -> Preview:
    """Read and compare a stored file; nothing is written. ``FileRefused`` when it is no layer."""
    found = read_layer_file(facts.upload.full_path, facts.upload.name, choices)
    on = [] if found.errors else parcels_on(found, town_year.town, town_year.year)
    where = of_layer([row.outline.box for row in found.outlines], town_year.town)
    return Preview(found, difference(found, town_year.town, town_year.year, facts), on, where)


def confirm(town_year: TownYear, facts: LayerFacts, choices: Choices, *, seen: str, user: User) -> Job:
    """Queue the import of a previewed file; ``seen`` is the fingerprint of what was shown."""
    args = {
        "year": town_year.year, "upload": str(facts.upload.pk), "title": facts.title, "kind": facts.kind.code,
        "received_on": facts.received_on and facts.received_on.isoformat(), "seen": seen, "layer": choices.layer,
        "zone": choices.zone, "of_year": facts.year,
    }  # fmt: skip
    key = f"{KIND}:{town_year.pk}:{facts.upload.sha256[:40]}"
    return enqueue(KIND, town=town_year.town, args=args, user=user, dedupe_key=key)


@handler(KIND, title="导入图层")
def import_layer(job) -> dict:
    """One confirmed layer: all of it or nothing. Delivered twice it writes nothing the second time."""
    args = job.args
    town_year = TownYear.objects.select_related("town").get(town=job.town, year=args["year"])
    kind = layer_kinds(job.town).get(args["kind"])
    if kind is None:
        raise JobRefused("字典里已没有这一类图层，没有导入，请重新选择类别。")
    received_on = args["received_on"] and date.fromisoformat(args["received_on"])
    upload = Upload.objects.get(pk=args["upload"])
    facts = LayerFacts(kind, args["title"], received_on, upload, args.get("of_year"))
    job.progress(0, 2, "读取文件")
    try:
        found = read_layer_file(
            facts.upload.full_path, facts.upload.name, Choices(layer=args["layer"], zone=args["zone"])
        )
    except FileRefused as refusal:
        raise JobRefused(refusal.message) from refusal
    if found.errors or found.fingerprint() != args["seen"]:
        raise JobRefused("文件读出来与预览时不同，没有导入，请重新预览后再确认。")
    job.progress(1, 2, f"写入 {len(found.rows)} 行")
    try:
        with transaction.atomic():
            job.fence()
            written = import_now(town_year, found, facts, by=job.user)
    except Refused as refusal:
        raise JobRefused(refusal.message) from refusal
    url = f"/{town_year.town.slug}/{town_year.year}/parcels/layers/"
    return {"text": f"{len(found.outlines)} 个图形，{found.codes} 个编号。", "url": url, "written": written}


def import_now(town_year: TownYear, found: LayerFile, facts: LayerFacts, *, by: User | None) -> int:
    """Write under the year's lock and have the overlaps looked for; Refused in a closed year."""
    with changing(town_year) as now:
        written = write_layer(found, now.year.town, now.year.year, facts, by=by)
        if written:
            request_overlaps(now.year.town, min(now.year.year, facts.year or now.year.year), by)
        return written


def remove(town_year: TownYear, kept: ParcelList, reason: str, *, by: User) -> None:
    """Take a layer out of force with a reason; Refused without one or in a closed year."""
    if not reason.strip():
        raise Refused("移除图层须写明原因。", field="reason")
    with changing(town_year) as now:
        remove_layer(kept, by=by, reason=reason.strip())
        request_overlaps(now.year.town, now.year.year, by)


__all__ = ["LayerFacts", "Preview", "confirm", "import_now", "preview", "remove", "standing"]
