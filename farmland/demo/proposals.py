"""Self-chosen parcels of the demo in every state, and one that stands in for a parcel which cannot be done."""

from datetime import timedelta
from decimal import Decimal

from farmland.accounts.models import User
from farmland.demo.stories import DemoProposal, Story
from farmland.places.models import Division
from parcels.models import Proposal, Work
from parcels.works import substitute
from tasks.models import TownYear
from tasks.proposals import Wish, approve, move, propose

APPROVAL = "演示批复〔{year}〕1号"


def write_proposals(story: Story, town: Division, users: dict[str, User]) -> None:
    """What the villages proposed, as far as the story says it got; the newest of the town's people decide."""
    if not story.proposals:
        return
    town_year = TownYear.objects.select_related("town").get(town=town, year=story.year)
    official = users[story.town]
    kept = [(one, _propose(one, number, town_year, users)) for number, one in enumerate(story.proposals, start=1)]
    for one, row in kept:
        if one.state in ("town_approved", "approved"):
            move(town_year, row, "pass", by=official)
        elif one.state == "refused" and row.state == "proposed":
            move(town_year, row, "refuse", by=official, reason=one.why)
        elif one.state == "withdrawn":
            move(town_year, row, "withdraw", by=row.proposed_by, reason=one.why)
    approved = [row.pk for one, row in kept if one.state == "approved"]
    approve(town_year, approved, APPROVAL.format(year=story.year), town_year.today() - timedelta(days=2), by=official)
    for one, row in kept:
        if one.instead:
            _stand_in(Proposal.objects.select_related("parcel").get(pk=row.pk), one, official)


def _propose(one: DemoProposal, number: int, town_year: TownYear, users: dict[str, User]) -> Proposal:
    division = Division.objects.get(town=town_year.town, name=one.village)
    wish = Wish(
        division=division, kind=one.kind, code=f"演示自选{town_year.year}{number:03d}", area_mu=one.area,
        land_class=one.land_class, slope=one.slope, in_redline=one.in_redline == "yes", planned_order=number,
        consented_on=town_year.today() - timedelta(days=20 - number), group=one.group, note=one.note,
    )  # fmt: skip
    head = User.objects.filter(is_demo=True, grants__role="village_head", grants__division=division).first()
    return propose(town_year, wish, by=head or users[town_year.town.slug])


def _stand_in(row: Proposal, one: DemoProposal, official: User) -> None:
    """The smallest work of the village that has not been accepted leaves; the self-chosen parcel takes its place."""
    works = Work.objects.filter(
        division=row.division, kind=row.kind, year=row.year, exit="", parcel__stage="ploughed", is_demo=True
    )
    if work := works.order_by("area_mu", "pk").first():
        substitute(work, row.parcel, min(row.area_mu, work.area_mu or Decimal(0)), one.instead, by=official)
