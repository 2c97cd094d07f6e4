"""Geometry of bars and of the year line."""

import itertools
import random
from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from farmland import svg


def test_a_bar_with_a_target_leaves_room_for_the_tick():
    bar = svg.bullet(
        [("evidenced", D("12.4")), ("planted", D("21.6")), ("ploughed", D(19)), ("planned", D(16))], D(60)
    )

    assert bar.end == svg.ROOM
    assert bar.target_x == D("83.48")  # 60 of 69
    assert [part.x for part in bar.segments] == [D(0), D("17.25"), D("47.30"), D("73.74")]
    assert bar.seams == [D("17.25"), D("47.30"), D("73.74")]


def test_segments_share_their_edges():
    bar = svg.bullet([("accepted", D("0.07")), ("planted", D("0.11")), ("planned", D("0.13"))], D(1))

    for left, right in zip(bar.segments, bar.segments[1:], strict=False):
        assert left.end == right.x


def test_more_than_the_target_puts_the_tick_inside_the_bar():
    bar = svg.bullet([("accepted", D(150))], D(100))

    assert bar.end == D(96)
    assert bar.target_x == D(64)


def test_parts_of_nothing_are_left_out():
    bar = svg.bullet([("accepted", D(0)), ("planted", D(5)), ("dead", D(0))], D(10))

    assert [part.tier for part in bar.segments] == ["planted"]


@pytest.mark.parametrize(
    ("target", "anchor"),
    [pytest.param(D(90), "end", id="room on the left"), pytest.param(D(2), "start", id="tick at the very left")],
)
def test_the_label_stands_where_there_is_room(target, anchor):
    bar = svg.bullet([("accepted", D(100))], target)

    assert bar.label_anchor == anchor
    assert 0 <= bar.label_x <= 100


def test_nothing_at_all_is_an_empty_bar():
    bar = svg.bullet([], D(0))

    assert bar.segments == ()
    assert bar.target_x == 0


def test_a_negative_part_is_refused():
    with pytest.raises(ValueError, match="planted -1"):
        svg.bullet([("planted", D(-1))], D(5))


@pytest.mark.parametrize("seed", range(20))
def test_a_stack_adds_up_to_exactly_one_hundred(seed):
    rng = random.Random(seed)
    parts = [("planted", D(rng.randint(0, 10**6)) / 10000) for _ in range(rng.randint(1, 9))] + [("dead", D(1))]

    assert sum(part.width for part in svg.stack(parts)) == 100


def test_a_stack_of_nothing_has_no_parts():
    assert svg.stack([("planted", D(0))]) == ()


@pytest.mark.parametrize(
    ("part", "whole", "width"),
    [
        pytest.param(D(32), D(101), D("31.68"), id="erping in_out"),
        pytest.param(D(15), D(10), D(100), id="more than everything"),
        pytest.param(None, D(10), D(0), id="no fact"),
        pytest.param(D(5), None, D(0), id="no target"),
        pytest.param(D(5), D(0), D(0), id="target of nothing"),
        pytest.param(D(-5), D(10), D(0), id="reversed more than accepted"),
    ],
)
def test_a_share_stays_between_nothing_and_everything(part, whole, width):
    assert svg.share(part, whole) == width


def test_counted_things_are_boxes_that_do_not_touch():
    boxes = svg.units(1, 3)

    assert [box.tier for box in boxes] == ["accepted", "open", "open"]
    assert all(left.end < right.x for left, right in itertools.pairwise(boxes))
    assert boxes[-1].end <= 100


def test_many_counted_things_become_two_parts():
    boxes = svg.units(30, 203)

    assert [(box.tier, box.amount) for box in boxes] == [("accepted", D(30)), ("open", D(173))]


def test_no_counted_things_are_no_boxes():
    assert svg.units(0, 0) == []


# The year line


def stretch(mark) -> tuple[str, int, float, float]:
    """Where a label lies: its lane (by y) and its left and right edge in px."""
    width = max(svg.text_width(mark.title), svg.text_width(mark.note, 11), 32)
    x = float(mark.x) * svg.YEAR_WIDTH / 100 + mark.dx
    left = {"middle": x - width / 2, "start": x, "end": x - width}[mark.anchor]
    return mark.title_y, left, left + width


def clashes(marks) -> list[tuple[str, str]]:
    found = []
    for index, one in enumerate(marks):
        for other in marks[index + 1 :]:
            (y, left, right), (other_y, other_left, other_right) = stretch(one), stretch(other)
            if abs(y - other_y) < 32 and left < other_right - 2 and other_left < right - 2:
                found.append((one.title, other.title))
    return found


def year_of(count: int, seed: int) -> list[svg.Milestone]:
    rng = random.Random(seed)
    titles = ["方案印发", "各村完成核查并上报清单", "翻耕", "国土变更统一时点", "申请市级验收", "资料归档"]
    notes = ["", "逾期 16.00 亩", "预计 11-06", "35.00 亩未种"]
    days = rng.sample(range(300), count)
    return [
        svg.Milestone(date(2023, 1, 1) + timedelta(day), rng.choice(titles), rng.choice(notes), rng.choice(svg.TONES))
        for day in days
    ]


@pytest.mark.parametrize("count", [5, 9, 15])
@pytest.mark.parametrize("seed", range(8))
def test_labels_of_five_to_fifteen_milestones_never_cover_each_other(count, seed):
    line = svg.year_line(year_of(count, seed), today=date(2023, 6, 1))

    assert len(line.marks) == count
    assert clashes(line.marks) == []


@pytest.mark.parametrize("seed", range(8))
def test_labels_stay_inside_the_drawing_and_off_todays_line(seed):
    line = svg.year_line(year_of(12, seed), today=date(2023, 6, 1))
    today = float(line.today_x) * svg.YEAR_WIDTH / 100

    for mark in line.marks:
        _, left, right = stretch(mark)
        assert left >= -2
        assert right <= svg.YEAR_WIDTH + 2
        assert not left < today < right
        assert mark.title_y >= svg.FLAG
        assert mark.note_y <= line.height


def test_a_milestone_on_the_working_day_stands_beside_todays_line():
    line = svg.year_line(
        [svg.Milestone(date(2023, 6, 1), "镇级中期检查"), svg.Milestone(date(2023, 12, 1), "完成")],
        today=date(2023, 6, 1),
    )
    _, left, right = stretch(line.marks[0])
    today = float(line.today_x) * svg.YEAR_WIDTH / 100

    assert left > today or right < today


def test_milestones_of_one_day_share_a_label_and_the_gravest_colour():
    same = date(2023, 11, 30)
    [short] = svg.merge_days([svg.Milestone(same, "非粮化"), svg.Milestone(same, "永农", "预计 12-04", "risk")])
    [long] = svg.merge_days(
        [svg.Milestone(same, "非粮化和永久基本农田整改完成", "", "met"), svg.Milestone(same, "违法占用", "", "broken")]
    )

    assert (short.title, short.note, short.tone) == ("非粮化、永农", "预计 12-04", "risk")
    assert long.title.endswith("… 等 2 项")
    assert len(long.title) <= 14
    assert long.tone == "broken"


def test_the_axis_runs_over_whole_months():
    line = svg.year_line([svg.Milestone(date(2023, 7, 20), "印发"), svg.Milestone(date(2023, 12, 31), "时点")])

    assert [label for _, label in line.months] == ["8 月", "9 月", "10 月", "11 月", "12 月"]
    assert line.today_x is None
    assert line.marks[0].x == D("10.33")  # 19 of 184 days
    assert line.marks[-1].x < 100


def test_a_day_far_from_the_year_is_not_drawn():
    line = svg.year_line([svg.Milestone(date(2023, 7, 20), "印发")], today=date(2026, 1, 1))

    assert line.today_x is None


def test_no_milestones_are_no_drawing():
    assert svg.year_line([], today=date(2023, 6, 1)).marks == []
