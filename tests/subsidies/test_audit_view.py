"""The auditor's page: any amount to its grounds in two clicks, the check with its result, refusals, the trail."""

import csv
import io
import re
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from farmland.accounts.log import broken_links
from farmland.accounts.models import Event, Grant, User
from farmland.jobs.models import Job
from farmland.jobs.services import run_pending
from farmland.lib.refused import Refused
from parcels.models import Step
from subsidies.models import BatchLine, Entitlement
from subsidies.paying import adjustments, batches, payments
from subsidies.proof import audit_trail, auditing
from tests.subsidies.pay_world import World

pytestmark = pytest.mark.django_db
ROOT = "/qingxi/2024/subsidies/"
AUDIT = f"{ROOT}audit/"


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return World()


def client(user):
    found = Client()
    found.force_login(user)
    return found


def text(user, address=AUDIT, status=200):
    answer = client(user).get(address)
    assert answer.status_code == status, answer.content[:2000]
    return answer.content.decode()


def trail(user, batch, suffix="csv"):
    answer = client(user).get(f"{AUDIT}{batch.pk}.{suffix}")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def rows(user, batch) -> list[dict]:
    return list(csv.DictReader(io.StringIO(trail(user, batch).decode("utf-8-sig"))))


# scope


@pytest.mark.parametrize(("who", "status"), [
    ("head", 404), ("agri", 403), ("finance", 403), ("discipline", 200), ("leader", 200), ("reviewer", 200),
])  # fmt: skip
def test_who_reads_money_and_log_of_the_town_may_look(world, who, status):
    user, batch = getattr(world, who), world.prepare()
    for address in (AUDIT, f"{AUDIT}{batch.pk}.csv", f"{AUDIT}{batch.pk}.xlsx"):
        answer = client(user).get(address)
        assert answer.status_code == status
        if answer.streaming:
            assert b"".join(answer.streaming_content)
    assert client(user).post(f"{AUDIT}check/").status_code == (302 if status == 200 else status)
    linked = f'href="{AUDIT}"' in client(user).get(ROOT).content.decode()
    assert linked == (status == 200)


def test_nothing_of_another_town_is_shown_or_checked(world):
    from farmland.places.models import Division

    other = Division.objects.create(name="他镇", kind="town", slug="other", code="539999", is_tenant=True)
    stranger = User.objects.create(username="stranger")
    Grant.objects.create(user=stranger, role="discipline", division=other)
    batch = world.prepare()

    assert client(stranger).get(AUDIT).status_code == 404
    assert client(stranger).get(f"{AUDIT}{batch.pk}.csv").status_code == 404
    Event.objects.filter(town=world.town).order_by("number").first()
    Event.objects.filter(town=world.town, number=1).update(reason="改过")
    assert list(broken_links(other)) == []
    assert len(list(broken_links(world.town))) == 1


def test_the_page_changes_nothing(world):
    world.prepare()
    for show in ("amounts", "batches", "adjustments", "refused", "checks"):
        assert client(world.discipline).post(f"{AUDIT}?show={show}").status_code == 405
    assert 'method="post"' not in re.sub(
        r'<form[^>]*?(check|logout)/"[^>]*>', "", text(world.discipline, f"{AUDIT}?show=batches"), flags=re.S
    )


# from an amount to its grounds


def test_an_amount_leads_to_all_its_grounds_in_two_clicks(world):
    world.to("reconciled")
    one = world.owed[0]
    listed = text(world.discipline)
    address = f"{ROOT}entitlements/{one.pk}/"
    assert f'href="{address}"' in listed

    shown = text(world.discipline, address)

    links = re.findall(r'href="([^"]+)"', shown)
    work = one.work
    wanted = [
        f"/qingxi/2024/parcels/{work.parcel_id}/",
        f"{ROOT}batches/{BatchLine.objects.get(entitlement=one).batch_id}/",
    ]
    for found in wanted:
        assert found in links, found
        text(world.discipline, found)
    assert any("evidence" in one and str(work.parcel_id) in one for one in links)
    assert any(f"rates/{world.rate.pk}" in one or str(world.version.pk) in one for one in links)
    step = Step.objects.acceptances().get(work=work)
    for word in (str(step.by), f"{step.rung}", "第 1 版", "五（二）", "公示", "牵头", "审核", "领导", "财政", "凭证"):
        assert word in shown, word


@pytest.mark.parametrize(("query", "count", "amount"), [
    ("", 3, "9,250.00"), ("division=东村", 2, "5,000.00"), ("state=due", 0, "0.00"), ("state=settled", 3, "9,250.00"),
    ("batch={batch}", 3, "9,250.00"), ("round={round}", 3, "9,250.00"), ("batch=x", 0, "0.00"),
    ("batch=00000000-0000-0000-0000-000000000000", 0, "0.00"), ("show=nonsense", 3, "9,250.00"),
])  # fmt: skip
def test_the_amounts_are_chosen_by_batch_round_and_village(world, query, count, amount):
    batch = world.to("approved")
    east = world.land.villages["东村"]
    query = query.format(batch=batch.pk, round=world.round.pk).replace("东村", east.code)
    shown = text(world.discipline, f"{AUDIT}?{query}")
    assert f"{count} 笔，{amount} 元" in shown
    assert shown.count("/subsidies/entitlements/") - shown.count('subsidies/entitlements/"') == count


def test_an_amount_split_over_two_accounts_counts_once(world):
    world.account("东村", "622848111111111100", name="某农户", kind="farmer")
    world.owe("东村", 2, parts=[{"payee_kind": "village", "amount": "400"}, {"payee_kind": "farmer", "amount": "600"}])
    batch = world.prepare()

    assert f"4 笔，{batch.total:,.2f} 元" in text(world.discipline, f"{AUDIT}?batch={batch.pk}")


def test_adjustments_and_refused_attempts_are_listed(world):
    batch = world.to("paid")
    adjustments.adjust(world.owed[0], amount=D(-500), reason="核减一亩", by=world.agri)
    with pytest.raises(Refused):
        adjustments.adjust(world.owed[0], amount=D(-9000), reason="太多", by=world.agri)
    with pytest.raises(Refused):
        batches.void(batch, reason="试试", version=batch.version, by=world.agri)

    shown, refused = (
        text(world.discipline, f"{AUDIT}?show=adjustments"),
        text(world.discipline, f"{AUDIT}?show=refused"),
    )

    assert "核减一亩" in shown
    assert "−500.00" in shown
    assert "太多" not in shown
    assert "登记调整" in refused
    assert "超过已支付的" in refused
    assert "作废批次" in refused
    assert "牵头" in refused


def test_batches_are_listed_with_their_hands(world):
    batch = world.to("reconciled")
    shown = text(world.discipline, f"{AUDIT}?show=batches")
    for word in (batch.number, "编制 牵头", "审核 审核", "批准 领导", "支付 财政", "2024-10-"):
        assert word in shown


# the check


def test_a_check_runs_as_a_job_and_its_result_stays(world):
    world.to("reconciled")
    assert "还没有核对过" in text(world.discipline)
    answer = client(world.discipline).post(f"{AUDIT}check/")
    job = Job.objects.get(kind=auditing.KIND)
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert "现在核对" not in text(world.discipline)
    assert client(world.leader).post(f"{AUDIT}check/")["Location"] == f"/jobs/{job.pk}/"
    run_pending()

    job.refresh_from_db()
    event = Event.objects.get(action=auditing.CHECKED)

    assert (job.state, job.progress_done, job.result["url"]) == ("done", job.progress_total, AUDIT)
    assert (event.user, event.subject, event.after["broken"], event.after["wrong"]) == (
        world.discipline, "全部相符", [], [])  # fmt: skip
    shown = text(world.discipline)
    assert "上次核对：<b>全部相符</b>" in shown
    assert "纪检" in shown
    assert list(broken_links()) == []


def test_what_was_changed_behind_the_back_is_told_with_its_place(world):
    batch = world.to("reviewed")
    Event.objects.filter(action="审核批次").update(reason="改过")
    BatchLine.objects.filter(batch=batch).update(amount=D("1"))
    client(world.discipline).post(f"{AUDIT}check/")
    run_pending()

    shown = text(world.discipline, f"{AUDIT}?show=checks")

    event = Event.objects.get(action=auditing.CHECKED)
    assert event.subject.endswith("处不符")
    assert "内容与校验值不符，记录被改动：审核批次" in shown
    assert f"{batch.number}：明细、收款账户、金额或标准与审核时的校验值不符" in shown
    assert "verdict--risk" in shown
    job = client(world.agri).get(f"/jobs/{Job.objects.get(kind=auditing.KIND).pk}/").content.decode()
    assert "记录被改动" not in job  # the log is not for everybody who sees the town's jobs


# the trail


def test_the_trail_of_a_batch_has_every_ground_of_every_line(world):
    batch = world.to("reconciled")

    found = rows(world.discipline, batch)

    assert sum(D(one["金额（元）"]) for one in found) == batch.total
    line = next(one for one in found if one["行编号"] == str(world.owed[0].pk))
    step = Step.objects.acceptances().get(work=world.owed[0].work)
    assert line["条款"] == "五（二）"
    assert (line["标准版次"], line["版本校验值"]) == ("1", "r" * 64)
    assert line["验收"] == f"{step.rung} 4 亩 {step.on:%Y-%m-%d} {step.by}"
    assert line["怎么算的"] == "4 亩 × 500 元/亩 = 2,000.00 元"
    assert [line[f"{name}人"].split()[0] for name in ("编制", "审核", "批准", "支付", "对账")] == [
        "牵头", "审核", "领导", "财政", "财政"]  # fmt: skip
    assert "村务公开栏，无异议，异议 0 条" in line["公示"]
    assert "到账 尾号" in line["支付"]
    assert line["账号尾号"].startswith("••••")


def test_the_workbook_has_the_log_of_the_batch_too(world):
    batch = world.to("paid")
    with pytest.raises(Refused):
        payments.approve(batch, version=batch.version, by=world.finance)
    book = load_workbook(io.BytesIO(trail(world.discipline, batch, "xlsx")))

    assert book.sheetnames == ["明细", "经过"]
    lines = [[cell.value for cell in row] for row in book["经过"].iter_rows()]
    assert lines[0] == audit_trail.EVENTS
    actions = [row[3] for row in lines[1:]]
    assert [one for one in actions if one in ("编制拨付批次", "审核批次", "公示批次", "批准批次", "支付批次")] == [
        "编制拨付批次", "审核批次", "公示批次", "批准批次", "支付批次"]  # fmt: skip
    assert "批准批次（未准）" in actions
    stored = dict(Event.objects.filter(about=batch.pk).values_list("number", "digest"))
    assert {row[0]: row[7] for row in lines[1:]} == stored
    assert book["明细"].max_row == 4


def test_texts_in_the_trail_are_no_formulas(world):
    batch = world.to("paid")
    parcel = world.owed[0].work.parcel
    type(parcel).objects.filter(pk=parcel.pk).update(codes=["=1+1"])
    assert "'=1+1" in [one["图斑编号"] for one in rows(world.discipline, batch)]
    sheet = load_workbook(io.BytesIO(trail(world.discipline, batch, "xlsx")))["明细"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}


# speed


def test_no_part_asks_more_than_twelve_times_nor_more_for_more(world):
    batch = world.to("paid")
    adjustments.adjust(world.owed[0], amount=D(5), reason="补", by=world.agri)
    with pytest.raises(Refused):
        batches.review(batch, version=batch.version, by=world.agri)

    def asked():
        found = {}
        for show in ("amounts", "batches", "adjustments", "refused", "checks", "trail"):
            address = f"{AUDIT}{batch.pk}.xlsx" if show == "trail" else f"{AUDIT}?show={show}"
            visitor = client(world.discipline)
            with CaptureQueriesContext(connection) as queries:
                answer = visitor.get(address)
                if answer.streaming:
                    b"".join(answer.streaming_content)
            found[show] = len(queries)
        return found

    few = asked()
    assert max(count for show, count in few.items() if show != "trail") <= 12, few
    for _ in range(5):
        world.owe("西村", 1)
        more = world.to("approved")
        with pytest.raises(Refused):
            batches.review(more, version=more.version, by=world.agri)
        adjustments.adjust(world.owed[1], amount=D(1), reason="补", by=world.agri)
    assert asked() == few
    assert Entitlement.objects.filter(adjusts__isnull=False).count() == 6
