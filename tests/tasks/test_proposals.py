"""Self-chosen parcels: proposed with consent, refused by a clause, reviewed by another, approved in batches."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from farmland.lib import geo
from farmland.lib.refused import Refused
from parcels.models import Parcel, ParcelList, Proposal, Work
from parcels.shapes import set_shape
from tasks.divisions import merge
from tasks.models import Plan
from tasks.proposals import Wish, approve, move, propose, warnings_of
from tests.lib.land_files import geojson
from tests.parcels.test_overlaps import layer, square
from tests.tasks.edit_world import Field
from tests.tasks.land import TODAY, YEAR
from tests.tasks.page_world import sign_in
from tests.tasks.small_plans import HEAD

pytestmark = pytest.mark.django_db


@pytest.fixture
def field():
    return Field()


@pytest.fixture
def wish(field):
    return Wish(field.villages["东村"], "abandonment", "自选1", D("3.2"), "0305", D(12), False, 1, TODAY, "二组")


def test_from_proposal_to_parcel_with_list_and_work(field, wish):
    one = propose(field.year, wish, by=field.head)
    two = propose(field.year, replace(wish, code="自选2", planned_order=2), by=field.head)
    for each in (one, two):
        move(field.year, each, "pass", by=field.official)
    count, job = approve(field.year, [one.pk, two.pk], "秀规资〔2024〕8号", TODAY, by=field.official)

    assert (count, job.kind) == (2, "recompute")
    parcel = Parcel.objects.get(codes=["自选1"])
    assert (parcel.source, parcel.gross_mu, parcel.group) == ("self_selected", D("3.2"), "二组")
    assert Work.objects.get(parcel=parcel).area_mu == D("3.2")
    listed = ParcelList.objects.get(role="self_selected")
    assert (listed.title, listed.listings.count()) == ("自选图斑 秀规资〔2024〕8号", 2)
    told = Event.objects.filter(about=one.pk).order_by("number").values_list("action", flat=True)
    assert list(told) == ["提出自选图斑", "自选图斑镇审核通过", "自选图斑批准"]


@pytest.mark.parametrize(
    ("more", "word"),
    [({"slope": D("25.1")}, "超过 25 度"), ({"in_redline": True}, "生态保护红线")],
)
def test_steep_and_protected_land_is_kept_as_refused(field, wish, more, word):
    one = propose(field.year, replace(wish, **more), by=field.head)
    assert one.state == "refused"
    assert word in one.reason
    assert propose(field.year, wish, by=field.head).state == "proposed"  # its code is free again


def test_exactly_25_degrees_is_not_above_it(field, wish):
    assert propose(field.year, replace(wish, slope=D(25)), by=field.head).state == "proposed"


def test_the_plans_own_clause_is_the_reason(field, wish):
    rule = '{key: steep, clause: 四, purpose: exclusion, when: [[slope, ">", "15"]], then: {refuse: 15度以上不得恢复}}'
    source = f"{HEAD}\nrules: [{rule}]"
    Plan.objects.filter(pk=field.plan.pk).update(source=source, digest="with-a-rule")
    assert propose(field.year, replace(wish, slope=D(16)), by=field.head).reason == "15度以上不得恢复（方案 四）"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        pytest.param({"land_class": "0103"}, "已经是耕地", id="cultivated"),
        pytest.param({"land_class": "9"}, "字典里没有地类", id="unknown class"),
        pytest.param({"kind": "retention"}, "末级任务", id="kind"),
        pytest.param({"area_mu": D(0)}, "应大于 0", id="area"),
        pytest.param({"slope": D(91)}, "0 到 90", id="slope"),
        pytest.param({"consented_on": TODAY + timedelta(days=1)}, "晚于工作日期", id="day"),
        pytest.param({"code": "P1"}, "已在本年度图斑里", id="code of a parcel"),
    ],
)
def test_bad_words_are_refused_and_nothing_is_kept(field, wish, more, word):
    field.parcel("P1")
    with pytest.raises(Refused, match=word):
        propose(field.year, replace(wish, **more), by=field.head)
    assert not Proposal.objects.exists()


def test_a_code_stands_once_and_who_proposes_does_not_review(field, wish):
    one = propose(field.year, wish, by=field.official)
    with pytest.raises(Refused, match="已经提出过"):
        propose(field.year, wish, by=field.head)
    with pytest.raises(Refused, match="您本人提出"):
        move(field.year, one, "pass", by=field.official)
    with pytest.raises(Refused, match="不能登记县级批复"):
        approve(field.year, [one.pk], "8号", TODAY, by=field.second)
    with pytest.raises(Refused, match="须写明原因"):
        move(field.year, one, "refuse", by=field.second)
    move(field.year, one, "withdraw", by=field.head, reason="权利人反悔")
    assert propose(field.year, wish, by=field.head).state == "proposed"


def address(name, pk=None) -> str:
    return reverse(name, kwargs={"town": "qingxi", "year": YEAR} | ({"pk": pk} if pk else {}))


def test_the_pages_lead_from_village_to_county(field, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    sent = {
        "division": field.villages["东村"].code, "code": "自选9", "kind": "abandonment", "area_mu": "2",
        "land_class": "0305", "slope": "8", "in_redline": "no", "planned_order": "1", "consented_on": str(TODAY),
        "consent": SimpleUploadedFile("同意书.pdf", b"%PDF-1.4"),
    }  # fmt: skip
    sign_in(client, field.head)
    bad = sent | {"consent": SimpleUploadedFile("同意书.pdf", b"MZ")}
    assert client.post(address("proposal_create"), bad).status_code == 400
    assert client.post(address("proposal_create"), sent).status_code == 302
    one = Proposal.objects.get()
    assert client.post(address("proposal_move", one.pk), {"move": "pass"}).status_code == 403

    sign_in(client, field.official)
    paper = client.get(address("proposal_consent", one.pk))
    assert (b"".join(paper.streaming_content), paper["Content-Type"]) == (b"%PDF-1.4", "application/octet-stream")
    assert client.post(address("proposal_move", one.pk), {"move": "pass"}).status_code == 302
    assert "登记县级批复" in client.get(address("proposal_list")).content.decode()
    approval = {"chosen": [str(one.pk), "x"], "number": "8号", "approved_on": str(TODAY)}
    assert client.post(address("proposal_approve"), approval).status_code == 302
    assert "8号" in client.get(address("proposal_detail", one.pk)).content.decode()

    other = sign_in(client, field.person("village_head", field.villages["西村"]))
    assert other.get(address("proposal_detail", one.pk)).status_code == 404
    assert "自选9" not in other.get(address("proposal_list")).content.decode()


# The land itself


SQUARE = shapely.box(106.0, 29.8, 106.001, 29.801)


def drawn(wish, boundary=SQUARE) -> Wish:
    return replace(wish, wkb=geo.write_wkb(boundary), issued_crs="EPSG:4490")


@pytest.mark.parametrize("kind", ["redline", "steep"])
def test_a_boundary_on_forbidden_land_is_refused_whatever_was_typed(field, wish, kind):
    layer(field, kind, square(0, 0.3), title="某图层")
    one = propose(field.year, drawn(replace(wish, slope=D(3), in_redline=False)), by=field.head)
    assert one.state == "refused"
    assert "（占 30%）在《某图层》" in one.reason
    beside = drawn(wish, square(1))
    assert propose(field.year, beside, by=field.head).state == "proposed"


def test_a_touching_edge_or_a_layer_that_only_warns_refuses_nothing(field, wish):
    layer(field, "redline", square(0.9985), title="红线")
    layer(field, "pbf", square(0), title="永农")
    layer(field, "rectified", square(0), title="上年整改")
    one = propose(field.year, drawn(wish), by=field.head)
    assert one.state == "proposed"
    assert [text.partition("（")[2] for text in warnings_of(one)] != []
    assert {text[text.index("《") : text.index("》") + 1] for text in warnings_of(one)} == {"《永农》", "《上年整改》"}


def test_without_a_boundary_that_of_the_same_code_speaks(field, wish):
    old = field.parcel("自选1", work=False)
    set_shape(old, SQUARE, crs="EPSG:4490")
    Parcel.objects.filter(pk=old.pk).update(year=YEAR - 1)
    layer(field, "redline", SQUARE, title="红线")
    assert "100%" in propose(field.year, wish, by=field.head).reason
    layer(field, "redline", title="红线台账", codes=["自选9"])
    assert "列在《红线台账》里" in propose(field.year, replace(wish, code="自选9"), by=field.head).reason


def test_a_layer_that_came_later_stops_the_review(field, wish):
    one = propose(field.year, drawn(wish), by=field.head)
    layer(field, "redline", SQUARE, title="红线")
    with pytest.raises(Refused, match="提出以后导入了新的图层"):
        move(field.year, one, "pass", by=field.official)
    assert move(field.year, one, "refuse", by=field.official, reason="在红线内").state == "refused"


def test_the_approved_parcel_has_the_boundary_and_is_held_against_the_others(field, wish):
    one = propose(field.year, drawn(wish), by=field.head)
    move(field.year, one, "pass", by=field.official)
    approve(field.year, [one.pk], "8号", TODAY, by=field.official)
    shape = Parcel.objects.get(codes=["自选1"]).shape
    assert (bytes(shape.wkb), shape.issued_crs) == (geo.write_wkb(SQUARE), "EPSG:4490")
    assert Job.objects.filter(kind="overlaps", state="queued").count() == 1


def test_the_boundary_comes_as_a_file(field, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    layer(field, "redline", square(0, 0.5), title="红线")
    sign_in(client, field.head)
    at = reverse("proposal_create", kwargs={"town": field.town.slug, "year": YEAR})
    values = {
        "division": field.villages["东村"].code, "code": "Z1", "kind": "abandonment", "area_mu": "9",
        "land_class": "0305", "slope": "8", "in_redline": "no", "planned_order": "1",
        "consented_on": TODAY.isoformat(),
    }  # fmt: skip
    two = geojson([SQUARE, square(3)], [("a",), ("b",)], fields=("名称",))
    bow = geojson([shapely.Polygon([(106, 29), (106.1, 29.1), (106.1, 29), (106, 29.1)])], [("a",)], fields=("名称",))
    for bad, word in ((two, "多于 1 个图形"), (bow, "自相交"), (b"{}", "GeoJSON"), (b"x", "不是能读的图形文件")):
        answer = client.post(at, values | {"boundary": SimpleUploadedFile("a.geojson", bad)})
        assert answer.status_code == 400
        assert word in answer.content.decode()
    assert not Proposal.objects.exists()
    good = SimpleUploadedFile("a.geojson", geojson([SQUARE], [("a",)], fields=("名称",)))
    assert client.post(at, values | {"boundary": good}).status_code == 302
    one = Proposal.objects.get()
    assert (one.state, "50%" in one.reason) == ("refused", True)


def test_what_waits_comes_first_and_rest_lists_the_same(field, wish):
    first, second, third = (
        propose(field.year, replace(wish, code=f"自选{number}", planned_order=number, slope=D(slope)), by=field.head)
        for number, slope in ((1, 12), (2, 30), (3, 12))
    )
    move(field.year, first, "pass", by=field.official)
    approve(field.year, [first.pk], "秀规资〔2024〕8号", TODAY, by=field.official)
    client = APIClient()
    client.force_login(field.official)
    page = client.get(reverse("proposal_list", kwargs={"town": field.town.slug, "year": YEAR}))
    assert [one.pk for one in page.context["rows"]] == [third.pk, first.pk, second.pk]
    assert f'秀规资〔2024〕8号，<span class="nowrap">{TODAY:%Y-%m-%d}' in page.content.decode()

    def rows(**query):
        answer = client.get("/api/v1/proposals/", query)
        assert answer.status_code == 200
        return answer.json()["results"]

    one, refused, waiting = rows()
    parcel = Parcel.objects.get(codes=["自选1"])
    expected = {
        "code": "自选1", "state": "approved", "area_mu": "3.2", "slope": "12", "in_redline": False, "planned_order": 1,
        "consented_on": TODAY.isoformat(), "approval_number": "秀规资〔2024〕8号", "approved_on": TODAY.isoformat(),
        "parcel": str(parcel.pk), "division": field.villages["东村"].code, "reason": None,
    }  # fmt: skip
    assert {name: one[name] for name in expected} == expected
    assert (refused["state"], "超过 25 度" in refused["reason"], waiting["state"]) == ("refused", True, "proposed")
    for query, count in (
        ({"town": field.town.slug}, 3), ({"year": YEAR - 1}, 0), ({"kind": "abandonment"}, 3),
        ({"state": "refused"}, 1),
        ({"division": field.villages["西村"].code}, 0), ({"approval_number": "秀规资〔2024〕8号"}, 1),
    ):  # fmt: skip
        assert len(rows(**query)) == count, query


def test_the_land_of_a_village_merged_since_goes_to_the_village_that_has_it(field, wish, client):
    east, west = field.villages["东村"], field.villages["西村"]
    one = propose(field.year, wish, by=field.head)
    move(field.year, one, "pass", by=field.official)
    merge([east], into=west, on=TODAY - timedelta(days=1), reason="县政府批复", by=field.official)
    sign_in(client, field.official)
    page = client.get(reverse("proposal_list", kwargs={"town": field.town.slug, "year": YEAR})).content.decode()
    assert "东村（已并入西村）" in page
    approve(field.year, [one.pk], "秀规资〔2024〕8号", TODAY, by=field.official)
    parcel = Parcel.objects.get(codes=["自选1"])
    assert (parcel.division, Work.objects.get(parcel=parcel).division) == (west, west)
    one.refresh_from_db()
    assert (one.division, one.parcel) == (east, parcel)  # who proposed it stays on record
