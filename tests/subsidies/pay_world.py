"""A small town with amounts owed and the people who pay them; every step of a batch in one call."""

import io
from datetime import timedelta
from decimal import Decimal as D

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from farmland.accounts.models import User
from farmland.lib.numbers import plain
from subsidies.models import Batch, Entitlement, Payee, Program, Rate, RateVersion, Round
from subsidies.paying import batches, funds, payees, payments, publicity
from tests.tasks.land import TODAY, YEAR, Land

PNG = b"\x89PNG\r\n\x1a\n" + b"a notice on a wall"
RULE = {"kinds": ["abandonment"], "base": "$town_mu", "lines": [{"price": "500"}]}
STEPS = ("prepare", "review", "publish", "approve", "pay", "settle", "reconcile")


def picture(name="wall.png", data=PNG):
    return SimpleUploadedFile(name, data, "image/png")


class World:
    """东村 and 西村 are owed 500 元 a 亩 for accepted works. ``agri`` prepares, ``reviewer`` reviews, ``leader``
    approves, ``finance`` pays; ``clerk`` accepts and enters accounts, ``head`` reports for 东村."""

    def __init__(self, areas=(("东村", 4), ("东村", 6), ("西村", "8.5")), *, demo=False, **program):
        self.land = land = Land()
        self.demo = demo
        self.town = land.town
        self.agri = land.person("lead_office", name="牵头")
        self.reviewer = land.person("official", name="审核")
        self.clerk = land.person("official", name="经办")
        self.leader = land.person("leader", name="领导")
        self.finance = land.person("finance", name="财政")
        self.discipline = land.person("discipline", name="纪检")
        self.head = land.person("village_head", land.villages["东村"], name="东村填报人")
        if demo:
            User.objects.update(is_demo=True)
            for one in vars(self).values():
                if isinstance(one, User):
                    one.refresh_from_db()
        self.program = Program.objects.create(
            plan=land.plan, town=self.town, year=YEAR, key="reward", name="复耕奖补", clause="五", **program
        )
        self.rate = Rate.objects.create(
            program=self.program, town=self.town, year=YEAR, key="full", name="全面恢复", clause="五（二）"
        )
        self.version = RateVersion.objects.create(
            rate=self.rate, town=self.town, number=1, rule=RULE, digest="r" * 64,
            state="published", published_at=timezone.now(),
        )  # fmt: skip
        self.round = Round.objects.create(town=self.town, program=self.program, year=YEAR, label=str(YEAR))
        self.payees = {name: self.account(name) for name in land.villages}
        self.owed = [self.owe(village, area) for village, area in areas]
        self.allot(D(1_000_000))

    def account(self, village, number=None, *, name="", kind="village", confirm=True, **more) -> Payee:
        place = self.land.villages[village]
        number = number or f"62284800{place.pk:010}"
        wanted = payees.Wanted(kind, name or f"{village}经济合作社", number, "农商行", **more)
        made = payees.enter(place, wanted, by=self.clerk)
        return payees.confirm(made, by=self.reviewer) if confirm else made

    def owe(self, village, area, *, amount=None, parts=None, sources=None, **more) -> Entitlement:
        """An accepted work and what it is owed."""
        work = self.land.work(village, "abandonment", area, parcel=True)
        self.land.step(work, "planted", area, by=self.head, is_demo=self.demo)
        self.land.step(work, "town_accepted", area, by=self.clerk, is_demo=self.demo)
        amount = D(area) * 500 if amount is None else D(amount)
        return Entitlement.objects.create(
            town=self.town, division=self.land.villages[village], program=self.program, rate_version=self.version,
            rate_key="full", round=self.round, year=YEAR, work=work, subject=f"work:{work.pk}", base_mu=D(area),
            amount=amount, parts=parts or [{"payee_kind": "village", "amount": plain(amount)}],
            sources=sources or [], state="due", facts_digest="f" * 64,
            explanation={"lines": [{"text": f"{area} 亩 × 500 元/亩"}]}, is_demo=self.demo, **more,
        )  # fmt: skip

    def allot(self, amount, source="county"):
        return funds.enter(self.program, source=source, role="allotted", amount=amount, on=TODAY, by=self.finance)

    def today(self, days=0):
        """Move the town's working date."""
        self.land.year.working_date += timedelta(days=days)
        self.land.year.save()

    def prepare(self, **more) -> Batch:
        return batches.prepare(self.round, by=self.agri, **more)

    def review(self, batch):
        return batches.review(batch, version=batch.version, by=self.reviewer)

    def publish(self, batch):
        return publicity.publish(batch, place="村务公开栏", version=batch.version, by=self.agri, photo=picture())

    def hang(self, batch):
        """To the day after the last, with both photographs."""
        standing = publicity.in_force(batch)
        self.today((standing.ends_on - self.land.year.working_date).days + 1)
        publicity.keep_photo(batch, moment="taken_down", photo=picture("down.png", PNG + b"!"), by=self.agri)

    def approve(self, batch, by=None):
        batch.refresh_from_db()
        return payments.approve(batch, version=batch.version, by=by or self.leader)

    def pay(self, batch, by=None, **more):
        batch.refresh_from_db()
        return payments.pay(batch, version=batch.version, by=by or self.finance, **more)

    def settle(self, batch):
        rows = batch.lines.values_list("payments", flat=True)
        return payments.settle(batch, {one: f"凭证{number}" for number, one in enumerate(rows)}, by=self.finance)

    def reconcile(self, batch, total=None):
        batch.refresh_from_db()
        total = batch.total if total is None else total
        return payments.reconcile(batch, total=total, version=batch.version, by=self.finance)

    def to(self, state, **more) -> Batch:
        """A batch brought to a state, each step by its person."""
        batch = self.prepare(**more)
        acts = {
            "reviewed": [self.review],
            "published": [self.review, self.publish],
            "over": [self.review, self.publish, self.hang],
            "approved": [self.review, self.publish, self.hang, self.approve],
            "paid": [self.review, self.publish, self.hang, self.approve, self.pay],
            "reconciled": [
                self.review, self.publish, self.hang, self.approve, self.pay, self.settle, self.reconcile,
            ],
        }  # fmt: skip
        for act in acts.get(state, ()):
            act(batch)
            batch.refresh_from_db()
        return batch


def paper(name="会议纪要.pdf"):
    return io.BytesIO(b"%PDF-1.7 " + name.encode())
