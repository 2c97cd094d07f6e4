"""The demo's money: every state is shown; real money beside it never touches it and stays when it goes."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from farmland.accounts.models import Grant, User
from farmland.demo.services import load_demo, remove_demo
from farmland.lib.refused import Refused
from parcels.models import Parcel, Work
from parcels.progress import Ladders
from subsidies.claiming import claims
from subsidies.entitlements import calculations
from subsidies.models import Batch, Claim, Entitlement, Fund, Payee, Payment, Publicity, RateVersion, Round, Ruling
from subsidies.paying import batches, funds, papers, payees, payments, publicity
from subsidies.proof import audit
from tasks.models import TownYear
from tests.subsidies.pay_world import PNG, picture
from tests.tasks.page_world import towns

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def loaded(tmp_path_factory, django_db_setup, django_db_blocker):
    kept = settings.VAR, settings.MEDIA_ROOT
    settings.VAR = tmp_path_factory.mktemp("var")
    settings.MEDIA_ROOT = settings.VAR / "media"
    with towns(django_db_blocker, "xihe-2024", "erong-2023"):
        TownYear.objects.update(working_date=None)
        load_demo()
        yield
    settings.VAR, settings.MEDIA_ROOT = kept


@pytest.fixture(autouse=True)
def password_kept():
    text = (settings.VAR / "demo_password").read_text()
    yield
    (settings.VAR / "demo_password").write_text(text)


def states(model, **only) -> set[str]:
    return set(model.objects.filter(town__slug="xihe", **only).values_list("state", flat=True))


def test_money_stands_in_every_state():
    assert states(Batch) == {state for state, _ in Batch.STATES}
    assert states(Claim) == {state for state, _ in Claim.STATES}
    assert states(Entitlement) == {state for state, _ in Entitlement.STATES}
    assert states(Payee) == {"pending", "active", "retired"}
    assert states(Publicity) == {"running", "passed"}
    results = list(Payment.objects.order_by("line", "attempt").values_list("result", "attempt"))
    assert {("failed", 1), ("paid", 2), ("sent", 1)} <= set(results)
    assert Entitlement.objects.filter(adjusts__isnull=False, amount=-60).count() == 1
    assert Ruling.objects.filter(holds=True).count() == 1
    assert Batch.objects.get(state="published").publicities.get().objections.get().state == "open"
    assert audit.money()[1] == []
    for model in (Batch, Claim, Entitlement, Payee, Payment, Fund, Ruling):
        assert not model.objects.filter(is_demo=False).exists(), model


def test_the_county_has_just_enough_for_what_is_approved():
    waiting = Batch.objects.get(state="approved")
    left = next(one.left for one in funds.balances(waiting.program) if one.source == "county")
    assert Decimal(0) <= left - waiting.total < 1000


def test_a_reading_was_chosen_and_put_back_by_a_named_person():
    rows = RateVersion.objects.filter(rate__key="funds").order_by("number")
    assert list(rows.values_list("chosen", "state")) == [("A", "withdrawn"), ("B", "withdrawn"), ("A", "published")]


def test_the_working_date_is_the_storys_again():
    year = TownYear.objects.get(town__slug="xihe", year=2024)
    assert year.working_date.isoformat() == "2024-10-12"


class Real:
    """People of 西河镇 who are no demo, with land of their own in 新四村 that the county accepted."""

    def __init__(self):
        self.year = TownYear.objects.select_related("town").get(town__slug="xihe", year=2024)
        self.town, self.village = self.year.town, self.year.town.children.get(name="新四村")
        self.agri, self.official = self.person("lead_office"), self.person("official")
        self.leader, self.finance = self.person("leader"), self.person("finance")
        self.round = Round.objects.get(program__key="abandonment", town=self.town, is_yearly=False)
        where = {"town": self.town, "division": self.village, "kind_id": "restructure", "year": 2024}
        parcel = Parcel.objects.create(codes=["500151001"], gross_mu=Decimal("2.5"), finding="real", **where)
        self.work = Work.objects.create(parcel=parcel, treatment="shrub", area_mu=Decimal("2.5"), **where)
        rung = Ladders(self.town).of_level("restructure", "county")
        self.work.steps.create(
            town=self.town, rung=rung, area_mu=Decimal("2.5"), verdict="passed", on=self.year.today(),
            by=self.official,
        )  # fmt: skip

    def person(self, role) -> User:
        user = User.objects.create(username=f"real-{role}")
        Grant.objects.create(user=user, role=role, division=self.town)
        return user

    def computed(self) -> Entitlement:
        """What demo users ruled answers for no real land: it is held until a named person has looked."""
        held = self._applied("held")
        for one in held.explanation["tests"]:
            if one["asks"]:
                calculations.rule(held, one["key"], holds=False, reason="已查，没有", by=self.official)
        return self._applied("due")

    def _applied(self, state: str) -> Entitlement:
        calculations.apply(calculations.make(self.round, by=self.agri), by=self.agri)
        return Entitlement.objects.get(work=self.work, rate_key="shrub", state=state)

    def account(self) -> Payee:
        wanted = payees.Wanted("village", "新四村集体", "622848001234567", "农商行")
        return payees.confirm(payees.enter(self.village, wanted, by=self.official), by=self.finance)

    def approved(self) -> Batch:
        batch = batches.prepare(self.round, by=self.agri)
        with pytest.raises(Refused, match="缺材料：区级验收资料"):
            batches.review(batch, version=batch.version, by=self.official)
        papers.keep(batch, name="区级验收资料", file=picture("c.png", PNG + b"?"), by=self.agri)
        batch.refresh_from_db()
        batches.review(batch, version=batch.version, by=self.official)
        batch.refresh_from_db()
        publicity.publish(batch, place="公开栏", version=batch.version, by=self.agri, photo=picture())
        self.year.working_date += timedelta(days=7)
        self.year.save()
        publicity.keep_photo(batch, moment="taken_down", photo=picture("b.png", PNG + b"!"), by=self.agri)
        batch.refresh_from_db()
        return payments.approve(batch, version=batch.version, by=self.leader)


def test_real_money_stays_whole_when_the_demo_goes():
    real = Real()
    owed, account = real.computed(), real.account()
    batch = real.approved()
    real_round = Round.objects.get(program=real.round.program, label="2025 年管护")
    claims.open_claims(real_round, by=real.official)
    assert [one.entitlement_id for one in batch.lines.all()] == [owed.pk]

    remove_demo()

    batch.refresh_from_db()
    line = batch.lines.get()
    assert (batch.state, line.payee_id, line.amount, batch.total) == ("approved", account.pk, 1250, 1250)
    assert Claim.objects.get().work_id == real.work.pk
    assert {one.pk for one in Entitlement.objects.filter(state="settled")} == {owed.pk}
    assert not Entitlement.objects.filter(is_demo=True).exists()
    assert audit.money()[1] == []
    assert not User.objects.filter(is_demo=True).exists()


def test_invented_rows_never_stand_in_a_real_batch():
    real = Real()
    real.account()
    real.computed()
    batch = batches.prepare(real.round, by=real.agri)
    assert not Entitlement.objects.filter(lines__batch=batch, is_demo=True).exists()
    with pytest.raises(Refused, match="已不能列入"):
        batches.add(batch, Entitlement.objects.filter(is_demo=True)[:1], version=batch.version, by=real.agri)
    demo_round = Round.objects.get(is_demo=True)
    with pytest.raises(Refused, match="没有可列入的应补"):
        batches.prepare(demo_round, by=real.agri)


def test_what_a_real_person_computes_of_invented_land_is_invented():
    real = Real()
    demo_round = Round.objects.get(is_demo=True)
    Claim.objects.filter(round=demo_round, state="verified").update(verified_mu=Decimal("1"))
    calculations.apply(calculations.make(demo_round, by=real.agri), by=real.agri)
    calculations.apply(calculations.make(real.round, by=real.agri), by=real.agri)
    mine = Entitlement.objects.filter(created_by=real.agri)
    assert mine.filter(round=demo_round, is_demo=True).exists()
    assert not mine.filter(is_demo=False).exclude(work=real.work).exists()
    remove_demo()
    assert not Entitlement.objects.exclude(work=real.work).exists()


@pytest.mark.parametrize("act", ["review", "void"])
def test_a_demo_user_keeps_off_a_real_batch(act):
    real = Real()
    real.account()
    real.computed()
    batch = batches.prepare(real.round, by=real.agri)
    more = {"reason": "试"} if act == "void" else {}
    with pytest.raises(Refused, match="演示用户不能办理正式的批次"):
        getattr(batches, act)(batch, version=batch.version, by=User.objects.get(username="xihe"), **more)


def test_a_demo_user_neither_confirms_nor_replaces_a_real_account():
    real = Real()
    wanted = payees.Wanted("village", "新四村集体", "622848001234567", "农商行")
    waiting = payees.enter(real.village, wanted, by=real.official)
    demo, second = User.objects.get(username="xihe"), User.objects.get(username="xihe-finance")
    with pytest.raises(Refused, match="演示用户不能办理正式的账户"):
        payees.confirm(waiting, by=demo)
    active = payees.confirm(waiting, by=real.finance)
    other = payees.enter(
        real.village, payees.Wanted("village", "新四村集体", "622848009999999", "农商行", "改"), by=demo
    )
    with pytest.raises(Refused, match="演示用户不能办理正式的账户"):
        payees.confirm(other, by=second)
    active.refresh_from_db()
    assert active.state == "active"
