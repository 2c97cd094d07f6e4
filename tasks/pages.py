"""What every page about a town and its year begins with: the door, and the shell around it."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import redirect, render

from farmland.context_processors import Shell
from farmland.places.models import Division
from tasks.models import Plan, TownYear


def town_page(view: Callable | None = None, *, whole: bool = False):
    """``/<town>/<year>/…`` for a signed-in user in scope: the view gets ``(request, town_year, **rest)``.

    Out of scope and unknown are the same 404. ``whole`` asks for a user who sees the whole town.
    """

    def decorate(function):
        @login_required
        @wraps(function)
        def page(request, town, year, **kwargs):
            town_year = find_town_year(request.user, town, year)
            if whole and not request.user.sees_whole(town_year.town):
                raise Http404
            request.shell = shell_of(request.user, town_year)
            return function(request, town_year, **kwargs)

        return page

    return decorate(view) if view else decorate


def find_town_year(user, slug: str, year: int) -> TownYear:
    found = TownYear.objects.visible_to(user).select_related("town").filter(town__slug=slug, year=year).first()
    if found is None:
        raise Http404
    return found


def shell_of(user, town_year: TownYear) -> Shell:
    years = TownYear.objects.visible_to(user).select_related("town").order_by("town__path", "-year")
    return Shell(
        town=town_year.town,
        year=town_year.year,
        working_date=town_year.today(),
        as_of=town_year.as_of,
        demo=town_year.working_date is not None,
        town_years=list(years),
    )


def division_in(user, town_year: TownYear, code: str) -> Division:
    """A division of the town inside the user's scope, or 404."""
    found = Division.objects.visible_to(user).filter(town=town_year.town, code=code).first()
    if found is None:
        raise Http404
    return found


@login_required
def home(request):
    """The first page after signing in: the user's own form or town; the newest year of the first town."""
    years = TownYear.objects.visible_to(request.user).select_related("town").order_by("town__path", "-year")
    first = next(iter([one for one in years if Plan.objects.filter(town=one.town, year=one.year).exists()]), None)
    if first is None:
        return render(request, "dashboard/nothing.html")
    whole = request.user.sees_whole(first.town)
    return redirect("dashboard_town" if whole else "form_home", town=first.town.slug, year=first.year)
