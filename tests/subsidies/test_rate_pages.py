"""Pages of the rates and of computing: what is shown, what is done, what is refused, and to whom."""

import pytest
from django.urls import reverse

from subsidies.entitlements import calculations
from subsidies.models import Calculation, Entitlement, RateVersion, Ruling
from subsidies.rates import versions
from tests.subsidies.money_world import Money
from tests.tasks.page_world import shown, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def money():
    return Money()


@pytest.fixture
def official(money, client):
    user = money.person("official")
    sign_in(client, user)
    return user


def at(name, **more):
    return reverse(name, kwargs={"town": "qingxi", "year": 2025} | more)


def said(answer) -> str:
    return answer.content.decode()


def test_a_village_head_reads_the_rates_in_words(money, client):
    sign_in(client, money.person("village_head", money.villages["柳村"]))
    html = shown(client, at("rate_list"))
    for words in ("500 元/亩", "复耕 300", "读法 A（现用）：280 元/亩", "第 1 版，不限期", "清府〔2025〕1号"):
        assert words in html
    assert "推算费用" not in html
    for name in ("rate_simulate", "calculation_list"):
        assert client.get(at(name)).status_code == 404


def test_the_town_finds_computing_and_simulating_beside_the_rates(money, official, client):
    html = shown(client, at("rate_list"))
    assert at("calculation_list") in html
    assert at("rate_simulate") in html


def test_rates_are_for_those_who_may_read_money(money, client):
    sign_in(client, money.person("grid_worker"))
    assert client.get(at("rate_list")).status_code == 404
    sign_in(client, money.person("discipline"))
    assert client.get(at("rate_detail", pk=money.rate().pk)).status_code == 200


def test_a_draft_is_written_compared_simulated_and_published(money, official, client):
    rate = money.rate()
    form = client.get(at("rate_draft", pk=rate.pk)).context["form"]
    text = form.initial["text"]
    assert "price: '500'" in text
    wrong = client.post(at("rate_draft", pk=rate.pk), {"text": text.replace("'500'", "'600'"), "reason": "调标"})
    assert wrong.status_code == 400
    assert "相差100元/亩" in said(wrong)
    text = text.replace("'500'", "'600'").replace("'300'", "'400'")
    assert client.post(at("rate_draft", pk=rate.pk), {"text": text, "reason": "调标"}).status_code == 302
    draft = rate.versions.get(state="draft")
    html = shown(client, at("rate_detail", pk=rate.pk))
    assert "第 1 版与第 2 版" in html
    assert "<b>600 元/亩</b>" in html
    html = shown(client, f"{at('rate_simulate')}?version={draft.pk}")
    assert "（草稿）" in html
    data = {f"{draft.pk}-valid_from": "2025-08-01", f"{draft.pk}-reason": "县里调标"}
    assert client.post(at("rate_publish", pk=draft.pk), data).status_code == 302
    assert [one.state for one in rate.versions.order_by("number")] == ["published", "published"]
    again = client.post(at("rate_publish", pk=draft.pk), data)
    assert (again.status_code, "不能再发布" in said(again)) == (409, True)


def test_overlapping_days_are_refused_with_the_reason_beside_the_field(money, official, client):
    rule = money.rate().versions.get().rule | {"components": [], "lines": [{"price": "1"}]}
    draft = versions.draft(money.rate(), rule, by=official, reason="试")
    answer = client.post(at("rate_publish", pk=draft.pk), {f"{draft.pk}-reason": "试"})
    assert (answer.status_code, "与第 1 版的有效期" in said(answer)) == (409, True)
    assert client.post(at("rate_withdraw", pk=draft.pk), {f"w{draft.pk}-reason": "不要了"}).status_code == 302
    assert client.post(at("rate_withdraw", pk=draft.pk), {}).status_code == 400


WRONG = (
    "key: [",
    "key: other\nname: 甲\nclause: 三\nbase: $county_mu\nlines: [{price: '5'}]",
    "key: shrub\nname: 甲\nclause: 三\nbase: $nothing\nlines: [{price: '5'}]",
    "key: shrub\nname: 甲\nclause: 三\nopen: 没有写",
    "- 1",
    "💥",
)


@pytest.mark.parametrize("text", WRONG)
def test_a_text_that_is_no_rate_is_told_where_it_is_wrong(money, official, client, text):
    answer = client.post(at("rate_draft", pk=money.rate().pk), {"text": text, "reason": "试"})
    assert answer.status_code == 400
    assert money.rate().versions.count() == 1


def test_a_reading_is_chosen_with_a_reason(money, official, client):
    version = money.rate("reward").versions.get()
    bad = client.post(at("rate_choose", pk=version.pk), {f"{version.pk}-reading": "B", f"{version.pk}-reason": ""})
    assert bad.status_code == 400
    data = {f"{version.pk}-reading": "B", f"{version.pk}-reason": "县里答复"}
    assert client.post(at("rate_choose", pk=version.pk), data).status_code == 302
    assert RateVersion.objects.get(rate=money.rate("reward"), state="published").chosen == "B"


def test_only_who_publishes_may_draft_and_publish(money, client):
    sign_in(client, money.person("finance"))
    version = money.rate("reward").versions.get()
    assert client.get(at("rate_draft", pk=money.rate().pk)).status_code == 403
    for name in ("rate_publish", "rate_withdraw", "rate_choose"):
        assert client.post(at(name, pk=version.pk), {}).status_code == 403


def test_what_it_would_cost_in_every_scenario(money, official, client):
    money.work(accepted="6", parcel=money.parcel())
    html = shown(client, at("rate_simulate"))
    assert "15,000.00" in html  # 30 亩 of shrub
    assert "差 0.01 亩" in html
    assert "3,000.00" in shown(client, f"{at('rate_simulate')}?scenario=accepted")
    village = money.villages["柳村"].pk
    assert "6,250.00" in shown(client, f"{at('rate_simulate')}?scenario=typed&a{village}=12.5")
    bad = client.get(f"{at('rate_simulate')}?scenario=typed&a{village}=abc&pool=x")
    assert (bad.status_code, "应为数字，现为“abc”" in said(bad)) == (400, True)
    assert "15,000.00" in shown(client, f"{at('rate_simulate')}?scenario=nonsense&program=1&version=2")


# computing


def test_a_round_is_computed_by_a_job_looked_at_and_applied(money, client):
    money.listed()
    money.work(accepted="10")
    agri = money.person("lead_office")
    sign_in(client, agri)
    answer = client.post(at("calculation_create"), {"round": money.round().pk})
    assert answer.status_code == 302
    assert "/jobs/" in answer.url
    one = calculations.make(money.round(), by=agri)
    html = shown(client, at("calculation_list"))
    assert "7,800.00" in html
    html = shown(client, at("calculation_detail", pk=one.pk))
    for words in ("新增", "5,000.00", "全村", "Q0"):
        assert words in html
    assert client.post(at("calculation_apply", pk=one.pk)).status_code == 302
    assert Entitlement.objects.count() == 2
    again = client.post(at("calculation_apply", pk=one.pk))
    assert (again.status_code, "已采用" in said(again)) == (409, True)
    assert "没有差异" in shown(client, at("calculation_detail", pk=calculations.make(money.round(), by=agri).pk))


def test_stale_facts_are_told_on_the_page(money, client):
    money.listed()
    work = money.work(accepted="5", parcel=money.parcel())
    agri = money.person("lead_office")
    sign_in(client, agri)
    one = calculations.make(money.round(), by=agri)
    money.accept(work, "1")
    answer = client.post(at("calculation_apply", pk=one.pk))
    assert (answer.status_code, "请重新核算" in said(answer)) == (409, True)
    assert client.post(at("calculation_discard", pk=one.pk)).status_code == 302
    assert Calculation.objects.get().state == "discarded"


def test_what_waits_is_ruled_for_the_whole_round(money, official, client):
    work = money.work(accepted="10")
    agri = money.person("lead_office")
    calculations.apply(calculations.make(money.round(), by=agri), by=agri)
    html = shown(client, at("calculation_rulings", pk=money.round().pk))
    assert "列入“rectified-2024”" in html
    assert str(work.parcel) in html
    row = Entitlement.objects.get(rate_key="shrub")
    data = {"entitlement": row.pk, "test": "unless:on_list has rectified-2024", "holds": "no", "scope": "all"}
    bad = client.post(at("calculation_rule", pk=money.round().pk), data)
    assert (bad.status_code, "请写明认定的依据" in said(bad)) == (400, True)
    good = client.post(at("calculation_rule", pk=money.round().pk), data | {"reason": "逐块比对"})
    assert good.status_code == 302
    assert Ruling.objects.get().subject == "*"
    assert "逐块比对" in shown(client, at("calculation_rulings", pk=money.round().pk))


def test_a_ruling_that_was_wrong_is_made_anew(money, official, client):
    money.work(accepted="10")
    agri, test = money.person("lead_office"), "unless:on_list has rectified-2024"
    calculations.apply(calculations.make(money.round(), by=agri), by=agri)
    row = Entitlement.objects.get(rate_key="shrub")
    calculations.rule(row, test, holds=False, reason="看错了", by=official)
    calculations.apply(calculations.make(money.round(), by=agri), by=agri)
    due = Entitlement.objects.get(rate_key="shrub", state="due")
    where = at("calculation_rulings", pk=money.round().pk)
    assert f"{where}?row={due.pk}" in shown(client, at("entitlement_detail", pk=due.pk))
    html = shown(client, f"{where}?row={due.pk}")
    assert ("原认定：不成立" in html, "看错了" in html) == (True, True)
    data = {"entitlement": due.pk, "test": test, "holds": "yes", "scope": "one", "reason": "清单第 3 行"}
    assert client.post(at("calculation_rule", pk=money.round().pk), data).status_code == 302
    calculations.apply(calculations.make(money.round(), by=agri), by=agri)
    assert Entitlement.objects.exclude(state="replaced").get(rate_key="shrub").state == "ineligible"


def test_only_the_right_hands_compute_apply_and_rule(money, client):
    money.work(accepted="10")
    one = calculations.make(money.round(), by=None)
    sign_in(client, money.person("finance"))
    assert client.get(at("calculation_detail", pk=one.pk)).status_code == 200
    assert client.post(at("calculation_create"), {"round": money.round().pk}).status_code == 403
    for name in ("calculation_apply", "calculation_discard"):
        assert client.post(at(name, pk=one.pk)).status_code == 403
    assert client.post(at("calculation_rule", pk=money.round().pk), {}).status_code == 403
