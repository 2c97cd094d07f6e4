"""图斑 on the map: the boundaries of the filtered list for the screen, one parcel at a glance."""

import gzip
import hashlib
import json

from django.db.models import Count, Max, TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from farmland.accounts.models import User
from parcels import drawing
from parcels.models import Parcel, Shape, Step, Work
from parcels.shapes import with_coordinates
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.common import Labels
from tasks.views.parcels import Stages, chosen_of, filtered, levels_of, parcel_facts, to_accept
from tasks.views.trail import of_step

MOST = 30_000  # boundaries drawn at once
IDLE = {"tier": "idle", "name": "无治理任务"}
DEAD = {"tier": "dead", "name": "不可整改"}
FORM = 1  # of the answer: a browser's copy of another form is not used
SQUEEZE = 2  # of zlib: a seventh of the time of 6 for a tenth more to send


@town_page
@require_safe
def parcel_shapes(request, town_year: TownYear):
    """What the map draws for the filters in the address, small enough for 20,000 parcels; see ``static/map.js``."""
    rows = drawn(request.user, town_year, chosen_of(request))
    layers = layers_of(request.user, town_year)
    state = rows.aggregate(count=Count("pk"), at=Max("updated_at"), drawn=Max("shape__updated_at"))
    tag = _tag(request, town_year, [*state.values(), *layers.values_list("pk", "updated_at")])
    if (unchanged := get_conditional_response(request, etag=tag)) is not None:
        return unchanged
    facts = {"too_many": state["count"], "most": MOST} if state["count"] > MOST else _facts(rows, layers, town_year)
    body = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    is_squeezed = "gzip" in request.headers.get("Accept-Encoding", "")
    answer = HttpResponse(gzip.compress(body, SQUEEZE) if is_squeezed else body, content_type="application/json")
    if is_squeezed:
        answer["Content-Encoding"] = "gzip"
    patch_vary_headers(answer, ["Accept-Encoding"])
    answer["ETag"], answer["Cache-Control"] = tag, "private, no-cache"
    return answer


@town_page
@require_safe
def parcel_glance(request, town_year: TownYear, pk):
    """The drawer beside the map: one parcel's facts, works and last steps, with the way to its page."""
    mine = Parcel.objects.visible_to(request.user).of_year(town_year.town, town_year.year)
    parcel = mine.select_related("division", "kind", "shape").defer("shape__wkb").filter(pk=pk).first()
    if parcel is None:
        raise Http404
    labels, stages = Labels(town_year.town), Stages(town_year)
    works = list(Work.objects.filter(parcel=parcel).select_related("kind").order_by("year", "pk"))
    steps = Step.objects.filter(work__parcel=parcel).select_related("work__kind", "rung", "by")
    steps = list(steps.order_by("-on", "-pk"))
    shape = getattr(parcel, "shape", None)
    shown = {
        "town_year": town_year,
        "parcel": parcel,
        "look": stages.look(parcel),
        "facts": [pair for pair in parcel_facts(parcel, labels) if pair[1]],
        "drawn_mu": shape.computed_mu if shape else None,
        "works": works,
        "trail": [of_step(one) for one in steps[:6]],
        "to_accept": to_accept(levels_of(works, steps, labels, stages), parcel),
        "may_accept": request.user.can("accept", parcel.division, parcel.kind_id),
    }
    return render(request, "parcels/_glance.html", shown)


def drawn(user: User, town_year: TownYear, chosen: dict):
    """The filtered parcels that have a boundary the user may see."""
    mine = Parcel.objects.visible_to(user).of_year(town_year.town, town_year.year)
    if (seen := seen_divisions(user, town_year)) is not None:
        mine = mine.filter(division__in=seen)
    return filtered(mine, user, town_year, chosen).filter(shape__isnull=False)


def seen_divisions(user: User, town_year: TownYear) -> set[int] | None:
    """The divisions whose coordinates the user may see; None: all of the town's."""
    return None if user.can("coordinates", town_year.town) else {one.pk for one in with_coordinates(user)}


def layers_of(user: User, town_year: TownYear):
    """The constraint layers of the town; only for those who see the whole town and its coordinates."""
    layers = Shape.objects.visible_to(user).filter(town=town_year.town, parcel=None)
    return layers if user.can("coordinates", town_year.town) else layers.none()


def _tag(request, town_year: TownYear, facts: list) -> str:
    """Changes with the land, the figures, who asks and for what; weak, since squeezed or not it is the same."""
    who = [FORM, request.user.pk, town_year.pk, town_year.as_of, request.GET.urlencode()]
    return f'W/"{hashlib.blake2b(repr([*who, *facts]).encode(), digest_size=16).hexdigest()}"'


COLUMNS = ("key", "kind_id", "stage", "finding", "code_text", "division__name")


def _facts(rows, layers, town_year: TownYear) -> dict:
    """Columns beside one another: they squeeze better than rows, and no name is repeated.

    Keys and codes are read as text: turning each into a UUID and a list takes longer than the query.
    """
    as_text = rows.annotate(key=Cast("pk", TextField()), code_text=Cast("codes", TextField()))
    found = list(as_text.order_by("division__path", "pk").values_list(*COLUMNS, "shape__wkb"))
    ids = [one[0].replace("-", "") for one in found]
    codes = json.loads(f"[{','.join(one[4] for one in found)}]")
    looks, step = Looks(town_year, rows), drawing.grid(len(found))
    kept = [(one.name or one.layer.title, one.layer.source, one.wkb) for one in layers.select_related("layer")]
    land = drawing.rings([*(one[-1] for one in found), *(one[-1] for one in kept)], step)
    origin = tuple(land.points.min(axis=0).tolist()) if len(land) else (0.0, 0.0)
    at = [looks.number(key, *one[1:4]) for key, one in zip(ids, found, strict=True)]
    return {
        "origin": origin,
        "step": step,
        "looks": looks.found,
        "ids": ids,
        "codes": [one[0] if one else "" for one in codes],
        "look": at,
        "places": places([one[5] for one in found], land),
        "layers": [{"name": name, "kind": kind} for name, kind, _ in kept],
        "of": land.of.tolist(),
        "rings": drawing.packed(land, origin, step),
    }


class Looks:
    """The grounds a picture needs: each a stage's tier and name; ``number`` tells which one a parcel stands on.

    A parcel is named by the 32 digits of its id.
    """

    def __init__(self, town_year: TownYear, rows, stages: Stages | None = None):
        self.stages = stages or Stages(town_year)
        gone = Work.objects.filter(town=town_year.town, parcel__in=rows.filter(stage="").values("pk"), exit="blocked")
        self.blocked = {pk.hex for pk in gone.values_list("parcel_id", flat=True)}
        self.found: list[dict] = []
        self._known: dict[tuple, int] = {}

    def number(self, parcel: str, kind: str, stage: str, finding: str) -> int:
        key = (kind, stage) if stage else ("", "dead" if parcel in self.blocked or finding == "blocked" else "")
        if key not in self._known:
            look = self._look(*key)
            if look not in self.found:
                self.found.append(look)
            self._known[key] = self.found.index(look)
        return self._known[key]

    def _look(self, kind: str, stage: str) -> dict:
        if not kind:
            return DEAD if stage else IDLE
        return self.stages.look_of(self.stages.ladders.rung(kind, stage), kind, stage)


def places(names: list[str], land: drawing.Rings) -> list[list]:
    """Where the name of each village is written: the middle of its boundaries."""
    boxes: dict[str, list[float]] = {}
    for start, of in zip(land.starts[:-1].tolist(), land.of.tolist(), strict=True):
        if of < len(names):
            x, y = land.points[start].tolist()
            west, south, east, north = boxes.get(names[of], (x, y, x, y))
            boxes[names[of]] = [min(west, x), min(south, y), max(east, x), max(north, y)]
    return [[name, (w + e) / 2, (s + n) / 2] for name, (w, s, e, n) in boxes.items()]
