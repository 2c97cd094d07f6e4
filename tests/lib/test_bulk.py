"""Rows written past the ORM are the rows the ORM would have written."""

from datetime import date
from decimal import Decimal as D

import pytest

from farmland.lib.bulk import insert
from parcels.models import Listing, Overlap, Parcel, ParcelList, Shape
from tests.tasks.land import YEAR, Land

pytestmark = pytest.mark.django_db
ODD = "a\tb\\n\\N\\x\r\n'\"{}%s 演示😀"


def parcel(land, **more) -> Parcel:
    facts = {"codes": [ODD], "group": "组", "gross_mu": D("1.2345"), "attrs": {"note": ODD, "n": None}, "stage": ""}
    return Parcel(town=land.town, division=land.villages["东村"], year=YEAR, kind_id="abandonment", **(facts | more))


def both(land, make) -> list[dict]:
    """The same row by the ORM and by us, without what tells rows apart."""
    one, other = make(), make()
    type(one).objects.bulk_create([one])
    insert([other])
    rows = [type(one).objects.filter(pk=each.pk).values().get() for each in (one, other)]
    for row in rows:
        row.pop("id")
        assert row.pop("updated_at") is not None
    return rows


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="odd letters"),
        pytest.param({"gross_mu": None, "slope": D("0"), "in_redline": None, "occurred_on": None}, id="unknown"),
        pytest.param({"in_redline": True, "occurred_on": date(2024, 2, 29), "net_mu": D("9999999.9999")}, id="known"),
        pytest.param({"in_redline": False, "group": ODD[:40], "codes": []}, id="empty"),
    ],
)
def test_a_parcel_is_the_same_either_way(land, more):
    one, other = both(land, lambda: parcel(land, **more))
    assert one == other


def test_bytes_floats_and_foreign_keys_are_the_same(land):
    kept = ParcelList.objects.create(town=land.town, year=YEAR, role="layer", title="图层")
    box = {"west": 106.0000000123, "south": 29.1, "east": 106.2, "north": 30.3}
    facts = {"wkb": bytes(range(256)), "computed_mu": D("0.1"), "digest": "d", **box}
    one, other = both(land, lambda: Shape(town=land.town, layer=kept, **facts))
    assert bytes(one.pop("wkb")) == bytes(other.pop("wkb")) == bytes(range(256))
    assert one == other
    stored = parcel(land)
    stored.save()
    insert([Listing(town=land.town, list=kept, serial="1", code=ODD[:80], parcel=None, cells={ODD: ODD})])
    assert Listing.objects.get(list=kept).cells == {ODD: ODD}
    share = {"area_mu": D("1"), "share": D("0.5"), "by": "area"}
    insert([Overlap(town=land.town, division=stored.division, parcel=stored, layer=kept, **share)])
    assert Overlap.objects.get(parcel=stored, layer=kept).share == D("0.5")


def test_many_rows_are_one_transaction_and_no_row_is_none(land):
    insert([])
    rows = [parcel(land, codes=[str(n)]) for n in range(12)]
    insert(rows)
    assert Parcel.objects.count() == 12
    rows[3].group = "改"
    rows[3].save()
    assert Parcel.objects.filter(group="改").count() == 1


def test_a_float_is_refused_here_too(land):
    with pytest.raises(TypeError, match="not exact"):
        insert([parcel(land, gross_mu=1.5)])


@pytest.fixture
def land():
    return Land()
