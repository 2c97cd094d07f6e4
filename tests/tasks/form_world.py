"""A town-year with villages, people, a small plan and parcels, and hands that fill in workbooks."""

import io
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile

from farmland.accounts.models import Grant, User
from farmland.places.models import Division
from parcels.models import Kind, Parcel, Rung, Step, Work
from tasks.forms.facts import issue_form
from tasks.forms.incoming import Expected, receive
from tasks.forms.services import preview, submit
from tasks.models import Plan, Share, Target, TownYear

TODAY = date(2024, 10, 12)


def make_world():
    """Xinsi has two parcels (2.77 and 6.35 亩), Shuangyong none; Erlong lies in another town."""
    world = SimpleNamespace()
    county = Division.objects.create(kind="county", code="500151", name="铜梁区")
    world.town = Division.objects.create(
        parent=county, kind="town", code="500151108", name="西河镇", slug="xihe", is_tenant=True
    )
    world.other_town = Division.objects.create(
        parent=county, kind="town", code="500151109", name="石鱼镇", slug="shiyu", is_tenant=True
    )
    world.xinsi = Division.objects.create(parent=world.town, kind="village", code="500151108001", name="新四村")
    world.shuangyong = Division.objects.create(parent=world.town, kind="village", code="500151108002", name="双永村")
    world.erlong = Division.objects.create(parent=world.other_town, kind="village", code="500151109001", name="二龙村")
    make_kinds(world)
    for town in (world.town, world.other_town):
        TownYear.objects.create(town=town, year=2024, working_date=TODAY)
    make_plan(world)
    world.official = person("official", world.town)
    world.head = person("village_head", world.xinsi)
    world.neighbour = person("village_head", world.shuangyong)
    world.stranger = person("village_head", world.erlong)
    world.parcels = [
        make_parcel(world, ["500151240722440"], "七组", "2.77"),
        make_parcel(world, ["500151240722431", "500151240722432"], "六组", "6.35"),
    ]
    return world


def person(role, division):
    user = User.objects.create(username=f"{role}-{division.code}")
    Grant.objects.create(user=user, role=role, division=division)
    return user


def make_kinds(world):
    """Those of the common dictionary, which every database holds (post_migrate)."""
    world.rungs = {rung.code: rung for rung in Rung.objects.filter(ladder__code="land")}
    codes = {"illegal": "illegal_use"}
    for name in ("non_grain", "abandonment", "restructure", "retention", "illegal"):
        setattr(world, name, Kind.objects.get(code=codes.get(name, name)))


def make_plan(world):
    world.plan = Plan.objects.create(town=world.town, year=2024, title="西河镇2024年方案", digest="0" * 64, source="")
    common = {"plan": world.plan, "town": world.town, "comparison": "gte", "from_year": 2024, "to_year": 2024}
    common |= {"clause": "二", "amount": 100}
    parent = None
    for order, kind in enumerate(
        (world.retention, world.non_grain, world.abandonment, world.restructure, world.illegal)
    ):
        parent_target = parent if kind.parent_id else None
        target = Target.objects.create(
            **common,
            key=kind.code,
            kind=kind,
            parent=parent_target,
            unit=kind.unit,
            order=order,
        )
        parent = target if kind == world.non_grain else parent
        if kind in (world.abandonment, world.restructure):
            Share.objects.create(town=world.town, target=target, division=world.xinsi, amount=10, order=order)
    target = Target.objects.get(key="abandonment")
    Share.objects.create(town=world.town, target=target, division=world.shuangyong, amount=58, order=9)


def make_parcel(world, codes, group, gross, division=None):
    parcel = Parcel.objects.create(
        town=world.town, division=division or world.xinsi, group=group, year=2024, kind=world.abandonment,
        codes=codes, gross_mu=Decimal(gross),
    )  # fmt: skip
    Work.objects.create(
        town=world.town, division=parcel.division, parcel=parcel, kind=parcel.kind, year=2024, area_mu=parcel.gross_mu
    )
    return parcel


def steps_of(world, division=None):
    return Step.objects.filter(work__division=division or world.xinsi).order_by("recorded_at", "pk")


def own(work, rung):
    return sum((step.area_mu for step in Step.objects.filter(work=work, rung=rung)), Decimal(0))


class Paper:
    """A downloaded workbook in somebody's hands."""

    def __init__(self, data: bytes):
        self.book = openpyxl.load_workbook(io.BytesIO(data))
        self.page = self.book["进度"]
        self.columns = {cell.value: cell.column_letter for cell in self.page[1]}

    @classmethod
    def issue(cls, division, user, year=2024):
        return cls(issue_form(division, year, user)[1])

    def rows(self):
        return [number for number in range(2, self.page.max_row + 1) if self.page.cell(number, 1).value]

    def find(self, text):
        """The number of the first row that holds ``text`` in any cell."""
        return next(
            row[0].row for row in self.page.iter_rows(min_row=2) if any(text in str(cell.value or "") for cell in row)
        )

    def __getitem__(self, place):
        number, heading = place
        return self.page[f"{self.columns[heading]}{number}"].value

    def fill(self, number, **cells):
        """stage, area, on, crop, note or any heading."""
        names = {"stage": "环节", "area": "面积（亩）", "on": "完成日期", "crop": "作物", "note": "备注"}
        for name, value in cells.items():
            self.page[f"{self.columns[names.get(name, name)]}{number}"].value = value
        return self

    def address(self, number, heading):
        return f"进度!{self.columns[heading]}{number}"

    def save(self) -> bytes:
        out = io.BytesIO()
        self.book.save(out)
        return out.getvalue()


def upload(data, user, division, name="双永村_2024年_进度_第1版.xlsx"):
    return receive(SimpleUploadedFile(name, data), user=user, division=division)


def hand_in(paper, user, division, **options):
    data = paper if isinstance(paper, bytes) else paper.save()
    return submit(upload(data, user, division), user, Expected(), **options)


def show(paper, user, division, **options):
    data = paper if isinstance(paper, bytes) else paper.save()
    return preview(upload(data, user, division), user, Expected(), **options)


def said(result):
    """Errors by address."""
    return {error.address: error.message for error in result.errors}
