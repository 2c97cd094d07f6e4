"""The demo's money goes with the demo, paid and frozen as it may be."""

from decimal import Decimal as D

import pytest

from farmland.accounts.models import User
from farmland.demo.services import remove_demo
from subsidies.models import Batch, BatchLine, Claim, Entitlement, Fund, Payee, Payment, Publicity
from subsidies.paying import adjustments
from subsidies.proof import audit
from tests.subsidies.pay_world import World

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
