"""A ledger in its twelve columns: out and in again unchanged, changes by cell, all or nothing, once."""

import csv
import io
from decimal import Decimal

import openpyxl
import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile

from farmland.accounts.models import Event
from farmland.jobs.models import Upload
from farmland.lib.excel import FileRefused
from tasks.acceptance import Refused
from tasks.issues import Decision, decide
from tasks.ledger_columns import COLUMNS
from tasks.ledger_export import workbook
from tasks.ledger_import import PURPOSE, Target, preview, write
from tasks.models import Issue, IssueEvent, TownYear
from tasks.rulebook import rulebook
from tests.tasks.land import TODAY
from tests.tasks.page_world import person, towns, village

pytestmark = pytest.mark.django_db
KEY, TITLE = "illegal-2024", "西河镇违法占地专项整治行动任务明细表"
OLD, NEW = Target(KEY, TITLE, "illegal_use"), Target("outflow-10", "十月流出问题台账", "illegal_use")


@pytest.fixture(scope="module")
def xihe(django_db_setup, django_db_blocker, tmp_path_factory):
    kept = django_settings.MEDIA_ROOT
    django_settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    with towns(django_db_blocker, "xihe-2024") as found:
        yield found["xihe"]
    django_settings.MEDIA_ROOT = kept


@pytest.fixture
def year(xihe):
    return TownYear.objects.select_related("town").get(town=xihe, year=2024)


@pytest.fixture
def official(xihe):
    return person("official", xihe)


def ledger(year, **more) -> bytes:
    issues = Issue.objects.filter(town=year.town, ledger=KEY).select_related("division", "town").order_by("order")
    return workbook(TITLE, issues, rulebook(year.town, 2024), 2024, **more)


def upload(year, official, data: bytes, name="台账.xlsx") -> Upload:
    file = SimpleUploadedFile(name, data)
    return Upload.objects.store(file, town=year.town, user=official, purpose=PURPOSE, limit=10**7)


def sheet(*rows: str) -> bytes:
    """A CSV ledger; each row is its twelve cells, separated by |."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS.values())
    for row in rows:
        writer.writerow(row.split("|"))
    return out.getvalue().encode("gb18030")


GOOD = "1|CL5001510200001、CL5001510200002|鱼塘|双永村十四组|2.8|2.41|0|一本账|非粮化|双永村|拆除复耕|2024.12.20"
NONE = "2|/|农村道路|新四村五组|0.30|0.30|/|卫片执法|“非粮化”问题|新四村|/|/"


def changed(data: bytes, serial: int, heading: str, value) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    page = book.active
    row = next(row for row in page.iter_rows(min_row=4) if str(row[0].value) == str(serial))
    row[list(COLUMNS.values()).index(heading)].value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_ledger_goes_out_in_its_columns_with_its_totals_ready_to_print(year):
    page = openpyxl.load_workbook(io.BytesIO(ledger(year))).active
    assert (page["A1"].value, page["A2"].value) == (TITLE, "单位：亩")
    assert [cell.value for cell in page[3]] == list(COLUMNS.values())
    first, last = [[cell.value for cell in page[row]] for row in (4, page.max_row)]
    assert first[:5] == ["1", "26934", "农村道路", "新四村", 0.04]
    assert first[-2:] == ["编制进出平横方案", "/"]
    assert (last[0], last[4], last[5], last[6]) == ("合计", 70.75, 61.92, 48.71)
    assert (page.page_setup.orientation, int(page.page_setup.paperSize), page.print_title_rows) == (
        "landscape",
        9,
        "$3:$3",
    )
    assert int(openpyxl.load_workbook(io.BytesIO(ledger(year, a3=True))).active.page_setup.paperSize) == 8


def test_what_went_out_comes_in_again_as_nothing(year, official):
    found = preview(year, upload(year, official, ledger(year)), OLD, official)
    assert (found.errors, found.new, found.changed, len(found.same)) == ([], [], [], 23)
    assert found.totals() == {
        "count": 23, "codes": 26, "area": Decimal("70.75"), "cultivated": Decimal("61.92"), "pbf": Decimal("48.71"),
    }  # fmt: skip


def test_a_decided_row_goes_out_with_its_decision_and_comes_in_unchanged(year, official):
    issue = Issue.objects.get(town=year.town, serial="1")
    decide(issue, Decision("restore", TODAY, reason="村里同意", due_on=TODAY.replace(month=12)), by=official)
    data = ledger(year)
    row = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(data)).active[4]]
    assert row[-2:] == ["复耕", "2024.12.12"]
    assert preview(year, upload(year, official, data), OLD, official).is_nothing
    other = changed(data, 1, "整改方式", "拆除复耕")
    (error,) = preview(year, upload(year, official, other), OLD, official).errors
    assert (error.cell, "改变方式" in error.message) == ("K4", True)


def test_a_changed_cell_is_shown_and_written_with_its_event(year, official):
    before = Event.objects.count()
    file = upload(year, official, changed(ledger(year), 4, "耕地", "10.6"))
    found = preview(year, file, OLD, official)
    ((one,), same) = (found.changed, found.same)
    assert (one.changes, len(same)) == ([("耕地", "10.54", "10.6")], 22)
    write(year, file, OLD, by=official, seen=found.fingerprint())
    issue = Issue.objects.get(town=year.town, serial="4")
    assert (issue.cultivated_mu, issue.version) == (Decimal("10.6"), 2)
    event = issue.events.get()
    assert (event.action, event.facts, event.upload) == ("changed", {"耕地": ["10.54 亩", "10.6 亩"]}, file)
    assert Event.objects.count() == before + 1
    assert write(year, file, OLD, by=official, seen="").is_nothing
    assert IssueEvent.objects.filter(issue=issue).count() == 1


def test_a_new_ledger_is_read_with_slashes_two_codes_and_chinese_numerals(year, official):
    file = upload(year, official, sheet(GOOD, NONE, "合计|||| 3.1|2.71|0|||||"), "台账.csv")
    found = preview(year, file, NEW, official)
    assert (found.errors, len(found.new)) == ([], 2)
    write(year, file, NEW, by=official, seen=found.fingerprint())
    pond, road = Issue.objects.filter(ledger="outflow-10").order_by("serial")
    assert pond.codes == ["CL5001510200001", "CL5001510200002"]
    assert (pond.division.name, pond.group, pond.source, pond.problem_kind) == (
        "双永村",
        "十四组",
        "master_ledger",
        "non_grain",
    )
    assert (pond.measure, pond.due_on.isoformat(), pond.suggested_measure) == (
        "demolish_restore",
        "2024-12-20",
        "demolish_restore",
    )
    assert (road.codes, road.pbf_mu, road.due_on, road.due_stated, road.measure) == ([], None, None, "/", "")
    assert road.suggested_measure == "deliberate_then_balance"
    assert pond.events.get().action == "opened"
    assert write(year, file, NEW, by=official, seen="").is_nothing
    assert Issue.objects.filter(ledger="outflow-10").count() == 2


@pytest.mark.parametrize(
    ("row", "cell", "said"),
    [
        (GOOD.replace("|2.8|", "|二点八|"), "E2", "应为数字"),
        (GOOD.replace("|2.8|", "|-1|"), "E2", "不小于 0"),
        (GOOD.replace("双永村", "无名村"), "J2", "本镇没有“无名村”"),
        (GOOD.replace("2024.12.20", "年底前后"), "L2", "不是日期"),
        (GOOD.replace("1|", "|", 1), "A2", "请写序号"),
        (GOOD.replace("鱼塘", "鱼" * 201), "C2", "最多 200 字"),
    ],
)
def test_every_wrong_cell_is_named_and_nothing_is_written(year, official, row, cell, said):
    file = upload(year, official, sheet(row, NONE), "台账.csv")
    (error,) = preview(year, file, NEW, official).errors
    assert (error.address, said in error.message) == (f"CSV!{cell}", True)
    with pytest.raises(Refused, match="1 处错误"):
        write(year, file, NEW, by=official, seen="")
    assert not Issue.objects.filter(ledger="outflow-10").exists()


def test_a_serial_may_stand_once_and_a_foreign_village_is_refused(year, official):
    both = preview(year, upload(year, official, sheet(GOOD, NONE.replace("2|", "1|", 1)), "a.csv"), NEW, official)
    assert "与第 2 行重复" in both.errors[0].message
    narrow = person("official", village(year.town, "新四村"), "narrow")
    found = preview(year, upload(year, official, sheet(GOOD, NONE), "a.csv"), NEW, narrow)
    assert [error.address for error in found.errors] == ["CSV!J2"]
    assert "不在您可以导入的范围内" in found.errors[0].message


def test_unknown_words_are_kept_and_a_wrong_total_is_remarked(year, official):
    row = GOOD.replace("一本账", "群众来信")
    found = preview(year, upload(year, official, sheet(row, "合计||||9|2.41|0|||||"), "a.csv"), NEW, official)
    assert found.errors == []
    assert any("群众来信" in note for note in found.notes)
    assert any("合计行的图斑面积是 9，各行相加是 2.8" in note for note in found.notes)


def test_a_closed_row_is_not_rewritten_and_a_closed_year_takes_nothing(year, official):
    Issue.objects.filter(town=year.town, serial="4").update(state="closed", closed_on=TODAY)
    file = upload(year, official, changed(ledger(year), 4, "耕地", "10.6"))
    assert "已销号" in preview(year, file, OLD, official).errors[0].message
    TownYear.objects.update(closed_on=TODAY)
    with pytest.raises(Refused, match="已关账"):
        write(year, file, OLD, by=official, seen="")


def test_what_changed_since_the_preview_is_not_written(year, official):
    file = upload(year, official, changed(ledger(year), 4, "耕地", "10.6"))
    seen = preview(year, file, OLD, official).fingerprint()
    Issue.objects.filter(town=year.town, serial="4").update(cultivated_mu=Decimal("10.3"))
    with pytest.raises(Refused, match="台账有变化"):
        write(year, file, OLD, by=official, seen=seen)


def test_a_file_that_is_no_ledger_is_refused_with_what_was_found(year, official):
    with pytest.raises(FileRefused, match="没有找到列"):
        preview(year, upload(year, official, "村,面积\n甲,1\n".encode(), "a.csv"), NEW, official)
