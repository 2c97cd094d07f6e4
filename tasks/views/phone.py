"""手机页: the parcels as job cards with the next step, and one parcel with big buttons. Works without a script."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, Value, When
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_POST, require_safe

from farmland.lib.numbers import parse_decimal, plain
from farmland.lib.photos import MAX_BYTES
from parcels.gallery import gallery_of
from parcels.models import Evidence, EvidenceOutcome, Parcel, Rung, Step, Work
from parcels.progress import Ladders
from tasks.forms.facts import said_by_work
from tasks.forms.values import NOTHING
from tasks.models import Issue, TownYear
from tasks.pages import town_page
from tasks.stage import Report, StageRefused, report_stage, reported_rungs
from tasks.views.common import Labels, where
from tasks.views.evidence import found_parcel, may_add

CARDS = 20
STEPS = 4  # of a card: the last that villages report
ZERO = Decimal(0)
DONE_TIERS = ("evidenced", "accepted")


@dataclass
class Job:
    """A parcel as a village head thinks of it: how far, what next, why it came back."""

    parcel: Parcel
    works: list[Work]
    steps: list[tuple[str, bool]]  # name without 已, done
    next: Rung | None
    area: Decimal  # what the next step is about
    said: dict  # by work, what is reported of each stage
    why: str = ""

    @property
    def tail(self) -> str:
        """The last four signs of the first code: what is said over the telephone."""
        return self.parcel.codes[0][-4:] if self.parcel.codes else "—"


@require_safe
def phone_worker(request):
    """The script that opens phone pages without a signal: at the root, or it could not stand for them."""
    script = (settings.BASE_DIR / "static" / "phone-worker.js").read_bytes()
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


@town_page
@require_safe
def phone_home(request, town_year: TownYear):
    """The parcels in scope that still need a hand, those sent back first."""
    ladders = Ladders(town_year.town)
    rows = jobs_in(request.user, town_year, ladders)
    counts = rows.aggregate(
        todo=Count("pk", filter=Q(turn__lt=2)), back=Count("pk", filter=Q(turn=0)), done=Count("pk", filter=Q(turn=2))
    )
    cards = Paginator(rows.filter(turn__lt=2).order_by("turn", "division__path", "group", "pk"), CARDS)
    cards.count = counts["todo"]
    page = cards.get_page(request.GET.get("page"))
    shown = {
        "town_year": town_year,
        "counts": counts,
        "cards": page,
        "jobs": jobs_of(list(page.object_list), ladders, SimpleLazyObject(lambda: Labels(town_year.town))),
        "sent": sent_by(request.user, town_year),
        "title": place_name(request.user, town_year),
        "may_patrol": request.user.can("patrol"),
    }
    return render(request, "phone/home.html", shown)


def jobs_in(user, town_year: TownYear, ladders: Ladders):
    """Parcels with ``turn``: 0 sent back by the official app, 1 still to do, 2 evidenced or out of the year."""
    last = EvidenceOutcome.objects.filter(parcel=OuterRef("pk")).order_by("-on", "-recorded_at").values("verdict")[:1]
    done = [rung.code for kind in ladders.kinds for rung in ladders.rungs(kind) if rung.tier in DONE_TIERS]
    rows = Parcel.objects.visible_to(user).of_year(town_year.town, town_year.year).filter(kind__unit="mu")
    left = Exists(Work.objects.filter(parcel=OuterRef("pk")).exclude(exit=""))
    turn = Case(
        When(answer="returned", then=Value(0)),
        When(Q(stage__in=set(done)) | Q(Q(stage=""), left), then=Value(2)),
        default=Value(1),
    )
    return rows.annotate(answer=Subquery(last)).annotate(turn=turn).select_related("division", "kind")


def jobs_of(parcels: list[Parcel], ladders: Ladders, labels, outcomes: list | None = None) -> list[Job]:
    """The cards of up to a page of parcels, with four queries. ``labels.of(dictionary, code)`` gives words."""
    keys = [one.pk for one in parcels]
    works = list(Work.objects.filter(parcel__in=keys, exit="").order_by("pk"))
    said = said_by_work(works)
    by_parcel = defaultdict(list)
    for work in works:
        by_parcel[work.parcel_id].append(work)
    if outcomes is None:
        outcomes = list(EvidenceOutcome.objects.filter(parcel__in=keys).order_by("on", "recorded_at"))
    reasons = sent_back(keys, labels, outcomes)
    return [job_of(one, by_parcel[one.pk], said, ladders, reasons.get(one.pk, "")) for one in parcels]


def job_of(parcel: Parcel, works: list[Work], said: dict, ladders: Ladders, why: str) -> Job:
    work = works[0] if works else None
    kind = work.kind_id if work else parcel.kind_id
    planned = (work.area_mu if work else None) or parcel.gross_mu or ZERO
    rungs = reported_rungs(ladders, kind)[-STEPS:]
    areas = {rung.code: (said.get(work.pk, {}) if work else {}).get(rung.code, NOTHING).area for rung in rungs}
    steps, next_rung = [], None
    for place, rung in enumerate(rungs):
        reached = max((areas[one.code] for one in rungs[place:]), default=ZERO)
        is_done = reached > 0 and reached >= planned
        steps.append((rung.name.removeprefix("已"), is_done))
        if not is_done and next_rung is None:
            next_rung = rung
    return Job(parcel, works, steps, next_rung, planned, said, why)


def sent_back(keys: list, labels, outcomes: list[EvidenceOutcome]) -> dict:
    """Why parcels came back: from the official app, else from the last acceptance."""
    found = {}
    returns = Step.objects.filter(work__parcel__in=keys).exclude(rung__level="").select_related("rung", "work")
    for step in returns.order_by("recorded_at", "pk"):
        found[step.work.parcel_id] = f"{step.rung.name}退回：{step.reason}" if step.verdict == "returned" else ""
    for one in outcomes:
        if one.verdict == "returned":
            why = labels.of("reason", one.reason) + (f"，{one.note}" if one.note else "")
            found[one.parcel_id] = f"{labels.of('level', one.level)}退回：{why}"
        elif found.get(one.parcel_id, "").startswith(labels.of("level", one.level)):
            found[one.parcel_id] = ""
    return found


def sent_by(user, town_year: TownYear) -> list[Evidence]:
    """The last photos of this person that arrived."""
    rows = Evidence.objects.visible_to(user).filter(town=town_year.town, by=user)
    own = Q(pk__in=Issue.photos.through.objects.filter(issue__year=town_year.year).values("evidence"))
    rows = rows.filter(Q(parcel__year=town_year.year) | own)
    return list(rows.select_related("parcel").order_by("-received_at")[:5])


def place_name(user, town_year: TownYear) -> str:
    """The village of a village head; the town for who sees all of it."""
    if user.sees_whole(town_year.town):
        return str(town_year.town)
    own = [str(one.division) for one in user.current_grants if one.division.town_id == town_year.town_id]
    return "、".join(dict.fromkeys(own)) or str(town_year.town)


@town_page
@require_safe
def phone_parcel(request, town_year: TownYear, pk):
    """One parcel: report a stage, take photos, see what is missing."""
    parcel = found_parcel(request.user, town_year, pk)
    ladders, gallery = Ladders(town_year.town), gallery_of(parcel, request.user)
    (job,) = jobs_of([parcel], ladders, gallery, gallery.outcomes)
    work = next((one for one in job.works if str(one.pk) == request.GET.get("work")), None)
    work = work or (job.works[0] if job.works else None)
    rungs = reported_rungs(ladders, work.kind_id if work else parcel.kind_id)
    wanted = request.GET.get("stage") or (job.next.code if job.next else "")
    stage = next((one for one in rungs if one.code == wanted), rungs[-1] if rungs else None)
    said = job.said.get(work.pk, {}).get(stage.code, NOTHING) if work and stage else NOTHING
    page = {
        "town_year": town_year,
        "parcel": parcel,
        "job": job,
        "work": work,
        "rungs": rungs,
        "stage": stage,
        "said": said,
        "seen_text": plain(said.area),
        "area_text": plain(job.area if job.next and stage == job.next else said.area or job.area),
        "crops": [label for _, label in gallery.choices("crop")],
        "gallery": gallery,
        "views": gallery.choices("photo_view"),
        "phases": Evidence.PHASES,
        "may_add": may_add(request.user, town_year, parcel),
        "may_patrol": request.user.can("patrol"),
        "key": uuid4().hex,
        "max_bytes": MAX_BYTES,
    }
    return render(request, "phone/parcel.html", page)


@town_page
@require_POST
def parcel_stage(request, town_year: TownYear, pk):
    """The form of the phone page."""
    parcel = found_parcel(request.user, town_year, pk)
    if not request.user.can("report", parcel.division, parcel.kind_id):
        raise PermissionDenied
    try:
        done = report_stage(town_year, parcel, report_of(request.POST), by=request.user)
        said = (
            "没有变化，没有写入。" if done.step is None else f"已收到：{done.step.rung.name} {plain(done.area)} 亩。"
        )
        messages.success(request, said)
    except StageRefused as refusal:
        messages.error(request, refusal.message)
        return redirect("phone_parcel", **where(town_year), pk=parcel.pk)
    return redirect("phone_home", **where(town_year))


def report_of(posted) -> Report:
    key = posted.get("key", "").strip()
    if len(key) > 100 or not key.isprintable():
        raise StageRefused("页面过期，请刷新后重新填报。", field="key")
    return Report(
        stage=posted.get("stage", ""),
        area=area_of(posted.get("area_mu", "")),
        on=day_of(posted.get("on", "")),
        crop=posted.get("crop", "").strip(),
        reason=posted.get("reason", "").strip(),
        work=posted.get("work", ""),
        seen=area_of(posted["seen_mu"]) if posted.get("seen_mu") else None,
        key=key and f"page:{key[:90]}",
    )


def area_of(text: str) -> Decimal:
    try:
        found = parse_decimal(text, minimum=0)
    except ValueError as error:
        raise StageRefused(str(error), field="area_mu") from error
    if found is None:
        raise StageRefused("没有填面积。请填到完成日期为止的累计亩数。", field="area_mu")
    return found


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise StageRefused(f"“{text[:20]}”不是日期，请写成 2024-10-12 的样子。", field="on") from error
