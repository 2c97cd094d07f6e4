"""``payments/``, ``publicities/``, ``funds/``, and where an amount stands: one batch paid."""

import json
from decimal import Decimal as D

import pytest

from subsidies.models import Entitlement, Objection, Payment
from subsidies.paying import adjustments, payments, publicity
from tests.api.test_money_lists import api, rows
from tests.subsidies.pay_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    made = World()
    made.batch = made.to("paid")
    made.back = Payment.objects.get(line__division=made.land.villages["西村"])
    payments.fail(made.batch, payment=made.back.pk, reason="账户已销户", by=made.finance)
    return made


def test_a_payment_tells_what_left_and_nothing_of_the_account(world):
    client = api(world.finance)
    (row,) = rows(client, "payments", state="failed")
    assert (row["batch_number"], row["amount_yuan"], row["attempt"]) == (world.batch.number, "4250.00", 1)
    assert (row["reason"], row["reference"], row["on"]) == ("账户已销户", None, world.back.on.isoformat())
    assert row["entitlement"] in {one["id"] for one in rows(client, "entitlements")}
    text = json.dumps(rows(client, "payments"), ensure_ascii=False)
    assert not any(told in text for one in world.payees.values() for told in (one.name, one.bank, str(one.pk)))
    assert not {"payee", "name", "tail", "account"} & set(row)


def test_a_posting_tells_its_days_and_its_objections(world):
    world.owe("东村", 2)
    batch = world.to("published")
    (before,) = rows(api(world.finance), "publicities", batch=batch.pk)
    publicity.object_to(batch, who="某村民", what="面积不对", on=world.land.year.today(), by=world.reviewer)
    (row,) = rows(api(world.finance), "publicities", batch=batch.pk, updated_since=before["updated_at"])
    standing = batch.publicities.get()
    assert (row["published_from"], row["published_to"]) == (str(standing.starts_on), str(standing.ends_on))
    assert (row["state"], row["objections"], row["open_objections"]) == ("running", 1, 1)
    assert row["updated_at"] > before["updated_at"]
    publicity.answer(batch, objection=Objection.objects.get().pk, upheld=True, text="属实", by=world.reviewer)
    (row,) = rows(api(world.finance), "publicities", batch=batch.pk)
    assert (row["state"], row["void_reason"], row["open_objections"]) == ("void", "异议成立：属实", 0)


def test_the_rows_of_a_source_add_up_to_what_is_left(world):
    found = rows(api(world.finance), "funds", source="county")
    assert [(one["role"], one["amount_yuan"]) for one in found] == [("allotted", "1000000.00"), ("paid", "-9250.00")]
    assert found[1]["batch"] == str(world.batch.pk)


def test_an_amount_names_the_batch_it_stands_in_and_what_it_adjusts(world):
    adjustments.adjust(world.owed[0], amount=D(-10), reason="多算", by=world.agri)
    client = api(world.finance)
    (row,) = rows(client, "entitlements", adjustment="true")
    assert (row["adjusts"], row["batch"], row["amount_yuan"]) == (str(world.owed[0].pk), None, "-10.00")
    assert len(rows(client, "entitlements", adjusts=world.owed[0].pk)) == 1
    assert len(rows(client, "entitlements", adjustment="false")) == 3
    assert rows(client, "entitlements", adjustment="perhaps") == []
    assert {one["batch"] for one in rows(client, "entitlements", batch=world.batch.pk)} == {str(world.batch.pk)}


def test_a_village_as_the_subject_is_named_by_its_code(world):
    place, row = world.land.villages["东村"], world.owed[0]
    for season in ("", "/autumn"):
        Entitlement.objects.create(
            town=row.town, division=place, program=row.program, rate_version=row.rate_version, rate_key="full",
            round=row.round, year=row.year, subject=f"division:{place.pk}{season}", state="due", facts_digest="f",
        )  # fmt: skip
    found = rows(api(world.finance), "entitlements", state="due")
    assert {one["subject"] for one in found} == {f"division:{place.code}", f"division:{place.code}/autumn"}


@pytest.mark.parametrize(
    ("name", "query", "count"),
    [
        pytest.param("payments", {"town": "qingxi", "year": "2024"}, 3, id="payments"),
        pytest.param("payments", {"year": "2023"}, 0, id="payments of another year"),
        pytest.param("payments", {"state": "sent"}, 2, id="payments by result"),
        pytest.param("publicities", {"town": "qingxi", "year": "2024", "state": "passed"}, 1, id="publicities"),
        pytest.param("publicities", {"state": "void"}, 0, id="publicities by state"),
        pytest.param("funds", {"town": "qingxi", "year": "2024"}, 2, id="funds"),
        pytest.param("funds", {"role": "paid"}, 1, id="funds by role"),
        pytest.param("funds", {"source": "province"}, 0, id="funds by source"),
        pytest.param("funds", {"town": "nowhere"}, 0, id="funds of no town"),
    ],
)
def test_filter(world, name, query, count):
    assert len(rows(api(world.finance), name, **query)) == count


def test_filters_that_name_rows(world):
    client = api(world.finance)
    for name, count in (("payments", 3), ("publicities", 1), ("funds", 1)):
        assert len(rows(client, name, batch=world.batch.pk)) == count
        assert len(rows(client, name, batch=world.program.pk)) == 0
    for name, count in (("payments", 3), ("publicities", 1), ("funds", 2)):
        assert len(rows(client, name, program=world.program.pk)) == count
    assert len(rows(client, "payments", division=world.land.villages["西村"].code)) == 1
    assert len(rows(client, "payments", entitlement=world.owed[0].pk)) == 1
    assert len(rows(client, "funds", round=world.round.pk)) == 1


def test_a_village_reads_its_own_payments_and_nothing_of_the_town(world):
    client = api(world.head)
    assert {one["division_name"] for one in rows(client, "payments")} == {"东村"}
    assert rows(client, "publicities") == rows(client, "funds") == []
    foreign = client.get(f"/api/v1/payments/{world.back.pk}/")
    missing = client.get(f"/api/v1/payments/{world.program.pk}/")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
