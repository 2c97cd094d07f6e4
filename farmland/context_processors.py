"""What the shell around every page shows: ``shell`` in each template.

Contract with whoever answers the request: set ``request.shell`` (a ``Shell`` or any object with some of its
attributes) before rendering. Everything is optional; what is missing is left out of the page.

``town``        the town on the page: a Division (``name``, ``slug``)
``year``        its year, int
``working_date`` 工作日期, date: the day the rules judge by (``TownYear.today()``)
``as_of``       数据截至, aware datetime: when the figures were recomputed
``demo``        True while demo data are shown: 演示数据
``town_years``  for the switcher: objects with ``town`` and ``year`` (perhaps ``demo``), those the user may open
``counts``      things to do by url name, {"acceptance_list": 11}
``section``     url name of the rail's current item, where the address does not tell

Rail items are url names with kwargs town (slug) and year; one that does not resolve is left out. The user decides
the rest by ``can(action, division)`` and ``sees_whole(division)``: whoever answers for a part of the town only (a
village head) finds 填报 first and no pages about the whole town.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject


@dataclass
class Shell:
    """The values a view or middleware hands over; see the contract above."""

    town: Any = None
    year: int | None = None
    working_date: date | None = None
    as_of: datetime | None = None
    demo: bool = False
    town_years: Sequence[Any] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    section: str = ""


class Item(NamedTuple):
    """A place in the rail: ``prefixes`` are the beginnings of url names that belong to it."""

    name: str
    icon: str
    label: str
    prefixes: tuple[str, ...]
    whole: bool = False  # only for those who see the whole town
    action: str = ""  # only for those who may do this
    alone: bool = False  # only for those who see nothing else


RAIL = (
    Item("dashboard_town", "overview", "总览", ("dashboard", "village")),
    Item("what_if", "whatif", "推演", ("what_if",), whole=True),
    Item("plan_detail", "plan", "方案", ("plan", "finding", "target")),
    Item("parcel_list", "parcel", "图斑", ("parcel", "layer", "proposal", "work", "evidence", "phone")),
    Item("issue_list", "issue", "整改", ("issue", "ledger", "permit", "meeting", "referral")),
    Item("clue_list", "camera", "巡查", ("clue",)),
    Item("patrol", "camera", "报线索", ("patrol",), action="patrol", alone=True),
    Item("form_home", "form", "填报", ("form", "submission")),
    Item("acceptance_list", "accept", "验收", ("acceptance", "inspection"), whole=True),
    Item(
        "subsidy_list",
        "money",
        "补助",
        ("subsidy", "entitlement", "claim", "batch", "rate", "calculation", "payee", "publicity", "audit_money"),
    ),
    Item("bulletin_list", "bulletin", "通报", ("bulletin",), whole=True),
    Item("alert_list", "alert", "预警", ("alert",)),
    Item("district", "district", "区级", ("district",)),
)
FOOT = (
    Item("job_list", "job", "作业", ("job", "upload"), whole=True),
    Item(
        "user_list", "system", "系统", ("user", "token", "audit", "term", "office", "division"), action="manage_users"
    ),
)


def address(name: str, shell) -> str:
    """The address of a url name for the page's town and year, else without them; "" where there is none."""
    town, year = getattr(shell, "town", None), getattr(shell, "year", None)
    slug = getattr(town, "slug", town)
    tries = [{"town": slug, "year": year}] if slug and year else []
    for kwargs in [*tries, {}]:
        try:
            return reverse(name, kwargs=kwargs)
        except NoReverseMatch:
            continue
    return ""


def town_address(town_year) -> str:
    """Where the switcher leads: 总览 of that town and year."""
    return address("dashboard_town", town_year) or "/"


def sees_whole(user, town) -> bool:
    """Whether the user answers for all of the town; users without scope of their own are taken to."""
    ask = getattr(user, "sees_whole", None)
    return ask(town) if ask and hasattr(town, "path") else True


def allowed(item: Item, user, town, whole: bool) -> bool:
    if item.whole and not whole:
        return False
    ask = getattr(user, "can", None)
    if item.alone == (ask is None or ask("view")):
        return False
    return not item.action or ask is None or ask(item.action, town if hasattr(town, "path") else None)


def current(item: Item, url_name: str, section: str) -> bool:
    if section:
        return item.name == section
    return any(url_name == prefix or url_name.startswith(f"{prefix}_") for prefix in item.prefixes)


def rail(items: Sequence[Item], request, shell) -> list[dict]:
    """The items this user finds in the rail on this page, with address, count and whether one is current."""
    town = getattr(shell, "town", None)
    match = getattr(request, "resolver_match", None)
    url_name = (match.url_name if match else "") or ""
    counts = getattr(shell, "counts", None) or {}
    whole = sees_whole(request.user, town)
    found = [
        {
            "name": item.name,
            "url": address(item.name, shell),
            "icon": item.icon,
            "label": item.label,
            "current": current(item, url_name, getattr(shell, "section", "")),
            "count": counts.get(item.name, 0),
        }
        for item in items
        if allowed(item, request.user, town, whole)
    ]
    found = [item for item in found if item["url"]]
    return found if whole else sorted(found, key=lambda item: item["name"] != "form_home")


def switcher(shell) -> list[dict]:
    """The towns and years the user may open, newest first within a town as given."""
    town, year = getattr(shell, "town", None), getattr(shell, "year", None)
    return [
        {
            "name": str(getattr(one.town, "name", one.town)),
            "year": one.year,
            "url": town_address(one),
            "current": one.town == town and one.year == year,
        }
        for one in getattr(shell, "town_years", None) or ()
    ]


def build(request) -> dict:
    handed = getattr(request, "shell", None) or Shell()
    user = getattr(request, "user", None)
    inside = bool(user and user.is_authenticated)
    town = getattr(handed, "town", None)
    return {
        "nav": rail(RAIL, request, handed) if inside else [],
        "foot": rail(FOOT, request, handed) if inside else [],
        "home": (address("dashboard_town", handed) or address("dashboard", None) or "/"),
        "town": str(getattr(town, "name", town) or ""),
        "year": getattr(handed, "year", None),
        "town_years": switcher(handed) if inside else [],
        "working_date": getattr(handed, "working_date", None),
        "as_of": getattr(handed, "as_of", None),
        "demo": bool(getattr(handed, "demo", False)),
        "who": str(user) if inside else "",
        "role": getattr(user, "role_label", "") if inside else "",
        "logout": address("logout", None),
        "password": address("password_change", None),
    }


def shell(request) -> dict:
    """``shell`` for base.html, worked out only when a template asks for it (API answers and plain pages do not)."""
    return {"shell": SimpleLazyObject(lambda: build(request))}
