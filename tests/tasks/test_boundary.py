"""One parcel's boundary by hand: a file of one polygon, both editors' values, the area told, overlaps looked for."""

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Event
from farmland.jobs.models import Job, Upload
from farmland.jobs.services import run_pending
from farmland.places.models import Term
from parcels.changes import Edit
from parcels.models import Overlap, Parcel, Shape
from tasks import land
from tests.lib.land_files import degrees, geojson, kml, shapefile, squares
from tests.parcels.test_overlaps import layer
from tests.tasks.edit_world import Field
from tests.tasks.land import YEAR
from tests.tasks.page_world import sign_in

pytestmark = pytest.mark.django_db
SQUARES = squares(3, step=300)  # 100 m × 100 m, 15 亩
HERE, THERE, _ = degrees(SQUARES)
NAMED = {"fields": ("名称",)}


@pytest.fixture
def field(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Field()


@pytest.fixture
def parcel(field):
    return field.parcel("P1", "15", work=False)


def file_of(boundary, name="a.geojson") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, geojson([boundary], [("甲",)], **NAMED))


def page(parcel) -> str:
    return reverse("parcel_boundary", kwargs={"town": "qingxi", "year": YEAR, "pk": parcel.pk})


def queued() -> int:
    return Job.objects.filter(kind="overlaps", state="queued").count()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(geojson([HERE], [("甲",)], **NAMED), "a.geojson", id="GeoJSON"),
        pytest.param(kml([HERE], [("甲",)], **NAMED), "a.kml", id="KML"),
        pytest.param(shapefile(SQUARES[:1], [("甲",)], **NAMED), "a.zip", id="Shapefile"),
    ],
)
def test_a_file_gives_the_boundary_and_overlaps_follow(field, parcel, client, data, name):
    layer(field, "redline", HERE, title="红线")
    sign_in(client, field.official)
    assert "还没有图形" in client.get(page(parcel)).content.decode()
    answer = client.post(page(parcel), {"version": "1", "boundary": SimpleUploadedFile(name, data)})
    assert answer.status_code == 302, answer.content.decode()
    shape = Shape.objects.get(parcel=parcel)
    assert abs(shape.computed_mu - 15) < D("0.1")
    assert (shape.upload.name, shape.upload.purpose, shape.upload.division) == (
        name,
        "parcel_boundary",
        parcel.division,
    )
    event = Event.objects.get(action="修改图形")
    assert (event.about, event.before, event.user) == (parcel.pk, {"图形面积（亩）": ""}, field.official)
    assert (Parcel.objects.get(pk=parcel.pk).version, queued()) == (2, 1)
    run_pending()
    assert [one.layer.title for one in Overlap.objects.filter(parcel=parcel)] == ["红线"]


def test_an_area_apart_from_the_issued_one_is_told_before_it_is_kept(field, client):
    parcel = field.parcel("P1", "14", work=False)
    sign_in(client, field.official)
    answer = client.post(page(parcel), {"version": "1", "boundary": file_of(HERE)})
    assert answer.status_code == 400
    assert "下发面积 14 亩" in answer.content.decode()
    assert not Shape.objects.exists()
    form = answer.context["form"]
    again = {"version": "1", "upload": form["upload"].value()}
    assert client.post(page(parcel), again).status_code == 400
    assert client.post(page(parcel), again | {"sure": "on"}).status_code == 302
    assert Shape.objects.get().parcel == parcel
    assert Parcel.objects.get().gross_mu == 14  # what was issued stays
    assert Upload.objects.filter(purpose="parcel_boundary").count() == 1


def test_the_file_of_another_is_not_taken_for_ones_own(field, parcel, client):
    sign_in(client, field.official)
    small = field.parcel("P2", "14", work=False)
    kept = client.post(page(small), {"version": "1", "boundary": file_of(HERE)}).context["form"]["upload"].value()
    sign_in(client, field.second)
    answer = client.post(page(parcel), {"version": "1", "upload": kept})
    assert (answer.status_code, "请选择图形文件" in answer.content.decode()) == (400, True)
    assert not Shape.objects.exists()


def test_the_second_of_two_gets_both_areas_and_may_insist(field, parcel, client):
    sign_in(client, field.official)
    client.post(page(parcel), {"version": "1", "boundary": file_of(HERE)})
    sign_in(client, field.second)
    wider = degrees(squares(1, east=35_606_000, side=101))[0]
    sent = {"version": "1", "what": "set", "reason": "重新测绘", "sure": "on", "boundary": file_of(wider)}
    answer = client.post(page(parcel), sent)
    assert answer.status_code == 409
    assert answer.context["form"]["reason"].value() == "重新测绘"
    assert "打开以后别人已改过" in answer.content.decode()
    assert bytes(Shape.objects.get().wkb) == bytes(Shape.objects.get(parcel=parcel).wkb)
    again = {name: answer.context["form"][name].value() for name in ("version", "what", "reason", "upload")}
    assert client.post(page(parcel), again | {"sure": "on"}).status_code == 302
    assert Shape.objects.get().computed_mu > D("15.2")


def test_another_boundary_needs_a_reason_and_the_same_one_writes_nothing(field, parcel, client):
    sign_in(client, field.official)
    client.post(page(parcel), {"version": "1", "boundary": file_of(HERE)})
    sent = {"version": "2", "what": "set"}
    assert client.post(page(parcel), sent | {"boundary": file_of(HERE)}).status_code == 302
    assert (Event.objects.filter(action="修改图形").count(), Parcel.objects.get().version) == (1, 2)
    answer = client.post(page(parcel), sent | {"boundary": file_of(THERE)})
    assert (answer.status_code, "须写明原因" in answer.content.decode()) == (400, True)
    assert client.post(page(parcel), sent | {"boundary": file_of(THERE), "reason": "画错"}).status_code == 302


def test_a_boundary_taken_away_takes_its_overlaps_along(field, parcel, client):
    other = field.parcel("P2", "15", work=False)
    sign_in(client, field.official)
    for one in (parcel, other):
        client.post(page(one), {"version": "1", "boundary": file_of(HERE)})
    run_pending()
    assert Overlap.objects.count() == 2
    answer = client.post(page(parcel), {"version": "2", "what": "remove"})
    assert answer.status_code == 400
    assert client.post(page(parcel), {"version": "2", "what": "remove", "reason": "不是这块"}).status_code == 302
    assert (list(Shape.objects.values_list("parcel", flat=True)), Overlap.objects.count()) == ([other.pk], 0)
    assert Upload.objects.filter(purpose="parcel_boundary").count() == 2  # the files stay


def test_a_file_without_its_zone_is_asked_for_it(field, parcel, client):
    sign_in(client, field.official)
    bare = [one.buffer(0) for one in squares(1, east=605_000)]
    data = shapefile(bare, [("甲",)], without=(".prj",), **NAMED)
    answer = client.post(page(parcel), {"version": "1", "boundary": SimpleUploadedFile("a.zip", data)})
    assert (answer.status_code, "中央经线" in answer.content.decode()) == (400, True)
    again = {"version": "1", "upload": answer.context["form"]["upload"].value(), "zone": "4544"}
    assert client.post(page(parcel), again).status_code == 302
    assert Shape.objects.get().parcel == parcel


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (geojson([HERE, THERE], [("甲",), ("乙",)], **NAMED), "多于 1 个图形"),
        (b"x", "不是能读的图形文件"),
        (b"", "0 字节"),
    ],
)
def test_a_bad_file_writes_nothing(field, parcel, client, data, word):
    sign_in(client, field.official)
    answer = client.post(page(parcel), {"version": "1", "boundary": SimpleUploadedFile("a.geojson", data)})
    assert (answer.status_code, word in answer.content.decode()) == (400, True), answer.content.decode()
    assert not Shape.objects.exists()
    assert queued() == 0


def test_who_may_not_see_coordinates_gets_no_form(field, parcel, client):
    sign_in(client, field.official)
    assert page(parcel) in client.get(page(parcel).replace("boundary/", "")).content.decode()
    Term.objects.filter(dictionary="role", code="official").update(attrs={"can": ["view", "decide"]})
    assert client.get(page(parcel)).status_code == 403
    assert page(parcel) not in client.get(page(parcel).replace("boundary/", "")).content.decode()


def api(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
    return client


def test_over_rest_a_boundary_and_what_it_lies_on(field, parcel):
    layer(field, "redline", HERE, title="红线")
    hidden = field.parcel("Q1", "15", "西村", work=False)
    client = api(field.official)
    for one in (parcel, hidden):
        answer = client.post(f"/api/v1/parcels/{one.pk}/boundary/", {"boundary": file_of(HERE), "version": "1"})
        assert (answer.status_code, answer.json().get("version")) == (200, 2), answer.content
    answer = client.post(f"/api/v1/parcels/{parcel.pk}/boundary/", {"boundary": file_of(THERE), "version": "1"})
    assert answer.status_code == 409
    assert client.post(f"/api/v1/parcels/{parcel.pk}/boundary/", {"version": "2"}).status_code == 400
    run_pending()
    rows = client.get(f"/api/v1/parcels/{parcel.pk}/overlaps/").json()
    assert [(one["with"], one["by"], one["layer_kind"], one["on_restore"], one["share"]) for one in rows] == [
        ("layer", "area", "redline", "forbid", "1.0000"), ("parcel", "area", None, None, "1.0000"),
    ]  # fmt: skip
    assert (rows[1]["parcel"], rows[1]["codes"]) == (str(hidden.pk), ["Q1"])
    rows = api(field.head).get(f"/api/v1/parcels/{parcel.pk}/overlaps/").json()
    assert (rows[1]["parcel"], rows[1]["codes"], rows[1]["division"], rows[1]["year"]) == (None, None, None, YEAR)
    assert api(field.head).get(f"/api/v1/parcels/{hidden.pk}/overlaps/").status_code == 404
    gone = client.post(f"/api/v1/parcels/{parcel.pk}/boundary/", {"remove": "true", "version": "2", "reason": "不是"})
    assert gone.status_code == 200
    assert list(Shape.objects.filter(parcel__isnull=False).values_list("parcel", flat=True)) == [hidden.pk]


def test_only_a_move_to_another_village_has_overlaps_looked_for(field, parcel):
    land.edit(field.year, parcel, Edit({"group": "二组", "division": parcel.division}), by=field.official)
    assert queued() == 0
    wish = Edit({"division": field.villages["西村"]}, reason="登记错村")
    land.edit(field.year, parcel, wish, by=field.official)
    assert queued() == 1
