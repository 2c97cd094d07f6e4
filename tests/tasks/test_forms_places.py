"""Around the form: what the town sees of its villages, returns that wait, who has nothing to fill in, receipts."""

import re
from datetime import date
from decimal import Decimal

import pytest

from parcels.models import Step, Work
from tasks.acceptance import Wish, accept
from tasks.forms.undo import take_back
from tasks.models import Plan, Progress, Submission, Target, TownYear
from tasks.returns import open_returns
from tests.tasks.form_world import Paper, hand_in, make_world, person
from tests.tasks.test_forms_api import blank, post
from tests.tasks.test_forms_pages import GOOD, ROOT, confirm, send, sign_in

pytestmark = pytest.mark.django_db
DAY = "2024-10-06"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def world(db):
    return make_world()


def stages(world, **areas):
    """A form of Shuangyong with areas by stage."""
    sheet = Paper.issue(world.shuangyong, world.neighbour)
    for stage, area in areas.items():
        sheet.fill(sheet.find(stage), area=area, on=DAY)
    return sheet


def year_of(world):
    return TownYear.objects.get(town=world.town, year=2024)


def give_back(world, reason="缺少现场照片", **more):
    wish = {
        "division": world.xinsi, "kind": world.abandonment, "level": "town", "area": Decimal(0),
        "on": date(2024, 10, 8), "verdict": "returned", "reason": reason, "parcel": world.parcels[0],
    }  # fmt: skip
    return accept(year_of(world), Wish(**(wish | more)), by=world.official).step


def pending(world, user=None):
    return [one.reason for one in open_returns(user or world.head, world.xinsi, 2024)]


# Areas of two tasks are two lines


def test_areas_of_two_tasks_are_never_added(client, world):
    kinds = {"abandonment": "自然撂荒", "restructure": "种植结构调整"}
    share = Target.objects.get(key="abandonment").shares.get(division=world.shuangyong)
    share.pk = None
    share.target = Target.objects.get(key="restructure")
    share._state.adding = True
    share.save(force_insert=True)
    sheet = Paper.issue(world.shuangyong, world.neighbour)
    for row in sheet.rows():
        if sheet[row, "环节"] == "已清理":
            sheet.fill(row, area=3 if sheet[row, "任务"] == kinds["abandonment"] else 4, on=DAY)
    page = send(sign_in(client, world.neighbour), sheet, world.shuangyong)
    for text in (page.content.decode(), confirm(client, page).content.decode()):
        assert "自然撂荒 · 已清理</dt><dd>+3.00 亩" in text
        assert "种植结构调整 · 已清理</dt><dd>+4.00 亩" in text
        assert "7.00" not in text


# The list of villages


def test_the_list_shows_the_written_receipt_although_a_later_form_was_refused(client, world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.head, world.xinsi)
    receipt = Submission.objects.get().receipt
    hand_in(Paper.issue(world.xinsi, world.head).fill(3, **(GOOD | {"on": "9月底"})), world.head, world.xinsi)
    page = sign_in(client, world.official).get(ROOT).content.decode()
    row = page[page.index("新四村</a>") :]
    assert receipt in row
    assert "有错，未写" in row
    assert "1 个最近一份没有写入" in page


def test_the_list_names_the_tasks_that_are_overdue(client, world):
    target = Target.objects.get(key="abandonment")
    Progress.objects.create(
        town=world.town, year=2024, target=target, kind=target.kind, unit="mu", division=world.xinsi, amount=10,
        counted=0, state="overdue", as_of="2024-10-12T00:00:00+08:00",
    )  # fmt: skip
    page = sign_in(client, world.official).get(ROOT).content.decode()
    assert "1 个有任务逾期" in page
    assert "自然撂荒" in page[page.index("新四村</a>") :]


@pytest.mark.parametrize("role", ["leader", "finance", "discipline"])
def test_who_only_reads_is_led_to_the_record_and_sees_no_steps(client, world, role):
    sign_in(client, person(role, world.town))
    page = client.get(ROOT).content.decode()
    assert "查看记录" in page
    assert "下载或上传" not in page
    page = client.get(f"{ROOT}{world.xinsi.code}/").content.decode()
    assert "stepper" not in page
    assert "怎么填" not in page
    assert "下载本村表格" not in page


# Nothing to fill in


def test_a_town_without_tasks_in_mu_has_no_form_and_says_so(client, world):
    Plan.objects.get(town=world.town).targets.exclude(kind=world.illegal).delete()
    Work.objects.all().delete()
    for parcel in world.parcels:
        parcel.delete()
    sign_in(client, world.official)
    page = client.get(ROOT).content.decode()
    assert "各单位没有表可填" in page
    assert "下载或上传" not in page
    page = client.get(f"{ROOT}{world.xinsi.code}/").content.decode()
    assert "没有表可填" in page
    assert "blank/" not in page
    answer = client.get(f"{ROOT}{world.xinsi.code}/blank/")
    assert answer.status_code == 400
    assert "没有新四村按亩的任务" in answer.content.decode()
    answer = blank(world.official, world.xinsi)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "nothing_to_report"


# Returns


def test_a_return_waits_on_the_villages_own_page(client, world):
    give_back(world)
    for address in (f"{ROOT}{world.xinsi.code}/", f"/xihe/2024/villages/{world.xinsi.code}/"):
        page = sign_in(client, world.head).get(address).content.decode()
        assert "退回给我的" in page
        assert "缺少现场照片" in page
        assert "500151240722440" in page
        assert "2024-10-08" in page


def test_a_newer_report_of_the_parcel_takes_the_return_up(world):
    give_back(world)
    assert pending(world) == ["缺少现场照片"]
    other = Paper.issue(world.xinsi, world.head)
    hand_in(other.fill(other.find("500151240722431"), **GOOD), world.head, world.xinsi)
    assert pending(world) == ["缺少现场照片"]
    sheet = Paper.issue(world.xinsi, world.head)
    taken = hand_in(sheet.fill(sheet.find("500151240722440"), **GOOD), world.head, world.xinsi).submission
    assert pending(world) == []
    take_back(taken, world.head)
    assert pending(world) == ["缺少现场照片"]


def test_a_later_acceptance_at_that_level_settles_the_return(world):
    give_back(world)
    give_back(world, verdict="passed", area=Decimal(1), reason="", level="village")
    assert pending(world) == ["缺少现场照片"]
    give_back(world, verdict="passed", area=Decimal(1), reason="")
    assert pending(world) == []


def test_returns_of_another_village_are_not_seen(world):
    give_back(world)
    assert pending(world, world.neighbour) == []
    assert open_returns(world.neighbour, world.shuangyong, 2024) == []
    assert pending(world, world.official) == ["缺少现场照片"]


# Over REST


def test_doubts_are_notes_over_rest_and_refuse_nothing(world):
    sheet = stages(world, 已种植=580)
    answer = post(world.neighbour, sheet, "?preview=1")
    assert "多半是小数点错位" in answer.json()["notes"][0]
    answer = post(world.neighbour, sheet)
    assert answer.status_code == 201
    assert "多半是小数点错位" in answer.json()["notes"][0]
    assert Step.objects.get().area_mu == 580


def test_an_earlier_choice_stands_when_the_form_comes_again_with_the_other(world):
    sheet = Paper.issue(world.xinsi, world.head).fill(2, **GOOD).fill(3, **GOOD)
    hand_in(Paper.issue(world.xinsi, world.official).fill(2, **(GOOD | {"area": 1})), world.official, world.xinsi)
    first = post(world.head, sheet, "?on_conflict=theirs", key="k")
    assert first.status_code == 201
    assert any("已按系统里的数（theirs）" in note for note in first.json()["notes"])
    for key in ("k", "another"):
        again = post(world.head, sheet, "?on_conflict=mine", key=key)
        assert again.status_code == 200
        assert again.json()["receipt"] == first.json()["receipt"]
        assert "那次的选择仍然有效" in again.json()["notes"][0]
    same = post(world.head, sheet, "?on_conflict=theirs", key="k")
    assert not any("那次的选择仍然有效" in note for note in same.json()["notes"])


# The receipt, the choice


def test_a_receipt_says_when_and_leads_on(client, world):
    page = send(sign_in(client, world.head), Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.xinsi)
    text = confirm(client, page).content.decode()
    assert "<dt>时间</dt>" in text
    assert f'href="/xihe/2024/villages/{world.xinsi.code}/"' in text
    assert "返回填报" in text


def test_a_choice_names_its_parcel_and_a_lower_figure_without_a_remark_cannot_be_chosen(client, world):
    sheet = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"area": 2.5})), world.head, world.xinsi)
    text = send(sign_in(client, world.head), sheet, world.xinsi).content.decode()
    code = sheet[2, "图斑编号"]
    assert f"<legend>{code} · 已种植 · 面积（亩）" in text
    assert "您自己另外登记过这一格" in text
    assert "表里这一行没有备注，不能选" in text
    assert re.search(r'value="mine"\s+required\s+disabled', text)
    assert "没有别的变化" in text
    assert "不用写入" not in text


def test_a_refused_file_leads_to_uploading_again(client, world):
    sheet = Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"on": "9月底"}))
    text = send(sign_in(client, world.head), sheet, world.xinsi).content.decode()
    assert "确认写入" not in text
    assert "重新上传" in text
    assert "上次有 1 处错" in client.get(f"{ROOT}{world.xinsi.code}/").content.decode()
