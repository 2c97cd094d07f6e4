"""A village that has ended by the working date is offered nowhere; what was entered there is still found."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.cache import cache
from django.urls import reverse

from farmland.agenda import todo
from farmland.dashboard import matrix
from farmland.places.models import Division
from parcels.progress import Ladders
from tasks.models import Progress
from tasks.services import recompute
from tasks.views.acceptance_form import AcceptanceForm, divisions_inside
from tests.tasks.land import TODAY, YEAR, Land

pytestmark = pytest.mark.django_db


@pytest.fixture
def land():
    cache.clear()
    land = Land()
    land.target("abandonment", 20, level="county", shares={"东村": "8", "西村": "7"})
    land.officer = land.person(name="经办")
    land.step(land.work("西村", "abandonment", 7), "county_accepted", 2, by=land.officer)
    recompute(land.town, YEAR)
    return land


def end(land, on=TODAY):
    Division.objects.filter(pk=land.villages["西村"].pk).update(valid_to=on)


def rows_of(land):
    return list(Progress.objects.filter(town=land.town).select_related("target__kind", "division"))


def page(client, land, name, **query) -> str:
    client.force_login(land.officer, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(reverse(name, kwargs={"town": land.town.slug, "year": YEAR}), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(("days", "there"), [(-1, False), (0, False), (1, True)])
def test_the_working_date_decides(land, days, there):
    end(land, TODAY + timedelta(days=days))
    alive = Division.objects.filter(parent=land.town).alive(TODAY)
    assert (land.villages["西村"] in alive) is there
    assert Division.objects.get(pk=land.villages["西村"].pk).is_alive(TODAY) is there


def test_the_matrix_leaves_it_out_and_still_adds_up(land):
    end(land)
    table = matrix(land.year, rows_of(land))
    assert [str(row["division"]) for row in table["rows"]] == ["东村"]
    assert table["rest"] == [{"counted": D(2), "amount": D(12), "unit": "mu"}]


def test_it_is_not_waited_for(land):
    end(land)
    Progress.objects.filter(division=land.villages["西村"]).update(state="infeasible")
    findings = {"error": 0, "warning": 0}
    told = todo(land.year, [], rows_of(land), findings, ladders=Ladders(land.town), silent=[])
    assert not any("西村" in one["text"] for one in told)


def test_no_form_offers_it_but_its_entries_are_found(land, client):
    end(land)
    form = AcceptanceForm(town_year=land.year, user=land.officer)
    assert "西村" not in dict(form.fields["division"].choices).values()
    assert land.villages["西村"] not in divisions_inside(land.officer, land.year)
    shown = page(client, land, "acceptance_list", division=land.villages["西村"].code)
    assert "2.00" in shown.split('id="h-entries"')[1]


@pytest.mark.parametrize("name", ["form_home", "parcel_list", "inspection_queue", "patrol", "issue_create"])
def test_no_choice_offers_it(land, client, name):
    assert "西村" in page(client, land, name)
    end(land)
    assert "西村" not in page(client, land, name)


def test_a_filter_keeps_it_while_parcels_lie_there(land, client):
    land.work("西村", "abandonment", 3, parcel=True)
    recompute(land.town, YEAR)
    end(land)
    assert "西村" in page(client, land, "parcel_list")
