"""A sixth town with a rate of every shape: loads, is asked for what only people know, computes and explains itself."""

from decimal import Decimal
from pathlib import Path

import pytest

from farmland.places.models import Division
from parcels.models import Step
from subsidies.entitlements import calculations, explaining
from subsidies.entitlements.supplying import blanks, supply
from subsidies.models import Entitlement, Fund
from tasks.models import Plan, TownYear
from tasks.plan.load import load_plan
from tests.subsidies.money_world import ACCEPTED, TODAY, YEAR, Money

pytestmark = pytest.mark.django_db
PLAN = (Path(__file__).parent / "sixth_town.yaml").read_text(encoding="utf-8")


class Sixth(Money):
    """石门乡 2025: 柏坪社区 and 枫林村 in 上片, 下坝村."""

    def __init__(self):
        load_plan(PLAN)
        self.plan = Plan.objects.get(town__slug="shimen", year=YEAR)
        self.town, self._ladders = self.plan.town, None
        TownYear.objects.filter(town=self.town).update(working_date=TODAY)
        inside = Division.objects.filter(path__startswith=self.town.path)
        self.villages = {one.name: one for one in inside}
        self.agri = self.person("lead_office")
        self.listed()

    def program(self, key="relief"):
        return super().program(key)

    def compute(self, program, label=str(YEAR)):
        """The live rows of a round: (rate, subject) → entitlement."""
        calculations.apply(calculations.make(self.round(label, program), by=self.agri), by=self.agri)
        return list(Entitlement.objects.filter(round=self.round(label, program), state__in=Entitlement.LIVE))

    def supply(self, program, label=str(YEAR), **values):
        """The same value for a fact on every row that is asked for it."""
        round_ = self.round(label, program)
        given = {one.key: values[one.fact] for one in blanks(round_) if one.fact in values}
        return supply(round_, given, reason="现场记录", by=self.agri)


@pytest.fixture
def town():
    return Sixth()


def of(rows, key) -> Entitlement:
    (one,) = [row for row in rows if row.rate_key == key]
    return one


def said(one: Entitlement) -> str:
    return explaining.sentence(one)


def test_fixed_class_local_and_completion(town):
    town.work("柏坪社区", "4", treatment="clear")
    town.work("柏坪社区", "6.75", treatment="full", parcel=town.parcel("柏坪社区", "6.75", land_class="0101"))
    rows = town.compute("relief")
    fixed = of(rows, "fixed")
    assert (fixed.amount, fixed.base_mu, said(fixed)) == (800, None, "一次性 800 元 = 800.00 元")
    by_class = of(rows, "class")
    assert by_class.amount == 6112  # 6.75 × 905.55 = 6112.4625, down to whole 元
    assert said(by_class) == "6.75 亩 × 905.55 元/亩 = 6,112.00 元"
    assert by_class.parts == [
        {"payee_kind": "village", "amount": "2444.80"}, {"payee_kind": "farmer", "amount": "3667.20"},
    ]  # fmt: skip
    assert explaining.rounding(by_class) == "舍去尾数到元：6112.4625 元 → 6112.00 元"
    assert sorted(row.amount for row in rows if row.rate_key == "local") == [Decimal("49.38"), Decimal("83.33")]
    ontime, over = of(rows, "ontime"), of(rows, "over")
    assert (ontime.amount, ontime.division.name) == (3000, "柏坪社区")
    assert said(over) == "超过 10 亩的部分：0.75 亩 × 80 元/亩 = 60.00 元"
    assert over.parts == [{"payee_kind": "town", "amount": "18.00"}, {"payee_kind": "village", "amount": "42.00"}]
    assert of(rows, "ontime").explanation["rate"]["clause"] == "四（一）4"


def test_the_threshold_and_the_share_are_tested_in_words(town):
    town.work("下坝村", "8", treatment="clear")
    rows = town.compute("relief")
    assert (of(rows, "ontime").state, of(rows, "ontime").reason) == (
        "ineligible", "不符合“计算面积不少于‘10’”，现为 8。",
    )  # fmt: skip
    over = of(rows, "over")
    assert (over.state, over.reason) == ("ineligible", "不符合“计算面积大于任务数（亩）”，现为 8，任务数（亩）为 8。")
    assert of(rows, "local").amount == 0  # 0 元 is a price, not a gap
    assert of(rows, "local").state == "due"


@pytest.mark.parametrize(
    ("area", "inside", "outside"),
    [("4.9999", 0, 0), ("5", 500, 500), ("10", 500, 900), ("10.0001", 900, 900)],
)
def test_a_band_tells_both_readings_of_its_edge(town, area, inside, outside):
    town.work("枫林村", "3", treatment="clear")
    assert of(town.compute("relief"), "band").state == "held"
    assert town.supply("relief", block="枫林1号", contiguous_mu=area) == 2
    one = of(town.compute("relief"), "band")
    shown = {told["key"]: Decimal(told["amount"]) for told in one.explanation["readings"]}
    assert (one.amount, shown) == (inside, {"inside": inside, "outside": outside})


def test_measured_and_net_areas_are_asked_for_and_counted_up_to_the_parcel(town):
    works = [
        town.work("枫林村", "3", treatment="clear", kind_id="restructure", parcel=town.parcel("枫林村", "3.1")),
        town.work("枫林村", "2", treatment="clear", kind_id="restructure", parcel=None),
    ]
    rows = town.compute("relief")
    assert {row.state for row in rows if row.rate_key == "measured"} == {"held"}
    assert "请在“补充资料”里填写" in next(row.reason for row in rows if row.rate_key == "measured")
    asked = [(one.fact, one.work.pk) for one in blanks(town.round(str(YEAR), "relief"))]
    assert set(asked) == {
        ("measured_mu", works[0].pk), ("measured_mu", works[1].pk), ("net_mu", works[1].pk), ("gross_mu", works[1].pk),
    }  # fmt: skip
    town.supply("relief", measured_mu="3.33", net_mu="1.8", gross_mu="2")
    rows = town.compute("relief")
    measured = {row.work_id: row for row in rows if row.rate_key == "measured"}
    assert said(measured[works[0].pk]) == "3.1 亩 × 450 元/亩 = 1,395.00 元"
    assert measured[works[0].pk].explanation["components"][0] == {"name": "整地", "price": "300", "amount": "930.00"}
    net = {row.work_id: row for row in rows if row.rate_key == "net"}
    assert (net[works[1].pk].amount, net[works[0].pk].state) == (180, "held")


def test_stages_on_three_areas_with_a_ceiling_and_two_sources(town):
    work = town.work("下坝村", None, treatment="stone", kind_id="slope_terrace", parcel=town.parcel("下坝村", "12"))
    for rung, area in (("ready", "12"), ("prefecture_accepted", "10"), ("database", "9.5")):
        town.accept(work, area, rung=rung)
    rows = town.compute("build")
    assert (of(rows, "start").amount, of(rows, "passed").amount, of(rows, "tail").state) == (12000, 20000, "held")
    town.supply("build", second_year_planted="是", invoiced="40000")
    tail = of(town.compute("build"), "tail")
    # 9.5 × 5000 = 47,500, at most 40,000 of invoices, less 12,000 and 20,000
    assert (tail.amount, tail.explanation["at_most"]["hit"]) == (8000, True)
    assert tail.sources == [{"source": "province", "amount": "8000.00"}, {"source": "county", "amount": "0.00"}]
    assert "最多 40,000.00 元" in said(tail)


def test_crop_season_payee_threshold_and_neglect(town):
    round_ = town.round("2025 年管护", "grain")
    claims = [
        town.claim(town.work(village, area, treatment="clear"), area, cap=area, round=round_, crop=crop)
        for village, area, crop in (("柏坪社区", "12", "rice"), ("枫林村", "8", "rice"), ("下坝村", "5", "bean"))
    ]
    town.supply("grain", "2025 年管护", season="秋种", failed_by_neglect="否", payee="某合作社", payee_kind="合作社")
    rows = town.compute("grain", "2025 年管护")
    crop = {row.claim_id: row.amount for row in rows if row.rate_key == "crop"}
    assert crop == {claims[0].pk: 1080, claims[1].pk: 720, claims[2].pk: 350}
    scale = of(rows, "scale")
    assert (scale.amount, scale.subject, scale.base_mu) == (1000, "某合作社", 25)
    assert said(scale) == "25 亩 × 40 元/亩 = 1,000.00 元"


def test_a_pool_of_103370000_over_1108908_123_mu_is_93_21_a_mu(town):
    round_ = town.round("2025 年管护", "pool")
    for village, area in (("柏坪社区", "554454.0615"), ("枫林村", "554454.0615")):
        town.claim(town.work(village, area, treatment="clear"), area, cap=area, round=round_)
    Fund.objects.create(town=town.town, program=town.program("pool"), round=round_, source="county", role="allotted",
                        amount=Decimal(103370000), on=ACCEPTED, by=town.agri)  # fmt: skip
    rows = town.compute("pool", "2025 年管护")
    assert {row.explanation["pool"]["price"] for row in rows} == {"93.21"}
    assert [row.amount for row in rows] == [Decimal("51680663.07")] * 2  # 554454.0615 × 93.21 = 51680663.072415


def test_upkeep_is_paid_by_year_and_class_where_it_is_kept(town):
    parcel = town.parcel("下坝村", "12", land_class="0103")
    work = town.work("下坝村", None, treatment="stone", kind_id="slope_terrace", parcel=parcel)
    town.accept(work, "10", rung="prefecture_accepted")
    for label, area, kept in (("2026 年管护", "9", "是"), ("2027 年管护", "8", "否")):
        town.claim(work, area, round=town.round(label, "care"), reason="水毁")
        town.supply("care", label, kept=kept)
    first, second = (town.compute("care", label) for label in ("2026 年管护", "2027 年管护"))
    assert (first[0].amount, said(first[0])) == (540, "9 亩 × 60 元/亩 = 540.00 元")
    assert (second[0].state, Step.objects.filter(work=work).count()) == ("ineligible", 1)


def test_a_village_reads_each_condition_once_and_the_parcel_that_differs(town, client):
    works = [town.work("枫林村", "3", treatment="clear") for _ in range(4)]
    works[3].parcel.gross_mu = Decimal("2.5")
    works[3].parcel.save()
    rows = explaining.tests(of(town.compute("relief"), "over"))
    names = {f"work:{work.pk}": str(work.parcel) for work in works}
    found = {(test["text"], test["found"], test["word"]) for test in explaining.gathered(rows, names)}
    assert ("上年已整治并认定的图斑", "没有查到（4 块）", "没有问题") in found
    area = [test for test in found if test[0] == "认定面积超过图斑面积"]
    assert sorted(area) == sorted([
        (area[0][0], "认定 3 亩，图斑 3 亩（其余 3 块）", "没有问题"),
        (area[0][0], f"{works[3].parcel}：认定 3 亩，图斑 2.5 亩", "有问题"),
    ])  # fmt: skip
    assert len([one for one in rows if one["text"] == "上年已整治并认定的图斑"]) == 4


def test_a_promise_without_a_figure_stays_open(town):
    assert "没有写标准" in town.rate("labour").open_reason
    assert town.rate("labour").versions.count() == 0
