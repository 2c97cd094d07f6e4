"""Patrol clues (巡查线索): reported once, compared with what is known, and turned into an issue or set aside."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.lib.numbers import narrow
from farmland.places.models import Division, Term
from parcels.evidence_store import EvidenceRefused, Position, add_photo
from parcels.models import Evidence
from tasks.acceptance import Refused
from tasks.issues import locked_year
from tasks.models import Clue, Issue, TownYear

MAX_PHOTOS = 6
NEAR_METRES = 100
NEAR_DAYS = 30
DEGREE_METRES = 111_320  # one degree of latitude


@dataclass(frozen=True)
class Report:
    """What a grid worker sends; the position is the phone's own, if it gave one."""

    division: Division
    category: str
    place: str
    note: str = ""
    longitude: float | None = None
    latitude: float | None = None
    accuracy_m: Decimal | None = None
    key: str = ""

    def facts(self) -> dict:
        return {name: getattr(self, name) for name in ("division", "category", "place", "note")}


@transaction.atomic
def report(town_year: TownYear, sent: Report, *, by: User) -> tuple[Clue, bool]:
    """Keep a clue; the same key again is the same clue. (clue, whether it is new)."""
    year = locked_year(town_year.town, town_year.year)
    earlier = Clue.objects.filter(town=year.town, by=by, key=sent.key).first() if sent.key else None
    if earlier is not None:
        if any(getattr(earlier, name) != value for name, value in sent.facts().items()):
            raise Refused("这个 Idempotency-Key 已用于另一条线索，请为每条线索生成新的键。", code="key_reused")
        return earlier, False
    _check(sent)
    clue = Clue.objects.create(
        town=year.town, year=year.year, by=by, key=sent.key, is_demo=by.is_demo, **sent.facts(),
        longitude=sent.longitude, latitude=sent.latitude, accuracy_m=sent.accuracy_m,
    )  # fmt: skip
    after = {"地点": clue.place, "类型": clue.category, "说明": clue.note}
    record("上报巡查线索", str(clue), user=by, town=year.town, after=after, about=clue.pk)
    return clue, True


def _check(sent: Report) -> None:
    if not Term.objects.filter(dictionary="clue_kind", code=sent.category).exists():
        raise Refused(f"没有“{sent.category}”这种线索类型，请从列表中选择。", field="category")
    if not sent.place.strip():
        raise Refused("请写地点，如“九组，水库边”。", field="place")
    if (sent.longitude is None) != (sent.latitude is None):
        raise Refused("经度和纬度要么都有，要么都没有。", field="longitude")
    for name, value, most in (("longitude", sent.longitude, 180), ("latitude", sent.latitude, 90)):
        if value is not None and not (math.isfinite(value) and -most <= value <= most):
            raise Refused(f"位置不对：{value}，应在 −{most} 到 {most} 之间。", field=name)


def keep_photo(
    clue: Clue, file, *, by: User, key: str, position: Position | None = None, taken_at: datetime | None = None
) -> Evidence:
    """A photo of a clue: evidence without a parcel; where it says no place the clue's stands in. The same key again is
    the same photo. Call outside a transaction; raises EvidenceRefused."""
    if clue.photos.exclude(key=key).count() >= MAX_PHOTOS:
        raise EvidenceRefused(f"一条线索最多 {MAX_PHOTOS} 张照片，这条已有 {MAX_PHOTOS} 张。", code="too_many")
    if position is None and clue.longitude is not None and clue.latitude is not None:
        accuracy = None if clue.accuracy_m is None else float(clue.accuracy_m)
        position = Position(clue.longitude, clue.latitude, accuracy)
    common = {"division": clue.division, "by": by, "key": key, "note": clue.place}
    found = add_photo(file, **common, position=position, taken_at=taken_at)
    clue.photos.add(found)
    return found


def similar(clue: Clue) -> list[Clue]:
    """Clues of the same village from the 30 days before that are about the same spot: near, or called the same."""
    since = clue.reported_at - timedelta(days=NEAR_DAYS)
    rows = Clue.objects.filter(division=clue.division_id, reported_at__gte=since, reported_at__lte=clue.reported_at)
    rows = rows.filter(state__in=("new", "issue")).exclude(pk=clue.pk).select_related("issue").order_by("-reported_at")
    return [one for one in rows[:200] if _same_place(clue, one)]


def _same_place(clue: Clue, other: Clue) -> bool:
    if _plain(clue.place) == _plain(other.place):
        return True
    apart = metres_between(clue, other)
    return apart is not None and apart <= NEAR_METRES


def _plain(place: str) -> str:
    return "".join(sign for sign in narrow(place) if sign.isalnum())


def metres_between(clue: Clue, other: Clue) -> float | None:
    """How far apart two positions are; None where one has none. Exact enough for a hundred metres."""
    if None in (clue.longitude, clue.latitude, other.longitude, other.latitude):
        return None
    north = (clue.latitude - other.latitude) * DEGREE_METRES
    east = (clue.longitude - other.longitude) * DEGREE_METRES * math.cos(math.radians(clue.latitude))
    return math.hypot(north, east)


def clue_for(user: User, town_year: TownYear, key: str) -> Clue | None:
    """A clue this user may take up, by its id as text, with ``name``: its kind in words, and ``use``: the state of
    the ground that kind stands for ("" for none)."""
    try:
        rows = Clue.objects.visible_to(user).filter(pk=key or None, town=town_year.town, state="new")
        clue = rows.select_related("division").first()
    except ValidationError:
        return None
    if clue is None or not user.can("decide", clue.division):
        return None
    kind = Term.objects.filter(dictionary="clue_kind", code=clue.category).first()
    clue.name = kind.label if kind else clue.category
    clue.use = (kind.attrs or {}).get("ground_state", "") if kind else ""
    return clue


def take_up(clue: Clue, issue: Issue, *, by: User) -> Clue:
    """The clue has become an issue."""
    return _handle(clue, by, "issue", "线索转为整改问题", issue=issue)


def dismiss(clue: Clue, reason: str, *, by: User) -> Clue:
    if not reason.strip():
        raise Refused("不予处理须写明理由。", field="reason")
    return _handle(clue, by, "dismissed", "线索不予处理", reason=reason.strip())


def mark_duplicate(clue: Clue, of: Clue, *, by: User) -> Clue:
    """The clue is about what an earlier one is about already."""
    if of.pk == clue.pk or of.division_id != clue.division_id or of.state == "duplicate":
        raise Refused("请选择同一个村、不是重复线索的另一条线索。", field="of")
    return _handle(clue, by, "duplicate", "标为重复线索", duplicate_of=of, reason=f"与“{of.place}”重复"[:300])


@transaction.atomic
def _handle(clue: Clue, by: User, state: str, action: str, **facts) -> Clue:
    locked_year(clue.town, clue.year)
    clue = Clue.objects.select_for_update(of=("self",)).select_related("town", "division").get(pk=clue.pk)
    if clue.state != "new":
        who = f"{clue.handled_by}已处理" if clue.handled_by else "已处理"
        raise Refused(f"这条线索{who}：{clue.get_state_display()}。", code="conflict")
    for name, value in facts.items():
        setattr(clue, name, value)
    clue.state, clue.handled_by, clue.handled_at = state, by, timezone.now()
    clue.save()
    after = {"状态": clue.get_state_display(), "理由": clue.reason, "问题": str(clue.issue or "")}
    record(action, str(clue), user=by, town=clue.town, after=after, reason=clue.reason, about=clue.pk)
    return clue
