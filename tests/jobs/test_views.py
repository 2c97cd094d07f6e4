import re
import uuid

import pytest
from django.test import override_settings
from django.urls import path

from farmland.accounts.models import User
from farmland.jobs import services, views
from farmland.jobs.models import Job
from tests.jobs import handlers  # noqa: F401  registers test.note

urlpatterns = [path("jobs/<uuid:pk>/", views.job_detail, name="job_detail")]
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.jobs.test_views")]


@pytest.fixture(autouse=True)
def static_root(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path  # WhiteNoise warns about a missing folder


@pytest.fixture
def user(client):
    user = User.objects.create(username="official")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


def fragment(client, pk):
    return client.get(f"/jobs/{pk}/", headers={"HX-Request": "true"})


def test_the_fragment_asks_again_while_the_job_runs_and_stops_when_it_is_over(client, user):
    job = services.enqueue("test.note", user=user)
    lease = services.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(progress_done=5, progress_total=20, progress_text="核对图斑")
    page = fragment(client, job.pk).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert 'aria-valuenow="25"' in page
    assert "核对图斑" in page
    services.finish(job.pk, lease, {"url": "/forms/1/", "text": "写入 3 行。"})
    page = fragment(client, job.pk).content.decode()
    assert "hx-trigger" not in page
    assert 'href="/forms/1/"' in page
    assert "写入 3 行。" in page


def test_a_failed_job_shows_its_reason_and_no_foreign_link(client, user):
    job = services.enqueue("test.note", user=user)
    services.fail(job.pk, services.claim(job.pk), "第 7 行有误。<b>")
    Job.objects.filter(pk=job.pk).update(result={"url": "//evil.example/"})
    page = fragment(client, job.pk).content.decode()
    assert "第 7 行有误。&lt;b&gt;" in page
    assert "evil" not in page


def test_a_foreign_and_a_missing_job_are_both_not_found(client, user):
    foreign = services.enqueue("test.note")
    assert fragment(client, foreign.pk).status_code == 404
    assert fragment(client, uuid.uuid4()).status_code == 404


@override_settings(LOGIN_URL="/login/")
def test_nobody_sees_a_job_without_signing_in(client):
    job = services.enqueue("test.note")
    assert client.get(f"/jobs/{job.pk}/").status_code == 302


def test_the_whole_page_holds_the_same_fragment(client, user):
    job = services.enqueue("test.note", user=user)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert re.search(r"<h1>.*记一笔</h1>", page)
    assert 'hx-trigger="every 1s"' in page
