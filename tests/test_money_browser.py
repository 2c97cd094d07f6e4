"""The money in a real browser: a village claims, four pairs of hands follow, every figure is the same to the 分."""

from decimal import Decimal

import pytest

from farmland.jobs.services import run_pending
from farmland.lib.numbers import fixed
from subsidies.models import Batch, Claim, Payment
from tasks.models import TownYear
from tests.parcels.pictures import field, jpeg
from tests.test_browser import Visitor, chromium, xihe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["chromium", "xihe"]
HOME = "/xihe/2024/subsidies/"
ROUND = "2025 年管护（演示）"
PRICE = Decimal(300)


def press(page, label, *, ask=False, within="main"):
    """A button of the page, answering the question it asks; the next page is there when this returns."""
    button = page.locator(within).locator(f"button:text-is('{label}')")
    if ask:
        button.click()
        button = page.locator("#confirm button[value=yes]")
    with page.expect_navigation():
        button.click()


def picture(form, seed):
    data = jpeg(field((640, 480), seed=seed))
    file = {"name": f"墙{seed}.jpg", "mimeType": "image/jpeg", "buffer": data}
    form.locator("input[type=file]").set_input_files(file)


def posted(visitor, path):
    """A form of the page sent by hand, for what the page does not offer."""
    token = visitor.page.context.cookies()
    token = next(one["value"] for one in token if one["name"].endswith("csrftoken"))
    version = str(Batch.objects.get(pk=path.split("/")[-3]).version)
    sent = {"csrfmiddlewaretoken": token, "version": version}
    return visitor.page.request.post(
        f"{visitor.server}{path}", form=sent, headers={"Referer": f"{visitor.server}{path}"}
    )


def compute(visitor):
    """The round computed by the job and let stand."""
    page = visitor.see(f"{HOME}calculations/")
    press(page, "核算", within=f"tr:has-text('{ROUND}')")
    run_pending()
    page = visitor.see(f"{HOME}calculations/")
    with page.expect_navigation():
        page.locator(f"tr:has-text('{ROUND}') td a").first.click()
    press(page, "采用", ask=True)
    assert "已采用" in page.inner_text("main")


def claimed_and_verified(village, official, claim):
    page = village.see(f"{HOME}claims/{claim.pk}/")
    page.fill("#declared_mu", str(claim.cap_mu.normalize()))
    press(page, "申报")
    assert "等镇里核实" in page.inner_text("body")
    page = official.see(f"{HOME}claims/{claim.pk}/")
    press(page, "核实")
    claim.refresh_from_db()
    assert (claim.state, claim.verified_mu) == ("verified", claim.cap_mu)


def prepared(visitor):
    """The address of a fresh batch of what 双永村 is owed for the demo's round."""
    page = visitor.see(f"{HOME}batches/")
    with page.expect_navigation():
        page.locator(f"tr:has-text('{ROUND}') a:has-text('编制批次')").click()
    page.check("label:has-text('双永村') input")
    press(page, "编制")
    return page.url.removeprefix(visitor.server)


def papers_brought(agri, batch):
    """What the clause of the rate asks for; the page names the next one that is missing."""
    for seed, name in enumerate(("村管护申报表", "镇级验收资料"), start=3):
        page = agri.see(batch)
        assert f"缺材料：{name}" in page.inner_text("main")
        page.click("summary:text-is('上传材料')")
        assert page.input_value("form[action$='/paper/'] [name=name]") == name
        picture(page.locator("form[action$='/paper/']"), seed)
        press(page, "上传")


def posted_on_the_wall(agri, official, batch):
    papers_brought(agri, batch)
    page = official.see(batch)
    press(page, "审核")
    page = agri.see(batch)
    page.fill("[name=place]", "村务公开栏")
    picture(page.locator("form[action$='/publish/']"), 1)
    press(page, "公示")
    assert "公示还剩 7 天" in page.inner_text("main")


def on_the_eighth_day(agri, batch):
    year = TownYear.objects.get(town__slug="xihe", year=2024)
    year.working_date = Batch.objects.get(pk=batch.split("/")[-2]).publicities.get().ends_on.replace(day=19)
    year.save()
    page = agri.see(batch)
    picture(page.locator("form[action$='/photo/']"), 2)
    press(page, "上传期满照片")


def test_a_claim_becomes_money_and_every_page_says_the_same_sum(chromium, live_server, xihe):
    hands = {name: Visitor(chromium, live_server, xihe, name) for name in (
        "xihe-shuangyong", "xihe-xinsi", "xihe", "xihe-agri", "xihe-leader", "xihe-finance",
    )}  # fmt: skip
    village, neighbour, official, agri, leader, finance = hands.values()
    mine = Claim.objects.filter(division__name="双永村", round__label=ROUND)
    claim = mine.filter(state="draft").order_by("-cap_mu").first()

    refused = neighbour.page.goto(f"{live_server.url}{HOME}claims/{claim.pk}/")
    assert refused.status == 404
    claimed_and_verified(village, official, claim)
    compute(agri)
    batch = prepared(agri)
    page = agri.page
    areas = list(mine.filter(state="verified").values_list("verified_mu", flat=True))
    total = sum((area * PRICE for area in areas), Decimal(0))
    assert f"合计 {fixed(total)} 元，{len(areas)} 行" in page.inner_text("main")

    posted_on_the_wall(agri, official, batch)
    assert posted(agri, f"{batch}approve/").status == 403  # no right to approve at all
    page = leader.see(batch)
    page.click("summary:text-is('批准')")  # not the next thing to do yet
    press(page, "批准", ask=True)
    assert "还不能批准：公示到 2024-10-18" in page.inner_text("body")
    assert all("400" in one for one in leader.complaints)
    leader.complaints.clear()  # the browser remarks on the refusal
    on_the_eighth_day(agri, batch)
    page = leader.see(batch)
    press(page, "批准", ask=True)
    page = finance.see(batch)
    page.select_option("[name=source]", "county")
    press(page, "支付", ask=True)

    rows = agri.api(f"batches/?town=xihe&number={Batch.objects.get(pk=batch.split('/')[-2]).number}")["results"]
    assert [(one["state"], Decimal(one["total_yuan"])) for one in rows] == [("paid", total)]
    paid = list(Payment.objects.filter(line__batch=batch.split("/")[-2]).values_list("amount", flat=True))
    assert (sum(paid), len(paid)) == (total, len(areas))
    owed = village.api("entitlements/?town=xihe&year=2025&state=settled")["results"]
    assert sum(Decimal(one["amount_yuan"]) for one in owed) == total
    assert f"{fixed(claim.cap_mu * PRICE)}" in village.see(f"{HOME}entitlements/?state=settled").inner_text("main")
    line = next(one for one in owed if Decimal(one["area_mu"]) == claim.cap_mu)
    assert neighbour.page.goto(f"{live_server.url}{HOME}entitlements/{line['id']}/").status == 404
    assert [one for hand in (village, official, agri, leader, finance) for one in hand.complaints] == []


def test_who_prepared_a_batch_does_not_approve_it(chromium, live_server, xihe):
    """Even an administrator, who has every right, is told by the page who has to do it."""
    admin = Visitor(chromium, live_server, xihe, "admin")
    batch = prepared(admin)
    posted_on_the_wall(admin, Visitor(chromium, live_server, xihe, "xihe"), batch)
    on_the_eighth_day(admin, batch)
    page = admin.see(batch)
    assert page.locator("main button:text-is('批准')").count() == 0
    answer = posted(admin, f"{batch}approve/")
    assert answer.status == 400
    assert "您已办理本批次的编制，批准须由另一人办理" in answer.text()
    assert Batch.objects.get(pk=batch.split("/")[-2]).state == "published"
