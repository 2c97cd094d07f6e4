"""The pages of batches as people use them: choose, fill in, confirm, read the papers; and who is told what."""

import re
from datetime import date
from decimal import Decimal as D
from html import unescape
from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse as address
from docx import Document
from openpyxl import load_workbook
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from farmland.jobs.models import Upload
from farmland.jobs.services import run_pending
from farmland.places.models import Office
from parcels.models import Inspection, Step
from parcels.sampling import draw
from tasks.inspections.results import Result, fingerprint, in_order
from tasks.inspections.services import cancel
from tasks.services import recompute
from tests.tasks.batch_world import World
from tests.tasks.land import TODAY, YEAR

pytestmark = pytest.mark.django_db
WHERE = {"town": "qingxi", "year": YEAR}


@pytest.fixture
def world(settings, tmp_path):
    cache.clear()
    settings.MEDIA_ROOT = tmp_path
    world = World()
    recompute(world.land.town, YEAR)
    return world


def at(name, batch=None) -> str:
    return address(name, kwargs=WHERE | ({"pk": batch.pk} if batch else {}))


def get(client, user, name, batch=None, **query) -> str:
    client.force_login(user)
    answer = client.get(f"{at(name, batch)}?{urlencode(query)}")
    assert answer.status_code == 200, (name, answer.status_code)
    return unescape(answer.content.decode())


def post(client, user, name, batch=None, **values):
    client.force_login(user)
    return client.post(at(name, batch), values)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def row(item, **values) -> dict:
    typed = {"seen": fingerprint(item), "verdict": "", "area": "", "reason": "", "note": ""} | values
    return {f"{name}_{item.pk}": value for name, value in typed.items()}


def fresh(batch) -> Inspection:
    return Inspection.objects.get(pk=batch.pk)


# From the queue to the figure


def test_from_the_queue_to_the_new_figure(world, client):
    shown = get(client, world.officer, "inspection_queue", level="county")
    assert "西村 自然撂荒 2 17.00" in words(shown)
    made = post(client, world.officer, "inspection_create", level="county", kind="abandonment", pick="all")
    batch = Inspection.objects.get()
    assert made["Location"] == at("inspection_edit", batch)
    Office.objects.create(division=world.land.town, name="耕保专班")
    head = {"version": 1, "on": "2024-10-11", "posts": "分管领导\n中心负责人", "accounts": [world.other.pk],
            "copies_to": ["耕保专班"], "note": ""}  # fmt: skip
    assert post(client, world.officer, "inspection_edit", batch, **head).status_code == 302
    first, second = in_order(batch)
    filled = row(first, verdict="passed") | row(
        second, verdict="partial", area="4.5", reason="只恢复一部分", note="田坎"
    )
    assert post(client, world.officer, "inspection_fill", batch, **filled).status_code == 302
    shown = get(client, world.officer, "inspection_detail", batch)
    assert "2 项，送验 17.00 亩，认定 12.50 亩" in words(shown)
    assert "分管领导、中心负责人" in words(shown)
    version = fresh(batch).version
    done = post(client, world.officer, "inspection_confirm", batch, version=version, on="2024-10-11")
    assert done.status_code == 302, words(done.content.decode())
    assert 'hx-trigger="every 1s"' in client.get(done["Location"]).content.decode()
    run_pending()
    job = done["Location"].partition("job=")[2]

    assert "全镇 自然撂荒：已认定 12.50 / 283.00 亩" in words(
        get(client, world.officer, "inspection_figure", batch, job=job)
    )
    again = post(client, world.officer, "inspection_confirm", batch, version=version, on="2024-10-11")
    assert again.status_code == 302
    assert "没有重复登记" in client.get(again["Location"]).content.decode()
    assert Step.objects.filter(rung__code="county_accepted").count() == 2
    assert fresh(batch).on == date(2024, 10, 11)


def test_some_works_can_be_ticked(world, client):
    chosen = [one.pk for one in world.east[:2]]
    post(client, world.officer, "inspection_create", level="town", kind="abandonment", pick="some", work=chosen)

    assert [one.work_id for one in in_order(Inspection.objects.get())] == chosen


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "abandonment", "pick": "some"}, "没有选中任何一项"),
        ({"kind": "abandonment", "pick": "some", "work": "x"}, "有 1 项已不在待验收之列"),
        ({"kind": "", "pick": "all"}, "请先选一类任务"),
        ({"kind": "abandonment", "pick": "all", "percent": "101"}, "应不大于 100"),
        ({"kind": "abandonment", "pick": "all", "percent": "0"}, "抽样比例应大于 0"),
    ],
)
def test_a_batch_that_cannot_be_is_answered_on_the_page(world, client, values, message):
    answer = post(client, world.officer, "inspection_create", level="town", **values)

    assert answer.status_code == 400
    assert message in answer.content.decode() or "请先在上面选一类任务" in answer.content.decode()
    assert not Inspection.objects.exists()


def test_a_sample_is_drawn_with_the_batch_and_its_seed_is_shown(world, client):
    post(client, world.officer, "inspection_create", level="town", kind="abandonment", pick="all", percent="30",
         seed="演示种子", by_risk="on")  # fmt: skip
    shown = words(get(client, world.officer, "inspection_detail", Inspection.objects.get()))

    assert "30%，按风险加权，抽中 2 项，种子 演示种子" in shown
    assert shown.count("未抽中") == 4


def test_the_sample_is_adopted_by_a_button_that_says_its_rule(world, client):
    batch = world.batch(sample="30")
    for item in in_order(batch):
        if item.is_drawn:
            post(client, world.officer, "inspection_fill", batch, **row(item, verdict="passed"))
    shown = get(client, world.officer, "inspection_detail", batch)
    assert "抽 2 项，全部通过：其余按送验面积认定通过" in shown
    version = fresh(batch).version
    assert post(client, world.officer, "inspection_adopt", batch, version=version).status_code == 302

    assert not batch.items.filter(verdict="").exists()


def test_redraw_and_cancel_work_and_an_old_page_is_told(world, client):
    batch = world.batch()
    drawn = post(client, world.officer, "inspection_draw", batch, version=1, percent="50", seed="二")
    assert drawn.status_code == 302
    stale = post(client, world.officer, "inspection_cancel", batch, version=1, reason="改期")
    assert stale.status_code == 409
    assert "刚被别人改过" in stale.content.decode()
    assert post(client, world.officer, "inspection_cancel", batch, version=2, reason="改期").status_code == 302

    assert fresh(batch).state == "cancelled"
    assert post(client, world.officer, "inspection_cancel", batch, version=3, reason="改期").status_code == 409


# What is wrong, and what others changed


def test_wrong_rows_say_so_in_their_row_and_keep_what_was_typed(world, client):
    batch = world.batch(world.east[:2])
    first, second = in_order(batch)
    typed = row(first, verdict="partial", area="九") | row(second, verdict="returned", note="不行")
    answer = post(client, world.officer, "inspection_fill", batch, **typed)
    shown = unescape(answer.content.decode())

    assert answer.status_code == 400
    assert "应为数字，现为“九”" in shown
    assert 'value="九"' in shown
    assert not batch.items.exclude(verdict="").exists()
    answer = post(client, world.officer, "inspection_fill", batch, **row(second, verdict="returned", note="不行"))
    assert "退回须从列表选原因" in answer.content.decode()


def test_the_second_editor_of_a_row_sees_both_and_may_insist(world, client):
    batch = world.batch(world.east[:1])
    item = in_order(batch).get()
    mine = row(item, verdict="returned", reason="只见杂草")
    world.fill(batch, by=world.other, r1=Result("partial", 1 - item.declared_mu / 2, "只恢复一部分"))
    answer = post(client, world.officer, "inspection_fill", batch, **mine)
    shown = unescape(answer.content.decode())

    assert answer.status_code == 409
    assert "现在：部分通过 0.50 只恢复一部分" in words(shown)
    assert in_order(batch).get().verdict == "partial"
    seen = re.search(r'name="seen_[^"]+"\s+value="([^"]+)"', shown)[1]
    assert post(client, world.officer, "inspection_fill", batch, **mine | {f"seen_{item.pk}": seen}).status_code == 302
    assert in_order(batch).get().verdict == "returned"


def test_the_second_editor_of_the_head_sees_both(world, client):
    batch = world.batch(world.east[:1])
    head = {"version": 1, "on": "2024-10-11", "posts": "甲岗", "note": ""}
    assert post(client, world.other, "inspection_edit", batch, **head).status_code == 302
    answer = post(client, world.officer, "inspection_edit", batch, **head | {"posts": "乙岗"})

    assert answer.status_code == 409
    assert "验收人员（岗位） 甲岗 乙岗" in words(unescape(answer.content.decode()))
    assert 'name="version" value="2"' in answer.content.decode()


def test_every_refusal_of_a_confirmation_is_listed_by_row(world, client):
    batch = world.batch(world.east[:3])
    world.fill(batch, all="passed")
    world.land.step(world.east[1], "planted", 1, by=world.officer)
    answer = post(client, world.officer, "inspection_confirm", batch, version=fresh(batch).version, on="2024-10-12")
    shown = words(unescape(answer.content.decode()))

    assert answer.status_code == 400
    assert "1 行不能登记" in shown
    assert f"第 2 行 {world.east[1].parcel} 本项进度是您本人填报的" in shown
    assert fresh(batch).state == "draft"


def test_a_confirmation_without_a_day_is_told(world, client):
    batch = world.batch(world.east[:1])
    answer = post(client, world.officer, "inspection_confirm", batch, version=1, on="")

    assert answer.status_code == 400
    assert "请填日期" in answer.content.decode()


# Who sees and may what


def test_a_village_head_sees_the_own_batches_and_no_buttons(world, client):
    own, other = world.batch(world.east[:1]), world.batch(world.west, "county")
    shown = get(client, world.head, "inspection_list")
    assert "第 1 批" in shown
    assert "第 2 批" not in shown
    assert "保存本页" not in get(client, world.head, "inspection_detail", own)
    client.force_login(world.head)
    assert client.get(at("inspection_detail", other)).status_code == 404
    assert client.get(at("inspection_edit", own)).status_code == 404
    for name in ("fill", "draw", "adopt", "confirm", "cancel", "signed"):
        assert client.post(at(f"inspection_{name}", own), {"version": 1}).status_code == 404
    assert client.post(at("inspection_create"), {"pick": "all", "level": "town"}).status_code == 404


def test_filters_of_the_list(world, client):
    world.batch(world.east[:1])
    world.batch(world.west, "county")
    gone = world.batch(world.east[1:2])
    cancel(gone, reason="改期", version=1, by=world.officer)

    def numbers(**query):
        return re.findall(r"第 (\d) 批</a>", get(client, world.officer, "inspection_list", **query))

    assert numbers() == ["3", "2", "1"]
    assert numbers(level="county") == ["2"]
    assert numbers(state="cancelled") == ["3"]
    assert numbers(kind="abandonment", state="draft") == ["2", "1"]
    assert numbers(kind="restructure") == []


def test_rows_can_be_filtered(world, client):
    batch = world.batch(sample="30")
    drawn = next(one for one in in_order(batch) if one.is_drawn)
    post(client, world.officer, "inspection_fill", batch, **row(drawn, verdict="returned", reason="只见杂草"))

    def count(only):
        return get(client, world.officer, "inspection_detail", batch, only=only).count('id="row-')

    assert [count(only) for only in ("", "open", "drawn", "returned", "nonsense")] == [6, 5, 2, 1, 6]


# Papers


def test_the_sheets_say_what_the_page_says(world, client):
    batch = world.batch(world.west, "county", copies_to=("耕保专班",), members=({"post": "分管领导", "user": None},))
    world.fill(batch, r1=Result("passed"), r2=Result("partial", 4, "只恢复一部分"))
    client.force_login(world.officer)
    book = load_workbook(BytesIO(b"".join(client.get(at("inspection_xlsx", batch)).streaming_content)))
    lines = [[cell.value for cell in line] for line in book["验收表"].iter_rows()]
    assert lines[0][0] == "清溪镇2024年自然撂荒区县级验收表"
    assert [line[5] for line in lines[3:6]] == [8, 9, 17]
    assert [line[7] for line in lines[3:6]] == [8, 4, 12]
    assert lines[5][0] == "合计"
    text = "\n".join(str(line[0]) for line in lines)
    assert "分管领导（签字）" in text
    assert "抄送：耕保专班" in text
    assert "演示" not in text

    paper = Document(BytesIO(b"".join(client.get(at("inspection_docx", batch)).streaming_content)))
    cells = [[cell.text for cell in line.cells] for line in paper.tables[0].rows]
    assert [line[7] for line in cells[1:]] == ["8.00", "4.00", "12.00"]
    assert "共 2 项，送验 17.00 亩，认定 12.00 亩，通过 1 项，部分通过 1 项。" in [
        one.text for one in paper.paragraphs
    ]
    fonts = {run.element.rPr.rFonts.get(EAST) for one in paper.paragraphs for run in one.runs}
    assert fonts == {"仿宋_GB2312", "方正小标宋简体"}
    assert "2 项，送验 17.00 亩，认定 12.00 亩" in words(get(client, world.officer, "inspection_detail", batch))


EAST = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}eastAsia"


def test_a_demo_sheet_is_marked_and_texts_are_no_formulas(world, client):
    batch = world.batch(world.east[:1])
    Inspection.objects.update(is_demo=True)
    type(world.east[0].parcel).objects.filter(pk=world.east[0].parcel_id).update(codes=["=1+1"])
    client.force_login(world.officer)
    page = load_workbook(BytesIO(b"".join(client.get(at("inspection_xlsx", batch)).streaming_content)))["验收表"]

    assert page["A3"].value.startswith("演示数据")
    assert (page["D5"].value, page["D5"].data_type) == ("=1+1", "s")


def test_the_signed_scan_is_kept_and_given_back(world, client):
    batch = world.batch(world.west, "county")
    pdf = SimpleUploadedFile("签字.pdf", b"%PDF-1.7 signed")
    assert (
        b"\xe8\xbf\x98\xe6\xb2\xa1\xe6\x9c\x89"
        in post(client, world.officer, "inspection_signed", batch, file=pdf).content
    )
    world.fill(batch, all="passed")
    post(client, world.officer, "inspection_confirm", batch, version=fresh(batch).version, on=TODAY.isoformat())
    wrong = SimpleUploadedFile("签字.pdf", b"<html>")
    assert post(client, world.officer, "inspection_signed", batch, file=wrong).status_code == 400
    pdf.seek(0)
    assert post(client, world.officer, "inspection_signed", batch, file=pdf).status_code == 302
    answer = client.get(at("inspection_signed", batch))

    assert b"".join(answer.streaming_content) == b"%PDF-1.7 signed"
    assert answer["Content-Disposition"].startswith("attachment")
    assert Upload.objects.get().purpose == "inspection_signed"


# Speed and REST


def test_pages_ask_the_database_as_often_for_many_works(world, client):
    batch = world.batch(sample="30")
    names = [("inspection_queue", None), ("inspection_detail", batch), ("inspection_list", None)]

    def asked():
        counts = []
        client.force_login(world.officer)
        for name, one in names:
            where = at(name, one) + ("?level=county" if name.endswith("queue") else "")
            with CaptureQueriesContext(connection) as queries:
                assert client.get(where).status_code == 200
            counts.append(len(queries))
        return counts

    asked()
    few = asked()
    for _ in range(8):
        world.work("西村", 1, "evidenced", "town_accepted")
    world.batch([world.work("西村", 2, "evidenced", "town_accepted")], "county")
    many = asked()
    assert few == many
    assert max(few) <= 12


def test_rest_lists_batches_with_their_sums(world):
    batch = world.batch(world.west, "county", sample="50")
    world.batch(world.east[:1])
    world.fill(batch, r1=Result("passed"), r2=Result("returned", None, "只见杂草"))
    client = APIClient()

    def rows(user, **query):
        client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
        answer = client.get("/api/v1/inspections/", query)
        assert answer.status_code == 200
        return answer.json()["results"]

    (one,) = rows(world.officer, level="county")
    expected = {
        "town": "qingxi", "year": 2024, "number": 1, "kind": "abandonment", "level": "county", "state": "draft",
        "division": world.land.villages["西村"].code, "is_recheck": False, "items": 2, "drawn": 1, "returned": 1,
        "declared_mu": "17", "accepted_mu": "8", "accepted_on": "2024-10-12", "signed": False,
        "sample_percent": "50", "seed": "种子",
    }  # fmt: skip
    assert {name: one[name] for name in expected} == expected
    assert [one["number"] for one in rows(world.head)] == [2]
    for query, count in (({"town": "qingxi"}, 2), ({"year": 2024}, 2), ({"kind": "restructure"}, 0),
                         ({"division": world.land.villages["东村"].code}, 1), ({"state": "done"}, 0),
                         ({"level": "town"}, 1), ({"is_recheck": "true"}, 0)):  # fmt: skip
        assert len(rows(world.officer, **query)) == count, query


def test_rest_lists_the_rows_so_that_a_draw_can_be_repeated(world):
    batch = world.batch(world.east, sample="50")
    world.fill(batch, r1=Result("passed"), r2=Result("returned", None, "只见杂草"))
    world.batch(world.west, "county")
    client = APIClient()

    def rows(user, **query):
        client.credentials(HTTP_AUTHORIZATION=f"Token {ApiToken.issue(user)}")
        answer = client.get("/api/v1/inspection-items/", query)
        assert answer.status_code == 200
        return answer.json()["results"]

    found = rows(world.officer, inspection=batch.pk)
    facts = client.get(f"/api/v1/inspections/{batch.pk}/").json()
    drawn = {one["work"] for one in found if one["is_drawn"]}
    assert drawn == draw([one["work"] for one in found], D(facts["sample_percent"]), facts["seed"])
    first, second = found[:2]
    assert (first["verdict"], first["accepted_mu"], first["state"]) == ("passed", "1", "draft")
    assert (second["verdict"], second["accepted_mu"], second["reason"]) == ("returned", "0", "只见杂草")
    assert {one["acceptance"] for one in found} == {None}
    for query, count in (
        ({"town": "qingxi"}, 8), ({"year": 2024}, 8), ({"kind": "restructure"}, 0), ({"level": "county"}, 2),
        ({"division": world.land.villages["东村"].code}, 6), ({"state": "done"}, 0), ({"verdict": "passed"}, 1),
        ({"is_drawn": "false"}, 3), ({"parcel": first["parcel"]}, 1),
    ):  # fmt: skip
        assert len(rows(world.officer, **query)) == count, query
    assert len(rows(world.head)) == 6  # the batch of the next village is not hers
    before = Inspection.objects.get(pk=batch.pk).updated_at.isoformat()
    cancel(batch, reason="改期", version=fresh(batch).version, by=world.officer)
    assert {one["state"] for one in rows(world.officer, updated_since=before, inspection=batch.pk)} == {"cancelled"}


def test_a_drawn_recheck_shows_the_drawn_rows_and_says_what_it_takes_back(world, client):
    batch = world.batch(world.west, "town", recheck=True, sample="50")
    shown = get(client, world.officer, "inspection_detail", batch)
    assert shown.count('name="verdict_') == 1
    assert "共 2 项，现有认定 17.00 亩" in words(shown)
    assert get(client, world.officer, "inspection_detail", batch, only="all").count('name="verdict_') == 2
    assert "实测" not in shown  # nothing is to be measured
    number, drawn = next((number, one) for number, one in enumerate(in_order(batch), 1) if one.is_drawn)
    world.fill(batch, **{f"r{number}": Result("partial", drawn.declared_mu - 2, "复耕后又撂荒")})
    shown = words(get(client, world.officer, "inspection_detail", batch))
    assert "核减 2.00 亩" in shown
    assert "部分通过 1 项，未复核 1 项" in shown


def test_a_sheet_nobody_filled_leaves_its_total_to_the_pen(world, client):
    client.force_login(world.officer)
    batch = world.batch(world.east[:2])
    for name in ("inspection_xlsx", "inspection_docx"):
        data = BytesIO(b"".join(client.get(at(name, batch)).streaming_content))
        if name == "inspection_xlsx":
            sheet = load_workbook(data).active
            (total,) = [row for row in sheet.iter_rows(values_only=True) if row[0] == "合计"]
            assert total[5:] == (3, None, None, None)
        else:
            assert "共 2 项，送验 3.00 亩，未填 2 项。" in [one.text for one in Document(data).paragraphs]
