"""The draw: the same for the same seed and ids, fair without weights, heavier where the risk is."""

import random
from collections import Counter
from decimal import Decimal as D
from math import sqrt

import pytest

from parcels.sampling import draw, key_of, large_from, reasons_of, risk_of, size_of

IDS = [f"w{number:03}" for number in range(40)]


def test_the_same_seed_and_ids_give_the_same_draw_in_any_order():
    shuffled = random.Random(1).sample(IDS, len(IDS))

    assert draw(IDS, D(20), "2024-1") == draw(shuffled, D(20), "2024-1")
    assert draw(IDS, D(20), "2024-1") != draw(IDS, D(20), "2024-2")


def test_the_draw_is_the_published_one():
    """Checked with another program; a change of the algorithm would make old draws unprovable."""
    assert draw(["a", "b", "c", "d"], D(50), "演示") == {"b", "d"}
    assert draw(["a", "b", "c", "d"], D(50), "演示", {"a": 15}) == {"a", "b"}
    assert str(key_of("演示", "a", 1))[:12] == "1.5635980050"


def test_a_smaller_sample_is_part_of_a_larger_one():
    assert draw(IDS, D(10), "s") < draw(IDS, D(30), "s") < draw(IDS, D(100), "s") == set(IDS)


@pytest.mark.parametrize(
    ("count", "percent", "size"),
    [(40, "10", 4), (41, "10", 5), (3, "5", 1), (1, "0.5", 1), (7, "100", 7), (0, "10", 0)],
)
def test_the_size_is_rounded_up_and_at_least_one(count, percent, size):
    assert size_of(count, D(percent)) == size
    assert len(draw([f"x{one}" for one in range(count)], D(percent), "s")) == size


@pytest.mark.parametrize("percent", ["0", "-1", "100.01"])
def test_a_share_that_is_none_is_refused(percent):
    with pytest.raises(ValueError, match="抽样比例应大于 0、不大于 100"):
        draw(IDS, D(percent), "s")


def test_without_weights_every_piece_is_drawn_equally_often():
    rounds = 1500
    counts = Counter(one for seed in range(rounds) for one in draw(IDS, D(25), f"seed-{seed}"))
    expected, spread = rounds / 4, sqrt(rounds * 0.25 * 0.75)

    assert set(counts) == set(IDS)
    assert all(abs(count - expected) < 4.5 * spread for count in counts.values())


def test_the_chance_grows_with_the_risk():
    risks = {"w000": 15, "w001": 3}
    counts = Counter(one for seed in range(1500) for one in draw(IDS, D("2.5"), f"seed-{seed}", risks))
    plain = sum(counts[one] for one in IDS[2:]) / 38

    # one of 38 × 1 + 16 + 4 = 58 tickets each
    assert counts["w000"] == pytest.approx(1500 * 16 / 58, rel=0.15)
    assert counts["w001"] == pytest.approx(1500 * 4 / 58, rel=0.3)
    assert plain == pytest.approx(1500 / 58, rel=0.1)


@pytest.mark.parametrize("facts", [(a, b, c, d) for a in (0, 1) for b in (0, 1) for c in (0, 1) for d in (0, 1)])
def test_the_points_say_which_facts_they_stand_for(facts):
    returned, flagged, large, new = map(bool, facts)
    reasons = reasons_of(risk_of(returned=returned, flagged=flagged, large=large, new=new))

    assert len(reasons) == sum(facts)
    assert ("以前被退回过" in reasons) == returned
    assert ("填报人以前没有验收通过的记录" in reasons) == new


def test_large_is_twice_the_median_and_means_nothing_among_two():
    assert large_from([D(1), D(2), D(9)]) == 4
    assert large_from([D(1), D(9)]) > 10**9
