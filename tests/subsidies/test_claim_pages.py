"""管护申报 on pages and as a workbook: forms, refusals next to their field, other villages, a parcel's money."""

import io
import re
from datetime import date

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from farmland.accounts.models import Event
from subsidies.models import Claim
from tasks.models import TownYear
from tests.subsidies.claim_world import make_world, opened
from tests.subsidies.entitlement_world import add_rows
from tests.tasks.page_world import shown, sign_in

pytestmark = pytest.mark.django_db
CLAIMS = "/qingxi/2024/subsidies/claims/"


@pytest.fixture
def world():
    made = make_world()
    made.claims = opened(made)
    return made


def said(answer) -> str:
    return " ".join(answer.content.decode().split())


def state(claim) -> str:
    return Claim.objects.get(pk=claim.pk).state


def test_the_list_opens_claims_and_shows_a_village_its_own(world, client):
    Claim.objects.all().delete()
    sign_in(client, world.head)
    assert "还没有申报表" in shown(client, CLAIMS)
    assert client.post(f"{CLAIMS}open/", {"for": "2025"}).status_code == 302
    assert set(Claim.objects.values_list("division", flat=True)) == {world.east.pk}
    page = shown(client, CLAIMS)
    assert "还有 <b>3</b> 项没有申报" in page
    assert "其余 3 项全部按认定面积申报" in page
    sign_in(client, world.official)
    client.post(f"{CLAIMS}open/", {"for": "2025"})
    assert Claim.objects.count() == 4
    page = shown(client, f"{CLAIMS}?division={world.west.code}&state=draft")
    assert ">1 项<" in page
    assert client.get(f"{CLAIMS}?for=2031").status_code == 404


def test_a_village_declares_one_and_then_the_rest(world, client):
    sign_in(client, world.head)
    claim = world.claims[0]
    page = shown(client, f"{CLAIMS}{claim.pk}/")
    assert 'value="2.77"' in page
    answer = client.post(f"{CLAIMS}{claim.pk}/declare/", {"declared_mu": "2", "reason": "边角", "version": 1})
    assert answer.status_code == 302
    assert state(claim) == "submitted"
    client.post(f"{CLAIMS}declare-rest/", {"for": "2025", "division": world.east.code})
    assert sorted(Claim.objects.values_list("state", flat=True)) == ["draft", "submitted", "submitted", "submitted"]


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({"declared_mu": "3"}, "超过认定的 2.77 亩"),
        ({"declared_mu": "二亩"}, "面积应为数字，现为“二亩”。"),
        ({"declared_mu": ""}, "请填写面积"),
        ({"declared_mu": "1"}, "请写明减少的原因"),
        ({"declared_mu": "2.77", "version": "7"}, "已被别人改过"),
    ],
)
def test_a_wrong_form_says_why_and_keeps_what_was_typed(world, client, typed, text):
    sign_in(client, world.head)
    claim = world.claims[0]
    answer = client.post(f"{CLAIMS}{claim.pk}/declare/", typed)
    assert answer.status_code in (400, 409)
    assert text in said(answer)
    assert f'value="{typed["declared_mu"]}"' in answer.content.decode()
    assert state(claim) == "draft"


def test_another_villages_claim_is_a_missing_one_and_logged(world, client):
    sign_in(client, world.neighbour)
    foreign, missing = world.claims[0].pk, world.program.pk
    for act in ("", "declare/", "withdraw/", "verify/"):
        ask = client.post if act else client.get
        answers = [ask(f"{CLAIMS}{pk}/{act}", {"declared_mu": "1"}) for pk in (foreign, missing)]
        assert [one.status_code for one in answers] == [404, 404]
        bodies = [re.sub(r'name="csrf-token" content="[^"]*"', "", one.content.decode()) for one in answers]
        assert bodies[0].replace(str(foreign), "") == bodies[1].replace(str(missing), "")
    assert Event.objects.filter(action__endswith="（未准）", user=world.neighbour).count() == 6
    assert client.post(f"{CLAIMS}declare-rest/", {"for": "2025", "division": world.east.code}).status_code == 404
    assert client.get(f"{CLAIMS}form.xlsx?division={world.east.code}&for=2025").status_code == 404
    assert state(world.claims[0]) == "draft"


def test_a_village_is_told_what_it_has_not_declared_and_until_when(world, client):
    sign_in(client, world.head)
    page = shown(client, "/qingxi/2024/subsidies/")
    assert "3 项 2025 年管护还没有申报，2025-10-31 截止" in page
    assert "按村" not in page  # its own sums stand in the rounds already
    sign_in(client, world.neighbour)
    assert "1 项 2025 年管护还没有申报" in shown(client, "/qingxi/2024/subsidies/")

    world.year.working_date = date(2025, 11, 1)
    world.year.save()

    assert "还没有申报" not in shown(client, "/qingxi/2024/subsidies/")


def test_the_town_verifies_ticked_ones_and_one_by_one(world, client):
    sign_in(client, world.head)
    client.post(f"{CLAIMS}declare-rest/", {"for": "2025", "division": world.east.code})
    sign_in(client, world.official)
    first, second, third, _ = world.claims
    assert "等我办的" in shown(client, "/qingxi/2024/subsidies/")
    assert "3 项管护申报待核实" in shown(client, "/qingxi/2024/subsidies/")
    client.post(f"{CLAIMS}verify/", {"for": "2025", "claim": [str(first.pk), "x", str(world.program.pk)]})
    assert [state(one) for one in (first, second)] == ["verified", "submitted"]
    answer = client.post(f"{CLAIMS}{second.pk}/verify/", {"accepted_mu": "6", "verdict": "passed"})
    assert "请写明原因" in said(answer)
    client.post(f"{CLAIMS}{second.pk}/verify/", {"accepted_mu": "6", "verdict": "passed", "verdict_reason": "长草"})
    client.post(f"{CLAIMS}{third.pk}/verify/", {"verdict": "returned", "verdict_reason": "缺照片"})
    assert [state(one) for one in (second, third)] == ["verified", "returned"]
    assert "缺照片" in shown(client, f"{CLAIMS}{third.pk}/")
    sign_in(client, world.head)
    assert "1 项管护申报被退回" in shown(client, "/qingxi/2024/subsidies/")


def test_who_may_only_read_finds_no_forms(world, client):
    sign_in(client, world.land.person("discipline"))
    page = shown(client, CLAIMS)
    assert "生成申报表" not in page.replace("点“生成申报表”", "")
    claim = world.claims[0]
    page = shown(client, f"{CLAIMS}{claim.pk}/")
    assert "<form method" not in page.partition('id="main"')[2].partition("</main>")[0]
    for act in ("declare", "withdraw", "verify"):
        assert client.post(f"{CLAIMS}{claim.pk}/{act}/", {}).status_code == 403
    assert Event.objects.filter(action__endswith="（未准）", about=claim.pk, reason="没有这一步的权限。").count() == 3
    for address in ("open", "verify", "declare-rest"):
        assert client.post(f"{CLAIMS}{address}/", {"for": "2025"}).status_code == 403


def test_after_the_last_day_the_page_says_so(world, client):
    TownYear.objects.filter(pk=world.year.pk).update(working_date=date(2025, 11, 1))
    sign_in(client, world.head)
    assert "已于 2025-10-31 24:00 截止" in shown(client, f"{CLAIMS}?for=2025")
    assert "申报</button>" not in shown(client, f"{CLAIMS}{world.claims[0].pk}/")


# the workbook


def sheet(client, world) -> openpyxl.Workbook:
    answer = client.get(f"{CLAIMS}form.xlsx?division={world.east.code}&for=2025")
    assert answer.status_code == 200
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def upload(client, world, book):
    data = io.BytesIO()
    book.save(data)
    file = SimpleUploadedFile("申报表.xlsx", data.getvalue())
    answer = client.post(f"{CLAIMS}upload/", {"file": file, "division": world.east.code, "for": "2025"})
    return client.get(answer["Location"]), answer["Location"]


def confirm(client, page, address):
    seen = re.search(r'name="seen"\s+value="([^"]+)"', page.content.decode())[1]
    return client.post(f"{address.partition('?')[0]}confirm/", {"seen": seen, "for": "2025"})


def test_a_workbook_goes_out_filled_and_comes_back_as_claims(world, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    sign_in(client, world.head)
    book = sheet(client, world)
    page = book["管护申报"]
    assert [cell.value for cell in page[1]][:6] == ["序号", "地块", "组", "任务", "认定面积（亩）", "申报面积（亩）"]
    assert page.max_row == 4
    assert page["E2"].protection.locked
    assert not page["F2"].protection.locked
    page["F2"], page["H2"] = 1, "撂荒"
    page["F3"] = None  # left as it is
    shown_page, address = upload(client, world, book)
    assert "将申报 2 项" in said(shown_page)
    answer = confirm(client, shown_page, address)
    assert answer.status_code == 302
    assert sorted(Claim.objects.filter(division=world.east).values_list("state", flat=True)) == [
        "draft", "submitted", "submitted",
    ]  # fmt: skip
    again, _ = upload(client, world, book)
    assert "已被别人改过" in said(again) or "没有要申报的" in said(again) or "已申报" in said(again)


@pytest.mark.parametrize(
    ("cell", "value", "text"),
    [
        ("F2", 99, "超过认定的"),
        ("F2", "一亩", "应为数字"),
        ("F2", "=1+1", "是公式"),
        ("F2", 1, "请写明减少的原因"),
        ("A2", 9, "序号“9”不是下载时的"),
        ("A3", 1, "序号“1”与第 2 行重复"),
        ("G2", "黄金", "没有作物“黄金”"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_is_written(world, client, settings, tmp_path, cell, value, text):
    settings.MEDIA_ROOT = tmp_path
    sign_in(client, world.head)
    book = sheet(client, world)
    book["管护申报"][cell] = value
    page, _ = upload(client, world, book)
    assert page.status_code == 400
    assert text in said(page)
    assert 'name="seen"' not in page.content.decode()
    assert set(Claim.objects.values_list("state", flat=True)) == {"draft"}


def test_a_form_of_another_village_or_another_file_is_refused(world, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    sign_in(client, world.neighbour)
    answer = client.get(f"{CLAIMS}form.xlsx?division={world.west.code}&for=2025")
    theirs = openpyxl.load_workbook(io.BytesIO(answer.content))
    sign_in(client, world.head)
    page, _ = upload(client, world, theirs)
    assert "不是东村 2025 年的申报表" in said(page)
    theirs["_form"]["B4"] = world.east.code  # the identity altered by hand
    assert theirs["_form"]["A4"].value == "division"
    page, _ = upload(client, world, theirs)
    assert "不是本村的地块" in said(page)
    assert Event.objects.filter(action="申报管护（未准）", user=world.head).count() == 1
    page, _ = upload(client, world, openpyxl.Workbook())
    assert "这不是管护申报表" in said(page)


def test_what_changed_after_the_preview_is_not_written(world, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    sign_in(client, world.head)
    page, address = upload(client, world, sheet(client, world))
    client.post(f"{CLAIMS}{world.claims[0].pk}/declare/", {"declared_mu": "2.77"})
    answer = confirm(client, page, address)
    assert answer.status_code == 400
    assert [state(one) for one in world.claims[:3]] == ["submitted", "draft", "draft"]


# the parcel


def test_a_parcel_shows_its_money_to_who_may_read_it(world, client):
    found = add_rows(world)
    parcel = world.works[0].parcel
    address = f"/qingxi/2024/subsidies/parcels/{parcel.pk}/"
    sign_in(client, world.head)
    assert address in shown(client, f"/qingxi/2024/parcels/{parcel.pk}/")
    page = shown(client, address)
    assert "补助 1,385.00 元" in page
    assert f"entitlements/{found['due'].pk}/" in page
    assert "2025 年管护" in page
    assert "<html" not in shown(client, address, HX_Request="true")
    sign_in(client, world.neighbour)
    assert client.get(address).status_code == 404
