"""Accounts: two people, never edited, encrypted, masked, each whole look on record."""

import pytest

from farmland.accounts.models import Event
from farmland.lib import keyring
from farmland.lib.refused import Refused
from subsidies.models import Payee
from subsidies.paying import accounts, payees, payments
from subsidies.paying.payees import Wanted
from tests.subsidies.pay_world import World

NUMBER = "6228480012345678901"
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return World()


@pytest.fixture
def east(world):
    return world.land.villages["东村"]


def enter(world, number=NUMBER, name="东村合作社", kind="coop", reason="", by=None):
    return payees.enter(world.land.villages["东村"], Wanted(kind, name, number, reason=reason), by=by or world.clerk)


def test_an_account_is_in_use_when_another_person_confirmed_it(world):
    made = enter(world, "6228 4800-１２３４ 5678901")

    assert (made.state, made.tail) == ("pending", "8901")
    assert payees.confirm(made, by=world.reviewer).state == "active"


def test_who_entered_it_does_not_confirm_it(world):
    made = enter(world)

    with pytest.raises(Refused, match="登记人以外"):
        payees.confirm(made, by=world.clerk)

    made.refresh_from_db()
    assert made.state == "pending"
    assert Event.objects.get(action="复核收款账户（未准）").about == made.pk


@pytest.mark.parametrize(
    ("number", "told"),
    [("", "请填账号"), ("62284800X", "只能是数字"), ("1234567", "8–32 位数字，现为 7 位"), ("1" * 33, "33 位")],
)
def test_what_is_no_account_is_refused_without_repeating_it(world, number, told):
    with pytest.raises(Refused, match=told) as refusal:
        enter(world, number)

    assert len(number) < 8 or number not in refusal.value.message


def test_no_figure_of_an_account_is_kept_or_logged_in_clear(world):
    made = enter(world)

    row = Payee.objects.filter(pk=made.pk).values().get()
    texts = [str(row), *(str(one) for one in Event.objects.values("subject", "before", "after", "reason"))]
    assert not [text for text in texts if NUMBER in text or NUMBER[:-4] in text]
    assert NUMBER.encode() not in bytes(row["account"])
    assert accounts.masked(made) == "••••8901"


def test_the_same_account_is_another_ciphertext_each_time_and_opens_only_in_its_row(world):
    one, two = enter(world), enter(world, name="另一合作社")

    assert bytes(one.account) != bytes(two.account)
    assert one.fingerprint == two.fingerprint
    one.account = two.account
    with pytest.raises(Refused, match="密文被改动过"):
        accounts.decrypt(one)


def test_a_lost_key_is_named_and_nothing_is_guessed(world, settings, tmp_path):
    made = enter(world)
    settings.VAR = tmp_path / "elsewhere"

    with pytest.raises(Refused, match="密钥不在"):
        payees.reveal(made, by=world.clerk)


def test_a_new_key_opens_what_the_old_one_closed_and_knows_the_account_again(world, settings, tmp_path):
    settings.VAR = tmp_path
    old = enter(world)
    path = keyring.folder() / "account.key"
    keyring.write(path, "A" * 43 + "\n" + path.read_text(), replace=True)

    new = enter(world, name="另一合作社")

    assert accounts.decrypt(old) == accounts.decrypt(new) == NUMBER
    assert payees.same_account(new) == [old]


def test_each_whole_look_is_an_event_and_needs_a_right(world):
    made = enter(world)

    assert payees.reveal(made, by=world.finance) == NUMBER
    assert Event.objects.get(action="查看完整账号").user == world.finance
    for person in (world.head, world.discipline, world.leader, world.agri):
        with pytest.raises(Refused, match="没有查看完整账号的权限"):
            payees.reveal(made, by=person)


def test_a_demo_user_sees_no_real_account(world):
    made = enter(world)
    world.finance.is_demo = True

    with pytest.raises(Refused, match="演示用户不能办理正式的账号"):
        payees.reveal(made, by=world.finance)

    made.is_demo = True
    assert payees.reveal(made, by=world.finance) == NUMBER


def test_one_account_under_two_names_is_confirmed_only_with_a_reason(world):
    payees.confirm(enter(world), by=world.reviewer)
    other = enter(world, name="另一合作社")

    with pytest.raises(Refused, match="东村 东村合作社名下"):
        payees.confirm(other, by=world.reviewer)

    assert payees.confirm(other, by=world.reviewer, shared="合作社更名").state == "active"
    assert set(payees.shared_accounts(Payee.objects.all())) == {one.pk for one in Payee.objects.filter(kind="coop")}


def test_a_change_is_a_new_row_with_a_reason(world):
    old = payees.confirm(enter(world), by=world.reviewer)
    with pytest.raises(Refused, match="变更须写原因"):
        enter(world, "6228480099999999")
    new = enter(world, "6228480099999999", reason="换卡")
    with pytest.raises(Refused, match="待复核"):
        enter(world, "6228480099999998", reason="再换")

    payees.confirm(new, by=world.reviewer)

    old.refresh_from_db()
    assert old.state == "retired"
    assert accounts.decrypt(old) == NUMBER


def test_a_change_sends_a_published_batch_back_to_draft_with_its_publicity_void(world):
    batch = world.to("published")
    new = world.account("东村", "6228480099999999", reason="换卡")

    batch.refresh_from_db()

    assert (batch.state, batch.digest, batch.reviewed_by) == ("draft", "", None)
    assert batch.publicities.get().state == "void"
    assert {one.payee for one in batch.lines.filter(division=world.land.villages["东村"])} == {new}
    again = world.review(batch)
    assert world.publish(again).number == 2


def test_a_change_that_waits_stops_approval_and_payment(world):
    batch = world.to("over")
    world.account("东村", "6228480099999999", reason="换卡", confirm=False)
    with pytest.raises(Refused, match="账户变更待复核"):
        world.approve(batch)
    payees.refuse(Payee.objects.get(state="pending"), reason="不实", by=world.reviewer)
    world.approve(batch)
    world.account("东村", "6228480099999999", reason="换卡", confirm=False)

    with pytest.raises(Refused, match="账户变更待复核"):
        world.pay(batch)


def test_an_approved_batch_with_a_retired_account_is_not_paid(world):
    batch = world.to("approved")
    payees.retire(world.payees["西村"], reason="销户", by=world.clerk)

    with pytest.raises(Refused, match="已停用"):
        world.pay(batch)

    batch.refresh_from_db()
    assert batch.state == "approved"
    assert not batch.lines.filter(payments__isnull=False).exists()
    assert payments.unsettled(batch) == 3


def test_a_village_head_enters_no_account(world, east):
    with pytest.raises(Refused, match="没有在“东村”登记账户的权限"):
        enter(world, by=world.head)
