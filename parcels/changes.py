"""A person changes what is known of a parcel: one at a time, with a version, a reason where areas move, and a trace.

As in every room the caller holds the transaction and has asked whether the user may; what the values say is checked
here. The area a list stated stays with the list's row, whatever a person makes of it later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from farmland.accounts.models import Line, User, record_all
from farmland.lib.area import LARGEST
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused, Stale
from farmland.places.models import Division, Term
from parcels.models import Listing, Parcel, Step, Work

AREAS = {
    "gross_mu": "图斑面积（亩）", "cultivated_mu": "耕地面积（亩）", "pbf_mu": "永农面积（亩）",
    "net_mu": "净面积（亩）",
}  # fmt: skip
NAMES = {
    "division": "村", "group": "组", "ground_state": "现状", "land_class": "地类", "slope": "坡度（度）",
    "in_redline": "生态红线", **AREAS, "note": "备注",
}  # fmt: skip
WORDS = ("ground_state", "land_class")  # fields that hold a code of the dictionary of their name
YES_NO = {True: "在", False: "不在", None: ""}
STEEPEST = 90


@dataclass(frozen=True)
class Edit:
    """New values by field; fields left out stay. ``version`` is the one the person saw, None asks for no check."""

    values: Mapping[str, Any]
    version: int | None = None
    reason: str = ""


class Words:
    """Labels of the dictionaries a parcel's fields take their codes from, with one query."""

    def __init__(self, town: Division):
        self._labels: dict[str, dict[str, str]] = {name: {} for name in WORDS}
        rows = Term.objects.filter(dictionary__in=WORDS, town=None) | Term.objects.filter(
            dictionary__in=WORDS, town=town
        )
        for dictionary, code, label in rows.order_by("order", "pk").values_list("dictionary", "code", "label"):
            self._labels[dictionary][code] = label

    def knows(self, name: str, code: str) -> bool:
        return code in self._labels[name]

    def shown(self, name: str, value: Any) -> str:
        """A value as people read it; nothing is empty text."""
        if name == "in_redline":
            return YES_NO[value]
        if value is None or value == "":
            return ""
        if name in WORDS:
            label = self._labels[name].get(value, "")
            return f"{value} {label}".strip() if name == "land_class" else label or value
        return plain(value) if isinstance(value, Decimal) else str(value)


def value_of(parcel: Parcel, name: str) -> Any:
    return parcel.attrs.get("note", "") if name == "note" else getattr(parcel, name)


def changed(parcel: Parcel, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are other than what stands. Unknown and empty text are the same; unknown and 0 are not."""
    empty = ("", None)
    return {
        name: value
        for name, value in values.items()
        if value_of(parcel, name) != value and not (value in empty and value_of(parcel, name) in empty)
    }


def edit(parcel: Parcel, wish: Edit, *, by: User, words: Words | None = None) -> bool:
    """Change a parcel; False where everything stands already. Refused and Stale write nothing."""
    locked = lock(parcel)
    words = words or Words(locked.town)
    new = changed(locked, wish.values)
    check_version(locked, wish.version, [(NAMES[name], words.shown(name, value_of(locked, name)),
                                          words.shown(name, value)) for name, value in new.items()])  # fmt: skip
    if not new:
        return False
    if problem := problem_of(locked, new, wish.reason, words, has_begun=_has_begun(locked, new)):
        raise Refused(problem[1], field=problem[0])
    write([(locked, new)], by=by, reason=wish.reason.strip(), words=words)
    return True


def lock(parcel: Parcel) -> Parcel:
    """The parcel as it stands now, locked."""
    rows = Parcel.objects.select_for_update(of=("self",)).select_related("town", "division", "kind")
    return rows.get(pk=parcel.pk)


def check_version(parcel: Parcel, version: int | None, pairs: list[tuple[str, str, str]]) -> None:
    """Stale when the parcel moved on since ``version`` and ``pairs`` (what, as it stands, as sent) differ."""
    if version is None or version == parcel.version or not pairs:
        return
    values = "；".join(f"{name}：系统现在“{now or '空'}”，您填的“{mine or '空'}”" for name, now, mine in pairs)
    raise Stale(f"打开以后别人已改过图斑 {parcel}。{values}。请核对后再提交。", pairs)


def problem_of(
    parcel: Parcel, new: Mapping[str, Any], reason: str, words: Words, *, has_begun: bool = False
) -> tuple[str, str] | None:
    """(field, sentence) of the first thing that is wrong with the new values; None when nothing is."""
    for name in WORDS:
        if new.get(name) and not words.knows(name, new[name]):
            return name, f"字典里没有{NAMES[name]}“{new[name]}”，请从列表中选择。"
    for name in AREAS:
        area = new.get(name)
        if area is not None and not 0 <= area <= LARGEST:
            return name, f"{NAMES[name]}应在 0 到 {LARGEST} 之间，现为 {plain(area)}，请核对单位。"
    slope = new.get("slope")
    if slope is not None and not 0 <= slope <= STEEPEST:
        return "slope", f"坡度应在 0 到 {STEEPEST} 度之间，现为 {plain(slope)}。"
    if not reason.strip() and any(name in new for name in (*AREAS, "division")):
        return "reason", "改动面积或村须写明原因；下发数保留在清单里。"
    if "division" in new and has_begun:
        return "division", f"这个图斑在{parcel.division}已有进展，不能改到{new['division']}，请先冲销进展。"
    return None


def _has_begun(parcel: Parcel, new: Mapping[str, Any]) -> bool:
    return "division" in new and Step.objects.filter(work__parcel=parcel).exists()


def write(pairs: list[tuple[Parcel, dict]], *, by: User, reason: str, words: Words) -> None:
    """Lay the new values on locked parcels: an event each, the version moves on, works follow their village."""
    lines, moved = [], []
    for parcel, new in pairs:
        before = {NAMES[name]: words.shown(name, value_of(parcel, name)) for name in new}
        _keep_issued(parcel, {name: value_of(parcel, name) for name in new if name in AREAS})
        for name, value in new.items():
            if name == "note":
                parcel.attrs = {**parcel.attrs, "note": value}
            else:
                setattr(parcel, name, value)
        if "division" in new:
            moved.append(parcel)
        after = {NAMES[name]: words.shown(name, value_of(parcel, name)) for name in new}
        lines.append(Line(f"图斑 {parcel}", before, after, reason, parcel.pk))
    for parcel in moved:
        Work.objects.filter(parcel=parcel).update(division=parcel.division, updated_at=timezone.now())
    save([parcel for parcel, _ in pairs], ["group", "ground_state", "land_class", "slope", "in_redline",
                                           "division", "attrs", *AREAS])  # fmt: skip
    if pairs:
        record_all("修改图斑", lines, user=by, town=pairs[0][0].town)


def _keep_issued(parcel: Parcel, areas: dict[str, Decimal | None]) -> None:
    """The list's row keeps the area as issued, the first time a person writes over it."""
    if not areas:
        return
    for listing in Listing.objects.select_for_update(of=("self",)).filter(parcel=parcel):
        kept = {f"下发{NAMES[name]}": "" if area is None else plain(area) for name, area in areas.items()}
        listing.cells = kept | listing.cells
        listing.save(update_fields=["cells", "updated_at"])


def touch(parcel: Parcel) -> None:
    """Something about a locked parcel changed: whoever read it before is told."""
    save([parcel], ["finding", "attrs"])


def save(parcels: list[Parcel], names: list[str]) -> None:
    """Write fields of locked parcels with the next version, one statement for 500 of them."""
    moment = timezone.now()
    for parcel in parcels:
        parcel.version += 1
        parcel.updated_at = moment
    Parcel.objects.bulk_create(
        parcels, batch_size=500, update_conflicts=True, unique_fields=["id"],
        update_fields=[*names, "version", "updated_at"],
    )  # fmt: skip
