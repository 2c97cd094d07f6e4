"""``entitlements/``, ``claims/``, ``batches/``: contract fields, scope, one case per filter, the doors of claims."""

import csv
import io
from decimal import Decimal

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Event
from subsidies.claiming.claims import Said, declare
from subsidies.models import Claim, Entitlement, Publicity
from tests.subsidies.claim_world import make_world, opened
from tests.subsidies.entitlement_world import add_batch, add_rows

pytestmark = pytest.mark.django_db
FIELDS = {  # contract §3
    "entitlements": "parcel division program rate year area_mu amount_yuan state explanation exclusions",
    "claims": "year division program declared_mu accepted_mu state",
    "batches": "number state total_yuan published_from published_to",
}


@pytest.fixture
def world():
    made = make_world()
    made.rows = add_rows(made)
    made.batch = add_batch(made, made.rows["batched"])
    Publicity.objects.create(
        town=made.town, batch=made.batch, number=1, starts_on="2024-09-01", ends_on="2024-09-07", required_days=7,
        place="村务公开栏", digest="0" * 64, by=made.official, state="void", void_reason="名单有变",
    )  # fmt: skip
    Publicity.objects.create(
        town=made.town, batch=made.batch, number=2, starts_on="2024-09-08", ends_on="2024-09-14", required_days=7,
        place="村务公开栏", digest="0" * 64, by=made.official,
    )  # fmt: skip
    made.claims = opened(made)
    return made


def api(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
    return client


def rows(client, name: str, **params) -> list[dict]:
    answer = client.get(f"/api/v1/{name}/", params)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


@pytest.mark.parametrize("name", FIELDS)
def test_every_list_has_its_contract_fields(world, name):
    for row in rows(api(world.official), name):
        assert {"id", "updated_at", "town", *FIELDS[name].split()} <= set(row)


def test_an_entitlement_is_written_as_the_contract_says(world):
    one = world.rows["due"]
    (row,) = rows(api(world.official), "entitlements", state="due")
    assert (row["town"], row["year"], row["division"]) == ("qingxi", 2024, world.east.code)
    assert (row["parcel"], row["program"]) == (str(one.work.parcel_id), str(world.program.pk))
    assert row["rate"] in {rate["id"] for rate in rows(api(world.official), "rates")}
    assert (row["area_mu"], row["amount_yuan"]) == ("2.77", "1385.00")
    assert row["explanation"]["lines"][0]["text"] == "2.77 亩 × 500 元/亩"
    assert row["exclusions"] == [{"text": "一地一补", "result": "no", "clause": "五（二）4"}]
    (held,) = rows(api(world.official), "entitlements", state="held")
    assert (held["amount_yuan"], held["reason"]) == ("0.00", "没有导入“盘活撂荒地”名册")


def test_a_batch_shows_the_posting_in_force(world):
    (row,) = rows(api(world.official), "batches")
    assert (row["number"], row["state"], row["total_yuan"]) == ("QX-2024-B01", "paid", "2000.00")
    assert (row["published_from"], row["published_to"], row["lines"]) == ("2024-09-08", "2024-09-14", 1)
    assert rows(api(world.head), "batches") == []


def test_a_village_reads_its_own_money_only(world):
    assert {one["division"] for one in rows(api(world.head), "entitlements")} == {world.east.code}
    assert {one["division"] for one in rows(api(world.neighbour), "claims")} == {world.west.code}
    worker = api(world.land.person("grid_worker", world.east))
    assert rows(worker, "entitlements") == rows(worker, "claims") == rows(worker, "batches") == []
    for name, pk in (("entitlements", world.rows["due"].pk), ("claims", world.claims[0].pk)):
        foreign = api(world.neighbour).get(f"/api/v1/{name}/{pk}/")
        missing = api(world.neighbour).get(f"/api/v1/{name}/{world.program.pk}/")
        assert (
            (foreign.status_code, foreign.content) == (missing.status_code, missing.content) == (404, foreign.content)
        )


@pytest.mark.parametrize(
    ("name", "query", "count"),
    [
        pytest.param("entitlements", {}, 4, id="all"),
        pytest.param("entitlements", {"town": "qingxi"}, 4, id="town"),
        pytest.param("entitlements", {"town": "nowhere"}, 0, id="unknown town"),
        pytest.param("entitlements", {"year": "2024"}, 4, id="year"),
        pytest.param("entitlements", {"year": "2025"}, 0, id="other year"),
        pytest.param("entitlements", {"about_year": "2024"}, 4, id="about the year"),
        pytest.param("entitlements", {"about_year": "x"}, 0, id="about no year"),
        pytest.param("entitlements", {"kind": "abandonment"}, 4, id="kind"),
        pytest.param("entitlements", {"kind": "restoration"}, 0, id="other kind"),
        pytest.param("entitlements", {"state": "batched"}, 1, id="state"),
        pytest.param("entitlements", {"updated_since": "2999-01-01"}, 0, id="updated_since later"),
        pytest.param("claims", {}, 4, id="claims"),
        pytest.param("claims", {"year": "2025"}, 4, id="claims of the year"),
        pytest.param("claims", {"year": "2024"}, 0, id="claims of another year"),
        pytest.param("claims", {"town": "qingxi", "state": "draft"}, 4, id="claims by state"),
        pytest.param("claims", {"kind": "abandonment"}, 4, id="claims by kind"),
        pytest.param("claims", {"kind": "offset"}, 0, id="claims of another kind"),
        pytest.param("care-forecast", {"town": "qingxi", "plan_year": "2024"}, 6, id="forecast"),
        pytest.param("care-forecast", {"year": "2026"}, 2, id="forecast of a year"),
        pytest.param("care-forecast", {"plan_year": "2023"}, 0, id="forecast of another plan"),
        pytest.param("care-forecast", {"updated_since": "2999-01-01"}, 0, id="forecast updated later"),
        pytest.param("batches", {"year": "2024", "town": "qingxi", "state": "paid"}, 1, id="batches"),
        pytest.param("batches", {"state": "draft"}, 0, id="batches by state"),
        pytest.param("batches", {"number": "QX-2024-B01"}, 1, id="batch by number"),
    ],
)
def test_filter(world, name, query, count):
    assert len(rows(api(world.official), name, **query)) == count


def test_the_forecast_is_the_page_s_to_the_cent_and_a_village_reads_its_own(world):
    first, *_ = world.claims
    declare(first, Said(Decimal("2"), reason="撂荒"), by=world.head)

    found = rows(api(world.official), "care-forecast", year="2026")

    names = ("division_name", "accepted_mu", "given_up_mu", "area_mu", "amount_yuan")
    assert [tuple(one[name] for name in names) for one in found] == [
        ("东村", "12.12", "0.77", "11.35", "3405.00"),
        ("西村", "4", "0", "4", "1200.00"),
    ]
    pages = Client()
    pages.force_login(world.official)
    page = pages.get("/qingxi/2024/subsidies/claims/forecast/").content.decode()
    assert "3,405.00" in page
    assert "13,815.00" in page  # 3 × (3405 + 1200)
    assert {one["division"] for one in rows(api(world.head), "care-forecast")} == {world.east.code}
    assert api(world.neighbour).get(f"/api/v1/care-forecast/{found[0]['id']}/").status_code == 404
    assert api(world.head).get(f"/api/v1/care-forecast/{found[0]['id']}/").json() == found[0]
    answer = api(world.head).get("/api/v1/care-forecast/", {"format": "xlsx"})
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    answer.close()
    assert [row[9] for row in book.active.iter_rows(min_row=2, values_only=True)] == [3405] * 3


def test_filters_that_name_rows(world):
    client = api(world.official)
    one = world.rows["due"]
    for name in ("entitlements", "claims"):
        west = 1
        assert len(rows(client, name, division=world.west.code)) == west
        assert len(rows(client, name, division=world.town.code)) == 4
        assert len(rows(client, name, program=world.program.pk)) == 4
        assert len(rows(client, name, parcel=one.work.parcel_id)) == 1
        assert len(rows(client, name, program=one.pk)) == 0
    assert len(rows(client, "entitlements", round=world.once.pk)) == 4
    assert len(rows(client, "claims", round=world.once.pk)) == 0
    assert len(rows(client, "batches", round=world.once.pk, program=world.program.pk)) == 1


def test_replaced_rows_come_only_to_who_asks_for_changes(world):
    Entitlement.objects.filter(pk=world.rows["due"].pk).update(state="replaced")
    client = api(world.official)
    assert len(rows(client, "entitlements")) == 3
    assert len(rows(client, "entitlements", state="replaced")) == 1
    assert len(rows(client, "entitlements", updated_since="2020-01-01")) == 4


def test_an_export_adds_up_to_the_page(world):
    answer = api(world.official).get("/api/v1/entitlements/", {"format": "csv", "about_year": "2024"})
    found = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert sum(Decimal(one["金额（元）"]) for one in found) == Decimal("3385.00")
    answer = api(world.official).get("/api/v1/claims/", {"format": "xlsx"})
    assert answer.getvalue().startswith(b"PK")


def test_the_number_of_queries_does_not_grow_with_the_rows(world):
    client = api(world.official)
    client.get("/api/v1/batches/")  # notes the token's day
    for name in FIELDS:
        asked = []
        for size in (1, 100):
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/api/v1/{name}/", {"page_size": size})
            asked.append(len(queries))
        assert asked[0] == asked[1] <= 6, name


# doors


def post(user, address: str, body: dict, key: str = ""):
    return api(user).post(f"/api/v1/claims/{address}", body, format="json", **({"HTTP_IDEMPOTENCY_KEY": key} if key
                                                                               else {}))  # fmt: skip


def test_declaring_and_verifying(world):
    claim = world.claims[0]
    answer = post(world.head, "", {"claim": str(claim.pk), "declared_mu": "2.5", "reason": "边角未种"}, "k1")
    assert answer.status_code == 201, answer.content
    assert (answer.json()["state"], answer.json()["declared_mu"]) == ("submitted", "2.5")
    again = post(world.head, "", {"claim": str(claim.pk), "declared_mu": "2.5", "reason": "边角未种"}, "k1")
    assert (again.status_code, again.json()["id"]) == (200, str(claim.pk))
    other = post(world.head, "", {"claim": str(claim.pk), "declared_mu": "2.4", "reason": "边角未种"}, "k1")
    assert other.status_code == 422
    twice = post(world.head, "", {"claim": str(claim.pk), "declared_mu": "2.5", "reason": "边角未种"})
    assert twice.status_code == 409
    done = post(world.official, f"{claim.pk}/verify/", {"accepted_mu": "2.5"})
    assert (done.status_code, done.json()["accepted_mu"], done.json()["state"]) == (200, "2.5", "verified")


def test_a_claim_is_found_by_parcel_and_year_and_opened_on_demand(world):
    Claim.objects.all().delete()
    parcel = str(world.works[0].parcel_id)
    answer = post(world.head, "", {"year": 2025, "parcel": parcel, "declared_mu": "2.77"})
    assert (answer.status_code, answer.json()["parcel"]) == (201, parcel)
    assert set(Claim.objects.values_list("division", flat=True)) == {world.east.pk}
    answer = post(world.head, "", {"year": 2025, "work": str(world.works[2].pk), "declared_mu": "3"})
    assert answer.status_code == 201


def test_what_is_refused_says_where_and_is_logged(world):
    claim = world.claims[0]
    answer = post(world.head, "", {"claim": str(claim.pk), "declared_mu": "2.78"})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["attr"]) == (400, "declared_mu")
    assert "超过认定的 2.77 亩" in error["detail"]
    assert Event.objects.filter(action="申报管护（未准）", about=claim.pk).count() == 1
    for body in ({}, {"declared_mu": "1"}, {"claim": str(claim.pk)}, {"year": 2025, "declared_mu": "1"}):
        assert post(world.head, "", body).status_code == 400
    claim.refresh_from_db()
    assert claim.state == "draft"


def test_another_villages_land_is_a_missing_one_and_the_attempt_is_logged(world):
    foreign = post(world.neighbour, "", {"claim": str(world.claims[0].pk), "declared_mu": "1"})
    missing = post(world.neighbour, "", {"claim": str(world.program.pk), "declared_mu": "1"})
    by_land = post(world.neighbour, "", {"year": 2025, "parcel": str(world.works[0].parcel_id), "declared_mu": "1"})
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
    assert (by_land.status_code, by_land.content) == (404, foreign.content)
    assert Event.objects.filter(action="申报管护（未准）", user=world.neighbour).count() == 3
    assert post(world.official, "", {"claim": str(world.claims[0].pk), "declared_mu": "1"}).status_code == 403


def test_giving_back_and_taking_back(world):
    claim = world.claims[0]
    post(world.head, "", {"claim": str(claim.pk), "declared_mu": "2.77"})
    assert post(world.head, f"{claim.pk}/verify/", {"accepted_mu": "2.77"}).status_code == 403
    assert Event.objects.filter(action="核实管护申报（未准）", about=claim.pk, user=world.head).count() == 1
    assert post(world.official, f"{claim.pk}/verify/", {"verdict": "returned"}).status_code == 400
    assert post(world.official, f"{claim.pk}/verify/", {}).status_code == 400
    answer = post(world.official, f"{claim.pk}/verify/", {"verdict": "returned", "reason": "缺照片"})
    assert (answer.json()["state"], answer.json()["verdict_reason"]) == ("returned", "缺照片")
    post(world.head, "", {"claim": str(claim.pk), "declared_mu": "2.77"})
    fresh = post(world.head, f"{claim.pk}/withdraw/", {})
    assert (fresh.status_code, fresh.json()["state"]) == (200, "draft")
    assert fresh.json()["id"] != str(claim.pk)
    assert post(world.head, f"{claim.pk}/withdraw/", {}).status_code == 409
