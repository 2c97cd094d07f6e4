"""The doors of contract §4, word for word."""

import io
import zipfile
from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from farmland.jobs.models import Upload
from parcels.models import Step
from tasks.forms.api import too_large
from tasks.models import Form, Submission, TownYear
from tests.tasks.form_world import Paper, make_world, person

pytestmark = pytest.mark.django_db
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
GOOD = {"stage": "已种植", "area": 2, "on": "2024-10-06"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STATIC_ROOT = tmp_path
    cache.clear()


@pytest.fixture
def world(db):
    return make_world()


def door(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
    return client


def blank(user, division, year=2024, town="xihe"):
    return door(user).get("/api/v1/forms/blank/", {"town": town, "year": year, "division": division.code})


def post(user, data, query="", key=None, name="进度.xlsx"):
    data = data.save() if isinstance(data, Paper) else data
    headers = {"Idempotency-Key": key} if key else {}
    return door(user).post(f"/api/v1/forms/{query}", {"file": SimpleUploadedFile(name, data)}, headers=headers)


def test_the_blank_form_comes_as_an_attachment_under_its_chinese_name(world):
    answer = blank(world.head, world.xinsi)
    assert answer.status_code == 200
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert f"filename*=utf-8''{quote('新四村_2024年_进度_第1版.xlsx')}" in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Paper(answer.content).columns["面积（亩）"] == "F"


def test_missing_parameters_are_400_and_foreign_or_unknown_places_404(world):
    answer = door(world.head).get("/api/v1/forms/blank/")
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == ["town", "year", "division"]
    assert blank(world.head, world.xinsi, year="xx").status_code == 400
    foreign = blank(world.head, world.shuangyong)
    assert foreign.status_code == 404
    assert foreign.json() == blank(world.head, world.erlong, town="shiyu").json()
    assert blank(world.head, world.xinsi, town="shiyu").status_code == 404
    assert blank(world.head, world.xinsi, year=1999).status_code == 404
    assert not Form.objects.exists()


def test_who_may_only_look_gets_no_form_and_hands_none_in(world):
    viewer = person("leader", world.town)
    assert blank(viewer, world.xinsi).status_code == 403
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    assert post(viewer, paper).status_code == 403
    assert not Step.objects.exists()


def test_a_form_is_taken_in_with_201_and_the_same_content_again_with_200_and_the_same_body(world):
    paper = Paper(blank(world.head, world.xinsi).content).fill(2, **GOOD)
    first = post(world.head, paper, key="a")
    assert first.status_code == 201
    assert set(first.json()) == {"id", "receipt", "state", "changed_rows", "job", "notes"}
    assert (first.json()["state"], first.json()["changed_rows"]) == ("applied", 1)
    assert first.json()["job"]
    for key in ("a", "b", None):
        again = post(world.head, paper, key=key)
        assert (again.status_code, again.json()) == (200, first.json())
    assert Step.objects.count() == 1


def test_the_same_key_with_another_body_is_422(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    assert post(world.head, paper, key="a").status_code == 201
    paper = Paper.issue(world.xinsi, world.head).fill(2, area=2.5)
    answer = post(world.head, paper, key="a")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["attr"] == "Idempotency-Key"
    assert post(world.head, b"rubbish", key="a").status_code == 422
    assert Step.objects.count() == 1
    assert post(world.head, paper, key="b").status_code == 201


def test_wrong_cells_are_400_with_their_address_and_the_marked_copy(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"area": 99}))
    answer = post(world.head, paper, key="a")
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["type"] == "validation_error"
    assert [error["attr"] for error in problem["errors"]] == ["进度!F2"]
    assert set(problem["errors"][0]) == {"code", "detail", "attr"}
    copy = door(world.head).get(problem["workbook"])
    assert copy.status_code == 200
    assert copy["X-Content-Type-Options"] == "nosniff"
    assert copy["Content-Disposition"].startswith("attachment")
    assert "错误" in Paper(copy.content).book.sheetnames
    assert door(world.neighbour).get(problem["workbook"]).status_code == 404
    raw = Upload.objects.get(purpose="form")
    assert door(world.head).get(problem["workbook"].replace(copy_id(problem), str(raw.pk))).status_code == 404
    assert post(world.head, paper.fill(2, area=2), key="a").status_code == 201  # a refusal does not use up the key


def copy_id(problem):
    return problem["workbook"].rstrip("/").rpartition("/")[2]


def test_preview_lists_the_changes_and_writes_nothing(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    answer = post(world.head, paper, "?preview=1")
    assert answer.status_code == 200
    assert answer.json()["changed_rows"] == 1
    assert answer.json()["changes"][1] == {
        "row": 2, "cell": "进度!F2", "code": paper[2, "图斑编号"], "group": paper[2, "组"], "column": "面积（亩）",
        "before": None, "after": "2", "delta_mu": None,
    }  # fmt: skip
    assert answer.json()["changes"][0]["delta_mu"] == "2"
    assert not Step.objects.exists()
    assert not Submission.objects.exists()
    assert Upload.objects.count() == 1


def stale_paper(world, theirs=1.6):
    """The head holds a form issued before the official changed the same cell."""
    first = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    post(world.head, first)
    old = Paper.issue(world.xinsi, world.head)
    newer = Paper.issue(world.xinsi, world.official)
    assert post(world.official, newer.fill(2, area=theirs, note="现场丈量")).status_code == 201
    return old.fill(2, area=2.4)


def test_a_stale_cell_is_409_with_both_values_and_writes_nothing(world):
    answer = post(world.head, stale_paper(world))
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["errors"][0]["attr"] == "进度!F2"
    assert all(value in problem["errors"][0]["detail"] for value in ("2.4", "1.6", "下载时 2"))
    conflict = problem["conflicts"][0]
    assert (conflict["base"], conflict["mine"], conflict["theirs"]) == ("2", "2.4", "1.6")
    assert sum(step.area_mu for step in Step.objects.all()) == Decimal("1.6")


@pytest.mark.parametrize(("choice", "area"), [("mine", "2.4"), ("theirs", "1.6")])
def test_a_stale_form_is_settled_by_choice(world, choice, area):
    paper = stale_paper(world)
    assert post(world.head, paper, key="k").status_code == 409
    answer = post(world.head, paper, f"?on_conflict={choice}", key="k")
    assert answer.status_code == (201 if choice == "mine" else 200)
    assert str(sum(step.area_mu for step in Step.objects.all()).normalize()) == area
    assert post(world.head, paper, "?on_conflict=both").status_code == 400


def test_the_village_s_lower_figure_needs_a_reason_also_when_chosen(world):
    paper = stale_paper(world, theirs=2.6)
    refused = post(world.head, paper, "?on_conflict=mine")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["attr"] == "进度!I2"
    assert "现为 2.6 亩，按本表减为 2.4 亩" in refused.json()["errors"][0]["detail"]
    assert post(world.head, paper.fill(2, note="重新丈量"), "?on_conflict=mine").status_code == 201


@pytest.mark.parametrize("value", ["true", "2", "", "yes"])
def test_a_misspelt_wish_for_a_preview_does_not_write(world, value):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    answer = post(world.head, paper, f"?preview={value}")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "preview")
    assert not Upload.objects.exists()
    assert not Step.objects.exists()


def test_an_area_no_village_has_is_refused(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **(GOOD | {"area": 99_999_999}))
    assert post(world.head, paper).json()["errors"][0]["attr"] == "进度!F2"


def test_nobody_s_large_file_is_not_waited_for(settings):
    settings.FORM_MAX_BYTES = 10
    big = SimpleUploadedFile("a.xlsx", b"x" * 200_000)
    assert APIClient().post("/api/v1/forms/", {"file": big}).status_code == 401


def test_a_cell_left_as_issued_never_undoes_what_another_wrote(world):
    paper = Paper.issue(world.xinsi, world.head).fill(3, **GOOD)
    assert post(world.official, Paper.issue(world.xinsi, world.official).fill(2, **GOOD)).status_code == 201
    assert post(world.head, paper).status_code == 201
    assert sorted(step.area_mu for step in Step.objects.all()) == [2, 2]


def test_a_foreign_form_is_404_with_the_body_of_a_missing_one(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    foreign = post(world.neighbour, paper)
    assert foreign.status_code == 404
    assert foreign.json() == door(world.neighbour).get("/api/v1/forms/nothing/").json()
    paper.book["_form"]["B5"].value = world.erlong.code  # the identity says another village
    assert post(world.head, paper).status_code == 404
    assert Upload.objects.filter(purpose="form").count() == 2
    assert not Step.objects.exists()


@pytest.mark.parametrize(
    ("line", "value", "word"),
    [
        ("year", "2023", "这是 2023 年的表，现在填报的是 2024 年"),
        ("version", "9", "被改动过"),
        ("form", "x", "被改动过"),
    ],
)
def test_an_altered_identity_is_refused(world, line, value, word):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    for row in paper.book["_form"].iter_rows():
        if row[0].value == line:
            row[1].value = value
    answer = post(world.head, paper)
    assert answer.status_code == 400
    assert word in answer.json()["errors"][0]["detail"]
    assert answer.json()["workbook"] is None


def test_last_years_form_is_refused_unless_that_open_year_is_named_and_never_after_closing(world):
    paper = Paper.issue(world.xinsi, world.head).fill(2, **GOOD)
    TownYear.objects.create(town=world.town, year=2025, working_date=date(2025, 1, 15))
    answer = post(world.head, paper)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"] == "这是 2024 年的表，现在填报的是 2025 年。请下载 2025 年的表格。"
    TownYear.objects.filter(year=2024).update(closed_on="2024-12-31")
    answer = post(world.head, paper, "?year=2024")
    assert "已于 2024-12-31 关账" in answer.json()["errors"][0]["detail"]
    TownYear.objects.filter(year=2024).update(closed_on=None)
    assert post(world.head, paper, "?year=2024").status_code == 201


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return out.getvalue()


def without(sheet):
    def make(world):
        paper = Paper.issue(world.xinsi, world.head)
        del paper.book[sheet]
        return paper.save()

    return make


def renamed_heading(world):
    return Paper.issue(world.xinsi, world.head).fill(1, area="产量").save()


def hidden_sheet(world):
    paper = Paper.issue(world.xinsi, world.head)
    paper.page.sheet_state = "hidden"
    paper.book.active = paper.book["说明"]
    return paper.save()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        pytest.param(lambda world: b"PK\x03\x04 cut", "已损坏", id="cut"),
        pytest.param(lambda world: bomb(), "压缩炸弹", id="bomb"),
        pytest.param(lambda world: OLE2 + "Workbook".encode("utf-16-le"), ".xls", id="xls"),
        pytest.param(lambda world: "\ufeff图斑,面积".encode(), "CSV", id="csv"),
        pytest.param(lambda world: b"<html><table></table>", "HTML", id="html"),
        pytest.param(without("_form"), "缺少隐藏工作表", id="no-identity"),
        pytest.param(without("进度"), "没有名为“进度”的工作表", id="no-sheet"),
        pytest.param(renamed_heading, "没有找到列 “面积（亩）”", id="heading"),
        pytest.param(hidden_sheet, "被隐藏了", id="hidden"),
    ],
)
def test_a_file_that_is_no_form_is_400_in_chinese_and_kept(world, make, word):
    answer = post(world.head, make(world))
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["attr"], answer.json()["workbook"]) == ("file", None)
    assert word in error["detail"]
    assert not Step.objects.exists()
    assert Upload.objects.get(purpose="form").division == world.xinsi
    assert Submission.objects.get().state == "refused"


def test_no_file_and_an_empty_file_are_400(world):
    assert door(world.head).post("/api/v1/forms/", {}).json()["errors"][0]["attr"] == "file"
    assert post(world.head, b"").status_code == 400
    assert door(world.head).post("/api/v1/forms/", {}, format="json").status_code == 415


def test_a_file_too_large_is_413_before_it_is_kept(world, settings):
    settings.FORM_MAX_BYTES = 200_000
    answer = post(world.head, b"PK\x03\x04" + b"0" * 400_000)
    assert answer.status_code == 413
    assert "上限" in answer.json()["errors"][0]["detail"]
    assert post(world.head, b"PK\x03\x04" + b"0" * 220_000).status_code == 413  # fits the envelope, not the file
    assert not Upload.objects.exists()


def test_a_body_in_chunks_is_counted(settings):
    settings.FORM_MAX_BYTES = 200_000
    for size, verdict in ((100_000, False), (400_000, True)):
        headers = {"Transfer-Encoding": "chunked"}
        request = RequestFactory().generic("POST", "/api/v1/forms/", b"0" * size, headers=headers)
        del request.META["CONTENT_LENGTH"]
        request.META["wsgi.input"] = io.BytesIO(b"0" * size)
        assert too_large(request) is verdict


def test_submissions_are_listed_in_scope_only(world):
    post(world.head, Paper.issue(world.xinsi, world.head).fill(2, **GOOD))
    rows = door(world.head).get("/api/v1/forms/").json()["results"]
    assert [(row["state"], row["division"], row["changed_rows"]) for row in rows] == [("applied", world.xinsi.code, 1)]
    assert {"id", "year", "receipt", "submitted_at", "updated_at"} <= set(rows[0])
    assert door(world.neighbour).get("/api/v1/forms/").json()["results"] == []
    assert door(world.neighbour).get(f"/api/v1/forms/{rows[0]['id']}/").status_code == 404
    assert door(world.official).get(f"/api/v1/forms/{rows[0]['id']}/").status_code == 200


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("town=xihe", 1), ("town=shiyu", 0), ("year=2024", 1), ("year=2023", 0), ("state=applied", 1),
        ("state=refused", 0), ("division=500151108", 1), ("division=500151108002", 0), ("receipt=x", 0),
    ],
)  # fmt: skip
def test_each_filter_of_the_list(world, query, count):
    post(world.head, Paper.issue(world.xinsi, world.head).fill(2, **GOOD))
    assert len(door(world.official).get(f"/api/v1/forms/?{query}").json()["results"]) == count


def test_nobody_without_a_token_reaches_the_doors(world):
    assert APIClient().post("/api/v1/forms/").status_code == 401
    assert APIClient().get("/api/v1/forms/blank/").status_code == 401
