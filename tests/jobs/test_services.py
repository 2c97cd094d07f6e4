import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from farmland.accounts.models import Grant, User
from farmland.jobs import registry, running, services
from farmland.jobs.models import Job, WorkerBeat
from farmland.places.models import Division
from tests.jobs import handlers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def woken(monkeypatch):
    """The ids a worker would have been woken for; no broker in these tests."""
    sent = []
    monkeypatch.setattr("farmland.jobs.wake.send", sent.extend)
    handlers.ran.clear()
    return sent


def run_out(job):
    """As if the job's worker had died a while ago."""
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def town(code, parent=None, **fields):
    return Division.objects.create(code=code, name=code, kind="town", parent=parent, **fields)


# queueing


def test_a_worker_is_woken_only_when_the_request_commits(woken, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        job = services.enqueue("test.note")
        assert woken == []
    for call in callbacks:
        call()
    assert woken == [job.pk]


def test_equal_keys_coalesce_while_queued():
    first = services.enqueue("test.note", dedupe_key="recompute:1")
    assert services.enqueue("test.note", dedupe_key="recompute:1") == first
    assert services.enqueue("test.note", dedupe_key="recompute:2") != first
    assert services.enqueue("test.note") != services.enqueue("test.note")


def test_the_database_refuses_a_second_queued_job_of_a_key():
    services.enqueue("test.note", dedupe_key="k")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind="test.note", dedupe_key="k")


def test_a_key_whose_job_is_running_gets_a_new_job_which_waits_for_it(woken):
    first = services.enqueue("test.note", dedupe_key="k")
    lease = services.claim(first.pk)
    second = services.enqueue("test.note", dedupe_key="k")
    assert second != first
    assert services.claim(second.pk) is None
    services.finish(first.pk, lease)
    services.wake_next("k")
    assert woken == [second.pk]
    assert services.claim(second.pk)


def test_a_dead_job_of_a_key_is_taken_up_again_before_the_waiting_one():
    first = services.enqueue("test.note", dedupe_key="k", args={"word": "first"})
    services.claim(first.pk)
    services.enqueue("test.note", dedupe_key="k", args={"word": "second"})
    assert services.run_pending() == 0
    run_out(first)
    assert services.run_pending() == 2
    assert handlers.ran == ["first", "second"]


def test_priority_then_age_decide_the_turn_and_not_before_is_kept():
    later = timezone.now() + timedelta(hours=1)
    services.enqueue("test.note", args={"word": "later"}, not_before=later, priority=9)
    services.enqueue("test.note", args={"word": "b"})
    services.enqueue("test.note", args={"word": "c"})
    services.enqueue("test.note", args={"word": "a"}, priority=1)
    assert services.run_pending() == 3
    assert handlers.ran == ["a", "b", "c"]


# claiming


def test_a_job_is_claimed_once_and_a_doubled_message_does_nothing():
    job = services.enqueue("test.note", args={"word": "x"})
    assert [running.run(job.pk) for _ in range(5)] == [True, False, False, False, False]
    job.refresh_from_db()
    assert (handlers.ran, job.state, job.attempts, job.result) == (["x"], "done", 1, {"word": "x"})


def test_an_expired_lease_is_claimed_by_another_and_the_first_is_fenced():
    job = services.enqueue("test.note")
    old = services.claim(job.pk)
    assert services.renew(job.pk, old)
    run_out(job)
    new = services.claim(job.pk)
    assert new not in (None, old)
    assert not services.renew(job.pk, old)
    with pytest.raises(services.Fenced):
        services.finish(job.pk, old)
    assert not services.fail(job.pk, old, "不该出现。")
    services.finish(job.pk, new, {"rows": 3})
    job.refresh_from_db()
    assert (job.state, job.result, job.attempts) == ("done", {"rows": 3}, 2)


def test_a_job_that_is_over_is_never_claimed():
    job = services.enqueue("test.refuse")
    assert services.run_pending() == 1
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "第 7 行 [面积（亩）] 应大于 0，现为 -1。")
    assert services.claim(job.pk) is None


def test_a_kind_without_handler_fails_with_its_name():
    job = services.enqueue("no.such")
    services.run_pending()
    job.refresh_from_db()
    assert "“no.such”" in job.error


# failing


def test_a_breaking_job_is_tried_three_times_then_fails_in_chinese():
    job = services.enqueue("test.break")
    for attempt in (1, 2, 3):
        job.refresh_from_db()
        assert job.attempts == attempt - 1
        assert services.run_pending() == 1
        assert services.run_pending() == 0, "the retry must wait"
        run_out(job)
    job.refresh_from_db()
    assert (job.state, job.attempts, len(handlers.ran)) == ("failed", 3, 3)
    assert job.error.startswith("后台作业“会出错的事”3 次都出错")


def test_the_sweeper_fails_a_job_whose_three_workers_died_and_wakes_the_next_of_its_key(woken):
    job = services.enqueue("test.note", dedupe_key="k")
    for _ in range(3):
        assert services.claim(job.pk)
        run_out(job)
    waiting = services.enqueue("test.note", dedupe_key="k")
    assert services.claim(job.pk) is None
    services.sweep()
    job.refresh_from_db()
    assert (job.state, job.lease) == ("failed", None)
    assert "3 次都没有做完" in job.error
    assert waiting.pk in woken


def test_the_sweeper_sends_again_what_was_lost_but_not_what_is_young_or_at_work(woken, monkeypatch):
    monkeypatch.setattr(services, "RESEND_AFTER", timedelta(minutes=10))
    lost = services.enqueue("test.note", args={"word": "lost"})
    Job.objects.filter(pk=lost.pk).update(created_at=timezone.now() - timedelta(minutes=11))
    dead = services.enqueue("test.note")
    services.claim(dead.pk)
    run_out(dead)
    at_work = services.enqueue("test.note")
    services.claim(at_work.pk)
    services.enqueue("test.note")  # its own message is still on the way
    assert set(services.sweep()) == set(woken) == {lost.pk, dead.pk}


# the fence


def handle(kind, function):
    registry._handlers[kind] = registry.Handler(kind, kind, function)


@pytest.fixture
def kind():
    name = f"test.{uuid.uuid4().hex}"
    yield name
    registry._handlers.pop(name, None)


def test_the_fence_makes_the_job_done_together_with_its_writes(kind):
    def work(job):
        with transaction.atomic():
            job.fence({"rows": 1})
            town("t1")

    handle(kind, work)
    job = services.enqueue(kind)
    services.run_pending()
    job.refresh_from_db()
    assert (job.state, job.result, Division.objects.count()) == ("done", {"rows": 1}, 1)


def test_an_error_after_the_fence_rolls_both_back(kind):
    def work(job):
        with transaction.atomic():
            job.fence()
            town("t1")
            raise RuntimeError("boom")

    handle(kind, work)
    job = services.enqueue(kind)
    services.run_pending()
    job.refresh_from_db()
    assert (job.state, Division.objects.count()) == ("running", 0)


def test_a_worker_that_lost_its_lease_writes_nothing(kind):
    def work(job):
        run_out(job.job)
        other = services.claim(job.id)
        assert other
        with transaction.atomic():
            job.fence()
            town("t1")

    handle(kind, work)
    job = services.enqueue(kind)
    services.run_pending()
    job.refresh_from_db()
    assert (job.state, job.attempts, Division.objects.count()) == ("running", 2, 0)


def test_an_error_after_the_committed_fence_does_not_run_the_job_again(kind):
    def work(job):
        with transaction.atomic():
            job.fence()
            town("t1")
        raise RuntimeError("after the commit")

    handle(kind, work)
    job = services.enqueue(kind)
    services.run_pending()
    run_out(job)
    assert services.run_pending() == 0
    job.refresh_from_db()
    assert job.state == "done"


def test_progress_is_written_throttled_and_refused_without_the_lease(kind, monkeypatch):
    monkeypatch.setattr(running, "PROGRESS_EVERY", 60)
    seen = []

    def work(job):
        for done in (1, 2, 3):
            job.progress(done, 3, f"第 {done} 个村")
            seen.append(Job.objects.values_list("progress_done", "progress_text").get(pk=job.id))
        run_out(job.job)
        services.claim(job.id)
        job.progress(3, 3)

    handle(kind, work)
    services.enqueue(kind)
    services.run_pending()
    assert seen == [(1, "第 1 个村"), (1, "第 1 个村"), (3, "第 3 个村")]
    assert Job.objects.get().attempts == 2


def test_two_handlers_of_one_kind_are_refused():
    with pytest.raises(ValueError, match="two handlers"):
        registry.handler("test.note", title="另一个")(lambda job: None)


# who sees what


def test_jobs_are_visible_in_the_users_divisions_or_when_their_own_and_townless_ones_to_administrators():
    mine, other = town("t1"), town("t2")
    village = town("v1", parent=mine)
    official = User.objects.create(username="official")
    head = User.objects.create(username="head")
    admin = User.objects.create(username="admin", is_superuser=True)
    Grant.objects.create(user=official, role="official", division=mine)
    Grant.objects.create(user=head, role="head", division=village)
    here = services.enqueue("test.note", town=mine)
    there = services.enqueue("test.note", town=other)
    heads = services.enqueue("test.note", town=mine, user=head)
    nowhere = services.enqueue("test.note")

    def seen(user):
        return set(Job.objects.visible_to(user))

    assert seen(official) == {here, heads}
    assert seen(head) == {heads}
    assert seen(admin) == {here, there, heads, nowhere}
    assert seen(User(username="gone", is_active=False)) == set()


def test_who_joins_a_queued_job_may_follow_it_and_nobody_else():
    here = town("t1")
    head, neighbour = User.objects.create(username="head"), User.objects.create(username="neighbour")
    began = services.enqueue("test.note", town=here, user=User.objects.create(username="official"), dedupe_key="k")
    assert services.enqueue("test.note", town=here, user=head, dedupe_key="k") == began
    assert services.enqueue("test.note", town=here, user=head, dedupe_key="k") == began
    services.enqueue("test.note", town=here, dedupe_key="k")
    assert list(Job.objects.visible_to(head)) == [began]
    assert not Job.objects.visible_to(neighbour).exists()
    assert began.created_by.username == "official"


# workers


def test_a_worker_is_alive_as_long_as_it_beats():
    from farmland.jobs import worker

    assert not services.worker_alive()
    worker.beat("celery@a")
    worker.beat("celery@a")
    assert services.worker_alive()
    WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    assert not services.worker_alive()
    WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(days=2))
    services.sweep()
    assert not WorkerBeat.objects.exists()
