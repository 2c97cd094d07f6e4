"""Applying a computing against the making of a batch: an amount is replaced or put in a batch, never both.

Without the locks the freeze still refuses; the control takes both away and goes red.
"""

import random
from threading import Event

import pytest
from django.db import connection

from farmland.lib.refused import Refused
from parcels.models import Work
from subsidies.entitlements import calculations
from subsidies.models import Batch, BatchLine, Entitlement
from subsidies.paying import batches
from tests.subsidies.money_world import HEAD, POLICY, SHRUB, Money
from tests.subsidies.test_money_race import not_frozen
from tests.tasks.test_forms_race import alone, shared_database, together

__all__ = ["not_frozen", "shared_database"]
pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
PLAN = HEAD + POLICY + SHRUB.replace("        unless: [[on_list, has, rectified-2024]]\n", "")


class Scene:
    """A town with an amount due that a further acceptance has made larger, and a computing of it ready to apply."""

    def __init__(self):
        self.money = Money(PLAN)
        self.agri, self.other = self.money.person("lead_office"), self.money.person("lead_office")

    def ready(self):
        """A fresh work of 6 亩 due at 3,000 元, computed anew at 4,000 after 2 亩 more were accepted."""
        work = self.money.work(accepted="6", parcel=self.money.parcel(gross="10"))
        self.apply(self.compute())
        self.money.accept(work, "2")
        return work, self.compute()

    def compute(self):
        return calculations.make(self.money.round(), by=self.agri)

    def apply(self, calculation):
        return calculations.apply(calculation, by=self.agri)

    def batch(self):
        return batches.prepare(self.money.round(), by=self.other)

    def wrong(self, work: Work) -> list[str]:
        """What is wrong with the money of a work whose two calls are over."""
        rows = list(Entitlement.objects.filter(work=work).exclude(state="replaced"))
        found = [] if len(rows) == 1 else [f"{len(rows)} live amounts"]
        gone = BatchLine.objects.filter(is_live=True, entitlement__state="replaced").count()
        found += [f"{gone} lines of replaced amounts"] if gone else []
        for one in Batch.objects.all():
            total = sum(one.lines.values_list("amount", flat=True))
            found += [] if one.total == total else [f"{one} says {one.total}, its lines {total}"]
        held = BatchLine.objects.filter(entitlement__work=work, is_live=True).values_list("amount", flat=True)
        for amount in held:
            found += [] if [amount] == [row.amount for row in rows] else [f"a line of {amount}, owed {rows}"]
        return found


def test_an_amount_is_replaced_or_put_in_a_batch_never_both():
    draw, scene, outcomes = random.Random(20241012), alone(Scene), set()
    for _ in range(5):
        work, calculation = alone(scene.ready)
        calls = [lambda calculation=calculation: scene.apply(calculation), scene.batch, scene.batch]
        draw.shuffle(calls)
        answers = together(calls)
        assert [one for one in answers if isinstance(one, Exception) and not isinstance(one, Refused)] == []
        assert alone(lambda work=work: scene.wrong(work)) == []
        outcomes.add(alone(lambda work=work: Entitlement.objects.exclude(state="replaced").get(work=work).state))
    assert outcomes == {"batched"}  # whoever came first, one batch has it


def race_without_locks(monkeypatch):
    """The answers of one who read what stood and writes only when the batch is there; what is wrong after it."""
    scene = alone(Scene)
    work, calculation = alone(scene.ready)
    has_read, is_batched = Event(), Event()
    write, standing = calculations._write, calculations.standing

    def writing(*args):
        has_read.set()
        is_batched.wait(timeout=60)
        return write(*args)

    def batch():
        has_read.wait(timeout=60)
        try:
            return scene.batch()
        finally:
            is_batched.set()

    monkeypatch.setattr(calculations, "_write", writing)
    monkeypatch.setattr(calculations, "lock_year", lambda town, year: scene.money.year)
    monkeypatch.setattr(calculations, "standing", lambda *args, lock=False: standing(*args))
    answers = together([lambda: scene.apply(calculation), batch])
    return [one for one in answers if isinstance(one, Exception)], alone(lambda: scene.wrong(work))


@on_postgresql
def test_without_the_locks_the_freeze_still_keeps_what_is_in_a_batch(monkeypatch):
    refused, wrong = race_without_locks(monkeypatch)

    assert [type(one) for one in refused] == [Refused]
    assert wrong == []


@on_postgresql
def test_control_without_locks_and_freeze_a_batch_holds_a_replaced_amount(monkeypatch, not_frozen):
    refused, wrong = race_without_locks(monkeypatch)

    assert refused == []
    assert "1 lines of replaced amounts" in wrong
