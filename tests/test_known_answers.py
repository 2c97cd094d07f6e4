"""The known answers of the five seeds, from the plan file through the loader to the API and the page."""

from collections import Counter
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from farmland.accounts.models import ApiToken
from farmland.places.models import Division
from tests.tasks.page_world import person, shown, sign_in, towns

FIVE = ("shiyu-2024", "beicheng-2023", "xihe-2024", "erong-2023", "erping-2023")


@pytest.fixture(scope="module", autouse=True)
def five(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, *FIVE) as found:
        yield found


@pytest.fixture
def ask(db):
    """``ask("targets/?town=xihe")``: all rows, as the administrator of everything."""
    user = person("administrator", Division.objects.get(code="500151"))
    user.is_superuser = True
    user.save()
    client = APIClient(headers={"authorization": f"Token {ApiToken.issue(user)}"})

    def rows(path: str) -> list[dict]:
        found, answer = [], client.get(f"/api/v1/{path}").json()
        while True:
            found += answer["results"]
            if not answer["next"]:
                return found
            answer = client.get(answer["next"]).json()

    return rows


def amounts(rows, key, name="amount") -> dict[str, Decimal | None]:
    return {row[key]: None if row[name] is None else Decimal(row[name]) for row in rows}


def total(rows, name) -> Decimal:
    return sum((Decimal(row[name]) for row in rows if row[name] is not None), Decimal(0))


def test_xihe_splits_283_2_7_5_and_23_over_its_seven_villages(ask):
    shares = ask("village-targets/?town=xihe&page_size=1000")
    sums = {kind: total([row for row in shares if row["kind"] == kind], "amount") for kind in amounts(shares, "kind")}
    expected = {"abandonment": 283, "restructure": 2, "reforestation": Decimal("7.5"), "illegal_use": 23}
    assert {kind: sums[kind] for kind in expected} == expected
    stated = {(row["division_name"], row["kind"]): (row["amount"], row["stated"]) for row in shares}
    assert stated["龙岭村", "restructure"] == (None, "/")
    targets = amounts(ask("targets/?town=xihe"), "key")
    assert targets["non_grain"] == Decimal("292.5") == 285 + Decimal("7.5")
    assert (targets["retention"], targets["pbf"], targets["restoration"]) == (17225, 16659, 333)


def test_xihe_has_23_issues_with_26_codes(ask):
    issues = ask("issues/?town=xihe&page_size=1000")
    assert (len(issues), sum(len(row["codes"]) for row in issues)) == (23, 26)
    areas = [total(issues, name) for name in ("area_mu", "cultivated_mu", "pbf_mu")]
    assert areas == [Decimal("70.75"), Decimal("61.92"), Decimal("48.71")]
    names = {row["code"]: row["name"] for row in ask("divisions/?town=xihe&page_size=1000")}
    villages = Counter(names[row["responsible_division"]] for row in issues)
    assert villages == {"双永村": 7, "兴建村": 4, "大珑村": 3, "新四村": 3, "龙岭村": 3, "三善村": 2, "西河村": 1}
    assert sorted(Counter(row["measure"] for row in issues).values(), reverse=True) == [13, 3, 2, 2, 1, 1, 1]
    assert Counter(row["due_on"] for row in issues) == {None: 14, "2024-07-31": 7, "2024-09-30": 2}


def test_xihe_findings_name_the_seven_past_deadlines_the_missing_ones_and_row_5(ask):
    findings = ask("findings/?town=xihe&page_size=1000")
    assert sum(row["rule"] == "C09" and row["severity"] == "error" for row in findings) == 7
    without = [row for row in findings if row["rule"] == "C09" and row["stated"] == "/"]
    assert len(without) == 14
    assert any(row["rule"] == "C04" and "第5行" in row["place"] for row in findings)


def test_erong_offers_874_48_for_465_17_and_three_villages_fall_short_by_42_80(ask):
    shares = ask("village-targets/?town=erong")
    assert (total(shares, "potential_mu"), total(shares, "amount")) == (Decimal("874.48"), Decimal("465.17"))
    short = [row for row in ask("findings/?town=erong") if row["rule"] == "C07" and row["severity"] == "error"]
    assert {name for name in ("黄瓜村", "三溪村", "新场村") for row in short if name in row["place"]} == {
        "黄瓜村", "三溪村", "新场村",
    }  # fmt: skip
    assert len(short) == 3
    missing = sum(
        (Decimal(row["amount"]) - Decimal(row["potential_mu"]) for row in shares
         if Decimal(row["amount"]) > Decimal(row["potential_mu"])), Decimal(0),
    )  # fmt: skip
    assert missing == Decimal("42.80")


def test_erping_is_short_of_61_90_and_holds_by_7_10_when_the_remaining_69_are_accepted(ask):
    lines = {row["line"]: row for row in ask("red-lines/?town=erping")}
    assert Decimal(lines["retention"]["actual"]) == Decimal("15995.15")
    assert Decimal(lines["retention"]["margin"]) == Decimal("-61.90")
    assert Decimal(lines["pbf"]["margin"]) == Decimal("-172.39")
    rows = ask("progress/?town=erping&kind=in_out")
    root = next(row for row in rows if row["division"] is None and row["tranche"] is None)
    assert (Decimal(root["counted"]), Decimal(root["target"]), root["rate"]) == (32, 101, "0.3168")
    assert (Decimal(root["gap"]), root["state"]) == (69, "at_risk")
    assert [row["state"] for row in ask("progress/?town=erping&kind=offset") if row["division"] is None] == [
        "infeasible"
    ]


def test_erping_page_shows_gap_and_what_if(client, five):
    user = person("official", five["erping"])
    page = shown(sign_in(client, user), "/erping/2023/")
    assert "−61.90" in page
    assert "+7.10" in page
    assert "+7.10" in shown(client, "/erping/2023/what-if/?tier=planned")


def test_erping_findings_give_the_printed_and_the_computed_figure(ask):
    found = {(row["rule"], row["stated"]): row["computed"] for row in ask("findings/?town=erping")}
    assert "61.90" in found["C05", "62.35亩"]
    assert "31.68%" in found["C05", "31.76%"]


def test_shiyu_349_is_338_and_11_and_446_contradicts_466(ask):
    targets = amounts(ask("targets/?town=shiyu"), "key")
    assert targets["non_grain"] == targets["abandonment"] + targets["restructure"] == 349
    findings = ask("findings/?town=shiyu")
    assert any(row["rule"] == "C01" and "466" in row["stated"] + row["computed"] for row in findings)
    assert any(row["rule"] == "C16" and "（四）" in row["computed"] + row["message"] for row in findings)


def test_beicheng_has_no_quota_and_five_lines_without_data(ask):
    assert [row for row in ask("targets/?town=beicheng") if row["amount"] is not None] == []
    assert {row["state"] for row in ask("red-lines/?town=beicheng")} == {"no_data"}


def test_the_district_adds_shiyu_and_xihe(five, db):
    user = person("district", Division.objects.get(code="500151"))
    client = APIClient(headers={"authorization": f"Token {ApiToken.issue(user)}"})
    rows = client.get("/api/v1/targets/?year=2024&page_size=1000").json()["results"]
    assert {row["town"] for row in rows} == {"shiyu", "xihe"}
    sums = {
        kind: total([row for row in rows if row["key"] == kind], "amount")
        for kind in ("retention", "pbf", "restoration", "non_grain")
    }
    assert sums == {"retention": 37_872, "pbf": 36_569, "restoration": 779, "non_grain": Decimal("641.5")}


def test_every_town_and_year_has_all_five_lines(ask):
    lines = Counter((row["town"], row["year"]) for row in ask("red-lines/?page_size=1000"))
    assert set(lines.values()) == {5}
    assert len(lines) == 5
