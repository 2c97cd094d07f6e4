"""Twice the villages, parcels and papers: no page or list asks the database more often, none more than 12 times."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from bench import computing, land, money, pages, paper, towns
from farmland.accounts.models import ApiToken
from farmland.api import LISTS
from farmland.places.models import Division
from tasks.services import recompute

pytestmark = pytest.mark.django_db
MOST = 12
LOGIN = "django.contrib.auth.backends.ModelBackend"
ROUNDS = (1, 2)
PARCELS = 60  # of each round: the first page of the parcel list (50 rows) is full in both


class Town:
    """西河镇 with its real plan, growing by the same again in each round; what every address asked is kept."""

    def __init__(self):
        self.year = towns.real_town()
        self.asked: dict[str, list[int]] = {}
        self.answers: dict[str, int] = {}
        for number in ROUNDS:
            self.grow(number)
            self.look()

    def grow(self, number: int) -> None:
        towns.more_villages(self.year, 8)
        land.spread(self.year, PARCELS, first=1 + number * PARCELS)
        paper.leave(self.year, 12)
        money.owe(self.year)
        recompute(self.year.town, self.year.year)
        computing.leave(self.year)

    def look(self) -> None:
        town, user = self.year.town, towns.official(self.year.town)
        village = Division.objects.filter(town=town, parcels__isnull=False).exclude(pk=town.pk).order_by("path")[0]
        self.visit("official", user, pages.addresses(self.year, village, user))
        head = towns.person("village_head", village, "head-of-a-village")
        own = ("form_home", "form_division", "village_detail", "parcel_list", "parcel_detail", "issue_list")
        own += ("phone_home", "phone_parcel", "parcel_evidence", "subsidy_list", "claim_list", "claim_detail",
                "entitlement_list", "entitlement_detail", "parcel_money")  # fmt: skip
        own += ("phone_issues", "phone_issue", "issue_photos")
        found = pages.addresses(self.year, village, head)
        self.visit("head", head, {name: found[name] for name in own})
        token = APIClient()
        token.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
        lists = {one.name: f"/api/v1/{one.name}/" for one in LISTS}
        self.ask("list", token, lists | {f"{name}.csv": f"{url}?format=csv" for name, url in lists.items()})

    def visit(self, who: str, user, addresses: dict[str, str]) -> None:
        client = Client()
        client.force_login(user, backend=LOGIN)
        self.ask(who, client, addresses)

    def ask(self, who: str, client, addresses: dict[str, str]) -> None:
        for name, address in addresses.items():
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(address)
                if answer.streaming:
                    b"".join(answer.streaming_content)
            self.asked.setdefault(f"{who} {name}", []).append(len(queries))
            self.answers[f"{who} {name}"] = answer.status_code


@pytest.fixture(scope="module")
def town(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield Town()
        transaction.set_rollback(True)


def test_every_page_was_really_seen(town):
    assert len(town.answers) > 50
    assert {name: code for name, code in town.answers.items() if code != 200} == {
        "official dashboard": 302,  # leads to the town
        "official login": 302,  # is signed in
        "head form_home": 302,  # leads to the one village
    }


def test_no_page_asks_more_often_when_everything_doubles(town):
    assert {name: asked for name, asked in town.asked.items() if asked[1] > asked[0]} == {}


def test_no_page_asks_more_than_twelve_times(town):
    assert {name: asked for name, asked in town.asked.items() if max(asked) > MOST} == {}


def test_the_measuring_would_notice_one_query_per_row(town):
    with CaptureQueriesContext(connection) as queries:
        names = [str(one.town) for one in town.year.town.parcels.model.objects.all()[:5]]
    assert len(names) == 5
    assert len(queries) == 6
