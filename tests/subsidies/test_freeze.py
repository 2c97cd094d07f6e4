"""What was approved, paid or published is refused by the database itself, also to plain SQL; and the audit sees it."""

from decimal import Decimal as D

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from farmland.lib import keyring
from farmland.lib.refused import Refused
from subsidies.models import Batch, BatchLine, Entitlement, Fund, Payee, Payment, RateVersion, Ruling
from subsidies.paying import batches, publicity, seal
from subsidies.proof import audit, freeze
from tests.subsidies.pay_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return World()


def sql(text, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(text, [getattr(one, "hex", one) if connection.vendor == "sqlite" else one for one in values])
        return cursor.rowcount


def a_line(world, batch):
    return [batch.lines.first().pk]


CHANGES = {
    "batchline": [
        ("UPDATE subsidies_batchline SET amount = amount + 1 WHERE id = %s", a_line),
        ("UPDATE subsidies_batchline SET payee_id = NULL WHERE id = %s", a_line),
        ("UPDATE subsidies_batchline SET is_live = NOT is_live WHERE id = %s", a_line),
        ("UPDATE subsidies_batchline SET is_demo = NOT is_demo WHERE id = %s", a_line),
        ("DELETE FROM subsidies_batchline WHERE id = %s", a_line),
        ("UPDATE subsidies_batchline SET batch_id = %s WHERE id = %s", lambda w, b: [moved(w), b.lines.first().pk]),
    ],
    "batch": [
        ("UPDATE subsidies_batch SET total = total + 1 WHERE id = %s", BATCH := lambda w, b: [b.pk]),
        ("UPDATE subsidies_batch SET digest = 'x' WHERE id = %s", BATCH),
        ("UPDATE subsidies_batch SET approved_by_id = %s WHERE id = %s", lambda w, b: [w.discipline.pk, b.pk]),
        ("UPDATE subsidies_batch SET prepared_by_id = NULL WHERE id = %s", BATCH),
        ("UPDATE subsidies_batch SET state = 'draft' WHERE id = %s", BATCH),
        ("UPDATE subsidies_batch SET is_demo = NOT is_demo WHERE id = %s", BATCH),
        ("DELETE FROM subsidies_batch WHERE id = %s", BATCH),
    ],
    "entitlement": [
        ("UPDATE subsidies_entitlement SET amount = 1 WHERE id = %s", OWED := lambda w, b: [w.owed[0].pk]),
        ("UPDATE subsidies_entitlement SET explanation = '{}' WHERE id = %s", OWED),
        ("UPDATE subsidies_entitlement SET state = 'due' WHERE id = %s", OWED),
        ("UPDATE subsidies_entitlement SET state = 'replaced' WHERE id = %s", OWED),
        ("DELETE FROM subsidies_entitlement WHERE id = %s", OWED),
    ],
    "rateversion": [
        ("UPDATE subsidies_rateversion SET rule = '{\"a\": 1}' WHERE id = %s", RATE := lambda w, b: [w.version.pk]),
        ("UPDATE subsidies_rateversion SET chosen = 'B' WHERE id = %s", RATE),
        ("UPDATE subsidies_rateversion SET state = 'draft' WHERE id = %s", RATE),
    ],
    "payee": [
        ("UPDATE subsidies_payee SET fingerprint = 'x' WHERE id = %s", PAYEE := lambda w, b: [w.payees["东村"].pk]),
        ("UPDATE subsidies_payee SET name = 'x' WHERE id = %s", PAYEE),
    ],
    "fund": [
        ("UPDATE subsidies_fund SET amount = 1 WHERE id = %s", FUND := lambda w, b: [Fund.objects.first().pk]),
        ("DELETE FROM subsidies_fund WHERE id = %s", FUND),
    ],
}  # fmt: skip
PAYMENT = [
    "UPDATE subsidies_payment SET amount = 1 WHERE id = %s",
    "UPDATE subsidies_payment SET payee_id = (SELECT MAX(CAST(id AS TEXT)) FROM subsidies_payee) WHERE id = %s",
    "DELETE FROM subsidies_payment WHERE id = %s",
]


def moved(world):
    """Another batch, a draft of one more amount."""
    world.owe("西村", 3)
    return world.prepare().pk


def everything():
    models = (Batch, BatchLine, Entitlement, Payment, RateVersion, Payee, Fund)
    return {model: list(model.objects.order_by("pk").values()) for model in models}


@pytest.mark.parametrize("state", ["approved", "paid", "reconciled"])
@pytest.mark.parametrize(
    ("text", "values"), [pytest.param(*pair, id=pair[0][:60]) for pairs in CHANGES.values() for pair in pairs]
)
def test_sql_changes_nothing_after_approval(world, state, text, values):
    batch = world.to(state)
    asked = values(world, batch)
    before = everything()

    with pytest.raises(IntegrityError, match=r"不能|请另"):
        sql(text, *asked)

    assert everything() == before


@pytest.mark.parametrize("text", PAYMENT)
def test_sql_changes_no_payment(world, text):
    world.to("paid")
    before = everything()
    row = Payment.objects.first()
    if "CAST" in text:
        text = text.replace("(SELECT MAX(CAST(id AS TEXT)) FROM subsidies_payee)", "%s")
        values = [next(one.pk for one in world.payees.values() if one.pk != row.payee_id), row.pk]
    else:
        values = [row.pk]

    with pytest.raises(IntegrityError, match="支付记录不能"):
        sql(text, *values)

    assert everything() == before


def test_no_row_joins_an_approved_batch_and_none_is_paid_in_another_amount(world):
    batch = world.to("approved")
    more = world.owe("西村", 3)
    line = BatchLine(
        town=world.town, division=more.division, batch=batch, entitlement=more, payee_kind="village",
        payee=world.payees["西村"], amount=more.amount,
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="明细不能增加"), transaction.atomic():
        line.save(force_insert=True)
    first = batch.lines.first()
    forged = Payment(
        town=world.town, division=first.division, line=first, attempt=9, payee=first.payee, amount=first.amount,
        on=world.land.year.working_date, by=world.finance, result="failed", reason="x",
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="只能按已支付"), transaction.atomic():
        forged.save(force_insert=True)
    world.pay(batch)
    forged.amount += D("0.01")
    with pytest.raises(IntegrityError, match="只能按已支付"), transaction.atomic():
        forged.save(force_insert=True)


LATER = {
    "paid": ["subsidies_batch SET paid_by_id = %(other)s", "subsidies_batch SET paid_at = prepared_at"],
    "reconciled": [
        "subsidies_batch SET reconciled_by_id = %(other)s", "subsidies_batch SET reconciled_at = prepared_at",
        "subsidies_batch SET paid_by_id = %(other)s", "subsidies_batch SET state = 'paid'",
    ],
    "voided": [
        "subsidies_batch SET state = 'draft'", "subsidies_batch SET total = 1",
        "subsidies_batch SET is_demo = NOT is_demo",
        "subsidies_batchline SET is_live = NOT is_live", "subsidies_batchline SET amount = 1",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("state", "text"), [(state, text) for state, texts in LATER.items() for text in texts])
def test_sql_changes_nothing_of_what_is_over(world, state, text):
    batch = world.to("over" if state == "voided" else state)
    if state == "voided":
        batches.void(batch, reason="重编", version=batch.version, by=world.agri)
    before = everything()

    with pytest.raises(IntegrityError, match=r"不能"):
        sql(f"UPDATE {text.replace('%(other)s', str(world.discipline.pk))}")

    assert everything() == before


def objection_of(batch):
    return batch.publicities.get().objections.get().pk


def notice_of(batch):
    return batch.publicities.get().pk


NOTICES = [
    ("UPDATE subsidies_publicity SET starts_on = '2024-01-01' WHERE id = %s", notice_of),
    ("UPDATE subsidies_publicity SET ends_on = '2024-10-12' WHERE id = %s", notice_of),
    ("UPDATE subsidies_publicity SET required_days = 1 WHERE id = %s", notice_of),
    ("UPDATE subsidies_publicity SET posted_id = NULL WHERE id = %s", notice_of),
    ("DELETE FROM subsidies_publicity WHERE id = %s", notice_of),
    ("UPDATE subsidies_objection SET what = '没有' WHERE id = %s", objection_of),
    ("UPDATE subsidies_objection SET \"on\" = '2024-01-01' WHERE id = %s", objection_of),
    ("UPDATE subsidies_objection SET state = 'open' WHERE id = %s", objection_of),
    ("DELETE FROM subsidies_objection WHERE id = %s", objection_of),
]  # fmt: skip


@pytest.mark.parametrize(("text", "which"), [pytest.param(*pair, id=pair[0][:60]) for pair in NOTICES])
def test_what_hung_on_the_wall_and_what_was_objected_stay_as_they_were(world, text, which):
    batch = world.to("published")
    made = publicity.object_to(
        batch, who="某村民", what="面积不对", on=world.land.year.working_date, by=world.reviewer
    )  # fmt: skip
    publicity.answer(batch, objection=made.pk, upheld=False, text="已复核，面积无误", by=world.reviewer)

    with pytest.raises(IntegrityError, match="公示和异议的记录不能修改或删除"):
        sql(text, which(batch))


def test_a_void_notice_does_not_come_back(world):
    batch = world.to("published")
    standing = batch.publicities.get()
    batch.refresh_from_db()
    batches.send_back(batch, reason="名单有变", version=batch.version, by=world.reviewer)

    with pytest.raises(IntegrityError, match="公示和异议的记录不能修改"):
        sql("UPDATE subsidies_publicity SET state = 'passed' WHERE id = %s", standing.pk)


@pytest.mark.parametrize("state", ["draft", "reviewed", "published"])
def test_sql_skips_no_step_of_a_batch(world, state):
    """All hands are given, so that no constraint refuses it: the order of the steps does."""
    batch = world.to(state)
    people = (world.reviewer, world.leader, world.finance)
    hands = "reviewed_by_id = %s, approved_by_id = %s, paid_by_id = %s"

    with pytest.raises(IntegrityError, match="不能跳过"):
        sql(f"UPDATE subsidies_batch SET state = 'paid', {hands} WHERE id = %s", *(one.pk for one in people), batch.pk)

    batch.refresh_from_db()
    assert batch.state == state


@pytest.mark.parametrize("text", ["UPDATE subsidies_ruling SET holds = NOT holds", "DELETE FROM subsidies_ruling"])
def test_a_ruling_is_neither_changed_nor_taken_away(world, text):
    Ruling.objects.create(
        town=world.town, division=world.town, round=world.round, rate_key="full", subject="*", test="x", holds=False,
        reason="镇政府会议纪要", by=world.reviewer,
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="认定不能"):
        sql(text)


def test_a_result_is_entered_once_also_by_sql(world):
    world.to("reconciled")
    row = Payment.objects.first()

    with pytest.raises(IntegrityError, match="支付记录不能修改"):
        sql("UPDATE subsidies_payment SET result = 'failed', reason = 'x' WHERE id = %s", row.pk)


def test_control_without_the_rules_the_same_sql_goes_through_and_the_audit_finds_it(world):
    batch = world.to("paid")
    line = batch.lines.first()
    freeze.uninstall()
    try:
        assert sql("UPDATE subsidies_batchline SET amount = amount + 1 WHERE id = %s", line.pk) == 1
        _, wrong = audit.money()
    finally:
        sql("UPDATE subsidies_batchline SET amount = amount - 1 WHERE id = %s", line.pk)
        freeze.install()

    assert any("冻结规则不齐" in one for one in wrong)
    told = [one for one in wrong if batch.number in one]
    assert any("与审核时的校验值不符" in one for one in told)
    assert any("明细合计 9,250.01 元，批次合计 9,250.00 元" in one for one in told)
    assert any("一笔支付" in one for one in told)
    assert audit.money()[1] == []


def test_demo_rows_may_be_deleted_but_not_changed(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World(demo=True)
    batch = world.to("reconciled")
    Entitlement.objects.filter(state="due").delete()
    with pytest.raises(IntegrityError):
        sql("UPDATE subsidies_batchline SET amount = amount + 1 WHERE id = %s", batch.lines.first().pk)

    for rows in (
        Payment.objects.all(),
        BatchLine.objects.all(),
        batch.publicities.all(),
        Fund.objects.filter(is_demo=True),
    ):
        rows.delete()

    assert batch.delete()[0] == 1


def test_the_rules_are_put_in_place_again_when_they_changed(monkeypatch):
    assert freeze.missing() == []
    monkeypatch.setattr(freeze, "RULES", freeze.RULES[1:])
    assert len(freeze.missing()) == 1
    freeze.install()
    assert freeze.missing() == []
    monkeypatch.undo()
    freeze.after_migrations("default")
    assert freeze.missing() == []


def test_a_refusal_of_the_database_is_a_refusal_to_the_user(world, monkeypatch):
    batch = world.to("approved")
    monkeypatch.setattr(batches, "check_draft", lambda batch, version: None)

    with pytest.raises(Refused, match="批次已批准，明细不能增加、修改或删除"):
        batches.remove(batch, [world.owed[0].pk], version=batch.version, by=world.agri)

    assert Event.objects.get(action="修改批次明细（未准）").reason.startswith("批次已批准")
    assert batch.lines.count() == 3


# the seal


def test_the_seal_is_of_the_content_and_of_nothing_else(world):
    batch = world.to("reviewed")
    first = batch.digest
    assert seal.complaint(batch) == ""
    Batch.objects.update(note="另", version=99)
    assert seal.seal(batch) == first
    BatchLine.objects.filter(batch=batch).first().delete()
    assert "不符" in seal.complaint(batch)


def test_what_changed_after_the_review_is_not_hung_on_the_wall(world):
    batch = world.to("reviewed")
    BatchLine.objects.filter(payee=world.payees["东村"]).update(payee=world.payees["西村"])

    with pytest.raises(Refused, match=r"不能公示：.*校验值不符"):
        world.publish(batch)

    assert not batch.publicities.exists()


def test_what_was_sealed_anew_under_a_notice_is_not_approved(world):
    """Also with the key at hand: the notice on the wall showed other rows."""
    batch = world.to("over")
    BatchLine.objects.filter(payee=world.payees["东村"]).update(payee=world.payees["西村"])
    Batch.objects.filter(pk=batch.pk).update(digest=seal.seal(batch))

    with pytest.raises(Refused, match="公示的内容与批次的校验值不符"):
        world.approve(batch)


def test_a_seal_does_not_depend_on_the_secret_key_and_outlives_a_new_key(world, settings, tmp_path):
    settings.VAR = tmp_path
    batch = world.to("reviewed")
    settings.SECRET_KEY = "another" * 10
    path = keyring.folder() / "seal.key"
    keyring.write(path, "A" * 43 + "\n" + path.read_text(), replace=True)
    assert seal.complaint(batch) == ""
    assert seal.seal(batch) != batch.digest

    settings.VAR = tmp_path / "elsewhere"

    assert "校验密钥" in seal.complaint(batch)


def test_nobody_seals_without_the_key(world):
    """The text and the digest are known; the key is not in the database."""
    batch = world.to("reviewed")

    texts = [str(list(model.objects.values())) for model in (Batch, Payee, Event)]

    assert not [text for text in texts if keyring.ring("seal")[0].secret.hex() in text]
    assert batch.digest.startswith(keyring.ring("seal")[0].ident)


# the audit


def test_whole_money_passes_the_audit(world, capsys):
    world.to("reconciled")
    world.owe("西村", 3)
    world.to("published")

    call_command("verify_audit")

    assert "2 个拨付批次，2 个校验值，4 行明细，3 笔支付，全部相符。" in capsys.readouterr().out


TAMPER = {
    "a payee of a published batch": (
        "published",
        lambda w, b: BatchLine.objects.filter(payee=w.payees["东村"]).update(payee=w.payees["西村"]),
        "校验值不符",
    ),
    "a total": ("published", lambda w, b: Batch.objects.update(total=D(1)), "批次合计 1.00 元"),
    "a row that is gone": ("published", lambda w, b: b.lines.first().delete(), "不在任何批次中"),
    "a dead row": ("draft", lambda w, b: BatchLine.objects.update(is_live=False), "有效状态与批次不符"),
    "an amount under a frozen batch": ("paid", lambda w, b: unfrozen(w), "批次中的金额"),
}


def unfrozen(world):
    freeze.uninstall()
    Entitlement.objects.filter(pk=world.owed[0].pk).update(amount=D(9))
    freeze.install()


@pytest.mark.parametrize("name", TAMPER)
def test_what_was_changed_is_told_with_its_place(world, name):
    state, tamper, told = TAMPER[name]
    batch = world.to(state)
    tamper(world, batch)

    with pytest.raises(CommandError, match=told) as error:
        call_command("verify_audit")

    assert "资金对不上" in str(error.value)


def test_the_night_leaves_an_event_of_a_broken_batch(world):
    batch = world.to("published")
    Batch.objects.update(total=D(1))

    result = audit.nightly(Job(kind=audit.KIND))

    assert result["wrong"] == 1
    assert Event.objects.get(action="资金核对不符").about == batch.pk
