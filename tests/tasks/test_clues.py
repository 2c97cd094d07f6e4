"""Clues: reported once, seen by their reporter and the office, compared, taken up or set aside; problems handed on."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Event
from farmland.places.models import Division
from tasks.acceptance import Refused
from tasks.clues import Report, dismiss, mark_duplicate, metres_between, report, similar, take_up
from tasks.models import Clue, Issue, Referral, TownYear
from tests.parcels.pictures import field, jpeg, upload
from tests.tasks.issue_world import Ledger
from tests.tasks.land import TODAY
from tests.tasks.page_world import shown, sign_in

pytestmark = pytest.mark.django_db
PHONE, LIST = "/qingxi/2024/patrol/", "/qingxi/2024/clues/"
NORTH_90_M = 90 / 111_320


@pytest.fixture
def ledger():
    cache.clear()
    return Ledger()


@pytest.fixture
def walker(ledger):
    return ledger.person("grid_worker", ledger.villages["东村"])


def clue(ledger, by, place="九组水库边", village="东村", **more) -> Clue:
    sent = Report(ledger.villages[village], more.pop("category", "building"), place, **more)
    return report(ledger.year, sent, by=by)[0]


def form(ledger, **more) -> dict:
    return {
        "division": ledger.villages["东村"].code,
        "category": "building",
        "place": "九组水库边",
        "key": "k1",
    } | more


def test_a_grid_worker_reports_in_one_form_and_sees_only_that_page(client, ledger, walker):
    sign_in(client, walker)
    assert client.get("/")["Location"] == PHONE
    page = shown(client, PHONE)
    assert "看到什么" in page
    assert "图斑" not in page.split('class="tabs"')[1]
    answer = client.post(
        PHONE, form(ledger, note="正在打地基", longitude="106.05", latitude="29.84", accuracy_m="12"), follow=True
    )
    assert "已收到：九组水库边。" in answer.content.decode()
    found = Clue.objects.get()
    assert (found.division.name, found.note, found.longitude, found.by, found.state) == (
        "东村",
        "正在打地基",
        106.05,
        walker,
        "new",
    )
    assert Event.objects.get(about=found.pk).action == "上报巡查线索"
    for page in ("", "issues/", "clues/", "parcels/", "forms/", "plan/"):
        assert client.get(f"/qingxi/2024/{page}").status_code == 404, page
    assert walker.divisions().count() == 0


def test_the_page_of_somebody_with_one_village_names_it_and_of_several_asks(client, ledger, walker):
    one = shown(sign_in(client, walker), PHONE)
    assert f'type="hidden" name="division" value="{ledger.villages["东村"].code}"' in one
    several = shown(sign_in(client, ledger.official), PHONE)
    assert '<select name="division"' in several


def test_ones_own_newest_report_stands_first(client, ledger, walker):
    old = clue(ledger, walker, "十组路口")
    Clue.objects.filter(pk=clue(ledger, walker).pk).update(reported_at=old.reported_at + timedelta(days=2))
    page = shown(sign_in(client, walker), PHONE).split("我报的")[1]
    assert page.index("九组水库边") < page.index("十组路口")


def test_the_same_form_twice_is_one_clue(client, ledger, walker):
    sign_in(client, walker)
    for _ in range(2):
        assert client.post(PHONE, form(ledger)).status_code == 302
    assert Clue.objects.count() == 1
    assert client.post(PHONE, form(ledger, place="别处")).status_code == 400
    assert Clue.objects.count() == 1


def test_a_photo_that_is_none_is_told_and_the_clue_is_kept(client, ledger, walker, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    sign_in(client, walker)
    file = SimpleUploadedFile("photo.jpg", b"%!PS-Adobe EPS", content_type="image/jpeg")
    page = client.post(PHONE, form(ledger, photo=file), follow=True).content.decode()
    assert "第 1 张照片没有收" in page
    assert Clue.objects.get().photos.count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("place", ""), ("category", ""), ("category", "x"), ("division", "1"), ("longitude", "181"), ("latitude", "nan"),
     ("note", "x" * 301), ("key", "")],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_kept(client, ledger, walker, field, value):
    sent = form(ledger, longitude="106", latitude="29") | {field: value}
    assert sign_in(client, walker).post(PHONE, sent).status_code == 400
    assert not Clue.objects.exists()


def test_the_office_filters_takes_up_and_dismisses(client, ledger, walker):
    first, second = clue(ledger, walker), clue(ledger, walker, "十组路口", category="idle")
    sign_in(client, ledger.official)
    page = shown(client, LIST)
    assert page.count("/clues/0") == 2
    assert "九组水库边" not in shown(client, f"{LIST}?state=dismissed")
    assert "九组水库边" in shown(client, f"{LIST}?state=new&division={ledger.villages['东村'].code}")
    assert client.post(f"{LIST}{second.pk}/dismiss/", {"reason": ""}).status_code == 400
    assert client.post(f"{LIST}{second.pk}/dismiss/", {"reason": "是自家菜地"}).status_code == 302
    second.refresh_from_db()
    assert (second.state, second.reason, second.handled_by) == ("dismissed", "是自家菜地", ledger.official)
    assert client.post(f"{LIST}{second.pk}/dismiss/", {"reason": "又"}).status_code == 409

    page = shown(client, f"/qingxi/2024/issues/new/?clue={first.pk}")
    assert 'value="九组水库边"' in page
    assert '<option value="building" selected>' in page  # so that the rules know what it is about
    sent = {
        "kind": "illegal_use", "project": "新建房屋", "division": ledger.villages["东村"].code, "location": "东村九组",
        "clue": str(first.pk), "cultivated_mu": "0.3", "use": "building",
    }  # fmt: skip
    assert client.post("/qingxi/2024/issues/new/", sent).status_code == 302
    issue = Issue.objects.get(ledger="added")
    first.refresh_from_db()
    assert (first.state, first.issue) == ("issue", issue)
    assert (issue.serial, issue.state, issue.events.get().reason) == ("1", "open", "巡查线索：九组水库边")


def test_near_or_same_named_clues_of_a_month_are_suggested(ledger, walker):
    spot = {"longitude": 106.05, "latitude": 29.84}
    old = clue(ledger, walker, "水库西岸", **spot)
    near = clue(ledger, walker, "水库边", longitude=106.05, latitude=29.84 + NORTH_90_M)
    far = clue(ledger, walker, "山上", longitude=106.05, latitude=29.85)
    named = clue(ledger, walker, "水库 边。")
    other = clue(ledger, ledger.person("grid_worker", ledger.villages["西村"]), "水库边", "西村", **spot)
    assert round(metres_between(old, near)) == 90
    assert similar(near) == [old]
    assert similar(named) == [near]
    assert similar(far) == similar(other) == []
    Clue.objects.filter(pk=old.pk).update(reported_at=near.reported_at - timedelta(days=31))
    assert similar(near) == []


def test_a_duplicate_names_the_one_it_repeats(client, ledger, walker):
    first, second = clue(ledger, walker), clue(ledger, walker)
    sign_in(client, ledger.official)
    assert "可能重复" in shown(client, f"{LIST}{second.pk}/")
    assert client.post(f"{LIST}{second.pk}/duplicate/", {"of": "x"}).status_code == 400
    assert client.post(f"{LIST}{second.pk}/duplicate/", {"of": str(first.pk)}).status_code == 302
    second.refresh_from_db()
    assert (second.state, second.duplicate_of) == ("duplicate", first)
    with pytest.raises(Refused):
        mark_duplicate(first, first, by=ledger.official)


def test_who_sees_which_clue(ledger, walker):
    mine, theirs = clue(ledger, walker), clue(ledger, ledger.head, "村口")
    west = clue(ledger, ledger.official, "西头", "西村")

    def seen(user):
        return set(Clue.objects.visible_to(user))

    assert seen(walker) == {mine}
    assert seen(ledger.head) == {mine, theirs}
    assert seen(ledger.official) == {mine, theirs, west}
    assert seen(ledger.person("grid_worker", ledger.villages["东村"])) == set()
    walker.grants.all().delete()
    walker.__dict__.pop("current_grants")
    assert seen(walker) == set()


def test_a_closed_year_takes_no_clue_and_handles_none(ledger, walker):
    found = clue(ledger, walker)
    TownYear.objects.update(closed_on=TODAY)
    for act in (lambda: clue(ledger, walker, "别处"), lambda: dismiss(found, "因", by=ledger.official)):
        with pytest.raises(Refused, match="已关账"):
            act()


def test_queries_of_the_list_do_not_grow(client, ledger, walker, django_assert_max_num_queries):
    sign_in(client, ledger.official)
    clue(ledger, walker)
    client.get(LIST)
    with django_assert_max_num_queries(12) as first:
        client.get(LIST)
    for number in range(15):
        clue(ledger, walker, f"第{number}处")
    with django_assert_max_num_queries(len(first)):
        client.get(LIST)


# REST


def api(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}", HTTP_IDEMPOTENCY_KEY="r1")
    return client


def body(ledger, **more) -> dict:
    return {
        "town": "qingxi", "year": 2024, "division": ledger.villages["东村"].code, "category": "idle", "place": "三组",
    } | more  # fmt: skip


def test_a_clue_posted_twice_is_one_and_another_body_is_422(ledger, walker):
    first = api(walker).post("/api/v1/clues/", body(ledger, longitude="106.05", latitude="29.84"), format="json")
    again = api(walker).post("/api/v1/clues/", body(ledger, longitude="106.05", latitude="29.84"), format="json")
    other = api(walker).post("/api/v1/clues/", body(ledger, place="四组"), format="json")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert first.json()["id"] == again.json()["id"]
    assert "longitude" not in first.json()
    assert [row["place"] for row in api(walker).get("/api/v1/clues/").json()["results"]] == ["三组"]


def test_a_clue_is_posted_only_where_one_patrols(ledger, walker):
    west = ledger.villages["西村"].code
    assert api(walker).post("/api/v1/clues/", body(ledger, division=west), format="json").status_code == 404
    leader = ledger.person("leader")
    assert api(leader).post("/api/v1/clues/", body(ledger), format="json").status_code == 403
    assert api(walker).post("/api/v1/clues/", body(ledger, year=2023), format="json").status_code == 404
    for wrong in ({"category": "x"}, {"longitude": "106"}, {"latitude": "91", "longitude": "1"}, {"place": ""}):
        assert api(walker).post("/api/v1/clues/", body(ledger, **wrong), format="json").status_code == 400, wrong


@pytest.mark.parametrize(
    ("params", "count"),
    [({"state": "new"}, 1), ({"state": "issue"}, 0), ({"category": "building"}, 1), ({"category": "idle"}, 0),
     ({"town": "qingxi", "year": 2024}, 1), ({"year": 2023}, 0),
     ({"issue": "00000000-0000-7000-8000-000000000000"}, 0)],
)  # fmt: skip
def test_each_filter_of_the_list(ledger, walker, params, count):
    clue(ledger, walker)
    assert len(api(ledger.official).get("/api/v1/clues/", params).json()["results"]) == count
    code = Division.objects.get(name="西村").code
    assert api(ledger.official).get("/api/v1/clues/", {"division": code}).json()["results"] == []


def send_photo(user, found, seed=1, key="p1", data=None, **more):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}", HTTP_IDEMPOTENCY_KEY=key)
    file = upload(jpeg(field((320, 240), seed=seed)) if data is None else data)
    return client.post(f"/api/v1/clues/{found.pk}/photos/", {"file": file, **more})


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_photos_follow_a_clue_one_by_one_and_each_arrives_once(ledger, walker, media):
    found = clue(ledger, walker, longitude=106.05, latitude=29.84)
    first, again = (send_photo(walker, found, taken_at="2024-10-05T08:00:00+08:00") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert send_photo(walker, found, seed=2).status_code == 422  # the key stands for another file
    photo = found.photos.get()
    assert (photo.parcel, photo.division, photo.note, photo.longitude, photo.position_from) == (
        None, found.division, "九组水库边", 106.05, "phone",
    )  # fmt: skip
    assert photo.taken_at.isoformat() == "2024-10-05T00:00:00+00:00"
    assert send_photo(walker, found, data=b"%!PS-Adobe EPS", key="p2").status_code == 400
    for number in range(2, 7):
        assert send_photo(walker, found, seed=number, key=f"p{number}").status_code == 201
    assert "最多 6 张" in send_photo(walker, found, seed=7, key="p7").json()["errors"][0]["detail"]
    assert send_photo(walker, found, key="p1").status_code == 200
    assert found.photos.count() == 6


def test_the_issue_a_clue_became_shows_the_clue_and_its_photos(client, ledger, walker, media):
    found = clue(ledger, walker)
    photo = send_photo(walker, found).json()["id"]
    issue = ledger.issue()
    take_up(found, issue, by=ledger.official)
    page = shown(sign_in(client, ledger.official), f"/qingxi/2024/issues/{issue.pk}/")
    assert f'href="{LIST}{found.pk}/">九组水库边</a>' in page
    page = shown(client, f"/qingxi/2024/issues/{issue.pk}/photos/")
    assert f"/evidence/{photo}/thumbnail/" in page
    assert "巡查线索照片，看大图" in page
    head = ledger.person("village_head", ledger.villages["西村"])
    for page in ("", "photos/"):
        assert photo not in sign_in(client, head).get(f"/qingxi/2024/issues/{issue.pk}/{page}").content.decode()


def test_photos_of_a_clue_are_sent_by_who_reported_it(ledger, walker, media):
    found = clue(ledger, walker)
    west = clue(ledger, ledger.official, "西头", "西村")
    assert send_photo(ledger.head, found).status_code == 403  # sees it, did not report it
    assert send_photo(walker, west).status_code == 404
    assert send_photo(walker, found, longitude="nan", latitude="1").status_code == 400
    TownYear.objects.update(closed_on=TODAY)
    assert send_photo(walker, found).status_code == 409
    assert not found.photos.exists()


# 移交


def test_a_problem_of_conduct_is_handed_on_and_answered(client, ledger):
    sign_in(client, ledger.official)
    page, day = "/qingxi/2024/referrals/", TODAY.isoformat()
    sent = {"subject": "某村干部未履行巡查责任", "found_on": day, "referred_to": "镇纪委", "referred_on": day}
    assert client.post(f"{page}new/", sent | {"found_on": "2024-12-01"}).status_code == 400
    assert client.post(f"{page}new/", sent).status_code == 302
    one = Referral.objects.get()
    assert "某村干部未履行巡查责任" in shown(client, page)
    told = {"answer": "已谈话提醒", "answered_on": day, "closed": "on", "version": one.version}
    assert client.post(f"{page}{one.pk}/answer/", told | {"answer": ""}).status_code == 400
    assert client.post(f"{page}{one.pk}/answer/", told).status_code == 302
    one.refresh_from_db()
    assert (one.outcome, one.answer, one.version) == ("closed", "已谈话提醒", 2)
    assert client.post(f"{page}{one.pk}/answer/", told).status_code == 409
    assert list(Event.objects.filter(about=one.pk).order_by("number").values_list("action", flat=True)) == [
        "问题移交",
        "移交反馈",
    ]
    assert ledger.figures() == {}  # no issue, no parcel


def test_referrals_are_for_those_who_see_the_whole_town(client, ledger):
    Referral.objects.create(
        town=ledger.town, year=2024, subject="某事", found_on=TODAY, referred_to="纪委", referred_on=TODAY,
        by=ledger.official,
    )  # fmt: skip
    assert sign_in(client, ledger.head).get("/qingxi/2024/referrals/").status_code == 404
    assert api(ledger.head).get("/api/v1/referrals/").json()["results"] == []
    for params, count in (
        ({}, 1),
        ({"state": "pending"}, 1),
        ({"state": "closed"}, 0),
        ({"town": "x"}, 0),
        ({"year": 2023}, 0),
    ):
        assert len(api(ledger.official).get("/api/v1/referrals/", params).json()["results"]) == count
    leader = sign_in(client, ledger.person("leader"))
    assert "某事" in shown(leader, "/qingxi/2024/referrals/")
    assert leader.post("/qingxi/2024/referrals/new/", {}).status_code == 403
