"""The page of an issue: who finds which act on it, and what an act writes or says."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from parcels.evidence_store import add_photo
from parcels.models import Evidence, Parcel
from tasks.models import Deliberation, Issue, IssueEvent
from tests.parcels.pictures import field, jpeg, upload
from tests.tasks.issue_world import Ledger
from tests.tasks.land import TODAY, YEAR, Land
from tests.tasks.page_world import shown, sign_in

pytestmark = pytest.mark.django_db
ROOT = "/qingxi/2024/issues/"


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def official(client, ledger):
    return sign_in(client, ledger.official)


def address(issue, act="") -> str:
    return f"{ROOT}{issue.pk}/{act}"


def main(page: str) -> str:
    return page.split('id="main"')[1]


def test_an_official_decides_and_the_trail_tells_who_and_why(official, ledger):
    issue = ledger.issue()
    page = shown(official, address(issue))
    assert "确定方式" in main(page)
    sent = {"measure": "restore", "on": TODAY.isoformat(), "reason": "村里同意", "version": issue.version}
    answer = official.post(address(issue, "decide/"), sent, follow=True)
    page = main(answer.content.decode())
    assert "整改方式已确定。" in answer.content.decode()
    assert "村里同意" in page
    assert "整改方式：空 → 复耕" in page
    assert "完成整改" in page
    assert Issue.objects.get(pk=issue.pk).state == "decided"


def test_what_is_refused_stands_in_its_form_and_what_was_typed_stays(official, ledger):
    issue = ledger.issue(due_on=None)
    answer = official.post(address(issue, "decide/"), {"measure": "restore", "on": "2024-10-10", "reason": "因为"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "请填整改时限或复查日期" in page
    assert 'value="因为"' in page
    assert not IssueEvent.objects.exists()


def test_two_editors_the_second_gets_409_with_both_values(official, ledger):
    issue = ledger.decided("restore")
    sent = {"measure": "intercrop", "on": TODAY.isoformat(), "version": 1}
    answer = official.post(address(issue, "decide/"), sent)
    assert answer.status_code == 409
    assert "系统现在“复耕”，您填的“间作套作”" in answer.content.decode()


def test_every_move_has_its_door(client, ledger):
    issue = ledger.decided()
    steps = [
        ("done/", ledger.head, "done"), ("accept/", ledger.second, "accepted"), ("return/", ledger.second, "decided"),
        ("done/", ledger.head, "done"), ("accept/", ledger.second, "accepted"), ("close/", ledger.official, "closed"),
        ("reopen/", ledger.official, "reopened"),
    ]  # fmt: skip
    for act, who, state in steps:
        sent = {"on": TODAY.isoformat(), "reason": "没有清完"}
        assert sign_in(client, who).post(address(issue, act), sent).status_code == 302, act
        issue.refresh_from_db()
        assert issue.state == state


def test_who_reported_it_reads_why_somebody_else_must_accept(client, ledger):
    issue = ledger.to("done", ledger.decided())
    answer = sign_in(client, ledger.official).post(address(issue, "accept/"), {"on": TODAY.isoformat()})
    assert (answer.status_code, "登记人不能验收" in answer.content.decode()) == (400, True)


def test_a_page_offers_only_what_its_reader_may_do_now(client, ledger):
    issue = ledger.to("done", ledger.decided())
    found = {}
    for who in (ledger.head, ledger.second, ledger.person("leader")):
        page = main(shown(sign_in(client, who), address(issue)))
        found[who] = [act for act in ("accept/", "return/", "decide/", "done/", "permit/") if f'{act}"' in page]
    assert list(found.values()) == [[], ["accept/", "return/", "permit/"], []]


def test_what_stands_in_the_way_is_told_before_anyone_tries(official, ledger):
    issue = ledger.decided("deliberate_then_balance")
    page = main(shown(official, address(issue)))
    assert "还不能完成整改" in page
    assert "还差 2.5 亩" in page
    answer = official.post(
        address(issue, "deliberation/"),
        {"level": "village", "held_on": TODAY.isoformat(), "present": 30, "agreed": 28, "conclusion": "同意编制方案"},
        follow=True,
    )
    page = main(answer.content.decode())
    assert "到会 30 人，同意 28 人：同意编制方案" in page
    assert "须先一事一议" not in page


def test_a_permit_is_applied_for_and_settled_on_the_page(official, ledger):
    issue = ledger.decided("title")
    first = {"permit": "title", "applied_on": (TODAY - timedelta(days=9)).isoformat(), "outcome": "pending"}
    assert official.post(address(issue, "permit/"), first).status_code == 302
    case = issue.permits.get()
    wrong = first | {"outcome": "approved", "version": case.version}
    answer = official.post(f"{ROOT}permits/{case.pk}/", wrong)
    assert (answer.status_code, "办结须填文号和办结日期" in answer.content.decode()) == (400, True)
    right = wrong | {"number": "确权〔2024〕3号", "decided_on": TODAY.isoformat()}
    assert official.post(f"{ROOT}permits/{case.pk}/", right).status_code == 302
    assert "确权〔2024〕3号" in main(shown(official, address(issue)))
    assert official.post(f"{ROOT}permits/{case.pk}/", right).status_code == 409


def test_homestead_is_listed_and_not_counted(official, ledger):
    ledger.issue(project="宅基地", is_excluded=True)
    ledger.issue()
    page = main(shown(official, ROOT))
    assert "1 个问题" in page
    assert "不在范围" in page
    assert "宅基地" in page
    one = Issue.objects.get(is_excluded=True)
    assert "确定方式" not in main(shown(official, address(one)))


def test_two_issues_on_one_parcel_find_each_other(official, ledger):
    work = ledger.work("东村", "abandonment", "3", parcel=True)
    code = work.parcel.codes[0]
    first, second = ledger.issue(codes=[code, "X1"]), ledger.issue(codes=[code], project="道路")
    first.parcels.add(work.parcel)
    page = main(shown(official, address(first)))
    assert f"/issues/{second.pk}/" in page
    assert f"/parcels/{work.parcel.pk}/" in page
    ledger.issue(codes=["X11"])
    assert main(shown(official, address(first))).count("/issues/") == page.count("/issues/")


def test_the_page_asks_few_questions_however_long_the_record(official, ledger, django_assert_max_num_queries):
    issue = ledger.decided("conversion")
    official.get(address(issue))
    with django_assert_max_num_queries(12) as first:
        official.get(address(issue))
    for _ in range(20):
        IssueEvent.objects.create(
            town=ledger.town, issue=issue, action="changed", after="decided", on=TODAY, by=ledger.person()
        )
    with django_assert_max_num_queries(len(first)):
        official.get(address(issue))


def test_the_minutes_of_a_meeting_are_kept_and_given_back(official, ledger):
    issue = ledger.issue()
    sent = {"level": "village", "held_on": TODAY.isoformat(), "present": "9", "agreed": "8", "conclusion": "同意复耕"}
    bad = official.post(address(issue, "deliberation/"), sent | {"minutes": SimpleUploadedFile("记录.pdf", b"MZ")})
    assert bad.status_code == 400
    assert "材料只收" in bad.content.decode()
    assert not Deliberation.objects.exists()
    paper = SimpleUploadedFile("记录.pdf", b"%PDF-1.4 minutes")
    page = official.post(address(issue, "deliberation/"), sent | {"minutes": paper}, follow=True).content.decode()
    kept = Deliberation.objects.get()
    link = f"{ROOT}meetings/{kept.pk}/minutes/"
    assert link in page
    answer = official.get(link)
    assert b"".join(answer.streaming_content) == b"%PDF-1.4 minutes"
    assert answer["Content-Disposition"].startswith("attachment")
    stranger = ledger.person("village_head", ledger.villages["西村"])
    assert sign_in(official, stranger).get(link).status_code == 404


def test_an_issue_shows_the_photos_of_its_parcels(official, ledger, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    place = {"town": ledger.town, "division": ledger.villages["东村"], "year": 2024}
    parcel = Parcel.objects.create(**place, kind_id="abandonment", codes=["A1"])
    issue = ledger.issue()
    issue.parcels.add(parcel)
    common = {"division": parcel.division, "parcel": parcel, "by": ledger.head, "key": "", "phase": "before"}
    kept = add_photo(upload(jpeg(field((320, 240))), "前.jpg"), view="near", **common)
    assert f'hx-get="{address(issue, "photos/")}"' in main(shown(official, address(issue)))
    page = main(shown(official, address(issue, "photos/")))
    thumbnail = reverse("evidence_thumbnail", kwargs={"town": "qingxi", "year": 2024, "pk": kept.pk})
    assert page.count(thumbnail) == 1
    assert f"图斑 {parcel} 全部举证" in page
    Evidence.objects.filter(pk=kept.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="拍错")
    assert thumbnail not in main(shown(official, address(issue, "photos/")))


# Sums


@pytest.fixture
def unknown(db):
    """Three rows of a ledger; nobody printed a farmland area, one row has no area at all."""
    land = Land()
    common = {"town": land.town, "year": YEAR, "ledger": "a", "ledger_title": "台账", "kind_id": "illegal_use"}
    for serial, village, area in (("1", "东村", "1.5"), ("2", "东村", None), ("3", "西村", None)):
        Issue.objects.create(**common, serial=serial, division=land.villages[village], area_mu=area and Decimal(area))
    land.common = common
    return land


def sums(land, client) -> tuple[str, list[list[str]]]:
    client.force_login(land.person(), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("issue_list", kwargs={"town": land.town.slug, "year": YEAR})).content.decode()
    rows = re.findall(r"<tr.*?</tr>", " ".join(re.findall(r"<tfoot.*?</tfoot>", page, re.DOTALL)), re.DOTALL)
    return page, [re.findall(r'<td class="num">(.*?)</td>', row) for row in rows]


def test_an_area_nobody_printed_is_not_zero(unknown, client):
    page, rows = sums(unknown, client)
    assert rows == [["1.50", "—", "—"], ["3", "1.50", "—", "—"]]
    west = next(row for row in re.findall(r"<tr><th.*?</tr>", page, re.DOTALL) if "西村" in row)
    assert re.findall(r'<td class="num">(.*?)</td>', west) == ["1", "—", "—", "—"]
    assert "0.00" not in page.split('class="tally"')[1].split("</dl>")[0]


def test_kinds_of_problems_are_not_added_together(unknown, client):
    other = unknown.common | {"kind_id": "non_grain", "serial": "4", "division": unknown.villages["东村"]}
    Issue.objects.create(**other, area_mu=Decimal(7))
    page, rows = sums(unknown, client)
    assert [row[0] for row in rows[:2]] == ["1.50", "7.00"]
    assert rows[2] == ["4"]
    assert "8.50" not in page
