"""What a village on a slow line has to load: each of its pages with style, scripts and pictures, within 200 KB."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from bench import land, money, pages, paper, papers, towns
from farmland.places.models import Division
from tasks.forms.facts import issue_form
from tasks.services import recompute

pytestmark = pytest.mark.django_db
MOST = 200_000  # bytes
ROWS = 300  # parcels of the village, each a row of its form
VILLAGE = (
    "login", "password_change", "form_home", "form_division", "submission_detail", "village_detail", "parcel_list",
    "parcel_detail", "issue_list", "issue_detail", "plan_detail", "subsidy_list", "claim_list", "claim_detail",
    "entitlement_list", "entitlement_detail", "parcel_money",
)  # fmt: skip
PARTS = re.compile(r'(?:href|src)="(/static/[^"?#]+)')


class Village:
    """西河镇 with its real plan, a village of 300 parcels and a busy half year, and the browser of its head."""

    def __init__(self):
        self.year = towns.real_town()
        town = self.year.town
        self.place = Division.objects.filter(town=town).exclude(pk=town.pk).order_by("path")[0]
        land.spread(self.year, ROWS, climb=False, only=self.place)
        paper.leave(self.year, 120)
        money.owe(self.year)
        recompute(town, self.year.year)
        self.head = towns.person("village_head", self.place, "head-of-a-village")
        self.client = Client()
        self.client.force_login(self.head, backend="django.contrib.auth.backends.ModelBackend")
        self.addresses = pages.addresses(self.year, self.place, self.head)

    def sizes(self) -> dict[str, int]:
        return {name: weight(self.client, self.addresses[name]) for name in VILLAGE}

    def hand_in(self) -> dict[str, int]:
        """The pages after a form with all its 300 rows filled in: preview and receipt."""
        data = papers.filled(issue_form(self.place, self.year.year, self.head)[1])
        home = self.addresses["form_division"]
        file = SimpleUploadedFile("进度.xlsx", data)
        preview = self.client.post(f"{home}upload/", {"file": file})["Location"]
        text = self.client.get(preview).content.decode()
        seen = re.search(r'name="seen" value="([^"]+)"', text)[1]
        found = {"preview": weight(self.client, preview)}
        receipt = self.client.post(f"{preview}confirm/", {"seen": seen})["Location"]
        return found | {"receipt": weight(self.client, receipt)}


def weight(client: Client, address: str) -> int:
    """Bytes of the page as it is and of all it names as WhiteNoise sends it over plain HTTP (gzip)."""
    answer = client.get(address, follow=True)
    assert answer.status_code == 200, address
    parts = set(PARTS.findall(answer.content.decode()))
    assert any(one.endswith(".css") for one in parts), address
    return len(answer.content) + sum(static_weight(one.removeprefix("/static/")) for one in parts)


def static_weight(name: str) -> int:
    return len(gzip.compress(Path(finders.find(name)).read_bytes()))


@pytest.fixture(scope="module")
def village(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield Village()
        transaction.set_rollback(True)


def test_every_page_of_a_village_is_within_its_limit(village):
    assert {name: size for name, size in village.sizes().items() if size > MOST} == {}


def test_a_form_of_300_rows_stays_within_it_from_preview_to_receipt(village):
    sizes = village.hand_in()
    assert {name: size for name, size in sizes.items() if size > MOST} == {}


def test_a_page_is_weighed_with_all_it_loads(village):
    alone = len(village.client.get(village.addresses["form_division"]).content)
    assert weight(village.client, village.addresses["form_division"]) > alone + 20_000
