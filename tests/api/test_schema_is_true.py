"""What the lists of the money answer is what the OpenAPI document says they answer, field by field."""

import jsonschema
import pytest

from tests.api.test_money_lists import api, rows
from tests.subsidies import claim_world
from tests.subsidies.pay_world import World

pytestmark = pytest.mark.django_db
OF_BATCHES = ("programs", "rates", "entitlements", "batches", "publicities", "payments", "funds")
OF_CLAIMS = ("claims",)


def plain(schema, parts: dict):
    """OpenAPI 3.0 as JSON Schema: references resolved, ``nullable`` said as a type."""
    if isinstance(schema, list):
        return [plain(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain(parts[schema["$ref"].rpartition("/")[2]], parts)
    found = {name: plain(value, parts) for name, value in schema.items() if name != "nullable"}
    if schema.get("nullable") and "type" in found:
        return {"anyOf": [found, {"type": "null"}]}
    return found


def check(client, names) -> None:
    document = client.get("/api/schema/").json()
    for name in names:
        answer = document["paths"][f"/api/v1/{name}/"]["get"]["responses"]["200"]["content"]["application/json"]
        whole = plain(answer["schema"], document["components"]["schemas"])
        told = whole["properties"]["results"]["items"]
        found = rows(client, name)
        assert found, name
        for row in found:
            jsonschema.validate(row, told, format_checker=jsonschema.FormatChecker())
            assert set(row) == set(told["properties"]), name


def test_of_what_is_paid(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World()
    world.rate.kinds.add("abandonment")
    world.to("reconciled")
    world.owe("东村", 3)
    check(api(world.finance), OF_BATCHES)


def test_of_what_is_claimed():
    world = claim_world.make_world()
    claim_world.opened(world)
    check(api(world.official), OF_CLAIMS)


def test_control_a_number_where_a_text_is_promised_is_noticed():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"amount_yuan": 12.5}, {"properties": {"amount_yuan": {"type": "string"}}})
