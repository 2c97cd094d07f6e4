"""What computing leaves behind: each round of a year computed and applied, with what it holds and differs by."""

from bench.towns import official
from subsidies.entitlements import calculations
from subsidies.models import Round
from tasks.models import TownYear


def leave(town_year: TownYear) -> None:
    """Apply every round of the year as the official would, and compute it once more; called again it follows."""
    by = official(town_year.town)
    rounds = Round.objects.filter(town=town_year.town, program__year=town_year.year, label=str(town_year.year))
    for round_ in rounds.select_related("program__plan", "town").order_by("pk"):
        calculations.apply(calculations.make(round_, by=by), by=by)
        calculations.make(round_, by=by)
