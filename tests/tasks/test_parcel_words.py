"""The parcel page says who said what and when, and offers an acceptance only where something is left to accept."""

import pytest
from django.urls import reverse

from tests.tasks.land import YEAR, Land

pytestmark = pytest.mark.django_db


@pytest.fixture
def land():
    land = Land()
    land.target("abandonment", 20, level="county")
    land.officer = land.person(name="经办")
    return land


def page(client, land, parcel) -> str:
    client.force_login(land.officer)
    answer = client.get(reverse("parcel_detail", kwargs={"town": land.town.slug, "year": YEAR, "pk": parcel.pk}))
    return answer.content.decode()


def test_what_nobody_entered_is_the_plans_only_where_the_plan_says_it(client, land):
    work = land.work("东村", "abandonment", 6, parcel=True)
    land.step(work, "planted", 2, note="自 2022 年结转")
    shown = page(client, land, work.parcel)
    assert "系统" in shown.split('id="h-trail"')[1]
    assert "方案" not in shown.split('id="h-trail"')[1].split("</section>")[0]
    land.step(work, "evidenced", 1, clause="二（一）")
    assert "方案，出处 二（一）" in page(client, land, work.parcel)


def test_the_days_of_the_trail_have_their_year(client, land):
    work = land.work("东村", "abandonment", 6, parcel=True)
    step = land.step(work, "planted", 2)
    trail = page(client, land, work.parcel).split('id="h-trail"')[1].split("</section>")[0]
    assert f">{step.on:%Y-%m-%d}</time>" in trail


def test_what_is_wholly_accepted_is_not_offered_again(client, land):
    work = land.work("东村", "abandonment", 6, parcel=True)
    land.step(work, "county_accepted", 5)
    assert "登记验收" in page(client, land, work.parcel)
    land.step(work, "county_accepted", 1)
    assert "登记验收" not in page(client, land, work.parcel)
