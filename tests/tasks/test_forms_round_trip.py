"""The progress form out and back: what is written, what is not, twice, saved again by another program."""

import io
import shutil
import subprocess
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from farmland.accounts.models import Event
from farmland.jobs.models import Job, Upload
from parcels.models import Step, Work
from tasks.forms.receipts import is_receipt
from tasks.models import Form, Submission
from tests.tasks.form_world import Paper, hand_in, make_parcel, make_world, own, said, show, steps_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def world(db):
    return make_world()


def test_a_village_with_parcels_gets_its_parcels_locked_and_the_stages_to_choose(world):
    paper = Paper.issue(world.xinsi, world.head)
    assert list(paper.columns) == [
        "图斑编号", "组", "图斑面积", "任务", "环节", "面积（亩）", "完成日期", "作物", "备注",
    ]  # fmt: skip
    row = paper.find("500151240722431")
    assert paper[row, "图斑编号"] == "500151240722431、500151240722432"
    assert (paper[row, "组"], paper[row, "图斑面积"], paper[row, "任务"]) == ("六组", 6.35, "自然撂荒")
    assert paper.page.protection.sheet
    assert paper.page[f"A{row}"].protection.locked
    assert not paper.page[f"F{row}"].protection.locked
    assert paper.book["_form"].sheet_state == "hidden"
    assert "说明" in paper.book.sheetnames
    lists = [rule.formula1 for rule in paper.page.data_validations.dataValidation if rule.type == "list"]
    assert len(lists) == 2


def test_tasks_without_parcels_are_in_the_form_of_a_village_with_parcels(world):
    paper = Paper.issue(world.xinsi, world.head)
    tasks = {paper[number, "任务"] for number in paper.rows()}
    assert tasks == {"自然撂荒", "种植结构调整"}


def test_a_village_without_parcels_gets_one_row_for_each_task_and_stage(world):
    paper = Paper.issue(world.shuangyong, world.neighbour)
    assert list(paper.columns) == ["任务", "环节", "面积（亩）", "完成日期", "备注"]
    found = [(paper[number, "任务"], paper[number, "环节"]) for number in paper.rows()]
    stages = ("已核实", "已清理", "已翻耕", "已种植", "已举证")
    assert found == [("自然撂荒", stage) for stage in stages]


def test_a_division_to_which_nothing_is_split_gets_every_leaf_task_in_mu(world):
    paper = Paper.issue(world.town, world.official)
    assert {paper[number, "任务"] for number in paper.rows()} == {"自然撂荒", "种植结构调整"}


def test_the_same_version_is_given_out_while_nothing_changes(world):
    Paper.issue(world.xinsi, world.head)
    paper = Paper.issue(world.xinsi, world.head)
    assert Form.objects.get().number == 1
    hand_in(paper.fill(2, stage="已翻耕", area=1, on="2024-10-01"), world.head, world.xinsi)
    Paper.issue(world.xinsi, world.head)
    assert [form.number for form in Form.objects.order_by("number")] == [1, 2]


def test_a_filled_form_becomes_signed_steps_a_receipt_an_event_and_a_recompute(world):
    paper = Paper.issue(world.xinsi, world.head)
    row = paper.find("500151240722431")
    paper.fill(row, stage="已种植", area=6.35, on=date(2024, 10, 6), crop="大豆", note="补拍近照")
    result = hand_in(paper, world.head, world.xinsi, key="k1")
    assert (result.state, said(result)) == ("applied", {})
    step = Step.objects.get()
    assert (step.work.parcel, step.rung.code, step.area_mu) == (world.parcels[1], "planted", Decimal("6.35"))
    assert (step.on, step.crop, step.note, step.verdict) == (date(2024, 10, 6), "豆类", "补拍近照", "reached")
    assert (step.by, step.submission, step.upload) == (world.head, result.submission.pk, result.look.upload)
    submission = Submission.objects.get()
    assert (submission.state, submission.changed_rows, submission.key) == ("applied", 1, "k1")
    assert submission.receipt.startswith("XH-2024-XS-0001-")
    assert is_receipt(submission.receipt)
    assert Job.objects.get(pk=submission.job).kind == "recompute"
    assert Event.objects.get().action == "填报写入"


def test_areas_by_stage_land_on_a_work_without_parcel_made_on_demand(world):
    paper = Paper.issue(world.shuangyong, world.neighbour)
    paper.fill(4, area="１２．５", on="2024年9月30日").fill(5, area=8)
    result = hand_in(paper, world.neighbour, world.shuangyong)
    assert (result.state, result.submission.changed_rows) == ("applied", 2)
    work = Work.objects.get(division=world.shuangyong)
    assert (work.parcel, work.kind_id, work.tranche) == (None, "abandonment", "")
    assert own(work, world.rungs["ploughed"]) == Decimal("12.5")
    assert own(work, world.rungs["planted"]) == 8
    assert Step.objects.get(rung__code="planted").on == date(2024, 10, 12)  # no day given: the working date


def test_the_next_form_shows_what_was_reported(world):
    hand_in(
        Paper.issue(world.xinsi, world.head).fill(2, stage="已种植", area=2.5, on="2024-10-06", crop="玉米", note="x"),
        world.head, world.xinsi,
    )  # fmt: skip
    paper = Paper.issue(world.xinsi, world.head)
    shown = [paper[2, heading] for heading in ("环节", "面积（亩）", "作物", "备注")]
    assert shown == ["已种植", 2.5, "玉米", None]
    assert paper[2, "完成日期"].date() == date(2024, 10, 6)
    assert hand_in(paper, world.head, world.xinsi).state == "duplicate"


def test_a_parcel_partly_further_gets_a_row_for_each_stage(world):
    paper = Paper.issue(world.xinsi, world.head)
    row = paper.find("500151240722431")
    paper.fill(row, stage="已翻耕", area=6.35)
    extra = max(paper.rows()) + 1
    paper.fill(extra, 图斑编号="500151240722431 500151240722432", 任务="自然撂荒", stage="已种植", area=4)
    result = hand_in(paper, world.head, world.xinsi)
    assert (said(result), result.state, result.submission.changed_rows) == ({}, "applied", 2)
    again = Paper.issue(world.xinsi, world.head)
    stages = [again[number, "环节"] for number in again.rows() if "431" in again[number, "图斑编号"]]
    assert stages == ["已翻耕", "已种植"]


def test_the_same_form_again_writes_nothing_and_gives_the_same_receipt(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, stage="已翻耕", area=2)
    first = hand_in(paper, world.head, world.xinsi)
    again = hand_in(paper, world.head, world.xinsi)
    assert (again.is_repeat, again.submission) == (True, first.submission)
    assert Step.objects.count() == 1
    assert Upload.objects.count() == 2  # raw files are kept always


def test_a_form_nobody_filled_in_says_so_and_writes_nothing(world):
    result = hand_in(Paper.issue(world.xinsi, world.head), world.head, world.xinsi)
    assert (result.state, result.notes) == ("duplicate", ["表里没有变化，没有写入。"])
    assert not Step.objects.exists()
    assert not Job.objects.exists()


def test_preview_lists_the_changes_and_writes_nothing(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, stage="已翻耕", area=2, on="2024-10-01")
    result = show(paper, world.head, world.xinsi)
    assert result.state == "preview"
    assert [(one.heading, one.before, one.after) for one in result.outcome.differences] == [
        ("环节", "", "已翻耕"), ("面积（亩）", "", "2"), ("完成日期", "", "2024-10-01"),
    ]  # fmt: skip
    assert not Step.objects.exists()
    assert not Submission.objects.exists()
    assert Upload.objects.count() == 1


def test_rows_may_be_sorted_and_columns_moved(world):
    paper = Paper.issue(world.xinsi, world.head)
    page = paper.page
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=2, max_row=max(paper.rows()))]
    mine = next(row for row in rows if row[0] == "500151240722440")
    mine[4:7] = ["已种植", 2.77, "2024.10.8"]
    for number, values in enumerate([list(paper.columns), *reversed(rows)], 1):
        for column, value in enumerate(reversed(values), 1):
            page.cell(number, column).value = value
    result = hand_in(paper, world.head, world.xinsi)
    assert (said(result), result.state) == ({}, "applied")
    step = Step.objects.get()
    assert (step.area_mu, step.work.parcel) == (Decimal("2.77"), world.parcels[0])


def test_less_area_with_a_reason_is_a_negative_step_that_carries_it(world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, stage="已种植", area=2.7), world.head, world.xinsi)
    paper = Paper.issue(world.xinsi, world.head).fill(2, area=2.4, note="0.3 亩为坟地")
    assert hand_in(paper, world.head, world.xinsi).state == "applied"
    last = steps_of(world).last()
    assert (last.area_mu, last.reason) == (Decimal("-0.3"), "0.3 亩为坟地")
    assert own(last.work, last.rung) == Decimal("2.4")


def test_a_stage_taken_back_empties_the_stages_above_it(world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, stage="已翻耕", area=2.7), world.head, world.xinsi)
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, stage="已种植"), world.head, world.xinsi)
    paper = Paper.issue(world.xinsi, world.head).fill(2, stage="已翻耕", note="没有出苗")
    assert hand_in(paper, world.head, world.xinsi).state == "applied"
    work = steps_of(world).first().work
    assert own(work, world.rungs["planted"]) == 0
    assert own(work, world.rungs["ploughed"]) == Decimal("2.7")


def test_a_corrected_day_moves_the_area_to_that_day(world):
    hand_in(
        Paper.issue(world.xinsi, world.head).fill(2, stage="已种植", area=2, on="2024-01-06"), world.head, world.xinsi
    )
    paper = Paper.issue(world.xinsi, world.head).fill(2, on="2024-10-06")
    assert hand_in(paper, world.head, world.xinsi).state == "applied"
    steps = steps_of(world)
    assert sum(step.area_mu for step in steps.filter(on__lt=date(2024, 10, 1))) == 0
    assert sum(step.area_mu for step in steps) == 2
    assert hand_in(Paper.issue(world.xinsi, world.head), world.head, world.xinsi).state == "duplicate"


def test_locked_cells_that_were_changed_are_left_aside_and_said_so(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, stage="已翻耕", area=1, 组="九组", 图斑面积=99)
    result = hand_in(paper, world.head, world.xinsi)
    assert result.state == "applied"
    assert [note[:9] for note in result.notes] == ["第 2 行 [组]", "第 2 行 [图斑"]


def test_deleted_rows_mean_no_change(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, stage="已翻耕", area=1)
    paper.page.delete_rows(3)
    result = hand_in(paper, world.head, world.xinsi)
    assert (result.state, result.notes) == ("applied", ["表里少了 1 行，按没有变化处理。"])


def test_a_form_never_counts_as_an_acceptance(world):
    hand_in(Paper.issue(world.xinsi, world.head).fill(2, stage="已种植", area=2), world.head, world.xinsi)
    assert not Step.objects.acceptances().exists()


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
@pytest.mark.parametrize("village", ["xinsi", "shuangyong"])
def test_a_form_saved_again_by_libreoffice_is_the_same_form(world, village, tmp_path):
    division = getattr(world, village)
    head = world.head if village == "xinsi" else world.neighbour
    paper = Paper.issue(division, head)
    paper.fill(2, area=1.25, on=date(2024, 10, 6))
    if village == "xinsi":
        paper.fill(2, stage="已种植", crop="油菜")
    before, folder = tmp_path / "进度.xlsx", tmp_path / "out"
    before.write_bytes(paper.save())
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx",
         "--outdir", str(folder), str(before)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    again = (folder / "进度.xlsx").read_bytes()
    assert openpyxl.load_workbook(io.BytesIO(again))["_form"].sheet_state != "visible"
    first = hand_in(again, head, division)
    assert (said(first), first.look.refusal, first.state) == ({}, None, "applied")
    assert Step.objects.get().area_mu == Decimal("1.25")
    assert hand_in(paper, head, division).submission == first.submission


def test_a_crop_the_form_itself_showed_is_taken_though_no_list_has_it(world):
    Step.objects.create(
        town=world.town, work=Work.objects.get(parcel=world.parcels[0]), rung=world.rungs["planted"], area_mu=1,
        verdict="reached", on=date(2024, 9, 1), crop="豌豆",
    )  # fmt: skip
    paper = Paper.issue(world.xinsi, world.head)
    row = paper.find("500151240722440")
    assert paper[row, "作物"] == "豌豆"
    assert hand_in(paper.fill(row, area=2), world.head, world.xinsi).state == "applied"
    assert steps_of(world).last().crop == "豌豆"


def test_parcels_stand_in_the_order_of_their_groups_by_number(world):
    for group in ("十一组", "2组"):
        make_parcel(world, [f"500151240{group}"], group, "1")
    paper = Paper.issue(world.xinsi, world.head)
    assert [paper[row, "组"] for row in paper.rows()][:4] == ["2组", "六组", "七组", "十一组"]
