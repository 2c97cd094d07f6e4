"""What the rates would cost: the known answers of the seeds at their targets, both sides of a cliff, and real land."""

from datetime import date
from decimal import Decimal

import pytest

from subsidies.entitlements.simulate import simulate
from subsidies.models import Entitlement, Program
from subsidies.rates import versions
from tasks.models import Share
from tests.subsidies.money_world import CARE, HEAD, POLICY, REWARD, SHRUB, TODAY, Money
from tests.tasks.page_world import towns

DAY = date(2024, 10, 12)


@pytest.fixture(scope="module", autouse=True)
def both(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, "xihe-2024", "erong-2023") as found:
        yield found


def program(town, key):
    return Program.objects.select_related("town", "plan").get(town__slug=town, key=key)


def cost(found, key):
    return next(one for one in found.rates if one.rate.key == key)


def test_xihe_rewards_79800_at_its_targets_under_both_readings(db):
    found = simulate(program("xihe", "abandonment"), "targets", DAY)
    assert cost(found, "reward").totals == {"A": 79_800, "B": 79_800}
    assert cost(found, "shrub").chosen == 285 * 500
    assert cost(found, "care-abandonment").chosen == 85_500


def test_xihe_aftercare_is_187650_a_year_and_562950_in_three(db):
    costs = [
        cost(simulate(program("xihe", policy), "targets", DAY), f"care-{policy}")
        for policy in ("abandonment", "reforestation", "restoration")
    ]
    assert sum(one.chosen for one in costs) == 187_650
    assert sum(one.chosen * one.years for one in costs) == 562_950


def test_a_piece_of_land_has_one_treatment_so_the_sum_is_a_span(db):
    found = simulate(program("xihe", "reforestation"), "targets", DAY)
    aftercare = 3 * Decimal("2250")
    assert (found.least, found.most) == (9000 + aftercare, 15_000 + aftercare)


def test_erong_pays_28840540_at_its_targets(db):
    found = simulate(program("erong", "restoration"), "targets", DAY)
    assert str(cost(found, "net600").chosen) == "279102.00"
    assert {name: str(total) for name, total in cost(found, "funds").totals.items()} == {
        "A": "9303.40", "B": "9303.40", "C": "23258.50",
    }  # fmt: skip
    assert str(found.most) == "288405.40"


@pytest.fixture
def longtangchong(db):
    return Share.objects.get(division__name__startswith="龙塘冲", target__plan__town__slug="erong").division_id


def test_longtangchong_at_120_of_110_under_every_reading(longtangchong):
    found = simulate(program("erong", "restoration"), "typed", DAY, typed={longtangchong: Decimal(120)})
    net = cost(found, "net600").chosen
    totals = {name: net + funds for name, funds in cost(found, "funds").totals.items()}
    assert totals == {"A": 74_700, "B": 74_900, "C": 78_000}


def test_both_sides_of_the_cliff_are_shown(longtangchong):
    found = simulate(program("erong", "restoration"), "targets", DAY)
    cliff = next(one for one in found.cliffs if one.division == longtangchong)
    assert (cliff.share, cliff.below, cliff.at) == (110, 65_994, 68_200)


def test_simulating_writes_nothing(db):
    simulate(program("xihe", "abandonment"), "accepted", DAY)
    assert not Entitlement.objects.exists()


# a made-up town


@pytest.fixture
def money(db):
    return Money()


def test_what_is_accepted_and_what_is_planned(money):
    work = money.work(accepted="6", area_mu=Decimal(9), parcel=money.parcel())
    money.work("松村", accepted=None, area_mu=Decimal(4))
    assert work.area_mu == 9
    now = simulate(money.program(), "accepted", TODAY)
    then = simulate(money.program(), "pending", TODAY)
    assert [cost(now, "shrub").chosen, cost(then, "shrub").chosen] == [3000, 6500]
    assert cost(then, "care").chosen == 13 * 300


def test_a_draft_can_be_simulated_before_it_is_published(money):
    official = money.person("official")
    rule = money.rate("reward").versions.get().rule
    rule = rule | {"readings": {"A": [{"price": "300"}], "B": [{"price": "100"}]}}
    draft = versions.draft(money.rate("reward"), rule, by=official, chosen="A", reason="拟调标")
    assert cost(simulate(money.program(), "targets", TODAY), "reward").chosen == 30 * 280
    assert cost(simulate(money.program(), "targets", TODAY, instead=draft), "reward").chosen == 30 * 300


def test_a_village_that_is_short_of_its_share_gets_no_reward(money):
    typed = {money.villages["柳村"].pk: Decimal("9.99"), money.villages["松村"].pk: Decimal(20)}
    found = cost(simulate(money.program(), "typed", TODAY, typed=typed), "reward")
    assert {one.division: one.amounts["A"] for one in found.villages} == {
        money.villages["柳村"].pk: 0, money.villages["松村"].pk: 5600,
    }  # fmt: skip


def test_prices_by_class_are_taken_at_their_dearest_and_it_is_said(db):
    table = SHRUB.replace('[{price: "500"}]', '[{price: {by: [land_class], table: {"0101": "3000", "0103": "1500"}}}]')
    money = Money(
        HEAD + POLICY + table.replace('        components: {复耕: "300", 复种: "200"}\n', "") + REWARD + CARE
    )
    found = cost(simulate(money.program(), "targets", TODAY), "shrub")
    assert (found.chosen, found.assumed) == (90_000, "按标准最高的“0101”推算")


def test_a_pool_is_shared_over_what_was_typed(db):
    pool = SHRUB.replace('[{price: "500"}]', "[{price: {pool: $allotted}}]")
    money = Money(HEAD + POLICY + pool.replace('        components: {复耕: "300", 复种: "200"}\n', ""))
    typed = {one.pk: Decimal(3) for one in money.villages.values()}
    found = simulate(money.program(), "typed", TODAY, typed=typed, pool=Decimal(100))
    assert cost(found, "shrub").chosen == Decimal("99.96")  # 16.66 × 6
