"""The papers of a batch: figures of page and REST to the 分, nothing private on a wall, accounts for the payer."""

from decimal import Decimal as D
from io import BytesIO

import pytest
from django.test import Client
from docx import Document
from openpyxl import load_workbook

from farmland.accounts.models import Event, User
from farmland.lib.amount_in_words import amount_in_words
from subsidies.models import Batch, BatchLine, Entitlement, Payment
from subsidies.paying import adjustments
from tests.subsidies.pay_world import World

pytestmark = pytest.mark.django_db
ROOT = "/qingxi/2024/subsidies/batches/"
WHAT = ("payment", "statement", "publicity", "application")
FARMER = "6228481234567890123"


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World(document="清府〔2024〕9号", approvals=["村委会", "镇政府"])
    world.account("东村", FARMER, name="张三丰", kind="farmer")
    world.owe("东村", "2.3333", amount="1166.65", parts=[
        {"payee_kind": "village", "amount": "350"}, {"payee_kind": "farmer", "amount": "816.65"},
    ], sources=[{"source": "county", "amount": "1166.65"}])  # fmt: skip
    return world


def client(user):
    found = Client()
    found.force_login(user)
    return found


def get(user, batch, name, *, method="get", status=200):
    answer = getattr(client(user), method)(f"{ROOT}{batch.pk}/{name}")
    assert answer.status_code == status, answer.content[:2000]
    return answer


def data(answer) -> BytesIO:
    return BytesIO(b"".join(answer.streaming_content))


def book(user, batch, what, **more):
    return load_workbook(data(get(user, batch, f"{what}.xlsx", **more)))


def paper(user, batch, what, **more):
    return Document(data(get(user, batch, f"{what}.docx", **more)))


def cells(sheet) -> list[list]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def table(sheet) -> tuple[list[str], list[list], list]:
    """(headings, rows, totals) of a sheet."""
    rows = cells(sheet)
    first = next(at for at, row in enumerate(rows) if row[0] == "序号")
    last = next(at for at, row in enumerate(rows) if row[0] == "合计")
    return rows[first], rows[first + 1 : last], rows[last]


def column(found, name) -> list:
    return [row[found[0].index(name)] for row in found[1]]


def texts(document) -> str:
    told = [one.text for one in document.paragraphs]
    told += [cell.text for each in document.tables for row in each.rows for cell in row.cells]
    return "\n".join(told)


def every_text(user, batch, what) -> str:
    told = [str(value) for sheet in book(user, batch, what) for row in cells(sheet) for value in row if value]
    return "\n".join([*told, texts(paper(user, batch, what))])


def money(value) -> D:
    return D(str(value)).quantize(D("0.01"))


# figures


@pytest.mark.parametrize("what", ["payment", "publicity"])
def test_rows_and_total_are_those_of_page_and_rest(world, what):
    batch = world.to("published")
    user = world.finance

    found = table(book(user, batch, what).active)
    amounts = [money(one) for one in column(found, "金额（元）")]
    shown = client(user).get(f"{ROOT}{batch.pk}/").content.decode()
    rest = client(user).get(f"/api/v1/batches/?number={batch.number}").json()["results"][0]

    assert sum(amounts) == money(found[2][found[0].index("金额（元）")]) == batch.total == D("10416.65")
    assert rest["total_yuan"] == "10416.65"
    assert "10,416.65" in shown
    assert amount_in_words(batch.total) in shown
    assert f"大写：{amount_in_words(batch.total)}" in every_text(user, batch, what)
    word = paper(user, batch, what).tables[0]
    at = found[0].index("金额（元）")
    assert [D(row.cells[at].text.replace(",", "")) for row in word.rows[1:]] == [*amounts, batch.total]
    lines = BatchLine.objects.filter(batch=batch)
    wanted = lines if what == "payment" else Entitlement.objects.filter(lines__in=lines).distinct()
    assert sorted(amounts) == sorted(wanted.values_list("amount", flat=True))


def test_the_rows_stand_in_the_order_of_the_page(world):
    batch = world.to("reviewed")

    shown = client(world.finance).get(f"{ROOT}{batch.pk}/").context["rows"]

    found = table(book(world.finance, batch, "payment").active)
    assert [str(one.division) for one in shown] == column(found, "村")
    assert [one.amount for one in shown] == [money(one) for one in column(found, "金额（元）")]


def test_the_statement_has_a_sheet_for_each_village_and_one_of_all(world):
    batch = world.prepare()
    found = book(world.agri, batch, "statement")

    assert found.sheetnames == ["分村汇总", "东村", "西村"]
    sums = table(found["分村汇总"])
    east, west = table(found["东村"]), table(found["西村"])
    assert [money(one) for one in column(sums, "金额（元）")] == [D("6166.65"), D(4250)]
    assert sums[2] == ["合计", "2 个村", 4, 20.8333, 10416.65]
    assert money(sum(map(money, column(east, "金额（元）")))) == D("6166.65") == money(east[2][6])
    assert column(west, "怎么算的") == ["8.5 亩 × 500 元/亩 = 4,250.00 元"]
    word = paper(world.agri, batch, "statement")
    assert [len(one.rows) for one in word.tables] == [4, 5, 3]
    assert [one.rows[-1].cells[-2].text for one in word.tables[1:]] == ["6,166.65", "4,250.00"]


def test_land_in_two_rows_is_not_added_twice(world):
    first = world.owed[0]
    Entitlement.objects.create(
        **{name: getattr(first, name) for name in ("town", "division", "program", "rate_version", "round", "year",
                                                   "work", "subject", "base_mu", "facts_digest")},
        rate_key="other", amount=D(1), state="due", parts=[{"payee_kind": "village", "amount": "1"}],
    )  # fmt: skip
    found = book(world.agri, world.prepare(), "statement")

    assert table(found["分村汇总"])[2] == ["合计", "2 个村", 5, None, 10417.65]
    assert "面积不重复相加" in str(cells(found["分村汇总"]))
    assert money(table(found["西村"])[2][4]) == D("8.5")


def test_the_application_says_amount_sources_notice_and_who_signs(world):
    batch = world.to("published")
    found = {row[0]: row[1] for row in cells(book(world.agri, batch, "application")["申请表"]) if row[0]}

    assert found["申请金额"] == "10,416.65 元\n大写：壹万零肆佰壹拾陆元陆角伍分"
    assert found["补助政策"] == "复耕奖补（清府〔2024〕9号，五）"
    assert found["资金来源"].split("\n") == ["未分来源 9,250.00 元", "县（区） 1,166.65 元"]
    assert "村务公开栏" in found["公示情况"]
    assert [one for one in found if "意见" in one] == ["村委会\n意见", "镇政府\n意见"]
    word = paper(world.agri, batch, "application")
    assert word.tables[0].rows[3].cells[1].text == found["申请金额"]
    assert word.sections[0].page_width < word.sections[0].page_height


# what is private


def test_the_notice_on_the_wall_tells_no_account_and_no_person(world):
    batch = world.to("paid")
    adjustments.adjust(world.owed[0], amount=D(5), reason="张三丰的亲戚李四 13800001111 举报", by=world.agri)
    after = world.to("published")
    told = every_text(world.agri, batch, "publicity") + every_text(world.agri, after, "publicity")

    assert "张**" in told
    assert "村集体" in told
    for private in ("张三丰", "李四", "13800001111", FARMER, FARMER[-4:], "••••", "农商行", "经济合作社"):
        assert private not in told, private
    tails = Payment.objects.values_list("payee__tail", flat=True)
    assert all(f"尾号 {tail}" not in told for tail in tails)


@pytest.mark.parametrize(("kind", "name", "shown"), [
    ("farmer", "欧阳修", "欧**"), ("large_grower", "王大户种植", "王**"), ("family_farm", "李四家庭农场", "李**"),
    ("coop", "赵六", "赵**"), ("company", "青溪农业有限公司", "青溪农业有限公司"), ("group", "王五", "村民小组"),
    ("newkind", "王五", "王**"), ("village", "会计王五", "村集体"),
])  # fmt: skip
def test_only_organisations_stand_on_the_wall_by_name(world, kind, name, shown):
    from subsidies.files.sheets import Figures, _public
    from tasks.views.common import Labels

    line = BatchLine(payee_kind=kind, payee=world.payees["东村"])
    line.payee.name = name
    assert _public(Figures(world.prepare(), Labels(world.town).of), line) == shown
    line.payee = None
    assert _public(Figures(Batch.objects.get(), Labels(world.town).of), line)[:1] != name[:1] or kind in (
        "village", "group")  # fmt: skip


def test_whole_accounts_go_to_who_pays_on_request_and_are_logged(world):
    batch = world.to("approved")
    masked = every_text(world.finance, batch, "payment")
    assert "••••0123" in masked
    assert FARMER not in masked
    assert not Event.objects.filter(action="查看完整账号").exists()

    found = table(book(world.finance, batch, "payment", method="post").active)
    word = texts(paper(world.finance, batch, "payment", method="post"))

    assert FARMER in column(found, "账号")
    assert FARMER in word
    events = Event.objects.filter(action="查看完整账号")
    assert {(one.user, one.about) for one in events} == {
        (world.finance, pk) for pk in BatchLine.objects.filter(batch=batch).values_list("payee", flat=True)
    }
    assert events.count() == 6
    assert not any(FARMER in f"{one.after}{one.reason}{one.subject}" for one in events)


@pytest.mark.parametrize("who", ["agri", "reviewer", "leader", "discipline"])
def test_nobody_else_gets_whole_accounts(world, who):
    batch = world.to("approved")
    user = getattr(world, who)

    answer = get(user, batch, "payment.xlsx", method="post", status=403)

    assert FARMER not in answer.content.decode()
    assert Event.objects.get(action="查看完整账号（未准）").user == user
    for what in WHAT:
        assert FARMER not in every_text(user, batch, what)


def test_a_demo_user_gets_no_whole_account_of_real_money(world):
    batch = world.to("approved")
    User.objects.filter(pk=world.finance.pk).update(is_demo=True)
    user = User.objects.get(pk=world.finance.pk)

    answer = get(user, batch, "payment.xlsx", method="post", status=400)

    assert "演示用户不能办理正式的账号" in answer.content.decode()
    assert FARMER not in answer.content.decode()
    assert not Event.objects.filter(action="查看完整账号").exists()


def test_a_village_and_another_town_get_no_paper(world):
    batch = world.prepare()
    for what in WHAT:
        for suffix in ("xlsx", "docx"):
            get(world.head, batch, f"{what}.{suffix}", status=404)


# marks


def test_what_is_not_approved_or_a_demo_says_so(world):
    batch = world.to("reviewed")
    assert "批次未批准，不作支付依据" in every_text(world.agri, batch, "payment")
    Batch.objects.filter(pk=batch.pk).update(is_demo=True)
    for what in WHAT:
        assert "演示数据，仅供演示" in every_text(world.agri, batch, what)


def test_an_approved_batch_carries_no_mark(world):
    told = every_text(world.agri, world.to("approved"), "payment")
    assert "未批准" not in told
    assert "演示" not in told


def test_texts_are_no_formulas(world):
    parcel = world.owed[0].work.parcel
    type(parcel).objects.filter(pk=parcel.pk).update(codes=["=1+1"], group="+7")
    for what in WHAT:
        for sheet in book(world.agri, world.prepare() if not Batch.objects.exists() else Batch.objects.get(), what):
            assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
            assert sheet.page_setup.paperSize == 9


def test_what_came_back_and_was_sent_again_says_so(world):
    from subsidies.paying import payments

    batch = world.to("paid")
    line = batch.lines.order_by("amount").first()
    payments.fail(batch, payment=line.payments.get().pk, reason="户名不符", by=world.finance)
    assert "退回：户名不符" in every_text(world.finance, batch, "payment")
