"""What an import preview says beside the rows: parcels a new list leaves out, and land that is taken already."""

from decimal import Decimal as D

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from farmland.jobs.models import Upload
from parcels.imports.lying import lying
from parcels.imports.services import PURPOSE, ListFacts
from parcels.models import ImportTemplate, Listing, Overlap, Parcel, Shape, Step, Work
from parcels.shapes import set_shape
from tasks.parcel_import import import_now, preview
from tests.lib.land_files import degrees, records, shapefile, squares
from tests.parcels.lists import row, xlsx
from tests.parcels.test_overlaps import layer
from tests.tasks.edit_world import Field
from tests.tasks.land import YEAR
from tests.tasks.page_world import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def field(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    field = Field()
    field.template = ImportTemplate.objects.create(town=field.town, name="区", defaults={"kind": "自然撂荒"})
    return field


def kept(field, data, name) -> Upload:
    return Upload.objects.store(
        ContentFile(data), town=field.town, user=field.official, purpose=PURPOSE, limit=10**8, name=name
    )


def look(field, data, name="清单.xlsx"):
    return preview(field.year, kept(field, data, name), field.official, template=str(field.template.pk))


def bring(field, data, name="清单.xlsx", title="第一批"):
    found = look(field, data, name)
    return import_now(field.year, found.checked, found.known, ListFacts(title), by=field.official)[1]


# A9: a newly issued list leaves out what was worked on


@pytest.fixture
def issued(field):
    """Six parcels of one list: A1 has a step, A2 a finding, A3 has left, A4 to A6 are untouched."""
    bring(field, xlsx(*(row(f"A{n}", "东村" if n % 2 else "西村") for n in range(1, 7))))
    works = {one.parcel.codes[0]: one for one in Work.objects.filter(parcel__isnull=False).select_related("parcel")}
    field.step(works["A1"], "planted", 1)
    Parcel.objects.filter(pk=works["A2"].parcel_id).update(finding="real")
    Work.objects.filter(pk=works["A3"].pk).update(exit="blocked", exit_reason="建了房")
    return field


def everything() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Parcel, Listing, Work, Step)]


def test_a_parcel_worked_on_that_the_new_list_leaves_out_is_named_and_stays(issued):
    data = xlsx(row("A4", "西村"), row("A5"), row("A6", "西村"), row("B1"))
    found = look(issued, data).comparison
    assert [(one.parcel.codes[0], one.list, one.why) for one in found.left_out] == [
        ("A1", "第一批", "已有进展"), ("A2", "第一批", "已有核查结论"), ("A3", "第一批", "已退出：不可整改"),
    ]  # fmt: skip
    assert found.idle == 0
    assert any("已做过的 3 个图斑，这份文件没有：照旧保留，不删除" in note for note in found.notes)
    before = everything()
    assert bring(issued, data, title="第二批") == 1
    after = everything()
    for old, new in zip(before, after, strict=True):
        keys = {one["id"] for one in new}
        assert {one["id"] for one in old} <= keys
    assert Parcel.objects.count() == 7


def test_untouched_ones_are_only_counted(issued):
    found = look(issued, xlsx(row("A1"), row("A2", "西村"), row("A3"))).comparison
    assert found.left_out == []
    assert found.idle == 3
    assert any("还没有做过的 3 个图斑" in note for note in found.notes)


def test_another_list_with_one_common_row_leaves_nothing_out(issued):
    found = look(issued, xlsx(row("A4", "西村"), row("B1"), row("B2"))).comparison
    assert (found.left_out, found.idle) == ([], 0)
    assert look(issued, xlsx(row("B1"), row("B2"))).comparison.left_out == []


def test_parcels_beyond_the_persons_villages_are_not_named(issued):
    clerk = issued.person("official", issued.villages["西村"])
    data = xlsx(*(row(f"A{n}", "西村") for n in (4, 6)), row("B1", "西村"))
    bring(issued, xlsx(*(row(code, "西村") for code in ("A2", "A4", "A6", "B0"))), title="西村清单")
    found = preview(issued.year, kept(issued, data, "a.xlsx"), clerk, template=str(issued.template.pk)).comparison
    assert [one.parcel.codes[0] for one in found.left_out] == ["A2"]
    assert found.idle == 1
    whole = look(issued, xlsx(*(row(f"A{n}", "西村") for n in (4, 6)), row("A5"))).comparison
    assert [one.parcel.codes[0] for one in whole.left_out] == ["A1", "A2", "A3"]


def test_the_page_lists_them(issued, client):
    sign_in(client, issued.official)
    upload = kept(issued, xlsx(row("A4", "西村"), row("A5"), row("A6", "西村"), row("B1")), "新.xlsx")
    at = reverse("parcel_import_preview", kwargs={"town": issued.town.slug, "year": YEAR, "pk": upload.pk})
    text = client.get(at).content.decode()
    assert "原清单有、文件没有" in text
    assert "已退出：不可整改" in text


def test_a_template_is_used_when_its_list_is_written(field):
    assert field.template.used_at is None
    look(field, xlsx(row("A1")))
    field.template.refresh_from_db()
    assert field.template.used_at is None
    bring(field, xlsx(row("A1")))
    field.template.refresh_from_db()
    assert field.template.used_at is not None


# What the land lies on


def test_the_preview_says_what_the_land_lies_on(field, client):
    first = degrees(squares(4))
    set_shape(field.parcel("OLD", village="西村"), first[3], crs="EPSG:4490")
    Parcel.objects.update(year=YEAR - 1)
    layer(field, "redline", first[0], title="红线")
    layer(field, "pbf", first[1], title="永农")
    layer(field, "program", title="土地整理", codes=["00003"])
    rows = [(f"0000{n + 1}", *one[1:]) for n, one in enumerate(records(4))]
    data = shapefile(squares(4), rows)
    found = look(field, data, "图斑.zip")
    before = [Overlap.objects.count(), Shape.objects.count()]
    told = found.lying()
    assert [Overlap.objects.count(), Shape.objects.count()] == before
    assert [(one.row.codes, one.what, one.share and one.share.quantize(D("0.1")), one.is_forbidden)
            for one in told.lines] == [
        (["00001"], "红线（生态保护红线）", D("1.0"), True),
        (["00003"], "土地整理（其他项目图斑）", None, False),
        (["00002"], "永农（永久基本农田）", D("1.0"), False),
        (["00004"], f"{YEAR - 1} 年图斑 OLD", D("1.0"), False),
    ]  # fmt: skip
    sign_in(client, field.official)
    upload = kept(field, data, "图斑.zip")
    at = reverse("parcel_import_preview", kwargs={"town": field.town.slug, "year": YEAR, "pk": upload.pk})
    text = client.get(f"{at}?template={field.template.pk}").content.decode()
    assert "和已有的重叠" in text
    assert "红线（生态保护红线）" in text


def test_a_parcel_does_not_overlap_itself_and_many_are_left_to_the_job(field, monkeypatch):
    bring(field, shapefile(squares(2), records(2)), "图斑.zip")
    moved = squares(2, east=35_605_010)
    found = look(field, shapefile(moved, records(2)), "图斑.zip")
    assert len(found.comparison.changed) == 2
    told = found.lying()
    assert [(one.row.codes, one.what) for one in told.lines] == [(["0001"], f"{YEAR} 年图斑 0002")]
    monkeypatch.setattr("parcels.imports.lying.MOST", 1)
    skipped = lying(found.comparison, field.town, YEAR)
    assert (skipped.skipped, skipped.lines) == (True, [])
