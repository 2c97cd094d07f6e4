from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from parcels.evidence_rules import Known, Limits, Need, Shot, flags, needs

NOW = datetime(2024, 10, 12, 8, tzinfo=UTC)
WORK = datetime(2024, 8, 1, tzinfo=UTC)
GOOD = {"received_at": NOW, "phase": "after", "taken_at": NOW - timedelta(days=1), "has_position": True,
        "metres": Decimal(12), "side": 4000, "sha256": "a" * 64, "look": "00000000000000ff"}  # fmt: skip


def remarks(others=(), limits=Limits(), **changed):  # noqa: B008  frozen
    return flags(Shot(**GOOD | changed), Known(WORK, others), limits)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, [], id="nothing to remark"),
        pytest.param({"has_position": False, "metres": None}, ["no_position"], id="no position"),
        pytest.param({"metres": None}, [], id="no boundary, no distance"),
        pytest.param({"metres": Decimal("100.0")}, [], id="at the tolerance"),
        pytest.param({"metres": Decimal("100.1")}, ["outside"], id="beyond the tolerance"),
        pytest.param({"taken_at": None}, ["no_time"], id="no time"),
        pytest.param({"taken_at": WORK - timedelta(seconds=1)}, ["before_work"], id="before the work"),
        pytest.param({"taken_at": WORK - timedelta(days=90), "phase": "before"}, [], id="a photo of before"),
        pytest.param({"taken_at": NOW + timedelta(minutes=9)}, [], id="a clock that is fast"),
        pytest.param({"taken_at": NOW + timedelta(hours=1)}, ["in_future"], id="the future"),
        pytest.param({"side": 799}, ["small"], id="small"),
        pytest.param({"side": 800}, [], id="just large enough"),
    ],
)
def test_flags(changed, expected):
    assert remarks(**changed) == expected


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([("a" * 64, "ffffffffffffffff")], ["reused_exact"], id="same file"),
        pytest.param([("b" * 64, "00000000000000ff")], ["reused_similar"], id="same look"),
        pytest.param([("b" * 64, "0000000000003fff")], ["reused_similar"], id="six bits"),
        pytest.param([("b" * 64, "0000000000007fff")], [], id="seven bits"),
        pytest.param([("b" * 64, "")], [], id="a paper has no look"),
        pytest.param([("b" * 64, "00000000000000ff"), ("a" * 64, "")], ["reused_exact"], id="exact says it all"),
    ],
)
def test_photos_used_before(others, expected):
    assert remarks(others) == expected


def test_limits_are_the_towns_words():
    limits = Limits.of({"outside": {"metres": "300"}, "small": {"pixels": "400"}, "reused_similar": {"bits": "x"}})
    assert limits == Limits(Decimal(300), 6, 400)
    assert remarks(limits=limits, metres=Decimal(250), side=500) == []


def test_several_remarks_stand_side_by_side():
    assert remarks(has_position=False, metres=None, taken_at=None, side=300) == ["no_position", "no_time", "small"]


SETS = {"default": {"after_overall": "2", "after_near": "2"}, "illegal_use": {"before_overall": "1", "odd": "many"}}


def test_needs_of_a_kind_are_its_own_set_or_the_default():
    photos = [("after", "near"), ("after", "near"), ("after", "near"), ("before", "overall"), ("", "overall")]
    assert needs(SETS, "abandonment", photos) == [Need("after", "overall", 2, 0), Need("after", "near", 2, 3)]
    assert [one.missing for one in needs(SETS, "abandonment", photos)] == [2, 0]
    assert needs(SETS, "illegal_use", photos) == [Need("before", "overall", 1, 1)]
    assert needs({}, "abandonment", photos) == []
