"""What the pages of the money share: who may open them, and their tabs."""

from collections.abc import Iterable
from functools import wraps
from uuid import UUID

from django.http import Http404
from django.urls import NoReverseMatch, reverse

from subsidies.attempts import refuse
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.common import where

TABS = (
    ("subsidy_list", "总览", ("subsidy",)),
    ("rate_list", "标准", ("rate", "calculation")),
    ("claim_list", "管护申报", ("claim",)),
    ("entitlement_list", "应补", ("entitlement",)),
    ("batch_list", "批次", ("batch", "publicity")),
    ("payee_list", "账户", ("payee",)),
    ("audit_money", "审计", ("audit",)),
)


def money_page(view):
    """A page of a town and year for those who may read the money of some part of the town; 404 for all others."""

    @town_page
    @wraps(view)
    def page(request, town_year: TownYear, **kwargs):
        inside = town_year.town.path
        if not any(inside.startswith(one) or one.startswith(inside) for one in request.user.paths_for("read_money")):
            raise Http404
        return view(request, town_year, **kwargs)

    return page


def sees_all_money(user, town_year: TownYear) -> bool:
    return any(town_year.town.path.startswith(one) for one in user.paths_for("read_money"))


def money_of_town(view):
    """For those who may read the money of the whole town; 404 for a single village, whose attempt is logged."""

    @money_page
    @wraps(view)
    def page(request, town_year: TownYear, **kwargs):
        if not sees_all_money(request.user, town_year):
            if request.method == "POST":
                reason = "只能办理本村的申报。"
                refuse("办理全镇资金", request.path[:120], reason, by=request.user, town=town_year.town)
            raise Http404
        return view(request, town_year, **kwargs)

    return page


def uuids(texts: Iterable[str]) -> list[UUID]:
    """Those that are ids; what is none names no row."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def page_address(name: str, town_year: TownYear, **more) -> str:
    """The address of a page of this year; "" where the page does not exist."""
    try:
        return reverse(name, kwargs=where(town_year) | more)
    except NoReverseMatch:
        return ""


def tabs(request, town_year: TownYear) -> list[dict]:
    """The pages of the money this user may open; a village has no batches and no list of accounts of its own."""
    current = request.resolver_match.url_name
    hidden = () if sees_all_money(request.user, town_year) else ("batch_list", "payee_list", "audit_money")
    hidden += () if request.user.can("read_log", town_year.town) else ("audit_money",)
    found = [
        {"label": label, "url": page_address(name, town_year), "current": current.startswith(prefixes)}
        for name, label, prefixes in TABS
        if name not in hidden
    ]
    return [one for one in found if one["url"]]
