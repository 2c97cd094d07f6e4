"""Every wrong cell is named with its address, what is wrong and what to do; all at once, and nothing is written."""

from datetime import date

import pytest

from farmland.jobs.models import Upload
from parcels.models import Step, Work
from tasks.models import Submission
from tests.tasks.form_world import Paper, hand_in, make_parcel, make_world, said, show

pytestmark = pytest.mark.django_db
GOOD = {"stage": "已种植", "area": 2, "on": "2024-10-06"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def world(db):
    return make_world()


@pytest.mark.parametrize(
    ("cells", "heading", "message"),
    [
        pytest.param({"on": "9月底"}, "完成日期", "应为日期，现为“9月底”。按 2024-09-30 的样子填写。", id="vague"),
        pytest.param({"on": "2024-02-30"}, "完成日期", "应为日期，现为“2024-02-30”。", id="no-such-day"),
        pytest.param({"on": "2024-10-13"}, "完成日期", "不能晚于今天 2024-10-12，现为 2024-10-13。", id="future"),
        pytest.param({"on": "2023-12-31"}, "完成日期", "应在 2024 年内，现为 2023-12-31。", id="year-before"),
        pytest.param({"area": 27.7}, "面积（亩）", "应不大于图斑面积 2.77，现为 27.7。多半是小数点错位。", id="slip"),
        pytest.param({"area": 3}, "面积（亩）", "应不大于图斑面积 2.77，现为 3。", id="over"),
        pytest.param({"area": -1}, "面积（亩）", "应不小于 0，现为“-1”。", id="negative"),
        pytest.param({"area": "约两亩"}, "面积（亩）", "应为数字，现为“约两亩”。", id="words"),
        pytest.param({"area": "1.23456"}, "面积（亩）", "小数最多 4 位，现为“1.23456”。", id="fine"),
        pytest.param({"area": None}, "面积（亩）", "没有填面积。", id="no-area"),
        pytest.param({"area": "=1+1"}, "面积（亩）", "是公式“=1+1”", id="formula"),
        pytest.param({"stage": "区县级认定"}, "环节", "没有环节“区县级认定”，可选：已核实、", id="level"),
        pytest.param({"stage": "种好了"}, "环节", "没有环节“种好了”", id="unknown-stage"),
        pytest.param({"stage": None}, "环节", "填了面积 2，没有选环节。", id="no-stage"),
        pytest.param({"crop": "仙草"}, "作物", "没有作物“仙草”，可选：水稻、", id="crop"),
        pytest.param({"note": "长" * 301}, "备注", "最多 300 字，现有 301 字", id="long"),
        pytest.param({"任务": "修路"}, "任务", "这份表里没有任务“修路”，可填：", id="task"),
        pytest.param({"图斑编号": "500151240799999"}, "图斑编号", "“500151240799999”不在这份表里。", id="code"),
        pytest.param({"图斑编号": 5001512407224401234}, "图斑编号", "编号超过 15 位", id="long-code"),
    ],
)
def test_a_wrong_cell_is_named(world, cells, heading, message):
    paper = Paper.issue(world.xinsi, world.head)
    row = paper.find("500151240722440")
    result = hand_in(paper.fill(row, **(GOOD | cells)), world.head, world.xinsi)
    assert result.state == "refused"
    assert list(said(result)) == [paper.address(row, heading)]
    assert said(result)[paper.address(row, heading)].startswith(f"第 {row} 行 [{heading}] {message}")
    assert not Step.objects.exists()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-9-30", date(2024, 9, 30)),
        ("2024/9/30", date(2024, 9, 30)),
        ("2024.09.30", date(2024, 9, 30)),
        ("２０２４年９月３０日", date(2024, 9, 30)),
        ("9月30日", date(2024, 9, 30)),
        ("20240930", date(2024, 9, 30)),
        (45565, date(2024, 9, 30)),
        (date(2024, 9, 30), date(2024, 9, 30)),
    ],
)
def test_days_are_read_as_people_write_them(world, written, read):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"on": written}))
    assert hand_in(paper, world.head, world.xinsi).state == "applied"
    assert Step.objects.get().on == read


def test_all_errors_come_at_once_in_the_order_of_the_sheet_and_nothing_is_written(world):
    paper = Paper.issue(world.xinsi, world.head)
    paper.fill(2, stage="已种植", area="x", on="9月底").fill(3, stage="已种植", area=1)
    result = hand_in(paper, world.head, world.xinsi)
    assert list(said(result)) == ["进度!F2", "进度!G2"]
    assert not Step.objects.exists()
    submission = Submission.objects.get()
    assert (submission.state, submission.marked, submission.receipt) == ("refused", result.marked, "")
    assert [one["attr"] for one in submission.errors] == ["进度!F2", "进度!G2"]


def test_the_marked_copy_carries_the_reasons_and_can_be_corrected_and_sent_again(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"on": "9月底"}))
    result = hand_in(paper, world.head, world.xinsi)
    with result.marked.open() as file:
        marked = Paper(file.read())
    assert "9月底" in marked.page["G2"].comment.text
    assert result.marked.name == "双永村_2024年_进度_第1版_标错.xlsx"
    again = hand_in(marked.fill(2, on="2024-09-30"), world.head, world.xinsi)
    assert (said(again), again.state) == ({}, "applied")


def test_preview_of_a_wrong_form_keeps_no_submission(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"on": "9月底"}))
    result = show(paper, world.head, world.xinsi)
    assert (result.state, result.marked is not None) == ("refused", True)
    assert not Submission.objects.exists()
    assert Upload.objects.count() == 2


def test_the_same_parcel_and_stage_twice_is_refused(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    extra = max(paper.rows()) + 1
    paper.fill(extra, 图斑编号=paper[2, "图斑编号"], 任务="自然撂荒", **GOOD)
    result = hand_in(paper, world.head, world.xinsi)
    assert said(result) == {
        paper.address(extra, "环节"): f"第 {extra} 行 [环节] 与第 2 行重复（同一图斑的“已种植”填了两次），请只留一行。"
    }


def test_a_row_of_another_village_is_refused_without_telling_anything_about_it(world):
    make_parcel(world, ["500151240755555"], "十组", "4.4", division=world.shuangyong)
    paper = Paper.issue(world.xinsi, world.head)
    extra = max(paper.rows()) + 1
    paper.fill(2, **GOOD).fill(extra, 图斑编号="500151240755555", 任务="自然撂荒", **GOOD)
    result = hand_in(paper, world.head, world.xinsi)
    assert list(said(result)) == [paper.address(extra, "图斑编号")]
    text = said(result)[paper.address(extra, "图斑编号")]
    assert "双永" not in text
    assert "4.4" not in text
    assert not Step.objects.exists()


def test_less_than_before_needs_a_reason(world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.head, world.xinsi)
    paper = Paper.issue(world.xinsi, world.head).fill(2, area=1.5)
    text = "第 2 行 [备注] “已种植”的面积由 2 减为 1.5，请在备注写明原因。"
    assert said(hand_in(paper, world.head, world.xinsi)) == {"进度!I2": text}
    paper = Paper.issue(world.xinsi, world.head).fill(2, stage="已翻耕")
    text = "第 2 行 [备注] 环节由“已种植”退回“已翻耕”，请在备注写明原因。"
    assert said(hand_in(paper, world.head, world.xinsi)) == {"进度!I2": text}


def test_a_cleared_area_is_not_taken_for_zero(world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.head, world.xinsi)
    paper = Paper.issue(world.xinsi, world.head).fill(2, area=None, stage=None, on=None)
    text = "第 2 行 [面积（亩）] 原有 2，现为空。没有变化请保留原数；要撤销请填 0，并在备注写明原因。"
    assert said(hand_in(paper, world.head, world.xinsi)) == {"进度!F2": text}


def test_zero_with_a_reason_takes_the_area_away(world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, **GOOD), world.head, world.xinsi)
    paper = Paper.issue(world.xinsi, world.head).fill(2, area=0, note="填错图斑")
    assert hand_in(paper, world.head, world.xinsi).state == "applied"
    assert sum(step.area_mu for step in Step.objects.all()) == 0


def test_merged_cells_are_named(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    paper.page.merge_cells("G2:G3")
    result = hand_in(paper, world.head, world.xinsi)
    assert said(result) == {"进度!G2": "第 2 行 [完成日期] 与其他单元格合并（G2:G3），请取消合并，每格单独填写。"}


def test_a_parcel_that_left_the_year_meanwhile_is_named_when_its_row_was_changed(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    work = Work.objects.get(parcel__codes=[paper[2, "图斑编号"]]) if "、" not in paper[2, "图斑编号"] else None
    work = work or Work.objects.get(parcel=world.parcels[1])
    Work.objects.filter(pk=work.pk).update(exit="blocked", exit_reason="坡度较大")
    result = hand_in(paper, world.head, world.xinsi)
    assert list(said(result)) == ["进度!A2"]
    assert "已退出本年度治理" in said(result)["进度!A2"]
    untouched = Paper.issue(world.xinsi, world.head)
    assert hand_in(untouched, world.head, world.xinsi).state == "duplicate"


def test_a_grant_limited_to_other_kinds_may_not_change_a_row(world):
    grant = world.official.grants.get()
    grant.kinds = ["restructure"]
    grant.save()
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    official = type(world.official).objects.get(pk=world.official.pk)
    result = hand_in(paper, official, world.xinsi)
    assert said(result) == {"进度!D2": "第 2 行 [任务] 您没有填报“自然撂荒”的权限，请把这一行改回原样。"}


def test_areas_without_a_stage_row_of_the_plan_are_refused(world):
    paper = Paper.issue(world.shuangyong, world.neighbour)
    result = hand_in(paper.fill(2, 环节="已下种", area=1), world.neighbour, world.shuangyong)
    assert list(said(result)) == ["进度!B2"]
    paper = Paper.issue(world.shuangyong, world.neighbour)
    result = hand_in(paper.fill(2, 任务="种植结构调整", area=1), world.neighbour, world.shuangyong)
    assert list(said(result)) == ["进度!A2"]
