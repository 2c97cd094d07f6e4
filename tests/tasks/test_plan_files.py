"""The five plan files against what stands in the documents: sums, dates, ledgers, decision tables, money."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from farmland.lib.area import rounded
from farmland.lib.formula import Formula
from tasks.decisions import holds, suggest
from tasks.plan.dictionary import load_dictionary
from tasks.plan.document import PlanDoc
from tasks.plan.facts import RULE_FACTS
from tasks.plan.validate import read_plan

PLANS = Path(__file__).parents[2] / "plans"
FILES = ["beicheng-2023", "erong-2023", "erping-2023", "shiyu-2024", "xihe-2024"]
DICTIONARY = load_dictionary(PLANS / "dictionary.yaml")
DOCS = {name: read_plan((PLANS / f"{name}.yaml").read_text(encoding="utf-8"), DICTIONARY) for name in FILES}
XIHE, ERPING, ERONG = DOCS["xihe-2024"], DOCS["erping-2023"], DOCS["erong-2023"]
SHIYU, BEICHENG = DOCS["shiyu-2024"], DOCS["beicheng-2023"]


def D(text: str) -> Decimal:
    return Decimal(text)


def amounts(doc: PlanDoc) -> dict:
    return {one.key: one.amount for one in doc.targets}


def printed(doc: PlanDoc, key: str) -> list[Decimal]:
    return [one.value for one in doc.statements if one.key == key]


def split(doc: PlanDoc, target: str):
    return next(one for one in doc.splits if one.target == target)


def step(doc: PlanDoc, key: str):
    return next(one for _, one in doc.every_milestone() if one.key == key)


def facts(**known) -> dict:
    return dict.fromkeys(RULE_FACTS) | known


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_after_its_town_and_year(name):
    doc = DOCS[name]
    assert f"{doc.town.slug}-{doc.year}" == name


@pytest.mark.parametrize("name", FILES)
def test_every_plan_speaks_of_all_five_red_lines(name):
    lines = {one.line_: one for one in DOCS[name].red_lines}
    assert set(lines) == {"retention", "pbf", "offset", "in_out", "illegal_use"}
    assert all(one.target or one.reason for one in lines.values())


@pytest.mark.parametrize("name", FILES)
def test_the_outline_keeps_offices_as_printed(name):
    items = [item for top in DOCS[name].outline for item in top.walk()]
    assert len(items) >= 15
    assert any(item.offices for item in items)


@pytest.mark.parametrize(
    ("name", "county"),
    [
        ("xihe-2024", "500151"),
        ("shiyu-2024", "500151"),
        ("erping-2023", "500151"),
        ("erong-2023", "500241"),
        ("beicheng-2023", "140404"),
    ],
)
def test_the_direct_superior_carries_its_code(name, county):
    assert DOCS[name].town.above[-1].code == county


def test_xihe_split_adds_up_to_its_printed_totals():
    totals = {one.target: (one.printed_total, sum(row.amount or 0 for row in one.rows)) for one in XIHE.splits}
    assert totals == {
        "abandonment": (D("283"), D("283")),
        "restructure": (D("2"), D("2")),
        "reforestation": (D("7.5"), D("7.5")),
        "illegal_use": (D("23"), D("23")),
    }


def test_a_slash_is_not_a_zero():
    cells = {row.division: row for row in split(XIHE, "restructure").rows}
    assert (cells["龙岭村"].amount, cells["龙岭村"].stated) == (None, "/")
    assert cells["新四村"].amount == 2


def test_xihe_parent_is_the_sum_of_its_children_and_needs_each():
    found = amounts(XIHE)
    assert found["non_grain"] == found["abandonment"] + found["restructure"] + found["reforestation"] == D("292.5")
    assert next(one for one in XIHE.targets if one.key == "non_grain").rule == "every"
    assert printed(XIHE, "abandonment_and_restructure") == [D("285"), D("285")]
    assert "abandonment_and_restructure" not in found  # a sub-sum is a statement, not a target


def test_xihe_prints_333_once_without_a_unit():
    lost = [one for one in XIHE.statements if not one.unit]
    assert [(one.key, one.value, one.magnitude, one.clause) for one in lost] == [("restoration", D("333"), "万", "三")]


def test_counted_levels_stand_only_where_the_plan_says_so():
    levels = {(name, one.key): one.counted_level for name, doc in DOCS.items() for one in doc.targets}
    assert {key: level for key, level in levels.items() if level} == {
        ("xihe-2024", "abandonment"): "county",
        ("xihe-2024", "restructure"): "county",
        ("erong-2023", "restoration"): "city",
        ("erping-2023", "in_out"): "city",
        ("erping-2023", "in_out_carried"): "city",
        ("erping-2023", "in_out_new"): "city",
    }


def test_xihe_ledger_holds_23_rows_26_codes_and_its_areas():
    rows = XIHE.ledgers[0].rows
    codes = [code for row in rows for code in row.codes.split("、")]
    assert (len(rows), len(codes)) == (23, 26)
    totals = [sum(D(getattr(row, name)) for row in rows) for name in ("area", "cultivated", "pbf")]
    assert totals == [D("70.75"), D("61.92"), D("48.71")]


def test_xihe_ledger_counts_by_village_agree_with_annex_1():
    counted = Counter(row.responsible for row in XIHE.ledgers[0].rows)
    assert counted == {row.division: int(row.amount) for row in split(XIHE, "illegal_use").rows}
    assert (counted["双永村"], counted["兴建村"], counted["西河村"]) == (7, 4, 1)


def test_xihe_ledger_areas_by_village():
    cultivated, pbf = defaultdict(Decimal), defaultdict(Decimal)
    for row in XIHE.ledgers[0].rows:
        cultivated[row.responsible] += D(row.cultivated)
        pbf[row.responsible] += D(row.pbf)
    assert (cultivated["双永村"], pbf["双永村"]) == (D("24.91"), D("23.60"))
    assert (cultivated["大珑村"], pbf["大珑村"]) == (D("15.49"), D("14.97"))
    assert (cultivated["三善村"], pbf["三善村"]) == (D("3.91"), D("0.08"))


def test_xihe_measures_are_recognised_with_their_misprints():
    found = Counter(DICTIONARY.term("measure", row.measure).code for row in XIHE.ledgers[0].rows)
    assert found == {
        "deliberate_then_balance": 13,
        "conversion": 3,
        "title": 2,
        "demolish_restore": 2,
        "restore": 1,
        "facility_filing": 1,
        "in_out_balance": 1,
    }


def test_xihe_sources_problems_and_deadlines_are_as_printed():
    rows = XIHE.ledgers[0].rows
    assert Counter(row.source for row in rows) == {"一本帐": 8, "国家审计": 2, "常规检测线索图斑": 13}
    assert Counter(DICTIONARY.term("problem_kind", row.problem_kind).code for row in rows) == {
        "non_grain": 20,
        "non_agri": 3,
    }
    assert Counter(row.due for row in rows) == {"/": 14, "2024.7.31": 7, "2024.9.30": 2}


def test_xihe_dates():
    assert XIHE.issued_on == date(2024, 8, 27)
    assert [(one.from_, one.to) for one in XIHE.phases] == [
        (date(2024, 7, 4), date(2024, 11, 30)),
        (date(2024, 11, 30), date(2024, 12, 31)),
    ]
    days = {
        key: step(XIHE, key).on for key in ("restoration_planted", "abandonment_evidenced", "reforestation_accepted")
    }
    assert list(days.values()) == [date(2024, 10, 31), date(2024, 11, 30), date(2025, 3, 31)]
    assert all(step(XIHE, key).repeats for key in ("care_restoration_claim", "care_abandonment_claim"))


def test_xihe_rates_and_their_components():
    rates = {rate.key: rate for program in XIHE.programs for rate in program.rates}
    prices = {key: rate.lines[0]["price"] for key, rate in rates.items() if rate.lines}
    assert prices == {
        "shrub": "500",
        "intercrop": "600",
        "full": "1000",
        "immature": "1200",
        "mature": "2000",
        "care-abandonment": "300",
        "care-reforestation": "300",
        "care-restoration": "300",
    }
    for key in ("shrub", "full", "immature", "mature"):
        assert sum(D(part) for part in rates[key].components.values()) == D(prices[key])
    assert rates["reward"].readings[rates["reward"].chosen] == [{"price": "280"}]


def test_xihe_money_at_exact_targets():
    found = amounts(XIHE)
    reward = D("280") * (found["abandonment"] + found["restructure"])
    cared = sum(found[key] for key in ("abandonment", "restructure", "reforestation", "restoration"))
    assert (reward, cared, cared * 300, cared * 900) == (D("79800"), D("625.5"), D("187650"), D("562950"))
    xinsi = {one.target: row.amount for one in XIHE.splits for row in one.rows if row.division == "新四村"}
    once = 500 * xinsi["abandonment"] + 600 * xinsi["restructure"] + 1200 * xinsi["reforestation"]
    assert once + 280 * (xinsi["abandonment"] + xinsi["restructure"]) == D("18872")


def test_xihe_rules_suggest_a_measure_for_every_row_of_the_ledger():
    differing = []
    for row in XIHE.ledgers[0].rows:
        known = facts(state=row.use, kind="illegal_use", on_pbf=D(row.pbf) > 0, homestead=row.homestead)
        suggested = suggest(XIHE.rules, known)
        assert suggested is not None, row.serial
        if suggested.measure != DICTIONARY.term("measure", row.measure).code:
            differing.append(row.serial)
    assert differing == ["1", "2"]  # the one road without deliberation, the mushroom base as building land


def test_erong_potential_and_tasks_add_up():
    rows = split(ERONG, "restoration").rows
    assert sum(row.potential for row in rows) == split(ERONG, "restoration").printed_potential == D("874.48")
    assert sum(row.amount for row in rows) == amounts(ERONG)["restoration"] == D("465.17")
    short = {row.division: row.amount - row.potential for row in rows if row.amount > row.potential}
    assert set(short) == {"黄瓜村", "三溪村", "新场村"}
    assert sum(short.values()) == D("42.80")


def test_erong_work_funds_have_three_readings():
    funds = next(rate for rate in ERONG.programs[0].rates if rate.key == "funds")
    paid = {name: _paid(lines, area=D("120"), share=D("110")) for name, lines in funds.readings.items()}
    net = 600 * D("120")
    assert {name: net + more for name, more in paid.items()} == {"A": D("74700"), "B": D("74900"), "C": D("78000")}
    assert funds.chosen == "A"
    assert 600 * D("465.17") + 20 * D("465.17") == D("288405.40")


def _paid(lines, *, area: Decimal, share: Decimal) -> Decimal:
    """Σ price × slice, with ``$share`` as the only bound."""
    total = Decimal(0)
    for line in lines:
        low = share if line.get("from") == "$share" else Decimal(0)
        high = share if line.get("to") == "$share" else area
        total += D(line["price"]) * max(min(area, high) - low, Decimal(0))
    return total


def test_erong_phases_overlap_as_printed():
    works, evidence = ERONG.phases[1], ERONG.phases[2]
    assert (works.to, evidence.from_) == (date(2023, 7, 31), date(2023, 7, 21))


def test_erping_account_gives_the_retained_area():
    entries = {(one.target, one.role): one for one in ERPING.entries}
    survey, deduction = entries["retention", "survey"], entries["retention", "deduction"]
    assert (survey.amount, survey.on) == (D("16117.1"), date(2023, 3, 31))
    counted = survey.amount + deduction.amount
    assert counted == D("15995.15")
    assert counted - amounts(ERPING)["retention"] == D("-61.90")
    assert counted + 69 - amounts(ERPING)["retention"] == D("7.10")
    accepted = entries["in_out", "accepted"]
    assert accepted.amount == 32
    assert accepted.on <= survey.on  # inside the survey: it does not count twice
    assert entries["retention", "at_risk"].amount == D("1210.37")
    assert entries["illegal_use", "correction"].amount == -1


def test_erping_tranches_make_101():
    found = amounts(ERPING)
    assert found["in_out_carried"] + found["in_out_new"] == found["in_out"] == 101
    tranches = {one.key: one.tranche for one in ERPING.targets if one.kind == "in_out"}
    assert tranches["in_out"] == ""
    assert tranches["in_out_carried"]
    assert tranches["in_out_new"]


def test_erping_formulas_give_other_figures_than_two_printed_ones():
    wrong = {}
    for one in ERPING.statements:
        formula = Formula(one.is_) if one.is_ else None
        if formula:
            computed = formula.value({name: printed(ERPING, name)[0] for name in formula.names})
            computed = rounded(computed * (100 if one.unit == "%" else 1), 2)
            if computed != one.value:
                wrong[one.key, one.value] = computed
    assert wrong == {
        ("retention_gap", D("62.35")): D("61.90"),
        ("in_out_rate", D("31.76")): D("31.68"),
    }


def test_erping_keeps_both_counts_of_open_issues():
    assert printed(ERPING, "illegal_left") == [D("2"), D("3")]
    assert printed(ERPING, "pbf_gap") == [D("172.39")] * 3
    assert printed(ERPING, "retention_surplus") == [D("60.05")] * 2


def test_erping_offset_cannot_be_reached():
    target = next(one for one in ERPING.targets if one.key == "offset")
    blocked = next(one.amount for one in ERPING.entries if one.role == "blocked")
    assert (target.amount, target.maximum, blocked) == (D("628"), D("315.1"), D("312.9"))
    assert sum(row.amount for row in split(ERPING, "offset").rows) == target.maximum


def test_erping_steps_of_the_in_out_task():
    keys = ("in_out_ploughed", "in_out_planted", "in_out_requested", "in_out_accepted")
    assert [(step(ERPING, key).on.strftime("%m-%d"), step(ERPING, key).rung) for key in keys] == [
        ("08-20", "ploughed"),
        ("09-30", "planted"),
        ("10-20", "evidenced"),
        ("10-30", "city_accepted"),
    ]


def test_erping_work_funds_stay_open():
    rate = ERPING.programs[0].rates[0]
    assert rate.open
    assert rate.lines is None


def test_shiyu_prints_446_and_466():
    assert printed(SHIYU, "restoration") == [D("446"), D("466")]
    found = amounts(SHIYU)
    assert found["non_grain"] == found["abandonment"] + found["restructure"] == 349


def test_shiyu_item_four_and_three_annexes_are_missing():
    duties = next(item for item in SHIYU.outline if item.title == "各单位职责分工")
    assert [item.number for item in duties.items] == [
        "（一）",
        "（二）",
        "（三）",
        "（五）",
        "（六）",
        "（七）",
        "（八）",
    ]
    assert [annex.present for annex in SHIYU.annexes] == [False, False, False]


def test_district_roll_up_of_the_two_towns_of_2024():
    shiyu, xihe = amounts(SHIYU), amounts(XIHE)
    assert shiyu["retention"] + xihe["retention"] == 37872
    assert shiyu["pbf"] + xihe["pbf"] == 36569
    assert shiyu["restoration"] + xihe["restoration"] == 779
    assert shiyu["non_grain"] + xihe["non_grain"] == D("641.5")


def test_beicheng_sets_no_quota_and_its_deadline_has_no_year():
    assert BEICHENG.targets == []
    assert (step(BEICHENG, "idle_restored").on, step(BEICHENG, "idle_restored").printed) == (
        None,
        "需在6月9日前恢复耕种",
    )


FARM, BUILT = ["forest", "orchard", "road", "water", "facility"], ["building", "villa", "golf"]
CELLS = [
    *[(state, pbf, None, None, "restore", "6月9日") for state in ("idle", "piled") for pbf in (True, False)],
    *[(state, True, None, None, "restore", "立即整改") for state in FARM],
    *[(state, False, None, None, "restore", "") for state in FARM],
    *[(state, False, False, None, "in_out_balance", "") for state in FARM],
    *[(state, True, None, None, "demolish_restore", "按照问题台账整改时限") for state in BUILT],
    *[(state, True, None, True, "demolish_restore", "按照问题台账整改时限") for state in BUILT],
    *[(state, False, None, True, "formalities", "") for state in BUILT],
    *[(state, False, None, False, "demolish_restore", "按问题台账整改时限") for state in BUILT],
]


@pytest.mark.parametrize(("state", "pbf", "restorable", "key_project", "measure", "due"), CELLS)
def test_beicheng_decision_table_answers_all_its_cells(state, pbf, restorable, key_project, measure, due):
    known = facts(state=state, on_pbf=pbf, restorable=restorable, key_project=key_project)
    found = suggest(BEICHENG.rules, known)
    assert (found.measure, found.due) == (measure, due)


@pytest.mark.parametrize(
    ("known", "clause"),
    [
        ({"source": "inspectorate", "occurred_on": date(2018, 1, 1)}, "二（二）1"),
        ({"source": "inspectorate", "occurred_on": date(2017, 12, 31)}, ""),
        ({"state": "building", "occurred_on": date(2020, 7, 3)}, "二（二）3"),
        ({"state": "building", "occurred_on": date(2020, 7, 2)}, ""),
        ({"state": "greening", "occurred_on": date(2020, 9, 30)}, "二（二）4"),
        ({"state": "greening", "occurred_on": None}, ""),
    ],
)
def test_beicheng_scope_has_its_cut_off_days(known, clause):
    rows = [row for row in BEICHENG.rules if row.purpose == "scope" and row.when]
    assert "".join(row.clause for row in rows if holds(row, facts(**known))) == clause


def test_private_persons_are_not_named():
    rows = [row for doc in DOCS.values() for ledger in doc.ledgers for row in ledger.rows if row.homestead]
    assert len(rows) == 5
    assert all("〔某村民〕" in row.project for row in rows)


def test_names_of_one_office_resolve_to_one_office():
    for doc in DOCS.values():
        names = [name for one in doc.offices for name in (one.name, *one.aliases)]
        assert len(names) == len(set(names))


def test_xihe_rules_for_abandoned_land_do_not_answer_for_reforestation():
    def measure(**known):
        found = suggest(XIHE.rules, facts(**known))
        return (found.rule_key, found.measure) if found else None

    assert measure(state="shrub_weed", kind="abandonment") == ("shrub_restore", "restore")
    assert measure(state="forest_mature", kind="reforestation", intercroppable="yes", on_pbf=False) == (
        "mature_stand",
        "restore",
    )
    assert measure(state="orchard", kind="reforestation", on_pbf=False, restorable="no") == (
        "reforestation_substitute",
        "substitute",
    )


def test_erping_retention_holds_from_2021_to_2035():
    target = next(one for one in ERPING.targets if one.key == "retention")
    assert (target.from_year, target.to_year) == (2021, 2035)


def test_every_rate_asks_for_the_papers_its_clause_rests_on():
    papers = {one.key: one.documents for doc in DOCS.values() for program in doc.programs for one in program.rates}

    assert all(papers.values())
    assert papers["shrub"] == ["区级验收资料"]  # 最终面积以通过区级验收的数量为准
    assert papers["care-restoration"] == ["村管护申报表", "镇级验收资料"]  # 由各村申报，镇级按照申报验收面积拨付
    assert papers["net600"] == ["市级审核通过资料"]
    assert papers["work-funds"] == ["市级验收资料"]
