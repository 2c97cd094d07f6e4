"""The pages of batches, accounts and funds: the whole way by clicks, refusals in words, nothing for who may not."""

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from farmland.accounts.models import Event
from subsidies.models import Batch, Entitlement, Fund, Payee, Payment, Publicity
from tests.subsidies.pay_world import PNG, World, picture

pytestmark = pytest.mark.django_db
ROOT = "/qingxi/2024/subsidies/"
NUMBER = "6228480012345678901"


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return World(documents=["会议纪要"])


def client(user):
    found = Client()
    found.force_login(user)
    return found


def text(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def at(batch, act=""):
    return f"{ROOT}batches/{batch.pk}/{act + '/' if act else ''}"


def post(user, batch, act, status=302, **values):
    batch.refresh_from_db()
    return text(client(user).post(at(batch, act), {"version": batch.version} | values), status)


def test_a_batch_goes_its_way_by_clicks(world):
    agri = client(world.agri)
    assert "9,250.00" in text(agri.get(f"{ROOT}batches/"))
    text(agri.get(f"{ROOT}batches/new/?round={world.round.pk}"))
    answer = agri.post(f"{ROOT}batches/new/", {"round": world.round.pk, "note": "首批"})
    batch = Batch.objects.get()
    assert answer["Location"] == at(batch)
    page = text(agri.get(at(batch)))
    assert "玖仟贰佰伍拾元整" in page
    assert "缺材料：会议纪要" in page

    assert "1 个批次待审核" not in text(agri.get(ROOT))  # who prepared it does not review it
    assert "1 个批次待审核" in text(client(world.reviewer).get(ROOT))

    post(world.agri, batch, "paper", name="会议纪要", file=SimpleUploadedFile("纪要.pdf", b"%PDF-1.7"))
    post(world.reviewer, batch, "review")
    assert "2024-10-12 张贴的，公示到 2024-10-18。" in text(agri.get(at(batch)))
    post(world.agri, batch, "publish", place="公开栏", starts_on="2024-10-12", photo=picture())
    page = text(agri.get(at(batch)))
    assert "演示的工作日期停在 2024-10-12" in page
    assert "公示还剩 7 天" in page
    assert "（方案没有写，按默认）" in page
    world.today(7)
    post(world.agri, batch, "photo", moment="taken_down", photo=picture(data=PNG + b"2"))
    post(world.leader, batch, "approve")
    post(world.finance, batch, "pay", source="county")
    rows = Payment.objects.all()
    post(world.finance, batch, "fail", payment=rows[0].pk, reason="户名不符")
    assert "户名不符" in text(client(world.finance).get(at(batch)))
    post(world.finance, batch, "reissue", line=rows[0].line_id)
    vouchers = {f"v-{one.pk}": "" for one in Payment.objects.filter(result="sent")}
    post(world.finance, batch, "settle", all="V2024-1", **vouchers)
    assert "银行合计 1.00 元" in post(world.finance, batch, "reconcile", 400, total="1")
    post(world.finance, batch, "reconcile", total="9,250.00")

    batch.refresh_from_db()
    assert batch.state == "reconciled"
    page = text(client(world.discipline).get(at(batch)))
    assert "V2024-1" in page
    assert all(str(one) in page for one in (world.agri, world.reviewer, world.leader, world.finance))


def test_what_a_step_waits_for_is_told_on_the_page(world):
    batch = world.prepare()

    page = post(world.reviewer, batch, "review", 400)

    assert "还不能审核：缺材料：会议纪要。" in page
    assert "还差：缺材料：会议纪要" in page
    assert Event.objects.filter(action="审核批次（未准）").count() == 1


def test_an_old_page_is_told_so_and_changes_nothing(world):
    batch = world.prepare()
    old = batch.version
    Batch.objects.update(version=old + 1)

    answer = client(world.reviewer).post(at(batch, "review"), {"version": old})

    assert "打开以后别人已改过" in text(answer, 409)


@pytest.mark.parametrize("act", ["review", "approve", "pay", "void", "settle", "rows", "publish", "answer", "fail"])
def test_who_lacks_the_right_is_forbidden(world, act):
    batch = world.prepare()

    assert client(world.discipline).post(at(batch, act), {"version": 1}).status_code == 403
    assert client(world.head).post(at(batch, act), {"version": 1}).status_code == 404

    tried = {one.user: one for one in Event.objects.filter(action__endswith="（未准）")}
    assert set(tried) == {world.discipline, world.head}
    assert (tried[world.discipline].about, tried[world.discipline].reason) == (batch.pk, "没有这一步的权限。")
    assert f"batches/{batch.pk}/{act}/" in tried[world.head].subject


def test_rows_are_taken_out_and_put_in(world):
    batch = world.prepare()
    one = world.owed[0]
    post(world.agri, batch, "rows", entitlement=str(one.pk))
    batch.refresh_from_db()
    assert batch.total == D(7250)

    post(world.agri, batch, "rows", add="1")

    batch.refresh_from_db()
    assert batch.total == D(9250)
    assert "已不在本批次中" in post(world.agri, batch, "rows", 409, entitlement="x")


def test_everything_due_is_put_in_though_something_invented_is_due_too(world):
    batch = world.prepare()
    post(world.agri, batch, "rows", entitlement=str(world.owed[0].pk))
    invented = world.owe("西村", 3)
    Entitlement.objects.filter(pk=invented.pk).update(is_demo=True)

    post(world.agri, batch, "rows", add="1")

    batch.refresh_from_db()
    invented.refresh_from_db()
    assert (batch.total, invented.state) == (D(9250), "due")


def test_an_account_is_chosen_among_several(world):
    world.owe("东村", 2, parts=[{"payee_kind": "farmer", "amount": "1000"}])
    accounts = [world.account("东村", name=f"农户{n}", kind="farmer", number=f"62284811111111{n}0") for n in (1, 2)]
    batch = world.prepare()
    line = batch.lines.get(payee_kind="farmer")
    assert "农户2 尾号" in text(client(world.agri).get(at(batch)))

    post(world.agri, batch, "assign", **{f"p-{line.pk}": str(accounts[1].pk)})

    line.refresh_from_db()
    assert line.payee == accounts[1]


def test_an_objection_is_entered_and_upheld(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World()
    batch = world.to("published")
    post(world.agri, batch, "object", who="某村民", what="面积不对", on="2024-10-12")
    found = batch.publicities.get().objections.get()
    assert "面积不对" in text(client(world.reviewer).get(at(batch)))

    post(world.reviewer, batch, "answer", objection=found.pk, text="核减", upheld="on")

    batch.refresh_from_db()
    assert batch.state == "draft"
    assert "异议成立：核减" in text(client(world.agri).get(at(batch)))


def test_photographs_and_papers_go_to_who_reads_the_money_only(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World()
    world.to("published")
    photo = Publicity.objects.get().posted
    address = f"{ROOT}batches/files/{photo.pk}/"

    answer = client(world.discipline).get(address)

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert "no-store" in answer["Cache-Control"]
    assert b"".join(answer.streaming_content) == PNG
    assert client(world.head).get(address).status_code == 404
    other = client(world.leader).get(f"{ROOT}batches/files/{world.payees['东村'].pk}/")
    assert other.status_code == 404


def test_an_adjustment_is_entered_on_its_page(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World()
    world.to("paid")
    address = f"{ROOT}entitlements/{world.owed[0].pk}/adjust/"
    assert "2,000.00" in text(client(world.agri).get(address))
    assert "超过已支付的 2,000.00 元" in text(
        client(world.agri).post(address, {"amount": "-2000.5", "reason": "核"}), 400
    )

    assert client(world.agri).post(address, {"amount": "-500", "reason": "核减"}).status_code == 302

    assert Entitlement.objects.get(adjusts=world.owed[0]).amount == D(-500)
    assert client(world.finance).get(address).status_code == 403


# accounts


def typed(world, **more):
    place = world.land.villages["东村"].pk
    return {
        "division": place,
        "kind": "coop",
        "name": "合作社",
        "account": NUMBER,
        "again": NUMBER,
        "bank": "农行",
    } | more


def test_an_account_is_entered_confirmed_and_looked_at(world):
    clerk, other = client(world.clerk), client(world.reviewer)
    text(clerk.get(f"{ROOT}payees/new/"))
    assert "两次输入的账号不同" in text(clerk.post(f"{ROOT}payees/new/", typed(world, again="1")), 400)
    assert clerk.post(f"{ROOT}payees/new/", typed(world)).status_code == 302
    payee = Payee.objects.get(kind="coop")
    address = f"{ROOT}payees/{payee.pk}/"
    assert "须由另一人复核" in text(clerk.get(address))
    assert "登记人以外的人" in text(clerk.post(f"{address}confirm/"), 400)
    assert other.post(f"{address}confirm/").status_code == 302

    listed = text(other.get(f"{ROOT}payees/"))
    shown = text(other.post(f"{address}reveal/"))

    assert "••••8901" in listed
    assert NUMBER[:8] not in listed
    assert "6228 4800 1234 5678 901" in shown
    assert NUMBER[:8] not in text(other.get(address)).replace(" ", "")
    assert Event.objects.get(action="查看完整账号").user == world.reviewer
    for person, status in ((world.head, 403), (world.discipline, 403), (world.agri, 403), (world.finance, 200)):
        assert client(person).post(f"{address}reveal/").status_code == status


def test_a_village_sees_its_own_accounts_only(world):
    page = text(client(world.head).get(f"{ROOT}payees/"))

    assert "东村经济合作社" in page
    assert "西村经济合作社" not in page
    assert client(world.head).get(f"{ROOT}payees/{world.payees['西村'].pk}/").status_code == 404


def test_an_account_is_retired_with_a_reason(world):
    address = f"{ROOT}payees/{world.payees['西村'].pk}/retire/"
    assert "请写明原因" in text(client(world.clerk).post(address), 400)

    assert client(world.clerk).post(address, {"reason": "销户"}).status_code == 302

    assert Payee.objects.get(pk=world.payees["西村"].pk).state == "retired"


# funds


def test_money_is_entered_and_moved_between_sources(world):
    finance = client(world.finance)
    values = {"program": world.program.pk, "source": "central", "role": "allotted", "amount": "100.50",
              "on": "2024-10-12", "document": "财农〔2024〕1号"}  # fmt: skip
    assert finance.post(f"{ROOT}batches/funds/new/", values).status_code == 302
    moved = {"program": world.program.pk, "source": "central", "to": "county", "amount": "100", "reason": "上级调整"}
    assert finance.post(f"{ROOT}batches/funds/rebook/", moved).status_code == 302
    assert "资金不足" in text(finance.post(f"{ROOT}batches/funds/rebook/", moved), 400)

    page = text(finance.get(f"{ROOT}batches/funds/"))

    assert "中央余 0.50" in page
    assert Fund.objects.filter(role="rebooked").count() == 2
    assert client(world.agri).post(f"{ROOT}batches/funds/new/", values).status_code == 403
