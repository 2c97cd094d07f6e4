"""The life of batches as a machine: whatever people do in whatever order, the money adds up and stays whose it was.

Everybody may do everything here, so that only the rules about hands, states and sums stand between them and the money.
"""

import os
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from farmland.lib.refused import Refused
from subsidies.models import Batch, BatchLine, Entitlement, Fund, Payment
from subsidies.paying import adjustments, batches, funds, hands, payees, payments, publicity, seal
from subsidies.proof import audit
from tests.subsidies.pay_world import PNG, World, picture

pytestmark = pytest.mark.django_db
PEOPLE = ("agri", "reviewer", "clerk", "leader", "finance", "discipline", "head")
PERSON = st.sampled_from(PEOPLE)
NTH = st.integers(0, 5)
FROZEN = ("approved", "paid", "reconciled")
NEXT = {
    "draft": ("review", "reviewer"),
    "reviewed": ("publish", "agri"),
    "published": ("approve", "leader"),
    "approved": ("pay", "finance"),
    "paid": ("reconcile", "finance"),
}
SEEN = Counter()  # states batches ended in, so that a machine that gets nowhere shows


class Life(RuleBasedStateMachine):
    """Two villages, five amounts, any number of batches."""

    def __init__(self):
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.world = World((("东村", 4), ("东村", "6.5"), ("西村", 8), ("西村", 3), ("西村", 1)))
        for name in PEOPLE:
            getattr(self.world, name).grants.create(role="administrator", division=self.world.town)
        self.frozen = {}
        self.cards = 0
        self.refusals = 0

    @invariant()
    def what_was_reached_is_counted(self):
        SEEN.update(set(Batch.objects.values_list("state", flat=True)))

    def teardown(self):
        SEEN["adjusted"] += Entitlement.objects.filter(adjusts__isnull=False, state="settled").count()
        SEEN["again"] += Payment.objects.filter(attempt__gt=1).count()
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    def person(self, name):
        user = getattr(self.world, name)
        user.__dict__.pop("current_grants", None)
        return user

    def a_batch(self, nth, *states):
        rows = Batch.objects.filter(state__in=states).order_by("pk") if states else Batch.objects.order_by("pk")
        rows = list(rows)
        return rows[nth % len(rows)] if rows else None

    def do(self, service, *args, by, **words):
        """A service may refuse; anything else it raises fails the machine."""
        try:
            return service(*args, by=self.person(by), **words)
        except Refused:
            self.refusals += 1
            return None

    def move(self, service, batch, by, **words):
        if batch is not None:
            return self.do(service, batch, version=batch.version, by=by, **words)
        return None

    @initialize()
    def begin(self):
        self.do(batches.prepare, self.world.round, by="agri", divisions=[self.world.land.villages["西村"]])

    @rule(by=PERSON, village=st.sampled_from([None, "东村", "西村"]))
    def prepare(self, by, village):
        places = None if village is None else [self.world.land.villages[village]]
        self.do(batches.prepare, self.world.round, by=by, divisions=places)

    @rule(by=PERSON, nth=NTH, row=NTH)
    def take_out(self, by, nth, row):
        batch = self.a_batch(nth)
        if batch:
            row = self.world.owed[row % 5]
            self.move(batches.remove, batch, by, entitlements=[row.pk])

    @rule(by=PERSON, nth=NTH, row=NTH)
    def put_in(self, by, nth, row):
        batch = self.a_batch(nth)
        if batch:
            row = self.world.owed[row % 5]
            self.move(batches.add, batch, by, entitlements=[row.pk])

    @rule(nth=NTH, steps=st.integers(3, 7), last=st.sampled_from(PEOPLE))
    def nearly(self, nth, steps, last):
        self.carry_on(nth, steps, last)

    @rule(nth=NTH, steps=st.integers(1, 7), last=st.sampled_from([None, None, *PEOPLE]))
    def carry_on(self, nth, steps, last):
        """The next steps of one batch by the right people, the last of them perhaps by somebody else."""
        batch = self.a_batch(nth, *NEXT)
        for step in range(steps):
            batch = batch and Batch.objects.get(pk=batch.pk)
            act, right = NEXT.get(batch.state, ("", "")) if batch else ("", "")
            if not act:
                return
            by = last if last and step == steps - 1 else right
            if own := getattr(self, f"next_{act}", None):
                own(batch, by)
            else:
                getattr(self, act)(by, self.nth_of(batch))

    def nth_of(self, batch):
        rows = Batch.objects.filter(state=batch.state).order_by("pk").values_list("pk", flat=True)
        return list(rows).index(batch.pk)

    def next_approve(self, batch, by):
        standing = publicity.in_force(batch)
        left = (standing.ends_on - self.world.land.year.working_date).days
        self.world.today(max(left + 1, 0))
        self.do(publicity.keep_photo, batch, by="agri", moment="taken_down", photo=picture(data=PNG + b"2"))
        for one in standing.objections.filter(state="open"):
            self.do(publicity.answer, batch, by="reviewer", objection=one.pk, upheld=False, text="已核实")
        batch.refresh_from_db()
        if self.move(payments.approve, batch, by) is not None:
            self.frozen[batch.pk] = seal.canonical(Batch.objects.get(pk=batch.pk))

    def next_reconcile(self, batch, by):
        sent = Payment.objects.filter(line__batch=batch, result="sent")
        if by != "finance" and (back := sent.first()):
            self.do(payments.fail, batch, payment=back.pk, reason="户名不符", by="finance")
            self.do(payments.reissue, batch, line=back.line_id, by="finance")
        self.do(payments.settle, batch, {one.pk: f"V{one.pk}" for one in sent}, by="finance")
        batch.refresh_from_db()
        self.move(payments.reconcile, batch, by, total=batch.total)

    @rule(by=PERSON, nth=NTH)
    def review(self, by, nth):
        self.move(batches.review, self.a_batch(nth, "draft"), by)

    @rule(by=PERSON, nth=NTH)
    def send_back(self, by, nth):
        self.move(batches.send_back, self.a_batch(nth, "reviewed", "published"), by, reason="核对")

    @rule(by=PERSON, nth=NTH)
    def publish(self, by, nth):
        batch = self.a_batch(nth, "reviewed")
        self.move(publicity.publish, batch, by, place="公开栏", photo=picture())

    @rule(days=st.integers(1, 8))
    def days_pass(self, days):
        self.world.today(days)

    @rule(by=PERSON, nth=NTH)
    def take_down(self, by, nth):
        batch = self.a_batch(nth, "published")
        if batch:
            self.do(publicity.keep_photo, batch, by=by, moment="taken_down", photo=picture(data=PNG + b"2"))

    @rule(by=PERSON, nth=NTH)
    def object(self, by, nth):
        batch = self.a_batch(nth, "published")
        if batch:
            on = self.world.land.year.working_date
            self.do(publicity.object_to, batch, by=by, who="某村民", what="面积不对", on=on)

    @rule(by=PERSON, nth=NTH, upheld=st.booleans())
    def answer(self, by, nth, upheld):
        batch = self.a_batch(nth, "published")
        standing = batch and publicity.in_force(batch)
        found = standing and standing.objections.filter(state="open").first()
        if found:
            self.do(publicity.answer, batch, by=by, objection=found.pk, upheld=upheld, text="已核实")

    @rule(by=PERSON, nth=NTH, twice=st.booleans())
    def approve(self, by, nth, twice):
        batch = self.a_batch(nth, "published")
        if self.move(payments.approve, batch, by) is None:
            return
        self.frozen[batch.pk] = seal.canonical(Batch.objects.get(pk=batch.pk))
        if twice:
            assert self.move(payments.approve, batch, by) is not None

    @rule(by=PERSON, nth=NTH)
    def pay(self, by, nth):
        self.move(payments.pay, self.a_batch(nth, "approved"), by)

    @rule(by=PERSON, nth=NTH)
    def hasty(self, by, nth):
        """Every step on a batch in whatever state."""
        for service in (batches.review, payments.approve, payments.pay):
            self.move(service, self.a_batch(nth), by)
            for batch in Batch.objects.filter(state="approved").exclude(pk__in=self.frozen):
                self.frozen[batch.pk] = seal.canonical(batch)

    @rule(by=PERSON, nth=NTH, reason=st.sampled_from(["", "报错"]))
    def void(self, by, nth, reason):
        batch = self.a_batch(nth)
        self.move(batches.void, batch, by, reason=reason)
        if batch and Batch.objects.get(pk=batch.pk).state == "voided":
            self.frozen.pop(batch.pk, None)

    @rule(by=PERSON, nth=NTH, arrives=st.lists(st.booleans(), min_size=5, max_size=5))
    def bank(self, by, nth, arrives):
        batch = self.a_batch(nth, "paid")
        rows = Payment.objects.filter(line__batch=batch, result="sent") if batch else []
        for one, good in zip(rows, arrives, strict=False):
            if good:
                self.do(payments.settle, batch, {one.pk: f"V{one.pk}"}, by=by)
            else:
                self.do(payments.fail, batch, payment=one.pk, reason="户名不符", by=by)

    @rule(by=PERSON, nth=NTH, row=NTH)
    def send_again(self, by, nth, row):
        batch = self.a_batch(nth, "paid")
        lines = list(batch.lines.all()) if batch else []
        if lines:
            self.do(payments.reissue, batch, line=lines[row % len(lines)].pk, by=by)

    @rule(by=PERSON, nth=NTH, wrong=st.sampled_from([D(0), D(0), D("0.01")]))
    def reconcile(self, by, nth, wrong):
        batch = self.a_batch(nth, "paid")
        self.move(payments.reconcile, batch, by, total=batch.total + wrong if batch else D(0))

    @rule(one=PERSON, other=PERSON, village=st.sampled_from(["东村", "西村"]), confirmed=st.booleans())
    def change_account(self, one, other, village, confirmed):
        self.cards += 1
        wanted = payees.Wanted("village", f"{village}经济合作社", f"62284899{self.cards:08}", "农商行", "换卡")
        made = self.do(payees.enter, self.world.land.villages[village], wanted, by=one)
        if made is None:
            return
        if not confirmed or self.do(payees.confirm, made, by=other) is None:
            refuser = other if other != one else next(name for name in PEOPLE if name != one)
            self.do(payees.refuse, made, reason="不实", by=refuser)

    @rule(by=PERSON, row=NTH, amount=st.sampled_from(["-9999", "-2000", "-250.5", "0.01", "300"]))
    def adjust(self, by, row, amount):
        self.do(adjustments.adjust, self.world.owed[row % 5], amount=D(amount), reason="复核", by=by)

    @precondition(lambda self: self.frozen)
    @rule(amount=st.sampled_from(["-250.5", "0.01", "300"]), steps=st.integers(3, 6))
    def correct(self, amount, steps):
        """An adjustment of what was paid, in a batch of its own, by the right people as far as it goes."""
        line = BatchLine.objects.filter(batch__state__in=("paid", "reconciled"), is_live=True).order_by("pk").first()
        if line is None:
            return
        self.do(adjustments.adjust, line.entitlement, amount=D(amount), reason="复核", by="agri")
        if self.do(batches.prepare, self.world.round, by="agri") is not None:
            self.carry_on(Batch.objects.filter(state__in=NEXT).count() - 1, steps, None)

    @precondition(lambda self: self.frozen)
    @rule(column=st.sampled_from(["amount", "payee_id", "is_live"]))
    def tamper(self, column):
        """Plain SQL on the rows of an approved batch."""
        value = {"amount": "amount + 1", "payee_id": "NULL", "is_live": "NOT is_live"}[column]
        row = BatchLine.objects.filter(batch__in=self.frozen).first()
        key = row.pk.hex if connection.vendor == "sqlite" else row.pk
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE subsidies_batchline SET {column} = {value} WHERE id = %s", [key])

    @invariant()
    def the_audit_is_content(self):
        assert audit.money()[1] == []

    @invariant()
    def what_was_approved_never_changes(self):
        for key, text in self.frozen.items():
            assert seal.canonical(Batch.objects.get(pk=key)) == text

    @invariant()
    def an_amount_is_in_one_batch_and_paid_once(self):
        live, gone = defaultdict(set), defaultdict(D)
        for key, batch in BatchLine.objects.filter(is_live=True).values_list("entitlement", "batch"):
            live[key].add(batch)
        sent = Payment.objects.exclude(result="failed").values_list("line__entitlement", "amount")
        for key, amount in sent:
            gone[key] += amount
        net, failed = defaultdict(D), set(Payment.objects.filter(result="failed").values_list("line__entitlement"))
        for key, state, amount, adjusts in Entitlement.objects.values_list("pk", "state", "amount", "adjusts"):
            assert len(live[key]) <= 1
            assert (state in ("batched", "settled")) == bool(live[key])
            assert gone[key] in (D(0), amount)
            net[adjusts or key] += gone[key]
        assert all(amount >= 0 for amount in net.values()) or failed

    @invariant()
    def the_hands_are_four(self):
        reported = {self.world.head.pk, self.world.clerk.pk}
        for one in Batch.objects.all():
            told = [one.prepared_by_id, one.reviewed_by_id, one.approved_by_id, one.paid_by_id]
            people = [person for person in told if person]
            assert len(people) == len(set(people))
            assert not reported & {one.approved_by_id, one.paid_by_id}

    @invariant()
    def nothing_is_approved_before_its_publicity_is_over(self):
        for one in Batch.objects.filter(state__in=FROZEN):
            standing = one.publicities.get(state="passed")
            assert standing.ends_on < self.world.land.year.working_date
            assert standing.ends_on == standing.starts_on + timedelta(days=6)
            assert None not in (standing.posted, standing.taken_down)
            assert not standing.objections.exclude(state="dismissed").exists()

    @invariant()
    def no_source_is_overdrawn(self):
        assert all(one.left >= 0 for one in funds.balances(self.world.program))
        drawn = -sum(Fund.objects.filter(batch__isnull=False).values_list("amount", flat=True), D(0))
        assert drawn == sum(
            Batch.objects.filter(state__in=("paid", "reconciled")).values_list("total", flat=True), D(0)
        )


def live(examples, steps, **more):
    life = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    run_state_machine_as_test(Life, settings=life)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


def test_a_batch_lives_through_anything():
    SEEN.clear()
    live(8, 25, derandomize=True, database=None)
    assert SEEN["reconciled"] or SEEN["paid"]


@pytest.mark.slow
def test_many_batches_live_through_anything():
    SEEN.clear()
    live(int(os.environ.get("LIVES", "60")), 40)
    names = ("draft", "reviewed", "published", "approved", "paid", "reconciled", "voided", "adjusted", "again")
    assert [name for name in names if not SEEN[name]] == []


def test_control_without_the_check_of_hands_the_machine_finds_it(monkeypatch):
    monkeypatch.setattr(hands, "deeds", lambda batch, by: [])

    with pytest.raises((AssertionError, BaseExceptionGroup)):
        live(40, 25, derandomize=True, database=None, phases=[Phase.generate])
