"""Two towns with villages, their people, and clients that carry tokens."""

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Grant, User
from farmland.places.models import Division


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def places(db):
    """county → xihe (xinsi, shuangyong), shiyu (erlong); by slug or short name."""
    county = Division.objects.create(kind="county", code="500151", name="铜梁区")
    made = {"county": county}
    for slug, name, villages in (
        ("xihe", "西河镇", {"xinsi": "新四村", "shuangyong": "双永村"}),
        ("shiyu", "石鱼镇", {"erlong": "二龙村"}),
    ):
        town = Division.objects.create(
            parent=county, kind="town", code=f"500151-{slug}", name=name, slug=slug, is_tenant=True
        )
        made[slug] = town
        for key, label in villages.items():
            made[key] = Division.objects.create(parent=town, kind="village", code=f"500151-{key}", name=label)
    return made


@pytest.fixture
def client_for(places):
    """``client_for("xihe")``: an API client with a token of a user whose scope is that division."""

    def make(place: str, role: str = "official") -> APIClient:
        user, _ = User.objects.get_or_create(username=f"{role}-{place}")
        Grant.objects.get_or_create(user=user, role=role, division=places[place])
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
        client.user = user
        return client

    return make
