"""The acts of a parcel's page, bulk and selection as pages: rights, both editors' values, the time line, queries."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from farmland.accounts.models import record
from parcels.models import Evidence, Parcel, ParcelList, Step, Work
from tests.tasks.edit_world import Field
from tests.tasks.land import TODAY, YEAR
from tests.tasks.page_world import sign_in

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n%%EOF\n"


@pytest.fixture
def field():
    return Field()


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def address(field, name, pk=None) -> str:
    return reverse(name, kwargs={"town": "qingxi", "year": YEAR} | ({"pk": pk} if pk else {}))


def fields_of(form) -> dict:
    return {name: "" if form[name].value() is None else form[name].value() for name in form.fields}


def test_the_second_editor_gets_409_with_both_values_and_may_insist(field, client):
    parcel = field.parcel("P1")
    page = address(field, "parcel_edit", parcel.pk)
    sent = fields_of(sign_in(client, field.official).get(page).context["form"])
    assert client.post(page, sent | {"group": "三组"}).status_code == 302

    answer = sign_in(client, field.second).post(page, sent | {"group": "五组"})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "<td>三组</td>" in text
    assert "<b>五组</b>" in text
    assert answer.context["form"]["group"].value() == "五组"
    again = fields_of(answer.context["form"]) | {"group": "五组"}
    assert client.post(page, again).status_code == 302
    assert Parcel.objects.get(pk=parcel.pk).group == "五组"


def test_a_village_verifies_with_a_paper_and_the_town_confirms(field, client, media):
    parcel = field.parcel("P1")
    page = address(field, "parcel_verify", parcel.pk)
    sent = {"finding": "blocked", "reason": "grave_land", "on": TODAY.isoformat(), "key": "page:1", "version": "1"}
    sign_in(client, field.head)
    answer = client.post(page, sent)
    assert answer.status_code == 400
    assert "请先上传照片或文件" in answer.content.decode()
    answer = client.post(page, sent | {"proof": SimpleUploadedFile("坏.pdf", b"MZ")})
    assert "实际是" in answer.content.decode()
    assert client.post(page, sent | {"proof": SimpleUploadedFile("证明.pdf", PDF)}).status_code == 302
    assert Evidence.objects.get(parcel=parcel).category == "paper"

    settle = address(field, "parcel_settle", parcel.pk)
    assert client.post(settle).status_code == 403
    assert (
        "待镇确认" in sign_in(client, field.official).get(address(field, "parcel_detail", parcel.pk)).content.decode()
    )
    client.post(settle, {"version": Parcel.objects.get(pk=parcel.pk).version})
    assert Work.objects.get(parcel=parcel).exit == "blocked"


def test_works_are_added_changed_replaced_and_opened_again_from_the_page(field, client):
    parcel, other = field.parcel("P1"), field.parcel("P2", work=False)
    sign_in(client, field.official)
    new = {"kind": "abandonment", "area_mu": "2", "measure": "restore", "key": "page:2"}
    assert client.post(address(field, "work_create", parcel.pk), new).status_code == 302
    first = Work.objects.filter(parcel=parcel).order_by("pk").first()
    changed = {"area_mu": "8", "measure": "", "treatment": "shrub", "reason": "实测"}
    assert client.post(address(field, "work_change", first.pk), changed).status_code == 302
    sent = {"other": "P9", "area_mu": "8", "reason": "坟地"}
    assert "没有编号为“P9”" in client.post(address(field, "work_substitute", first.pk), sent).content.decode()
    assert client.post(address(field, "work_substitute", first.pk), sent | {"other": "P2"}).status_code == 302

    one = client.get(address(field, "parcel_detail", parcel.pk)).content.decode()
    two = client.get(address(field, "parcel_detail", other.pk)).content.decode()
    assert "由其替换" in one
    assert str(other.pk) in one
    assert str(parcel.pk) in two
    made = Work.objects.get(parcel=other)
    assert client.post(address(field, "work_reopen", first.pk), {"reason": "x"}).status_code == 409
    assert client.post(address(field, "work_exit", made.pk), {"exit": "deferred", "reason": "缓"}).status_code == 302
    assert client.post(address(field, "work_reopen", first.pk), {"reason": "x"}).status_code == 302


def test_the_time_line_tells_steps_and_changes_with_who_and_why(field, client):
    parcel = field.parcel("P1")
    field.step(field.work_of(parcel), "planted", 3, by=field.head, crop="油菜")
    sign_in(client, field.official)
    page = address(field, "parcel_edit", parcel.pk)
    sent = fields_of(client.get(page).context["form"])
    client.post(page, sent | {"gross_mu": "9", "reason": "实测更正"})
    relapse = {"on": TODAY.isoformat(), "note": "又荒"}
    assert client.post(address(field, "work_relapse", field.work_of(parcel).pk), relapse).status_code == 302

    trail = client.get(address(field, "parcel_detail", parcel.pk)).context["trail"]
    told = [item["title"] for item in trail]
    assert {"登记复荒", "修改图斑", "已种植 3.00 亩", "已种植 -3.00 亩"} <= {one.replace("−", "-") for one in told}
    edit = next(item for item in trail if item["title"] == "修改图斑")
    assert "实测更正" in edit["text"]
    assert "10 → 9" in edit["text"]


def test_the_time_line_begins_with_the_list_and_names_files_not_digests(field, client):
    parcel = field.parcel("P1")
    ParcelList.objects.filter(pk=field.list.pk).update(received_on=date(2024, 1, 5))
    after = {"file": "山坡.jpg", "sha256": "a" * 64, "phase": "after"}
    record("上传照片", f"图斑 {parcel}", user=field.head, town=field.town, after=after, about=parcel.pk)
    sign_in(client, field.official)

    trail = client.get(address(field, "parcel_detail", parcel.pk)).context["trail"]
    assert (trail[-1]["title"], trail[-1]["on"]) == ("列入清单", date(2024, 1, 5))
    assert trail[0]["text"].endswith("文件：山坡.jpg，阶段：整改后")


def test_each_of_several_works_has_its_own_way_to_the_next_stage(field, client):
    parcel = field.parcel("P1")
    second = Work.objects.create(
        town=field.town, division=parcel.division, parcel=parcel, kind_id="restructure", year=YEAR, area_mu=4
    )
    sign_in(client, field.official)
    shown = client.get(address(field, "parcel_detail", parcel.pk)).content.decode()
    assert address(field, "work_move", second.pk) in shown
    assert address(field, "parcel_move", parcel.pk) not in shown

    sent = {"stage": "planted", "on": TODAY.isoformat()}
    assert client.post(address(field, "work_move", second.pk), sent).status_code == 302
    assert Step.objects.get().work == second


def test_a_parcels_page_asks_a_fixed_number_of_questions(field, client, django_assert_max_num_queries):
    parcel = field.parcel("P1")
    for number in range(8):
        Work.objects.create(town=field.town, division=parcel.division, parcel=parcel, kind_id="abandonment",
                            year=YEAR + number, area_mu=1)  # fmt: skip
        field.step(field.work_of(field.parcel(f"Q{number}")), "planted", 1)
    sign_in(client, field.official)
    with django_assert_max_num_queries(12):
        client.get(address(field, "parcel_detail", parcel.pk))


def test_many_are_chosen_shown_and_written_from_the_list(field, client):
    keys = [str(field.parcel(f"P{one}").pk) for one in range(3)]
    sign_in(client, field.official)
    assert 'name="chosen"' in client.get(address(field, "parcel_list")).content.decode()
    bulk, confirm = address(field, "parcel_bulk"), address(field, "parcel_bulk_confirm")
    first = {"what": "stage", "chosen": keys[:2]}
    assert client.post(bulk, first).status_code == 200
    assert client.post(bulk, {"what": "stage"}).status_code == 400
    wish = first | {"preview": "1", "stage": "planted", "on": TODAY.isoformat()}
    answer = client.post(bulk, wish)
    assert "可以写入 2 个" in answer.content.decode()
    assert Step.objects.count() == 0
    assert client.post(confirm, wish | {"seen": "0"}).status_code == 409
    assert client.post(confirm, wish | {"seen": answer.context["seen"]}).status_code == 302
    assert Step.objects.filter(rung__code="planted").count() == 2


def test_all_of_a_filter_is_chosen_by_the_filter(field, client):
    field.parcel("P1", group="一组")
    field.parcel("P2", village="西村")
    sign_in(client, field.official)
    wish = {"what": "edit", "all": "1", "only_division": field.villages["西村"].code, "preview": "1", "group": "二组"}
    answer = client.post(address(field, "parcel_bulk"), wish)
    assert [str(row.parcel) for row in answer.context["rows"]] == ["P2"]
    client.post(address(field, "parcel_bulk_confirm"), wish | {"seen": answer.context["seen"]})
    assert Parcel.objects.get(codes=["P2"]).group == "二组"
    assert Parcel.objects.get(codes=["P1"]).group == "一组"


def test_a_village_head_chooses_only_at_home(field, client):
    mine, other = field.parcel("P1"), field.parcel("P2", village="西村")
    sign_in(client, field.head)
    sent = {
        "what": "stage",
        "chosen": [mine.pk, other.pk],
        "preview": "1",
        "stage": "planted",
        "on": TODAY.isoformat(),
    }
    answer = client.post(address(field, "parcel_bulk"), sent)
    assert [str(row.parcel) for row in answer.context["rows"]] == ["P1"]
    assert client.post(address(field, "parcel_bulk"), {"what": "edit"}).status_code == 403
    assert client.get(address(field, "parcel_edit", mine.pk)).status_code == 403
    assert client.get(address(field, "parcel_edit", other.pk)).status_code == 404
    assert client.get(address(field, "work_exit", field.work_of(other).pk)).status_code == 404


def test_candidates_are_selected_on_their_page(field, client):
    work = field.work_of(field.parcel("P1", "40"))
    page = address(field, "parcel_selection")
    sign_in(client, field.official)
    assert "候选" in client.get(page).content.decode()
    sent = {"act": "take", "on": TODAY.isoformat(), "works": [str(work.pk)]}
    assert client.post(page, sent).status_code == 302
    text = client.get(f"{page}?show=taken").content.decode()
    assert "已选定 40.00" in text
    assert "66.67" in text
    assert client.get(f"{page}?show=open").context["works"].paginator.count == 0
    assert client.post(page, sent | {"act": "leave"}).status_code == 400
    assert sign_in(client, field.head).post(page, sent).status_code == 403


def test_rest_posts_speak_with_versions(field, client):
    parcel = field.parcel("P1")
    sign_in(client, field.official)
    base = f"/api/v1/parcels/{parcel.pk}"
    post = {"content_type": "application/json"}
    answer = client.post(f"{base}/edit/", {"group": "三组"}, headers={"If-Match": '"1"'}, **post)
    assert (answer.status_code, answer.json()["version"], answer["ETag"]) == (200, 2, '"2"')
    answer = client.post(f"{base}/edit/", {"group": "五组", "version": 1}, **post)
    assert answer.status_code == 409
    assert "三组" in answer.json()["errors"][0]["detail"]
    assert "五组" in answer.json()["errors"][0]["detail"]
    assert client.post(f"{base}/edit/", {"codes": ["x"]}, **post).status_code == 400
    answer = client.post(f"{base}/finding/", {"finding": "real"}, **post)
    assert (answer.status_code, answer.json()["finding"], answer.json()["settled"]) == (201, "real", True)
    assert client.post(f"{base}/finding/", {"finding": "real"}, **post).status_code == 200
    key = {"Idempotency-Key": "w1"}
    answer = client.post(f"{base}/works/", {"area_mu": "2.5", "measure": "restore"}, headers=key, **post)
    assert (answer.status_code, answer.json()["work"]["area_mu"]) == (201, "2.5000")
    assert (
        client.post(f"{base}/works/", {"area_mu": "2.5", "measure": "restore"}, headers=key, **post).status_code == 200
    )
    assert client.post(f"{base}/works/", {"area_mu": "3"}, headers=key, **post).status_code == 422
    sign_in(client, field.head)
    assert client.post(f"{base}/edit/", {"group": "一组"}, **post).status_code == 403
