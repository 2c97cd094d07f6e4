"""A small town whose parcels are worked on: a head who reports, two officials who decide, parcels of 东村 and 西村."""

from decimal import Decimal

from farmland.jobs.models import Upload
from parcels.models import Evidence, Listing, Parcel, ParcelList, Work
from tests.tasks.land import YEAR, Land


class Field(Land):
    """``parcel("P1", 10)`` is a parcel with one open work of 自然撂荒."""

    def __init__(self):
        super().__init__()
        self.target("abandonment", 100, shares={"东村": 60, "西村": None})
        self.official, self.second = self.person("official"), self.person("official")
        self.head = self.person("village_head", self.villages["东村"])
        self.list = ParcelList.objects.create(town=self.town, year=YEAR, title="下发清单")

    def parcel(self, code, area="10", village="东村", *, kind="abandonment", work=True, **more) -> Parcel:
        parcel = Parcel.objects.create(
            town=self.town, division=self.villages[village], year=YEAR, kind_id=kind, codes=[code],
            gross_mu=Decimal(area), **more,
        )  # fmt: skip
        Listing.objects.create(list=self.list, town=self.town, serial=code, code=code, parcel=parcel)
        if work:
            Work.objects.create(
                town=self.town, division=parcel.division, parcel=parcel, kind_id=kind, year=YEAR,
                area_mu=Decimal(area),
            )  # fmt: skip
        return parcel

    def proof(self, parcel, by=None) -> Evidence:
        upload = Upload.objects.create(
            town=self.town, purpose="evidence", name="证明.pdf", path="x", sha256="0" * 64, size=1
        )
        return Evidence.objects.create(
            town=self.town, division=parcel.division, parcel=parcel, category="paper", original=upload,
            sha256=upload.sha256, by=by or self.head,
        )  # fmt: skip

    def work_of(self, parcel) -> Work:
        return Work.objects.get(parcel=parcel, replaces=None)
