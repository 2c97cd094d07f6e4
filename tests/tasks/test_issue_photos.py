"""Photos and papers of an issue whose codes no list of parcels has: pages, REST, phone, demo."""

import re

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Event
from farmland.demo.services import remove_demo
from parcels.evidence_store import add_photo
from parcels.models import Evidence, Parcel
from tasks.issue_photos import gallery_of_issue
from tasks.models import Issue, TownYear
from tests.parcels.pictures import exif, field, jpeg, upload
from tests.tasks.issue_world import Ledger
from tests.tasks.land import TODAY
from tests.tasks.page_world import shown, sign_in

pytestmark = pytest.mark.django_db
HERE = "/qingxi/2024/"


@pytest.fixture
def ledger(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    return Ledger()


@pytest.fixture
def issue(ledger):
    return ledger.decided(codes=["X1"])


def picture(seed=1, **more):
    return upload(jpeg(field((320, 240), seed=seed), **more), f"照片{seed}.jpg")


def post(client, issue, *files, **more):
    data = {"file": list(files), "category": "photo", "phase": "after", "view": "near", "key": "f1"} | more
    return client.post(f"{HERE}issues/{issue.pk}/photos/", data, follow=True)


def send(user, issue, file=None, key="k1", **more):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
    body = {"file": picture(exif=exif()) if file is None else file} | more
    return api.post(f"/api/v1/issues/{issue.pk}/photos/", body, headers={"Idempotency-Key": key} if key else {})


def gallery(client, issue) -> str:
    return " ".join(shown(client, f"{HERE}issues/{issue.pk}/photos/").split('id="main"')[1].split())


def test_a_village_head_proves_an_issue_that_has_no_parcel(client, ledger, issue):
    sign_in(client, ledger.head)
    assert f'hx-get="{HERE}issues/{issue.pk}/photos/"' in shown(client, f"{HERE}issues/{issue.pk}/")
    assert "完成整改前还缺：整改前全景 1 张、整改后全景 2 张、整改后近景 2 张" in gallery(client, issue)
    said = post(client, issue, picture(1), picture(2), upload(b"%PDF-1.7", "坏.jpg"), note="东侧").content.decode()
    assert "已收到 2 份，记在台账第" in said
    assert "“坏.jpg”实际是PDF 文件" in said
    post(client, issue, picture(3), phase="before", view="overall", key="f2")
    post(client, issue, upload(b"%PDF-1.7", "拆除协议.pdf"), category="paper", key="f3")
    page = gallery(client, issue)
    assert "完成整改前还缺：整改后全景 2 张</p>" in page
    assert re.findall(r'gallery__phase">(\w+)<', page) == ["整改前", "整改后"]
    assert "拆除协议.pdf" in page
    kept = issue.photos.filter(note="东侧")
    assert {(one.parcel, one.division, one.by, one.phase) for one in kept} == {
        (None, issue.division, ledger.head, "after")
    }
    post(client, issue, picture(1), picture(2))
    assert issue.photos.count() == 4  # the form sent twice takes each file once


def test_one_is_withdrawn_with_a_reason_and_leads_back_to_the_issue(client, ledger, issue):
    post(sign_in(client, ledger.head), issue, picture())
    one = issue.photos.get()
    address = f"{HERE}evidence/{one.pk}/withdraw/"
    assert address in gallery(client, issue)
    answer = client.post(address, {"reason": "拍错"}, follow=True)
    assert answer.redirect_chain[-1][0] == f"{HERE}issues/{issue.pk}/"
    page = gallery(client, issue)
    assert ("已撤下 1 份" in page, f"{one.pk}/thumbnail/" in page) == (True, False)


def test_the_photos_of_parcels_stand_beside_its_own_each_once(client, ledger, issue):
    parcel = Parcel.objects.create(
        town=ledger.town, division=issue.division, year=2024, kind_id="illegal_use", codes=["X1"]
    )
    issue.parcels.add(parcel)
    common = {"division": parcel.division, "by": ledger.head, "key": "", "phase": "before", "view": "overall"}
    theirs = add_photo(picture(1), parcel=parcel, **common)
    issue.photos.add(theirs)
    post(sign_in(client, ledger.head), issue, picture(2))
    found = gallery_of_issue(issue, [parcel], [], ledger.head)
    assert [one.is_of_parcel for one in found.photos] == [True, False]
    page = gallery(client, issue)
    assert page.count(f"{theirs.pk}/thumbnail/") == 1
    assert f"{theirs.pk}/withdraw/" not in page  # on the parcel's page
    assert "完成整改前还缺：整改后全景 2 张、整改后近景 1 张</p>" in page


def test_the_photo_of_a_parcel_of_another_year_opens(client, ledger, issue):
    TownYear.objects.create(town=ledger.town, year=2023)
    place = {"town": ledger.town, "division": issue.division, "year": 2023}
    parcel = Parcel.objects.create(**place, kind_id="illegal_use", codes=["X1"])
    issue.parcels.add(parcel)
    one = add_photo(picture(), division=parcel.division, parcel=parcel, by=ledger.head, key="")
    address = f"/qingxi/2023/evidence/{one.pk}/thumbnail/"
    assert address in gallery(sign_in(client, ledger.head), issue)
    assert b"".join(client.get(address).streaming_content).startswith(b"\xff\xd8")


def test_a_row_carried_over_keeps_the_photos_of_the_year_before(client, ledger, issue):
    post(sign_in(client, ledger.head), issue, picture())
    later = ledger.issue(cells={"carried_from": str(issue.pk)})
    assert f"{issue.photos.get().pk}/thumbnail/" in gallery(client, later)


def test_who_may_not_report_there_adds_nothing(client, ledger, issue):
    west = ledger.person("village_head", ledger.villages["西村"])
    for who, page, rest in ((west, 404, 404), (ledger.person("leader"), 403, 403)):
        assert post(sign_in(client, who), issue, picture()).status_code == page
        assert send(who, issue).status_code == rest
    seen = {
        who: sign_in(client, who).get(f"{HERE}phone/issues/{issue.pk}/").status_code for who in (west, ledger.head)
    }
    assert list(seen.values()) == [404, 200]
    assert 'name="file"' not in gallery(sign_in(client, ledger.person("leader")), issue)
    assert not Evidence.objects.exists()


def test_a_closed_year_takes_none(client, ledger, issue):
    TownYear.objects.update(closed_on=TODAY)
    assert "已关账，不再收举证材料" in post(sign_in(client, ledger.official), issue, picture()).content.decode()
    assert send(ledger.official, issue).status_code == 409
    assert not Evidence.objects.exists()


def test_over_rest_a_photo_is_answered_as_the_list_shows_it_and_taken_once(client, ledger, issue):
    first, again = (send(ledger.head, issue, phase="before", view="overall", note="东") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    row = first.json()
    assert (row["issue"], row["parcel"], row["phase"], row["division"]) == (
        str(issue.pk), None, "before", issue.division.code,
    )  # fmt: skip
    assert again.json() == row
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(ledger.head)}")
    (listed,) = api.get(f"/api/v1/evidence/?issue={issue.pk}").json()["results"]
    assert listed == {name: value for name, value in row.items() if name != "notes"}
    schema = client.get("/api/schema/").json()
    answer = schema["paths"]["/api/v1/issues/{id}/photos/"]["post"]["responses"]["201"]
    name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert set(schema["components"]["schemas"][name]["properties"]) == set(row)


def test_a_key_stands_for_one_file_of_one_issue(ledger, issue):
    send(ledger.head, issue)
    other = ledger.issue()
    for answer in (send(ledger.head, issue, picture(2)), send(ledger.head, other)):
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "key_reused")
    assert (Evidence.objects.count(), other.photos.count()) == (1, 0)


@pytest.mark.parametrize(
    ("more", "attr"),
    [
        ({"phase": "later"}, "phase"),
        ({"view": "moon"}, "view"),
        ({"category": "film"}, "category"),
        ({"note": "x" * 301}, "note"),
        ({"taken_at": "昨天"}, "taken_at"),
        ({"file": upload(b"%!PS", "a.jpg")}, "file"),
        ({"category": "paper"}, "file"),  # a JPG named so, but empty
        ({"file": ""}, "file"),
    ],
)
def test_bad_input_names_its_field_and_keeps_nothing(ledger, issue, more, attr):
    file = upload(b"", "a.pdf") if more == {"category": "paper"} else more.get("file")
    answer = send(ledger.head, issue, **(more | {"file": file} if file is not None else more))
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr)
    assert not Evidence.objects.exists()


def test_the_phone_lists_what_is_to_be_put_right_and_takes_the_photo_without_a_script(client, ledger, issue):
    ledger.issue("西村", project="别村的")
    ledger.to("done", ledger.decided(project="做完的"))
    sign_in(client, ledger.head)
    page = shown(client, f"{HERE}phone/issues/")
    assert f"{HERE}phone/issues/{issue.pk}/" in page
    assert ("别村的" in page, "做完的" in page) == (False, False)
    page = shown(client, f"{HERE}phone/issues/{issue.pk}/")
    assert f'data-url="/api/v1/issues/{issue.pk}/photos/"' in page
    answer = post(client, issue, picture(), back="phone")
    assert answer.redirect_chain[-1][0] == f"{HERE}phone/issues/{issue.pk}/"
    assert "已送达的照片" in answer.content.decode()
    assert "整改 整改后照片" in shown(client, f"{HERE}phone/")


def test_the_log_leads_to_the_issue(client, ledger):
    issue = ledger.issue()  # nothing else in the log is about it
    post(sign_in(client, ledger.head), issue, picture())
    assert Event.objects.get(about=issue.photos.get().pk).action == "上传照片"
    page = shown(sign_in(client, ledger.person("discipline")), f"{HERE}log/")
    assert f'href="{HERE}issues/{issue.pk}/"' in page


def test_removing_the_demo_takes_the_photos_of_its_issues_and_its_users(ledger, issue, settings, tmp_path):
    settings.VAR = tmp_path
    invented = ledger.issue(is_demo=True)
    ledger.head.is_demo = False
    own = send(ledger.official, issue).json()["id"]
    send(ledger.official, invented, picture(2), key="k2")
    ledger.head.is_demo = True
    ledger.head.save()
    send(ledger.head, issue, picture(3), key="k3")
    remove_demo()
    assert [str(one.pk) for one in Evidence.objects.all()] == [own]
    assert Issue.objects.get().photos.count() == 1
