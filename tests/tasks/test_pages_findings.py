"""方案体检 on real plans: quotation beside computation, waivers by named people, groups, whose page it is."""

import re
from dataclasses import replace

import pytest

from farmland.accounts.models import Event
from tasks import findings
from tasks.models import Finding, Waiver
from tasks.views.quotes import marked, words
from tests.tasks.page_world import person, shown, sign_in, towns, village

pytestmark = pytest.mark.django_db
XIHE, ERPING = "/xihe/2024/plan/check/", "/erping/2023/plan/check/"


@pytest.fixture(scope="module")
def places(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, "erping-2023", "xihe-2024") as found:
        yield found


@pytest.fixture
def official(client, places):
    return sign_in(client, person("official", places["xihe"]))


def one(**fields) -> Finding:
    return Finding.objects.filter(town__slug="xihe", **fields).order_by("order").first()


def waive(client, *findings, reason="已报区规资局核减", **more):
    seen = [f"{finding.pk}|{finding.updated_at.isoformat()}" for finding in findings]
    return client.post(f"{XIHE}waive/", {"finding": seen, "reason": reason, **more}, follow=True)


def test_the_printed_words_are_quoted_and_marked_beside_what_comes_out(client, places):
    sign_in(client, person("official", places["erping"]))
    page = shown(client, ERPING)

    assert "耕地保量任务缺口仍有<mark>62.35亩</mark>" in page
    assert "占比仅<mark>31.76%</mark>" in page
    assert "16,057.05 − 15,995.15 = 61.90亩" in page
    assert "32 ÷ 101 = 31.68%" in page
    assert "一、形势评估" in page


def test_fourteen_rows_without_a_deadline_are_one_group_each_still_there(official):
    page = shown(official, XIHE)
    group = next(part for part in page.split("<details")[1:] if "缺整改时限" in part.split("</summary>")[0])

    assert "14 处" in group
    assert group.split("</details>")[0].count("<article") == 14
    assert 'name="finding"' in group


def test_the_tally_counts_by_severity_and_what_is_open(official):
    page = shown(official, XIHE)
    rows = Finding.objects.filter(town__slug="xihe")

    assert f"<dd>{rows.count()}" in page
    assert f"<dt>还没答复</dt><dd>{rows.count()}</dd>" in page
    assert page.count("<article") == rows.count()


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("severity=error", {"severity": "error"}),
        ("rule=C12", {"rule": "C12"}),
        ("waived=no", {"waived": False}),
        ("waived=yes", {"waived": True}),
        ("severity=warning&rule=C09", {"severity": "warning", "rule": "C09"}),
        ("severity=nonsense", {"severity": "nonsense"}),
    ],
)
def test_a_filter_shows_what_it_says(official, query, fields):
    page = shown(official, f"{XIHE}?{query}")

    assert page.count("<article") == Finding.objects.filter(town__slug="xihe", **fields).count()


@pytest.mark.parametrize("query", ["answer=nonsense", "open=x", "answer=%25", "rule=%27%22", "severity=a&severity=b"])
def test_odd_parameters_do_no_harm(official, query):
    assert official.get(f"{XIHE}?{query}").status_code == 200


def test_a_waiver_keeps_who_why_and_on_what_paper(official):
    finding = one(rule="C06")
    page = waive(official, finding, basis="铜规资〔2024〕1号").content.decode()

    finding.refresh_from_db()
    assert finding.waived
    assert "已报区规资局核减" in page
    assert "铜规资〔2024〕1号" in page
    assert Waiver.objects.get().by.username == f"official-{finding.town.code}"
    assert Event.objects.filter(action="说明体检发现").count() == 1


def test_one_reason_for_a_group_is_a_waiver_for_each(official):
    rows = list(Finding.objects.filter(town__slug="xihe", computed="缺整改时限"))
    waive(official, *rows, reason="待一事一议后定")

    assert Waiver.objects.filter(reason="待一事一议后定").count() == 14
    assert not Finding.objects.filter(computed="缺整改时限", waived=False).exists()


def test_without_a_reason_nothing_is_written(official):
    page = waive(official, one(rule="C06"), reason="  ").content.decode()

    assert "请写明不改的原因" in page
    assert not Waiver.objects.exists()


def test_a_finding_that_changed_meanwhile_is_not_waived_unseen(official):
    seen = one(rule="C06")
    changed = one(rule="C06")
    changed.computed = "应为334亩"
    changed.save()
    page = waive(official, seen).content.decode()

    assert "刚才有变化" in page
    assert not Waiver.objects.exists()


@pytest.mark.parametrize("values", [["x|y"], [""], [], ["00000000-0000-0000-0000-000000000000|2024"], ["|", "|||"]])
def test_a_form_that_names_no_finding_writes_nothing(official, values):
    answer = official.post(f"{XIHE}waive/", {"finding": values, "reason": "甲", "query": "a\r\nb=%0d%0a&rule=C09"})

    assert answer.status_code == 302
    assert answer["Location"].startswith(XIHE)
    assert not Waiver.objects.exists()


def test_a_finding_of_another_town_is_not_touched_from_here(official):
    foreign = Finding.objects.filter(town__slug="erping").first()
    waive(official, foreign)

    assert not Waiver.objects.exists()
    assert official.post(f"{XIHE}{foreign.pk}/withdraw/").status_code == 404


def test_a_waiver_taken_back_stays_on_record(official):
    finding = one(rule="C06")
    waive(official, finding)
    official.post(f"{XIHE}{finding.pk}/withdraw/")

    finding.refresh_from_db()
    assert not finding.waived
    assert Waiver.objects.get().withdrawn_at is not None


def test_checking_again_says_what_changed(official):
    Finding.objects.filter(town__slug="xihe", rule="C06").delete()
    page = official.post(f"{XIHE}run/", follow=True).content.decode()

    assert "体检完成，1 处变化" in page
    assert one(rule="C06") is not None
    assert "没有变化" in official.post(f"{XIHE}run/", follow=True).content.decode()


def test_the_form_opens_in_place(official):
    finding = one(rule="C06")
    part = shown(official, f"{XIHE}?answer={finding.pk}", **{"HX-Request": "true"})

    assert part.count("<article") == 1
    assert 'name="reason"' in part
    assert official.get(f"{XIHE}?answer=x", headers={"HX-Request": "true"}).status_code == 404


def test_who_may_not_waive_sees_no_form_and_is_refused(client, places):
    finding = one(rule="C06")
    sign_in(client, person("finance", places["xihe"]))

    assert "不改，说明原因" not in shown(client, f"{XIHE}?answer={finding.pk}")
    assert waive(client, finding).status_code == 403
    assert client.post(f"{XIHE}{finding.pk}/withdraw/").status_code == 403
    assert client.post(f"{XIHE}run/").status_code == 403
    sign_in(client, person("leader", places["xihe"]))
    assert waive(client, finding).status_code == 200
    assert Waiver.objects.count() == 1


def test_a_village_and_another_town_find_nothing(client, places):
    finding = one(rule="C06")
    for user in (person("village_head", village(places["xihe"], "新四村")), person("official", places["erping"])):
        sign_in(client, user)
        assert client.get(XIHE).status_code == 404
        assert waive(client, finding).status_code == 404
        assert client.post(f"{XIHE}{finding.pk}/withdraw/").status_code == 404
        assert client.post(f"{XIHE}run/").status_code == 404


def test_the_page_takes_few_queries_however_many_findings(client, places, django_assert_max_num_queries):
    for address, town in ((XIHE, "xihe"), (ERPING, "erping")):
        sign_in(client, person("official", places[town]))
        client.get(address)
        with django_assert_max_num_queries(12):
            client.get(address)


def test_the_district_sees_the_other_plans_with_their_counts(client, places):
    sign_in(client, person("district", places["xihe"].parent))
    page = shown(client, XIHE)

    assert re.search(r'href="/erping/2023/plan/check/"><b>二坪镇 2023 年</b><span>错误 \d+', page)
    assert "不改，说明原因" not in page


def test_quotations_are_escaped():
    drawn = marked("<b>333万</b> & 333万", words("333万"))

    assert drawn == "&lt;b&gt;<mark>333万</mark>&lt;/b&gt; &amp; 333万"


def test_parts_are_marked_where_the_whole_is_not_found():
    assert marked("图斑0.46，耕地0.38", words("耕地0.38，永农0.46")) == "图斑<mark>0.46</mark>，<mark>耕地0.38</mark>"


def test_a_waiver_whose_figure_changed_does_not_come_back_with_it(official, monkeypatch):
    finding = one(rule="C06")
    waive(official, finding)
    plan, remarks = finding.plan, findings.run(finding.plan.document, findings.common_dictionary())
    other = [replace(remark, computed="别的数") if remark.rule == "C06" else remark for remark in remarks]
    monkeypatch.setattr(findings, "run", lambda *_, **__: other)
    findings.check(plan)
    monkeypatch.undo()
    findings.check(plan)

    assert not one(rule="C06").waived
    assert Waiver.objects.get(rule="C06").withdrawn_at
    assert Event.objects.get(action="撤销体检说明").reason == "数值已变"
