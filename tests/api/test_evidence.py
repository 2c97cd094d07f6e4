"""``evidence/``, its files, and ``parcels/{id}/stage/``."""

import re
from datetime import date

import pytest
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from parcels.models import Evidence, Step
from tasks.models import TownYear
from tests.parcels.pictures import exif, field, jpeg, upload
from tests.tasks.form_world import make_world, person

pytestmark = pytest.mark.django_db
PICTURE = jpeg(field((320, 240)), exif=exif(offset="+08:00"))
BARE = jpeg(field((320, 240)))


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return make_world()


def signed_in(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
    return client


@pytest.fixture
def api(world):
    return signed_in(world.head)


def send(api, world, data=PICTURE, key="k1", name="IMG.jpg", **more):
    body = {"file": upload(data, name), "parcel": str(world.parcels[0].pk), "phase": "after", "view": "near"} | more
    return api.post("/api/v1/evidence/", body, headers={"Idempotency-Key": key} if key else {})


def test_a_photo_is_answered_as_the_list_shows_it(api, world):
    answer = send(api, world)
    row = answer.json()
    assert answer.status_code == 201
    assert (row["town"], row["year"], row["kind"]) == ("xihe", 2024, "abandonment")
    assert (row["longitude"], row["latitude"], row["position_from"]) == ("106.06", "29.8366667", "exif")
    assert (row["taken_at"], row["phase"], row["view"]) == ("2024-10-05T10:26:00+08:00", "after", "near")
    assert (row["flags"], row["notes"]) == (["small"], [])
    (listed,) = api.get("/api/v1/evidence/").json()["results"]
    assert listed == {name: value for name, value in row.items() if name != "notes"}


def test_the_schema_fits_the_answer(api, world, client):
    row, schema = send(api, world).json(), client.get("/api/schema/").json()
    answers = schema["paths"]["/api/v1/evidence/"]["post"]["responses"]
    name = answers["201"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    facts = schema["components"]["schemas"][name]["properties"]
    assert set(facts) == set(row)
    assert all(re.fullmatch(facts[one]["pattern"], row[one]) for one in ("longitude", "latitude"))


def test_the_same_key_again_is_200_and_another_file_422(api, world):
    first = send(api, world).json()
    again = send(api, world)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    other = send(api, world, BARE)
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "key_reused")
    assert Evidence.objects.count() == 1


def test_the_phone_says_where_and_when_as_fields(api, world):
    said = {"longitude": "106.1", "latitude": "29.9", "azimuth": "90", "taken_at": "2024-10-06T08:00:00"}
    row = send(api, world, BARE, **said).json()
    assert (row["longitude"], row["position_from"], row["azimuth"]) == ("106.1", "phone", "90")
    assert row["taken_at"] == "2024-10-06T08:00:00+08:00"


@pytest.mark.parametrize(
    ("more", "status", "attr", "text"),
    [
        pytest.param({"data": b"%PDF-1.7"}, 400, "file", "不是照片，请改为 JPG", id="a pdf"),
        pytest.param({"data": PICTURE[:3000]}, 400, "file", "没有传完整，打不开，请重新拍照后再传。", id="truncated"),
        pytest.param({"phase": "later"}, 400, "phase", "阶段应为", id="phase"),
        pytest.param({"view": "selfie"}, 400, "view", "没有名为“selfie”", id="view"),
        pytest.param({"taken_at": "昨天"}, 400, "taken_at", "不是 ISO 8601 时刻", id="moment"),
        pytest.param({"longitude": "东"}, 400, "longitude", "", id="no number"),
        pytest.param({"parcel": "x"}, 400, "parcel", "", id="no id"),
        pytest.param({"note": "a\x00b"}, 400, "note", "空字符（NUL），请删去", id="NUL"),
        pytest.param({"parcel": "00000000-0000-7000-8000-000000000000"}, 404, None, "", id="no such parcel"),
    ],
)
def test_bad_input_is_answered_at_its_field_and_writes_nothing(api, world, more, status, attr, text):
    answer = send(api, world, **more)
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["attr"]) == (status, attr)
    assert text in error["detail"]
    assert not Evidence.objects.exists()


def test_nan_and_infinity_are_no_place(api, world):
    answer = send(api, world, BARE, longitude="nan", latitude="inf")
    assert answer.status_code in (201, 400)
    assert not Evidence.objects.filter(longitude__isnull=False).exists()


def test_without_a_file_400(api, world):
    answer = api.post("/api/v1/evidence/", {"parcel": str(world.parcels[0].pk)}, format="multipart")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "file")


def test_scope_and_right(api, world):
    send(api, world)
    for user, status, rows in (
        (world.neighbour, 404, 0),
        (world.stranger, 404, 0),
        (person("leader", world.town), 403, 1),
    ):
        other = signed_in(user)
        assert send(other, world, key="k2").status_code == status
        assert len(other.get("/api/v1/evidence/").json()["results"]) == rows


def test_coordinates_and_originals_are_for_those_who_may_see_them(api, world):
    one = send(api, world).json()
    leader = signed_in(person("leader", world.town))
    row = leader.get(f"/api/v1/evidence/{one['id']}/").json()
    assert (row["longitude"], row["latitude"], row["accuracy_m"]) == (None, None, None)
    assert "106.06" not in leader.get("/api/v1/evidence/?format=csv").getvalue().decode("utf-8-sig")
    assert leader.get(f"/api/v1/evidence/{one['id']}/file/").status_code == 403
    shown = leader.get(f"/api/v1/evidence/{one['id']}/file/?copy=shown")
    assert b"Exif" not in shown.getvalue()
    original = api.get(f"/api/v1/evidence/{one['id']}/file/")
    assert (original.getvalue(), original["Content-Disposition"][:10]) == (PICTURE, "attachment")
    assert api.get(f"/api/v1/evidence/{one['id']}/file/?copy=all").status_code == 400
    assert signed_in(world.neighbour).get(f"/api/v1/evidence/{one['id']}/file/").status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("town=xihe", 1), ("town=shiyu", 0), ("year=2024", 1), ("year=2023", 0), ("kind=abandonment", 1),
        ("kind=pbf", 0),
        ("division=500151108001", 1), ("division=500151108002", 0), ("category=photo", 1), ("category=paper", 0),
        ("phase=after", 1), ("phase=before", 0), ("view=near", 1), ("view=corner", 0),
    ],
)  # fmt: skip
def test_filters(api, world, query, count):
    send(api, world)
    assert len(api.get(f"/api/v1/evidence/?{query}").json()["results"]) == count


def test_filter_by_parcel(api, world):
    send(api, world)
    for parcel, count in zip(world.parcels, (1, 0), strict=True):
        assert len(api.get(f"/api/v1/evidence/?parcel={parcel.pk}").json()["results"]) == count


def test_a_closed_year_is_409(api, world):
    TownYear.objects.filter(town=world.town).update(closed_on=date(2024, 10, 12))
    assert send(api, world).status_code == 409
    assert stage(api, world).status_code == 409


def stage(api, world, parcel=0, key="s1", **more):
    body = {"stage": "planted", "area_mu": "2.5", "on": "2024-10-06"} | more
    address = f"/api/v1/parcels/{world.parcels[parcel].pk}/stage/"
    return api.post(address, body, format="json", headers={"Idempotency-Key": key})


def test_a_stage_is_reported_once_per_key(api, world):
    answer = stage(api, world)
    row = answer.json()
    assert (answer.status_code, row["stage"], row["area_mu"]) == (201, "planted", "2.5")
    again = stage(api, world)
    assert (again.status_code, again.json()["id"], again.json()["job"]) == (200, row["id"], None)
    assert stage(api, world, area_mu="2").status_code == 422
    assert Step.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "status", "attr"),
    [
        ({"area_mu": "9"}, 400, "area_mu"),
        ({"area_mu": "1e3"}, 400, "area_mu"),
        ({"area_mu": "-1"}, 400, "area_mu"),
        ({"stage": "county_accepted"}, 400, "stage"),
        ({"on": "2024-13-01"}, 400, "on"),
        ({"seen_mu": "1"}, 409, "area_mu"),
    ],
    ids=["too much", "exponent", "negative", "acceptance", "no day", "seen another"],
)
def test_a_wrong_stage_is_answered_at_its_field(api, world, more, status, attr):
    answer = stage(api, world, **more)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["attr"] in (attr, None)
    assert not Step.objects.exists()


def test_stage_scope_and_right(world):
    for user, status in ((world.neighbour, 404), (person("leader", world.town), 403), (world.official, 201)):
        assert stage(signed_in(user), world).status_code == status
