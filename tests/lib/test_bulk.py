"""Rows written past the ORM are the rows the ORM would have written."""

import uuid
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction

from farmland.lib.bulk import insert, insert_columns
from farmland.lib.models import time_uuid, time_uuids
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


def test_columns_fill_in_what_they_do_not_name(land):
    keys = time_uuids(3)
    columns = {
        "id": keys,
        "codes": [["甲\\"], ["乙\tb"], []],
        "gross_mu": [D("1.5"), None, D("0")],
        "group": [ODD[:40], "", "\\N"],
        "in_redline": [True, None, False],
        "attrs": [{}, {"note": ODD}, {"note": "\\N"}],
    }
    facts = {"town_id": land.town.pk, "division_id": land.villages["东村"].pk, "year": YEAR}
    insert_columns(Parcel, columns, kind_id="abandonment", **facts)
    rows = list(Parcel.objects.order_by("pk"))
    assert [row.pk.hex for row in rows] == keys
    assert [row.codes for row in rows] == columns["codes"]
    assert [row.gross_mu for row in rows] == columns["gross_mu"]
    assert [row.group for row in rows] == columns["group"]
    assert [row.in_redline for row in rows] == columns["in_redline"]
    assert [row.attrs for row in rows] == columns["attrs"]
    assert {(row.version, row.unit_issued, row.source, row.is_demo) for row in rows} == {(1, "mu", "", False)}
    assert all(row.updated_at for row in rows)


def test_columns_of_different_length_write_nothing(land):
    facts = {"town_id": land.town.pk, "division_id": land.villages["东村"].pk, "year": YEAR}
    with pytest.raises(ValueError, match="zip"), transaction.atomic():
        insert_columns(Parcel, {"id": time_uuids(3), "codes": [["1"], ["2"]]}, kind_id="abandonment", **facts)
    assert not Parcel.objects.exists()


def test_keys_made_at_once_are_version_7_in_order_and_all_different():
    before = time_uuid()
    keys = time_uuids(10_000)
    assert keys == sorted(set(keys))
    assert before.hex[:12] <= keys[0][:12]
    for key in (keys[0], keys[4096], keys[-1]):
        assert (uuid.UUID(key).version, uuid.UUID(key).variant) == (7, uuid.RFC_4122)
    assert len({key[17:] for key in keys}) > 9_990
