"""The map beside the list: whose boundaries it draws, where, on which ground, in step with the list, and how heavy."""

import gzip
import json
import re
from decimal import Decimal

import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from farmland.places.models import Term
from parcels.models import Parcel, ParcelList
from parcels.shapes import new_shape, set_shape
from tests.tasks.land import YEAR, Land
from tests.tasks.map_world import CRS, SQUARE, mapped

pytestmark = pytest.mark.django_db
WHERE = {"town": "qingxi", "year": YEAR}


@pytest.fixture
def land():
    return mapped()


def url(name: str, **more) -> str:
    return reverse(name, kwargs=WHERE | more)


def drawn(client, user, **query) -> dict:
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(url("parcel_shapes"), query)
    assert answer.status_code == 200, answer
    return answer.json()


def ids(land, *names) -> set[str]:
    return {land.parcels[name].parcel_id.hex for name in names}


def unpacked(facts: dict) -> dict[str, list[tuple[float, float]]]:
    """Id → corners, read as static/land.js reads them."""
    found, first = {}, (0, 0)
    for ring, of in zip(facts["rings"], facts["of"], strict=True):
        x, y = first
        corners = []
        for at in range(0, len(ring), 2):
            x, y = x + ring[at], y + ring[at + 1]
            first = first if at else (x, y)
            corners.append((facts["origin"][0] + x * facts["step"], facts["origin"][1] + y * facts["step"]))
        if of < len(facts["ids"]):
            found[facts["ids"][of]] = corners
    return found


# What is drawn


def test_boundaries_lie_where_they_are(land, client):
    found = unpacked(drawn(client, land.person()))
    for at, name in enumerate("abcd"):
        (one,) = ids(land, name)
        there = shapely.Polygon(found[one])
        assert there.bounds == pytest.approx(
            (106 + at * 0.01, 29.8, 106 + at * 0.01 + SQUARE, 29.8 + SQUARE), abs=2e-6
        )
        assert len(found[one]) == 4


def test_holes_and_parts_are_kept(land, client):
    ring = shapely.box(106, 29.8, 106.002, 29.802).difference(shapely.box(106.0005, 29.8005, 106.001, 29.801))
    set_shape(
        land.parcels["a"].parcel, shapely.MultiPolygon([ring, shapely.box(106.003, 29.8, 106.004, 29.801)]), crs=CRS
    )
    facts = drawn(client, land.person())
    at = facts["ids"].index(land.parcels["a"].parcel_id.hex)
    assert facts["of"].count(at) == 3


def test_a_part_smaller_than_a_step_of_the_grid_is_kept(land, client):
    speck = shapely.box(106.003, 29.8, 106.003 + 5e-7, 29.8 + 5e-7)
    both = shapely.MultiPolygon([shapely.box(106, 29.8, 106.001, 29.801), speck])
    set_shape(land.parcels["a"].parcel, both, crs=CRS)
    facts = drawn(client, land.person())
    at = facts["ids"].index(land.parcels["a"].parcel_id.hex)
    assert facts["of"].count(at) == 2


def test_each_stage_has_its_ground(land, client):
    facts = drawn(client, land.person())
    look = {one: facts["looks"][at] for one, at in zip(facts["ids"], facts["look"], strict=True)}
    tier = {name: look[land.parcels[name].parcel_id.hex]["tier"] for name in "abcd"}
    assert tier == {"a": "accepted", "b": "planted", "c": "dead", "d": "planned"}
    assert look[land.parcels["b"].parcel_id.hex]["name"] == "已种植"


def test_a_clue_without_work_is_bare_and_one_that_cannot_be_done_is_dead(land, client):
    for name, finding in (("e", "real"), ("f", "blocked")):
        clue = Parcel.objects.create(
            town=land.town, division=land.villages["东村"], year=YEAR, kind_id="illegal_use", codes=[name],
            gross_mu=Decimal(1), finding=finding,
        )  # fmt: skip
        set_shape(clue, shapely.box(106.2, 29.8, 106.201, 29.801), crs=CRS)
    facts = drawn(client, land.person(), kind="illegal_use")
    looks = [facts["looks"][at]["tier"] for at in facts["look"]]
    assert dict(zip(facts["codes"], looks, strict=True)) == {"e": "idle", "f": "dead"}


# In step with the list


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({}, "abcd", id="all"),
        pytest.param({"division": "东村"}, "abc", id="division"),
        pytest.param({"kind": "restructure"}, "", id="kind"),
        pytest.param({"stage": "planted"}, "b", id="stage"),
        pytest.param({"stage": "none"}, "c", id="no stage"),
        pytest.param({"source": "petition"}, "", id="source"),
        pytest.param({"q": "code of d"}, "d", id="code"),
    ],
)
def test_the_map_shows_what_the_list_shows(land, client, query, names):
    if "division" in query:
        query["division"] = land.villages[query["division"]].code
    if "q" in query:
        query["q"] = land.parcels["d"].parcel.codes[0]
    assert set(drawn(client, land.person(), **query)["ids"]) == ids(land, *names)
    listed = client.get(url("parcel_list"), query | {"view": "list"}).content.decode()
    rows = {one.replace("-", "") for one in re.findall(r'data-parcel="([^"]+)"', listed)}
    assert rows >= ids(land, *names)
    assert not rows & (ids(land, *"abcd") - ids(land, *names))


def test_an_unknown_village_is_404(land, client):
    client.force_login(land.person())
    assert client.get(url("parcel_shapes"), {"division": "1"}).status_code == 404


# Whose


def test_a_village_sees_its_own_land(land, client):
    head = land.person("village_head", land.villages["西村"])
    assert set(drawn(client, head)["ids"]) == ids(land, "d")
    client.force_login(head)
    assert client.get(url("parcel_glance", pk=land.parcels["d"].parcel_id)).status_code == 200
    assert client.get(url("parcel_glance", pk=land.parcels["a"].parcel_id)).status_code == 404


def test_without_the_right_to_coordinates_nothing_is_drawn_and_the_page_says_why(land, client):
    finance = land.person("finance")
    assert drawn(client, finance)["ids"] == []
    page = client.get(url("parcel_list"), {"view": "map"}).content.decode()
    assert "您的角色不能看坐标" in page
    assert "data-map" not in page
    assert "data-map" not in client.get(url("parcel_list")).content.decode()


def test_a_role_that_may_see_one_village_draws_that_one(land, client):
    grid = land.person("finance")
    grid.grants.create(role="village_head", division=land.villages["西村"])
    assert set(drawn(client, grid)["ids"]) == ids(land, "d")


def layer(land, name="红线", kind="redline"):
    kept = ParcelList.objects.create(town=land.town, year=YEAR, role="layer", source=kind, title=name)
    new_shape(shapely.box(106, 29.8, 106.02, 29.81), town=land.town, crs=CRS, layer=kept).save()


def test_layers_are_for_those_who_see_the_whole_town_with_its_coordinates(land, client):
    layer(land)
    facts = drawn(client, land.person())
    assert facts["layers"] == [{"name": "红线", "kind": "redline"}]
    assert facts["of"].count(4) == 1, "its ring comes after the parcels'"
    assert drawn(client, land.person("village_head", land.villages["东村"]))["layers"] == []
    assert drawn(client, land.person("finance"))["layers"] == []


# The page


def test_the_page_has_the_map_where_there_is_land_and_not_where_it_is_refused(land, client):
    client.force_login(land.person())
    for query, shown in (({}, True), ({"view": "map"}, True), ({"view": "list"}, False)):
        assert ("data-shapes" in client.get(url("parcel_list"), query).content.decode()) is shown, query


def test_the_map_asks_for_the_filters_of_the_page(land, client):
    client.force_login(land.person())
    page = client.get(url("parcel_list"), {"stage": "planted", "q": "P", "page": 2}).content.decode()
    address = re.search(r'data-shapes="([^"]+)"', page)[1]
    assert address == f"{url('parcel_shapes')}?stage=planted&amp;q=P"


def test_without_any_boundary_the_list_works_and_the_map_says_so(client):
    land = Land()
    land.work("东村", "abandonment", "3", parcel=True)
    client.force_login(land.person())
    assert "data-map" not in client.get(url("parcel_list")).content.decode()
    shown = client.get(url("parcel_list"), {"view": "map"}).content.decode()
    assert "还没有图形" in shown
    assert "map.css" in shown
    assert "leaflet" not in shown
    assert drawn(client, land.person())["ids"] == []


def test_the_drawer_tells_facts_work_and_steps(land, client):
    client.force_login(land.person())
    with CaptureQueriesContext(connection) as queries:
        shown = client.get(url("parcel_glance", pk=land.parcels["a"].parcel_id)).content.decode()
    for said in ("15.00 亩", "自然撂荒", "计划 15.00 亩", "区县级认定 15.00 亩", "图形面积"):
        assert said in shown
    assert "<html" not in shown
    assert len(queries) <= 12


def test_only_a_key_brings_tianditu_to_the_page(land, client, settings):
    client.force_login(land.person())
    answer = client.get(url("parcel_list"))
    assert "tianditu" not in answer.content.decode() + answer["Content-Security-Policy"]
    settings.TIANDITU_KEY = "abc123"
    assert re.search(r'data-tiles="https://t{s}[^"]+tk=abc123"', client.get(url("parcel_list")).content.decode())


# Weight


def test_the_same_land_is_not_sent_twice(land, client):
    official = land.person()
    client.force_login(official)
    first = client.get(url("parcel_shapes"), headers={"Accept-Encoding": "gzip"})
    assert first["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(first.content))["ids"]
    assert first["Cache-Control"] == "private, no-cache"
    again = {"If-None-Match": first["ETag"]}
    assert client.get(url("parcel_shapes"), headers=again).status_code == 304
    assert client.get(url("parcel_shapes"), {"stage": "planted"}, headers=again).status_code == 200
    set_shape(land.parcels["a"].parcel, shapely.box(107, 29.8, 107.1, 29.9), crs=CRS)
    assert client.get(url("parcel_shapes"), headers=again).status_code == 200


def test_nobody_gets_anothers_copy(land, client):
    client.force_login(land.person())
    tag = client.get(url("parcel_shapes"))["ETag"]
    client.force_login(land.person("finance"))
    assert client.get(url("parcel_shapes"), headers={"If-None-Match": tag}).status_code == 200


def test_a_right_taken_away_ends_the_copy(land, client):
    """The browser keeps what it was sent; asked again it must not be told that its copy is still good."""
    official = land.person()
    client.force_login(official)
    tag = client.get(url("parcel_shapes"))["ETag"]
    role = Term.objects.get(dictionary="role", town=None, code="official")
    role.attrs["can"].remove("coordinates")
    role.save()
    answer = client.get(url("parcel_shapes"), headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["ids"]) == (200, [])


def test_the_number_of_queries_does_not_grow(land, client):
    official = land.person()
    client.force_login(official)
    layer(land)
    counts = []
    for _ in range(2):
        for number in range(10):
            work = land.work("东村", "abandonment", "1", parcel=True)
            set_shape(work.parcel, shapely.box(106.3, 29.8 + number / 100, 106.301, 29.801 + number / 100), crs=CRS)
        with CaptureQueriesContext(connection) as queries:
            client.get(url("parcel_shapes"))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_more_than_can_be_drawn_is_said(land, client, monkeypatch):
    monkeypatch.setattr("tasks.views.parcel_map.MOST", 3)
    assert drawn(client, land.person()) == {"too_many": 4, "most": 3}
