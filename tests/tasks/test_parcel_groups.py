"""The head of the list and where its pages begin: exact, in step with the rows, and cheap for many parcels."""

from decimal import Decimal

import pytest
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from parcels.models import Parcel
from tasks.services import recompute
from tasks.views import parcel_groups
from tasks.views.parcel_groups import ByVillage, chosen_groups, groups, kept_groups, totals_of
from tests.tasks.land import YEAR, Land

pytestmark = pytest.mark.django_db
NOTHING = dict.fromkeys(("division", "kind", "stage", "source"), "")


@pytest.fixture
def land():
    """Seven parcels in 东村, three in 中村, one in 西村; the kinds take turns."""
    cache.clear()
    land = Land(("东村", "中村", "西村"))
    for village, count in (("西村", 1), ("东村", 7), ("中村", 3)):
        for at in range(count):
            land.work(village, ("abandonment", "restructure")[at % 2], f"1.{at}", parcel=True)
    recompute(land.town, YEAR)
    land.rows = Parcel.objects.of_year(land.town, YEAR)
    return land


def test_totals_are_those_of_the_rows(land):
    Parcel.objects.filter(division=land.villages["西村"]).update(gross_mu=None, pbf_mu=Decimal("0.0001"))
    found = totals_of(groups(land.rows))
    told = [(one["name"], one["count"], one["gross_mu"], one["pbf_mu"]) for one in found["kinds"]]
    assert found["count"] == 11
    assert told == [
        ("自然撂荒", 7, Decimal("7.4"), Decimal("0.0001")), ("种植结构调整", 4, Decimal("5.0"), None),
    ]  # fmt: skip
    assert totals_of([]) == {"count": 0, "kinds": []}


@pytest.mark.parametrize(
    ("chosen", "below", "count"),
    [
        pytest.param({}, "", 11, id="nothing chosen"),
        pytest.param({}, "东村", 7, id="division"),
        pytest.param({"kind": "restructure"}, "", 4, id="kind"),
        pytest.param({"stage": "issued"}, "", 11, id="stage"),
        pytest.param({"stage": "none"}, "", 0, id="no stage"),
        pytest.param({"source": "petition"}, "", 0, id="source"),
    ],
)
def test_chosen_groups_count_what_the_filters_leave(land, chosen, below, count):
    path = land.villages[below].path if below else ""
    assert totals_of(chosen_groups(groups(land.rows), NOTHING | chosen, path, "none"))["count"] == count


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 20])
def test_pages_follow_one_another_without_gap_or_double(land, size):
    pages = Paginator(ByVillage(land.rows, groups(land.rows)), size)
    shown = [one for number in pages.page_range for one in pages.page(number)]
    assert shown == list(land.rows.order_by("division__path", "pk"))
    assert [str(one.division) for one in shown] == ["东村"] * 7 + ["中村"] * 3 + ["西村"]
    assert {str(one.kind) for one in shown} == {"自然撂荒", "种植结构调整"}


def test_a_page_is_one_statement_and_an_empty_list_has_one_page(land):
    found = groups(land.rows)
    with CaptureQueriesContext(connection) as queries:
        list(Paginator(ByVillage(land.rows, found), 5).page(2))
    assert len(queries) == 1
    assert list(Paginator(ByVillage(land.rows.none(), []), 5).get_page(3)) == []


def test_few_parcels_are_added_up_each_time_and_many_once_a_minute(land, monkeypatch):
    user = land.person()
    assert len(kept_groups(user, land.year, land.rows)) == len(groups(land.rows))
    land.work("西村", "abandonment", "5", parcel=True)
    assert totals_of(kept_groups(user, land.year, land.rows))["count"] == 12
    monkeypatch.setattr(parcel_groups, "LARGE", 3)
    assert totals_of(kept_groups(user, land.year, land.rows))["count"] == 12
    land.work("西村", "abandonment", "5", parcel=True)
    assert totals_of(kept_groups(user, land.year, land.rows))["count"] == 12, "kept"


def test_kept_sums_end_with_new_figures_and_are_of_one_scope(land, monkeypatch):
    monkeypatch.setattr(parcel_groups, "LARGE", 3)
    head = land.person("village_head", land.villages["东村"])
    assert totals_of(kept_groups(land.person(), land.year, land.rows))["count"] == 11
    mine = Parcel.objects.visible_to(head).of_year(land.town, YEAR)
    assert totals_of(kept_groups(head, land.year, mine))["count"] == 7
    land.work("西村", "abandonment", "5", parcel=True)
    recompute(land.town, YEAR)
    land.year.refresh_from_db()
    assert totals_of(kept_groups(land.person(), land.year, land.rows))["count"] == 12
