"""Boundaries of parcels: kept once, shown to those who may see coordinates, null to all others."""

import json

import pytest
import shapely

from farmland.lib import geo
from parcels.models import Parcel, Shape
from parcels.shapes import geojson_of, metres_to, set_shape
from tests.tasks.land import Land

pytestmark = pytest.mark.django_db

FIELD = shapely.box(106.05, 29.8, 106.051, 29.801)


@pytest.fixture
def land():
    return Land()


def parcel_of(land, village="东村") -> Parcel:
    return land.work(village, "abandonment", 6, parcel=True).parcel


def test_the_boundary_is_kept_once_and_the_issued_area_stays(land, django_assert_num_queries):
    parcel = parcel_of(land)
    first = set_shape(parcel, FIELD, crs="EPSG:4523")
    assert (first.west, first.north, first.issued_crs) == (106.05, 29.801, "EPSG:4523")
    assert first.computed_mu == geo.area_mu(FIELD)
    with django_assert_num_queries(1):
        assert set_shape(parcel, shapely.force_3d(FIELD, 5), crs="EPSG:4490") == first
    moved = set_shape(parcel, shapely.box(106.05, 29.8, 106.052, 29.801), crs="EPSG:4490")
    assert moved.pk == first.pk
    assert Shape.objects.get(parcel=parcel).east == 106.052
    parcel.refresh_from_db()
    assert parcel.gross_mu == 6


def test_a_bad_boundary_changes_nothing(land):
    parcel = parcel_of(land)
    set_shape(parcel, FIELD, crs="EPSG:4490")
    with pytest.raises(geo.BadShape, match="自相交"):
        set_shape(parcel, shapely.from_wkt("POLYGON((106 29,106.1 29.1,106.1 29,106 29.1,106 29))"), crs="EPSG:4490")
    assert Shape.objects.get(parcel=parcel).east == 106.051


def test_a_queryset_is_given_with_its_boundaries(land, django_assert_num_queries):
    with_one, without = parcel_of(land), parcel_of(land, "西村")
    set_shape(with_one, FIELD, crs="EPSG:4490")
    with django_assert_num_queries(2):
        found = {parcel.pk: text for parcel, text in geojson_of(Parcel.objects.all())}
    assert json.loads(found[with_one.pk])["type"] == "Polygon"
    assert found[without.pk] is None
    assert metres_to(with_one, 106.0505, 29.8005) == 0
    assert metres_to(without, 106.0505, 29.8005) is None


@pytest.mark.parametrize(("role", "sees"), [("official", True), ("district", True), ("finance", False)])
def test_coordinates_ask_for_the_right_to_see_them(land, role, sees, client):
    from farmland.accounts.models import Grant, User

    parcel = parcel_of(land)
    set_shape(parcel, FIELD, crs="EPSG:4490")
    user = User.objects.create(username=role)
    Grant.objects.create(user=user, role=role, division=land.town)
    client.force_login(user)
    body = json.loads(client.get("/api/v1/parcels/", {"format": "geojson"}).getvalue())
    (feature,) = body["features"]
    assert (feature["geometry"] is not None) is sees
    assert feature["id"] == feature["properties"]["id"] == str(parcel.pk)


def test_boundaries_outside_the_scope_are_not_there(land):
    from farmland.accounts.models import Grant, User

    for village in land.villages:
        set_shape(parcel_of(land, village), FIELD, crs="EPSG:4490")
    head = User.objects.create(username="head")
    Grant.objects.create(user=head, role="village_head", division=land.villages["东村"])
    assert [one.parcel.division.name for one in Shape.objects.visible_to(head)] == ["东村"]
