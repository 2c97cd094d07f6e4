"""The pages of the progress form: whose they are, the two steps, the receipt, the way back; without a script."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import escape

from farmland.jobs.models import Upload
from parcels.models import Step
from tasks.models import Submission, TownYear
from tests.tasks.form_world import Paper, make_parcel, make_world, person

pytestmark = pytest.mark.django_db
GOOD = {"stage": "已种植", "area": 2, "on": "2024-10-06"}
ROOT = "/xihe/2024/forms/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def world(db):
    return make_world()


def sign_in(client, user):
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def send(client, paper, division, name="进度.xlsx"):
    data = paper.save() if isinstance(paper, Paper) else paper
    file = SimpleUploadedFile(name, data)
    return client.post(f"{ROOT}{division.code}/upload/", {"file": file}, follow=True)


def confirm(client, page, **chosen):
    text = page.content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', text)[1]
    action = re.search(r'action="([^"]+/confirm/)"', text)[1]
    return client.post(action, {"seen": seen, **chosen}, follow=True)


def test_an_official_sees_every_village_those_that_never_reported_first(client, world):
    send_page = send(sign_in(client, world.head), Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.xinsi)
    confirm(client, send_page)
    page = sign_in(client, world.official).get(ROOT).content.decode()
    assert page.index("双永村") < page.index("新四村")
    assert "尚未填报" in page
    assert Submission.objects.get().receipt in page


def test_the_list_of_villages_takes_as_many_queries_for_more_villages(client, world, django_assert_max_num_queries):
    sign_in(client, world.official)
    for number in range(6):
        village = type(world.xinsi).objects.create(
            parent=world.town, kind="village", code=f"5001511080{number}9", name=f"{number}村"
        )
        make_parcel(world, [f"5001512407{number}"], "1组", "1", division=village)
    with django_assert_max_num_queries(24):
        assert client.get(ROOT).status_code == 200


def test_a_village_head_goes_straight_to_the_own_village(client, world):
    page = sign_in(client, world.head).get(ROOT)
    assert page.status_code == 302
    assert page["Location"] == f"{ROOT}{world.xinsi.code}/"
    assert "下载本村表格" in client.get(page["Location"]).content.decode()


@pytest.mark.parametrize("path", ["", "blank/"])
def test_another_village_is_not_found(client, world, path):
    assert sign_in(client, world.neighbour).get(f"{ROOT}{world.xinsi.code}/{path}").status_code == 404
    assert sign_in(client, world.stranger).get(f"{ROOT}{world.xinsi.code}/{path}").status_code == 404


def test_the_whole_way_download_upload_confirm_receipt(client, world):
    sign_in(client, world.head)
    paper = Paper(client.get(f"{ROOT}{world.xinsi.code}/blank/").content).fill(2, **GOOD)
    page = send(client, paper, world.xinsi)
    text = page.content.decode()
    assert "会写入的变化" in text
    assert "<ins>已种植</ins>" in text
    assert not Step.objects.exists()
    page = confirm(client, page)
    submission = Submission.objects.get()
    text = page.content.decode()
    assert submission.receipt in text
    assert "重新计算完成情况" in text
    fragment = re.search(r'hx-get="([^"]+/progress/)"', text)[1]
    assert "排队中" in client.get(fragment).content.decode()
    assert sign_in(type(client)(), world.neighbour).get(fragment).status_code == 404
    assert Step.objects.get().area_mu == 2


def test_confirming_twice_applies_once_and_shows_the_same_receipt(client, world):
    sign_in(client, world.head)
    page = send(client, Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.xinsi)
    first, second = confirm(client, page), confirm(client, page)
    assert first.redirect_chain[-1] == second.redirect_chain[-1]
    assert Step.objects.count() == 1


def test_wrong_cells_are_shown_in_the_sheet_and_in_a_copy_to_download(client, world):
    sign_in(client, world.head)
    page = send(client, Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"on": "9月底"})), world.xinsi)
    text = page.content.decode()
    assert escape("第 2 行 [完成日期] 应为日期，现为“9月底”。按 2024-09-30 的样子填写。") in text
    assert 'aria-invalid="true"' in text
    assert 'name="seen"' in text
    copy = re.search(r'href="(/api/v1/forms/workbooks/[^"]+)"', text)[1]
    assert client.get(copy).status_code == 200
    assert sign_in(client, world.neighbour).get(copy).status_code == 404
    assert Submission.objects.get().state == "refused"
    page = confirm(sign_in(client, world.head), page)
    assert not Step.objects.exists()


def test_a_preview_that_is_out_of_date_is_shown_again(client, world):
    sign_in(client, world.head)
    page = send(client, Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.xinsi)
    other = Paper.issue(world.xinsi, world.official).fill(2, **(GOOD | {"area": 1}))
    official = sign_in(type(client)(), world.official)
    confirm(official, send(official, other, world.xinsi))
    again = confirm(client, page)
    text = again.content.decode()
    assert again.status_code == 409
    assert "请再核对一遍" in text
    assert "先选 1 处" in text
    done = confirm(client, again, **{"choice-F2": "mine"})
    assert done.status_code == 200
    assert sum(step.area_mu for step in Step.objects.all()) == 2


def test_conflicts_must_be_chosen(client, world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    other = Paper.issue(world.xinsi, world.official).fill(2, **(GOOD | {"area": 1}))
    sign_in(client, world.official)
    confirm(client, send(client, other, world.xinsi))
    page = send(sign_in(client, world.head), paper, world.xinsi)
    assert confirm(client, page).status_code == 409
    assert confirm(client, page, **{"choice-F2": "theirs"}).redirect_chain[-1][0] == f"{ROOT}{world.xinsi.code}/"
    assert sum(step.area_mu for step in Step.objects.all()) == 1


def test_a_forged_digest_or_upload_writes_nothing(client, world):
    sign_in(client, world.head)
    page = send(client, Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.xinsi)
    action = re.search(r'action="([^"]+/confirm/)"', page.content.decode())[1]
    assert client.post(action, {"seen": "forged"}).status_code == 302
    assert sign_in(client, world.neighbour).post(action, {"seen": "forged"}).status_code == 404
    assert not Step.objects.exists()


def test_the_form_of_another_village_is_refused_in_words(client, world):
    paper = Paper.issue(world.shuangyong, world.neighbour).fill(2, area=1)
    page = send(sign_in(client, world.head), paper, world.xinsi).content.decode()
    assert "这份表不是发给您的村的" in page
    page = send(sign_in(client, world.official), paper, world.xinsi).content.decode()
    assert "这是双永村的表，这里填报的是新四村。请到双永村的页面上传。" in page
    assert Upload.objects.filter(purpose="form").count() == 2


def test_a_body_too_large_is_413_with_a_page(client, world, settings):
    settings.FORM_MAX_BYTES = 100_000
    page = send(sign_in(client, world.head), b"0" * 300_000, world.xinsi)
    assert page.status_code == 413
    assert "文件太大" in page.content.decode()
    assert not Upload.objects.exists()


def test_the_upload_needs_the_csrf_token(world):
    from django.test import Client

    client = sign_in(Client(enforce_csrf_checks=True), world.head)
    assert client.post(f"{ROOT}{world.xinsi.code}/upload/", {}).status_code == 403


def test_a_receipt_is_taken_back_by_a_button_and_says_so(client, world):
    sign_in(client, world.head)
    page = confirm(client, send(client, Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.xinsi))
    action = re.search(r'action="([^"]+/take-back/)"', page.content.decode())[1]
    assert sign_in(client, world.neighbour).post(action).status_code == 404
    page = sign_in(client, world.head).post(action, follow=True).content.decode()
    assert "已撤回" in page
    assert sum(step.area_mu for step in Step.objects.all()) == 0
    page = client.post(action, follow=True).content.decode()
    assert "没有可以撤回的内容" in page


def test_who_may_only_look_gets_no_upload_box_and_a_closed_year_says_so(client, world):
    address = f"{ROOT}{world.xinsi.code}/"
    page = sign_in(client, person("leader", world.town)).get(address).content.decode()
    assert "不能填报这个单位的进度" in page
    assert client.post(f"{address}upload/", {}).status_code == 403
    TownYear.objects.filter(town=world.town).update(closed_on="2024-12-31")
    assert "关账" in sign_in(client, world.head).get(address).content.decode()


def test_pages_stay_small(client, world):
    sign_in(client, world.head)
    for number in range(120):
        make_parcel(world, [f"5001512408{number:05}"], f"{number % 9}组", "1.5")
    paper = Paper.issue(world.xinsi, world.head)
    for row in paper.rows():
        paper.fill(row, stage="已种植", area=1, on="2024-10-01")
    page = send(client, paper, world.xinsi)
    assert len(page.content) < 200_000
    assert "第 1–25 处" in page.content.decode()
