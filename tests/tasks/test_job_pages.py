"""后台作业: a job's page stands in its town, leads back to the list, says what came of it; REST reads the same."""

import pytest
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from farmland.jobs import services
from farmland.jobs.models import Job
from tasks.services import request_recompute
from tests.tasks.page_world import person, shown, sign_in, towns, village

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def places(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, "xihe-2024") as found:
        yield found


@pytest.fixture
def job(places):
    job = request_recompute(places["xihe"], 2024)
    services.finish(job.pk, services.claim(job.pk), {"changed": 3})
    return Job.objects.get(pk=job.pk)


def api(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
    return client


def test_a_job_stands_in_its_town_and_leads_back_to_the_list(client, places, job):
    page = shown(sign_in(client, person("official", places["xihe"])), f"/jobs/{job.pk}/")
    assert page.count("<h1>") == 1
    assert "重新计算完成情况</h1>" in page
    assert "西河镇 <b>2024 年</b>" in page
    assert page.count('href="/xihe/2024/jobs/"') >= 2  # in the rail and above the heading
    assert "3 个数有变化" in page


def test_a_head_finds_no_link_to_a_list_that_is_closed_to_him(client, places):
    head = person("village_head", village(places["xihe"], "新四村"))
    own = services.enqueue("recompute", town=places["xihe"], args={"year": 2024}, user=head)
    assert "/xihe/2024/jobs/" not in shown(sign_in(client, head), f"/jobs/{own.pk}/")


def test_the_list_says_what_came_of_a_recompute(client, places, job):
    page = shown(sign_in(client, person("official", places["xihe"])), "/xihe/2024/jobs/")
    assert "3 个数有变化" in page
    Job.objects.filter(pk=job.pk).update(result={"changed": 0})
    assert "数字没有变化" in shown(client, "/xihe/2024/jobs/")


def test_the_job_of_an_answer_has_an_address(places, job):
    answer = api(person("official", places["xihe"])).get(f"/api/v1/jobs/{job.pk}/")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["id"], told["town"], told["state"]) == (str(job.pk), "xihe", "done")
    assert told["result"] == {"changed": 3}
    assert told["result_text"] == "3 个数有变化。"
    assert {"progress_done", "progress_total", "error", "finished_at"} <= set(told)


def test_a_job_of_others_is_not_there(places, job):
    head = api(person("village_head", village(places["xihe"], "新四村")))
    assert head.get(f"/api/v1/jobs/{job.pk}/").status_code == 404
    assert head.get("/api/v1/jobs/").json()["results"] == []


def test_a_head_follows_a_recompute_that_somebody_else_began(client, places):
    official, head = person("official", places["xihe"]), person("village_head", village(places["xihe"], "新四村"))
    began = request_recompute(places["xihe"], 2024, official)
    assert request_recompute(places["xihe"], 2024, head) == began
    assert api(head).get(f"/api/v1/jobs/{began.pk}/").json()["state"] == "queued"
    assert "重新计算完成情况" in shown(sign_in(client, head), f"/jobs/{began.pk}/")
    services.finish(began.pk, services.claim(began.pk), {"changed": 3})
    assert api(head).get(f"/api/v1/jobs/{began.pk}/").json()["state"] == "done"
    neighbour = api(person("village_head", village(places["xihe"], "双永村")))
    assert neighbour.get(f"/api/v1/jobs/{began.pk}/").status_code == 404


def test_the_schema_tells_of_jobs(client):
    found = client.get("/api/schema/").json()
    assert "/api/v1/jobs/{id}/" in found["paths"]
