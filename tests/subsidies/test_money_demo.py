"""The demo's money goes with the demo, paid and frozen as it may be."""

from decimal import Decimal as D

import pytest

from farmland.accounts.models import User
from farmland.demo.services import remove_demo
from farmland.lib.refused import Refused
from subsidies.models import Batch, BatchLine, Claim, Entitlement, Fund, Payee, Payment, Publicity
from subsidies.paying import adjustments, batches, funds, payees
from subsidies.proof import audit
from tests.subsidies.pay_world import World
from tests.tasks.land import TODAY

pytestmark = pytest.mark.django_db


def test_paid_money_of_the_demo_goes_with_it(settings, tmp_path):
    settings.VAR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    world = World(demo=True)
    world.to("reconciled")
    adjustments.adjust(world.owed[0], amount=D(5), reason="补差", by=world.agri)
    world.to("approved")
    world.owe("西村", 1)
    world.to("published")

    remove_demo()

    for model in (Payment, Fund, Publicity, BatchLine, Batch, Entitlement, Claim, Payee):
        assert not model.objects.exists(), model
    assert not User.objects.filter(is_demo=True).exists()
    assert audit.money()[1] == []


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return World()


def player(world, role) -> User:
    """A demo user of the town, whose password everybody knows."""
    user = world.land.person(role, name=f"演示{role}")
    user.is_demo = True
    user.save()
    return user


def enter(world, by, source, amount, role="allotted"):
    return funds.enter(world.program, source=source, role=role, amount=D(amount), on=TODAY, by=by)


def test_invented_money_pays_no_real_batch(world):
    enter(world, player(world, "finance"), "town", "5000000")
    batch = world.to("approved")

    with pytest.raises(Refused, match=r"资金不足，差 9,250\.00 元"):
        world.pay(batch, source="town")

    assert not Payment.objects.exists()
    assert world.pay(batch).state == "paid"  # of the one source that has real money


def test_invented_and_real_amounts_never_stand_in_one_batch(world):
    row = world.owe("西村", 3)
    Entitlement.objects.filter(pk=row.pk).update(is_demo=True)

    batch = world.prepare()
    with pytest.raises(Refused, match="已不能列入"):
        batches.add(batch, [row], version=batch.version, by=world.agri)
    made_up = batches.prepare(world.round, by=player(world, "lead_office"))

    assert set(batch.lines.values_list("entitlement", flat=True)) == {one.pk for one in world.owed}
    assert list(made_up.lines.values_list("entitlement", flat=True)) == [row.pk]


def test_a_real_batch_goes_to_the_real_account_beside_an_invented_one(world):
    place = world.land.villages["东村"]
    wanted = payees.Wanted("village", "东村经济合作社（演示）", "99008877665544", "演示农商行")
    payees.confirm(payees.enter(place, wanted, by=player(world, "official")), by=player(world, "finance"))

    batch = world.prepare()

    assert set(batch.lines.values_list("division", "payee")) == {
        (one.division_id, one.pk) for name, one in world.payees.items() if name in ("东村", "西村")
    }


def test_real_money_is_not_moved_by_a_demo_user(world):
    by = player(world, "finance")
    with pytest.raises(Refused, match="资金不足"):
        enter(world, by, "county", "1", "moved_out")
    with pytest.raises(Refused, match="资金不足"):
        funds.rebook(world.program, source="county", to="town", amount=D(1), reason="试", by=by)

    assert Fund.objects.count() == 1


def test_real_amounts_are_not_adjusted_by_a_demo_user(world):
    world.to("paid")
    by = player(world, "lead_office")
    made = adjustments.adjust(world.owed[0], amount=D(-5), reason="多算", by=world.agri)
    with pytest.raises(Refused, match="演示用户不能办理正式的应补"):
        adjustments.adjust(world.owed[0], amount=D(5), reason="试", by=by)
    with pytest.raises(Refused, match="演示用户不能办理正式的应补"):
        adjustments.withdraw(made, reason="试", by=by)

    assert list(world.owed[0].adjustments.values_list("amount", "state", "is_demo")) == [(D(-5), "due", False)]


def test_the_page_of_funds_keeps_the_two_apart(world, client):
    enter(world, player(world, "finance"), "county", "7")
    client.force_login(world.finance)

    text = client.get("/qingxi/2024/subsidies/batches/funds/").content.decode()

    assert "1,000,000.00" in text
    assert "1,000,007.00" not in text
    assert "（演示）" in text
