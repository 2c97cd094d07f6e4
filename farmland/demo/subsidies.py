"""The money of the demo, through the real doors: 西河镇 with batches and claims in every state, 峨溶镇 with readings.

The working date is moved back for what happened earlier and stands at the story's day again afterwards.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from farmland.accounts.models import User
from farmland.demo.photos import stamp
from farmland.demo.stories import Story
from farmland.places.models import Division
from subsidies.claiming import claims, verifying
from subsidies.entitlements import calculations
from subsidies.models import Batch, Entitlement, Payee, Payment, Program, RateVersion, Round
from subsidies.paying import adjustments, batches, checks, funds, papers, payees, payments, publicity
from subsidies.rates import versions
from tasks.models import Plan, TownYear

LISTED = "unless:on_list has rectified-2023"
PAID = "unless:paid_by has idle-land-revival"
CARE_YEAR = 2025
READ = (
    ("B", "镇里商定先按读法B试算（演示）"),
    ("A", "县里答复：超额部分50元/亩替代20元/亩，按读法A（演示）"),
)


def write_money(story: Story, plan: Plan, users: dict[str, User]) -> None:
    """What the story's town owes and pays; nothing for a town that has no money in the demo."""
    write = MONEY.get(story.town)
    if write and story.town in users:
        write(story, TownYear.objects.select_related("town").get(town=plan.town, year=plan.year), users)


def _xihe(story: Story, year: TownYear, users: dict[str, User]) -> None:
    Xihe(story, year, users).write()


def _erong(story: Story, year: TownYear, users: dict[str, User]) -> None:
    """The clause on 工作经费 read one way and then, after an answer from above, as the plan has it."""
    official = users["erong"]
    for reading, why in READ:
        version = RateVersion.objects.get(rate__key="funds", rate__town=year.town, state="published")
        versions.choose(version, reading, by=official, reason=why)
    round_ = Round.objects.get(program__plan__town=year.town, year=year.year)
    calculations.apply(calculations.make(round_, by=official), by=official)


class Xihe:
    """``agri`` prepares, ``official`` reviews and verifies, ``leader`` approves, ``finance`` pays."""

    def __init__(self, story: Story, year: TownYear, users: dict[str, User]):
        self.story, self.year, self.town = story, year, year.town
        self.agri, self.official = users["xihe-agri"], users["xihe"]
        self.leader, self.finance = users["xihe-leader"], users["xihe-finance"]
        self.heads = {"新四村": users["xihe-xinsi"], "双永村": users["xihe-shuangyong"]}
        self.villages = {one.name: one for one in Division.objects.filter(town=self.town, kind="village")}
        self.program = Program.objects.get(plan__town=self.town, year=year.year, key="abandonment")
        self.round = Round.objects.get(program=self.program, is_yearly=False)

    def write(self) -> None:
        self._go_back(22)
        self._accounts()
        self._funds()
        self._compute()
        self._rule_shrub()
        self._compute()
        early = self._early_batches()
        self._approve_and_pay(*early)
        self._go_back(2)
        self._compute()
        self._rule_intercrop()
        self._compute()
        self._late_batches()
        self._go_back(0)
        self._object()
        self._aftercare()

    def _go_back(self, days: int) -> None:
        on = self.story.working_date - timedelta(days=days)
        TownYear.objects.filter(pk=self.year.pk).update(working_date=on)

    def _today(self):
        return TownYear.objects.get(pk=self.year.pk).today()

    # accounts and funds

    def _account(self, village: str, number: int, reason: str = "", *, confirmed: bool = True) -> Payee:
        wanted = payees.Wanted(
            "village", f"{village}股份经济合作联合社（演示）", f"9900{number:012}", "演示农商行", reason
        )
        made = payees.enter(self.villages[village], wanted, by=self.official)
        return payees.confirm(made, by=self.finance) if confirmed else made

    def _accounts(self) -> None:
        for number, village in enumerate(sorted(self.villages), start=1):
            self._account(village, 1000 + number * 37, confirmed=village != "新四村")

    def _funds(self) -> None:
        given = (("county", "allotted", "53000", "演示财农〔2024〕1号"), ("town", "carried_in", "6000", ""))
        for source, role, amount, document in given:
            funds.enter(
                self.program, source=source, role=role, amount=Decimal(amount), on=self._today(), by=self.finance,
                document=document, reason="演示",
            )  # fmt: skip

    # computing and rulings

    def _compute(self, round_: Round | None = None) -> None:
        calculations.apply(calculations.make(round_ or self.round, by=self.agri), by=self.agri)

    def _rows(self, key: str, village: str) -> list[Entitlement]:
        rows = Entitlement.objects.filter(
            round=self.round, rate_key=key, division=self.villages[village], state__in=Entitlement.LIVE
        ).exclude(work__parcel=None)
        return sorted(rows.select_related("work__parcel"), key=lambda one: one.work.parcel.codes)

    def _rule(self, row: Entitlement, test: str, holds: bool, reason: str, *, everywhere: bool = False) -> None:
        calculations.rule(row, test, holds=holds, reason=reason, by=self.official, everywhere=everywhere)

    def _rule_shrub(self) -> None:
        """No list was imported: the town looked at paper, and says so; one parcel had been paid for before."""
        first = self._rows("shrub", "龙岭村")[0]
        self._rule(first, LISTED, False, "2023年整治图斑纸质台账逐块核对，没有重复（演示）", everywhere=True)
        self._rule(first, PAID, False, "农服中心提供的2022年兑付表核对，没有重复（演示）", everywhere=True)
        self._rule(first, PAID, True, "2022年兑付表第 3 行已补这块地（演示）")

    def _rule_intercrop(self) -> None:
        for row in self._rows("intercrop", "兴建村")[:2]:
            self._rule(row, LISTED, False, "到现场和村里核对过，不在2023年整治图斑内（演示）")
            self._rule(row, PAID, False, "2022年兑付表没有这块地（演示）")

    # batches

    def _prepare(self, villages: list[str], note: str = "") -> Batch:
        chosen = [self.villages[one] for one in villages]
        return batches.prepare(self.round, by=self.agri, divisions=chosen, note=note or "演示批次")

    def _review(self, batch: Batch) -> Batch:
        for name in checks.missing_papers(batch):
            papers.keep(batch, name=name, file=notice(batch, 2, name), by=self.agri)
        return batches.review(batch, version=_version(batch), by=self.official)

    def _publish(self, batch: Batch) -> None:
        self._review(batch)
        publicity.publish(
            batch, place="村务公开栏（演示）", version=_version(batch), by=self.agri, photo=notice(batch, 0)
        )

    def _early_batches(self) -> tuple[Batch, Batch, Batch]:
        """One voided; three on the wall, the last without the four parcels that are to go later."""
        wrong = self._prepare(["三善村", "龙岭村"])
        batches.void(wrong, reason="两个村误编在一批，按村分开重编（演示）", version=wrong.version, by=self.agri)
        made = tuple(self._prepare([one]) for one in ("三善村", "龙岭村", "大珑村"))
        later = [one for one in self._rows("shrub", "大珑村") if one.state == Entitlement.BATCHED][-4:]
        batches.remove(made[2], later, version=_version(made[2]), by=self.agri)
        for one in made:
            self._publish(one)
        return made

    def _approve_and_pay(self, whole: Batch, partly: Batch, waiting: Batch) -> None:
        self._go_back(14)
        for one in (whole, partly, waiting):
            publicity.keep_photo(one, moment="taken_down", photo=notice(one, 1), by=self.agri)
            payments.approve(one, version=_version(one), by=self.leader)
        self._go_back(12)
        for one in (whole, partly):
            payments.pay(one, version=_version(one), by=self.finance, source="county")
        self._reconcile(whole)
        first = self._sent(partly)[0]
        payments.settle(partly, {first.pk: "演示凭证0003"}, by=self.finance, on=self._today())

    def _sent(self, batch: Batch) -> list[Payment]:
        rows = Payment.objects.filter(line__batch=batch, result="sent").select_related("line")
        return sorted(rows, key=lambda one: (one.amount, str(one.line_id)))

    def _reconcile(self, batch: Batch) -> None:
        """The bank sends one payment back, the account is put right, and it is issued again."""
        back = self._sent(batch)[0]
        payments.fail(batch, payment=back.pk, reason="账号与户名不符（演示）", by=self.finance)
        self._account("三善村", 9001, "账号登记有误，银行退回后更正（演示）")
        self._go_back(8)
        payments.reissue(batch, line=back.line_id, by=self.finance)
        references = {one.pk: f"演示凭证{number:04}" for number, one in enumerate(self._sent(batch), start=1)}
        payments.settle(batch, references, by=self.finance, on=self._today())
        payments.reconcile(batch, total=batch.total, version=_version(batch), by=self.finance)

    def _late_batches(self) -> None:
        """Published, reviewed, and a draft that holds an adjustment of what was paid."""
        self._publish(self._prepare(["双永村"]))
        self._review(self._prepare(["大珑村"]))
        paid = Entitlement.objects.get(
            round=self.round, rate_key="shrub", division=self.villages["三善村"], state=Entitlement.SETTLED
        )
        adjustments.adjust(
            paid, amount=Decimal("-60.00"), reason="复核时核减 0.12 亩，按 500 元/亩扣回（演示）", by=self.agri
        )
        self._prepare(["三善村", "兴建村"])

    def _object(self) -> None:
        batch = Batch.objects.get(town=self.town, state="published")
        publicity.object_to(
            batch, who="某村民", what="九组坡上那块只种了一半，面积报多了（演示）", on=self._today(), by=self.official
        )

    # aftercare

    def _aftercare(self) -> None:
        """Before the first real round opens: a round of the demo's own, with claims in every state."""
        opens, closes = self.story.working_date - timedelta(days=12), self.story.working_date + timedelta(days=19)
        round_ = Round.objects.create(
            town=self.town, program=self.program, year=CARE_YEAR, label=f"{CARE_YEAR} 年管护（演示）", is_yearly=True,
            opens_on=opens, closes_on=closes, note="演示：提前开的申报，正式的从次年起", is_demo=True,
        )  # fmt: skip
        places = [self.villages[one] for one in ("新四村", "双永村", "龙岭村")]
        claims.open_claims(round_, by=self.official, divisions=places)
        rows = list(round_.claims.select_related("work__parcel", "division", "town").order_by("pk"))
        by_village = {name: [one for one in rows if one.division.name == name] for name in self.heads}
        for one in by_village["新四村"]:
            self._declare(one)
        mine = sorted(by_village["双永村"], key=lambda one: one.work.parcel.codes)
        for one in mine[:-1]:
            self._declare(one, less=one is mine[0])
        self._verify(mine)
        self._compute(round_)

    def _declare(self, claim, less: bool = False) -> None:
        area = claim.cap_mu - Decimal("0.35") if less else claim.cap_mu
        said = claims.Said(area, reason="田坎边水毁，没有再种（演示）" if less else "")
        claims.declare(claim, said, by=self.heads[claim.division.name])

    def _verify(self, mine: list) -> None:
        full, part, back, undone = mine[1], mine[2], mine[3], mine[4]
        for one in (mine[0], full):
            one.refresh_from_db()
            verifying.verify(one, verifying.Found(one.declared_mu, "实地看过（演示）"), by=self.official)
        found = verifying.Found(part.cap_mu - Decimal("0.20"), "靠路边一角没有种（演示）")
        verifying.verify(part, found, by=self.official)
        verifying.verify(back, verifying.Found(None, "照片不是这块地，请补拍（演示）"), by=self.official)
        claims.withdraw(undone, by=self.heads["双永村"])


MONEY: dict[str, Callable] = {"xihe": _xihe, "erong": _erong}


def _version(batch: Batch) -> int:
    return Batch.objects.values_list("version", flat=True).get(pk=batch.pk)


def notice(batch: Batch, number: int, what: str = "公示") -> SimpleUploadedFile:
    """A sheet on a wall or a desk, painted; each is another picture."""
    image = Image.new("RGB", (640, 480), "#c9c2b4")
    pen = ImageDraw.Draw(image)
    pen.rectangle((170, 60, 470, 420), fill="#f7f5ee", outline="#8d8678", width=3)
    pen.rectangle((220, 84, 420, 98), fill="#a33b2f")
    for row in range(11):
        top = 124 + row * 25
        pen.line((200, top, 440 - (int(batch.number[-3:]) * 17 + row * 31) % 70, top), fill="#6f6a60", width=4)
    pen.ellipse((360, 340, 420, 400), outline="#a33b2f" if number else "#6f6a60", width=4)
    stamp(pen, 26, 4)
    out = BytesIO()
    image.save(out, "JPEG", quality=70)
    return SimpleUploadedFile(f"演示_{what}_{batch.number}_{number + 1}.jpg", out.getvalue(), "image/jpeg")
