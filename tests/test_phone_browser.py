"""The phone page in a real browser with a signal that comes and goes: what was taken and said arrives, once."""

from datetime import date
from decimal import Decimal

import pytest

from parcels.models import Evidence, Step
from tasks.models import Clue, Issue, TownYear
from tests.parcels.pictures import field, jpeg
from tests.tasks.land import Land
from tests.test_browser import Visitor, chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["chromium"]
HOME, PATROL = "/qingxi/2024/phone/", "/qingxi/2024/patrol/"


@pytest.fixture
def head(chromium, live_server, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    land = Land()
    user = land.person("village_head", land.villages["东村"], name="head")
    user.set_password("secret")
    user.save()
    work = land.work("东村", "abandonment", "12", parcel=True)
    visitor = Visitor(chromium, live_server, "secret", "head")
    visitor.work, visitor.land, visitor.user = work, land, user
    return visitor


def phone(visitor, path=""):
    page = visitor.see(f"{HOME}{path}")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


def report(page, area):
    page.fill("form[data-stage] [name=area_mu]", area)
    page.click("form[data-stage] button[type=submit]")
    page.click("#confirm button[value=yes]")


def photo(page, name="a.jpg", seed=1):
    picture = {"name": name, "mimeType": "image/jpeg", "buffer": jpeg(field((640, 480), seed=seed))}
    page.set_input_files("#album", [picture])


def queue(page, words):
    page.locator("[data-queue] li", has_text=words).first.wait_for()


def test_without_a_signal_reports_and_photos_wait_on_the_phone_and_then_arrive_once(head):
    page = phone(head, f"{head.work.parcel_id}/?stage=planted")
    context = page.context
    context.set_offline(True)
    report(page, "7.5")
    page.wait_for_selector("[data-stage-said]:not([hidden])")
    assert "已存在手机里" in page.inner_text("[data-stage-said]")
    photo(page)
    queue(page, "待传")
    assert (Step.objects.count(), Evidence.objects.count()) == (0, 0)

    context.set_offline(False)
    page.locator("[data-local]", has_text="已送达").nth(1).wait_for()
    step, one = Step.objects.get(), Evidence.objects.get()
    assert (step.area_mu, step.rung.code, step.by) == (Decimal("7.5"), "planted", head.user)
    assert (one.parcel_id, one.by) == (head.work.parcel_id, head.user)
    page.reload()
    queue(page, "已送达")
    assert (Step.objects.count(), Evidence.objects.count()) == (1, 1)


def test_a_photo_of_an_issue_waits_on_the_phone_and_then_arrives_once(head):
    place = {"town": head.land.town, "division": head.land.villages["东村"], "year": 2024}
    issue = Issue.objects.create(**place, kind_id="illegal_use", ledger="a", serial="7", codes=["X1"])
    page = phone(head, "issues/")
    page.click(".job .tap")
    page.context.set_offline(True)
    page.select_option("[name=phase]", "before")
    photo(page)
    queue(page, "待传")
    assert not Evidence.objects.exists()
    page.context.set_offline(False)
    page.locator("[data-local]", has_text="已送达").first.wait_for()
    one = issue.photos.get()
    assert (one.phase, one.parcel, one.by) == ("before", None, head.user)
    page.reload()
    queue(page, "已送达")
    assert Evidence.objects.count() == 1


def test_pages_opened_before_open_again_without_a_signal(head):
    page = phone(head)
    tail = page.inner_text(".job .code")
    phone(head, f"{head.work.parcel_id}/")
    head.see(HOME)
    page.context.set_offline(True)
    page.goto(f"{head.server}{HOME}")
    assert tail in page.inner_text("main")
    page.click(".job a.tap")
    page.wait_for_selector("form[data-stage]")
    answer = page.goto(f"{head.server}{HOME}?page=77")
    assert "没有信号" in page.content()
    assert answer.status == 503
    page.context.set_offline(False)


def test_without_a_signal_a_clue_and_its_photos_wait_on_the_phone_and_then_arrive_once(head):
    head.see(PATROL).evaluate("navigator.serviceWorker.ready.then(() => true)")
    page = head.see(PATROL)
    page.context.set_offline(True)
    page.goto(f"{head.server}{PATROL}")  # opens as it was
    page.fill("[name=place]", "九组水库边")
    page.reload()
    assert page.input_value("[name=place]") == "九组水库边"
    page.click("form[data-patrol] button[type=submit]")
    assert page.evaluate("document.activeElement.name") == "category"
    page.select_option("[name=category]", "building")
    pictures = [
        {"name": f"{seed}.jpg", "mimeType": "image/jpeg", "buffer": jpeg(field((640, 480), seed=seed))}
        for seed in (1, 2)
    ]
    page.set_input_files("#photo", pictures)
    page.locator("[data-picked]", has_text="已选 2 张").wait_for()
    page.click("form[data-patrol] button[type=submit]")
    page.locator("[data-local]", has_text="待传").nth(2).wait_for()
    assert page.input_value("[name=place]") == ""
    assert not Clue.objects.exists()

    page.context.set_offline(False)
    page.locator("[data-local]", has_text="已送达").nth(2).wait_for()
    clue = Clue.objects.get()
    assert (clue.place, clue.category, clue.by, clue.photos.count()) == ("九组水库边", "building", head.user, 2)
    page.reload()
    queue(page, "已送达")
    assert (Clue.objects.count(), Evidence.objects.count()) == (1, 2)


def test_a_clue_the_server_refuses_stands_in_the_form_again(head):
    page = head.see(PATROL)
    TownYear.objects.update(closed_on=date(2024, 10, 12))
    page.select_option("[name=category]", "building")
    page.fill("[name=place]", "九组水库边")
    page.click("form[data-patrol] button[type=submit]")
    page.locator("[data-patrol-said]", has_text="已关账").wait_for()
    assert page.input_value("[name=place]") == "九组水库边"
    assert page.locator("[data-local]").count() == 0
    assert not Clue.objects.exists()


def test_signing_out_takes_the_kept_pages_away(head):
    page = phone(head)
    assert page.evaluate("caches.has('farmland-phone')")
    head.see("/qingxi/2024/forms/")
    page.click("[data-menu]:has([data-logout]) summary")
    page.click("[data-logout] button")
    page.wait_for_url("**/login/**")
    assert not page.evaluate("caches.has('farmland-phone')")


def test_what_the_server_refuses_stands_in_the_form(head):
    page = phone(head, f"{head.work.parcel_id}/?stage=planted")
    report(page, "-3")
    page.wait_for_selector("[data-stage-said]:not([hidden])")
    assert "0" in page.inner_text("[data-stage-said]")
    assert Step.objects.count() == 0
    report(page, "3")
    page.wait_for_url(f"**{HOME}*")
    assert Step.objects.get().area_mu == 3
