"""The parcel import with the year around it: the plan's kinds, the year's lock, the recompute."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from farmland.accounts.models import User
from farmland.jobs.models import Job, Upload
from farmland.jobs.registry import JobRefused, handler
from farmland.jobs.services import enqueue
from farmland.lib.excel import FileRefused
from farmland.places.models import Division
from parcels.imports.checks import Checked, Known
from parcels.imports.compare import Comparison, compare
from parcels.imports.lying import Lying, lying
from parcels.imports.services import ListFacts, known_for, read_list, write
from parcels.imports.templates import choices_for, mark_used
from parcels.imports.whereabouts import whereabouts
from parcels.models import Kind, ParcelList
from tasks.models import Plan, TownYear
from tasks.overlaps import request_overlaps
from tasks.services import request_recompute

KIND = "import_parcels"
CHANGED = "预览之后数据有变化，这份清单没有导入。请重新预览后再确认。"


class NotWritten(Exception):
    """Why a list cannot be written now, in Chinese."""


@dataclass(frozen=True)
class Preview:
    """What confirming would do; ``checked``, ``known`` and ``work_kinds`` are what it was worked out from.

    ``lying``: what the land of the file lies on already; only looked for where somebody looks.
    """

    comparison: Comparison
    checked: Checked
    known: Known
    work_kinds: frozenset[str]

    def lying(self) -> Lying:
        return lying(self.comparison, self.known.town, self.known.year)

    def whereabouts(self) -> list[str]:
        boxes = [("、".join(row.codes), row.outline.box) for row in self.comparison.rows if row.outline]
        return whereabouts(boxes, self.known.town)


def plan_kinds(town: Division, year: int) -> set[str]:
    """The kinds of the plan's targets, with everything below them."""
    asked = set(Plan.objects.filter(town=town, year=year).values_list("targets__kind", flat=True))
    parents = dict(Kind.objects.values_list("code", "parent"))
    return {code for code in parents if asked.intersection(_upwards(code, parents))}


def _upwards(code: str | None, parents: dict[str, str | None]) -> list[str]:
    """The kind itself and all it is part of."""
    found = []
    while code is not None and code not in found:
        found.append(code)
        code = parents.get(code)
    return found


def work_kinds(kinds: Collection[str]) -> frozenset[str]:
    """Of these the leaf flows: the ones whose parcels are worked off area by area."""
    flows = Kind.objects.filter(code__in=kinds, nature=Kind.FLOW, children=None)
    return frozenset(flows.values_list("code", flat=True))


def preview(town_year: TownYear, upload: Upload, user: User | None, *, template: str = "", layer: str = "") -> Preview:
    """Read, check and compare a stored file; nothing is written. ``FileRefused`` when it is no parcel list."""
    checked, known = _read(town_year, upload, user, template, layer)
    return _compare(town_year, checked, known)


def _read(town_year: TownYear, upload: Upload, user: User | None, template: str, layer: str) -> tuple[Checked, Known]:
    known = known_for(town_year.town, town_year.year, plan_kinds(town_year.town, town_year.year), user)
    choices = choices_for(town_year.town, template, layer)
    return read_list(upload.full_path, upload.name, known, choices), known


def _compare(town_year: TownYear, checked: Checked, known: Known) -> Preview:
    kinds = work_kinds(plan_kinds(town_year.town, town_year.year))
    return Preview(compare(checked, known, kinds), checked, known, kinds)


def confirm(
    town_year: TownYear, facts: ListFacts, *, seen: str, user: User, template: str = "", layer: str = ""
) -> Job:
    """Queue the import of a previewed file; ``seen`` is the fingerprint of what the preview showed."""
    upload = facts.upload
    args = {
        "year": town_year.year,
        "upload": str(upload.pk),
        "title": facts.title,
        "received_on": facts.received_on and facts.received_on.isoformat(),
        "seen": seen,
        "template": template,
        "layer": layer,
    }
    key = f"{KIND}:{town_year.pk}:{upload.sha256[:40]}"
    return enqueue(KIND, town=town_year.town, args=args, user=user, dedupe_key=key)


def title_for(town_year: TownYear, upload: Upload) -> str:
    """The list's name to offer: as it came in before when this very file did, else the file's name."""
    before = ParcelList.objects.filter(town=town_year.town, year=town_year.year, upload__sha256=upload.sha256).first()
    return before.title if before else upload.name.rpartition(".")[0][:120] or upload.name[:120]


def import_now(
    town_year: TownYear, checked: Checked, known: Known, facts: ListFacts, *, by: User | None, seen: str = ""
) -> tuple[Comparison, int]:
    """Compare under the year's lock and write, in the caller's transaction; NotWritten when it may not be."""
    year = TownYear.objects.select_for_update(of=("self",)).select_related("town").get(pk=town_year.pk)
    if year.closed_on:
        raise NotWritten(f"{year.town} {year.year} 年已关账，清单只能导入新年度。")
    found = _compare(year, checked, known)
    if found.comparison.errors:
        raise NotWritten(f"有 {len(found.comparison.errors)} 处错误，没有导入。请改正后重新上传。")
    if seen and not found.comparison.is_nothing and found.comparison.fingerprint() != seen:
        raise NotWritten(CHANGED)
    written = write(found.comparison, known, facts, work_kinds=found.work_kinds, by=by)
    if written:
        mark_used(checked.readings)
        request_recompute(year.town, year.year, by)
        request_overlaps(year.town, year.year, by)
    return found.comparison, written


@handler(KIND, title="导入图斑清单")
def import_parcels(job) -> dict:
    """One confirmed file: all of it or nothing. Delivered twice it finds everything the same and writes nothing."""
    args = job.args
    town_year = TownYear.objects.select_related("town").get(town=job.town, year=args["year"])
    upload = Upload.objects.get(pk=args["upload"])
    job.progress(0, 3, "读取文件")
    try:
        checked, known = _read(town_year, upload, job.user, args.get("template", ""), args.get("layer", ""))
    except FileRefused as refusal:
        raise JobRefused(refusal.message) from refusal
    job.progress(1, 3, f"写入 {len(checked.rows)} 个图斑")
    received_on = args["received_on"] and date.fromisoformat(args["received_on"])
    facts = ListFacts(title=args["title"], received_on=received_on, upload=upload)
    with transaction.atomic():
        job.fence()
        try:
            done, written = import_now(town_year, checked, known, facts, by=job.user, seen=args["seen"])
        except NotWritten as refusal:
            raise JobRefused(str(refusal)) from refusal
    text = f"新增 {len(done.new)} 个，变化 {len(done.changed)} 个，相同 {len(done.same)} 个。"
    url = f"/{town_year.town.slug}/{town_year.year}/parcels/"
    return {"text": text, "url": url, "written": written}
