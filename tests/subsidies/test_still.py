"""Amounts are computed again when a batch is reviewed and approved: what is no longer so is not signed."""

from uuid import uuid4

import pytest

from farmland.lib.refused import Refused
from subsidies.models import Entitlement
from tests.subsidies.pay_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return World()


FORGED = {"amount": "20000", "parts": [{"payee_kind": "village", "amount": "20000"}]}


@pytest.mark.parametrize("state", ["draft", "over"])
def test_a_parcel_found_never_abandoned_after_the_computing_stops_the_batch(world, state):
    batch = world.to(state)
    parcel = world.owed[0].work.parcel
    parcel.finding = "not_abandoned"
    parcel.save()
    signature = world.review if state == "draft" else world.approve

    with pytest.raises(
        Refused, match=r"数据已变化：东村“全面恢复”2,000\.00 元现为 0\.00 元，请退回、重新核算后再编制"
    ):
        signature(batch)

    batch.refresh_from_db()
    assert batch.state == {"draft": "draft", "over": "published"}[state]


def test_an_amount_written_past_the_services_is_not_signed(world):
    Entitlement.objects.filter(pk=world.owed[0].pk).update(**FORGED)
    with pytest.raises(Refused, match=r"东村“全面恢复”20,000\.00 元现为 2,000\.00 元"):
        world.review(world.prepare())


def test_an_amount_for_land_that_nobody_accepted_is_not_signed(world):
    row = world.owed[0]
    row.pk, row.work, row.subject = uuid4(), None, f"work:{uuid4()}"
    row.save(force_insert=True)

    with pytest.raises(Refused, match=r"东村“全面恢复”2,000\.00 元现为 0\.00 元"):
        world.review(world.prepare())


def test_what_is_still_so_is_signed(world):
    assert world.to("approved").state == "approved"
