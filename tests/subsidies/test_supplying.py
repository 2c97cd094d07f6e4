"""补充资料: what a held row waits for is filled in on a page, with its source; a bad value names its place."""

import pytest
from django.urls import reverse

from farmland.accounts.models import Event
from farmland.lib.refused import Refused
from subsidies.entitlements import calculations
from subsidies.entitlements.supplying import blanks, supply
from subsidies.models import Entitlement
from tests.subsidies.money_world import HEAD, POLICY, SHRUB, YEAR, Money

pytestmark = pytest.mark.django_db
TERMS = """
terms:
  - {dictionary: attribute, code: slope_share, label: 坡地比例, attrs: {unit: percent, maximum: "100"}}
"""
GRANT = """
      - key: grant
        name: 补助
        clause: 三
        kinds: [abandonment]
        where: [[kept, "=", "yes"], [slope_share, ">=", "50"], [crop, in, [rice, bean]]]
        base: $county_mu
        lines: [{price: "100"}]
        at_most: $invoiced
"""


@pytest.fixture
def money():
    money = Money(HEAD + TERMS + POLICY + SHRUB + GRANT)
    money.listed()
    return money


def keys(money) -> dict[str, str]:
    return {one.fact: one.key for one in blanks(money.round())}


def test_only_what_nobody_else_tells_is_asked(money):
    money.work(accepted="10")
    assert set(keys(money)) == {"kept", "slope_share", "crop", "invoiced"}
    unplaced = money.work(accepted="3", parcel=None, treatment="")
    asked = {one.fact for one in blanks(money.round()) if one.work == unplaced}
    assert asked == {"kept", "slope_share", "crop", "invoiced", "treatment"}


def test_what_is_filled_in_counts_and_can_be_corrected(money):
    work, agri = money.work(accepted="10"), money.person("lead_office")
    at = keys(money)
    given = {at["kept"]: "yes", at["slope_share"]: "60.5", at["crop"]: "水稻", at["invoiced"]: "800"}
    assert supply(money.round(), given, reason="发票 12 号", by=agri) == 4
    assert supply(money.round(), given, reason="发票 12 号", by=agri) == 0
    calculations.apply(calculations.make(money.round(), by=agri), by=agri)
    one = Entitlement.objects.get(rate_key="grant")
    assert (one.state, one.amount, one.explanation["facts"]["作物"]) == ("due", 800, "水稻")
    event = Event.objects.filter(action="补充资料", after={"发票金额": "800"}).get()
    assert (event.about, event.reason, event.before) == (work.pk, "发票 12 号", {"发票金额": ""})
    supply(money.round(), {at["invoiced"]: "", at["kept"]: "no"}, reason="退票", by=agri)
    work.refresh_from_db()
    assert work.attrs == {"kept": "no", "slope_share": "60.5", "crop": "rice"}


def test_land_without_a_parcel_gets_its_treatment(money):
    work, agri = money.work(accepted="3", parcel=None, treatment=""), money.person("lead_office")
    supply(money.round(), {keys(money)["treatment"]: "shrub"}, reason="村里核对", by=agri)
    work.refresh_from_db()
    assert (work.treatment, work.attrs) == ("shrub", {})


@pytest.mark.parametrize(
    ("fact", "text", "told"),
    [
        ("invoiced", "八百", "发票金额：应为数字，现为“八百”"),
        ("invoiced", "-1", "应不小于 0"),
        ("slope_share", "100.1", "坡地比例：应不大于 100"),
        ("kept", "也许", "应为是、否之一，现为“也许”"),
        ("crop", "花", "现为“花”"),
    ],
)
def test_a_bad_value_is_refused_with_its_place_and_nothing_is_kept(money, fact, text, told):
    work, agri = money.work(accepted="10"), money.person("lead_office")
    at = keys(money)
    with pytest.raises(Refused, match=told) as refused:
        supply(money.round(), {at["kept"]: "yes", at[fact]: text} if fact != "kept" else {at[fact]: text}, reason="记录", by=agri)  # fmt: skip  # noqa: E501
    assert str(work.parcel) in refused.value.message
    work.refresh_from_db()
    assert work.attrs == {}
    assert Event.objects.filter(action="补充资料（未准）", user=agri).exists()


def test_it_takes_the_right_a_source_and_a_known_field(money):
    money.work(accepted="10")
    at, agri = keys(money), money.person("lead_office")
    with pytest.raises(Refused, match="权限"):
        supply(money.round(), {at["kept"]: "yes"}, reason="记录", by=money.person("finance"))
    with pytest.raises(Refused, match="来源"):
        supply(money.round(), {at["kept"]: "yes"}, reason=" ", by=agri)
    with pytest.raises(Refused, match="请刷新后再填"):
        supply(money.round(), {f"{at['kept']}x": "yes"}, reason="记录", by=agri)
    player = money.person("lead_office")
    player.is_demo = True
    player.save()
    with pytest.raises(Refused, match="演示用户不能办理正式的资料"):
        supply(money.round(), {at["kept"]: "yes"}, reason="记录", by=player)


def test_the_page_shows_saves_and_refuses(money, client):
    money.work(accepted="10")
    where = {"town": "qingxi", "year": YEAR, "pk": money.round().pk}
    address, at = reverse("calculation_facts", kwargs=where), keys(money)
    client.force_login(money.person("village_head", money.villages["柳村"]))
    assert client.get(address).status_code == 404
    client.force_login(money.person("discipline"))
    assert client.get(address).status_code == 200
    assert client.post(address, {f"v.{at['kept']}": "yes", "reason": "记录"}).status_code == 403
    client.force_login(money.person("lead_office"))
    assert "这一轮还没有核算" in client.get(address).content.decode()
    calculations.make(money.round(), by=None)
    assert "还有 4 项没有填" in client.get(address).content.decode()
    answer = client.post(address, {f"v.{at['invoiced']}": "八百", "reason": "记录"})
    assert answer.status_code == 400
    assert "应为数字，现为“八百”" in answer.content.decode()
    assert 'value="八百"' in answer.content.decode()
    assert client.post(address, {f"v.{at['invoiced']}": "800", "reason": "记录"}).status_code == 302
    assert "还有 3 项没有填" in client.get(address).content.decode()
