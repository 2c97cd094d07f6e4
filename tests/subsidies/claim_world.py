"""A town whose accepted works pay by year: two villages, a rate of 300 for 2025–2027, people of every hand."""

from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from parcels.models import Kind
from subsidies.claiming.claims import open_claims
from subsidies.models import Claim, Program, Rate, Round
from tasks.models import TownYear
from tests.tasks.land import Land

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOSES = date(2025, 10, 31)


def at(text: str) -> datetime:
    """A moment in Shanghai: at("2025-10-31 23:59:59")."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def make_world(slug="qingxi", name="清溪镇") -> SimpleNamespace:
    """东村: two parcels of 2.77 and 6.35 亩 and an unplaced work of 3, all accepted by the county; 西村 one of 4."""
    land = Land(slug=slug, name=name)
    land.target("abandonment", "20", level="county", shares={"东村": "12", "西村": "8"})
    world = SimpleNamespace(land=land, town=land.town, east=land.villages["东村"], west=land.villages["西村"])
    world.official, world.agri = land.person(), land.person("lead_office")
    world.head, world.neighbour = (land.person("village_head", one) for one in (world.east, world.west))
    world.works = [
        land.work("东村", "abandonment", "2.77", parcel=True),
        land.work("东村", "abandonment", "6.35", parcel=True),
        land.work("东村", "abandonment", "3"),
        land.work("西村", "abandonment", "4", parcel=True),
    ]
    for work in world.works:
        land.step(work, "county_accepted", work.area_mu, by=world.official)
    world.program = Program.objects.create(
        plan=land.plan, town=land.town, year=2024, key="care", name="撂荒整治补助", clause="五（二）4"
    )
    world.rate = Rate.objects.create(
        program=world.program, town=land.town, year=2024, key="care", name="管护奖补", clause="五（二）4",
        yuan_per_mu=Decimal(300), years=[2025, 2026, 2027], basis="still_planted_mu", method="yearly",
        shape={"base": "$still_planted_mu", "base_cap": "$county_mu", "lines": [{"price": "300"}]},
    )  # fmt: skip
    world.rate.kinds.set(Kind.objects.filter(code="abandonment"))
    world.round = Round.objects.create(
        town=land.town, program=world.program, year=2025, label="2025 年管护", is_yearly=True, closes_on=CLOSES
    )
    world.year = TownYear.objects.create(town=land.town, year=2025, working_date=date(2025, 10, 12))
    return world


def opened(world) -> list[Claim]:
    """The claims of 2025, in the order of ``world.works``."""
    open_claims(world.round, by=world.official)
    found = {one.work_id: one for one in Claim.objects.exclude(state="withdrawn").select_related("town", "round")}
    return [found[work.pk] for work in world.works]
