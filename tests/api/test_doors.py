"""The schema and its page, the health address, and the command that makes tokens."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken, Event, User
from farmland.jobs.models import WorkerBeat


def test_the_schema_needs_no_login_and_is_valid(db, client):
    from drf_spectacular.validation import validate_schema

    answer = client.get("/api/schema/")
    assert answer.status_code == 200
    schema = answer.json() if hasattr(answer, "json") and "json" in answer["Content-Type"] else None
    validate_schema(schema)
    assert schema["openapi"].startswith("3.")
    operation = schema["paths"]["/api/v1/divisions/"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert {"town", "division", "updated_since", "page_size", "ordering", "cursor", "format"} <= names
    assert {"200", "304", "400", "401", "404", "429"} <= set(operation["responses"])
    assert {"text/csv", "application/json"} <= set(operation["responses"]["200"]["content"])


def test_the_schema_has_no_warnings(db, tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_the_docs_page_loads_from_this_server_only(db, client, settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "<style" not in text
    assert 'src="http' not in text
    assert "script-src 'self'" in page["Content-Security-Policy"]
    script = client.get("/api/docs/", {"script": ""})
    assert script["Content-Type"].startswith("application/javascript")
    assert "/api/schema/" in script.content.decode()


def test_health_needs_a_worker(db, client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"web": True, "database": True, "worker": False})
    WorkerBeat.objects.create(name="w1")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"web": True, "database": True, "worker": True})
    WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(minutes=10))
    assert client.get("/healthz").status_code == 503


def test_health_without_a_database_is_503(db, client, monkeypatch):
    from django.db import OperationalError

    def down(*args):
        raise OperationalError("down")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", down)
        assert client.get("/healthz").status_code == 503


def test_create_token_prints_a_working_token_and_nothing_else(places, capsys):
    User.objects.create(username="district")
    call_command("create_token", "district")
    out = capsys.readouterr()
    assert out.err == ""
    key = out.out.strip()
    assert out.out == f"{key}\n"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    assert client.get("/api/v1/divisions/").status_code == 200
    assert not ApiToken.objects.filter(digest=key).exists()
    assert Event.objects.get().subject == "district"


@pytest.mark.parametrize("active", [None, False])
def test_create_token_refuses_unknown_and_disabled_users(db, active):
    if active is not None:
        User.objects.create(username="nobody", is_active=active)
    out = io.StringIO()
    with pytest.raises(CommandError, match="用户“nobody”") as caught:
        call_command("create_token", "nobody", stdout=out)
    assert caught.value.returncode == 1
    assert out.getvalue() == ""
    assert not ApiToken.objects.exists()
