"""Versions of rates: from the plan, drafted, published, chosen, withdrawn; and plans that come back changed."""

from datetime import date

import pytest

from farmland.accounts.models import Event
from farmland.lib.refused import Refused
from subsidies.models import Entitlement, Program, Rate, RateVersion, Round
from subsidies.rates import versions
from tests.subsidies.money_world import CARE, HEAD, PLAN, POLICY, REWARD, SHRUB, Money

pytestmark = pytest.mark.django_db
DAY = date(2025, 8, 1)


@pytest.fixture
def money():
    return Money()


@pytest.fixture
def official(money):
    return money.person("official")


def published(rate: Rate):
    return RateVersion.objects.filter(rate=rate, state="published").order_by("number")


def owed(money, version=None, state="due", **more):
    version = version or published(money.rate()).first()
    facts = {"town": money.town, "division": money.villages["柳村"], "program": version.rate.program, "year": 2025}
    facts |= {"rate_version": version, "rate_key": version.rate.key, "round": money.round(), "subject": "work:x"}
    return Entitlement.objects.create(**facts | {"amount": 500, "state": state, "facts_digest": "d"} | more)


def test_a_plan_publishes_its_rates_without_a_person(money):
    version = published(money.rate()).get()
    assert (version.number, version.published_by, version.created_by) == (1, None, None)
    assert version.rule["components"] == [["复耕", "300"], ["复种", "200"]]
    assert versions.rule_of(version).lines[0].price.amount == 500


def test_a_plan_makes_a_round_of_its_year_and_one_of_every_year_of_aftercare(money):
    rounds = {one.label: one for one in Round.objects.filter(program=money.program())}
    assert set(rounds) == {"2025", "2026 年管护", "2027 年管护"}
    assert rounds["2026 年管护"].closes_on == date(2026, 10, 31)
    assert [rounds["2025"].is_yearly, rounds["2027 年管护"].is_yearly] == [False, True]


def test_a_program_keeps_what_the_plan_says_of_publicity_and_papers():
    more = "\n    publicity_days: 7\n    publicity_counting: working\n    approvals: [镇政府]\n    documents: [申请表]"
    money = Money(PLAN.replace("\n    rates:", f"{more}\n    rates:"))
    program = money.program()
    assert (program.publicity_days, program.publicity_counting) == (7, "working")
    assert (program.approvals, program.documents) == (["镇政府"], ["申请表"])


def test_the_same_plan_again_changes_nothing(money):
    before = list(RateVersion.objects.values_list("pk", "updated_at"))
    assert money.load(PLAN) == []
    assert list(RateVersion.objects.values_list("pk", "updated_at")) == before


def test_another_text_of_the_plan_waits_as_a_draft(money, official):
    told = money.load(
        PLAN.replace(
            'lines: [{price: "500"}]\n        components: {复耕: "300"',
            'lines: [{price: "600"}]\n        components: {复耕: "400"',
        )
    )
    assert any("待发布" in line for line in told)
    rate = money.rate()
    assert [one.state for one in rate.versions.all()] == ["published", "draft"]
    versions.publish(rate.versions.get(number=2), by=official, valid_from=DAY, reason="县里调标")
    first, second = published(rate)
    assert (first.valid_to, second.valid_from) == (date(2025, 7, 31), DAY)
    assert (versions.on([first, second], date(2025, 7, 31)), versions.on([first, second], DAY)) == (first, second)


def test_a_text_taken_back_before_anybody_published_it_leaves_no_draft(money):
    money.load(PLAN.replace('[{price: "300"}]', '[{price: "301"}]'))
    assert money.rate("care").versions.count() == 2
    money.load(PLAN)
    assert [one.state for one in money.rate("care").versions.all()] == ["published"]


def test_parts_that_do_not_add_up_are_not_published_by_a_plan():
    money = Money(PLAN.replace('复种: "200"', '复种: "201"'))
    version = money.rate().versions.get()
    assert version.state == "draft"
    with pytest.raises(Refused, match="相差1元/亩"):
        versions.publish(version, by=money.person("official"), valid_from=None, reason="照原文")


def test_parts_that_do_not_add_up_are_refused_on_entry(money, official):
    rule = published(money.rate()).get().rule | {"components": [["复耕", "300"], ["复种", "100"]]}
    with pytest.raises(Refused, match="相差100元/亩"):
        versions.draft(money.rate(), rule, by=official, reason="改分项")
    assert Event.objects.filter(action="起草标准（未准）").exists()
    assert money.rate().versions.count() == 1


def test_parts_are_held_against_the_price_of_every_reading(money, official):
    parts = {
        "components": [["复耕", "200"], ["复种", "80"]],
        "readings": {"A": [{"price": "280"}], "B": [{"price": "300"}]},
    }
    rule = published(money.rate("reward")).get().rule | parts
    with pytest.raises(Refused, match="读法B）标准为300元/亩，组成部分复耕200 \\+ 复种80加总为280元/亩"):
        versions.draft(money.rate("reward"), rule, by=official, chosen="A", reason="改分项")


def drafted(money, official, price="600"):
    rule = {name: value for name, value in published(money.rate()).first().rule.items() if name != "components"}
    return versions.draft(money.rate(), rule | {"lines": [{"price": price}]}, by=official, reason="调标")


@pytest.mark.parametrize(
    ("valid_from", "valid_to"),
    [(None, None), (date(2025, 1, 1), None), (date(2024, 1, 1), date(2025, 3, 1)), (date(2025, 12, 31), None)],
)
def test_two_versions_never_hold_on_one_day(valid_from, valid_to):
    money = Money(
        PLAN.replace("key: shrub", "key: shrub\n        valid_from: 2025-01-01\n        valid_to: 2025-12-31")
    )
    official = money.person("official")
    version = drafted(money, official)
    with pytest.raises(Refused, match="重叠"):
        versions.publish(version, by=official, valid_from=valid_from, valid_to=valid_to, reason="调标")
    version.refresh_from_db()
    assert version.state == "draft"
    assert Event.objects.filter(action="发布标准（未准）", user=official).exists()


def test_publishing_next_to_a_version_that_ends_is_no_overlap(money, official):
    RateVersion.objects.filter(rate=money.rate()).update(valid_to=date(2025, 12, 31))
    versions.publish(drafted(money, official), by=official, valid_from=date(2026, 1, 1), reason="调标")
    assert published(money.rate()).count() == 2


def test_publishing_asks_for_a_reason_and_the_right(money, official):
    version = drafted(money, official)
    with pytest.raises(Refused, match="理由"):
        versions.publish(version, by=official, valid_from=DAY, reason=" ")
    with pytest.raises(Refused, match="权限"):
        versions.publish(version, by=money.person("finance"), valid_from=DAY, reason="调标")


def test_choosing_another_reading_is_a_new_version_by_a_named_person(money, official):
    first = published(money.rate("reward")).get()
    made = versions.choose(first, "B", by=official, reason="县里答复")
    assert (made.chosen, made.number, made.published_by) == ("B", 2, official)
    assert published(money.rate("reward")).get() == made
    with pytest.raises(Refused, match="读法应为"):
        versions.choose(made, "C", by=official, reason="试试")
    assert money.load(PLAN) == []  # the plan's own text has not changed
    assert published(money.rate("reward")).get() == made


def test_a_version_that_paid_is_not_taken_back(money, official):
    version = published(money.rate("reward")).get()
    owed(money, version, state="settled")
    for act in (lambda: versions.withdraw(version, by=official, reason="错了"),
                lambda: versions.choose(version, "B", by=official, reason="错了")):  # fmt: skip
        with pytest.raises(Refused, match="进入批次或核定"):
            act()
    assert published(money.rate("reward")).get() == version


# plans that lose rates and programs


def test_a_rate_without_money_goes_with_its_versions(money):
    told = money.load(HEAD + POLICY + SHRUB + CARE)
    assert not Rate.objects.filter(key="reward").exists()
    assert any("删去" in line and "完成奖励" in line for line in told)


def test_a_rate_that_owes_money_stays_marked_and_is_told_once(money):
    row = owed(money)
    without = HEAD + POLICY + REWARD + CARE
    told = money.load(without)
    assert any("保留" in line and "灌木复耕" in line for line in told)
    row.refresh_from_db()
    assert "不再核算新的" in money.rate().open_reason
    assert money.load(without) == []
    money.load(PLAN)
    assert money.rate().open_reason == ""
    assert published(money.rate()).count() == 1


def test_a_program_that_owes_money_stays_and_one_that_does_not_goes(money):
    other = "\n  - key: other\n    name: 另一项\n    rates:" + CARE.replace("care", "care2")
    money.load(PLAN + other)
    owed(money)
    told = money.load(HEAD)
    assert any("撂荒地补助" in line and "保留" in line for line in told)
    assert list(Program.objects.filter(town=money.town).values_list("key", flat=True)) == ["idle"]
    assert money.load(HEAD) == []


def test_an_open_rate_has_no_version():
    money = Money(
        HEAD + POLICY + "\n      - {key: funds, name: 工作经费, clause: 三, base: $city_mu, open: 原文没有写每亩标准}"
    )
    assert money.rate("funds").versions.count() == 0
    assert money.rate("funds").open_reason == "原文没有写每亩标准"
