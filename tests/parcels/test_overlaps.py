"""What a parcel shares with others, with earlier years and with layers: by area, by code, once."""

from decimal import Decimal as D

import pytest
import shapely

from farmland.places.models import Term
from parcels import overlaps
from parcels.layers import layer_kinds, layers_in_force
from parcels.models import Listing, Overlap, Parcel, ParcelList, Shape
from parcels.shapes import new_shape, set_shape
from tests.tasks.edit_world import Field
from tests.tasks.land import YEAR

pytestmark = pytest.mark.django_db
CRS = "EPSG:4490"
STEP = 0.001


def square(at: float, wide: float = 1.0) -> shapely.Polygon:
    """``at`` and ``wide`` in thousandths of a degree: about 9.6 × 16 mu a square."""
    return shapely.box(106 + at * STEP, 29.8, 106 + (at + wide) * STEP, 29.8 + STEP)


@pytest.fixture
def field():
    return Field()


def drawn(field, code, at, *, wide=1.0, year=YEAR, village="东村", **more) -> Parcel:
    parcel = field.parcel(code, village=village, work=False, **more)
    if year != YEAR:
        Parcel.objects.filter(pk=parcel.pk).update(year=year)
    set_shape(parcel, square(at, wide), crs=CRS)
    return parcel


def layer(field, kind, *shapes, title="", year=YEAR, codes=()) -> ParcelList:
    role = layer_kinds(field.town)[kind].role
    kept = ParcelList.objects.create(town=field.town, year=year, role=role, source=kind, title=title or kind)
    for one in shapes:
        new_shape(one, town=field.town, crs=CRS, layer=kept).save()
    for code in codes:
        Listing.objects.create(list=kept, town=field.town, serial="1", code=code)
    return kept


def told(field, year=YEAR) -> set:
    rows = Overlap.objects.filter(town=field.town, parcel__year=year)
    return {(one.parcel.codes[0], (one.other.codes[0] if one.other else one.layer.title), one.by, one.share)
            for one in rows.select_related("parcel", "other", "layer")}  # fmt: skip


def test_neighbours_share_an_edge_and_nothing_else(field):
    for at in range(3):
        drawn(field, f"A{at}", at)
    assert overlaps.refresh(field.town, YEAR) == 0


def test_both_parcels_of_a_year_say_so_each_with_its_own_share(field):
    drawn(field, "A", 0)
    drawn(field, "B", 0.5, wide=2)
    assert overlaps.refresh(field.town, YEAR) == 2
    assert told(field) == {("A", "B", "area", D("0.5")), ("B", "A", "area", D("0.25"))}
    half = Overlap.objects.get(parcel__codes=["A"])
    assert abs(half.area_mu - Shape.objects.get(parcel=half.parcel).computed_mu / 2) < D("0.001")


def test_only_the_later_year_looks_back(field):
    drawn(field, "OLD", 0, year=YEAR - 1)
    drawn(field, "NEW", 0)
    assert overlaps.refresh(field.town, YEAR - 1) == 0
    assert overlaps.refresh(field.town, YEAR) == 1
    assert told(field) == {("NEW", "OLD", "area", D(1))}


def test_a_second_run_writes_nothing_and_what_is_gone_goes(field, django_assert_num_queries):
    drawn(field, "A", 0)
    moved = drawn(field, "B", 0.5)
    overlaps.refresh(field.town, YEAR)
    before = list(Overlap.objects.order_by("pk").values())
    assert overlaps.refresh(field.town, YEAR) == 0
    assert list(Overlap.objects.order_by("pk").values()) == before
    set_shape(moved, square(0.8), crs=CRS)
    assert overlaps.refresh(field.town, YEAR) == 2
    assert told(field) == {("A", "B", "area", D("0.2")), ("B", "A", "area", D("0.2"))}
    assert {one["id"] for one in before} == set(Overlap.objects.values_list("pk", flat=True))
    set_shape(moved, square(5), crs=CRS)
    assert overlaps.refresh(field.town, YEAR) == 2
    assert told(field) == set()


def test_pieces_of_one_layer_are_counted_once(field):
    drawn(field, "A", 0)
    layer(field, "redline", square(0.2, 0.4), square(0.4, 0.4), title="红线")
    overlaps.refresh(field.town, YEAR)
    assert told(field) == {("A", "红线", "area", D("0.6"))}


def test_a_sliver_is_how_lines_are_drawn(field):
    drawn(field, "A", 0)
    layer(field, "redline", square(0.996, 1), title="红线")
    assert overlaps.refresh(field.town, YEAR) == 1  # 0.06 亩
    Shape.objects.filter(layer__isnull=False).delete()
    new_shape(square(0.998, 1), town=field.town, crs=CRS, layer=ParcelList.objects.get(title="红线")).save()
    overlaps.refresh(field.town, YEAR)
    assert told(field) == set()


def test_the_newest_version_of_a_layer_holds_and_none_of_a_later_year(field):
    drawn(field, "A", 0)
    layer(field, "redline", square(0), title="红线", year=YEAR - 2)
    newest = layer(field, "redline", square(5), title="红线", year=YEAR - 1)
    layer(field, "redline", square(0), title="红线", year=YEAR + 1)
    other = layer(field, "steep", square(0, 0.5), title="陡坡", year=YEAR - 5)
    assert set(layers_in_force(field.town, YEAR)) == {newest, other}
    overlaps.refresh(field.town, YEAR)
    assert told(field) == {("A", "陡坡", "area", D("0.5"))}


@pytest.mark.parametrize(
    ("code", "village", "found"),
    [
        pytest.param("50015123GB04", "西村", True, id="long, another village"),
        pytest.param("26934", "东村", True, id="short, same village"),
        pytest.param("26934", "西村", False, id="short, another village"),
    ],
)
def test_the_same_code_of_an_earlier_year(field, code, village, found):
    old = field.parcel(code, village=village, work=False)
    Parcel.objects.filter(pk=old.pk).update(year=YEAR - 1)
    again = ParcelList.objects.create(town=field.town, year=YEAR, title="新清单")
    field.list = again
    field.parcel(code, village="东村", work=False)
    overlaps.refresh(field.town, YEAR)
    assert told(field) == ({(code, code, "code", None)} if found else set())


def test_codes_of_another_programs_list_count_without_any_boundary(field):
    field.parcel("2693401", work=False)
    field.parcel("0007", work=False)
    layer(field, "program", title="土地整理", codes=["2693401", "0007", "别的"])
    overlaps.refresh(field.town, YEAR)
    assert told(field) == {("2693401", "土地整理", "code", None)}


@pytest.mark.parametrize(
    ("code", "cells", "found"),
    [
        pytest.param("0007", {"村": "东村"}, True, id="short, same village"),
        pytest.param("0007", {"坐落": "清溪镇东村三组"}, True, id="short, same place"),
        pytest.param("26934", {"村": "西村"}, False, id="short, another village"),
        pytest.param("26934", {"村": "别处"}, True, id="a village nobody knows"),
        pytest.param("50015123GB04", {"村": "西村"}, True, id="long, another village"),
        pytest.param("５００15123gb 04", {}, True, id="written in another way"),
    ],
)
def test_a_code_of_another_list_counts_in_the_village_the_list_names(field, code, cells, found):
    for mine in ("0007", "26934", "50015123GB04"):
        field.parcel(mine, work=False)
    kept = layer(field, "program", title="土地整理")
    Listing.objects.create(list=kept, town=field.town, serial="1", code=code, cells=cells)
    overlaps.refresh(field.town, YEAR)
    assert bool(told(field)) == found


def test_another_town_is_left_alone(field):
    from tests.tasks.land import Land

    other = Land(slug="other", name="别镇")
    drawn(field, "A", 0)
    there = other.work("东村", "abandonment", 5, parcel=True).parcel
    set_shape(there, square(0), crs=CRS)
    assert overlaps.refresh(field.town, YEAR) == 0
    assert overlaps.refresh(other.town, YEAR) == 0


def test_a_towns_own_kind_of_layer_is_a_row(field):
    Term.objects.create(dictionary="layer_kind", code="quarry", label="矿区", town=field.town,
                        attrs={"on_restore": "forbid"})  # fmt: skip
    Term.objects.create(dictionary="layer_kind", code="pbf", label="永农（本镇）", town=field.town,
                        attrs={"on_restore": "warn"})  # fmt: skip
    kinds = layer_kinds(field.town)
    assert (kinds["quarry"].on_restore, kinds["pbf"].label, kinds["redline"].on_restore) == (
        "forbid", "永农（本镇）", "forbid",
    )  # fmt: skip
    assert "quarry" not in layer_kinds(field.county)


def test_a_boundary_on_nothing_and_on_two_layers(field):
    layer(field, "redline", square(0, 0.3), title="红线")
    layer(field, "pbf", square(0, 0.8), title="永农")
    area = new_shape(square(0), town=field.town, crs=CRS).computed_mu
    assert [(kept.title, one.share) for kept, one in overlaps.lies_on(square(0), area, field.town, YEAR)] == [
        ("永农", D("0.8")), ("红线", D("0.3")),
    ]  # fmt: skip
    assert overlaps.lies_on(square(3), area, field.town, YEAR) == []


def test_chunks_do_not_change_what_is_found(field, monkeypatch):
    for at in range(7):
        drawn(field, f"A{at}", at * 0.9)
    found = set(overlaps.by_area(field.town, YEAR))
    monkeypatch.setattr(overlaps, "CHUNK", 2)
    steps = []
    assert set(overlaps.by_area(field.town, YEAR, lambda *one: steps.append(one))) == found
    assert len(found) == 12
    assert steps == [(2, 7), (4, 7), (6, 7), (7, 7)]
