"""What every page about a town and its year begins with: the door, and the shell around it."""

from collections.abc import Callable
from functools import partial, wraps

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from farmland.context_processors import Shell
from farmland.places.models import Division
from parcels.progress import Ladders
from tasks.models import Issue, Plan, Progress, TownYear
from tasks.waiting import to_accept

KEPT = 24 * 3600


def town_page(view: Callable | None = None, *, whole: bool = False):
    """``/<town>/<year>/…`` for a signed-in user in scope: the view gets ``(request, town_year, **rest)``.

    Out of scope and unknown are the same 404. ``whole`` asks for a user who sees the whole town.
    """

    def decorate(function):
        @login_required
        @wraps(function)
        def page(request, town, year, **kwargs):
            years = visible_years(request.user)
            town_year = next((one for one in years if (one.town.slug, one.year) == (town, year)), None)
            if town_year is None:
                raise Http404
            if whole and not request.user.sees_whole(town_year.town):
                raise Http404
            request.shell = shell_of(town_year, years)
            return function(request, town_year, **kwargs)

        return page

    return decorate(view) if view else decorate


def patrol_page(view: Callable):
    """``/<town>/<year>/patrol/``: for those who may report a clue there, even if they see nothing else of a town."""

    @login_required
    @wraps(view)
    def page(request, town, year, **kwargs):
        years = patrol_years(request.user)
        town_year = next((one for one in years if (one.town.slug, one.year) == (town, year)), None)
        if town_year is None:
            raise Http404
        request.shell = shell_of(town_year, years)
        return view(request, town_year, **kwargs)

    return page


def patrol_years(user) -> list[TownYear]:
    """The town-years in which the user may report clues; the newest of a town first."""
    towns = user.divisions_for("patrol").exclude(town=None).values("town")
    return list(TownYear.objects.filter(town__in=towns).select_related("town").order_by("town__path", "-year"))


def visible_years(user) -> list[TownYear]:
    """The town-years the user may open, with their towns; the newest of a town first.

    Each with ``late_issues``: the problems past their date that the user answers for, in the same statement.
    """
    today = Coalesce(OuterRef("working_date"), Value(timezone.localdate()))
    late = Issue.objects.visible_to(user).filter(town=OuterRef("town"), year=OuterRef("year"), due_on__lt=today)
    late = late.filter(is_excluded=False).exclude(state__in=Issue.CLOSED)
    count = late.order_by().values("town").annotate(count=Count("pk")).values("count")
    rows = TownYear.objects.visible_to(user).select_related("town").annotate(late_issues=Subquery(count))
    return list(rows.order_by("town__path", "-year"))


def shell_of(town_year: TownYear, years: list[TownYear]) -> Shell:
    return Shell(
        town=town_year.town,
        year=town_year.year,
        working_date=town_year.today(),
        as_of=town_year.as_of,
        demo=town_year.working_date is not None,
        town_years=years,
        counts={
            "issue_list": getattr(town_year, "late_issues", 0) or 0,
            "acceptance_list": SimpleLazyObject(partial(_count_waiting, town_year)),  # asked where the rail has 验收
        },
    )


def _waiting_key(town_year: TownYear) -> str:
    return f"waiting-{town_year.pk}-{town_year.as_of and town_year.as_of.timestamp()}"


def _count_waiting(town_year: TownYear) -> int:
    """How much waits for acceptance in the whole town: kept until the figures are new, else asked for once."""
    if (known := cache.get(_waiting_key(town_year))) is not None:
        return known
    rows = Progress.objects.filter(town=town_year.town, year=town_year.year, division__isnull=False)
    count = len(to_accept(rows.select_related("target__kind", "division"), Ladders(town_year.town)))
    cache.set(_waiting_key(town_year), count, KEPT)
    return count


def tell_waiting(request, town_year: TownYear, count: int) -> None:
    """A page that knows how much waits for acceptance in the whole town tells the rail, here and on other pages."""
    cache.set(_waiting_key(town_year), count, KEPT)
    request.shell.counts["acceptance_list"] = count


def division_in(user, town_year: TownYear, code: str) -> Division:
    """A division of the town inside the user's scope, or 404."""
    found = Division.objects.visible_to(user).filter(town=town_year.town, code=code).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_safe
def home(request):
    """The first page after signing in: the user's own form or town; the newest year of the first town."""
    planned = set(Plan.objects.visible_to(request.user).values_list("town", "year"))
    first = next((one for one in visible_years(request.user) if (one.town_id, one.year) in planned), None)
    if first is None:
        patrols = [one for one in patrol_years(request.user) if not one.closed_on]
        if patrols:
            return redirect("patrol", town=patrols[0].town.slug, year=patrols[0].year)
        return render(request, "dashboard/nothing.html")
    whole = request.user.sees_whole(first.town)
    return redirect("dashboard_town" if whole else "form_home", town=first.town.slug, year=first.year)
