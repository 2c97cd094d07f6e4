"""Many hands at once on the same money: one is heard, nothing is paid twice; and the proofs go red without their lock.

A sample runs on either database; the long one makes 5,000 racing calls on PostgreSQL.
"""

import random
from contextlib import contextmanager
from decimal import Decimal as D
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection

from farmland.accounts.models import Event
from farmland.lib.refused import Refused
from subsidies.models import Batch, BatchLine, Entitlement, Fund, Payment
from subsidies.paying import batches, hands, payees, payments
from subsidies.proof import audit, freeze
from tests.subsidies.pay_world import World
from tests.tasks.test_forms_race import alone, shared_database, together

__all__ = ["shared_database"]
pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")


class Race:
    """A town in which two of each kind could act, and the scenes they race in."""

    def __init__(self):
        self.world = world = World(())
        self.leaders = [world.leader, world.land.person("leader", name="另一领导")]
        self.finances = [world.finance, world.land.person("finance", name="另一财政")]
        self.preparers = [world.agri, world.land.person("lead_office", name="另一牵头")]
        self.reviewers = [world.reviewer, world.land.person("official", name="另一审核")]
        self.cards = 0

    def fresh(self, state):
        """A batch of two new amounts, brought to a state."""
        for village in ("东村", "西村"):
            self.world.owe(village, 2)
        return self.world.to(state)

    def scene(self, name, size):
        """(calls to make at once, what must hold of their answers)."""
        return alone(lambda: getattr(self, name)(size))

    def preparing(self, size):
        self.world.owe("东村", 2)
        self.world.owe("西村", 2)
        calls = [lambda by=self.preparers[n % 2]: batches.prepare(self.world.round, by=by) for n in range(size)]
        return calls, lambda answers: heard(answers) == 1

    def approving(self, size):
        batch = self.fresh("over")
        version = batch.version
        calls = [
            lambda by=self.leaders[n % 2]: payments.approve(batch, version=version, by=by) for n in range(size)
        ]  # fmt: skip
        return calls, lambda answers: one_person(answers, "approved_by_id")

    def paying(self, size):
        batch = self.fresh("approved")
        version = batch.version
        calls = [lambda by=self.finances[n % 2]: payments.pay(batch, version=version, by=by) for n in range(size)]
        return calls, lambda answers: one_person(answers, "paid_by_id")

    def paying_and_voiding(self, size):
        batch = self.fresh("approved")
        version = batch.version
        calls = [lambda: payments.pay(batch, version=version, by=self.finances[0])] * (size // 2)
        calls += [
            lambda: batches.void(batch, reason="作废", version=version, by=self.leaders[0])
            for _ in range(size - len(calls))
        ]
        return calls, lambda answers: alone(lambda: Batch.objects.get(pk=batch.pk).state) in ("paid", "voided")

    def confirming(self, size):
        batch = self.fresh("paid")
        rows = list(Payment.objects.filter(line__batch=batch).values_list("pk", flat=True))
        calls = [
            lambda by=self.finances[n % 2]: payments.settle(batch, {one: f"V{one}" for one in rows}, by=by)
            for n in range(size)
        ]
        return calls, lambda answers: sum(answers) == len(rows) and set(answers) <= {0, len(rows)}

    def issuing_again(self, size):
        batch = self.fresh("paid")
        row = Payment.objects.filter(line__batch=batch).first()
        payments.fail(batch, payment=row.pk, reason="退票", by=self.finances[0])
        calls = [
            lambda by=self.finances[n % 2]: payments.reissue(batch, line=row.line_id, by=by) for n in range(size)
        ]  # fmt: skip
        return calls, lambda answers: heard(answers) == 1

    def approving_and_changing_the_account(self, size):
        batch = self.fresh("over")
        self.cards += 1
        number = f"62284898{self.cards:08}"
        made = self.world.account("东村", number, reason="换卡", confirm=False)
        version = batch.version
        calls = [lambda: payments.approve(batch, version=version, by=self.leaders[0])] * (size // 2)
        calls += [lambda by=self.reviewers[n % 2]: payees.confirm(made, by=by) for n in range(size - len(calls))]

        def right(answers):
            return alone(lambda: Batch.objects.get(pk=batch.pk).state) == "draft" and heard(answers) == 1

        return calls, right

    def taking_out_and_reviewing(self, size):
        batch = self.fresh("draft")
        row = batch.lines.first().entitlement_id
        version = batch.version
        calls = [lambda: batches.review(batch, version=version, by=self.reviewers[0])] * (size // 2)
        calls += [
            lambda: batches.remove(batch, [row], version=version, by=batch.prepared_by)
            for _ in range(size - len(calls))
        ]
        return calls, lambda answers: True


SCENES = (
    "preparing", "approving", "paying", "paying_and_voiding", "confirming", "issuing_again",
    "approving_and_changing_the_account", "taking_out_and_reviewing",
)  # fmt: skip


def heard(answers) -> int:
    return sum(not isinstance(one, Exception) for one in answers)


def one_person(answers, hand) -> bool:
    """Whoever was heard heard of one and the same person; at least one was."""
    people = {getattr(one, hand) for one in answers if not isinstance(one, Exception)}
    return len(people) == 1


def whole() -> list[str]:
    """What is wrong with the money: the audit, and amounts paid more than once."""
    found = audit.money()[1]
    for one in Entitlement.objects.all():
        sent = Payment.objects.filter(line__entitlement=one).exclude(result="failed").count()
        if sent > 1 or len(set(one.lines.filter(is_live=True).values_list("batch"))) > 1:
            found.append(f"{one} twice")
    return found


def run(race, name, size):
    calls, right = race.scene(name, size)
    answers = together(calls)
    strange = [one for one in answers if isinstance(one, Exception) and not isinstance(one, Refused)]
    assert strange == [], name
    assert right(answers), (name, answers)


@pytest.mark.parametrize("name", SCENES)
def test_many_at_once_change_the_money_once(name):
    race = alone(Race)
    run(race, name, 4)
    assert alone(whole) == []


@pytest.mark.slow
@on_postgresql
def test_five_thousand_at_once():
    draw, race, calls = random.Random(20241012), alone(Race), 0
    while calls < 5000:
        name, size = draw.choice(SCENES), draw.choice((6, 12, 20))
        run(race, name, size)
        calls += size
        if draw.random() < 0.03:
            assert alone(whole) == []
    assert alone(whole) == []


# Controls: without the lock, and without the constraint behind it


def race_without_lock(monkeypatch, name):
    """The answers of two who both read the batch before either has written, and the test of them."""
    race = alone(Race)
    calls, right = race.scene(name, 2)
    gate = Barrier(2)

    def opened(batch, by, right):
        return Batch.objects.select_related("town", "program", "round__program").get(pk=batch.pk)

    monkeypatch.setattr(payments, "opened", opened)
    monkeypatch.setattr(hands, "check", lambda *args: gate.wait(timeout=60))
    return together(calls), right


@pytest.fixture
def not_frozen():
    alone(freeze.uninstall)
    yield
    alone(freeze.install)


@on_postgresql
def test_control_without_lock_and_freeze_two_leaders_approve(monkeypatch, not_frozen):
    answers, right = race_without_lock(monkeypatch, "approving")

    assert heard(answers) == 2
    assert not right(answers)
    assert alone(Event.objects.filter(action="批准批次").count) == 2


@on_postgresql
@pytest.mark.parametrize("name", ["approving", "paying"])
def test_without_the_lock_the_freeze_still_hears_one(monkeypatch, name):
    answers, _ = race_without_lock(monkeypatch, name)

    assert heard(answers) == 1
    assert [type(one) for one in answers if isinstance(one, Exception)] == [Refused]
    assert alone(whole) == []


@on_postgresql
def test_without_lock_and_freeze_the_constraint_still_lets_the_money_leave_once(monkeypatch, not_frozen):
    answers, _ = race_without_lock(monkeypatch, "paying")

    assert heard(answers) == 1
    assert alone(Payment.objects.count) == 2
    assert alone(Fund.objects.filter(batch__isnull=False).count) == 1


@contextmanager
def without(*names):
    """The unique indexes taken away; they come back when the rows are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [list(names)])
        made = dict(cursor.fetchall())
        assert set(made) == set(names)
        for name in names:
            cursor.execute("SELECT 1 FROM pg_constraint WHERE conname = %s", [name])
            what = "ALTER TABLE subsidies_payment DROP CONSTRAINT" if cursor.fetchone() else "DROP INDEX"
            cursor.execute(f"{what} {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE subsidies_batch, subsidies_payment, subsidies_batchline CASCADE")
            for text in made.values():
                cursor.execute(text)


@on_postgresql
def test_control_without_lock_freeze_and_constraint_the_money_leaves_twice(monkeypatch, not_frozen):
    with without("payment_not_twice", "payment_attempt_unique"):
        answers, _ = race_without_lock(monkeypatch, "paying")
        found = alone(whole)

    assert heard(answers) == 2
    assert any("支付了不止一次" in one for one in found)
    assert any("资金支出" in one for one in found)


@on_postgresql
def test_control_without_the_constraint_two_batches_hold_one_amount(monkeypatch):
    """Two drafts over the same amounts, neither seeing the other's."""
    race = alone(Race)
    gate, put_in = Barrier(2), batches._put_in

    def together_in(batch, rows):
        gate.wait(timeout=60)
        put_in(batch, rows)

    monkeypatch.setattr(batches, "_put_in", together_in)
    monkeypatch.setattr(batches, "lock_year", lambda town, year: race.world.land.year)
    monkeypatch.setattr(batches, "_locked_rows", lambda asked: list(asked.order_by("pk")))
    monkeypatch.setattr(batches, "_next_number", lambda year: uuid4().hex)
    calls, _ = race.scene("preparing", 2)
    answers = together(calls)

    assert heard(answers) == 1  # one_live refuses the second
    assert alone(BatchLine.objects.count) == 2
    assert alone(lambda: Batch.objects.get().total) == D(2000)
