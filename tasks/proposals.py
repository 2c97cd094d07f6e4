"""自选图斑: proposed by a village, reviewed in the town by another, approved by the county with number and day.

Land the plan's exclusions forbid (above 25°, inside the red line) is kept as refused, with the clause. Several can be
approved by one document; each becomes a parcel of the list of that document, with its work.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from farmland.accounts.models import Line, User, record, record_all
from farmland.jobs.models import Job, Upload
from farmland.lib import geo
from farmland.lib.area import LARGEST
from farmland.lib.conditions import Condition, all_hold
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from farmland.places.models import Division, Term
from parcels.layers import FORBID, UNKNOWN, layer_kinds, layers_in_force
from parcels.models import Listing, Parcel, ParcelList, Proposal, Shape, Work
from parcels.overlaps import lies_on
from parcels.shapes import set_shape
from tasks.decisions import FACTS
from tasks.land import allowed_kinds, changing, check_day, recompute_after
from tasks.models import TownYear
from tasks.overlaps import request_overlaps
from tasks.rulebook import rulebook

SOURCE = "self_selected"
STATES = dict(Proposal.STATES)


@dataclass(frozen=True)
class Move:
    """``right``: the word of the role that may do it; ``before``: from which states."""

    label: str
    before: tuple[str, ...]
    after: str
    right: str


MOVES = {
    "pass": Move("镇审核通过", ("proposed",), "town_approved", "decide"),
    "refuse": Move("不通过", ("proposed", "town_approved"), "refused", "decide"),
    "withdraw": Move("撤回", ("proposed", "town_approved"), "withdrawn", "report"),
    "approve": Move("登记县级批复", ("town_approved",), "approved", "decide"),
}


@dataclass(frozen=True)
class Wish:
    """What a village proposes. ``consented_on``: the day the holder of the right agreed."""

    division: Division
    kind: str
    code: str
    area_mu: Decimal
    land_class: str
    slope: Decimal
    in_redline: bool
    planned_order: int
    consented_on: date
    group: str = ""
    note: str = ""
    wkb: bytes | None = None  # the boundary, checked
    issued_crs: str = ""


def propose(town_year: TownYear, wish: Wish, *, by: User, consent: Upload | None = None) -> Proposal:
    """Keep a proposal: waiting for the town, or refused at once where a clause or the land itself forbids it."""
    with changing(town_year) as now:
        _check(now.year, wish)
        why = exclusion(now.year, wish) or on_forbidden_land(now.year, wish.code, wish.wkb)
        one = Proposal.objects.create(
            town=now.year.town, year=now.year.year, division=wish.division, kind_id=wish.kind,
            **{name: value for name, value in asdict_of(wish).items() if name not in ("division", "kind")},
            consent=consent, state="refused" if why else "proposed", reason=why[:300], proposed_by=by,
            is_demo=by.is_demo,
        )  # fmt: skip
        record(
            "提出自选图斑", str(one), user=by, town=now.year.town, after=_shown(one), reason=why, about=one.pk
        )  # fmt: skip
        return one


def asdict_of(wish: Wish) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in Wish.__dataclass_fields__}


def exclusion(town_year: TownYear, wish: Wish) -> str:
    """The sentence and clause by which land may not be restored; "" when nothing forbids it.

    The plan's own exclusions speak first; where they do not mention slope or red line, the dictionary's layers do.
    """
    facts = dict.fromkeys(FACTS) | {
        "slope": wish.slope, "in_ecological_redline": wish.in_redline, "source": SOURCE, "kind": wish.kind,
        "area_mu": wish.area_mu,
    }  # fmt: skip
    rules = [one for one in rulebook(town_year.town, town_year.year).rules if one.purpose == "exclusion"]
    asked = set()
    for rule in sorted(rules, key=lambda one: (one.priority is None, one.priority or 0)):
        conditions = [Condition.read(raw, FACTS) for raw in rule.when]
        asked |= {one.fact for one in conditions}
        if rule.then.get("refuse") and all_hold(conditions, facts):
            quote = f"：“{rule.quote}”" if rule.quote else ""
            return f"{rule.then['refuse']}（方案 {rule.clause}{quote}）"
    return _by_layer(wish, asked)


def _by_layer(wish: Wish, asked: set[str]) -> str:
    layers = {one.code: one for one in Term.objects.of("layer_kind", wish.division.town)}
    forbidden = {code for code, one in layers.items() if one.attrs.get("on_restore") == "forbid"}
    if wish.in_redline and "redline" in forbidden and "in_ecological_redline" not in asked:
        return f"在{layers['redline'].label}内，不得恢复耕地，请另选图斑。"
    steepest = Decimal(layers["steep"].attrs.get("over_degrees", "25")) if "steep" in forbidden else None
    if steepest is not None and "slope" not in asked and wish.slope > steepest:
        return f"坡度 {plain(wish.slope)} 度，超过 {plain(steepest)} 度，不得恢复耕地，请另选图斑。"
    return ""


def on_forbidden_land(year: TownYear, code: str, wkb: bytes | None) -> str:
    """Why the boundary may not be restored: it lies on a layer that forbids it; "" otherwise or where none is known.

    Without a boundary of its own, that of the parcel under the same code, or the code itself in a layer, speaks.
    """
    layers = {one.pk: one for one in layers_in_force(year.town, year.year)}
    kinds = layer_kinds(year.town)
    forbidden = {pk for pk, one in layers.items() if kinds.get(one.source, UNKNOWN).on_restore == FORBID}
    listed = Listing.objects.filter(list__in=forbidden, code=code, parcel=None).values_list("list", flat=True).first()
    if listed:
        return f"编号“{code}”列在《{layers[listed].title}》里，不得恢复耕地，请另选图斑。"
    wkb = wkb or _boundary_under(year, code)
    if wkb is None or not forbidden:
        return ""
    boundary = geo.read_wkb(wkb)
    for layer, found in lies_on(boundary, geo.area_mu(boundary), year.town, year.year):
        if layer.pk in forbidden:
            label = kinds[layer.source].label
            return (
                f"图形有 {plain(found.area_mu)} 亩（占 {found.share:.0%}）在《{layer.title}》（{label}）里，"
                "不得恢复耕地，请另选图斑或重新划定边界。"
            )
    return ""


def warnings_of(one: Proposal) -> list[str]:
    """What the land of a proposal lies on that the town should look at before it decides."""
    year = TownYear.objects.select_related("town").get(town=one.town, year=one.year)
    wkb = one.wkb or _boundary_under(year, one.code)
    if wkb is None:
        return []
    boundary, kinds = geo.read_wkb(wkb), layer_kinds(one.town)
    return [
        f"{plain(found.area_mu)} 亩（占 {found.share:.0%}）在《{layer.title}》"
        f"（{kinds.get(layer.source, UNKNOWN).label}，{kinds.get(layer.source, UNKNOWN).says}）"
        for layer, found in lies_on(boundary, geo.area_mu(boundary), one.town, one.year)
    ]


def _boundary_under(year: TownYear, code: str) -> bytes | None:
    """The boundary of the newest parcel that stands under this code up to the year."""
    rows = Shape.objects.filter(town=year.town, parcel__listings__code=code, parcel__year__lte=year.year)
    found = rows.order_by("-parcel__year", "pk").values_list("wkb", flat=True).first()
    return None if found is None else bytes(found)


def _check(year: TownYear, wish: Wish) -> None:
    if wish.kind not in {one.pk for one in allowed_kinds(year)}:
        raise Refused("任务应为本年度方案按面积销账的末级任务，请从列表中选择。", field="kind")
    if not 0 < wish.area_mu <= LARGEST:
        raise Refused(f"面积应大于 0、不大于 {LARGEST} 亩，现为 {plain(wish.area_mu)}。", field="area_mu")
    if not 0 <= wish.slope <= 90:
        raise Refused(f"坡度应在 0 到 90 度之间，现为 {plain(wish.slope)}。", field="slope")
    check_day(year, wish.consented_on, "consented_on")
    land = Term.objects.of("land_class", year.town).filter(code=wish.land_class).first()
    if land is None:
        raise Refused(f"字典里没有地类“{wish.land_class}”，请从列表中选择。", field="land_class")
    if land.attrs.get("cultivated") == "yes":
        raise Refused(f"地类是{land.label}，已经是耕地，不能再恢复；自选图斑应为非耕地。", field="land_class")
    live = Proposal.objects.filter(town=year.town, year=year.year, code=wish.code)
    if live.exclude(state__in=["refused", "withdrawn"]).exists():
        raise Refused(f"编号“{wish.code}”已经提出过，请核对。", field="code")
    if Listing.objects.filter(town=year.town, code=wish.code, parcel__year=year.year).exists():
        raise Refused(f"编号“{wish.code}”已在本年度图斑里，不用再提。", field="code")


def locked(proposals: list, name: str) -> list[Proposal]:
    """The proposals as they stand now, locked; Refused where the move does not fit."""
    rows = Proposal.objects.select_for_update(of=("self",)).select_related("division__merged_into", "kind", "town")
    found = list(rows.filter(pk__in=proposals).order_by("planned_order", "pk"))
    for one in found:
        if one.state not in MOVES[name].before:
            raise Refused(f"{one}现在是“{STATES[one.state]}”，不能{MOVES[name].label}。", code="conflict")
    return found


def move(town_year: TownYear, proposal: Proposal, name: str, *, by: User, reason: str = "") -> Proposal:
    """pass, refuse or withdraw. Who proposed does not review."""
    with changing(town_year) as now:
        (one,) = locked([proposal.pk], name)
        if name == "pass" and one.proposed_by_id == by.pk:
            raise Refused("这个图斑是您本人提出的，请由另一位同事审核。", code="same_person")
        if name != "pass" and not reason.strip():
            raise Refused(f"{MOVES[name].label}须写明原因。", field="reason")
        if name == "pass" and (why := on_forbidden_land(now.year, one.code, one.wkb)):
            raise Refused(f"{why}提出以后导入了新的图层，请登记不通过。", code="forbidden")
        before = {"状态": STATES[one.state]}
        one.state, one.reason, one.version = MOVES[name].after, reason.strip(), one.version + 1
        if name == "pass":
            one.reviewed_by = by
        one.save()
        record(f"自选图斑{MOVES[name].label}", str(one), user=by, town=now.year.town, before=before,
               after={"状态": STATES[one.state]}, reason=one.reason, about=one.pk)  # fmt: skip
        return one


def approve(town_year: TownYear, proposals: list, number: str, on: date, *, by: User) -> tuple[int, Job | None]:
    """Enter the county's approval of one or many under one document; how many became parcels, and the recompute."""
    if not number.strip():
        raise Refused("请写批复文号。", field="number")
    with changing(town_year) as now:
        check_day(now.year, on, "approved_on")
        rows = locked(proposals, "approve")
        if not rows:
            raise Refused("没有选中待县审批的图斑，请先勾选。", field="chosen", code="empty")
        listed, _ = ParcelList.objects.get_or_create(
            town=now.year.town, year=now.year.year, role="self_selected", title=f"自选图斑 {number.strip()}",
            defaults={"source": SOURCE, "received_on": on, "is_demo": by.is_demo},
        )  # fmt: skip
        before = {"状态": STATES["town_approved"]}
        for one in rows:
            one.state, one.approval_number, one.approved_on = "approved", number.strip(), on
            one.parcel = _parcel(one, listed)
            one.version += 1
            one.save()
        lines = [Line(str(one), before, _shown(one) | {"批复": f"{number.strip()}，{on:%Y-%m-%d}"}, "", one.pk)
                 for one in rows]  # fmt: skip
        record_all("自选图斑批准", lines, user=by, town=now.year.town)
        new = [Line(f"图斑 {one.parcel}", None, {"来源": "自选图斑", "批复": number.strip()}, "", one.parcel_id)
               for one in rows]  # fmt: skip
        record_all("列入图斑", new, user=by, town=now.year.town)
        request_overlaps(now.year.town, now.year.year, by)
        return len(rows), recompute_after(now, by)


def _parcel(one: Proposal, listed: ParcelList) -> Parcel:
    """The parcel and its work, in the village that has the land now: the proposer's may have been merged since."""
    village = one.division if one.division.is_alive(one.approved_on) else one.division.merged_into or one.division
    parcel = Parcel.objects.create(
        town=one.town, division=village, group=one.group, year=one.year, kind=one.kind, source=SOURCE,
        codes=[one.code], gross_mu=one.area_mu, land_class=one.land_class, slope=one.slope, in_redline=one.in_redline,
        attrs={"note": one.note} if one.note else {}, is_demo=one.is_demo,
    )  # fmt: skip
    Listing.objects.create(list=listed, town=one.town, serial=str(one.planned_order), code=one.code, parcel=parcel)
    Work.objects.create(
        town=one.town, division=village, parcel=parcel, kind=one.kind, year=one.year, area_mu=one.area_mu,
        is_demo=one.is_demo,
    )  # fmt: skip
    if one.wkb:
        set_shape(parcel, geo.read_wkb(one.wkb), crs=one.issued_crs, is_demo=one.is_demo)
    return parcel


def _shown(one: Proposal) -> dict[str, str]:
    return {
        "状态": STATES[one.state], "面积（亩）": plain(one.area_mu), "坡度（度）": plain(one.slope),
        "生态红线": "在" if one.in_redline else "不在", "权利人同意": one.consented_on.isoformat(),
        **({"边界": "有"} if one.wkb else {}),
    }  # fmt: skip
