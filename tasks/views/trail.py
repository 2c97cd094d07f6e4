"""经过: all that happened to a parcel as one list, newest first; each source of lines is one function.

Lines come with the parcel's own scope: whoever may see the parcel sees who changed it and why.
"""

from collections.abc import Iterable
from datetime import datetime, time
from typing import Any

from django.db.models import Q
from django.utils import timezone

from farmland.accounts.log import DIGESTS, KEYS, as_stored, changes
from farmland.accounts.models import Event
from farmland.lib.numbers import fixed
from parcels.models import Listing, Parcel, Step
from tasks.models import Issue

TOLD_BY_STEPS = ("填报环节", "批量改环节", "改环节", "选定图斑", "取消选定")  # the step itself says more
IN_THE_LOG = {KEYS[name] for name in DIGESTS}  # a file is named here, its digest stands in the audit trail
BACK = ("问题退回", "问题重新打开", "登记复荒", "取消", "退出治理", "冲销")
SHOWN = 200


def trail(
    parcel: Parcel, steps: list[Step], user, word=as_stored, listings: Iterable[Listing] = ()
) -> list[dict[str, Any]]:
    """The newest ``SHOWN`` lines from every source, in the order in which they became known; ``word`` of changes."""
    listed = (of_listing(one) for one in listings if one.list.received_on)
    items = [*map(of_step, steps), *listed, *of_events(parcel, user, word)]
    return sorted(items, key=lambda item: item["at"], reverse=True)[:SHOWN]


def line(at: datetime, title: str, words: list[str], *, on=None, back: bool = False) -> dict[str, Any]:
    text = "，".join(word for word in words if word)
    day = on or timezone.localdate(at)
    return {"at": at, "on": day, "title": title, "text": text, "turn": "back" if back else ""}


def of_step(step: Step) -> dict[str, Any]:
    """A step: what, how much, who, why."""
    title = f"{step.rung.name} {fixed(step.area_mu)} 亩"
    is_back = step.verdict in ("returned", "revoked") or step.area_mu < 0
    if step.verdict in ("returned", "revoked"):
        title = f"{step.get_verdict_display()}：{title}" if step.area_mu else f"{step.rung.name}退回"
    crop = f"作物 {step.crop}" if step.crop else ""
    words = [str(step.work.kind), step.told_by, crop, step.reason, step.note, step.clause and f"出处 {step.clause}"]
    return line(step.recorded_at, title, words, on=step.on, back=is_back)


def of_listing(listing: Listing) -> dict[str, Any]:
    """The day a list with the parcel in it came in, and who brought it."""
    upload = listing.list.upload
    at = timezone.make_aware(datetime.combine(listing.list.received_on, time()))
    who = str(upload.user) if upload and upload.user else ""
    return line(at, "列入清单", [str(listing.list), f"第 {listing.serial} 行，{listing.code}", who])


def of_events(parcel: Parcel, user, word=as_stored) -> list[dict[str, Any]]:
    """What was changed on the parcel itself (facts, finding, works, papers) and on the issues that name it."""
    issues = Issue.objects.visible_to(user).filter(parcels=parcel).values("pk")
    rows = Event.objects.filter(Q(about=parcel.pk) | Q(about__in=issues), town=parcel.town_id)
    found = []
    for event in rows.exclude(action__in=TOLD_BY_STEPS).select_related("user").order_by("-at")[:SHOWN]:
        told = changes(event.before, event.after, word)
        lines = [_change(one) for one in told if one["name"] not in IN_THE_LOG]
        of_issue = event.subject if event.about != parcel.pk else ""
        words = [of_issue, str(event.user) if event.user else "系统", event.reason, *lines]
        found.append(line(event.at, event.action, words, back=event.action.startswith(BACK)))
    return found


def _change(one: dict[str, str]) -> str:
    """What is new is told by itself, what stood before with what stands now."""
    was = f"{one['before']} → " if one["before"] else ""
    return f"{one['name']}：{was}{one['after'] or '空'}"
