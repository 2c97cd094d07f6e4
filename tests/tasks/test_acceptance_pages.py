"""The acceptance page and POST acceptances/: what people and scripts see, may do, and are told."""

import re
from datetime import date
from decimal import Decimal as D
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse as address
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Grant
from farmland.jobs.services import run_pending
from parcels.models import Step
from tasks.services import recompute
from tests.tasks.acceptance_world import WHERE, filled, page_of, send, waiting_land
from tests.tasks.land import YEAR, Land

pytestmark = pytest.mark.django_db


@pytest.fixture
def land():
    return waiting_land()


# The page


def test_what_is_reported_and_not_counted_waits(land, client):
    shown = page_of(client, land.officer)

    queue = shown[shown.index('id="h-waiting"') : shown.index('id="h-enter"')]
    row = re.sub(r"<[^>]+>|\s+", " ", queue[queue.index("东村") :])
    assert "自然撂荒" in row
    assert "9.00" in row
    assert "6.50" in row
    assert "西村" not in row


def test_the_rail_counts_what_waits_before_anybody_opened_a_page_that_knows(land, client, django_assert_num_queries):
    client.force_login(land.officer)
    with CaptureQueriesContext(connection) as first:
        answer = client.get(address("issue_list", kwargs=WHERE))
    with django_assert_num_queries(len(first) - 2):  # the rows and the ladders, once for all of them
        client.get(address("issue_list", kwargs=WHERE))
    counts = {item["name"]: item["count"] for item in answer.context["shell"]["nav"]}

    assert counts["acceptance_list"] == 1


def test_a_village_head_sees_the_own_village_and_no_form(land, client):
    other = land.work("西村", "abandonment", 10)
    land.step(other, "county_accepted", 3, by=land.officer)
    recompute(land.town, YEAR)
    shown = page_of(client, land.head)

    assert "东村" in shown
    assert "西村" not in shown
    assert 'name="accepted_mu"' not in shown
    assert send(client, {"key": "x"}).status_code == 404
    assert Step.objects.filter(by=land.head, rung__level="county").count() == 0


def test_another_towns_official_finds_nothing(land, client):
    other = Land(slug="shiqiao", name="石桥镇")
    client.force_login(other.person())

    assert client.get(address("acceptance_list", kwargs=WHERE)).status_code == 404


def test_an_entry_ends_in_the_new_counted_figure(land, client):
    answer = send(client, filled(land, client, parcel=land.work_of_east.parcel.codes[0], division=""))
    assert answer.status_code == 302
    after = client.get(answer["Location"]).content.decode()
    fragment = re.search(r'hx-get="([^"]+/figure/[^"]*)"', after)[1]
    assert 'hx-trigger="every 1s"' in after

    run_pending()
    shown = unescape(client.get(fragment, headers={"HX-Request": "true"}).content.decode())

    assert "hx-trigger" not in shown
    text = re.sub(r"<[^>]+>|\s+", " ", shown)
    assert "全镇 自然撂荒：已认定 4.00 / 283.00 亩" in re.sub(" +", " ", text)
    assert "东村 自然撂荒：已认定 4.00 / 10.00 亩" in re.sub(" +", " ", text)


def test_the_same_form_sent_twice_is_one_entry(land, client):
    values = filled(land, client)
    for _ in range(2):
        answer = send(client, values)

    assert Step.objects.acceptances().count() == 1
    assert "没有重复写入" in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        pytest.param({"accepted_mu": "４ｘ"}, "accepted_mu", "应为数字，现为“４ｘ”", id="no number"),
        pytest.param({"accepted_mu": "1.23456"}, "accepted_mu", "小数最多 4 位", id="too fine"),
        pytest.param({"accepted_mu": "-2"}, "accepted_mu", "应不小于 0，现为“-2”", id="negative"),
        pytest.param({"accepted_on": "昨天"}, "accepted_on", "“昨天”不是日期", id="no date"),
        pytest.param({"accepted_on": "2024-10-13"}, "accepted_on", "晚于工作日期", id="a day to come"),
        pytest.param({"parcel": "P404"}, "parcel", "没有编号为“P404”的图斑", id="unknown parcel"),
        pytest.param({"verdict": "partial"}, "reason", "部分通过须写明原因", id="partial without reason"),
        pytest.param({"declared_mu": "3"}, "accepted_mu", "大于送验面积 3", id="more than presented"),
        pytest.param({"division": ""}, "division", "请选择村，或填写图斑编号", id="no place"),
    ],
)
def test_an_error_stands_next_to_its_field_and_what_was_typed_stays(land, client, changes, field, said):
    values = filled(land, client, reason="", **changes)
    values["declared_mu"] = changes.get("declared_mu", "88.5")
    answer = send(client, values)
    shown = unescape(answer.content.decode())

    assert answer.status_code == 400
    error = re.search(rf'id="id_{field}-error">([^<]*)<', shown)
    assert error, shown[shown.index('id="h-enter"') :][:3000]
    assert said in error[1]
    assert f'value="{values["declared_mu"]}"' in shown
    assert f'value="{values["key"]}"' in shown
    assert not Step.objects.acceptances().exists()


def test_who_reported_is_told_why_not(land, client):
    Grant.objects.create(user=land.head, role="official", division=land.town)
    values = filled(land, client, parcel=land.work_of_east.parcel.codes[0])
    client.force_login(land.head)
    answer = send(client, values)

    assert answer.status_code == 400
    assert "填报人不能验收" in answer.content.decode()


def test_a_lead_office_accepts_only_its_own_kinds(land, client):
    office = land.person("lead_office")
    Grant.objects.filter(user=office).update(kinds=["restructure"])
    values = filled(land, client)
    client.force_login(office)
    answer = send(client, values)

    assert answer.status_code == 400
    assert "您没有在“东村”验收“自然撂荒”的权限" in answer.content.decode()


def test_an_entry_is_reversed_in_part_with_a_reason(land, client):
    send(client, filled(land, client))
    step = Step.objects.acceptances().get()
    there = address("acceptance_reverse", kwargs=WHERE | {"pk": step.pk})
    form = client.get(there).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', form)[1]

    refused = client.post(there, {"accepted_mu": "9", "accepted_on": "2024-10-11", "reason": "录入有误", "key": key})
    assert refused.status_code == 400
    assert "不大于尚未冲销的 4" in refused.content.decode()
    silent = client.post(there, {"accepted_mu": "1", "accepted_on": "2024-10-11", "reason": "", "key": key})
    assert "请写明冲销的原因" in silent.content.decode()
    for _ in range(2):
        done = client.post(
            there, {"accepted_mu": "1.5", "accepted_on": "2024-10-11", "reason": "录入有误", "key": key}
        )
        assert done.status_code == 302

    assert [one.area_mu for one in Step.objects.acceptances()] == [4, D("-1.5")]
    assert "余 2.50" in page_of(client, land.officer)


def test_a_village_head_cannot_reverse(land, client):
    step = land.step(land.work_of_east, "county_accepted", 2, by=land.officer)
    client.force_login(land.head)

    assert client.post(address("acceptance_reverse", kwargs=WHERE | {"pk": step.pk})).status_code == 404


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"level": "county"}, 2), ({"level": "town"}, 1), ({"verdict": "returned"}, 1), ({"kind": "abandonment"}, 3),
        ({"kind": "in_out"}, 0),
    ],
)  # fmt: skip
def test_every_filter_narrows_the_entries(land, client, query, rows):
    land.step(land.work_of_east, "town_accepted", 3, by=land.officer)
    land.step(land.work_of_east, "county_accepted", 2, by=land.officer)
    land.step(land.work_of_east, "county_accepted", 0, by=land.officer, verdict="returned", reason="图斑对错")
    shown = page_of(client, land.officer, **query)

    assert f'<span class="panel__end">{rows} 条</span>' in shown


def test_a_village_filter_takes_what_lies_below_it(land, client):
    group = land.below(land.villages["西村"], "一组", "group")
    land.step(land.work(group, "abandonment", 3), "county_accepted", 3, by=land.officer)
    land.step(land.work_of_east, "county_accepted", 2, by=land.officer)
    shown = page_of(client, land.officer, division=land.villages["西村"].code)

    assert '<span class="panel__end">1 条</span>' in shown


def test_the_page_asks_the_database_no_more_for_more_entries(land, client):
    counts = []
    for more in (2, 20):
        for _ in range(more):
            land.step(land.work_of_east, "county_accepted", "0.1", by=land.officer)
        page_of(client, land.officer)
        with CaptureQueriesContext(connection) as captured:
            page_of(client, land.officer)
        counts.append(len(captured))

    assert counts[0] == counts[1]


# The same door over REST


@pytest.fixture
def api(land):
    def of(user) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
        return client

    return of


def order(land, **changes) -> dict:
    parcel = str(land.work_of_east.parcel_id)
    return {"town": "qingxi", "year": YEAR, "kind": "abandonment", "parcel": parcel, "level": "county",
            "accepted_mu": "4.25", "accepted_on": "2024-10-10"} | changes  # fmt: skip


def test_a_script_enters_an_acceptance_once_per_key(land, api):
    client = api(land.officer)
    first = client.post("/api/v1/acceptances/", order(land), format="json", headers={"Idempotency-Key": "a"})
    again = client.post("/api/v1/acceptances/", order(land), format="json", headers={"Idempotency-Key": "a"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["accepted_mu"] == "4.25"
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["job"]
    assert again.json()["job"] is None


@pytest.mark.parametrize(
    ("changes", "status", "attr"),
    [
        pytest.param({"accepted_mu": "11"}, 400, "accepted_mu", id="over the parcel"),
        pytest.param({"accepted_mu": "99999999"}, 400, "accepted_mu", id="no such area on earth"),
        pytest.param({"verdict": "revoked"}, 400, "verdict", id="a reversal of nothing"),
        pytest.param({"division": "530000"}, 400, "division", id="another place than the parcel's"),
        pytest.param({"level": "moon"}, 400, "level", id="no such level"),
        pytest.param({"kind": "moon"}, 400, "kind", id="no such kind"),
        pytest.param({"accepted_on": "2024-10-13"}, 400, "accepted_on", id="a day to come"),
        pytest.param({"verdict": "returned", "accepted_mu": "0"}, 400, "reason", id="return without reason"),
        pytest.param({"accepted_on": "x"}, 400, "accepted_on", id="no date"),
        pytest.param({"divison": "530000"}, 400, "divison", id="a misspelt name"),
        pytest.param({"town": "shiqiao"}, 404, None, id="foreign town"),
        pytest.param({"parcel": "00000000-0000-0000-0000-000000000000"}, 404, None, id="no such parcel"),
    ],
)
def test_a_script_is_told_which_field_is_wrong(land, api, changes, status, attr):
    Land(slug="shiqiao", name="石桥镇")
    answer = api(land.officer).post("/api/v1/acceptances/", order(land, **changes), format="json")

    assert answer.status_code == status
    assert answer.json()["errors"][0]["attr"] == attr
    assert not Step.objects.acceptances().exists()


def test_a_script_of_the_reporter_or_a_village_head_is_forbidden(land, api):
    head = api(land.head).post("/api/v1/acceptances/", order(land), format="json")
    Grant.objects.create(user=land.head, role="official", division=land.town)
    reporter = api(type(land.head).objects.get(pk=land.head.pk)).post(
        "/api/v1/acceptances/", order(land), format="json"
    )

    assert (head.status_code, reporter.status_code) == (403, 403)
    assert reporter.json()["errors"][0]["code"] == "same_person"


def test_a_closed_year_is_a_conflict(land, api):
    land.year.closed_on = date(2024, 10, 1)
    land.year.save()

    assert api(land.officer).post("/api/v1/acceptances/", order(land), format="json").status_code == 409


def test_a_script_reverses_by_a_negative_row(land, api):
    client = api(land.officer)
    row = client.post("/api/v1/acceptances/", order(land), format="json").json()
    back = {"reverses": row["id"], "accepted_mu": "-1.25", "accepted_on": "2024-10-11", "reason": "录入有误"}
    undone = client.post("/api/v1/acceptances/", back, format="json")

    assert undone.status_code == 201
    assert undone.json()["reverses"] == row["id"]
    listed = client.get("/api/v1/acceptances/", {"town": "qingxi"}).json()["results"]
    assert sum(D(one["accepted_mu"]) for one in listed) == 3
    for name, value in {"accepted_mu": "1", "town": "erong", "level": "village", "kind": "restructure"}.items():
        wrong = client.post("/api/v1/acceptances/", back | {name: value}, format="json")
        assert (wrong.status_code, wrong.json()["errors"][0]["attr"]) == (400, name)


def test_the_same_key_with_another_verdict_is_another_body(land, api):
    client, key = api(land.officer), {"Idempotency-Key": "v"}
    assert client.post("/api/v1/acceptances/", order(land), format="json", headers=key).status_code == 201
    part = order(land, verdict="partial")
    assert client.post("/api/v1/acceptances/", part, format="json", headers=key).status_code == 422


def test_a_return_over_rest_needs_no_area(land, api):
    sent = order(land, verdict="returned", reason="图斑对错", accepted_mu=None)
    for body in (sent, {name: value for name, value in sent.items() if name != "accepted_mu"}):
        answer = api(land.officer).post("/api/v1/acceptances/", body, format="json")
        assert (answer.status_code, answer.json()["accepted_mu"]) == (201, "0")


def test_a_row_read_can_be_sent_and_a_refusal_says_what_was_sent(land, api):
    client = api(land.officer)
    row = client.post("/api/v1/acceptances/", order(land, accepted_mu="2"), format="json").json()
    assert client.post("/api/v1/acceptances/", row, format="json").status_code == 201  # 2 + 2 of 10
    wrong = client.post(
        "/api/v1/acceptances/", row | {"accepted_mu": "2亩", "accepted_on": "2024.10.9"}, format="json"
    )
    told = {one["attr"]: one["detail"] for one in wrong.json()["errors"]}
    assert told == {
        "accepted_mu": "请填写合法的数字，现为“2亩”。",
        "accepted_on": "日期应写成 2024-10-12 的样子，现为“2024.10.9”。",
    }


def test_the_schema_tells_what_the_door_answers_and_takes(land, api, client):
    schema = client.get("/api/schema/").json()
    door = schema["paths"]["/api/v1/acceptances/"]["post"]
    assert [one["name"] for one in door["parameters"]] == ["Idempotency-Key"]
    assert {"201", "200", "400", "403", "404", "409", "422"} <= set(door["responses"])
    name = door["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    row = api(land.officer).post("/api/v1/acceptances/", order(land), format="json").json()
    assert set(schema["components"]["schemas"][name]["properties"]) == set(row)


def test_a_lower_level_tells_which_records_stand_on_it(land, api):
    client = api(land.officer)
    town = client.post("/api/v1/acceptances/", order(land, level="town"), format="json").json()
    county = client.post("/api/v1/acceptances/", order(land, accepted_mu="3.5"), format="json").json()
    back = {"reverses": town["id"], "accepted_on": "2024-10-11", "reason": "录入有误"}
    refused = client.post("/api/v1/acceptances/", back, format="json")
    told = refused.json()["errors"][0]["detail"]
    assert refused.status_code == 409
    assert "请先冲销更高层级的记录：2024-10-10 区县级认定 3.5 亩" in told
    assert county["id"] in told
    first = client.post("/api/v1/acceptances/", back | {"reverses": county["id"], "accepted_mu": "-1"}, format="json")
    assert first.status_code == 201
    assert (
        "区县级认定 2.5 亩" in client.post("/api/v1/acceptances/", back, format="json").json()["errors"][0]["detail"]
    )
    client.post("/api/v1/acceptances/", back | {"reverses": county["id"]}, format="json")
    assert client.post("/api/v1/acceptances/", back, format="json").status_code == 201
