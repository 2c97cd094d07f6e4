"""图斑: which parcels, where, how far; one parcel with its codes, works, steps and acceptances."""

from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Case, OuterRef, Q, Subquery, When
from django.http import Http404, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from farmland.jobs.models import Job
from farmland.lib.numbers import fixed, plain
from farmland.places.models import Division
from parcels.imports.compare import is_apart
from parcels.layers import overlapping
from parcels.models import Listing, Parcel, Rung, Shape, Step, Work
from parcels.progress import Ladders
from parcels.verification import LABELS, is_waiting
from parcels.works import planned_beyond
from tasks.models import Target, TownYear
from tasks.pages import division_in, town_page
from tasks.views.common import Labels, export_query
from tasks.views.log_words import EventWords
from tasks.views.map_beside import map_beside
from tasks.views.parcel_groups import ByVillage, Group, chosen_groups, groups, kept_groups, totals_of
from tasks.views.parcel_overlaps import CHOICES, mark_of, with_overlaps
from tasks.views.parcel_sections import sections_of
from tasks.views.trail import trail
from tasks.waiting import first_of

PAGE = 50
FILTERS = ("division", "kind", "stage", "source", "finding", "list", "overlap")
NARROW = ("q", "finding", "list", "overlap")  # what the kept groups cannot tell
NO_STAGE = "none"
CODE_LIKE = 4
EXITS = dict(Work.EXITS)


@town_page
@require_safe
def parcel_list(request, town_year: TownYear):
    """``?division=&kind=&stage=&source=&finding=&list=&overlap=&q=``: all in the address, to be kept and sent."""
    labels, stages, chosen = Labels(town_year.town), Stages(town_year), chosen_of(request)
    mine = Parcel.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    places = list(Division.objects.visible_to(request.user).filter(town=town_year.town).order_by("path"))
    every, inside = kept_groups(request.user, town_year, mine), chosen_place(places, chosen)
    rows = filtered(mine, request.user, town_year, chosen, inside)
    is_narrow = any(chosen[name] for name in NARROW)
    found = groups(rows) if is_narrow else chosen_groups(every, chosen, inside.path if inside else "", NO_STAGE)
    shown_rows = with_exits(with_overlaps(rows, town_year))
    page = Paginator(ByVillage(shown_rows, found), PAGE).get_page(request.GET.get("page"))
    for one in page.object_list:
        one.look = stages.look(one)
        one.source_name = labels.of("source", one.source)
        one.exit_name, one.overlap = EXITS.get(one.left, ""), mark_of(one, labels)
    choices = choices_of(places, every, labels, stages.names, town_year.today())
    shown = {
        "town_year": town_year,
        "parcels": page,
        "totals": totals_of(found),
        "chosen": chosen,
        "choices": choices,
        "active": in_force(request.GET, chosen, choices),
        "export": export_query(town_year, _for_api(chosen)),
        "may_import": request.user.can("import", town_year.town),
        "bulk": [] if town_year.closed_on else _bulk_acts(request.user),
        "job": job_of(request),
        "beside": map_beside(request, town_year),
    }
    return render(request, "parcels/list.html", shown)


def _bulk_acts(user) -> list[tuple[str, str]]:
    """What the user may do with many parcels somewhere; each row is asked again."""
    acts = [("stage", "改环节", "report"), ("edit", "改信息", "decide")]
    return [(name, label) for name, label, right in acts if user.can(right)]


def job_of(request) -> Job | None:
    """The job the address names (?job=), if the user may see it."""
    if not (asked := request.GET.get("job")):
        return None
    try:
        return Job.objects.visible_to(request.user).filter(pk=asked).first()
    except ValidationError:
        return None


@town_page
@require_safe
def parcel_detail(request, town_year: TownYear, pk):
    """One parcel: facts as issued, lists it stands in, works, what happened, areas by level."""
    mine = Parcel.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    parcel = mine.select_related("division", "kind", "shape").defer("shape__wkb").filter(pk=pk).first()
    if parcel is None:
        raise Http404
    labels, stages = Labels(town_year.town), Stages(town_year)
    rows = Work.objects.filter(Q(parcel=parcel) | Q(replaces__parcel=parcel)).order_by("year", "pk")
    every = list(rows.select_related("kind", "parcel", "replaces__parcel"))
    works = [one for one in every if one.parcel_id == parcel.pk]
    steps = list(Step.objects.filter(work__in=works).select_related("work__kind", "rung", "by").order_by("on", "pk"))
    ladders = levels_of(works, steps, labels, stages)
    listings = Listing.objects.filter(parcel=parcel).select_related("list__upload__user")
    listings = list(listings.order_by("list__received_on", "pk"))
    page = {
        "town_year": town_year,
        "parcel": parcel,
        "look": stages.look(parcel),
        "facts": parcel_facts(parcel, labels, drawn=getattr(parcel, "shape", None)),
        "gone": next((one.get_exit_display() for one in works if one.exit), ""),
        "listings": listings,
        "works": [_work(one, steps, labels, stages, every) for one in works],
        "is_several": sum(not one.exit and one.year == town_year.year for one in works) > 1,
        "trail": trail(parcel, steps, request.user, EventWords(labels, {}), listings),
        "beyond": planned_beyond(parcel, works),
        "waiting": is_waiting(parcel),
        "ladders": ladders,
        "to_accept": to_accept(ladders, parcel),
        "may": {} if town_year.closed_on else _rights(request.user, parcel),
        "sections": sections_of(request.user, parcel),
    }
    return render(request, "parcels/detail.html", page)


def _rights(user, parcel: Parcel) -> dict[str, bool]:
    rights = ("report", "decide", "accept", "coordinates")
    return {right: user.can(right, parcel.division, parcel.kind_id) for right in rights}


def finding_of(parcel: Parcel) -> str:
    """The finding in words, with what it says besides and whether the town has settled it."""
    if not parcel.finding:
        return ""
    said = parcel.attrs.get("verification", {})
    words = [LABELS.get(parcel.finding, parcel.finding), said.get("area_mu") and f"{said['area_mu']} 亩"]
    words += ["待镇确认" if is_waiting(parcel) else ""]
    return "，".join(word for word in words if word)


def chosen_of(request) -> dict[str, str]:
    """The filters in the address, for the list, the map and paper alike."""
    return {name: request.GET.get(name, "").strip() for name in (*FILTERS, "q")}


def chosen_place(places: list[Division], chosen: dict) -> Division | None:
    """The division of the address among those the user sees, or 404."""
    if not chosen["division"]:
        return None
    found = next((one for one in places if one.code == chosen["division"]), None)
    if found is None:
        raise Http404
    return found


def filtered(rows, user, town_year: TownYear, chosen: dict, inside: Division | None = None):
    """The parcels the chosen filters leave; a division (``inside`` where it is known) includes what lies below it."""
    if chosen["division"]:
        inside = inside or division_in(user, town_year, chosen["division"])
        rows = rows.filter(division__path__startswith=inside.path)
    for name in ("kind", "source", "finding"):
        if chosen[name]:
            rows = rows.filter(**{name: chosen[name]})
    if chosen["stage"]:
        rows = rows.filter(stage="" if chosen["stage"] == NO_STAGE else chosen["stage"])
    if chosen["list"]:
        rows = rows.filter(pk__in=Listing.objects.filter(list__title=chosen["list"]).values("parcel"))
    if chosen["overlap"]:
        rows = overlapping(rows, chosen["overlap"], town_year.town)
    return under(rows, town_year, chosen["q"]) if chosen["q"] else rows


def under(rows, town_year: TownYear, text: str):
    """The parcels with this piece of text in a code or in their group's name.

    Asked apart, so that each can be answered by an index of pieces where there is one. A code of four letters or
    digits is the name of no group.
    """
    town = town_year.town
    found = Listing.objects.filter(town=town, code__icontains=text, parcel__isnull=False).values("parcel")
    found = found.union(Parcel.objects.filter(town=town, codes__icontains=text).order_by().values("pk"))
    if not (text.isascii() and len(text) >= CODE_LIKE):
        found = found.union(rows.filter(group__icontains=text).order_by().values("pk"))
    return rows.filter(pk__in=found)


class Stages:
    """The stages of this town's ladders: their names, and the ground each is drawn on. Two queries.

    Accepted is what the counted level has accepted; a lower level's acceptance is drawn as evidenced.
    """

    def __init__(self, town_year: TownYear):
        self.ladders = Ladders(town_year.town)
        targets = Target.objects.filter(plan__town=town_year.town, plan__year=town_year.year, parent=None)
        levels = {one.kind_id: one.level for one in targets.select_related("kind")}
        self.levels = self.ladders.counted_levels | levels
        self.names = {rung.code: rung.name for kind in self.ladders.kinds for rung in self.ladders.rungs(kind)}

    def look(self, parcel: Parcel) -> dict | None:
        return self.look_of(self.ladders.rung(parcel.kind_id, parcel.stage), parcel.kind_id, parcel.stage)

    def look_of(self, rung: Rung | None, kind: str, code: str = "") -> dict | None:
        """``name`` and ``tier`` of a rung; a stage that is of another kind's ladder has its name only."""
        if rung is None:
            return {"name": self.names.get(code, code), "tier": "planned"} if code else None
        if rung.tier != "accepted":
            return {"name": rung.name, "tier": rung.tier}
        counted = self.ladders.of_level(kind, self.levels[kind])
        return {"name": rung.name, "tier": "accepted" if counted and rung.rank >= counted.rank else "evidenced"}


def with_exits(rows):
    """Parcels with ``left``: why one without a stage has none, its work has left."""
    gone = Work.objects.filter(parcel=OuterRef("pk")).exclude(exit="").order_by("pk").values("exit")[:1]
    return rows.annotate(left=Case(When(stage="", then=Subquery(gone))))


def choices_of(places: list[Division], every: list[Group], labels: Labels, stages: dict, today: date) -> dict:
    """What can be chosen in each filter: only what some parcel of the user's has, and the villages of today."""
    used, sources, there = ({getattr(one, name) for one in every} for name in ("stage", "source", "division"))
    places = [one for one in places if one.is_alive(today) or one.pk in there]
    without = [(NO_STAGE, "已退出或无治理任务")] if "" in used else []
    return {
        "division": [(one.code, one.name) for one in places if not one.is_tenant],
        "kind": sorted({(one.kind, one.kind_name) for one in every}),
        "stage": [*((code, name) for code, name in stages.items() if code in used), *without],
        "source": [(code, labels.of("source", code)) for code in sorted(filter(None, sources))],
        "finding": list(LABELS.items()),
        "overlap": CHOICES,
    }


def in_force(query: QueryDict, chosen: dict, choices: dict) -> list[dict]:
    """Each filter in force, in words, with the address of the list without it."""
    words = {"division": "村", "kind": "任务", "stage": "环节", "source": "来源", "finding": "核查", "list": "清单"}
    words |= {"overlap": "重叠", "q": "编号"}
    found = []
    for name, value in chosen.items():
        if value:
            rest = query.copy()
            for gone in (name, "page"):
                rest.pop(gone, None)
            label = dict(choices.get(name, ())).get(value, value)
            found.append({"text": f"{words[name]}：{label}", "url": f"?{rest.urlencode()}"})
    return found


def _for_api(chosen: dict) -> dict:
    """The same filters for the export, as far as REST has them."""
    same = {name: chosen[name] for name in ("division", "kind", "source", "finding", "list", "overlap")}
    return same | {"stage": "" if chosen["stage"] == NO_STAGE else chosen["stage"]}


def parcel_facts(parcel: Parcel, labels: Labels, drawn: Shape | None = None) -> list[tuple]:
    areas = [
        ("图斑", parcel.gross_mu),
        ("耕地", parcel.cultivated_mu),
        ("永农", parcel.pbf_mu),
        ("净面积", parcel.net_mu),
    ]
    known = [(name, f"{fixed(area)} 亩" if area is not None else None) for name, area in areas]
    known += [("图形", measured(drawn, parcel.gross_mu))] if drawn else []
    land = parcel.land_class and f"{parcel.land_class} {labels.all('land_class').get(parcel.land_class, '')}".strip()
    redline = {True: "在", False: "不在", None: None}[parcel.in_redline]
    return [
        *known,
        ("地类", land),
        ("现状", parcel.ground_state and labels.of("ground_state", parcel.ground_state)),
        ("坡度", parcel.slope and f"{fixed(parcel.slope)} 度"),
        ("生态红线", redline),
        ("来源", parcel.source and labels.of("source", parcel.source)),
        ("核查结论", finding_of(parcel)),
        ("发生日期", parcel.occurred_on and parcel.occurred_on.isoformat()),
        ("备注", parcel.attrs.get("note")),
    ]


def measured(drawn: Shape, issued: Decimal | None) -> str:
    """The area on the ellipsoid beside the issued one, and how far apart they are where somebody has to look."""
    text = f"{fixed(drawn.computed_mu)} 亩"
    if issued is None or not is_apart(drawn.computed_mu, issued):
        return text
    return f"{text}，与下发相差 {fixed(abs(drawn.computed_mu - issued))} 亩，请核对"


def _work(work: Work, steps: list[Step], labels: Labels, stages: Stages, every: list[Work]) -> dict:
    done = [step for step in steps if step.work_id == work.pk]
    furthest = max((step.rung for step in done if _own(done, step.rung) > 0), key=lambda rung: rung.rank, default=None)
    lowest = stages.ladders.rungs(work.kind_id)[0]
    return {
        "work": work,
        "measure": work.measure and labels.of("measure", work.measure),
        "treatment": work.treatment and labels.of("treatment", work.treatment),
        "stands_in": [one for one in every if one.replaces_id == work.pk and one.parcel_id != work.parcel_id],
        "look": stages.look_of(furthest or lowest, work.kind_id),
    }


def _own(steps: list[Step], rung: Rung) -> Decimal:
    return sum((step.area_mu for step in steps if step.rung_id == rung.pk), Decimal(0))


def levels_of(works: list[Work], steps: list[Step], labels: Labels, stages: Stages) -> list[dict]:
    return [_levels(one, steps, labels, stages) for one in works if not one.exit]


def to_accept(ladders: list[dict], parcel: Parcel) -> str:
    """What the acceptance form says for the first work not wholly accepted at the level that counts; "" for none."""
    form = next((one["form"] for one in ladders if not one["is_full"]), None)
    return urlencode(form | {"for_parcel": parcel.codes[0]}) if form and parcel.codes else ""


def _levels(work: Work, steps: list[Step], labels: Labels, stages: Stages) -> dict:
    """The accepted area of each level, with the level that counts marked."""
    mine = [step for step in steps if step.work_id == work.pk]
    counted = stages.levels[work.kind_id]
    rungs = [rung for rung in stages.ladders.rungs(work.kind_id) if rung.level]
    rows = [(labels.of("level", one.level), _reached(mine, one), one.level == counted) for one in rungs]
    reached = [area for _, area, is_counted in rows if is_counted]
    is_full = bool(reached) and work.area_mu is not None and reached[0] >= work.area_mu
    planted = first_of(stages.ladders.rungs(work.kind_id), "planted")
    waiting = _reached(mine, planted) - max(reached, default=Decimal(0)) if planted else Decimal(0)
    form = {"for_kind": work.kind_id, "for_level": counted}
    if waiting > 0:
        form |= dict.fromkeys(("for_declared_mu", "for_accepted_mu"), plain(waiting))
    return {"work": work, "rows": rows, "is_full": is_full, "form": form}


def _reached(steps: list[Step], rung: Rung) -> Decimal:
    """The greatest own area of this rung and every higher one (docs/architecture.md, progress)."""
    rungs = {step.rung for step in steps if step.rung.rank >= rung.rank}
    return max((_own(steps, one) for one in rungs), default=Decimal(0))
