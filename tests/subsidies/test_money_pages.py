"""补助 pages: the sums of the rows, and a row explained so that a village head can follow it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from farmland.accounts.models import Event
from subsidies.claiming.claims import open_claims
from subsidies.models import Claim, Entitlement
from tests.subsidies.claim_world import make_world
from tests.subsidies.entitlement_world import add_batch, add_rows
from tests.tasks.page_world import shown, sign_in

pytestmark = pytest.mark.django_db
HOME = "/qingxi/2024/subsidies/"


@pytest.fixture
def world():
    made = make_world()
    made.rows = add_rows(made)
    made.batch = add_batch(made, made.rows["batched"])
    return made


def text_of(html: str) -> str:
    return " ".join(html.split())


def test_the_home_page_adds_up_the_rows_by_round_and_by_village(world, client):
    page = shown(sign_in(client, world.official), HOME)
    assert "3,385.00" in page  # 1,385.00 due + 2,000.00 in a batch
    assert "已支付 2,000.00 元" in page
    assert "东村" in page
    assert "西村" in page
    assert "1 笔应补暂缓" in page


def test_a_village_sees_its_own_money_only(world, client):
    page = shown(sign_in(client, world.head), HOME)
    assert "1,385.00" in page
    assert "2,000.00" not in page
    assert "西村" not in page
    page = shown(client, f"{HOME}entitlements/")
    assert "1,385.00" in page
    assert "西村" not in page


@pytest.mark.parametrize("name", ["due", "held", "ineligible"])
def test_another_villages_row_is_a_missing_one(world, client, name):
    sign_in(client, world.neighbour)
    assert client.get(f"{HOME}entitlements/{world.rows[name].pk}/").status_code == 404
    assert client.get(f"{HOME}entitlements/{world.rows['batched'].pk}/").status_code == 200


def test_who_reads_no_money_finds_no_page(world, client):
    sign_in(client, world.land.person("grid_worker", world.east))
    assert client.get(HOME).status_code == 404
    assert client.get(f"{HOME}entitlements/").status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 4), ("state=held", 1), ("state=nothing", 0), ("round=x", 0), ("program=x", 0), ("division=", 4),
    ],
)  # fmt: skip
def test_the_list_filters(world, client, query, count):
    page = shown(sign_in(client, world.official), f"{HOME}entitlements/?{query}")
    assert f"{count} 笔，合计" in page


def test_the_list_filters_by_village_program_and_round_with_the_sum_of_what_is_left(world, client):
    sign_in(client, world.official)
    page = shown(client, f"{HOME}entitlements/?division={world.west.code}")
    assert "应补 2,000.00 元" in page
    assert "1 笔，合计" in page
    for name, one in (("program", world.program), ("round", world.once)):
        assert "4 笔，合计" in shown(client, f"{HOME}entitlements/?{name}={one.pk}")
    assert "0 笔，合计" in shown(client, f"{HOME}entitlements/?round={world.round.pk}")
    assert client.get(f"{HOME}entitlements/?division=nowhere").status_code == 404


def test_a_row_says_its_sum_first_and_leads_to_rule_land_acceptance_and_evidence(world, client):
    page = text_of(shown(sign_in(client, world.head), f"{HOME}entitlements/{world.rows['due'].pk}/"))
    assert "2.77 亩 × 500 元/亩 = 1,385.00 元" in page
    for words in ("五（二）4", "第 1 版", "区县级认定面积", "与 2023 年整治图斑重合的不补", "四舍五入到分", "复耕"):
        assert words in page, words
    parcel = world.works[0].parcel
    assert f"/qingxi/2024/parcels/{parcel.pk}/" in page
    assert f"/qingxi/2024/parcels/{parcel.pk}/evidence/" in page
    assert "县级认定" in page or "区县级" in page
    assert str(world.official) in page  # who accepted


def test_a_held_row_says_what_is_missing_and_who_answers(world, client):
    page = text_of(shown(sign_in(client, world.head), f"{HOME}entitlements/{world.rows['held'].pk}/"))
    assert "暂缓：没有导入“盘活撂荒地”名册" in page
    assert "还缺什么" in page
    assert "凭依据认定" in page


def test_a_row_in_a_batch_shows_its_hands_and_payments(world, client):
    page = text_of(shown(sign_in(client, world.neighbour), f"{HOME}entitlements/{world.rows['batched'].pk}/"))
    assert "QX-2024-B01" in page
    assert "boss" in page
    assert "2,000.00" in page


def test_an_adjustment_names_the_row_it_corrects(world, client):
    first = world.rows["batched"]
    less = Entitlement.objects.create(
        town=world.town, division=first.division, program=first.program, rate_version=first.rate_version,
        rate_key=first.rate_key, round=first.round, year=2024, work=first.work, subject=first.subject,
        amount=-100, adjusts=first, state="due", reason="复核少 0.2 亩", facts_digest="",
    )  # fmt: skip
    page = text_of(shown(sign_in(client, world.official), f"{HOME}entitlements/{less.pk}/"))
    assert "调整 −100.00 元：复核少 0.2 亩" in page
    assert f"entitlements/{first.pk}/" in page
    assert "1,900.00" in shown(client, f"{HOME}entitlements/?division={world.west.code}")


def test_pages_ask_at_most_twelve_times(world, client):
    for number in range(8):  # areas without a parcel say their village
        work = world.land.work("西村", "abandonment", "1", tranche=f"t{number}")
        world.land.step(work, "county_accepted", "1", by=world.official)
    open_claims(world.round, by=world.official)
    sign_in(client, world.official)
    claim = Claim.objects.first()
    for address in (
        HOME, f"{HOME}entitlements/", f"{HOME}entitlements/{world.rows['batched'].pk}/", f"{HOME}claims/",
        f"{HOME}claims/?for=2025", f"{HOME}claims/{claim.pk}/", f"{HOME}claims/forecast/",
    ):  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        assert len(queries) <= 12, (address, len(queries), [one["sql"][:150] for one in queries])


def test_looking_is_not_logged_and_changes_nothing(world, client):
    sign_in(client, world.official)
    before = Event.objects.count()
    shown(client, f"{HOME}entitlements/{world.rows['due'].pk}/")
    assert Event.objects.count() == before
