"""The acceptance form knows what waits, takes a return without area and a reason from the list; the page follows."""

import re

import pytest
from django.urls import reverse as address

from farmland.jobs.services import run_pending
from parcels.models import Step
from tasks.services import recompute
from tests.tasks.acceptance_world import WHERE, filled, page_of, send, waiting_land
from tests.tasks.land import YEAR

pytestmark = pytest.mark.django_db


@pytest.fixture
def land():
    return waiting_land()


def test_the_form_opens_with_the_area_that_waits(land, client):
    land.step(land.work("西村", "abandonment", 10), "planted", "9", by=land.head)
    recompute(land.town, YEAR)
    shown = page_of(client, land.officer)
    link = re.search(r'href="[^"]*?\?(for_kind=[^"#]+)#h-enter"', shown)[1]
    form = page_of(client, land.officer, **dict(one.split("=") for one in link.split("&")))
    for name in ("declared_mu", "accepted_mu"):
        assert re.search(rf'name="{name}" value="9"', form)


def test_what_waits_on_parcels_is_accepted_on_parcels(land, client):
    shown = page_of(client, land.officer)
    queue = shown[shown.index('id="waiting"') : shown.index('id="h-enter"')]
    assert "按图斑验收" in queue
    assert "for_accepted_mu" not in queue, "once more for the village, the same land would count twice"


def test_a_parcels_own_button_opens_it_with_the_parcels_area(land, client):
    client.force_login(land.officer)
    page = client.get(address("parcel_detail", kwargs=WHERE | {"pk": land.work_of_east.parcel_id})).content.decode()
    assert "for_accepted_mu=9&amp;" in page


def test_a_return_needs_no_area_and_takes_none(land, client):
    for area in ("", "9"):
        values = filled(land, client, verdict="returned", accepted_mu=area, reason_code="no_crop")
        assert send(client, values).status_code == 302
    assert [one.area_mu for one in Step.objects.acceptances()] == [0, 0]


def test_a_reason_is_chosen_written_or_both(land, client):
    for code, text in (("no_crop", ""), ("", "等雨停"), ("no_crop", "等雨停")):
        send(client, filled(land, client, verdict="returned", reason_code=code, reason=text))
    assert {one.reason for one in Step.objects.acceptances()} == {"翻耕未种植", "等雨停", "翻耕未种植：等雨停"}
    refused = send(client, filled(land, client, verdict="returned"))
    assert refused.status_code == 400
    assert "退回须写明原因" in refused.content.decode()


def test_without_an_area_a_pass_is_refused_at_its_field(land, client):
    refused = send(client, filled(land, client, accepted_mu=""))
    assert refused.status_code == 400
    assert "请填本次认定的面积" in refused.content.decode()


def test_the_queue_and_the_bar_follow_the_recompute(land, client):
    answer = send(client, filled(land, client, parcel=land.work_of_east.parcel.codes[0], accepted_mu="9"))
    fragment = re.search(r'hx-get="([^"]+/figure/[^"]*)"', client.get(answer["Location"]).content.decode())[1]
    before = client.get(fragment, headers={"HX-Request": "true"}).content.decode()
    assert "hx-swap-oob" not in before
    run_pending()
    after = client.get(fragment, headers={"HX-Request": "true"}).content.decode()
    queue = after[after.index('id="waiting"') :]
    assert after.count('hx-swap-oob="true"') == 2
    assert "没有待验收的面积" in queue
    assert 'id="as-of"' in queue


def test_entries_stand_as_blocks_on_a_phone(land, client):
    land.step(land.work_of_east, "county_accepted", 2, by=land.officer)
    entries = page_of(client, land.officer).split('id="h-entries"')[1]
    assert 'class="table table--compact blocks"' in entries
    assert {"日期", "村或图斑", "认定（亩）", "结论"} <= set(re.findall(r'data-label="([^"]+)"', entries))
