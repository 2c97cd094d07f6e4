"""验收批次: the list of batches and the queue they are made from."""

from decimal import Decimal

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Sum
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from farmland.lib.fields import QuantityField
from parcels.models import Inspection, Step, Work
from parcels.progress import Ladders
from tasks.acceptance import Refused
from tasks.former import name_of
from tasks.inspections.queue import Wanted, groups, own_level, ready
from tasks.inspections.services import Order, create
from tasks.models import Target, TownYear
from tasks.pages import town_page
from tasks.views.acceptance_form import acceptable_kinds, divisions_inside
from tasks.views.common import Labels, export_query, no_plan, plan_of, where
from tasks.views.inspection_forms import SampleForm

PAGE, WORKS = 50, 100
FILTERS = ("state", "kind", "level")
AREA = QuantityField()


@town_page
@require_safe
def inspection_list(request, town_year: TownYear):
    """``?state=&kind=&level=`` filter the batches; the newest first."""
    chosen = {name: request.GET.get(name, "") for name in FILTERS}
    rows = Inspection.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year)
    rows = rows.filter(**{name: value for name, value in chosen.items() if value})
    sums = {
        "count": Count("items"),
        "declared": Sum("items__declared_mu", output_field=AREA),
        "accepted": Sum("items__accepted_mu", output_field=AREA),
    }
    rows = rows.select_related("division", "kind").annotate(**sums).order_by("-number")
    batches = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    labels, ladders = Labels(town_year.town), Ladders(town_year.town)
    for one in batches.object_list:
        one.level_name = labels.of("level", one.level)
    page = {
        "town_year": town_year,
        "batches": batches,
        "chosen": chosen,
        "kinds": list(_kinds(town_year, ladders).values()),
        "levels": list(ladders.level_names.items()),
        "states": Inspection.STATES,
        "export": export_query(town_year, chosen),
    }
    return render(request, "inspections/list.html", page)


@town_page
@require_safe
def inspection_queue(request, town_year: TownYear):
    """``?level=&kind=&division=&start=&recheck=1``: what waits for a level, or what it accepted, to choose from."""
    queue = Queue(request.user, town_year, request.GET)
    if not queue.kinds and plan_of(town_year) is None:
        return no_plan(request, town_year)
    return render(request, "inspections/queue.html", queue.page(request.GET.get("page"), SampleForm()))


@town_page
@require_POST
def inspection_create(request, town_year: TownYear):
    """The chosen works, or all the queue shows, become a batch."""
    queue = Queue(request.user, town_year, request.POST)
    if not queue.may:
        raise Http404
    form = SampleForm(request.POST)
    if form.is_valid() and queue.kind is not None:
        works = None if request.POST.get("pick") == "all" else frozenset(request.POST.getlist("work"))
        try:
            batch = create(town_year, Order(queue.kind, queue.wanted, works, sample=form.sample()), by=request.user)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, f"第 {batch.number} 批已建立，请填写验收人员和抄送。")
            return redirect("inspection_edit", **where(town_year), pk=batch.pk)
    elif queue.kind is None:
        form.add_error(None, "请先选一类任务：一批只能是一类任务、一个层级。")
    return render(request, "inspections/queue.html", queue.page(None, form), status=400)


class Queue:
    """What an address asks of the queue, and what the page shows of it."""

    def __init__(self, user, town_year: TownYear, query):
        self.user, self.town_year = user, town_year
        self.ladders = Ladders(town_year.town)
        self.kinds = _kinds(town_year, self.ladders)
        every = divisions_inside(user, town_year, ended=True)
        self.today = town_year.today()
        self.division = next((one for one in every if one.code == query.get("division")), None)
        self.divisions = [one for one in every if one.is_alive(self.today) or one == self.division]
        self.by_key = {one.pk: one for one in every}
        used = dict.fromkeys(rung.level for code in self.kinds for rung in self.ladders.rungs(code) if rung.level)
        self.levels = [(code, self.ladders.level_names[code]) for code in used]
        level = query.get("level", "")
        self.level = level if level in used else own_level(town_year.town)
        self.is_recheck = bool(query.get("recheck"))
        self.start = query.get("start", "")
        self.kind = self.kinds.get(query.get("kind", ""))
        self.may = any(user.can("accept", one) for one in self.by_key.values())

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(one.code, name_of(one, self.today)) for one in self.divisions]

    @property
    def wanted(self) -> Wanted:
        path = self.division.path if self.division else ""
        kinds = (self.kind.pk,) if self.kind else tuple(self.kinds)
        return Wanted(self.level, kinds, self.start, self.is_recheck, path)

    def page(self, number, form: SampleForm) -> dict:
        wanted = Wanted(self.level, tuple(self.kinds), self.start, self.is_recheck)
        every = ready(self.user, self.town_year, self.ladders, wanted)
        if self.kind is None and len({one.kind for one in every}) == 1:
            self.kind = self.kinds[every[0].kind]
        rows = [one for one in every if self._is_chosen(one)]
        works = Paginator(rows, WORKS).get_page(number)
        works.object_list = self._dressed(works.object_list)
        return {
            "town_year": self.town_year,
            "queue": self,
            "groups": self._groups(every),
            "whole": (len(every), _sum(every)),
            "works": works,
            "count": len(rows),
            "area": _sum(rows),
            "form": form,
            "may": self.may and self.kind is not None and bool(rows),
            "starts": self._starts(),
        }

    def _is_chosen(self, one) -> bool:
        if self.kind is None or one.kind != self.kind.pk:
            return False
        return self.division is None or self.by_key[one.division].path.startswith(self.division.path)

    def _groups(self, rows) -> list[dict]:
        return [
            {
                "division": self.by_key[place],
                "place": name_of(self.by_key[place], self.today),
                "kind": self.kinds[kind],
                "count": count,
                "area": area,
            }
            for (place, kind), (count, area) in groups(rows).items()
        ]

    def _starts(self) -> list[tuple[str, str]]:
        """The stages one may start from: those below the level."""
        if self.kind is None or self.is_recheck:
            return []
        rung = self.ladders.of_level(self.kind.pk, self.level)
        rungs = [one for one in self.ladders.rungs(self.kind.pk) if rung and 0 < one.rank < rung.rank]
        return [(one.code, one.name) for one in rungs]

    def _dressed(self, rows) -> list[Work]:
        """The works of one page with their area and whether this level sent them back."""
        areas = {one.work: one.area for one in rows}
        back = Step.objects.filter(work=OuterRef("pk"), rung__level=self.level, verdict="returned")
        works = Work.objects.visible_to(self.user).filter(pk__in=list(areas)).annotate(came_back=Exists(back))
        found = {one.pk: one for one in works.select_related("division", "parcel")}
        for key, one in found.items():
            one.area = areas[key]
        return [found[one.work] for one in rows if one.work in found]


def _kinds(town_year: TownYear, ladders: Ladders) -> dict:
    targets = Target.objects.filter(plan__town=town_year.town, plan__year=town_year.year).select_related("kind")
    return acceptable_kinds(list(targets.order_by("order")), ladders)


def _sum(rows) -> Decimal:
    return sum((one.area for one in rows), Decimal(0))
