"""A batch from draft to reconciliation: what each step asks for, who may take it, and what it leaves."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from farmland.accounts.models import Event
from farmland.lib.refused import Refused, Stale
from farmland.places.models import Term
from subsidies.models import Batch, BatchLine, Entitlement, Fund, Payment, Program, Round
from subsidies.paying import adjustments, batches, checks, funds, papers, payments, publicity
from subsidies.paying.publicity import Terms, WorkDays, last_day
from tests.subsidies.pay_world import PNG, World, picture
from tests.tasks.land import TODAY, YEAR

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return World()


def states(world):
    return set(Entitlement.objects.filter(adjusts=None).values_list("state", flat=True))


# draft


def test_a_draft_takes_everything_due_and_sums_it(world):
    batch = world.prepare()

    assert (batch.state, batch.total, batch.number) == ("draft", D("9250"), "2024-001")
    assert batch.lines.count() == 3
    assert {one.payee for one in batch.lines.all()} == set(world.payees.values())
    assert states(world) == {"batched"}


def test_what_another_batch_holds_is_not_taken_again(world):
    first = world.prepare(divisions=[world.land.villages["东村"]])
    second = world.prepare()

    assert (first.total, second.total) == (D(5000), D(4250))
    with pytest.raises(Refused, match="没有可列入的应补"):
        world.prepare()


def test_a_village_head_prepares_nothing(world):
    with pytest.raises(Refused, match="权限"):
        batches.prepare(world.round, by=world.head)

    assert Event.objects.get(action="编制拨付批次（未准）").user == world.head


def test_rows_leave_a_draft_and_come_back(world):
    batch = world.prepare()
    one = world.owed[0]

    batch = batches.remove(batch, [one.pk], version=batch.version, by=world.agri)
    one.refresh_from_db()
    assert (batch.total, one.state) == (D(7250), "due")

    batch = batches.add(batch, [one.pk], version=batch.version, by=world.agri)
    one.refresh_from_db()
    assert (batch.total, one.state) == (D(9250), "batched")
    with pytest.raises(Refused, match="已不能列入"):
        batches.add(batch, [one.pk], version=batch.version, by=world.agri)


def test_an_old_page_changes_nothing(world):
    batch = world.prepare()
    batches.remove(batch, [world.owed[0].pk], version=batch.version, by=world.agri)

    with pytest.raises(Stale):
        batches.remove(batch, [world.owed[1].pk], version=batch.version, by=world.agri)


def test_parts_go_to_their_payees(world):
    parts = [{"payee_kind": "village", "amount": "700"}, {"payee_kind": "farmer", "amount": "300"}]
    world.owe("东村", 2, parts=parts)
    farmer = world.account("东村", name="某农户", kind="farmer", number="6228481111111111")
    batch = world.prepare()

    rows = {one.payee_kind: (one.amount, one.payee) for one in batch.lines.filter(amount__lt=1000)}

    assert rows == {"village": (D(700), world.payees["东村"]), "farmer": (D(300), farmer)}
    assert batch.total == D(10250)


def test_several_accounts_of_a_kind_are_chosen_by_a_person(world):
    parts = [{"payee_kind": "farmer", "amount": "1000"}]
    world.owe("东村", 2, parts=parts)
    one, two = (world.account("东村", name=f"农户{n}", kind="farmer", number=f"62284811111111{n}0") for n in (1, 2))
    batch = world.prepare()
    line = batch.lines.get(payee_kind="farmer")
    assert line.payee is None
    with pytest.raises(Refused, match="东村共 1 行没有使用中的收款账户"):
        world.review(batch)
    with pytest.raises(Refused, match="不是这一行"):
        batches.assign(batch, {line.pk: world.payees["东村"].pk}, version=batch.version, by=world.agri)

    batch = batches.assign(batch, {line.pk: two.pk}, version=batch.version, by=world.agri)

    assert world.review(batch).state == "reviewed"
    assert one.lines.count() == 0


def test_a_missing_paper_keeps_a_batch_from_review(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World(documents=["资金拨付申请表", "会议纪要"])
    batch = world.prepare()
    with pytest.raises(Refused, match="缺材料：资金拨付申请表、会议纪要"):
        world.review(batch)

    for name in ("资金拨付申请表", "会议纪要"):
        papers.keep(batch, name=name, file=SimpleUploadedFile("a.pdf", b"%PDF-1.7"), by=world.agri)
    batch.refresh_from_db()

    assert world.review(batch).state == "reviewed"


def test_a_paper_of_a_rate_is_asked_of_the_batches_that_pay_by_it_alone(world):
    world.rate.shape = {"documents": ["区级验收资料"]}
    world.rate.save()
    batch = world.prepare()
    assert checks.required_papers(batch) == {"区级验收资料": "五（二）"}
    with pytest.raises(Refused, match="缺材料：区级验收资料"):
        world.review(batch)
    papers.keep(batch, name="区级验收资料", file=SimpleUploadedFile("a.pdf", b"%PDF-1.7"), by=world.agri)
    batch.refresh_from_db()
    assert world.review(batch).state == "reviewed"

    BatchLine.objects.filter(batch=batch).delete()

    assert checks.required_papers(batch) == {}


# separation


def test_every_step_is_another_persons(world):
    batch = world.to("over")
    assert (batch.prepared_by, batch.reviewed_by) == (world.agri, world.reviewer)
    world.land.person("leader", name="又一领导")
    for person in (world.agri, world.reviewer):
        person.grants.create(role="leader", division=world.town)
        person.grants.create(role="finance", division=world.town)
    fresh = type(world.agri).objects.get
    with pytest.raises(Refused, match="您已办理本批次的编制，批准须由另一人"):
        world.approve(batch, by=fresh(pk=world.agri.pk))
    with pytest.raises(Refused, match="您已办理本批次的审核，批准须由另一人"):
        world.approve(batch, by=fresh(pk=world.reviewer.pk))
    batch = world.approve(batch)
    for person in (world.agri, world.reviewer):
        with pytest.raises(Refused, match="支付须由另一人"):
            world.pay(batch, by=fresh(pk=person.pk))

    assert Event.objects.filter(action="批准批次（未准）", about=batch.pk).count() == 2
    assert Event.objects.filter(action="支付批次（未准）", about=batch.pk).count() == 2


@pytest.mark.parametrize(("name", "told"), [("head", "填报过"), ("clerk", "验收过")])
def test_who_reported_or_accepted_neither_approves_nor_pays(world, name, told):
    person = getattr(world, name)
    for role in ("leader", "finance"):
        person.grants.create(role=role, division=world.town)
    person = type(person).objects.get(pk=person.pk)
    batch = world.to("over")

    with pytest.raises(Refused, match=f"您{told}.*不能批准"):
        world.approve(batch, by=person)
    world.approve(batch)
    with pytest.raises(Refused, match=f"您{told}.*不能支付"):
        world.pay(batch, by=person)

    batch.refresh_from_db()
    assert (batch.state, batch.approved_by) == ("approved", world.leader)


def test_the_claimant_and_the_verifier_do_not_approve(world):
    from subsidies.models import Claim

    work = world.owed[0].work
    claim = Claim.objects.create(
        town=world.town, division=work.division, round=world.round, year=2024, work=work, cap_mu=4, declared_mu=4,
        verified_mu=4, state="verified", submitted_by=world.discipline, verified_by=world.leader,
    )  # fmt: skip
    Entitlement.objects.filter(pk=world.owed[0].pk).update(claim=claim)
    batch = world.to("over")

    with pytest.raises(Refused, match="您核实过其中的申报，不能批准"):
        world.approve(batch)
    world.discipline.grants.create(role="leader", division=world.town)
    with pytest.raises(Refused, match="您申报过其中的管护，不能批准"):
        world.approve(batch, by=type(world.leader).objects.get(pk=world.discipline.pk))


def test_works_behind_a_row_of_a_whole_village_count_too(world):
    leader = world.land.person("leader", name="兼任领导")
    leader.grants.create(role="official", division=world.town)
    work = world.land.work("西村", "abandonment", 3, parcel=True)
    world.land.step(work, "town_accepted", 3, by=leader)
    Entitlement.objects.filter(pk=world.owed[2].pk).update(
        work=None, subject="division:1", rate_key="whole", explanation={"works": [str(work.pk)]}
    )
    batch = world.to("over")

    with pytest.raises(Refused, match="验收过其中的图斑"):
        world.approve(batch, by=leader)


# publicity


def test_days_are_inclusive_calendar_days():
    assert last_day(date(2024, 12, 5), Terms(7, "calendar"), None) == date(2024, 12, 11)
    assert last_day(date(2024, 12, 5), Terms(1, "calendar"), None) == date(2024, 12, 5)


def test_working_days_leave_out_weekends_and_holidays_and_count_days_worked_instead(world):
    for day in range(1, 8):
        Term.objects.get_or_create(dictionary="holiday", code=f"2024-10-0{day}", defaults={"label": "国庆节"})
    Term.objects.update_or_create(
        dictionary="holiday", code="2024-10-12", defaults={"label": "国庆节调休上班", "attrs": {"works": True}}
    )
    days = WorkDays(world.town)

    assert last_day(date(2024, 9, 30), Terms(5, "working"), days) == date(2024, 10, 11)
    assert last_day(date(2024, 9, 30), Terms(6, "working"), days) == date(2024, 10, 12)
    assert last_day(date(2024, 10, 5), Terms(1, "working"), days) == date(2024, 10, 8)


@pytest.mark.parametrize(("year", "legal"), [(2023, 11), (2024, 11), (2025, 13), (2026, 13)])
def test_a_calendar_year_gives_the_legal_holidays_and_no_more(world, year, legal):
    """What is taken off beside them is worked on weekends: 全国年节及纪念日放假办法, 11 days, 13 from 2025."""
    days = WorkDays(world.town)
    every = [date(year, 1, 1) + timedelta(days=n) for n in range(366 if year % 4 == 0 else 365)]

    assert sum(days.works(day) for day in every) == sum(day.weekday() < 5 for day in every) - legal


def test_a_year_whose_holidays_nobody_entered_stops_a_publicity_by_working_days(world):
    Term.objects.filter(dictionary="holiday").delete()
    Program.objects.filter(pk=world.program.pk).update(publicity_days=5, publicity_counting="working")
    batch = world.review(world.prepare())
    with pytest.raises(Refused, match=f"{YEAR} 年的节假日还没有录入"):
        publicity.publish(batch, place="公开栏", version=batch.version, by=world.agri)
    assert not publicity.in_force(batch)
    Term.objects.create(dictionary="holiday", code=f"{YEAR}-01-01", label="元旦")
    assert world.publish(batch).counting == "working"

    days = WorkDays(world.town)

    with pytest.raises(Refused, match=f"{YEAR + 1} 年的节假日还没有录入"):
        last_day(date(YEAR, 12, 30), Terms(5, "working"), days)
    assert last_day(date(YEAR, 12, 30), Terms(5, "calendar"), days) == date(YEAR + 1, 1, 3)


def test_a_silent_plan_means_seven_days_and_says_so(world, settings):
    assert publicity.terms_of(world.program) == Terms(7, "calendar", assumed=True)
    settings.PUBLICITY_DAYS = 10
    assert publicity.terms_of(world.program).days == 10
    world.program.publicity_days, world.program.publicity_counting = 5, "working"
    assert publicity.terms_of(world.program) == Terms(5, "working")


def test_it_is_approved_on_the_day_after_the_last_and_not_before(world):
    batch = world.to("published")
    standing = publicity.in_force(batch)
    world.today(6)
    publicity.keep_photo(batch, moment="taken_down", photo=picture(data=PNG + b"2"), by=world.agri)
    assert standing.ends_on == world.land.year.working_date
    with pytest.raises(Refused, match="次日起才能批准"):
        world.approve(batch)

    world.today(1)

    assert world.approve(batch).state == "approved"
    assert publicity.in_force(batch).state == "passed"


def test_both_photographs_are_needed_and_are_pictures(world):
    batch = world.review(world.prepare())
    publicity.publish(batch, place="公开栏", version=batch.version, by=world.agri)
    world.today(9)
    with pytest.raises(Refused, match="缺张贴照片；缺期满照片"):
        world.approve(batch)
    with pytest.raises(Refused, match="JPG 或 PNG"):
        publicity.keep_photo(batch, moment="posted", photo=picture(data=b"%PDF-1.7"), by=world.agri)
    publicity.keep_photo(batch, moment="posted", photo=picture(), by=world.agri)
    with pytest.raises(Refused, match="不能更换"):
        publicity.keep_photo(batch, moment="posted", photo=picture(), by=world.agri)


def test_no_posting_before_the_review_nor_ahead(world):
    batch = world.review(world.prepare())
    for day in (date(2024, 10, 11), date(2024, 10, 13)):
        with pytest.raises(Refused, match="张贴日期应在"):
            publicity.publish(batch, place="公开栏", version=batch.version, by=world.agri, starts_on=day)


def test_an_open_objection_stops_and_a_dismissed_one_goes_on(world):
    batch = world.to("over")
    found = publicity.object_to(batch, who="某村民", what="面积不对", on=TODAY, by=world.agri)
    with pytest.raises(Refused, match="有 1 条异议没有答复"):
        world.approve(batch)
    publicity.answer(batch, objection=found.pk, upheld=False, text="实测无误", by=world.reviewer)

    assert world.approve(batch).state == "approved"


def test_an_upheld_objection_means_a_new_posting(world):
    batch = world.to("over")
    found = publicity.object_to(batch, who="某村民", what="面积不对", on=TODAY, by=world.agri)
    publicity.answer(batch, objection=found.pk, upheld=True, text="核减", by=world.reviewer)
    batch.refresh_from_db()
    assert batch.state == "draft"
    with pytest.raises(Refused, match="已经处理"):
        publicity.answer(batch, objection=found.pk, upheld=False, text="又无误", by=world.reviewer)

    batch = batches.remove(batch, [world.owed[0].pk], version=batch.version, by=world.agri)
    second = world.publish(world.review(batch))

    assert (second.number, second.state) == (2, "running")
    assert second.digest != batch.publicities.get(number=1).digest


# still as computed


def test_an_acceptance_reversed_meanwhile_stops_the_approval(world):
    batch = world.to("over")
    step = world.owed[0].work.steps.get(rung__code="town_accepted")
    world.land.step(
        step.work, "town_accepted", -1, verdict="revoked", reason="复核核减", reverses=step, by=world.clerk
    )

    with pytest.raises(Refused, match="在核算以后又有验收或冲销"):
        world.approve(batch)


def test_a_row_changed_after_the_review_breaks_the_seal(world):
    batch = world.to("over")
    BatchLine.objects.filter(batch=batch, entitlement=world.owed[0]).update(payee=world.payees["西村"])

    with pytest.raises(Refused, match="与审核时的校验值不符"):
        world.approve(batch)


# payment


def test_payment_sends_each_line_once_and_draws_the_fund(world):
    batch = world.to("paid")

    rows = Payment.objects.filter(line__batch=batch)
    assert {(one.attempt, one.result, one.amount == one.line.amount) for one in rows} == {(1, "sent", True)}
    assert states(world) == {"settled"}
    drawn = Fund.objects.get(batch=batch)
    assert (drawn.source, drawn.role, drawn.amount) == ("county", "paid", D(-9250))
    assert funds.balances(world.program)[0].left == D(990_750)


def test_a_second_click_finds_it_done_and_writes_nothing(world):
    batch = world.to("over")
    old = batch.version
    for act in (payments.approve, payments.approve):
        act(batch, version=old, by=world.leader)
    batch.refresh_from_db()
    old = batch.version
    for act in (payments.pay, payments.pay):
        act(batch, version=old, by=world.finance)

    assert Payment.objects.count() == 3
    assert Fund.objects.filter(batch=batch).count() == 1
    assert Event.objects.filter(action__in=["批准批次", "支付批次"]).count() == 2


def test_no_source_pays_more_than_it_was_given(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    world = World()
    funds.enter(world.program, source="county", role="moved_out", amount=D(995_000), on=TODAY, by=world.finance)
    batch = world.to("approved")

    with pytest.raises(Refused, match=r"“县（区）”资金不足，差 4,250.00 元"):
        world.pay(batch)
    assert not Payment.objects.exists()
    with pytest.raises(Refused, match="多个资金来源" if Fund.objects.count() > 2 else "资金不足"):
        world.pay(batch)
    world.allot(D(9250), "town")
    assert world.pay(batch, source="town").state == "paid"
    assert {one.source: one.left for one in funds.balances(world.program)} == {"county": D(5000), "town": D(0)}


def test_a_rate_with_sources_draws_each(world):
    shares = [{"source": "central", "amount": "600"}, {"source": "county", "amount": "400"}]
    world.owe("东村", 2, sources=shares)
    world.allot(D(500), "central")
    batch = world.to("approved")
    with pytest.raises(Refused, match=r"“中央”资金不足，差 100.00 元"):
        world.pay(batch, source="county")
    funds.rebook(world.program, source="county", to="central", amount=D(100), reason="上级调整", by=world.finance)

    world.pay(batch, source="county")

    drawn = {one.source: one.amount for one in Fund.objects.filter(batch=batch)}
    assert drawn == {"central": D(-600), "county": D(-9650)}
    assert Fund.objects.filter(role="rebooked").count() == 2


def test_money_of_a_round_pays_that_round_only(world):
    other = Round.objects.create(town=world.town, program=world.program, year=2025, label="2025")
    for one, amount in ((other, D(50)), (None, D(30))):
        funds.enter(
            world.program, source="town", role="allotted", amount=amount, on=TODAY, by=world.finance, round_=one
        )
    batch = world.to("approved")

    with pytest.raises(Refused, match=r"差 9,220.00 元"):
        world.pay(batch, source="town")


def test_what_the_bank_sends_back_is_issued_again_to_a_new_account(world):
    batch = world.to("paid")
    row = Payment.objects.get(line__entitlement=world.owed[2])
    payments.fail(batch, payment=row.pk, reason="账户已注销", by=world.finance)
    with pytest.raises(Refused, match="还有 3 笔没有到账凭证"):
        world.reconcile(batch)
    new = world.account("西村", "6228480099999999", reason="换卡")

    again = payments.reissue(batch, line=row.line_id, by=world.finance)
    with pytest.raises(Refused, match="没有被退回"):
        payments.reissue(batch, line=row.line_id, by=world.finance)
    sent = Payment.objects.filter(result="sent")
    payments.settle(batch, {one.pk: f"V{one.pk}" for one in sent}, by=world.finance)

    assert (again.attempt, again.payee) == (2, new)
    row.refresh_from_db()
    assert (row.result, row.payee) == ("failed", world.payees["西村"])
    assert world.reconcile(batch).state == "reconciled"
    assert Fund.objects.filter(batch=batch).count() == 1


def test_vouchers_are_entered_once(world):
    batch = world.to("paid")
    row = Payment.objects.first()
    assert payments.settle(batch, {row.pk: "V1"}, by=world.finance) == 1
    assert payments.settle(batch, {row.pk: "V1"}, by=world.finance) == 0
    with pytest.raises(Refused, match="已登记过结果"):
        payments.settle(batch, {row.pk: "V2"}, by=world.finance)
    with pytest.raises(Refused, match="不能登记退回"):
        payments.fail(batch, payment=row.pk, reason="晚了", by=world.finance)


def test_the_banks_total_must_be_ours(world):
    batch = world.to("paid")
    world.settle(batch)
    with pytest.raises(Refused, match=r"银行合计 9,249.99 元，到账合计 9,250.00 元"):
        world.reconcile(batch, D("9249.99"))

    assert world.reconcile(batch).state == "reconciled"


# void


@pytest.mark.parametrize("state", ["draft", "reviewed", "published", "approved"])
def test_a_voided_batch_pays_nothing_and_its_rows_are_due_again(world, state):
    batch = world.to(state)
    by = world.leader if state == "approved" else world.agri
    with pytest.raises(Refused, match="请写明作废的原因"):
        batches.void(batch, reason=" ", version=batch.version, by=by)

    batches.void(batch, reason="报错了", version=batch.version, by=by)

    batch.refresh_from_db()
    assert (batch.state, set(batch.lines.values_list("is_live", flat=True))) == ("voided", {False})
    assert states(world) == {"due"}
    assert world.prepare().total == D(9250)


def test_a_paid_batch_is_not_voided(world):
    batch = world.to("paid")
    world.leader.grants.create(role="lead_office", division=world.town)

    with pytest.raises(Refused, match="批次已支付，不能作废"):
        batches.void(
            batch, reason="后悔", version=batch.version, by=type(world.leader).objects.get(pk=world.leader.pk)
        )
    assert Batch.objects.get().state == "paid"


# adjustments


def adjust(world, amount, reason="复核核减"):
    return adjustments.adjust(world.owed[0], amount=D(amount), reason=reason, by=world.agri)


def test_an_adjustment_is_a_row_of_its_own_paid_by_the_next_batch(world):
    world.to("paid")
    made = adjust(world, "-500.55")
    adjust(world, "1000", "补差")

    batch = world.to("paid")

    assert (batch.total, made.adjusts) == (D("499.45"), world.owed[0])
    assert [one["amount"] for one in made.parts] == ["-500.55"]
    assert adjustments.paid_of(world.owed[0]) == D("2499.45")
    world.owed[0].refresh_from_db()
    assert (world.owed[0].amount, world.owed[0].state) == (D(2000), "settled")


def test_no_more_is_taken_back_than_was_paid(world):
    batch = world.to("approved")
    with pytest.raises(Refused, match="还没有支付"):
        adjust(world, "-1")
    world.pay(batch)
    with pytest.raises(Refused, match=r"调减 2,000.01 元超过已支付的 2,000.00 元"):
        adjust(world, "-2000.01")
    first = adjust(world, "-1500")
    with pytest.raises(Refused, match=r"调减 500.01 元超过已支付的 500.00 元"):
        adjust(world, "-500.01")
    adjustments.withdraw(first, reason="写错", by=world.agri)

    assert adjust(world, "-2000").amount == D(-2000)
    assert Event.objects.filter(action="登记调整（未准）").count() == 3


def test_who_entered_an_adjustment_does_not_approve_it(world):
    world.to("paid")
    both = world.land.person("lead_office", name="兼任")
    both.grants.create(role="leader", division=world.town)
    adjustments.adjust(world.owed[0], amount=D(5), reason="补差", by=both)
    batch = world.to("over")

    with pytest.raises(Refused, match="您登记过其中的调整，不能批准"):
        world.approve(batch, by=both)


def test_a_batch_that_takes_money_back_returns_it_to_its_source(world):
    world.to("paid")
    adjust(world, "-500")
    batch = world.to("paid")

    assert batch.total == D(-500)
    assert Fund.objects.get(batch=batch).amount == D(500)
    assert funds.balances(world.program)[0].left == D(991_250)
