"""A town with works waiting at every stage, for the tests of acceptance batches."""

from decimal import Decimal as D

from parcels.models import Inspection, Kind
from parcels.progress import Ladders
from tasks.inspections.queue import Wanted, ready
from tasks.inspections.results import Result, fill, fingerprint, in_order
from tasks.inspections.services import Head, Order, Sample, create
from tests.tasks.land import TODAY, Land

POST = {"post": "农业服务中心负责人", "user": None}


class World:
    """东村 has six evidenced works of 1 to 6 亩 (10 亩 parcels), 西村 two of 8 and 9 accepted by the town."""

    def __init__(self):
        self.land = land = Land()
        land.target("abandonment", 283, level="county", shares={"东村": 10, "西村": 20})
        land.target("restructure", 5, level="county")
        self.kind = Kind.objects.get(code="abandonment")
        self.officer, self.other = land.person(name="经办"), land.person(name="另一经办")
        self.head = land.person("village_head", land.villages["东村"], name="东村填报人")
        self.east = [self.work("东村", area, "evidenced") for area in range(1, 7)]
        self.west = [self.work("西村", area, "evidenced", "town_accepted") for area in (8, 9)]

    def work(self, village, area, *rungs, **more):
        work = self.land.work(village, "abandonment", 10, parcel=True, **more)
        for rung in rungs:
            by = self.officer if rung.endswith("accepted") else self.head
            self.land.step(work, rung, area, by=by)
        return work

    @property
    def year(self):
        return self.land.year

    def wanted(self, level="town", **more) -> Wanted:
        return Wanted(level, ("abandonment",), **more)

    def ready(self, level="town", user=None, **more):
        return ready(user or self.officer, self.year, Ladders(self.land.town), self.wanted(level, **more))

    def batch(self, works=None, level="town", *, sample=None, by=None, recheck=False, **head) -> Inspection:
        head = Head(**({"on": TODAY, "members": (POST,)} | head))
        keys = None if works is None else frozenset(str(one.pk) for one in works)
        wanted = self.wanted(level, is_recheck=recheck)
        order = Order(self.kind, wanted, keys, head, sample and Sample(D(sample), "种子"))
        return create(self.year, order, by=by or self.officer)

    def fill(self, batch, by=None, **verdicts) -> int:
        """``all="passed"`` or by row number: ``r1=Result(…)``."""
        rows = {}
        for number, item in enumerate(in_order(batch), 1):
            result = verdicts.get(f"r{number}") or (Result(verdicts["all"]) if "all" in verdicts else None)
            if result:
                rows[str(item.pk)] = Result(**(vars(result) | {"seen": result.seen or fingerprint(item)}))
        return fill(batch, rows, by=by or self.officer)

    def counted(self) -> D:
        return self.land.figures()["abandonment", None].counted
