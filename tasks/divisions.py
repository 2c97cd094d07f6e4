"""行政区划的更名和撤并: a division gets a new name or goes into another, and keeps its history.

What was merged stays in the tree, below the division it went into: every fact stays where it happened, and the
successor's figures, form and scope take it in because they are those of its subtree. Nothing is rewritten.
"""

from datetime import date
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import Grant, User, record
from farmland.lib.refused import Refused
from farmland.places.models import Division
from tasks.models import TownYear
from tasks.services import request_recompute


@transaction.atomic
def rename(division: Division, name: str, *, by: User, reason: str) -> Division:
    """A new name; the old one stays an alias, for papers of other years use it."""
    town = _locked(division.town)
    row = Division.objects.select_related("parent").get(pk=division.pk)
    name = name.strip()
    _require(name, "name", "请写新名称。")
    _require(reason.strip(), "reason", "请写更名的依据。")
    if row.valid_to is not None:
        raise Refused(f"{row}已撤并，不能更名。", field="name", code="conflict")
    if name == row.name:
        raise Refused(f"名称已经是“{name}”。", field="name")
    _free(row.parent, name, besides=[row])
    old, row.name = row.name, name
    row.aliases = [one for one in dict.fromkeys([*row.aliases, old]) if one != name]
    row.save()
    record("区划更名", name, user=by, town=town, before={"名称": old}, after={"名称": name}, reason=reason)
    return row


@transaction.atomic
def merge(
    divisions: list[Division], *, on: date, by: User, reason: str, into: Division | None = None, name: str = ""
) -> Division:
    """Put divisions of one superior into one: an existing neighbour (``into``) or a new one of ``name``; that one.

    Their users go on in the successor. Raises Refused with the field at fault.
    """
    olds = _checked(divisions, into, reason)
    town = _locked(olds[0].town)
    _check_day(town, on, olds)
    successor = into or _founded(olds, name, on, by)
    Division.objects.filter(merged_into__in=olds).update(merged_into=successor, updated_at=timezone.now())
    for one in olds:
        one.parent = one.merged_into = successor
        one.valid_to = on
        _settle(one)
    _move_grants(olds, successor, on)
    names = "、".join(one.name for one in olds)
    after = {"并入": successor.name, "日期": on.isoformat()}
    record("区划撤并", names, user=by, town=town, before={"单位": names}, after=after, reason=reason)
    for year in TownYear.objects.filter(town=town, closed_on=None):
        request_recompute(town, year.year, user=by)
    return successor


def _locked(town: Division) -> Division:
    """The town's row is the lock of its tree."""
    return Division.objects.select_for_update(of=("self",)).get(pk=town.pk)


def _checked(divisions: list[Division], into: Division | None, reason: str) -> list[Division]:
    olds = list(Division.objects.filter(pk__in=[one.pk for one in divisions]).order_by("order", "pk"))
    _require(olds, "divisions", "请选要撤并的单位。")
    _require(reason.strip(), "reason", "请写撤并的依据。")
    if len({one.parent_id for one in olds}) != 1 or any(one.is_tenant or one.parent_id is None for one in olds):
        raise Refused("只能撤并同一上级下的村或社区。", field="divisions")
    if any(one.valid_to is not None for one in olds):
        raise Refused("其中有已经撤并的单位，请重新选择。", field="divisions", code="conflict")
    if into is None and len(olds) < 2:
        raise Refused("合并成新的单位须选两个以上；只改名称的请用更名。", field="divisions")
    if into is not None and (into.pk in {one.pk for one in olds} or into.parent_id != olds[0].parent_id):
        raise Refused("并入的单位应是同一上级下的另一个单位。", field="into")
    if into is not None and into.valid_to is not None:
        raise Refused(f"{into}已撤并，不能再并入。", field="into", code="conflict")
    return olds


def _check_day(town: Division, on: date, olds: list[Division]) -> None:
    latest = max((year.today() for year in TownYear.objects.filter(town=town)), default=on)
    if on > latest:
        raise Refused(f"撤并日期 {on} 晚于工作日期 {latest}，请在生效后登记。", field="on")
    early = next((one for one in olds if one.valid_from and one.valid_from > on), None)
    if early:
        raise Refused(f"撤并日期 {on} 早于{early}的设立日期 {early.valid_from}，请核对。", field="on")


def _founded(olds: list[Division], name: str, on: date, by: User) -> Division:
    name, first = name.strip(), olds[0]
    _require(name, "name", "请写合并后的名称。")
    _free(first.parent, name, besides=olds)
    made = Division(
        parent=first.parent, name=name, kind=first.kind, code=f"{first.town.slug}-{uuid4().hex[:8]}",
        is_provisional=True, order=first.order, valid_from=on, is_demo=by.is_demo,
    )  # fmt: skip
    made.save()
    return made


def _free(parent: Division, name: str, besides: list[Division]) -> None:
    """Two divisions in force of one name under one superior cannot be told apart."""
    others = Division.objects.filter(parent=parent, valid_to=None).exclude(pk__in=[one.pk for one in besides])
    taken = next((one for one in others if name == one.name or name in one.aliases), None)
    if taken:
        raise Refused(f"{parent}已有{taken}，不能再用“{name}”这个名称。", field="name", code="conflict")


def _settle(row: Division) -> None:
    """Write a division and the paths of everything below it."""
    row.save()
    for child in Division.objects.filter(parent=row):
        _settle(child)


def _move_grants(olds: list[Division], successor: Division, on: date) -> None:
    """Who answered for a merged division answers for the successor; the old grant ends and stays on record."""
    held = set(Grant.objects.filter(division=successor, valid_to=None).values_list("user", "role"))
    for grant in Grant.objects.filter(division__in=olds, valid_to=None):
        if (grant.user_id, grant.role) not in held:
            held.add((grant.user_id, grant.role))
            Grant.objects.create(
                user_id=grant.user_id, role=grant.role, division=successor, office_id=grant.office_id,
                kinds=grant.kinds, valid_from=on,
            )  # fmt: skip
        grant.valid_to = max(on, grant.valid_from or on)
        grant.save(update_fields=["valid_to"])


def _require(value, field: str, message: str) -> None:
    if not value:
        raise Refused(message, field=field, code="required")
