"""The filled-in sheet comes back: previewed, every wrong cell named, and the draft filled all of it or not at all."""

from decimal import Decimal as D
from html import unescape
from io import BytesIO

import pytest
from django.conf import settings as project
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from farmland.accounts.models import Event
from farmland.jobs.models import Upload
from parcels.models import InspectionItem, Step, Work
from tasks.inspections.results import Result, in_order
from tasks.inspections.services import cancel
from tests.tasks.batch_world import World
from tests.tasks.land import YEAR
from tests.tasks.page_world import sign_in

pytestmark = pytest.mark.django_db
XIHE = (project.BASE_DIR / "plans" / "xihe-2024.yaml").read_text(encoding="utf-8")


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    world = World()
    world.one = world.batch(world.east[:4])
    return world


def at(name, batch) -> str:
    return reverse(name, kwargs={"town": "qingxi", "year": YEAR, "pk": batch.pk})


class Paper:
    """The sheet of a batch as an official downloads it and types into it: ``paper[2, "结论"] = "通过"``."""

    def __init__(self, client, batch):
        answer = client.get(at("inspection_xlsx", batch))
        self.book = load_workbook(BytesIO(b"".join(answer.streaming_content) if answer.streaming else answer.content))
        self.sheet = self.book["验收表"]
        self.head = next(row[0].row for row in self.sheet.iter_rows() if row[0].value == "序号")
        self.columns = {cell.value: cell.column for cell in self.sheet[self.head] if cell.value}

    def cell(self, number, name):
        return self.sheet.cell(self.head + number, self.columns[name])

    def __setitem__(self, key, value):
        self.cell(*key).value = value

    def __getitem__(self, key):
        return self.cell(*key).value

    def file(self, name="验收表.xlsx") -> SimpleUploadedFile:
        data = BytesIO()
        self.book.save(data)
        return SimpleUploadedFile(name, data.getvalue())


@pytest.fixture
def paper(world, client):
    sign_in(client, world.officer)
    return Paper(client, world.one)


def send(client, batch, file):
    return client.post(at("inspection_sheet", batch), {"file": file}, follow=True)


def text(answer) -> str:
    return unescape(answer.content.decode())


def confirm(client, batch, preview, **changes):
    sent = {"file": str(preview.context["upload"].pk), "seen": preview.context["seen"]} | changes
    return client.post(at("inspection_sheet_confirm", batch), sent)


def verdicts(batch) -> list:
    return [(one.verdict, one.accepted_mu, one.reason) for one in in_order(batch)]


def fill_in(paper):
    paper[1, "结论"] = "通过"
    paper[2, "结论"], paper[2, "认定面积（亩）"], paper[2, "原因"] = "部分通过", 1.5, "其余未种"
    paper[3, "结论"], paper[3, "原因"] = "退回", "翻耕未种植：待出苗后补拍"


def test_what_was_filled_in_is_shown_and_only_then_fills_the_draft(world, client, paper):
    fill_in(paper)
    preview = send(client, world.one, paper.file())
    shown = text(preview)
    assert "将填写 3 行" in shown
    assert "没有填 1 行" in shown
    assert "部分通过，1.5 亩，其余未种" in shown
    assert {one.verdict for one in in_order(world.one)} == {""}
    kept = Upload.objects.get(purpose="inspection_sheet")
    assert (kept.name, kept.user, kept.division) == ("验收表.xlsx", world.officer, world.one.division)

    steps = Step.objects.count()
    answer = confirm(client, world.one, preview)
    assert answer.status_code == 302
    assert verdicts(world.one) == [
        ("passed", D(1), ""), ("partial", D("1.5"), "其余未种"),
        ("returned", D(0), "翻耕未种植：待出苗后补拍"), ("", None, ""),
    ]  # fmt: skip
    world.one.refresh_from_db()
    assert (world.one.state, Step.objects.count()) == ("draft", steps)  # nothing is accepted by a sheet
    assert Event.objects.filter(action="填写验收结论").count() == 1


def test_the_sheet_of_a_filled_draft_says_the_same(world, client, paper):
    fill_in(paper)
    confirm(client, world.one, send(client, world.one, paper.file()))
    again = send(client, world.one, Paper(client, world.one).file())
    assert "将填写 0 行" in text(again)
    assert "与现在相同 3 行" in text(again)


@pytest.mark.parametrize(
    ("where", "value", "cell", "word"),
    [
        ((1, "结论"), "合格", "1 结论", "结论应为通过、部分通过、退回，现为“合格”"),
        ((1, "认定面积（亩）"), "约1亩", "1 认定面积（亩）", "应为数字，现为“约1亩”"),
        ((1, "认定面积（亩）"), 0.5, "1 认定面积（亩）", "通过的面积应等于送验的 1"),
        ((1, "认定面积（亩）"), "=1+1", "1 认定面积（亩）", "是公式"),
        ((3, "原因"), None, "3 原因", "退回须从列表选原因"),
        ((3, "原因"), "随便写的", "3 原因", "退回须从列表选原因"),
        ((2, "图斑编号"), "别的", "2 图斑编号", "请重新下载签字表填写"),
        ((2, "序号"), 1, "2 序号", "请不要复制行"),
        ((2, "序号"), 99, "2 序号", "请不要增加行"),
        ((4, "认定面积（亩）"), 4, "4 认定面积（亩）", ""),
    ],
)
def test_an_error_names_its_cell_and_nothing_is_written(world, client, paper, where, value, cell, word):
    fill_in(paper)
    paper[where] = value
    number, _, name = cell.partition(" ")
    preview = send(client, world.one, paper.file())
    place = paper.cell(int(number), name).coordinate
    errors = {one.cell: one.message for one in preview.context["found"].errors}
    if not word:  # an area without a verdict is told at the verdict
        place, word = paper.cell(4, "结论").coordinate, "还没有选结论"
    assert word in errors[place], errors
    assert int(number) not in preview.context["found"].changes  # not told as a row that would be filled
    assert "/sheet/confirm/" not in text(preview)
    assert confirm(client, world.one, preview).status_code == 409
    assert {one.verdict for one in in_order(world.one)} == {""}


def test_a_merged_answer_is_not_taken_for_one(world, client, paper):
    fill_in(paper)
    first, last = paper.cell(1, "结论").coordinate, paper.cell(2, "结论").coordinate
    paper.sheet.merge_cells(f"{first}:{last}")
    preview = send(client, world.one, paper.file())
    assert any("合并" in one.message for one in preview.context["found"].errors)


def test_the_sheet_of_another_batch_is_refused(world, client, paper):
    other = world.batch(world.east[4:6])
    fill_in(paper)
    answer = send(client, other, paper.file())
    assert (answer.status_code, "不是第 2 批的签字表" in text(answer)) == (400, True)


@pytest.mark.parametrize(
    ("data", "word"), [(b"%PDF-1.4", "PDF"), (b"", "0 字节"), (b"PK\x03\x04broken", "填好的签字表")]
)
def test_what_is_no_workbook_is_refused(world, client, paper, data, word):
    answer = send(client, world.one, SimpleUploadedFile("a.xlsx", data))
    assert answer.status_code == 400
    assert word in text(answer)


def test_an_empty_sheet_says_so(world, client, paper):
    answer = send(client, world.one, paper.file())
    assert (answer.status_code, "没有填结论" in text(answer)) == (400, True)


def test_what_others_filled_meanwhile_is_shown_before_it_is_overwritten(world, client, paper):
    fill_in(paper)
    preview = send(client, world.one, paper.file())
    world.fill(world.one, by=world.other, r1=Result("returned", reason="翻耕未种植"))
    answer = confirm(client, world.one, preview)
    assert (answer.status_code, "预览之后这一批又有改动" in text(answer)) == (409, True)
    assert verdicts(world.one)[1][0] == ""
    assert confirm(client, world.one, answer).status_code == 302
    assert [one[0] for one in verdicts(world.one)] == ["passed", "partial", "returned", ""]


def test_a_batch_that_is_over_and_the_file_of_another_person(world, client, paper):
    fill_in(paper)
    preview = send(client, world.one, paper.file())
    sign_in(client, world.other)
    assert confirm(client, world.one, preview).status_code == 404
    assert confirm(client, world.one, preview, file="x").status_code == 404
    sign_in(client, world.officer)
    world.one.refresh_from_db()
    cancel(world.one, reason="重来", version=world.one.version, by=world.officer)
    assert confirm(client, world.one, preview).status_code == 404
    assert send(client, world.one, paper.file()).status_code == 404


def test_measurements_have_columns_of_their_own(world, client):
    type(world.land.plan).objects.update(source=XIHE, digest="standards")
    Work.objects.filter(pk=world.east[0].pk).update(treatment="intercrop")
    sign_in(client, world.officer)
    paper = Paper(client, world.one)
    paper[1, "结论"] = "通过"
    paper[1, "现有株数（株）"], paper[1, "合理株数（株）"] = 42, 60
    paper[2, "现有株数（株）"] = 3
    preview = send(client, world.one, paper.file())
    assert [one.message for one in preview.context["found"].errors] == ["这一项不用测现有株数，请清空。"]
    paper[2, "现有株数（株）"] = None
    assert paper.sheet.cell(paper.head + 5, paper.columns["现有株数（株）"]).value is None  # trees have no total
    preview = send(client, world.one, paper.file())
    assert "通过，1 亩，现有株数 42株，合理株数 60株，株数占合理株数的比例 70%" in text(preview)
    assert confirm(client, world.one, preview).status_code == 302
    measured = {"trees_standing": "42", "trees_reasonable": "60", "density_percent": "70"}
    assert InspectionItem.objects.get(work=world.east[0]).measured == measured
    assert "与现在相同 1 行" in text(send(client, world.one, Paper(client, world.one).file()))
