"""Every shape a rate may have, with figures worked out by hand, and the known answers of the seeds."""

from dataclasses import fields as dataclass_fields
from decimal import Decimal
from pathlib import Path

import pytest

from farmland.lib.conditions import Partly
from farmland.lib.documents import read as read_document
from subsidies.rules.amounts import rounded
from subsidies.rules.engine import Row, evaluate
from subsidies.rules.judging import Concern, Ruled
from subsidies.rules.rule import RuleError, read
from tasks.plan.document import PlanDoc, RateDoc

PLANS = Path(__file__).parents[2] / "plans"
HALF_UP = {"round": ["half_up", "2"]}


def row(subject, division=1, concerns=(), **facts):
    facts = {name: Decimal(value) if is_number(value) else value for name, value in facts.items()}
    return Row(f"work:{subject}", division, facts, works=(str(subject),), concerns=tuple(concerns))


def is_number(value) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and str(value).replace(".", "", 1).isdigit()


def pay(shape, *rows, **more):
    return {one.subject: one for one in evaluate(read({"base": "$county_mu", **shape}), rows, **more)}


def only(shape, *rows, **more):
    (award,) = pay(shape, *rows, **more).values()
    return award


def amounts(found) -> dict[str, str]:
    return {subject: str(award.amount) for subject, award in found.items()}


def plan_rates(name: str) -> dict:
    doc = read_document((PLANS / f"{name}.yaml").read_text(encoding="utf-8"), PlanDoc)
    fields = {one.name for one in dataclass_fields(RateDoc)} - {"line", "path", "valid_from", "valid_to"}
    return {
        one.key: {field: getattr(one, field) for field in fields if getattr(one, field)}
        for program in doc.programs
        for one in program.rates
        if not one.open
    }


XIHE, ERONG = plan_rates("xihe-2024"), plan_rates("erong-2023")
CLEAN = {
    "finding": "restored",
    "on_list": Partly(frozenset(), frozenset({"rectified-2023"})),
    "paid_by": Partly(frozenset(), frozenset({"idle-land-revival"})),
}


# the shapes of the model, figures by hand


def test_an_amount_is_area_times_price_rounded_once():
    award = only({"lines": [{"price": "333.33"}], **HALF_UP}, row(1, county_mu="12.345"))
    assert award.amount == Decimal("4114.96")  # 4114.95885
    assert award.explanation["lines"][0]["text"] == "12.345 亩 × 333.33 元/亩"
    assert award.explanation["exact"] == "4114.95885"


@pytest.mark.parametrize(
    ("mode", "expected"), [("half_up", "0.13"), ("down", "0.12"), ("up", "0.13")], ids=["half up", "down", "up"]
)
def test_the_rate_says_how_it_is_rounded(mode, expected):
    award = only({"lines": [{"price": "1"}], "round": [mode, "2"]}, row(1, county_mu="0.125"))
    assert str(award.amount) == expected


def test_a_rate_may_be_rounded_to_whole_yuan():
    assert only({"lines": [{"price": "500"}], "round": ["down", "0"]}, row(1, county_mu="1.5999")).amount == 799


def test_by_class_and_split_between_two_payees():
    shape = {
        "lines": [{"price": {"by": ["land_class"], "table": {"paddy": "3000", "dry": "1500"}}}],
        "where": [["met_on_time", "=", "yes"]],
        "payees": [["town", "0.4"], ["village", "0.6"]],
    }
    rows = [
        row(1, county_mu="2.5", land_class="paddy", met_on_time=True),
        row(2, county_mu="2.5", land_class="dry", met_on_time=True),
        row(3, county_mu="2.5", land_class="dry", met_on_time=False),
    ]
    found = pay(shape, *rows)
    assert amounts(found) == {"work:1": "7500.00", "work:2": "3750.00", "work:3": "0.00"}
    assert found["work:1"].parts == [
        {"payee_kind": "town", "amount": "3000.00"},
        {"payee_kind": "village", "amount": "4500.00"},
    ]
    assert found["work:3"].state == "ineligible"
    assert "是否按时完成任务" in found["work:3"].reason


def test_a_class_the_table_does_not_have_gets_nothing_and_an_unknown_one_waits():
    shape = {"lines": [{"price": {"by": ["land_class"], "table": {"paddy": "3000"}}}]}
    found = pay(shape, row(1, county_mu=1, land_class="forest"), row(2, county_mu=1, land_class=None))
    assert [found["work:1"].state, found["work:2"].state] == ["ineligible", "held"]
    assert "请在图斑上填写地类" in found["work:2"].reason


def test_a_table_by_two_facts_nests_or_names_both():
    for table in ({"rice": {"spring": "110"}}, {"rice,spring": "110"}):
        shape = {"lines": [{"price": {"by": ["crop", "season"], "table": table}}]}
        assert only(shape, row(1, county_mu=2, crop="rice", season="spring")).amount == 220


def test_over_the_share_is_paid_to_two_payees():
    shape = {
        "per": ["division"],
        "lines": [{"price": "800", "from": "$share"}],
        "payees": [["town", "0.4"], ["village", "0.6"]],
    }
    found = pay(
        shape, row(1, 7, county_mu="60.1", share=110), row(2, 7, county_mu="60.2", share=110),
        row(3, 8, county_mu="10", share=10),
    )  # fmt: skip
    assert found["division:7"].amount == Decimal("8240.00")  # 10.3 × 800
    assert [one["amount"] for one in found["division:7"].parts] == ["3296.00", "4944.00"]
    assert found["division:8"].amount == 0
    assert found["division:8"].state == "due"


def test_upkeep_by_class_only_where_it_is_kept():
    table = {"by": ["land_class"], "table": {"paddy": "90", "dry": "60"}}
    shape = {"per": ["subject", "year"], "years": ["2031", "2033"], "where": [["kept", "=", "yes"]],
             "lines": [{"price": table}]}  # fmt: skip
    rows = [
        row(1, county_mu="3.3", land_class="paddy", kept="yes"),
        row(2, county_mu="3.3", land_class="dry", kept="yes"),
        row(3, county_mu="3.3", land_class="dry", kept="no"),
        row(4, county_mu="3.3", land_class="dry", kept=None),
    ]
    found = pay(shape, *rows)
    assert amounts(found) == {"work:1": "297.00", "work:2": "198.00", "work:3": "0.00", "work:4": "0.00"}
    assert [one.state for one in found.values()] == ["due", "due", "ineligible", "held"]
    assert read({"base": "$county_mu", **shape}).years == (2031, 2032, 2033)


def test_by_crop_and_season_unless_it_failed_by_neglect():
    shape = {
        "per": ["subject", "season"],
        "lines": [{"price": {"by": ["crop"], "table": {"rice": "110", "bean": "70"}}}],
        "unless": [["failed_by_neglect", "=", "yes"]],
    }
    rows = [
        row(1, county_mu="4", crop="rice", season="spring", failed_by_neglect="no"),
        row(1, county_mu="4", crop="bean", season="autumn", failed_by_neglect="no"),
        row(2, county_mu="4", crop="rice", season="spring", failed_by_neglect="yes"),
    ]
    found = pay(shape, *rows)
    assert amounts(found) == {"work:1/autumn": "280.00", "work:1/spring": "440.00", "work:2/spring": "0.00"}
    assert found["work:2/spring"].exclusions[0]["result"] == "yes"


BANDS = {
    "lower": [{"lump": "5000", "from": "100", "to": "300"}, {"lump": "9000", "from": "300"}],
    "upper": [
        {"lump": "5000", "from": "100", "to": "300", "edges": "[]"},
        {"lump": "9000", "from": "300", "edges": "(]"},
    ],
}


@pytest.mark.parametrize(
    ("area", "lower", "upper"),
    [("99.9999", 0, 0), ("100", 5000, 5000), ("299.9999", 5000, 5000), ("300", 9000, 5000), ("300.0001", 9000, 9000)],
)
def test_a_band_says_whether_its_edges_are_in(area, lower, upper):
    for chosen, expected in (("lower", lower), ("upper", upper)):
        shape = {"per": ["block"], "base": "$contiguous_mu", "readings": BANDS, "chosen": chosen}
        award = only(shape, row(1, block="B", contiguous_mu=area), row(2, block="B", contiguous_mu=area))
        assert award.amount == expected
        shown = {one["key"]: one["amount"] for one in award.explanation["readings"]}
        assert shown == {"lower": f"{lower}.00", "upper": f"{upper}.00"}


STAGES = {
    "start": {"key": "start", "base": "$ready_mu", "lines": [{"price": "1000"}]},
    "passed": {"key": "passed", "base": "$database_mu", "lines": [{"price": "2000"}]},
    "tail": {
        "key": "tail", "base": "$database_mu", "where": [["second_year_planted", "=", "yes"]],
        "lines": [{"price": "5000"}], "less": ["start", "passed"], "at_most": "$invoiced",
        "sources": [
            {"from": "province", "per_mu": "1500", "of": "$database_mu", "used": "$province_used"}, {"from": "county"},
        ],
    },
}  # fmt: skip


def test_stages_pay_on_their_own_base_and_the_last_one_what_is_left():
    facts = {"ready_mu": 10, "database_mu": 9, "second_year_planted": "yes", "invoiced": 43000}
    earlier = {}
    for key, expected in (("start", 10_000), ("passed", 18_000)):
        award = only(STAGES[key], row(1, **facts))
        assert award.amount == expected
        earlier[key] = {award.subject: award.amount}
    tail = only(STAGES["tail"], row(1, **facts, province_used=10_000), earlier=earlier)
    # 9 × 5000 = 45,000, at most what was invoiced 43,000, less 28,000
    assert tail.amount == 15_000
    # the province's 1,500 × 9 = 13,500, of which 10,000 are used
    assert tail.sources == [{"source": "province", "amount": "3500.00"}, {"source": "county", "amount": "11500.00"}]


def test_a_shrunken_base_that_was_overpaid_waits_for_an_adjustment():
    earlier = {"start": {"work:1": Decimal(10_000)}, "passed": {"work:1": Decimal(18_000)}}
    facts = {"database_mu": 5, "second_year_planted": "yes", "invoiced": 43000, "province_used": 0}
    award = only(STAGES["tail"], row(1, **facts), earlier=earlier)
    assert (award.state, award.amount) == ("held", 0)
    assert "3000 元须作调整" in award.reason


def test_a_stage_waits_for_the_stage_before_it():
    facts = {"database_mu": 5, "second_year_planted": "yes", "invoiced": 43000, "province_used": 0}
    assert only(STAGES["tail"], row(1, **facts), earlier={"start": {"work:1": None}}).state == "held"


def test_sources_that_do_not_suffice_hold_the_money():
    shape = {"lines": [{"price": "10"}], "sources": [{"from": "province", "per_mu": "9", "of": "$county_mu"}]}
    award = only(shape, row(1, county_mu=2))
    assert (award.state, award.amount) == ("held", 0)
    assert "还差 2.00 元" in award.reason


POOL = {"base": "$verified_mu", "lines": [{"price": {"pool": "$allotted", "round": ["down", "2"]}}]}


def test_a_pool_is_shared_by_area_and_its_price_rounded_down():
    award = only({**POOL, "round": ["down", "2"]}, row(1, verified_mu="1108908.123", allotted=103_370_000))
    assert award.explanation["pool"]["price"] == "93.21"
    assert award.amount == Decimal("103361326.14")  # 93.21 × 1,108,908.123 = 103,361,326.1448…


def test_rows_of_a_pool_never_exceed_it():
    rows = [row(at, verified_mu="0.5", allotted="10.10") for at in range(20)]
    found = pay({**POOL, **HALF_UP}, *rows).values()
    assert {str(one.amount) for one in found} == {"0.50"}  # 0.505 half up would be 20 × 0.51 = 10.20
    assert sum(one.amount for one in found) <= Decimal("10.10")
    assert all(one.explanation["pool"]["rounded_down"] for one in found)


def test_what_is_held_keeps_its_share_of_the_pool():
    shape = {**POOL, **HALF_UP, "unless": [["failed_by_neglect", "=", "yes"]]}
    rows = [
        row(1, verified_mu=1, allotted=100, failed_by_neglect="no"),
        row(2, verified_mu=1, allotted=100, failed_by_neglect=None),
        row(3, verified_mu=1, allotted=100, failed_by_neglect="yes"),
    ]
    assert amounts(pay(shape, *rows)) == {"work:1": "50.00", "work:2": "0.00", "work:3": "0.00"}


def test_a_pool_with_an_area_nobody_knows_pays_nobody():
    found = pay({**POOL, **HALF_UP}, row(1, verified_mu=1, allotted=9), row(2, verified_mu=None, allotted=9))
    assert {one.state for one in found.values()} == {"held"}


def test_a_price_of_each_village():
    shape = {"lines": [{"price": {"by": ["division"], "table": {"甲村": "12.3456", "乙村": "11"}}}]}
    rows = [
        Row(f"work:{at}", at, {"county_mu": Decimal(100), "division": name}) for at, name in ((1, "甲村"), (2, "乙村"))
    ]
    found = pay(shape, *rows)
    assert amounts(found) == {"work:1": "1234.56", "work:2": "1100.00"}


def test_a_threshold_is_judged_on_the_sum_of_a_payee():
    shape = {
        "per": ["payee"],
        "where": [["payee_kind", "in", ["coop", "company"]], ["density", ">=", "0.6"]],
        "when": [["base", ">=", "20"]],
        "lines": [{"price": "40"}],
        "unless": [["paid_by", "has", "scale"]],
    }
    clean = {"payee_kind": "coop", "density": "0.6", "paid_by": Partly(frozenset(), frozenset({"scale"}))}
    rows = [
        row(1, 1, county_mu="12", payee="A", **clean),
        row(2, 2, county_mu="8", payee="A", **clean),
        row(3, 1, county_mu="19.9999", payee="B", **clean),
        row(4, 1, county_mu="5", payee="B", **clean | {"density": "0.59"}),
    ]
    found = pay(shape, *rows)
    assert amounts(found) == {"A": "800.00", "B": "0.00"}
    assert found["A"].division is None  # land in two villages
    assert "计算面积不少于‘20’" in found["B"].reason


def test_a_fixed_amount_needs_no_area():
    award = only({"base": "", "lines": [{"lump": "5000"}]}, row(1))
    assert (award.amount, award.base) == (5000, None)


def test_a_cap_holds_the_base_row_by_row():
    shape = {"per": ["division"], "base": "$still_planted_mu", "base_cap": "$county_mu", "lines": [{"price": "300"}]}
    award = only(shape, row(1, still_planted_mu=12, county_mu=10), row(2, still_planted_mu=3, county_mu=5))
    assert award.amount == 3900  # 10 + 3


def test_components_add_up_to_the_amount():
    shape = {"lines": [{"price": "500"}], "components": [["复耕", "300"], ["复种", "200"]]}
    found = only(shape, row(1, county_mu="0.3333")).explanation["components"]
    assert found == [
        {"name": "复耕", "price": "300", "amount": "99.99"},
        {"name": "复种", "price": "200", "amount": "66.66"},
    ]


# what is unknown holds, and a named person may rule


EXCLUSION = {"lines": [{"price": "500"}], "unless": [["on_list", "has", "old"]]}


def test_an_exclusion_nobody_could_test_holds_the_money():
    award = only(EXCLUSION, row(1, county_mu=2, on_list=None))
    assert (award.state, award.amount) == ("held", 0)
    assert "这份清单还没有导入" in award.reason
    assert award.explanation["rounding"]["rounded"] == "1000.00"


def test_a_list_that_was_never_imported_is_unknown_beside_one_that_was():
    known = Partly(frozenset({"other"}), frozenset({"other"}))
    assert only(EXCLUSION, row(1, county_mu=2, on_list=known)).state == "held"
    known = Partly(frozenset(), frozenset({"old"}))
    assert only(EXCLUSION, row(1, county_mu=2, on_list=known)).amount == 1000


@pytest.mark.parametrize(("holds", "state"), [(False, "due"), (True, "ineligible")])
@pytest.mark.parametrize("subject", ["work:1", "*"])
def test_a_ruling_answers_what_nobody_could_test(subject, holds, state):
    ruled = {(subject, "unless:on_list has old"): Ruled(holds, "经办", "查过旧册", "2024-10-01")}
    award = only(EXCLUSION, row(1, county_mu=2, on_list=None), rulings=ruled)
    assert award.state == state
    assert award.explanation["tests"][0]["ruled"]["by"] == "经办"


def test_a_ruling_does_not_overrule_what_is_known():
    ruled = {("work:1", "unless:on_list has old"): Ruled(False, "经办", "说情", "2024-10-01")}
    listed = Partly(frozenset({"old"}), frozenset({"old"}))
    assert only(EXCLUSION, row(1, county_mu=2, on_list=listed), rulings=ruled).state == "ineligible"


def concern(result, severity):
    return Concern("last_year", "上年已整治", "与 P9 重叠", result, severity)


@pytest.mark.parametrize(
    ("result", "severity", "ruled", "state"),
    [
        (True, "block", None, "ineligible"),
        (True, "block", False, "ineligible"),
        (True, "warn", None, "held"),
        (True, "warn", False, "due"),
        (True, "warn", True, "ineligible"),
        (None, "block", None, "held"),
        (None, "block", False, "due"),
        (True, "off", None, "due"),
        (False, "block", None, "due"),
    ],
)
def test_a_guard_blocks_or_asks_a_named_person(result, severity, ruled, state):
    rulings = {} if ruled is None else {("work:1", "guard:last_year"): Ruled(ruled, "经办", "现场看过", "2024")}
    shape = {"lines": [{"price": "500"}]}
    assert only(shape, row(1, county_mu=2, concerns=[concern(result, severity)]), rulings=rulings).state == state


def test_one_row_nobody_can_judge_holds_the_whole_village():
    shape = {**EXCLUSION, "per": ["division"]}
    clean = Partly(frozenset(), frozenset({"old"}))
    found = only(shape, row(1, county_mu=2, on_list=clean), row(2, county_mu=2, on_list=None))
    assert (found.state, found.amount) == ("held", 0)


def test_a_row_that_is_excluded_leaves_the_village_the_rest():
    shape = {**EXCLUSION, "per": ["division"]}
    clean, listed = Partly(frozenset(), frozenset({"old"})), Partly(frozenset({"old"}), frozenset({"old"}))
    found = only(shape, row(1, county_mu=2, on_list=clean), row(2, county_mu=3, on_list=listed))
    assert (found.state, found.amount, found.base) == ("due", 1000, 2)


def test_an_area_of_zero_is_no_claim():
    assert only({"lines": [{"price": "500"}]}, row(1, county_mu=0)).state == "ineligible"


@pytest.mark.parametrize(
    "shape",
    [
        {"lines": [{"price": "500"}], "base": ""},
        {"open": "原文没有写", "lines": []},
        {"lines": [{"price": "五百"}]},
        {"lines": [{"price": 1.5}]},
        {"lines": [{"price": "5"}], "payees": {"town": "0.4", "village": "0.5"}},
        {"lines": [{"price": "5"}], "round": ["half_even", "2"]},
        {"lines": [{"price": "5"}], "round": ["half_up", "3"]},
        {"readings": {"A": [{"price": "5"}]}, "chosen": "B"},
        {"lines": [{"price": {"pool": "$allotted"}}, {"price": "1"}]},
    ],
)
def test_a_shape_that_cannot_be_computed_is_refused(shape):
    with pytest.raises(RuleError):
        read({"base": "$county_mu", **shape})


# the known answers of the seeds


VILLAGES = {
    "龙岭": "28.1",
    "大珑": "50.4",
    "西河": "42.7",
    "兴建": "47.1",
    "新四": "10.4",
    "三善": "46.0",
    "双永": "58.3",
}


def at_target(price_facts=None):
    rows = [
        row(f"a{at}", at, kind="abandonment", county_mu=area, share=area, met=True)
        for at, area in enumerate(VILLAGES.values())
    ]
    xinsi = list(VILLAGES).index("新四")
    rows = [one for one in rows if one.division != xinsi]
    both = {"share": "12.4", "met": True}
    return [
        *rows,
        row("x1", xinsi, kind="abandonment", county_mu="10.4", **both),
        row("x2", xinsi, kind="restructure", county_mu="2", **both),
    ]


def test_xihe_rewards_79800_at_its_targets_under_either_reading():
    for chosen in ("A", "B"):
        found = pay(XIHE["reward"] | {"chosen": chosen}, *at_target())
        assert sum(one.amount for one in found.values()) == 79_800
        assert found["division:4"].amount == 3472


def test_xihe_gives_no_reward_to_a_village_that_did_not_finish():
    found = pay(XIHE["reward"], row(1, 1, kind="abandonment", county_mu="28.09", share="28.1", met=False))
    assert found["division:1"].state == "ineligible"


def test_xihe_aftercare_is_187650_a_year_and_562950_in_three():
    planted = {"care-abandonment": ("abandonment", 285), "care-reforestation": ("reforestation", "7.5"),
               "care-restoration": ("restoration", 333)}  # fmt: skip
    total = Decimal(0)
    for key, (kind, area) in planted.items():
        rule = read(XIHE[key])
        facts = {"kind": kind, "still_planted_mu": area, "county_mu": area, "accepted_mu": area}
        total += sum(one.amount for one in evaluate(rule, [row(1, **facts)]))
        assert rule.years == (2025, 2026, 2027)
    assert (total, total * 3) == (187_650, 562_950)


def test_xinsi_gets_18872_at_its_targets():
    shrub = only(XIHE["shrub"], row(1, kind="abandonment", treatment="shrub", county_mu="10.4", **CLEAN))
    intercrop = only(XIHE["intercrop"], row(2, kind="restructure", treatment="intercrop", county_mu=2, **CLEAN))
    young = only(XIHE["immature"], row(3, kind="reforestation", treatment="immature", accepted_mu="7.5"))
    reward = pay(XIHE["reward"], *at_target())["division:4"]
    assert [one.amount for one in (shrub, intercrop, young, reward)] == [5200, 1200, 9000, 3472]
    assert shrub.amount + intercrop.amount + young.amount + reward.amount == 18_872


def test_xihe_holds_shrubs_until_the_list_of_2023_is_known():
    facts = CLEAN | {"on_list": None}
    assert only(XIHE["shrub"], row(1, kind="abandonment", treatment="shrub", county_mu=1, **facts)).state == "held"


def test_erong_pays_27910200_and_with_funds_28840540_at_its_targets():
    shares = ["115.17", "110", "90", "30", "30", "30", "30", "30"]
    rows = [row(at, at, kind="restoration", city_net_mu=area, share=area) for at, area in enumerate(shares)]
    net = sum(one.amount for one in pay(ERONG["net600"], *rows).values())
    funds = sum(one.amount for one in pay(ERONG["funds"], *rows).values())
    assert (str(net), str(funds), str(net + funds)) == ("279102.00", "9303.40", "288405.40")


@pytest.mark.parametrize(("chosen", "expected"), [("A", 74_700), ("B", 74_900), ("C", 78_000)])
def test_longtangchong_at_120_of_110_under_three_readings(chosen, expected):
    rows = [row(1, kind="restoration", city_net_mu=120, share=110)]
    funds = only(ERONG["funds"] | {"chosen": chosen}, *rows)
    assert only(ERONG["net600"], *rows).amount + funds.amount == expected
    shown = {one["key"]: one["amount"] for one in funds.explanation["readings"]}
    assert shown == {"A": "2700.00", "B": "2900.00", "C": "6000.00"}


def test_both_sides_of_the_cliff_at_110():
    paid = []
    for area in ("109.99", "110"):
        rows = [row(1, kind="restoration", city_net_mu=area, share=110)]
        paid.append(only(ERONG["net600"], *rows).amount + only(ERONG["funds"], *rows).amount)
    assert paid == [65_994, 68_200]


def test_rounding_goes_away_from_zero():
    from fractions import Fraction

    assert [str(rounded(Fraction(one), "half_up", 2)) for one in ("-0.005", "0.004", "2.675")] == [
        "-0.01", "0.00", "2.68",
    ]  # fmt: skip
