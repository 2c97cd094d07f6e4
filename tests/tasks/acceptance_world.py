"""A village that reported 9 亩 on a parcel of 10, and its acceptance form as a person sends it."""

import re
from html import unescape

from django.core.cache import cache
from django.urls import reverse as address

from parcels.models import Listing, ParcelList
from tasks.services import recompute
from tests.tasks.land import YEAR, Land

WHERE = {"town": "qingxi", "year": YEAR}


def waiting_land() -> Land:
    cache.clear()
    land = Land()
    land.target("abandonment", 283, level="county", shares={"东村": 10, "西村": 20})
    land.officer = land.person(name="经办")
    land.head = land.person("village_head", land.villages["东村"], name="东村填报人")
    land.work_of_east = land.work("东村", "abandonment", 10, parcel=True)
    the_list = ParcelList.objects.create(town=land.town, year=YEAR, title="第一批")
    parcel = land.work_of_east.parcel
    Listing.objects.create(list=the_list, town=land.town, serial="1", code=parcel.codes[0], parcel=parcel)
    land.step(land.work_of_east, "planted", 9, by=land.head)
    land.step(land.work_of_east, "evidenced", "6.5", by=land.head)
    recompute(land.town, YEAR)
    return land


def page_of(client, user, **query) -> str:
    client.force_login(user)
    answer = client.get(address("acceptance_list", kwargs=WHERE), query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def filled(land, client, **changes) -> dict:
    """The form as a person would send it: with the hidden key of the page."""
    key = re.search(r'name="key" value="([^"]+)"', page_of(client, land.officer))[1]
    values = {
        "kind": "abandonment", "level": "county", "division": land.villages["东村"].code, "parcel": "",
        "declared_mu": "", "accepted_mu": "4", "accepted_on": "2024-10-10", "verdict": "passed", "reason": "",
        "key": key,
    }  # fmt: skip
    return values | changes


def send(client, values):
    return client.post(address("acceptance_create", kwargs=WHERE), values)
