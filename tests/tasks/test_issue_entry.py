"""Rows typed in and corrected, decided in bulk, imported and exported on the pages; two people at one row."""

import io
import re
from datetime import timedelta
from decimal import Decimal

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from farmland.accounts.models import Event
from farmland.jobs.models import Job, Upload
from parcels.models import Listing, ParcelList
from tasks.issue_entry import edit
from tasks.issue_links import link_parcels
from tasks.issues import Stale
from tasks.ledger_columns import COLUMNS
from tasks.models import Issue, IssueEvent
from tasks.services import recompute
from tests.tasks.issue_world import Ledger
from tests.tasks.land import TODAY
from tests.tasks.page_world import shown, sign_in

pytestmark = pytest.mark.django_db
ROOT = "/qingxi/2024/issues/"


@pytest.fixture
def ledger(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Ledger()


@pytest.fixture
def official(client, ledger):
    return sign_in(client, ledger.official)


def listed(ledger, parcel) -> None:
    source, _ = ParcelList.objects.get_or_create(town=ledger.town, year=2024, title="清单")
    for code in parcel.codes:
        Listing.objects.create(list=source, town=ledger.town, serial="1", code=code, parcel=parcel)


def typed(ledger, **more) -> dict:
    return {
        "kind": "illegal_use", "project": "砖堆场地", "division": ledger.villages["东村"].code, "area_mu": "１.２",
        "cultivated_mu": "1.2", "pbf_mu": "0", "use": "piled", "codes": "A1、A2",
    } | more  # fmt: skip


def test_a_typed_row_is_kept_with_its_codes_linked_and_figures_asked_for(official, ledger):
    parcels = [ledger.work("东村", "abandonment", "3", parcel=True).parcel for _ in range(2)]
    for parcel in parcels:
        listed(ledger, parcel)
    codes = "、".join(parcel.codes[0] for parcel in parcels)
    answer = official.post(f"{ROOT}new/", typed(ledger, codes=codes), follow=True)
    assert "问题已登记。" in answer.content.decode()
    issue = Issue.objects.get()
    assert (issue.serial, issue.area_mu, issue.division.name, issue.cells["use"]) == (
        "1",
        Decimal("1.2"),
        "东村",
        "piled",
    )
    assert set(issue.parcels.all()) == set(parcels)
    assert issue.events.get().action == "opened"
    assert Job.objects.filter(kind="recompute").exists()
    official.post(f"{ROOT}new/", typed(ledger))
    assert sorted(Issue.objects.values_list("serial", flat=True)) == ["1", "2"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("project", ""), ("area_mu", "一亩"), ("division", "x"), ("kind", "retention"), ("due_on", "9/9")],
)
def test_a_wrong_field_keeps_what_was_typed_and_writes_nothing(official, ledger, field, value):
    answer = official.post(f"{ROOT}new/", typed(ledger, **{field: value}))
    assert (answer.status_code, Issue.objects.count()) == (400, 0)


def test_an_edit_tells_what_changed_and_advises_again(official, ledger):
    issue = ledger.issue(codes=["A1"])
    page = shown(official, f"{ROOT}{issue.pk}/edit/")
    assert 'value="A1"' in page
    sent = typed(ledger, project="加工厂房", codes="A1", cultivated_mu="2.9", pbf_mu="0.6", version=1)
    assert official.post(f"{ROOT}{issue.pk}/edit/", sent).status_code == 302
    issue.refresh_from_db()
    event = issue.events.get()
    assert event.facts["耕地"] == ["2.5 亩", "2.9 亩"]
    assert (issue.version, issue.project) == (2, "加工厂房")
    assert Event.objects.get(about=issue.pk).before["耕地"] == "2.5 亩"
    again = official.post(f"{ROOT}{issue.pk}/edit/", sent | {"version": 2}, follow=True)
    assert "没有变化。" in again.content.decode()
    assert IssueEvent.objects.count() == 1


def test_the_second_of_two_editors_is_told_both_values(official, ledger):
    issue = ledger.issue(project="道路")
    edit(issue, {"project": "砂石路"}, by=ledger.second, on=TODAY, version=1)
    answer = official.post(f"{ROOT}{issue.pk}/edit/", typed(ledger, project="水泥路", version=1))
    assert answer.status_code == 409
    assert "项目名称：系统现在“砂石路”，您填的“水泥路”" in answer.content.decode()
    with pytest.raises(Stale):
        edit(issue, {"project": "水泥路"}, by=ledger.official, on=TODAY, version=1)


def test_leaving_the_scope_needs_a_reason_and_changes_the_count(official, ledger):
    issue = ledger.issue(project="宅基地")
    sent = typed(ledger, project="宅基地", is_excluded="on", homestead="on", version=1)
    assert official.post(f"{ROOT}{issue.pk}/edit/", sent).status_code == 400
    assert official.post(f"{ROOT}{issue.pk}/edit/", sent | {"reason": "农村宅基地不在整治范围"}).status_code == 302
    issue.refresh_from_db()
    assert issue.is_excluded
    assert Job.objects.filter(kind="recompute").exists()


def test_a_closed_issue_is_reopened_before_it_is_edited(official, ledger):
    issue = ledger.to("closed", ledger.decided())
    assert official.post(f"{ROOT}{issue.pk}/edit/", typed(ledger)).status_code == 409


def test_codes_that_go_take_their_parcels_along(ledger):
    parcel = ledger.work("东村", "abandonment", "3", parcel=True).parcel
    listed(ledger, parcel)
    issue = ledger.issue(codes=list(parcel.codes))
    link_parcels([issue], ledger.town)
    assert list(issue.parcels.all()) == [parcel]
    edit(issue, {"codes": ["别的"]}, by=ledger.official, on=TODAY)
    assert list(issue.parcels.all()) == []


def test_parcels_that_come_in_after_the_issue_are_found_by_the_next_recompute(ledger):
    issue = ledger.issue(codes=["C1"])
    parcel = ledger.work("东村", "abandonment", "3", parcel=True).parcel
    parcel.codes = ["C1"]
    parcel.save()
    listed(ledger, parcel)
    recompute(ledger.town, 2024)
    assert list(issue.parcels.all()) == [parcel]


# Many at once


def bulk(issues, **more) -> dict:
    versions = {f"version-{one.pk}": one.version for one in issues}
    return {"issue": [str(one.pk) for one in issues], "on": TODAY.isoformat()} | versions | more


@pytest.fixture
def advised(monkeypatch):
    """Rules that suggest 复耕 for what has stood idle; the made-up town's plan has no file."""
    from tasks import issues as moves
    from tasks.views import issue_entry
    from tests.tasks.test_issues import Rule, book_of

    book = book_of(Rule([["state", "=", "idle"]], "restore"))
    for module in (moves, issue_entry):
        monkeypatch.setattr(module, "rulebook", lambda town, year: book)


def test_suggestions_are_shown_first_and_taken_for_all_that_can(official, ledger, advised):
    idle = [ledger.issue(cells={"use": "idle"}), ledger.issue(cells={"use": "idle"}, due_on=None)]
    other = [ledger.issue(cells={"use": "road"}), ledger.to("done", ledger.decided())]
    page = official.post(f"{ROOT}bulk/", {"issue": [str(one.pk) for one in idle + other]}).content.decode()
    assert "2 个可以定，共选 4 个" in page
    assert "规则没有给出建议" in page
    assert "现在是“待验收”" in page
    assert Issue.objects.filter(state="decided").count() == 0
    answer = official.post(f"{ROOT}bulk/", bulk(idle, confirm="1"))
    assert (answer.status_code, Issue.objects.filter(state="decided").count()) == (400, 0)  # one has no deadline
    review = (TODAY + timedelta(days=30)).isoformat()
    assert official.post(f"{ROOT}bulk/", bulk(idle, confirm="1", review_on=review)).status_code == 302
    assert {(one.state, one.measure) for one in Issue.objects.filter(pk__in=[one.pk for one in idle])} == {
        ("decided", "restore")
    }


def test_a_row_that_changed_since_keeps_all_of_them_undecided(official, ledger, advised):
    rows = [ledger.issue(cells={"use": "idle"}), ledger.issue(cells={"use": "idle"})]
    sent = bulk(rows, confirm="1")
    edit(rows[1], {"project": "新名"}, by=ledger.second, on=TODAY)
    assert official.post(f"{ROOT}bulk/", sent).status_code == 409
    assert not Issue.objects.filter(state="decided").exists()


def test_bulk_takes_no_row_out_of_scope_and_no_nonsense(client, ledger, advised):
    east = sign_in(client, ledger.person("official", ledger.villages["东村"]))
    west = ledger.issue("西村", cells={"use": "idle"})
    assert "没有选中问题" in east.post(f"{ROOT}bulk/", bulk([west], confirm="1")).content.decode()
    assert east.post(f"{ROOT}bulk/", {"issue": ["x", "1"]}).status_code == 400
    west.refresh_from_db()
    assert west.state == "open"


# Files


def test_a_ledger_is_exported_imported_previewed_and_confirmed_on_the_pages(official, ledger):
    for number in range(2):
        ledger.issue(location="东村三组", project=f"道路{number}")
    data = official.get(f"{ROOT}ledger.xlsx?paper=a3")
    assert data["Content-Disposition"].startswith("attachment")
    book = openpyxl.load_workbook(io.BytesIO(data.content))
    row = next(row for row in book.active.iter_rows(min_row=4) if row[2].value == "道路1")
    row[2].value = "水泥路"
    out = io.BytesIO()
    book.save(out)
    form = {"ledger": "a", "kind": "illegal_use", "file": SimpleUploadedFile("台账.xlsx", out.getvalue())}
    preview = official.post(f"{ROOT}import/", form)["Location"]
    page = shown(official, preview)
    assert "项目名称：道路1 → <b>水泥路</b>" in page
    assert not Issue.objects.filter(project="水泥路").exists()
    sent = dict(re.findall(r'name="(seen|ledger|title|kind)"\s+value="([^"]*)"', page))
    confirm = f"{preview.partition('?')[0]}confirm/"
    assert official.post(confirm, sent | {"seen": "x"}).status_code == 400
    assert official.post(confirm, sent).status_code == 302
    assert Issue.objects.filter(project="水泥路").count() == 1
    assert Upload.objects.get().name == "台账.xlsx"
    assert "没有变化" in shown(official, preview)


def test_a_new_ledger_needs_its_title_and_a_file_that_is_one(official, ledger):
    file = SimpleUploadedFile("a.csv", (",".join(COLUMNS.values()) + "\n1,,路,东村,1,1,0,,,东村,,/\n").encode())
    answer = official.post(f"{ROOT}import/", {"ledger": "", "kind": "illegal_use", "file": file})
    assert (answer.status_code, "请写新台账的名称" in answer.content.decode()) == (400, True)
    for name, data in (("a.xlsx", b"PK\x03\x04"), ("b.xlsx", b"%PDF-1.4"), ("c.csv", b"\x00\x00")):
        sent = {"ledger": "a", "title": "新", "kind": "illegal_use", "file": SimpleUploadedFile(name, data)}
        ledger.issue()
        preview = official.post(f"{ROOT}import/", sent)["Location"]
        answer = official.get(preview)
        assert (answer.status_code, name in answer.content.decode()) == (400, True)


def test_only_who_may_import_finds_the_door(client, ledger):
    sign_in(client, ledger.head)
    ledger.issue()
    assert client.get(f"{ROOT}import/").status_code == 403
    assert client.get(f"{ROOT}new/").status_code == 403
    page = shown(client, ROOT)
    assert "导入台账" not in page
    assert "登记问题" not in page
    assert client.get(f"{ROOT}ledger.xlsx").status_code == 200
