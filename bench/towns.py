"""Towns to measure on: one with a whole plan from ``plans/``, or any number of small ones."""

from django.conf import settings

from bench.land import KINDS, kinds, working_day
from farmland.accounts.models import Grant, User
from farmland.places.models import Division
from parcels.models import Kind
from tasks.models import Plan, Share, Target, TownYear
from tasks.plan.load import load_plan

YEAR = 2024


def real_town(name: str = "xihe-2024") -> TownYear:
    """The town of a plan file, with everything the plan says."""
    plan = load_plan((settings.BASE_DIR / "plans" / f"{name}.yaml").read_text(encoding="utf-8")).plan
    TownYear.objects.filter(town=plan.town, year=plan.year).update(working_date=working_day())
    return TownYear.objects.select_related("town").get(town=plan.town, year=plan.year)


def more_villages(town_year: TownYear, count: int) -> list[Division]:
    """``count`` villages more, each with a share of every target of ``bench.land.KINDS`` that the plan splits."""
    town = town_year.town
    there = Division.objects.filter(town=town).count()
    made = [
        Division.objects.create(
            parent=town, kind="village", code=f"{town.code}9{there + one:03}", name=f"第{there + one}村"
        )
        for one in range(count)
    ]
    for target in Target.objects.filter(plan__town=town, plan__year=town_year.year, kind__in=KINDS):
        Share.objects.bulk_create(
            Share(town=town, target=target, division=one, amount=100, potential=120, order=there + number)
            for number, one in enumerate(made)
        )
    return made


def small_town(number: int, villages: int = 20) -> TownYear:
    """A town with one root target, two leaf kinds below it and a share of each for every village."""
    county, _ = Division.objects.get_or_create(code="530000", defaults={"kind": "county", "name": "某区"})
    town = Division.objects.create(
        parent=county, kind="town", code=f"53{number:07}", name=f"第{number}镇", slug=f"town-{number}", is_tenant=True
    )
    town_year = TownYear.objects.create(town=town, year=YEAR, working_date=working_day())
    plan = Plan.objects.create(town=town, year=YEAR, title=f"{town}方案", digest=f"{number}", source="")
    facts = {"plan": plan, "town": town, "comparison": "gte", "unit": "mu", "from_year": YEAR, "to_year": YEAR}
    root = Kind.objects.get(code="non_grain")
    parent = Target.objects.create(key=root.code, kind=root, amount=20_000, clause="一", rule="every", **facts)
    for order, kind in enumerate(kinds(), 1):
        Target.objects.create(
            key=kind.code, kind=kind, amount=10_000, clause="一", parent=parent, order=order, **facts
        )
    more_villages(town_year, villages)
    return town_year


def official(town: Division, name: str = "") -> User:
    """Somebody who may do everything in the town."""
    return person("official", town, name or f"official-{town.slug}")


def person(role: str, division: Division, name: str) -> User:
    user, _ = User.objects.get_or_create(username=name)
    Grant.objects.get_or_create(user=user, role=role, division=division)
    return user
