"""Invented parcels, works and steps of one story."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from farmland.accounts.models import Grant, User
from farmland.demo.stories import Left, Returned, Story, Task
from farmland.lib.dates import number_to_chinese
from farmland.places.models import Division
from parcels.models import Kind, Listing, Parcel, ParcelList, Rung, Step, Work
from parcels.progress import Ladders

CENT = Decimal("0.01")
CROPS = ["油菜", "蔬菜", "红薯", "小麦", "豌豆"]
LAND_CLASSES = ["0103", "0103", "0101", "0201", "0305"]
BEFORE = {  # days before the working date by which a stage was reached, furthest back first
    "cleared": 52, "ploughed": 40, "planted": 24, "evidenced": 14, "village_accepted": 11, "town_accepted": 8,
    "county_accepted": 5, "city_accepted": 3,
}  # fmt: skip


class Land:
    """Writes the land of one story. Everything is marked as demo; the same story gives the same land."""

    def __init__(self, story: Story, town: Division, official: User | None):
        self.story, self.town, self.official = story, town, official
        self.random = Random(f"{story.town}-{story.year}")
        self.ladders = Ladders(town)
        self.lists: dict[str, ParcelList] = {}
        self.steps: list[Step] = []
        self.listings: list[Listing] = []
        self.number = 0
        self.late: dict = {}  # days by which all stages of a work lie further back
        heads = Grant.objects.filter(division__town=town, role="village_head").select_related("user")
        self.heads: dict[int, User] = {grant.division_id: grant.user for grant in heads}

    def write(self) -> None:
        for task in self.story.tasks:
            division = Division.objects.get(town=self.town, name=task.village)
            if task.parcels:
                self._spread(task, division)
            else:
                self._unplaced(task, division)
            self._blocked(task, division)
        for one in self.story.returned:
            self._returned(one)
        for one in self.story.left:
            self._left(one)
        Listing.objects.bulk_create(self.listings, batch_size=500)
        Step.objects.bulk_create(self.steps, batch_size=500)

    def _unplaced(self, task: Task, division: Division) -> None:
        total = sum((area for _, area in task.by_stage()), Decimal(0))
        work = self._work(task, division, None, total)
        reached = Decimal(0)
        for stage, area in task.by_stage():
            reached += area
            self._step(work, stage, reached)

    def _spread(self, task: Task, division: Division) -> None:
        """Parcels of one stage each, in sizes that look issued and add up to the story's areas."""
        stages = task.by_stage()
        total = sum((area for _, area in stages), Decimal(0))
        for stage, area in stages:
            count = max(1, round(task.parcels * area / total))
            for size in self._sizes(area, count):
                parcel = self._parcel(task, division, size)
                work = self._work(task, division, parcel, size)
                for rung in self._up_to(task.kind, stage):
                    self._step(work, rung, size)

    def _sizes(self, area: Decimal, count: int) -> list[Decimal]:
        weights = [self.random.randint(40, 160) for _ in range(count)]
        sizes = [(area * weight / sum(weights)).quantize(CENT) for weight in weights[:-1]]
        return [*sizes, area - sum(sizes, Decimal(0))]

    def _up_to(self, kind: str, stage: str) -> list[str]:
        """The stages a work has gone through when it stands at ``stage``; none for one that is only issued."""
        codes = [rung.code for rung in self.ladders.rungs(kind)]
        return [code for code in codes[1 : codes.index(stage) + 1] if code in BEFORE]

    def _parcel(self, task: Task | Left, division: Division, size: Decimal) -> Parcel:
        self.number += 1
        code = f"演示{self.story.year}{self.town.slug.upper()}{self.number:04d}"
        net = (size * Decimal("0.94")).quantize(CENT)
        parcel = Parcel.objects.create(
            town=self.town,
            division=division,
            group=f"{number_to_chinese(self.random.randint(1, 14))}组",
            year=self.story.year,
            kind_id=task.kind,
            source="annual_survey_outflow",
            codes=[code],
            gross_mu=size,
            cultivated_mu=size,
            pbf_mu=size if self.random.random() < 0.3 else Decimal(0),
            net_mu=net,
            land_class=self.random.choice(LAND_CLASSES),
            ground_state="shrub_weed",
            finding="real",
            is_demo=True,
        )
        self.listings.append(
            Listing(list=self._list(task.kind), town=self.town, serial=str(self.number), code=code, parcel=parcel)
        )
        return parcel

    def _list(self, kind: str) -> ParcelList:
        if kind not in self.lists:
            name = Kind.objects.get(code=kind).name
            self.lists[kind] = ParcelList.objects.create(
                town=self.town,
                year=self.story.year,
                kind_id=kind,
                title=f"{name}图斑（演示）",
                received_on=self._days_before(70),
                is_demo=True,
            )
        return self.lists[kind]

    def _work(self, task: Task | Left, division: Division, parcel: Parcel | None, area: Decimal) -> Work:
        work = Work.objects.create(
            town=self.town,
            division=division,
            parcel=parcel,
            kind_id=task.kind,
            year=self.story.year,
            treatment=task.treatment,
            area_mu=area,
            is_demo=True,
        )
        self.late[work.pk] = self.random.randint(0, 6) + (task.earlier or 0)
        return work

    def _blocked(self, task: Task, division: Division) -> None:
        if task.blocked:
            parcel = self._parcel(task, division, task.blocked)
            work = self._work(task, division, parcel, task.blocked)
            Work.objects.filter(pk=work.pk).update(exit="blocked", exit_reason=task.why_blocked)

    def _left(self, one: Left) -> None:
        division = Division.objects.get(town=self.town, name=one.village)
        parcel = self._parcel(one, division, one.area)
        if one.finding:
            Parcel.objects.filter(pk=parcel.pk).update(finding=one.finding)
        work = self._work(one, division, parcel, one.area)
        Work.objects.filter(pk=work.pk).update(exit=one.exit, exit_reason=one.why)
        if one.by:
            found = self._work(one, division, self._parcel(one, division, one.by), one.by)
            Work.objects.filter(pk=found.pk).update(replaces=work)

    def _step(self, work: Work, stage: str, area: Decimal) -> None:
        rung = self.ladders.rung(work.kind_id, stage)
        if rung is None or rung.rank == 0:
            return
        self.steps.append(
            Step(
                town=self.town,
                work=work,
                rung=rung,
                area_mu=area,
                verdict="passed" if rung.level else "reached",
                on=self._days_before(BEFORE[stage] + self.late[work.pk]),
                by=self.official if rung.level else self.heads.get(work.division_id),
                crop=self.random.choice(CROPS) if stage == "planted" else "",
                is_demo=True,
            )
        )

    def _returned(self, one: Returned) -> None:
        work = Work.objects.filter(town=self.town, division__name=one.village, kind=one.kind, is_demo=True).last()
        rung: Rung | None = self.ladders.of_level(one.kind, one.level) if work else None
        if rung:
            self.steps.append(
                Step(
                    town=self.town,
                    work=work,
                    rung=rung,
                    area_mu=Decimal(0),
                    declared_mu=work.area_mu,
                    verdict="returned",
                    on=self._days_before(4),
                    by=self.official,
                    reason=one.reason,
                    is_demo=True,
                )
            )

    def _days_before(self, days: int) -> date:
        return self.story.working_date - timedelta(days=days)
